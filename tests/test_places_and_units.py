"""Arrays with coordinates and units (xarray) are brought to the places and units of a model, or refused with both of them."""

import sys
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from dycore import Model
from dycore.backends import on_numpy
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.parameters import Parameters
from dycore.physics import surface_flux
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.time_series import TimeSeries

xarray = pytest.importorskip("xarray")
LEVELS = np.linspace(-400.0, 0.0, 3)
CELLS = 2, 4, 10
SPHERE = {"interfaces": LEVELS, "latitudes": (10.0, 50.0)}
GLOBE = latitude_longitude(CELLS, **SPHERE)
PLANE = rectilinear(CELLS, extent=(1.0e6, 4.0e5), interfaces=LEVELS)
PARAMETERS = Parameters(Ocean(), time_step=60.0, substeps=24, tracer_names=("temperature", "salinity"))
TURNED = np.arange(-162.0, 180.0, 36.0)  # centres of the same cells, of another convention


def wave(lon):
    """A field of one wave length round the sphere."""
    return np.cos(np.radians(lon)) + np.zeros((4, len(lon)))


def on_longitudes(lon, values=None, lat=GLOBE.y, **attributes):
    values = wave(lon) if values is None else values
    return xarray.DataArray(values, dims=("lat", "lon"), coords={"lat": lat, "lon": ("lon", lon, attributes)})


def temperature(field, grid=GLOBE):
    return interior(initial_state(grid, surface=0.0, tracers=(field,)).tracers[0])


class Values(NamedTuple):
    rate: Any


@stencil
def warming(k, j, i, grid, column, values, now):
    return values.rate[j, i]


def stepped(grid, **changes):
    return Model(grid, replace(PARAMETERS, **changes), on_numpy).step(initial_state(grid, surface=0.0, tracers=(0.0, 35.0)))


@pytest.mark.parametrize("attributes", [{}, {"units": "degrees_east"}, {"units": "degrees"}])
def test_longitudes_of_another_convention_are_those_of_the_grid(attributes):
    assert np.allclose(temperature(on_longitudes(TURNED, **attributes))[1], wave(GLOBE.x))
    assert np.allclose(temperature(on_longitudes(GLOBE.x - 360.0, **attributes))[1], wave(GLOBE.x))
    west = latitude_longitude(CELLS, **SPHERE, longitudes=(-180.0, 180.0))
    assert np.allclose(temperature(on_longitudes(GLOBE.x, **attributes), west)[1], wave(west.x))
    seam = latitude_longitude(CELLS, **SPHERE, longitudes=(160.0, -160.0))
    both = (seam.x + 180.0) % 360.0 - 180.0  # 162 .. 178, -178 .. -162
    assert np.allclose(temperature(on_longitudes(both), seam)[1], wave(seam.x))
    assert np.allclose(temperature(on_longitudes(np.sort(both)), seam)[1], wave(seam.x))


def test_longitudes_in_radians_and_beside_another_dimension_are_known():
    field = on_longitudes(TURNED).assign_coords(lon=("lon", np.radians(TURNED), {"units": "radian"}))
    assert np.allclose(temperature(field)[1], wave(GLOBE.x))
    beside = xarray.DataArray(wave(TURNED), dims=("nj", "ni"), coords={"lon_t": ("ni", TURNED, {"units": "degrees_east"})})
    assert np.allclose(temperature(beside)[1], wave(GLOBE.x))


def test_values_on_faces_may_have_the_coordinates_of_faces_or_centres():
    for lon, right in ((GLOBE.x_face[:-1], wave(GLOBE.x_face[:-1])), (GLOBE.x, wave(GLOBE.x))):
        for turned in (lon, np.where(lon >= 180.0, lon - 360.0, lon)):
            for order in (np.arange(10), np.argsort(turned)):
                field = on_longitudes(turned[order], right[:, order])
                assert np.allclose(interior(initial_state(GLOBE, surface=0.0, u=field).u)[1], right)
                assert np.allclose(temperature(field)[1], right)


@pytest.mark.parametrize("lon, lat, said", [
    (np.arange(3.0, 60.0, 6.0), GLOBE.y, "coordinate lon from 3 to 57 degrees east, and the columns of the grid are from 203"),
    (np.arange(203.0, 260.0, 6.0), GLOBE.y - 60.0, "coordinate lat from -45 to -15 degrees north, and the rows of"),
    (np.arange(203.0, 260.0, 6.0) + 6.0, GLOBE.y, "from 209 to 263 degrees east")])
def test_values_at_other_places_are_refused_with_both(lon, lat, said):
    region = latitude_longitude(CELLS, **SPHERE, longitudes=(200.0, 260.0))
    with pytest.raises(ValueError, match=f"The initial tracer 0 has its .*{said}"):
        temperature(on_longitudes(lon, lat=lat), region)
    with pytest.raises(ValueError, match=f"bottom has its .*{said}"):
        latitude_longitude(CELLS, **SPHERE, longitudes=(200.0, 260.0), bottom=on_longitudes(lon, lat=lat))


