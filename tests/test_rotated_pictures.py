"""Pictures of rotated grids: cells where they are on the Earth, once each, from Python and from the command line."""

import numpy as np
import pytest
from command_line import dycore
from test_pictures import drawn_at, mesh_of
from test_rotated_grids import RADIUS, about_the_pole

from dycore import pictures
from dycore.cases.steady_zonal_flow import exact_velocity
from dycore.grid import EARTH_RADIUS, interior
from dycore.writing import Snapshots

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def arctic(numpy_backend):
    return about_the_pole(numpy_backend)



@pytest.mark.parametrize("projection", [None, pictures.orthographic(70.0), pictures.mollweide])
@pytest.mark.parametrize("name, j, i", [("sea_surface_height", 2, 3), ("x_velocity", 6, 7), ("y_velocity", 3, 8)])
def test_the_colour_at_a_true_place_is_that_of_the_cell_there(arctic, projection, name, j, i):
    _, _, dataset = arctic
    field = pictures.field(dataset, name)
    place = next(dataset[f"{axis}{end}"].values[j, i] for end in ("", "_west_face", "_south_face") for axis in ("longitude",)
                 if dataset[f"{axis}{end}"].dims == field.dims[-2:])
    latitude = next(dataset[f"latitude{end}"].values[j, i] for end in ("", "_west_face", "_south_face")
                    if dataset[f"latitude{end}"].dims == field.dims[-2:])
    figure = pictures.map_of(field, projection, longitude=100.0)
    if projection is None:
        x, y = place, latitude
    else:
        x, y, seen = projection(np.radians([(place - 100.0 + 180.0) % 360.0 - 180.0]), np.radians([latitude]))
        assert seen.all()
        x, y = x.item(), y.item()
    corners = mesh_of(figure).get_coordinates()[..., 0]
    x += 360.0 * np.round((corners.mean() - x) / 360.0) if projection is None and not corners.min() < x < corners.max() else 0.0
    assert drawn_at(figure, x, y) == pytest.approx(float(dataset[name].values[(-1, j, i) if dataset[name].ndim == 3 else (j, i)]))


@pytest.mark.parametrize("longitude", [0.0, 77.0, -160.0])
def test_the_cells_about_a_pole_fill_their_share_of_the_map_once(arctic, longitude):
    model, _, dataset = arctic
    mesh = mesh_of(pictures.map_of(pictures.field(dataset, "sea_surface_height"), pictures.mollweide, longitude))
    (x, y), values = np.moveaxis(mesh.get_coordinates(), -1, 0), mesh.get_array()
    area = 0.5 * ((x[1:, 1:] - x[:-1, :-1]) * (y[1:, :-1] - y[:-1, 1:]) - (x[1:, :-1] - x[:-1, 1:]) * (y[1:, 1:] - y[:-1, :-1]))
    share = interior(model.grid.metrics.area)
    without = share.sum() - share[model.grid.latitude > 88.0].sum()  # the cell that holds the pole
    assert np.abs(area)[~np.ma.getmaskarray(values)].sum() == pytest.approx(without / RADIUS**2, rel=0.04)


def test_speed_and_vorticity_of_a_flow_about_the_pole_are_the_exact_ones(arctic):
    _, _, dataset = arctic
    speed = pictures.field(dataset, "speed").isel(height=-1)
    exact, _ = exact_velocity(np.radians(speed.longitude.values), np.radians(speed.latitude.values), 0.0)
    assert np.allclose(speed.values[1:-1, 1:-1], exact[1:-1, 1:-1], rtol=0.01, atol=0.1)
    vorticity = pictures.field(dataset, "relative_vorticity").isel(height=-1)
    exact = 2.0e5 * 2.0 * np.pi / (12.0 * 86400.0) * np.sin(np.radians(vorticity.latitude_corner.values)) * RADIUS / EARTH_RADIUS
    assert np.allclose(vorticity.values, exact, rtol=0.01)


def test_the_frames_of_an_animation_hold_the_cells_of_their_times(arctic):
    _, _, dataset = arctic
    height = dataset.sea_surface_height
    moments = [dataset.assign(sea_surface_height=height.copy(data=height + 10.0 * day))
               .assign_coords(time=((), 86400.0 * day, dataset.time.attrs)) for day in (0.0, 1.0)]
    both = xarray.concat(moments, "time", coords="minimal", data_vars="all", compat="override", combine_attrs="override")
    _, frames = pictures.frames_of(pictures.field(both, "sea_surface_height"), None, 0.0)
    means = [mesh.get_array().mean() for mesh in frames]
    assert means[1] - means[0] == pytest.approx(10.0)


DRAWN = (("sea_surface_height",), ("x_velocity", "--projection", "orthographic", "--at", "latitude=90"),
         ("x_velocity", "--kind", "section"), ("speed", "--kind", "section", "--at", "grid_latitude=5"), ("--kind", "series"))


def test_a_file_of_a_rotated_grid_is_drawn_from_the_command_line(arctic, tmp_path, capsys):
    pytest.importorskip("netCDF4")
    model, state, _ = arctic
    model.run(state, steps=1, write=(Snapshots(tmp_path / "a.nc", 60.0 / 86400.0),), progress=False)
    for number, options in enumerate(DRAWN):
        picture = tmp_path / f"{number}.png"
        assert dycore(capsys, "plot", tmp_path / "a.nc", *options, "--output", picture)[0] == 0
        assert picture.stat().st_size > 5000
    code, _, said = dycore(capsys, "plot", tmp_path / "a.nc", "speed", "--kind", "section", "--at", "latitude=80")
    assert code == 2 and "there is no latitude on this grid, but grid longitude and grid latitude" in said
