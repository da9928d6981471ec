"""Rotated grids: true longitudes and latitudes in two dimensions, in the physics, in files and in data of others."""

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model, cases, datasets, restart
from dycore.cases.steady_zonal_flow import exact_depth, exact_velocity
from dycore.directions import along_grid, at_centres, to_east_north
from dycore.fluid import Atmosphere, shallow_water
from dycore.geometry.geographic import rotated
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.output import state_from_dataset
from dycore.parameters import Parameters
from dycore.physics.held_suarez import held_suarez
from dycore.running.reserved_names import taken_names
from dycore.state import initial_state
from dycore.tiles import Place
from dycore.writing import Snapshots

xarray = pytest.importorskip("xarray")
EUROPE = (-162.0, 39.25)  # the pole of EURO-CORDEX
RADIUS, ROTATION, GRAVITY = cases.water_on_a_sphere.RADIUS, cases.water_on_a_sphere.ROTATION, cases.water_on_a_sphere.GRAVITY


def region(cells=(2, 6, 8), pole=EUROPE, latitudes=(-20.0, 20.0), longitudes=(-25.0, 25.0), **options):
    return latitude_longitude(cells, interfaces=np.linspace(0.0, 3000.0, cells[0] + 1), latitudes=latitudes, longitudes=longitudes,
                              pole=pole, **options)


def flowing(grid, backend):
    """A model of water that flows eastward about the true pole, and its state."""
    u = along_grid(grid, *exact_velocity(*radians(grid.geographic(Place.WEST_FACE)), 0.0), Place.WEST_FACE)[0]
    v = along_grid(grid, *exact_velocity(*radians(grid.geographic(Place.SOUTH_FACE)), 0.0), Place.SOUTH_FACE)[1]
    surface = exact_depth(*radians(grid.geographic()), 0.0)
    state = initial_state(grid, surface=surface, u=np.broadcast_to(u, grid.cells), v=np.broadcast_to(v, grid.cells))
    return Model(grid, Parameters(fluid=shallow_water(GRAVITY), time_step=60.0), backend), state


def radians(places):
    return np.radians(places.longitude), np.radians(places.latitude)


def about_the_pole(backend):
    """(model, state, dataset) about the North Pole, which lies within a cell at the crossing of equator and first meridian."""
    grid = region((2, 9, 11), pole=(40.0, 0.0), latitudes=(-25.0, 20.0), longitudes=(-28.0, 27.0), radius=RADIUS, rotation=ROTATION)
    model, state = flowing(grid, backend)
    return model, state, model.dataset(state)


@pytest.fixture(scope="module")
def arctic(numpy_backend):
    return about_the_pole(numpy_backend)


# Where points are


@pytest.mark.parametrize("there, here", [((-28.21, 21.67), (-44.14, 60.21)), ((-28.21, -23.21), (-9.98, 22.20))])
def test_corners_of_the_european_domain_of_cordex_are_where_its_table_has_them(there, here):
    found = rotated(np.array([[there[0]]]), np.array([[there[1]]]), EUROPE)
    assert (found.longitude.item(), found.latitude.item()) == pytest.approx(here, abs=0.006)


def test_the_angle_is_that_from_east_to_the_next_point_along_a_row():
    grid = region((1, 40, 50), pole=(20.0, 60.0))
    west, east = (grid.corners.at(slice(None), cut) for cut in (slice(0, -1), slice(1, None)))
    eastward = np.radians((east.longitude - west.longitude + 180.0) % 360.0 - 180.0)
    along = np.degrees(np.arctan2(np.radians(east.latitude - west.latitude),
                                  eastward * np.cos(np.radians(0.5 * (west.latitude + east.latitude)))))
    between = grid.geographic(Place.SOUTH_FACE).angle
    clear = grid.geographic(Place.SOUTH_FACE).latitude < 80.0
    assert np.abs((along[:-1] - between + 180.0) % 360.0 - 180.0)[clear].max() < 0.02
    assert np.ptp(between) > 30.0