def test_places_count_for_whatever_a_model_takes():
    field, right = on_longitudes(TURNED), wave(GLOBE.x)
    forced = Forcing(tracers=(warming,), values=Values(field))
    assert np.allclose(interior(stepped(GLOBE, forcing=(forced,)).tracers[0])[1] / 60.0, right)
    series = TimeSeries([0.0, 3600.0], field.expand_dims(time=2))
    forced = Forcing(tracers=(warming,), values=Values(series))
    assert np.allclose(interior(stepped(GLOBE, forcing=(forced,)).tracers[0])[1] / 60.0, right)
    flux = interior(stepped(GLOBE, forcing=(surface_flux(0, field),)).tracers[0])
    assert np.allclose(flux[1] * 200.0 / 60.0, right)
    labelled, plain = (stepped(GLOBE, surface_stress=(0.0, 0.1 * each)).v for each in (field, right))
    assert np.allclose(labelled, plain, rtol=1e-9, atol=1e-15) and np.abs(plain).max() > 1e-8
    assert np.array_equal(latitude_longitude(CELLS, **SPHERE, land=field > 0.5).wet[1], right <= 0.5)
    bottom = latitude_longitude(CELLS, **SPHERE, bottom=100.0 * field - 200.0)
    assert np.array_equal(bottom.wet[0], 100.0 * right - 200.0 <= -300.0)


def of_units(value, units):
    return xarray.DataArray(np.full((4, 10), value), dims=("y", "x"), attrs={"units": units})


def test_values_in_other_units_are_converted():
    pytest.importorskip("cf_units")
    state = initial_state(PLANE, surface=of_units(20.0, "cm"), u=of_units(10.0, "cm s-1"), v=of_units(1.0, "knots"),
                          tracers=(of_units(288.15, "K"), of_units(35.0, "g kg-1")))
    assert np.allclose(interior(state.surface), 0.2)
    assert np.allclose(interior(state.u), 0.1)
    assert np.allclose(interior(state.v)[:, 1:], 1852.0 / 3600.0)
    assert np.allclose(interior(state.tracers[0]), 15.0)
    assert np.allclose(interior(state.tracers[1]), 35.0)
    deep = rectilinear(CELLS, extent=(1.0e6, 4.0e5), interfaces=xarray.DataArray([-4.0, -2.0, 0.0], attrs={"units": "km"}),
                       bottom=of_units(-2.0, "km"))
    assert np.allclose(deep.interfaces, [-4000.0, -2000.0, 0.0]) and not deep.wet[0].any() and deep.wet[1].all()
    plain = stepped(PLANE, surface_stress=(0.1, 0.0)).u
    for units, factor in (("dyn cm-2", 10.0), ("dyne cm-2", 10.0), ("Pa", 1.0), ("N/m2", 1.0)):
        assert np.allclose(stepped(PLANE, surface_stress=(of_units(0.1 * factor, units), 0.0)).u, plain, rtol=1e-12)
    days = xarray.DataArray([0.0, 2.0], dims="time", attrs={"units": "days"})
    assert TimeSeries(days, [1.0, 2.0]).times.tolist() == [0.0, 172800.0]


def test_without_the_library_of_units_usual_spellings_are_taken_and_other_units_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "cf_units", None)
    state = initial_state(PLANE, surface=0.0, u=of_units(0.1, "m/s"), tracers=(of_units(15.0, "deg C"),))
    assert np.allclose(interior(state.u), 0.1) and np.allclose(interior(state.tracers[0]), 15.0)
    with pytest.raises(ImportError, match="The units of The initial tracer 0 are 'K', not 'degree_C'"):
        initial_state(PLANE, surface=0.0, tracers=(of_units(288.15, "K"),))
    with pytest.raises(ImportError, match="The units of The initial u are 'cm s-1', not 'm s-1'"):
        initial_state(PLANE, surface=0.0, u=of_units(10.0, "cm s-1"))


def test_units_of_something_else_are_refused():
    pytest.importorskip("cf_units")
    with pytest.raises(ValueError, match="The units of The initial u are 'm', which cannot be converted to 'm s-1'"):
        initial_state(PLANE, surface=0.0, u=of_units(1.0, "m"))
    with pytest.raises(ValueError, match="The units of times are 'days since 2000-01-01', which cannot be converted to 's'"):
        TimeSeries(xarray.DataArray([0.0, 30.0], attrs={"units": "days since 2000-01-01"}), [1.0, 2.0])
    with pytest.raises(ValueError, match=r"The units of surface_stress\[0\] are 'm2 s-2', which cannot be converted to 'N m-2'"):
        stepped(PLANE, surface_stress=(of_units(1.0, "m2 s-2"), 0.0))
