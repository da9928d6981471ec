"""Fields of rotated, tripolar and ordinary grids on regular longitudes and latitudes are the analytic ones there."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from dycore import Model, Parameters, cases, diagnostics, initial_state
from dycore.backends import on_numpy
from dycore.directions import along_grid
from dycore.fluid import Ocean
from dycore.geometry.geographic import unit_vectors
from dycore.grid import latitude_longitude, tripolar
from dycore.tiles import Place
from dycore.writing import Diagnostics

pytest.importorskip("xarray")
pytest.importorskip("scipy")
INTERFACES = np.array([-100.0, -50.0, 0.0])
AXIS = np.array([0.3, -0.5, 0.8])  # of a rotation of the sphere as a solid body


def temperature(longitude, latitude):
    x, y = np.radians(longitude), np.radians(latitude)
    return 10.0 + 5.0 * np.sin(y) + 3.0 * np.cos(y) ** 2 * np.cos(2.0 * x)


def rotation(longitude, latitude):
    """(eastward, northward) velocity of the rotation."""
    x, y, zero = np.radians(longitude), np.radians(latitude), 0.0 * (longitude + latitude)
    velocity = np.cross(AXIS, unit_vectors(longitude, latitude), axis=0)
    east = np.stack([-np.sin(x) + zero, np.cos(x) + zero, zero])
    north = np.stack([-np.sin(y) * np.cos(x), -np.sin(y) * np.sin(x), np.cos(y) + zero])
    return (velocity * east).sum(axis=0), (velocity * north).sum(axis=0)


def dataset_of(grid):
    """A dataset of the analytic fields on a grid."""
    model = Model(grid, Parameters(fluid=Ocean(), time_step=60.0, tracer_names=("temperature", "salinity")), on_numpy)
    centre, velocity = grid.geographic(Place.CENTER), []
    for number, place in enumerate((Place.WEST_FACE, Place.SOUTH_FACE)):
        faces = grid.geographic(place)
        velocity.append(along_grid(grid, *rotation(faces.longitude, faces.latitude), place)[number])
    u, v, warm = (np.broadcast_to(each, grid.cells) for each in (*velocity, temperature(centre.longitude, centre.latitude)))
    return model.dataset(initial_state(grid, u=u, v=v, surface=0.0 * warm[0], tracers=(warm, warm)))


def errors(dataset, spacing):
    """Errors of temperature and both velocities on regular places, three spacings inside of the edges of what has values."""
    found = diagnostics.on_regular_grid(dataset, spacing)
    longitude, latitude = np.meshgrid(found.longitude.values, found.latitude.values)
    inside = np.abs(latitude) < (90.0 if latitude.min() < -88.0 else 70.0)
    expected = temperature(longitude, latitude), *rotation(longitude, latitude)
    return [float(np.abs(found[name].values[0] - there)[inside].max())
            for name, there in zip(("temperature", "eastward_velocity", "northward_velocity"), expected, strict=True)]


def whole(n):
    return latitude_longitude((2, 18 * n, 36 * n), interfaces=INTERFACES)


def three_poles(n):
    return tripolar((2, 23 * n, 36 * n), interfaces=INTERFACES)


@pytest.mark.parametrize("make", [whole, three_poles])
def test_smooth_fields_converge_to_the_analytic_ones_to_second_order(make):
    coarse, fine = (errors(dataset_of(make(n)), 6.0) for n in (1, 2))
    assert coarse[0] < 0.1 and max(coarse[1:]) < 0.1
    assert all(near < far / 2.5 for near, far in zip(fine, coarse, strict=True))


def test_places_that_are_cell_centres_get_the_values_of_the_cells():
    dataset = dataset_of(whole(1))
    found = diagnostics.on_regular_grid(dataset, 10.0)
    assert all(np.allclose(found[name], dataset[name]) for name in ("longitude", "latitude"))
    np.testing.assert_allclose(found.temperature, dataset.temperature, rtol=0.0, atol=1e-12)
    assert found.sizes["height"] == 2 and found.sizes["height_face"] == 2
    assert found.eastward_velocity.attrs["standard_name"] == "eastward_sea_water_velocity"


def test_a_part_of_the_sphere_stays_a_part_and_land_has_no_values_nor_gives_any():
    land = np.zeros((40, 40), bool)
    land[10:20, 5:25] = True
    grid = latitude_longitude((2, 40, 40), interfaces=INTERFACES, latitudes=(-10, 10), longitudes=(-10, 10), pole=(-150.0, 45.0),
                              land=land)
    dataset = dataset_of(grid)
    dataset["temperature"] = dataset.temperature.where(dataset.temperature.isnull(), 4.0)
    found = diagnostics.on_regular_grid(dataset, 0.5)
    values = found.temperature.values[0]
    assert np.allclose(values[np.isfinite(values)], 4.0)  # the mean of cells with values alone
    centre = grid.geographic(Place.CENTER)
    longitude, latitude = np.meshgrid(found.longitude.values, found.latitude.values)
    vectors = unit_vectors(longitude, latitude).reshape(3, -1)
    cells = unit_vectors(centre.longitude, centre.latitude).reshape(3, -1)
    nearest, cosine = np.argmax(cells.T @ vectors, axis=0), np.max(cells.T @ vectors, axis=0)
    far = np.degrees(np.arccos(np.minimum(cosine, 1.0))) > 0.5
    assert np.isnan(values.ravel()[far]).all() and far.any()
    agree = np.isnan(values.ravel()[~far]) == land.ravel()[nearest[~far]]
    assert agree.mean() > 0.97  # but for places half a cell from the coast


def test_a_run_writes_its_output_on_regular_places(tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("zarr")
    grid, parameters, start = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    model = Model(grid, parameters, on_numpy)
    write = (Diagnostics(tmp_path / "regular.zarr", 1.0 / 48.0, (diagnostics.on_regular_grid,)),)
    final = model.run(start, steps=2, write=write, progress=False)
    with xarray.open_zarr(tmp_path / "regular.zarr", decode_times=False) as found:
        expected = diagnostics.on_regular_grid(model.dataset(final))
        assert found.sizes["time"] == 3
        np.testing.assert_array_equal(found.potential_temperature.isel(time=-1), expected.potential_temperature)


def test_conservative_regridding_asks_xesmf_for_cells_and_takes_its_weights(monkeypatch):
    asked = []

    def regridder(here, there, method, unmapped_to_nan):
        asked.append((here, there, method))
        from scipy.sparse import coo_array

        matrix = coo_array(np.full((there.sizes["lat"] * there.sizes["lon"], here.lon.size), 1.0 / here.lon.size))
        return SimpleNamespace(weights=SimpleNamespace(data=SimpleNamespace(to_scipy_sparse=lambda: matrix)))

    monkeypatch.setitem(sys.modules, "xesmf", SimpleNamespace(Regridder=regridder))
    for grid in (whole(1), three_poles(1)):
        dataset = dataset_of(grid)
        found = diagnostics.on_regular_grid(dataset, 30.0, method="conservative")
        here, there, method = asked.pop()
        assert method == "conservative" and here.lon_b.shape == (grid.cells[1] + 1, grid.cells[2] + 1)
        np.testing.assert_allclose(there.lon_b, np.arange(0.0, 361.0, 30.0), atol=1e-9)
        corners = unit_vectors(here.lon_b.values, here.lat_b.values)
        centre = unit_vectors(here.lon.values, here.lat.values)
        mean = 0.25 * (corners[:, 1:, 1:] + corners[:, 1:, :-1] + corners[:, :-1, 1:] + corners[:, :-1, :-1])
        assert np.abs(mean - centre).max() < 0.1  # corners lie about their cells
        known = np.isfinite(dataset.temperature.values[0])
        if known.all():
            np.testing.assert_allclose(found.temperature[0], dataset.temperature.values[0].mean())


def test_without_xesmf_and_on_a_plane_a_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "xesmf", None)
    dataset = dataset_of(whole(1))
    with pytest.raises(ImportError, match=r"Conservative regridding needs xESMF, .*\. Install it, or choose method='linear'"):
        diagnostics.on_regular_grid(dataset, 30.0, method="conservative")
    with pytest.raises(ValueError, match=r"method='cubic' is none that there is. Use one of linear, conservative"):
        diagnostics.on_regular_grid(dataset, method="cubic")
    with pytest.raises(ValueError, match=r"spacing=-1.0 must be a number of degrees, above 0 and at most 90"):
        diagnostics.on_regular_grid(dataset, -1.0)
    grid, parameters, start = cases.baroclinic_channel(cells=(3, 8, 6))
    with pytest.raises(ValueError, match=r"The dataset is on a plane \(x, y\), which has no longitudes and latitudes"):
        diagnostics.on_regular_grid(Model(grid, parameters, on_numpy).dataset(start))
