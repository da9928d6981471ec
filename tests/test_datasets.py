"""Datasets of others: units are converted or refused, places are found in any order and convention, nothing is extrapolated."""

import sys

import numpy as np
import pytest
from conftest import fields_of
from test_examples import example

from dycore import Model, cases, datasets
from dycore.fluid import Ocean
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.output import state_from_dataset
from dycore.parameters import Parameters
from dycore.state import initial_state

xr = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def sea(numpy_backend):
    """A model of an ocean on a plane, and a dataset of a state that differs in every cell."""
    grid = rectilinear((3, 4, 6), extent=(6e5, 4e5), interfaces=np.linspace(-300.0, 0.0, 4), coriolis=1e-4)
    model = Model(grid, Parameters(Ocean(), time_step=600.0, substeps=24, tracer_names=("temperature", "salinity", "dye")),
                  numpy_backend)
    return model, model.dataset(of_noise(grid, (15.0, 35.0, 1.0)))


@pytest.fixture(scope="module")
def air(numpy_backend):
    """A model of an atmosphere on the sphere, and a dataset of a state that differs in every cell."""
    grid, parameters, _ = cases.baroclinic_wave((3, 8, 12))
    model = Model(grid, parameters, numpy_backend)
    return model, model.dataset(of_noise(grid, (300.0,), 1e5))


def of_noise(grid, tracers, surface=0.0):
    random = np.random.default_rng(3)
    u, v = 0.1 * random.standard_normal((2, *grid.cells))
    v[:, 0] = 0.0
    return initial_state(grid, u=u, v=v, surface=surface + random.random(grid.cells[1:]),
                         tracers=tuple(value + random.random(grid.cells) for value in tracers))


def assert_same_state(model, dataset, right, atol=1e-12):
    """The state of a dataset is that of another, to round-off of a conversion."""
    found, wanted = (fields_of(state_from_dataset(model, each)) for each in (dataset, right))
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=atol, err_msg=name)
    assert np.ptp(found["u"]) > 0.1


@pytest.mark.parametrize("name, units, factor, zero", [
    ("temperature", "K", 1.0, 273.15), ("temperature", "degF", 1.8, 32.0), ("temperature", "degC", 1.0, 0.0),
    ("temperature", "degrees_celsius", 1.0, 0.0), ("eastward_velocity", "cm s-1", 100.0, 0.0),
    ("northward_velocity", "m/s", 1.0, 0.0), ("northward_velocity", "m s**-1", 1.0, 0.0), ("eastward_velocity", "km/h", 3.6, 0.0),
    ("temperature", "C", 1.0, 0.0), ("temperature", "degrees C", 1.0, 0.0),
    ("salinity", "g/kg", 1.0, 0.0), ("salinity", "kg kg-1", 1e-3, 0.0),
    ("sea_surface_height", "cm", 100.0, 0.0), ("sea_surface_height", "  m ", 1.0, 0.0)])
def test_a_field_in_other_units_is_converted(sea, name, units, factor, zero):
    pytest.importorskip("cf_units")
    model, data = sea
    other = data.assign({name: (factor * data[name] + zero).assign_attrs(data[name].attrs | {"units": units})})
    assert_same_state(model, other, data)


def test_a_pressure_in_hectopascals_is_converted(air):
    pytest.importorskip("cf_units")
    model, data = air
    for units in ("hPa", "millibar"):
        other = data.assign(surface_pressure=(0.01 * data.surface_pressure).assign_attrs(units=units))
        assert_same_state(model, other, data)


