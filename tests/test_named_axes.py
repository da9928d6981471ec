"""Arrays with named dimensions (xarray) are taken by their names in any order, and refused where they run the other way."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from dycore import Model
from dycore.backends import on_numpy
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.physics import surface_flux
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.time_series import TimeSeries

xarray = pytest.importorskip("xarray")
CELLS = 4, 6, 6  # as many rows as columns: shapes do not tell them apart
LEVELS = np.linspace(-400.0, 0.0, 5)
GRID = rectilinear(CELLS, extent=(8.0e5, 6.0e5), interfaces=LEVELS)
PARAMETERS = Parameters(Ocean(), time_step=60.0, tracer_names=("temperature", "salinity"))
VOLUME = 10.0 + np.random.default_rng(3).random(CELLS)


def temperature(field, grid=GRID):
    return interior(initial_state(grid, surface=0.0, tracers=(field,)).tracers[0])


def labelled(array, *dims, **coordinates):
    return xarray.DataArray(array, dims=dims, coords=coordinates)


@pytest.mark.parametrize("dims", [("z", "y", "x"), ("depth", "lat", "lon"), ("height", "latitude", "longitude"),
                                  ("LEV", "LAT", "LON"), ("zl", "yh", "xh"), ("s_rho", "eta_rho", "xi_rho")])
def test_a_field_may_have_its_dimensions_in_any_order(dims):
    field = labelled(VOLUME, *dims)
    for order in (dims, dims[::-1], (dims[1], dims[0], dims[2]), (dims[0], dims[2], dims[1])):
        assert np.array_equal(temperature(field.transpose(*order)), VOLUME)


def test_a_field_without_some_dimensions_holds_along_them():
    assert np.array_equal(temperature(labelled(VOLUME[0, :, 0], "lat")), np.broadcast_to(VOLUME[0, :, :1], CELLS))
    assert np.array_equal(temperature(labelled(VOLUME[0, 0], "lon")), np.broadcast_to(VOLUME[0, 0], CELLS))
    assert np.array_equal(temperature(labelled(VOLUME[:, 0], "z", "x").T), np.broadcast_to(VOLUME[:, :1], CELLS))
    assert np.array_equal(temperature(labelled(VOLUME[:, 0, 0], "z")), np.broadcast_to(VOLUME[:, :1, :1], CELLS))
    with pytest.raises(ValueError, match="The initial surface has shape"):  # of which nothing can hold along z
        initial_state(GRID, surface=labelled(VOLUME[:, 0], "z", "x"))


def test_dimensions_of_other_names_are_known_by_attributes_of_their_coordinates():
    axes = {"p": ("p", np.arange(6.0), {"axis": "X"}), "q": ("q", np.arange(6.0), {"axis": "Y"})}
    assert np.array_equal(temperature(labelled(VOLUME[0].T, "p", "q", **axes))[1], VOLUME[0])
    for east, north in (({"units": "degrees_east"}, {"units": "degrees_north"}),
                        ({"standard_name": "longitude"}, {"standard_name": "latitude"})):
        coordinates = {"p": ("p", np.arange(6.0), east), "q": ("q", np.arange(6.0), north)}
        assert np.array_equal(temperature(labelled(VOLUME[0].T, "p", "q", **coordinates))[1], VOLUME[0])


@pytest.mark.parametrize("x, y", [
    ("xt_ocean", "yt_ocean"), ("xu_ocean", "yu_ocean"), ("grid_xt", "grid_yt"), ("nav_lon", "nav_lat"), ("lon_rho", "lat_rho"),
    ("x_rho", "y_rho"), ("ni", "nj"), ("x_c", "y_c"), ("lon_t", "lat_t"), ("lons", "lats"), ("XLONG", "XLAT"),
    ("easting", "northing"), ("TLONG", "TLAT"), ("geolon_t", "geolat_t"), ("cols", "rows"), ("west_east", "south_north")])
def test_dimensions_are_known_by_the_names_that_models_give_them(x, y):
    assert np.array_equal(temperature(labelled(VOLUME[0].T, x, y))[1], VOLUME[0])
    assert np.array_equal(temperature(labelled(VOLUME[0].T[None], "time", x, y))[1], VOLUME[0])


def test_unknown_dimensions_are_taken_in_order_where_lengths_tell_them_apart_and_refused_where_not():
    narrow = rectilinear((2, 4, 6), extent=(8.0e5, 6.0e5), interfaces=LEVELS[::2])
    assert np.array_equal(temperature(labelled(VOLUME[0, :4], "p", "q"), narrow)[1], VOLUME[0, :4])
    for dims in (("p", "q"), ("lon", "p"), ("q", "x")):
        with pytest.raises(ValueError, match=r"The initial tracer 0 has the dimensions .* (p|q|p, q) may be any .*\.transpose"):
            temperature(labelled(VOLUME[0].T, *dims))


LATITUDES, DEPTHS = np.linspace(60.0, -60.0, 6), np.linspace(50.0, 350.0, 4)
WHOLE = labelled(VOLUME, "z", "y", "x")


@pytest.mark.parametrize("field, said", [
    (labelled(VOLUME[0], "lat", "lon", lat=LATITUDES), "coordinate lat from 60 to -60, and rows of a grid go northward"),
    (labelled(VOLUME, "depth", "y", "x", depth=DEPTHS), "coordinate depth from 50 to 350, and levels of a grid go upward"),
    (labelled(VOLUME, "z", "y", "x", z=("z", DEPTHS, {"positive": "down"})), "coordinate z from 50 to 350"),
    (labelled(VOLUME, "z", "y", "x", z=-DEPTHS), "coordinate z from -50 to -350"),
    (labelled(VOLUME, "plev", "y", "x", plev=DEPTHS[::-1]), "coordinate plev from 350 to 50"),
    (labelled(VOLUME, "z", "y", "x", x=np.arange(6)[::-1]), "coordinate x from 5 to 0, and columns of a grid go eastward"),
    (xarray.Dataset({"t": WHOLE}), "is a Dataset, which cannot be read as one array")])
def test_a_field_that_runs_against_the_grid_is_refused_with_what_to_do(field, said):
    with pytest.raises(ValueError, match=f"The initial tracer 0 (has its )?{said}"):
        temperature(field)


def test_a_field_that_was_turned_round_as_the_sentence_says_is_taken():
    for field, dim in ((labelled(VOLUME, "z", "lat", "lon", lat=LATITUDES), "lat"),
                       (labelled(VOLUME, "depth", "y", "x", depth=DEPTHS), "depth")):
        turned = field.isel({dim: slice(None, None, -1)})
        assert np.array_equal(temperature(turned), turned.values)
    pressures = labelled(VOLUME, "plev", "y", "x", plev=("plev", DEPTHS, {"positive": "down"}))
    assert np.array_equal(temperature(pressures), VOLUME)


class Values(NamedTuple):
    rate: Any


@stencil
def warming(k, j, i, grid, column, values, now):
    return values.rate[k, j, i]


def warmed(forcing, **changes):
    """By what a forcing warms still water of one temperature in a step (K/s)."""
    model = Model(GRID, replace(PARAMETERS, forcing=(forcing,), **changes), on_numpy)
    return (interior(model.step(initial_state(GRID, surface=0.0, tracers=(0.0, 35.0))).tracers[0])) / 60.0


def test_names_count_for_whatever_a_model_takes():
    assert warmed(Forcing(tracers=(warming,), values=Values(WHOLE.transpose("x", "z", "y")))) == pytest.approx(VOLUME)
    series = TimeSeries([0.0, 3600.0], WHOLE.expand_dims(time=2).transpose("time", "x", "y", "z"))
    assert warmed(Forcing(tracers=(warming,), values=Values(series))) == pytest.approx(VOLUME)
    flux = warmed(surface_flux(0, labelled(VOLUME[0], "y", "x").T))
    assert flux[-1] == pytest.approx(VOLUME[0] / 100.0) and not flux[:-1].any()
    land = labelled(VOLUME[0] > 10.5, "y", "x").T
    assert np.array_equal(rectilinear(CELLS, extent=(1.0, 1.0), interfaces=LEVELS, land=land).wet[0], VOLUME[0] <= 10.5)
    stress = Model(GRID, replace(PARAMETERS, surface_stress=(labelled(VOLUME[0], "y", "x").T, 0.0)), on_numpy)
    plain = Model(GRID, replace(PARAMETERS, surface_stress=(VOLUME[0], 0.0)), on_numpy)
    start = initial_state(GRID, surface=0.0, tracers=(0.0, 35.0))
    assert np.array_equal(stress.step(start).u, plain.step(start).u)


def test_a_series_of_which_time_is_not_the_first_dimension_is_refused():
    with pytest.raises(ValueError, match="dimensions y, time, x: time must be the first"):
        TimeSeries(np.arange(6.0), labelled(np.ones((6, 6, 6)), "y", "time", "x"))


@pytest.mark.parametrize("value, said", [
    (1.0e-5j, "is of the type complex128"), ({"a": 1.0}, "cannot be read as real numbers"),
    ({1.0}, "cannot be read as real numbers"),
    (np.timedelta64(3, "s"), "is of the type timedelta64"), ("1e-5", "is text"), (10**400, "cannot be read as real numbers"),
    (object(), "cannot be read as real numbers"), ([1.0, [2.0]], "rows of different length")])
def test_a_value_of_a_forcing_that_is_no_number_is_refused_when_a_model_is_made(value, said):
    with pytest.raises(ValueError, match=rf"forcing\[0\].values.rate.* {said}"):
        Model(GRID, replace(PARAMETERS, forcing=(Forcing(tracers=(warming,), values=Values(value)),)), on_numpy)
