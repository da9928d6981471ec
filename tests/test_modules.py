"""Functions of arrays in place of stencils: column physics and networks, on every backend."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import channel, create, fields_of

from dycore import Model, Parameters, cases, initial_state
from dycore.backends import on_numpy
from dycore.fluid import Ocean
from dycore.forcing import Forced, Module
from dycore.terms import Vector

STEPS = 6


def dragged(u, v, drag):
    """-k_v u and -k_v v of columns [k, j, i]."""
    return -drag[:, None, None] * u, -drag[:, None, None] * v


def relaxed(theta, stretching, scale, values):
    """The relaxation of dycore.physics.held_suarez, of whole columns."""
    namespace = theta.__array_namespace__()
    rate = values.free + values.boundary[:, None, None] * values.cosine4
    y = (stretching - 1.0) / (stretching + 1.0)
    square = y * y
    logarithm = 2.0 * y * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0))))
    warm = values.warmest - values.vertical * (values.log_pressure[:, None, None] + logarithm) * values.cosine2
    return -rate * (theta - namespace.maximum(values.cold[:, None, None] / scale, warm))


def held_suarez(on, grid, at, values, weights):
    """Held and Suarez as a module."""
    theta = on.columns(relaxed, at.tracers[0], at.layers.stretching, at.layers.scale, values)
    return Forced(Vector(*on.columns(dragged, at.u, at.v, values.drag)), (theta,))


def air(precision="float64"):
    """The forcing of Held and Suarez as stencils and as a module, from a state that is not at rest."""
    grid, parameters, state = cases.held_suarez((4, 12, 24), precision)
    state = Model(grid, parameters, on_numpy).steps(state, 10)
    return grid, parameters, replace(parameters, forcing=(Module(held_suarez, parameters.forcing[0].values),)), state


@pytest.mark.parametrize("name, precision, tolerance", [("numpy", "float64", 1e-12), ("numpy", "float32", 2e-4),
                                                        ("numba", "float64", 1e-12), ("jax", "float64", 1e-12)])
def test_held_and_suarez_as_a_module_is_that_of_stencils(name, precision, tolerance):
    grid, stencils, module, state = air(precision)
    backend = create(name)
    one, other = (fields_of(Model(grid, each, backend).steps(state, STEPS)) for each in (stencils, module))
    free = fields_of(Model(grid, replace(stencils, forcing=()), on_numpy).steps(state, STEPS))
    for field in one:
        scale = max(np.abs(one[field]).max(), 1e-3)
        assert np.abs(one[field] - other[field]).max() < tolerance * scale, field
    assert np.abs(one["tracer 0"] - free["tracer 0"]).max() > 3.0 * tolerance * np.abs(one["tracer 0"]).max()


class Network(NamedTuple):
    """Weights of two layers that see the columns of u and temperature."""

    first: Any
    second: Any


def columns_of(network, u, temperature):
    """A force on u (m/s2) from each column by itself."""
    namespace = u.__array_namespace__()
    seen = namespace.concat([u, temperature / 10.0], axis=0)
    hidden = namespace.tanh(namespace.tensordot(network.first, seen, axes=1))
    return 1e-6 * namespace.tensordot(network.second, hidden, axes=1)


def network(on, grid, at, values, weights):
    return Forced(Vector(on.columns(columns_of, weights, at.u, at.tracers[0])))


def test_a_network_has_a_gradient_and_new_weights_compile_nothing():
    jax = pytest.importorskip("jax")
    grid, random = channel(), np.random.default_rng(3)
    weights = Network(random.standard_normal((6, 8)), random.standard_normal((4, 6)))

    def parameters(weights):
        return Parameters(Ocean(), 600.0, substeps=12, tracer_names=("temperature", "salinity"),
                          forcing=(Module(network, weights=weights),))

    state = initial_state(grid, surface=0.0, u=0.1, tracers=(10.0, 35.0))
    backend = create("jax")
    model = Model(grid, parameters(weights), backend)

    def speed(weights):
        return (model.with_parameters(parameters(weights)).pure_step(state).u ** 2).sum()

    gradient, value = jax.jit(jax.grad(speed))(weights), jax.jit(speed)
    step = 1e-5
    around = [float(value(weights._replace(second=weights.second + sign * step * np.eye(4, 6)))) for sign in (1, -1)]
    assert float((gradient.second * np.eye(4, 6)).sum()) == pytest.approx((around[0] - around[1]) / (2.0 * step), rel=1e-5)
    changed = Network(2.0 * weights.first, weights.second)
    traced = model.steps(state, 2) and model._steps._cache_size()
    assert not np.array_equal(model.with_parameters(parameters(changed)).steps(state, 2).u, model.steps(state, 2).u)
    assert model._steps._cache_size() == traced


def forced(returned, tracers=("temperature", "salinity")):
    """A step on NumPy by a module that returns something of (on, at)."""

    def module(on, grid, at, values, weights):
        return returned(on, at)

    grid = channel()
    parameters = Parameters(Ocean(), 600.0, substeps=12, tracer_names=tracers, forcing=(Module(module),))
    return Model(grid, parameters, on_numpy).step(initial_state(grid, surface=0.0, u=0.1, tracers=(10.0, 35.0)))


def cooled(on, at):
    return on.columns(lambda theta: -1e-5 * theta, at.tracers[0])


@pytest.mark.parametrize("returned, sentence", [
    (lambda on, at: Forced(tracers=(cooled(on, at),) * 3), "returns rates of 3 tracers, but there are 2"),
    (lambda on, at: Forced(tracers=((cooled(on, at),) * 2,)), "as the rate of tracer 0"),
    (lambda on, at: Forced(tracers=(None, on.columns(lambda theta: theta[0], at.tracers[0]))),
     r"returns a plane \[j, i\] as the rate of tracer 1"),
    (lambda on, at: Forced(tracers=(1e-5,)), "returns a number as the rate of tracer 0"),
    (lambda on, at: Forced(tracers=(np.ones((4, 6, 8)),)), r"returns an array of shape \(4, 6, 8\) as the rate of tracer 0"),
    (lambda on, at: Forced(Vector("west")), "returns 'west' as the rate of u"),
    (lambda on, at: Forced(tracers=cooled(on, at)), "Return a dycore.forcing.Forced"), (lambda on, at: None, "returns None")])
def test_what_a_module_returns_that_is_no_rate_is_refused(returned, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        forced(returned)


def test_a_run_that_a_module_made_no_number_says_that_it_may_be_the_module():
    def module(on, grid, at, values, weights):
        return Forced(tracers=(on.columns(lambda theta: theta * np.nan, at.tracers[0]),))

    grid, parameters, _, state = air()
    with pytest.raises(FloatingPointError, match=r"at step 11 .* or look whether a module of forcing returns what is no number"):
        Model(grid, replace(parameters, forcing=(Module(module),)), on_numpy).run(state, steps=2, progress=False)


def test_none_among_the_rates_of_a_module_is_nothing():
    one, other = (fields_of(forced(lambda on, at, each=each: Forced(Vector(None, 0.0), each(cooled(on, at)))))
                  for each in (lambda rate: (rate,), lambda rate: [rate, None]))
    assert all(np.array_equal(one[field], other[field]) for field in one)
    assert one["tracer 0"].min() < 9.95


@pytest.mark.parametrize("name", ["numpy", "numba", "jax"])
def test_weights_as_large_as_a_field_with_its_halo_are_weights(name):
    """A profile of 4 levels has 8 with its halo, a plane of 7 by 10 cells 13 by 16, and volumes of other axes are none."""
    random = np.random.default_rng(0)
    shapes = [(8,), (13, 16), (1, 16), (8, 13, 16), (16, 1, 1), (2, 3, 4), (2, 3, 5, 4)]
    weights = tuple(random.standard_normal(shape) for shape in shapes)

    def added(theta, *weights):
        assert [each.shape for each in weights] == shapes
        bias, first, row, volume, upright, small, filters = weights
        total = (first @ upright[:, 0, 0]).sum() + bias[7] + row[0, 15] + volume[7, 12, 15] + small[1, 2, 3] + filters[1, 0, 4, 2]
        return 1e-5 * total + 0.0 * theta

    def module(on, grid, at, values, weights):
        return Forced(tracers=(on.columns(added, at.tracers[0], *weights),))

    grid = channel()
    parameters = Parameters(Ocean(), 600.0, substeps=12, tracer_names=("temperature", "salinity"),
                            forcing=(Module(module, weights=weights),))
    after = Model(grid, parameters, create(name)).step(initial_state(grid, surface=0.0, tracers=(10.0, 35.0)))
    bias, first, row, volume, upright, small, filters = weights
    total = (first @ upright[:, 0, 0]).sum() + bias[7] + row[0, 15] + volume[7, 12, 15] + small[1, 2, 3] + filters[1, 0, 4, 2]
    assert fields_of(after)["tracer 0"][-1, 2, 2] == pytest.approx(10.0 + 600.0 * 1e-5 * total, rel=1e-9)


@pytest.mark.parametrize("weights, expected", [
    (np.array([2, 0, 1]), lambda w: np.arange(3.0)[w][0]), (np.array([True, False, False]), lambda w: float((~w).sum())),
    ([np.full((3, 4), 0.5), np.full(3, 2.0)], lambda w: w[0][0, 0] * w[1][0] * 2.0),
    (([np.full((3, 4), 0.5), [np.ones(3)]],), lambda w: w[0][0].sum() / 6.0 + w[0][1][0][0]), ([[1.0, 1.0], [0.0, 0.0]], np.sum)])
def test_weights_keep_their_kind_and_may_be_lists_of_layers(weights, expected):
    def module(on, grid, at, values, weights):
        return Forced(tracers=(on.columns(lambda theta, w: 1e-4 * expected(w) + 0.0 * theta, at.tracers[0], weights),))

    grid = channel()
    parameters = Parameters(Ocean(), 600.0, substeps=12, tracer_names=("temperature", "salinity"),
                            forcing=(Module(module, weights=weights),))
    after = Model(grid, parameters, on_numpy).step(initial_state(grid, surface=0.0, tracers=(10.0, 35.0)))
    assert fields_of(after)["tracer 0"][-1, 2, 2] == pytest.approx(10.0 + 600.0 * 1e-4 * 2.0)
