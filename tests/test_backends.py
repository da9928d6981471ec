"""One source, three backends: the same states after whole steps, and gradients through them."""

import dataclasses
from functools import cache

import numpy as np
import pytest
from conftest import BACKENDS, channel, create, fields_of, filled
from test_gradients import QUICKLY_COMPILED

from dycore import Model, cases
from dycore.equations import advection
from dycore.grid import interior
from dycore.parameters import Mixing
from dycore.tiles import Place

# tests elsewhere let XLA leave out most of its optimisation
pytestmark = pytest.mark.usefixtures("compiled_as_for_users")
CASES = {"baroclinic_channel": ((4, 12, 16), {"time_step": 2000.0}), "baroclinic_wave": ((4, 12, 16), {}),
         "steady_zonal_flow": ((1, 12, 16), {"angle": 45.0})}


def build(name, precision="float64", **changes):
    cells, options = CASES[name]
    grid, parameters, state = cases.CASES[name](cells=cells, precision=precision, **options)
    return grid, dataclasses.replace(parameters, **changes), state


@cache
def made(name, other):
    """(the model of a case on a backend, made and compiled once for all of these tests; a state to begin from)."""
    grid, parameters, state = build(name)
    return Model(grid, parameters, create(other)), state


def after(case, backend, steps=10):
    grid, parameters, state = case
    return fields_of(Model(grid, parameters, backend).steps(state, steps))


def largest_difference(ones, others, grid):
    """The largest difference of any field, relative to its range over wet cells."""
    worst = 0.0
    for name, one in ones.items():
        spread = np.ptp(one[grid.wet] if one.ndim == 3 else one)
        if spread > 0.0:
            worst = max(worst, np.abs(one.astype(float) - others[name]).max() / spread)
    return worst


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other, tolerance", [("numba", 1e-13), ("jax", 1e-11)])
def test_backends_agree_on_whole_steps(numpy_backend, name, other, tolerance):
    """Ten steps; XLA contracts and reorders, so it may leave more round-off than Numba."""
    model, state = made(name, other)
    assert largest_difference(after(build(name), numpy_backend), fields_of(model.steps(state, 10)), model.grid) < tolerance


@pytest.mark.parametrize("other, tolerance", [("numba", 1e-13), ("jax", 1e-11)])
def test_backends_agree_with_other_schemes(numpy_backend, other, tolerance):
    changes = {"tracer_face": advection.weno5, "vertical_face": advection.centred, "biharmonic_diffusion": True,
               "diffusivity": 1.0e12, "friction": Mixing(1.0e13, 1.0e13, True)}
    case = build("baroclinic_channel", **changes)
    assert largest_difference(after(case, numpy_backend, 5), after(case, create(other), 5), case[0]) < tolerance


# every case under NumPy; compiled ones are another program in each precision, and one of each backend shows what it makes of it
@pytest.mark.parametrize("name, other", [*((name, "numpy") for name in CASES), ("baroclinic_wave", "numba"),
                                         ("baroclinic_channel", "jax")])
def test_single_precision_stays_single_and_is_close_to_double(name, other):
    model, state = made(name, other)
    double = fields_of(model.steps(state, 3))
    grid, parameters, state = build(name, "float32")
    state = Model(grid, parameters, create(other)).steps(state, 3)
    single = fields_of(state)
    for field, values in single.items():
        assert values.dtype == np.float32, field
        assert np.isfinite(values).all(), field
    for past in state.history:
        assert all(np.asarray(values).dtype == np.float32 for values in (past.surface, *past.tracers, *past[2:]))
    for field in ("u", "v"):
        # phi is up to 3e5 m2/s2 and its single unit 0.03: a few steps of some 1000 s over 1000 km make 1e-3 m/s at most
        assert np.abs(double[field] - single[field]).max() < 5e-3 * max(1.0, np.ptp(double[field])), field
    for field in double.keys() & {"tracer 0", "tracer 1", "surface"}:
        # a few units in the last place (6e-8) of the value a step
        assert np.abs(double[field] - single[field]).max() < 3e-5 * np.abs(double[field]).max() + 1e-3, field


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", BACKENDS)
def test_ten_steps_are_ten_times_one_step(name, other):
    model, state = made(name, other)
    together = fields_of(model.steps(state, 10))
    for _ in range(10):
        state = model.step(state)
    apart = fields_of(state)
    # XLA compiles the loop and the single step apart; the others run the same instructions
    assert largest_difference(together, apart, model.grid) <= (1e-11 if other == "jax" else 0.0)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", BACKENDS)
