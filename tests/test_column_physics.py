"""Networks of columns: what they compute, what they keep by construction, and that their weights give one run on every backend."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import create, fields_of

pytest.importorskip("equinox")
from dycore import Model, cases, initial_state
from dycore.backends import on_numpy
from dycore.forcing import Forcing, only
from dycore.grid import interior
from dycore.learning.column_network import ColumnNetwork, bounded, of_columns, random_network
from dycore.learning.column_physics import (
    FASTEST,
    MOST,
    column_physics,
    heated,
    latitudes,
    slowed,
)
from dycore.learning.column_training import ColumnSamples, random_column_physics
from dycore.learning.flow_scores import Flow
from dycore.learning.forcing_rates import forcing_rates
from dycore.stencils import stencil

CELLS = (3, 6, 8)


def air(tracers=1, hidden=(5, 7)):
    """A flow, and networks with weights that are not small."""
    grid, parameters, state = cases.held_suarez(CELLS)
    state = Model(grid, parameters, on_numpy).steps(state, 20)
    u, v, theta, surface = (interior(each)[None] for each in (state.u, state.v, state.tracers[0], state.surface))
    rates = Flow(u, v, np.full((1, *CELLS), 1e-4))
    physics = random_column_physics(0, grid, ColumnSamples(Flow(u, v, theta), surface, rates), hidden)
    physics = physics.with_layers(tuple(tuple(3.0 * layer for layer in layers) for layers in physics.layers))
    names = ("potential_temperature", "dye")[:tracers]
    parameters = replace(parameters, tracer_names=names, forcing=(column_physics(grid, physics),))
    if tracers == 2:
        dye = np.random.default_rng(1).random(CELLS)
        state = initial_state(grid, u=interior(state.u), v=interior(state.v), surface=interior(state.surface),
                              tracers=(interior(state.tracers[0]), dye))
    return grid, parameters, state, physics


def test_a_network_is_layers_of_normalised_columns():
    random = np.random.default_rng(0)
    network = ColumnNetwork((random.random((4, 4)), random.random((2, 5))), np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 8.0]]),
                            np.array([[0.5, -0.5], [10.0, 20.0]]))
    fields = random.random((2, 5, 6)), random.random((5, 6))
    seen = (np.array([*fields[0][:, 3, 4], fields[1][3, 4]]) - [1.0, 2.0, 3.0]) / [2.0, 4.0, 8.0]
    hidden = np.tanh(network.layers[0][:, 0] + network.layers[0][:, 1:] @ seen)
    expected = np.array([0.5, -0.5]) + np.array([10.0, 20.0]) * (network.layers[1][:, 0] + network.layers[1][:, 1:] @ hidden)
    assert of_columns(network, *fields)[:, 3, 4] == pytest.approx(expected, rel=1e-14)


def test_inputs_of_a_network_have_mean_zero_and_deviation_one_and_constant_ones_count_for_nothing():
    samples = np.random.default_rng(0).normal(300.0, 20.0, (50, 4))
    samples[:, 2] = 1e5
    network = random_network(0, samples, np.ones(3))
    seen = (samples - network.inputs[0]) / network.inputs[1]
    assert np.allclose(seen.mean(axis=0), 0.0, atol=1e-12) and np.allclose(seen.std(axis=0), [1.0, 1.0, 0.0, 1.0])


@pytest.mark.parametrize("name, tolerance", [("numba", 1e-12), ("jax", 1e-12)])
def test_the_same_weights_give_the_same_run_on_every_backend(name, tolerance):
    grid, parameters, state, _ = air()
    one = fields_of(Model(grid, parameters, on_numpy).steps(state, 5))
    other = fields_of(Model(grid, parameters, create(name)).steps(state, 5))
    free = fields_of(Model(grid, replace(parameters, forcing=()), on_numpy).steps(state, 5))
    for field, values in one.items():
        assert np.abs(other[field] - values).max() < tolerance * np.abs(values).max(), field
    assert np.abs(one["tracer 0"] - free["tracer 0"]).max() > 1e-3  # K: they do something
    assert np.abs(one["u"] - free["u"]).max() > 1e-3 * np.abs(one["u"]).max()


def test_mass_and_other_tracers_are_conserved_whatever_the_weights():
    grid, parameters, state, _ = air(tracers=2)
    end = Model(grid, parameters, on_numpy).steps(state, 20)

    def totals(state):
        mass = interior(state.surface) * grid.metrics.area[3:-3, 3:-3]  # layers are shares of surface pressure
        return mass.sum(), (interior(state.tracers[1]).mean(axis=0) * mass).sum()

    assert totals(end) == pytest.approx(totals(state), rel=1e-12)
    assert np.abs(interior(end.tracers[0]) - interior(state.tracers[0])).max() > 0.1


def test_drag_never_speeds_the_wind_up_and_heating_is_bounded_whatever_the_weights():
    grid, _, _, physics = air()
    physics = physics.with_layers(tuple(tuple(50.0 * layer for layer in layers) for layers in physics.layers))
    physics.drag.layers[-1][:, 0] = 0.0
    random, where = np.random.default_rng(2), latitudes(grid)
    speed, theta = random.normal(0.0, 60.0, CELLS), random.normal(300.0, 200.0, CELLS)
    rate = -slowed(physics.drag, speed, where.center) / speed
    assert rate.min() >= 0.0 and rate.max() <= FASTEST * (1.0 + 1e-12) and np.ptp(rate) > 0.5 * FASTEST
    heating = heated(physics.heating, theta, random.normal(1e5, 1e4, CELLS[1:]), where.center)
    assert 0.9 * MOST * 1e-4 < np.abs(heating).max() <= MOST * 1e-4


def test_what_is_bounded_is_itself_where_it_is_small():
    assert bounded(np.array([1e-3, -1e3]), 4.0) == pytest.approx([1e-3, -4.0], rel=1e-4)


def test_the_sphere_upside_down_or_mirrored_is_treated_alike():
    grid, _, state, physics = air()
    where, u = latitudes(grid), interior(state.u)
    theta, surface = interior(state.tracers[0]), interior(state.surface)
    there = heated(physics.heating, theta[:, ::-1], surface[::-1], where.center)
    assert there[:, ::-1] == pytest.approx(heated(physics.heating, theta, surface, where.center), rel=1e-9)
    assert slowed(physics.drag, -u, where.center) == pytest.approx(-slowed(physics.drag, u, where.center), rel=1e-14)
    south = np.sort(np.degrees(np.arcsin(np.sqrt(where.south[1:, 0]))))
    assert south[0] == pytest.approx(0.0, abs=1e-6) and south[-1] < 90.0


def test_rates_at_a_state_are_those_of_the_forcings():
    grid, parameters, state = cases.held_suarez(CELLS)
    state = Model(grid, parameters, on_numpy).steps(state, 20)
    rates, drag = forcing_rates(grid, parameters)(state), parameters.forcing[0].values.drag
    assert np.array_equal(rates.u, -drag[:, None, None] * interior(state.u)) and np.abs(rates.u).max() > 0.0
    assert np.array_equal(rates.v, -drag[:, None, None] * interior(state.v))

    @stencil
    def warmed(k, j, i, grid, column, values, now):
        return 1e-5 * now.tracers[0][k, j, i]

    more = replace(parameters, forcing=(*parameters.forcing, Forcing(tracers=only(0, warmed))))
    added = forcing_rates(grid, more)(state).tracers[0] - rates.tracers[0]
    assert np.allclose(added, 1e-5 * interior(state.tracers[0]), rtol=1e-12, atol=1e-15)
    none = forcing_rates(grid, replace(parameters, forcing=()))(state)
    assert not any(field.any() for field in (none.u, none.v, *none.tracers)) and none.v.shape == CELLS


def test_rates_of_networks_are_those_that_a_model_takes():
    grid, parameters, state, physics = air()
    rates = forcing_rates(grid, parameters)(state)
    expected = heated(physics.heating, interior(state.tracers[0]), interior(state.surface), latitudes(grid).center)
    assert np.allclose(rates.tracers[0], expected, rtol=1e-12)
    with pytest.raises(ValueError, match="shape"):
        forcing_rates(grid, parameters)(state._replace(u=state.u[:, :-1]))


def test_column_physics_of_a_plane_or_of_other_levels_is_refused():
    with pytest.raises(ValueError, match="latitude_longitude"):
        latitudes(cases.baroclinic_channel((2, 6, 8))[0])
    with pytest.raises(ValueError, match="heating is of columns of 3 levels, from 5 values, but the grid has 4 levels"):
        column_physics(cases.held_suarez((4, 6, 8))[0], air()[3])