@pytest.mark.parametrize("name, units, words", [
    ("temperature", "m", "The units of temperature are 'm', which cannot be converted to 'degree_C'"),
    ("temperature", "Deg. C.", "are 'Deg. C.', which cannot"), ("temperature", "unknown", "which cannot"),
    ("temperature", 1, "are 1, which is no text"),
    ("eastward_velocity", "m", "eastward_velocity are 'm', which cannot be converted to 'm s-1'"),
    ("sea_surface_height", "dbar", "cannot be converted to 'm'"), ("salinity", "kg m-3", "cannot be converted to 'g kg-1'"),
    ("salinity", "psu", "those of practical salinity. Give absolute salinity"), ("salinity", "PSU", "practical salinity"),
    ("salinity", "1", "practical salinity"), ("salinity", "1e-3", "practical salinity"), ("salinity", "0.001", "practical"),
    ("salinity", "ppt", "are 'ppt', those of practical salinity"), ("salinity", "per mille", "practical salinity")])
def test_units_of_something_else_are_refused(sea, name, units, words):
    pytest.importorskip("cf_units")
    model, data = sea
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        state_from_dataset(model, data.assign({name: data[name].assign_attrs(units=units)}))


def test_without_units_a_field_is_in_those_of_the_model_and_a_tracer_of_ones_own_in_any(sea):
    model, data = sea
    bare = data.copy()
    for name in (*bare.data_vars, *bare.coords):
        bare[name].attrs.pop("units", None)
    assert_same_state(model, bare, data)
    assert_same_state(model, data.assign(dye=data.dye.assign_attrs(units="mol m-3")), data)


def test_another_quantity_of_the_same_units_is_refused(sea):
    model, data = sea
    other = data.assign(temperature=data.temperature.assign_attrs(standard_name="sea_water_temperature"))
    with pytest.raises(ValueError, match="temperature has the standard name 'sea_water_temperature', and this model needs"):
        state_from_dataset(model, other)


def test_without_the_library_of_units_those_of_the_model_are_taken_and_others_refused(sea, monkeypatch):
    model, data = sea
    monkeypatch.setitem(sys.modules, "cf_units", None)
    assert_same_state(model, data, data)
    with pytest.raises(ImportError, match=r"The units of temperature are 'K', not 'degree_C'\. To convert them install cf-units"):
        state_from_dataset(model, data.assign(temperature=data.temperature.assign_attrs(units="K")))


def test_coordinates_in_other_units_directions_and_orders_are_found(sea, air):
    pytest.importorskip("cf_units")
    model, data = sea
    km = {name: (name, 1e-3 * data[name].values, {"units": "km"}) for name in ("x", "x_face", "y", "y_face")}
    depth = {name: (name, -data[name].values, {"units": "m", "positive": "down"}) for name in ("height", "height_face")}
    assert_same_state(model, data.assign_coords(km), data)
    assert_same_state(model, data.assign_coords(depth), data)
    mixed = data.isel(height=[2, 0, 1], y=slice(None, None, -1), x=[3, 1, 0, 2, 5, 4], x_face=slice(None, None, -1))
    assert_same_state(model, mixed, data)
    model, data = air
    radians = {name: (name, np.radians(data[name].values), {"units": "radian"}) for name in ("longitude", "latitude_face")}
    pressure = {"air_pressure": ("air_pressure", 0.01 * data.air_pressure.values, {"units": "hPa", "positive": "down"})}
    assert_same_state(model, data.assign_coords(radians | pressure), data)


def test_longitudes_from_minus_180_degrees_are_those_from_zero(air):
    model, data = air
    turned = data.assign_coords({name: (name, (data[name].values + 180.0) % 360.0 - 180.0, data[name].attrs)
                                 for name in ("longitude", "longitude_face")})
    assert_same_state(model, turned, data)
    assert_same_state(model, turned.sortby("longitude").sortby("longitude_face"), data)
    with pytest.raises(ValueError, match=r"longitude\[.*\] of northward_velocity is .*; that of this grid is .*\. Interpolate"):
        state_from_dataset(model, turned.assign_coords(longitude=turned.longitude + 7.0))


