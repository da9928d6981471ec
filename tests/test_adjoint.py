"""Slopes by native kernels: derivatives of stencils are those of JAX, and a step goes back as XLA's form of it does."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import create
from test_gradients import CELLS

from dycore import Model, cases
from dycore.backends.adjoint.derivatives import slopes
from dycore.backends.adjoint.expressions import NotDifferentiable
from dycore.backends.adjoint.generated import written
from dycore.backends.adjoint.tracing import Traced
from dycore.stencils import absolute, maximum, minimum, power, quotient, square_root, stencil, where

jax = pytest.importorskip("jax")
pytest.importorskip("numba")


@stencil
def products(j, i, q, c):
    return q[j, i] * q[j, i + 1] - c / q[j, i - 1] + q[j, i] ** 2


@stencil
def corners(j, i, q, c):
    return maximum(q[j, i], 0.5) * absolute(q[j, i + 1]) - minimum(q[j, i - 1], c) * absolute(0.0 * q[j, i])


@stencil
def roots(j, i, q, c):
    return square_root(q[j, i] * q[j, i]) + square_root(0.0 * q[j, i + 1]) + power(q[j, i - 1], 1.5) * c


@stencil
def choices(j, i, q, c):
    return where((q[j, i] > 1.0) & (i >= 0), quotient(q[j, i + 1], q[j, i] + 1e-30), c * q[j, i - 1])


@pytest.mark.parametrize("values", [(0.3, 0.5, 2.0), (2.0, 1.5, 0.25), (0.5, 0.5, 0.5)], ids=str)
@pytest.mark.parametrize("function", [products, corners, roots, choices], ids=lambda f: f.__name__)
def test_the_slopes_of_a_stencil_are_those_of_jax(function, values):
    create("jax")
    array = np.array([values])
    traced = Traced(function, (array, 0.5), True)
    found = slopes(traced.values, [traced.graph.constant(1.0)], lambda one: one.kind in ("read", "number"))
    named = {one.parts[0].shifts[1] if one.kind == "read" else "c": slope for one, slope in found.items()}
    stencil_of_slopes = written(traced.leaves, True, list(named.values()))
    ours = dict(zip(named, stencil_of_slopes.function(0, 1, *stencil_of_slopes.arguments), strict=True))

    def at_point(west, here, east, c):
        return function(0, 1, jax.numpy.array([[west, here, east]]), c)

    theirs = dict(zip((-1, 0, 1, "c"), jax.grad(at_point, (0, 1, 2, 3))(*values, 0.5), strict=True))
    for name, slope in theirs.items():
        assert float(ours.get(name, 0.0)) == pytest.approx(float(slope), rel=1e-12, abs=1e-14), name


@stencil
def raised(j, i, q, c):
    return power(q[j, i], c)


def test_a_derivative_that_is_not_written_down_is_refused():
    traced = Traced(raised, (np.ones((3, 3)), 0.5), True)
    with pytest.raises(NotDifferentiable, match="by its exponent"):
        slopes(traced.values, [traced.graph.constant(1.0)], lambda one: one.kind == "number")


# the turbulence of the southern channel reads the flow at the end of a step, after walls have stopped it: by the detour
@pytest.mark.parametrize("name", sorted(set(cases.CASES) - {"southern_channel"}))
def test_the_steps_of_a_case_go_back_in_native_kernels(name):
    """Without the detour by XLA, by its state and by all numbers that it is made of but exponents."""
    from dycore.backends import on_numba
    from dycore.backends.compiled.backward import backward_steps

    grid, parameters, state = cases.CASES[name](cells=CELLS.get(name, (1, 6, 8)))
    backend = on_numba.create()
    asked = []

    def loop(step, period=3, elsewhere=None):
        return lambda constants, state, n: asked.append((step, constants, state)) or state

    backend.loop = loop
    model = Model(grid, parameters, backend)
    model.steps(state, 1)
    step, constants, state = asked[0]
    assert backward_steps(backend, step)(constants, state)


def products_of(one, other):
    """The sum of products of the arrays and numbers of two trees."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return sum(float((np.asarray(a) * np.asarray(b)).sum()) for a, b in pairs)


def random_like(generator, array):
    values = generator.standard_normal(np.shape(array)) * (np.abs(np.asarray(array)).max() + 1e-3)
    values[..., :3, :] = values[..., -3:, :] = values[..., :3] = values[..., -3:] = 0.0  # as halos are no values of their own
    if values.ndim == 3:
        values[:2] = values[-2:] = 0.0
    return values


@pytest.fixture(scope="module")
def gyre():
    """A model with barotropic substeps, drag, wind and friction, whose kernels go both ways; and a state in motion."""
    create("jax")
    from dycore.backends import on_jax

    grid, parameters, state = cases.barotropic_gyre((1, 6, 6))
    model = Model(grid, parameters, on_jax.create(native=True))
    return model, model.steps(state, 40)


def driven(model, factor):
    """The model with so many times its wind, a plane, and its friction, a number."""
    (wind, across), friction = model.parameters.surface_stress, model.parameters.friction
    friction = replace(friction, divergence=friction.divergence * factor, vorticity=friction.vorticity * factor)
    return model.with_parameters(replace(model.parameters, surface_stress=(wind * factor, across), friction=friction))


def test_three_steps_go_back_as_they_went_forward(gyre):
    """<w, J v> = <J' w, v>, with J v by central differences; by the state and by the strength of wind and friction."""
    model, state = gyre
    generator = np.random.default_rng(0)
    fields = tuple(state[:-2])

    def after(fields, factor):
        return tuple(driven(model, factor).steps(type(state)(*fields, *state[-2:]), 3)[:-2])

    changes = jax.tree.map(lambda array: random_like(generator, array), fields)
    weights = jax.tree.map(lambda array: random_like(generator, array), fields)
    back, back_wind = jax.vjp(after, fields, 1.0)[1](jax.tree.map(jax.numpy.asarray, weights))

    def changed(size):
        return after(jax.tree.map(lambda array, change: array + size * change, fields, changes), 1.0 + size)

    forward = products_of(weights, jax.tree.map(lambda one, other: (one - other) / 2e-6, changed(1e-6), changed(-1e-6)))
    assert forward == pytest.approx(products_of(back, changes) + float(back_wind), rel=1e-7)


def test_a_trajectory_goes_back_through_several_steps_at_once(gyre):
    from dycore import learning

    model, state = gyre

    def seen_on_the_way(factor):
        end, seen = learning.trajectory(driven(model, factor), state, 12, 2, lambda now: (now.surface**2).sum())
        return seen.sum() + (end.u**2).sum()

    def one_by_one(factor):
        now, total = state, 0.0
        for _ in range(6):
            now = driven(model, factor).steps(now, 2)
            total = total + (now.surface**2).sum()
        return total + (now.u**2).sum()

    ours, theirs = (jax.jit(jax.value_and_grad(function))(1.0) for function in (seen_on_the_way, one_by_one))
    assert np.allclose(ours, theirs, rtol=1e-11, atol=0.0) and float(ours[1]) > 0.0
    with pytest.raises(TypeError, match=r"jvp and linearize go forwards. Make the model with .*create\(native=False\)"):
        jax.jvp(seen_on_the_way, (1.0,), (1.0,))
