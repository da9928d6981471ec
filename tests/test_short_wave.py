"""Short-wave radiation warms a column by what does not reach its bottom; fresh water is a virtual flux of salt."""

import numpy as np
import pytest
from conftest import content

from dycore import Model
from dycore.fluid import Ocean, no_buoyancy
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.physics import fresh_water_flux, short_wave, surface_flux
from dycore.physics.short_wave import JERLOV_I, JERLOV_III, Water, transmitted
from dycore.physics.surface import HEAT_CAPACITY
from dycore.state import initial_state
from dycore.tiles import Boundary

CELLS, DT = (4, 5, 6), 1024.0
INTERFACES = np.array([-60.0, -30.0, -12.0, -4.0, 0.0])
BOTTOM = np.linspace(-58.0, -9.0, 30).reshape(CELLS[1:])
FLUX = 100.0 + np.arange(30.0).reshape(CELLS[1:])  # W/m2


def basin(**options):
    return rectilinear(CELLS, extent=(6.0e5, 5.0e5), interfaces=INTERFACES, y_boundary=Boundary.PERIODIC, **options)


FLOORS = {"flat": {}, "whole cells": {"bottom": BOTTOM}, "partial cells": {"bottom": BOTTOM, "partial_cells": 0.2},
          "land": {"land": BOTTOM > -12.0}, "terrain-following": {"bottom": BOTTOM, "terrain_following": True}}


def warmed(grid, backend, *forcing, tracers=(10.0, 35.0), **options):
    parameters = Parameters(Ocean(buoyancy=no_buoyancy, **options), time_step=DT, tracer_names=("temperature", "salinity"),
                            forcing=forcing)
    start = initial_state(grid, surface=0.0, tracers=tracers)
    return start, Model(grid, parameters, backend).steps(start, 1)


@pytest.mark.parametrize("options", FLOORS.values(), ids=FLOORS)
@pytest.mark.parametrize("water", [JERLOV_I, JERLOV_III])
def test_a_column_warms_by_the_flux_less_what_reaches_its_bottom(numpy_backend, options, water):
    grid = basin(**options)
    flux = np.where(grid.wet.any(axis=0), FLUX, np.nan)
    start, end = warmed(grid, numpy_backend, short_wave(grid, 0, flux, water, density=1000.0))
    thickness = grid.volume / interior(grid.metrics.area)
    if "terrain_following" in options:
        thickness = thickness * (-BOTTOM / 60.0)
    heat = 1000.0 * HEAT_CAPACITY * (thickness * (interior(end.tracers[0]) - interior(start.tracers[0]))).sum(axis=0)  # J/m2
    bottom = thickness.sum(axis=0)
    wet = bottom > 0.0
    assert np.allclose(heat[wet], DT * (FLUX * (1.0 - transmitted(bottom, water)))[wet], rtol=1e-10) and wet.sum() > 20
    assert np.isclose(content(grid, end, 1), content(grid, start, 1), rtol=1e-14)


def test_the_share_of_each_level_is_that_of_paulson_and_simpson(numpy_backend):
    """In water of type I 58 % fall by e in 0.35 m, 42 % in 23 m."""
    grid = basin()
    start, end = warmed(grid, numpy_backend, short_wave(grid, 0, 200.0))
    share = 0.58 * np.exp(INTERFACES / 0.35) + 0.42 * np.exp(INTERFACES / 23.0)
    assert share[-1] == 1.0 and share[-2] == pytest.approx(0.35296, rel=1e-4)  # at 4 m: 0.42 exp(-4 / 23)
    warmer = DT * 200.0 * np.diff(share) / (1025.0 * HEAT_CAPACITY * np.diff(INTERFACES))
    found = (interior(end.tracers[0]) - interior(start.tracers[0]))[:, 2, 3]
    assert np.allclose(found, warmer, rtol=1e-9)


def test_opaque_water_takes_all_of_it_in_its_uppermost_level(numpy_backend):
    grid = basin()
    flux = FLUX / (1025.0 * HEAT_CAPACITY)
    ends = [interior(warmed(grid, numpy_backend, forcing)[1].tracers[0]) for forcing in (
        short_wave(grid, 0, FLUX, Water(1.0, 0.1, 1.0)), surface_flux(0, flux))]
    assert np.allclose(ends[0], ends[1], rtol=1e-14) and ends[0][-1].max() > 10.008


def test_fresh_water_takes_salt_with_it_as_dilution_would(numpy_backend):
    """A millimetre of rain on four metres of water with 35 g/kg leaves 35 (1 - 1 / 4000), to the ratio of the densities."""
    grid = basin()
    start, end = warmed(grid, numpy_backend, fresh_water_flux(1, 1.0 / DT, density=1000.0))
    assert np.allclose(interior(end.tracers[1])[-1], 35.0 - 35.0 / 4000.0, rtol=1e-13)
    assert (interior(end.tracers[1])[:-1] == 35.0).all() and (interior(end.tracers[0]) == 10.0).all()
    evaporation = FLUX - FLUX.mean()
    _, end = warmed(grid, numpy_backend, fresh_water_flux(1, 1e-5 * evaporation))
    assert abs(content(grid, end, 1) / content(grid, start, 1) - 1.0) < 1e-14  # no net flux of water, no change of salt


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"water": Water(1.5, 1.0, 1.0)}, "water.red=1.5 must be a share from 0 to 1"),
    ({"water": Water(0.5, 0.0, 1.0)}, r"water.red_depth=0.0 must be one positive finite number \(m\)"),
    ({"density": -1.0}, r"density=-1.0 must be one positive finite number \(kg/m3\)"),
    ({"flux": np.zeros((2, 3, 4))}, r"flux has shape \(2, 3, 4\); it must be a number or a plane")])
def test_what_makes_no_sense_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        short_wave(**({"grid": basin(), "tracer": 0, "flux": 100.0} | arguments))
    with pytest.raises(ValueError, match=r"salinity=0.0 must be one positive finite number \(g/kg\)"):
        fresh_water_flux(1, 1.0, salinity=0.0)
    with pytest.raises(TypeError, match=r"water='III' must be a dycore.physics.short_wave.Water. There are JERLOV_I"):
        short_wave(basin(), 0, 100.0, "III")