@pytest.mark.parametrize("change, words", [
    (lambda d: d.assign_coords(x=1e3 * d.x), r"x\[5\] of northward_velocity is .*; that of this grid is"),
    (lambda d: d.assign_coords(height=-d.height), r"height\[.*\] of eastward_velocity is"),
    (lambda d: d.assign_coords(y=("y", d.y.values, {"units": "degrees_north"})), "The units of y of eastward_velocity are"),
    (lambda d: d.assign_coords(y=[*"abcd"]), "y is of the type <U1. Give real numbers"),
    (lambda d: d.assign(temperature=d.temperature.astype(complex)), "temperature is of the type complex128. Give real numbers"),
    (lambda d: d.assign(temperature=d.temperature.astype(object)), "temperature is of the type object"),
    (lambda d: d.assign(temperature=d.temperature.astype("datetime64[ns]")), "temperature is of the type datetime64"),
    (lambda d: d.assign(salinity=d.salinity.where(d.salinity.x > 2e5)), "salinity has .* values where there is fluid")])
def test_what_is_elsewhere_or_no_number_is_refused(sea, change, words):
    model, data = sea
    with pytest.raises(ValueError, match=words):
        state_from_dataset(model, change(data))


def test_what_is_no_dataset_is_refused(sea):
    model, data = sea
    for other in (data.temperature, data.to_dict(), None):
        with pytest.raises(TypeError, match=r"The state is made of an xarray\.Dataset, not of a (DataArray|dict|NoneType)"):
            state_from_dataset(model, other)


def test_packed_values_and_numbers_for_what_is_missing_are_read_as_such(sea):
    model, data = sea
    packed = ("height", "y", "x"), np.round((data.temperature.values - 10.0) / 0.001).astype("int32"), {
        "units": "degree_C", "scale_factor": 0.001, "add_offset": 10.0}
    assert_same_state(model, data.assign(temperature=packed), data, atol=6e-4)
    holes = data.temperature.where(data.temperature.x > 2e5, -999.0).assign_attrs(units="degree_C", _FillValue=-999.0)
    with pytest.raises(ValueError, match=r"temperature has .* values where there is fluid that are not finite"):
        state_from_dataset(model, data.assign(temperature=holes))


# Data to be interpolated


def atlas(lon, lat, **attributes):
    """A field that has no seam."""
    there = xr.DataArray(np.asarray(lon, float), {"lon": lon}, "lon"), xr.DataArray(np.asarray(lat, float), {"lat": lat}, "lat")
    return xr.Dataset({"field": wave(*there)}).assign_coords(lon=("lon", np.asarray(lon), attributes))


def wave(lon, lat):
    return np.cos(np.radians(lon - 30.0)) + 0.01 * lat


def box(west, east, south=10.0, north=50.0):
    return latitude_longitude((1, 6, 8), interfaces=np.array([-100.0, 0.0]), latitudes=(south, north), longitudes=(west, east))


GLOBAL = {"from -180": np.arange(-180.0, 180.0, 2.0), "from 0": np.arange(0.0, 360.0, 2.0), "both ends": np.arange(0.0, 361.0, 2.0),
          "westward": np.arange(179.0, -181.0, -2.0), "single": np.arange(-179.5, 180.0, 1.0).astype("float32"),
          "from 20": np.arange(20.5, 380.0, 1.0)}


@pytest.mark.parametrize("lon", GLOBAL.values(), ids=GLOBAL)
@pytest.mark.parametrize("west, east", [(200.0, 260.0), (-100.0, 20.0), (0.0, 360.0), (-180.0, 180.0), (350.0, 370.0),
                                        (170.0, 190.0)])
def test_a_global_dataset_covers_grids_of_every_convention(lon, west, east):
    grid = box(west, east)
    found = datasets.covering(atlas(lon, np.arange(60.0, -1.0, -5.0)), grid).interp(lon=grid.x, lat=grid.y).field
    right = wave(grid.x, grid.y[:, None])  # to the error of linear interpolation: 2 degrees squared / 8
    np.testing.assert_allclose(found.transpose("lat", "lon"), right, atol=np.radians(2.0) ** 2 / 8.0 + 1e-6)