def test_running_never_changes_the_state_it_was_given(name, other):
    model, state = made(name, other)
    state = model.steps(state, 3)
    before = {field: values.copy() for field, values in fields_of(state).items()}
    model.steps(state, 4)
    model.step(state)
    for field, values in fields_of(state).items():
        assert (values == before[field]).all(), field


@pytest.mark.parametrize("other", BACKENDS)
def test_a_view_that_a_user_keeps_is_not_written_over(other):
    model, state = made("steady_zonal_flow", other)
    state = model.step(state)
    view = interior(np.asarray(state.u))
    kept = view.copy()
    for _ in range(5):
        state = model.step(state)
    assert (view == kept).all()


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_of_two_steps_is_the_finite_difference(name, random):
    model, state = made(name, "jax")
    import jax
    import jax.numpy as jnp

    grid = model.grid
    state = model.steps(state, 3)
    direction = jnp.asarray(np.where(np.arange(state.u.shape[0])[:, None, None] >= grid.metrics.floor_u,
                                     random.standard_normal(state.u.shape), 0.0))
    mask = jnp.asarray(random.standard_normal(state.surface.shape))

    def outcome(u):
        now = state._replace(u=u)
        for _ in range(2):
            now = model._step(model.numbers, now)
        return (mask * now.surface)[3:-3, 3:-3].sum() + (now.u[2:-2, 3:-3, 3:-3] ** 2).sum()

    value, gradient = (jax.jit(function, compiler_options=QUICKLY_COMPILED) for function in (outcome, jax.grad(outcome)))
    slope = float((gradient(state.u) * direction).sum())
    step = 1e-4
    difference = float(value(state.u + step * direction) - value(state.u - step * direction)) / (2.0 * step)
    # round-off of the outcome (up to 1e5 in the atmosphere) over the step, and third derivatives times its square
    assert np.isfinite(slope) and slope == pytest.approx(difference, rel=1e-5)


def test_a_program_of_a_users_own_has_the_kernels_of_a_run_of_ours():
    """They are as many as barriers let them be; under a plain jit XLA drops these and fuses what is slow together."""
    import jax

    from dycore.backends import on_jax

    model, state = made("steady_zonal_flow", "jax")
    state = model.asarrays(state)

    def steps(state):
        return jax.lax.scan(lambda now, _: (model.pure_step(now), None), state, length=2)[0]

    def barriers(program):
        return program.lower(state).compile().as_text().count(" opt-barrier(")

    ours = on_jax.jit(steps, donate_argnums=())
    assert barriers(ours) == barriers(model.backend.compile(steps)) > 10 * barriers(jax.jit(steps)) == 0
    one, other = (fields_of(each) for each in (ours(state), model.steps(state, 2)))
    assert largest_difference(one, other, model.grid) < 1e-13


def test_the_total_is_the_sum_over_the_cells_without_halo(backend, random):
    grid = channel()
    values = random.standard_normal(grid.cells)
    total = backend.total(grid.tile, backend.asarray(filled(grid, Place.CENTER, values)))
    wet = np.where(grid.wet, values, 0.0)  # `filled` puts zero on land
    assert float(total) == pytest.approx(wet.sum(), rel=1e-13)  # order of a few hundred additions
