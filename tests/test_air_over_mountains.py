"""Air at rest over steep mountains: the error of the pressure force, and what taking a state of rest out of it leaves."""

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model
from dycore.fluid import Atmosphere
from dycore.grid import rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.validation.budgets import content
from dycore.validation.mountain import NEUTRAL, STANDARD, STRATIFIED, at_rest, schaer


def speed(backend, profile, taken_out, dx=1400.0, steps=60, fluid=None):
    """The largest speed (m/s) of air at rest over Schaer's mountain."""
    model, state = schaer(profile, dx, taken_out, backend, fluid=fluid)
    return at_rest(model, model.steps(state, steps))


@pytest.mark.parametrize("profile, before, after", [(STRATIFIED, 0.03, 1e-4), (STANDARD, 0.5, 1e-3)], ids=str)
def test_a_state_of_rest_taken_out_leaves_a_hundredth_of_the_spurious_flow_and_less(numpy_backend, profile, before, after):
    assert speed(numpy_backend, profile, None) > before
    assert speed(numpy_backend, profile, profile) < after


def test_air_that_departs_from_the_state_of_rest_moves_as_far_as_it_departs(numpy_backend):
    """Nine tenths of the profile taken out leave a tenth of the flow: the force is linear in b."""
    whole, _ = schaer(STRATIFIED, 1400.0, STRATIFIED, numpy_backend)
    rest = whole.parameters.fluid.rest
    most = Atmosphere(rest=rest._replace(**{f"c{n}": 0.9 * getattr(rest, f"c{n}") for n in range(5)}))
    left = speed(numpy_backend, STRATIFIED, None, steps=20, fluid=most) / speed(numpy_backend, STRATIFIED, None, steps=20)
    assert left == pytest.approx(0.1, rel=0.05)


def test_isentropic_air_stays_at_rest_exactly_with_a_state_of_rest_too(numpy_backend):
    assert speed(numpy_backend, NEUTRAL, NEUTRAL) < 1e-9


def test_a_state_of_rest_changes_a_flow_over_the_mountain_and_its_energy_by_no_more_than_truncation(numpy_backend):
    """Two minutes of 10 m/s: flows differ by the speed of the spurious one, energy by less than a thousandth of that of motion."""
    ends = []
    for taken_out in (None, STRATIFIED):
        model, state = schaer(STRATIFIED, 1400.0, taken_out, numpy_backend, u=10.0)
        after = model.steps(state, 60)
        ends.append((fields_of(after)["u"], content(model, after)))
    (one, content_of_one), (other, content_of_other) = ends
    moving = 0.5 * 10.0**2 * content_of_one.mass
    assert 0.0 < np.abs(one - other).max() < 0.1
    assert abs(content_of_one.energy - content_of_other.energy) < 1e-3 * moving


def test_backends_agree_about_air_with_a_state_of_rest(backend, numpy_backend):
    here, there = (fields_of(model.steps(state, 3)) for model, state in (
        schaer(STANDARD, 5000.0, STANDARD, each) for each in (backend, numpy_backend)))
    assert all(np.abs(here[name] - there[name]).max() < 1e-11 * max(1.0, np.abs(there[name]).max()) for name in here)


def test_a_fluid_without_a_state_of_rest_is_as_it_was_to_the_bit_and_too_few_levels_are_refused(numpy_backend):
    grid = rectilinear((5, 4, 4), extent=(4e5, 4e5), interfaces=np.linspace(0.0, 1e5, 6), y_boundary=Boundary.PERIODIC)
    parameters = Parameters(Atmosphere(), time_step=60.0, tracer_names=("potential_temperature",))
    state = initial_state(grid, surface=1e5, tracers=(300.0,))
    assert (fields_of(Model(grid, parameters, numpy_backend).steps(state, 2))["u"] == 0.0).all()
    with pytest.raises(ValueError, match="six or more levels below the tropopause of 0 Pa; given 5"):
        Atmosphere().at_rest(grid.interfaces, np.full(5, 300.0))