@pytest.mark.parametrize("lon", [np.arange(-20.0, 41.0, 2.0), np.arange(340.0, 401.0, 2.0),
                                 np.concatenate([np.arange(0.0, 41.0, 2.0), np.arange(340.0, 360.0, 2.0)])])
def test_a_dataset_of_a_region_covers_what_is_in_it_and_no_more(lon):
    data, grid = atlas(lon, np.arange(0.0, 61.0, 5.0)), box(345.0, 395.0)
    found = datasets.covering(data, grid).interp(lon=grid.x, lat=grid.y).field
    np.testing.assert_allclose(found.transpose("lat", "lon"), wave(grid.x, grid.y[:, None]), atol=2e-4)
    for west, east in ((30.0, 50.0), (-30.0, 0.0), (100.0, 160.0), (0.0, 360.0), (330.0, 400.0)):
        with pytest.raises(ValueError, match=r"The cells of the grid reach .* degrees east, and the dataset is from .*: choose"):
            datasets.covering(data, box(west, east))


def test_what_a_dataset_does_not_hold_is_not_made_up():
    data = atlas(np.arange(0.0, 360.0, 5.0), np.arange(12.5, 61.0, 2.5))
    with pytest.raises(ValueError, match=r"from 13\.3333 to 46\.6667 degrees north, and the dataset is from 20 to 60"):
        datasets.covering(data.sel(lat=slice(20.0, 60.0)), box(0.0, 60.0))
    for other, words in ((data.isel(lon=[3]), "degrees east"), (data.rename(lon="x"), "has no coordinate lon of one dimension"),
                         (data.assign_coords(lat=np.full(20, np.nan)), "lat has values that are not finite"),
                         (data.assign_coords(lat=("lat", data.lat.values, {"units": "km"})), "The units of lat are 'km'")):
        with pytest.raises(ValueError, match=words):
            datasets.covering(other, box(0.0, 60.0))
    with pytest.raises(ValueError, match="The grid is a plane"):
        datasets.covering(data, rectilinear((1, 4, 6), extent=(6e5, 4e5), interfaces=np.array([-100.0, 0.0])))


@pytest.mark.parametrize("upward", [False, True])
def test_the_example_reads_a_file_of_other_longitudes_units_and_directions(tmp_path, upward):
    pytest.importorskip("netCDF4")
    pytest.importorskip("cf_units")
    lon, lat, depth = (xr.DataArray(values, {name: values}, name) for name, values in (
        ("lon", np.arange(-180.0, 180.0, 5.0)), ("lat", np.arange(60.0, -1.0, -2.5)), ("depth", np.arange(0.0, 4.01, 0.1))))
    theta = (288.15 + 5.0 * wave(lon, 0.0 * lat) - depth).assign_attrs(units="K")
    data = xr.Dataset({"theta": theta, "salt": (0.035 + 0.0 * theta).assign_attrs(units="kg kg-1")})
    data["depth"] = ("depth", (-depth if upward else depth).values, {"units": "km"})
    data.to_netcdf(tmp_path / "mine.nc")
    grid = latitude_longitude((4, 8, 10), interfaces=np.linspace(-400.0, 0.0, 5), latitudes=(10.0, 50.0), longitudes=(200.0, 260.0))
    temperature, salinity = (interior(each) for each in example("from_netcdf").read(tmp_path / "mine.nc", grid).tracers)
    right = 15.0 + 5.0 * wave(grid.x, 0.0) - np.array([0.35, 0.25, 0.15, 0.05])[:, None, None]
    np.testing.assert_allclose(temperature, np.broadcast_to(right, temperature.shape), atol=5.0 * np.radians(5.0) ** 2 / 8.0)
    np.testing.assert_allclose(salinity, 35.0, rtol=1e-12)
    with pytest.raises(ValueError, match="The cells of the grid reach"):
        data.sel(lon=slice(-150.0, 0.0)).to_netcdf(tmp_path / "part.nc")
        example("from_netcdf").read(tmp_path / "part.nc", grid)
