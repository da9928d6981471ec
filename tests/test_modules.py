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


@pytest.mark.parametrize("name, precision, tolerance", [("numpy", "float64", 1e-12), ("numba", "float64", 1e-12),
                                                        ("jax", "float64", 1e-12), ("jax", "float32", 2e-4)])
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
