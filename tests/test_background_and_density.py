"""A background diffusivity that varies, under turbulence, and a density of three terms: their values and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import channel

from dycore import Model, seawater
from dycore.backends import on_numpy
from dycore.closures import TurbulentKineticEnergy
from dycore.diagnostics import potential_density
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import interior
from dycore.parameters import Parameters
from dycore.state import initial_state

TRACERS = "temperature", "salinity"


def ocean(diffusivity, **changes):
    """(grid, parameters, state) of a stratified channel at rest with this background diffusivity."""
    grid = channel((4, 5, 6))
    parameters = Parameters(Ocean(), time_step=600.0, substeps=24, tracer_names=TRACERS,
                            vertical_mixing=VerticalMixing(TurbulentKineticEnergy(diffusivity=diffusivity)))
    state = initial_state(grid, surface=0.0, tracers=(np.array([2.0, 3.0, 5.0, 12.0]), 35.0))
    return grid, replace(parameters, **changes), state


def test_a_background_that_is_a_field_of_one_value_is_that_number():
    after = [Model(grid, parameters, on_numpy).steps(state, 2) for grid, parameters, state in map(
        ocean, (1e-3, np.full(4, 1e-3), np.full((5, 6), 1e-3), np.full((4, 5, 6), 1e-3)))]
    assert all(np.array_equal(interior(each.tracers[0]), interior(after[0].tracers[0])) for each in after)


def test_a_background_mixes_where_it_is():
    """Of the lower face of the highest level alone: the highest two levels exchange heat, the others keep theirs."""
    none, some = (Model(grid, parameters, on_numpy).steps(state, 1) for grid, parameters, state in map(
        ocean, (0.0, np.array([0.0, 0.0, 0.0, 0.1]))))
    change = interior(some.tracers[0]) - interior(none.tracers[0])
    grid = ocean(0.0)[0]
    assert (change[3][grid.wet[3]] < -1e-4).all() and (change[2][grid.wet[2]] > 1e-5).all()
    assert np.abs(change[0]).max() < 1e-9


@pytest.mark.parametrize("diffusivity, sentence", [
    (-1.0, "vertical_mixing.scheme.diffusivity=-1.0 must be a number not below zero"), ("much", "diffusivity='much' must be"),
    (np.array([1e-5, -1e-5, 0.0, 0.0]), "vertical_mixing.scheme.diffusivity is -1e-05 somewhere"),
    (np.ones(3), r"vertical_mixing.scheme.diffusivity.*3"), ([1e-5, np.nan, 1e-5, 1e-5], "vertical_mixing.scheme.diffusivity")])
def test_a_background_that_cannot_be_is_refused(diffusivity, sentence):
    grid, parameters, _ = ocean(diffusivity)
    with pytest.raises(ValueError, match=sentence):
        Model(grid, parameters, on_numpy)


def test_the_density_of_three_terms():
    """rho / rho_0 - 1 = -(1.67e-4 (1 + 1.1e-8 g rho_0 d) T' + 1e-5 T'^2 / 2 - 7.8e-4 S') at a depth d, by hand."""
    fluid = Ocean(buoyancy=seawater.quadratic_seawater, thermal_expansion=1.67e-4, haline_contraction=7.8e-4,
                  reference_density=1024.0, reference_temperature=9.85)
    for temperature, salinity, depth, expected in (
            (9.85, 35.0, 500.0, 0.0), (19.85, 35.0, 0.0, 1.67e-3 + 5.0e-4), (19.85, 35.0, 1000.0, 1.67e-3 * 1.11050 + 5.0e-4),
            (9.85, 36.0, 0.0, -7.8e-4), (-0.15, 34.0, 0.0, -1.67e-3 + 5.0e-4 + 7.8e-4)):
        tracers = np.full((1, 1, 1), temperature), np.full((1, 1, 1), salinity)
        assert fluid.buoyancy(0, 0, 0, fluid, -depth, tracers) / 9.81 == pytest.approx(expected, abs=2e-8)
    grid, parameters, state = ocean(1e-5, fluid=fluid)
    density = potential_density(Model(grid, parameters, on_numpy).dataset(state)).values
    values = density[:, grid.wet[0]].T
    assert values[:, -1] == pytest.approx(1024.0 * (1.0 - 1.67e-4 * 2.15 - 5e-6 * 2.15**2)) and (np.diff(values) < 0.0).all()