def test_a_pole_where_it_was_turns_nothing():
    turned, plain = region(pole=(180.0, 90.0)), region(pole=None)
    for name in ("longitude", "latitude", "angle"):
        assert np.allclose(getattr(turned, name), getattr(plain, name), rtol=0.0, atol=1e-12), name
    assert np.allclose(turned.metrics.coriolis, plain.metrics.coriolis, rtol=0.0, atol=1e-18)
    assert (plain.longitude == plain.x).all() and (plain.latitude == plain.y[:, None]).all() and not plain.angle.any()
    assert (plain.corners.longitude == plain.x_face).all() and (plain.corners.latitude == plain.y_face[:, None]).all()


def test_lengths_are_those_of_the_grid_and_rotation_is_that_of_the_earth():
    turned, plain = region(), region(pole=None)
    assert all((getattr(turned.metrics, name) == getattr(plain.metrics, name)).all() for name in ("area", "dx_u", "dy_v"))
    f = interior(turned.metrics.coriolis)
    assert np.allclose(f, 2.0 * 7.29212e-5 * np.sin(np.radians(turned.corners.latitude[:-1, :-1])), rtol=0.0, atol=1e-18)


def test_a_coriolis_parameter_of_ones_own_is_asked_at_true_places():
    grid = region(coriolis=lambda longitude, latitude: longitude + 10.0 * latitude)
    longitude, latitude = radians(grid.corners)
    assert np.allclose(interior(grid.metrics.coriolis), (longitude + 10.0 * latitude)[:-1, :-1], rtol=1e-13)


def test_components_along_the_grid_and_eastward_ones_turn_into_each_other(random):
    grid = region()
    east, north = random.standard_normal((2, *grid.cells))
    u, v = along_grid(grid, east, north)
    assert np.allclose(to_east_north(grid, u, v), (east, north), atol=1e-14) and not np.allclose(u, east, atol=0.1)


def test_a_plane_has_no_longitudes_and_a_pole_must_be_one():
    plane = rectilinear((1, 4, 6), extent=(6e5, 4e5), interfaces=np.array([-100.0, 0.0]))
    for ask in (lambda: plane.longitude, lambda: plane.corners, lambda: datasets.cell_places(plane)):
        with pytest.raises(ValueError, match="The grid is a plane: it has no longitudes and latitudes"):
            ask()
    for pole, words in (((0.0, 91.0), "within -90..90 degrees, of the north pole of a rotated grid"), (45.0, "must be two finite"),
                        ((np.nan, 40.0), "pole=.*nan.* must be two finite numbers: the longitude and the latitude")):
        with pytest.raises(ValueError, match=words):
            region(pole=pole)


# Physics


def test_flow_about_the_true_pole_is_the_tilted_one_of_williamson_and_stays_steady(numpy_backend):
    errors, across = [], []
    for cells in ((1, 16, 32), (1, 32, 64)):
        tilted, parameters, expected = cases.steady_zonal_flow(cells, angle=-45.0)
        grid = latitude_longitude(cells, interfaces=tilted.interfaces, radius=RADIUS, rotation=ROTATION, pole=(70.0, 45.0))
        assert np.allclose(interior(grid.metrics.coriolis), interior(tilted.metrics.coriolis), rtol=0.0, atol=1e-18)
        _, state = flowing(grid, numpy_backend)
        for name, field in fields_of(state).items():
            assert np.allclose(field, fields_of(expected)[name], rtol=1e-13, atol=1e-12), name
        after = Model(grid, parameters, numpy_backend).steps(state, round(43200.0 / parameters.time_step))
        area, exact = interior(grid.metrics.area), exact_depth(*radians(grid.geographic()), 0.0)
        errors.append(np.sqrt((area * (interior(after.surface) - exact) ** 2).sum() / (area * exact**2).sum()))
        east, north = (part[0, abs(grid.y) < 60.0] for part in to_east_north(grid, *at_centres(after.u, after.v)))
        across.append(np.abs(north).max() / east.max())
    assert errors[0] < 6e-3 and 1.7 < np.log2(errors[0] / errors[1]) < 2.6, errors
    assert across[0] < 0.05 and across[1] < 0.5 * across[0], across


def test_a_region_keeps_geostrophic_balance_to_second_order_away_from_its_walls(numpy_backend):
    rates = []
    for n in (16, 32):
        grid = region((1, n, n), longitudes=(-20.0, 20.0), radius=RADIUS, rotation=ROTATION)
        model, state = flowing(grid, numpy_backend)
        after, away = model.steps(state, 1), slice(n // 4, -n // 4)
        rates.append(max(np.abs(fields_of(after)[name] - fields_of(state)[name])[..., away, away].max() / 60.0 for name in "uv"))
    assert rates[0] < 1e-3 * 1e-4 * 38.0 and 1.7 < np.log2(rates[0] / rates[1]) < 2.3  # of f u


def test_the_forcing_of_held_and_suarez_is_one_of_true_latitude():
    levels = np.linspace(0.0, 1.0e5, 4)
    grid = latitude_longitude((3, 12, 24), interfaces=levels, pole=(0.0, 0.0))
    sine2 = np.sin(np.radians(grid.latitude)) ** 2
    values = held_suarez(grid, Atmosphere()).values
    assert np.allclose(values.cosine2, 1.0 - sine2, atol=1e-15) and np.allclose(values.warmest, 315.0 - 60.0 * sine2)
    coldest = np.unravel_index(values.warmest.argmin(), values.warmest.shape)
    assert abs(grid.y[coldest[0]]) < 8.0 and min(abs((grid.x[coldest[1]] + 90.0) % 180.0 - 90.0), 180.0) < 8.0


def test_a_column_without_water_is_told_by_its_true_place():
    grid = region(pole=(40.0, 0.0))
    surface = np.full(grid.cells[1:], 10.0)
    surface[2, 3] = -1.0
    with pytest.raises(ValueError, match=f"longitude = {grid.longitude[2, 3]:.6g} degrees, latitude = {grid.latitude[2, 3]:.6g}"):
        initial_state(grid, surface=surface)


# Files


def test_a_dataset_has_true_coordinates_corners_and_the_mapping_of_cf(arctic):
    model, _, dataset = arctic
    field = dataset.temperature if "temperature" in dataset else dataset.sea_surface_height
    assert field.attrs["coordinates"] == "longitude latitude" and field.dims[-2:] == ("grid_latitude", "grid_longitude")
    mapping = dataset[field.attrs["grid_mapping"]].attrs
    assert mapping == {"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_longitude": 40.0,
                       "grid_north_pole_latitude": 0.0, "north_pole_grid_longitude": 0.0}
    assert dataset.grid_longitude.attrs["standard_name"] == "grid_longitude" and dataset.grid_longitude.attrs["units"] == "degrees"
    assert (dataset.longitude.values == model.grid.longitude).all() and (dataset.angle.values == model.grid.angle).all()
    corners = dataset[dataset.latitude.attrs["bounds"]].values
    assert corners.shape == (9, 11, 4) and (corners[:-1, :, 3] == corners[1:, :, 0]).all()
    assert (corners[:, :-1, 1] == corners[:, 1:, 0]).all() and (corners[:, :-1, 2] == corners[:, 1:, 3]).all()
    assert dataset.x_velocity.attrs["standard_name"] == "sea_water_x_velocity" and "eastward_velocity" not in dataset
    assert dataset.x_velocity.attrs["coordinates"] == "longitude_west_face latitude_west_face"
    assert (dataset.latitude_south_face.values == model.grid.geographic(Place.SOUTH_FACE).latitude).all()


def test_a_grid_that_is_not_rotated_is_written_with_coordinates_of_one_dimension(numpy_backend):
    model, state = flowing(region(pole=None, radius=RADIUS, rotation=ROTATION), numpy_backend)
    dataset = model.dataset(state)
    planes = {name for name, data in dataset.coords.items() if data.ndim == 2}
    assert planes >= {"cell_area", "longitude_bounds", "latitude_bounds", "height_bounds"}
    assert {name for name in planes if name.startswith(("longitude", "latitude"))} == {"longitude_bounds", "latitude_bounds"}
    assert "angle" not in dataset
    assert dataset.eastward_velocity.attrs == {"standard_name": "eastward_sea_water_velocity", "long_name": "eastward velocity",
                                               "units": "m s-1"}


def test_no_tracer_can_have_the_name_of_a_coordinate_of_a_rotated_grid(arctic, numpy_backend):
    plane = rectilinear((1, 4, 6), extent=(6e5, 4e5), interfaces=np.array([0.0, 100.0]))
    other = Model(plane, Parameters(fluid=shallow_water(GRAVITY), time_step=60.0), numpy_backend)
    assert {*arctic[2].variables, *arctic[2].dims} <= taken_names(other)


def test_a_rotated_grid_prints_its_pole():
    assert "its north pole is at longitude -162, latitude 39.25" in repr(region()) and "pole" not in repr(region(pole=None))


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_files_say_the_same_and_states_come_back_on_the_same_grid_alone(arctic, tmp_path, suffix):
    pytest.importorskip("netCDF4" if suffix == ".nc" else "zarr")
    model, state, dataset = arctic
    path = tmp_path / f"arctic{suffix}"
    model.run(state, steps=0, write=(Snapshots(path, 1.0),), progress=False)
    with xarray.open_dataset(path, decode_coords="all") as file:
        found = file.load()
    assert {"longitude", "latitude", "longitude_vertices", "rotated_pole", "angle"} <= {*found.coords}
    assert (found.longitude.values == dataset.longitude.values).all()
    again = state_from_dataset(model, found)
    assert all((fields_of(again)[name] == field).all() for name, field in fields_of(state).items() if name != "w")
    other = Model(region((2, 9, 11), pole=(50.0, 0.0), latitudes=(-25.0, 20.0), longitudes=(-28.0, 27.0)), model.parameters,
                  model.backend)
    with pytest.raises(ValueError, match=r"The dataset has cell .* at longitude .*; that of this grid is at .*Interpolate"):
        state_from_dataset(other, found)
    with pytest.raises(ValueError, match=r"was written by another run: north pole of the grid .* is \[40.0, 0.0\] there and \[50"):
        other.run(state, steps=0, write=(Snapshots(path, 1.0),), progress=False)


def test_a_restart_belongs_to_grids_of_its_pole_alone(numpy_backend, tmp_path):
    def made(pole):
        return flowing(region((1, 4, 6), pole=pole, rotation=0.0), numpy_backend)

    poles = EUROPE, (-162.0, 40.0), None
    paths = {pole: restart.write(tmp_path / f"{number}.npz", *made(pole)) for number, pole in enumerate(poles)}
    for pole in poles:
        model, state = made(pole)
        assert (restart.read(paths[pole], model).u == state.u).all()
        for other in {*poles} - {pole}:
            with pytest.raises(ValueError, match=r"does not belong to this model: north pole of the grid .* is .* there and"):
                restart.read(paths[other], model)


# Data of others


def atlas(west):
    """A smooth field of the whole Earth that no seam shows in, on points of 2 degrees from a longitude on."""
    lon, lat = (xarray.DataArray(values, {name: values}, name) for name, values in (
        ("lon", np.arange(west, west + 360.0, 2.0)), ("lat", np.arange(-89.0, 90.0, 2.0))))
    return xarray.Dataset({"field": smooth(lon, lat)})


def smooth(lon, lat):
    return np.cos(np.radians(lon - 30.0)) * np.cos(np.radians(lat)) + 0.01 * lat


@pytest.mark.parametrize("west", [-180.0, 0.0])
@pytest.mark.parametrize("pole", [EUROPE, (0.0, 40.0), (-5.0, 60.0)])  # Europe, the date line, Kamchatka
def test_data_on_longitudes_and_latitudes_come_to_the_cells_of_a_rotated_grid(west, pole):
    grid = region(pole=pole)
    found = datasets.covering(atlas(west), grid).interp(**datasets.cell_places(grid)).transpose("y", "x").field
    np.testing.assert_allclose(found, smooth(grid.longitude, grid.latitude), atol=np.radians(2.0) ** 2 / 4.0)


def test_data_that_do_not_reach_the_cells_are_refused_and_so_are_curvilinear_ones():
    grid = region()
    with pytest.raises(ValueError, match=r"from 30\.46.* to 67\.25.* degrees north, and the dataset is from 31 to 59: choose"):
        datasets.covering(atlas(0.0).sel(lat=slice(30.0, 60.0)), grid)
    with pytest.raises(ValueError, match="degrees east, and the dataset is from 10 to 100: choose a grid within"):
        datasets.covering(atlas(0.0).sel(lon=slice(10.0, 100.0)), grid)
    curvilinear = atlas(0.0).rename(lon="i", lat="j").assign_coords(lon=(("j", "i"), np.zeros((90, 180))), lat=0.0)
    with pytest.raises(ValueError, match=r"no coordinate lon of one dimension.*must be regridded first"):
        datasets.covering(curvilinear, grid)
