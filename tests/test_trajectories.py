"""Runs that JAX differentiates: their states are those of steps, few of them are kept, and numbers of records have slopes."""

import dataclasses

import numpy as np
import pytest
from conftest import create

from dycore import Model, Parameters, initial_state
from dycore.backends import on_numpy
from dycore.fluid import Ocean, shallow_water
from dycore.grid import rectilinear
from dycore.time_series import TimeSeries

jax = pytest.importorskip("jax")
learning = pytest.importorskip("dycore.learning")
from dycore.learning.trajectories import observed, remembered  # noqa: E402

QUICKLY_COMPILED = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
STRESS = TimeSeries([0.0, 250.0, 900.0], np.linspace(-0.2, 0.3, 3 * 48).reshape(3, 6, 8), name="wind")


def sea(stress=(0.1, 0.0), cells=(1, 6, 8)):
    """A sea of one layer that sloshes about, on a plane with walls."""
    grid = rectilinear(cells, extent=(3.2e6, 2.4e6), interfaces=np.array([-1000.0, 0.0]))
    level = np.random.default_rng(5).standard_normal(cells[1:])
    fluid = Ocean(buoyancy=shallow_water().buoyancy) if stress else shallow_water()
    return grid, Parameters(fluid, time_step=200.0, surface_stress=stress), initial_state(grid, surface=level, u=0.1)


@pytest.fixture(scope="module")
def made():
    grid, parameters, state = sea()
    model = Model(grid, parameters, create("jax"))
    return model, model.asarrays(state)


@pytest.mark.parametrize("steps, every", [(7, 1), (22, 2), (12, 6), (26, 13), (1, 1)])
def test_what_is_seen_is_what_steps_pass_through_and_slopes_are_those_of_plain_loops(made, steps, every):
    def step(x):
        return {"x": jax.numpy.sin(1.1 * x["x"]) + 0.01 * x["n"], "n": x["n"] + 1}

    def outcome(run):
        def of(x):
            end, seen = run({"x": x, "n": 0})
            return (end["x"] ** 2).sum() + (np.arange(1.0, steps // every + 1) * seen).sum()

        return of

    def plainly(state):
        seen = []
        for n in range(1, steps + 1):
            state = step(state)
            seen += [state["x"].sum()] * (n % every == 0)
        return state, jax.numpy.stack(seen)

    start = np.array([0.3, -1.2])
    ours, theirs = (jax.jit(jax.value_and_grad(outcome(run)))(start) for run in (
        lambda state: observed(step, state, steps, every, lambda now: now["x"].sum(), remembered), plainly))
    assert np.allclose(ours[0], theirs[0], rtol=1e-12) and np.allclose(ours[1], theirs[1], rtol=1e-10)


def test_a_trajectory_of_a_model_ends_where_its_steps_do_and_shows_those_on_the_way(made):
    model, state = made
    reference, now = Model(model.grid, model.parameters, on_numpy), sea()[2]
    end, seen = jax.jit(lambda state: learning.trajectory(model, state, 6, 2, lambda now: (now.surface, now.step)))(state)
    for number in range(3):
        now = reference.steps(now, 2)
        assert np.allclose(seen[0][number], now.surface, atol=1e-13) and seen[1][number] == 2 * (number + 1)
    assert end.step == 6 and np.allclose(end.u, now.u, atol=1e-13) and end.time == 1200.0


def test_tangents_agree_with_slopes_and_members_of_a_vmap_with_runs_of_their_own(made):
    """By the state and by a number of the parameters: jvp, linearize, vjp and vmap of one run, each against another."""
    model, state = made
    (name,) = (name for name in learning.numbers(model.parameters) if name.startswith("surface_stress") and name.endswith("0"))

    def outcome(u, stress):
        calm = model.with_parameters(learning.with_numbers(model.parameters, {name: stress}))
        end, _ = learning.trajectory(calm, state._replace(u=u), 4)
        return end.surface

    generator = np.random.default_rng(3)
    at = state.u, 0.1
    along, weights = (generator.standard_normal(state.u.shape), 0.7), generator.standard_normal(state.surface.shape)
    _, tangent = jax.jit(lambda: jax.jvp(outcome, at, along))()
    _, linear = jax.linearize(outcome, *at)
    assert np.allclose(linear(*along), tangent, rtol=1e-12, atol=1e-15)
    of_u, of_stress = jax.jit(lambda: jax.vjp(outcome, *at)[1](weights))()
    assert float(of_stress) != 0.0
    assert np.isclose((weights * tangent).sum(), (of_u * along[0]).sum() + of_stress * along[1], rtol=1e-10)
    members = np.stack([at[0], 0.5 * at[0], at[0] + 0.01]), np.array([0.1, 0.0, -0.2])
    together = jax.jit(jax.vmap(outcome))(*members)
    for number, member in enumerate(zip(*members, strict=True)):
        assert np.allclose(together[number], jax.jit(outcome)(*member), rtol=1e-12, atol=1e-14)


def test_no_more_states_are_kept_than_three_times_the_root_of_their_number(made):
    model, state = made

    def outcome(numbers):
        end, seen = learning.trajectory(model, learning.with_numbers(state, numbers), 324, 9, lambda now: now.surface.sum())
        return (end.u**2).sum() + (seen**2).sum()

    numbers = learning.numbers(state)
    program = jax.jit(jax.grad(outcome)).lower(numbers).compile(compiler_options=QUICKLY_COMPILED)
    kept = program.memory_analysis().temp_size_in_bytes / sum(np.asarray(each).nbytes for each in numbers.values())
    assert 324**0.5 < kept <= 3.0 * 324**0.5  # with all that one step needs


def test_slopes_by_a_state_are_a_state_whose_integers_are_left_out(made):
    model, state = made

    def outcome(state, factor):
        end, _ = learning.trajectory(model, state, 2)
        return factor * (end.surface**2).sum(), end.step

    program = jax.jit(learning.value_and_grad(outcome, has_aux=True))
    (value, step), slopes = program(state, 0.5)
    assert slopes.step is None and int(step) == 2 and slopes.u.shape == state.u.shape
    moved = 1e-4 * np.cos(np.arange(state.surface.size)).reshape(state.surface.shape)
    apart = [float(program(state._replace(surface=state.surface + sign * moved), 0.5)[0][0]) for sign in (1.0, -1.0)]
    assert float((slopes.surface * moved).sum()) == pytest.approx(0.5 * (apart[0] - apart[1]), rel=1e-6)
    assert float(value) == pytest.approx(
        0.5 * (Model(model.grid, model.parameters, on_numpy).steps(sea()[2], 2).surface ** 2).sum(), rel=1e-12)


def test_numbers_have_dotted_names_and_what_a_program_has_to_know_is_none_of_them():
    _, parameters, state = sea((STRESS, 0.0))
    names = set(learning.numbers(parameters))
    assert {"time_step", "surface_stress.0.values", "surface_stress.1", "fluid.gravity"} <= names
    assert not names & {"polar_filter", "surface_stress.0.times", "substeps"}
    changed = learning.with_numbers((parameters, state), {"0.fluid.gravity": 3.0, "1.surface": 2.0 * state.surface})
    assert changed[0].fluid.gravity == 3.0 and np.array_equal(changed[1].surface, 2.0 * state.surface)
    assert changed[0].surface_stress == parameters.surface_stress or changed[0].surface_stress[0].values is STRESS.values
    with pytest.raises(ValueError, match=r"'gravity' is no number of this Parameters. It has fluid.gravity"):
        learning.with_numbers(parameters, {"gravity": 9.0})


def test_slopes_by_records_of_a_time_series_are_those_of_finite_differences():
    grid, parameters, state = sea((STRESS, 0.0))
    model = Model(grid, parameters, create("jax"))
    start = model.asarrays(state)

    @jax.jit
    @jax.value_and_grad
    def outcome(records):
        series = dataclasses.replace(STRESS, values=records)
        own = model.with_parameters(dataclasses.replace(parameters, surface_stress=(series, 0.0)))
        end, _ = learning.trajectory(own, start, 3)
        return (end.u**2).sum()

    records = STRESS.values
    moved = np.sin(np.arange(records.size)).reshape(records.shape)
    value, slopes = outcome(records)
    apart = [float(outcome(records + sign * 1e-3 * moved)[0]) for sign in (1.0, -1.0)]
    assert float((slopes * moved).sum()) == pytest.approx((apart[0] - apart[1]) / 2e-3, rel=1e-6)
    assert np.abs(slopes).max(axis=(1, 2)).all()  # of all three records
    assert float(value) == pytest.approx((Model(grid, parameters, on_numpy).steps(state, 3).u ** 2).sum(), rel=1e-12)
    with pytest.raises(ValueError, match=r"is known from day 0 to day 0\.01"):
        learning.trajectory(model, start, 6)


@pytest.mark.parametrize("arguments, kind, sentence", [
    ({"steps": 0}, ValueError, "steps=0 must be at least 1"), ({"steps": -3}, ValueError, "steps=-3 must be at least 1"),
    ({"steps": 2.5}, ValueError, "steps=2.5 must be a whole number"),
    ({"steps": 4, "every": 0}, ValueError, "every=0 must be at least 1"),
    ({"steps": 10, "every": 4}, ValueError, r"steps=10 are no multiple of every=4.* Give steps=8"),
    ({"steps": 3, "every": 4}, ValueError, r"steps=3 are no multiple of every=4.* Give steps=4"),
    ({"steps": 4, "see": "surface"}, ValueError, "see='surface' must be a function"),
    ({"steps": 4, "model": "channel"}, TypeError, "model='channel' must be a dycore.model.Model")])
def test_runs_that_cannot_be_are_refused(made, arguments, kind, sentence):
    model, state = made
    with pytest.raises(kind, match=sentence):
        learning.trajectory(**({"model": model, "state": state} | arguments))


def test_a_backend_other_than_jax_is_refused():
    grid, parameters, state = sea()
    with pytest.raises(ValueError, match=r"differentiates with JAX, but the backend of the model is numpy\. Make the model with"):
        learning.trajectory(Model(grid, parameters, on_numpy), state, 4)


def test_new_numbers_may_be_given_where_a_forcing_is_a_time_series():
    """On every backend: the values of a series are records, whose times were checked when it was made."""
    grid, parameters, state = sea((STRESS, 0.0))
    stronger = dataclasses.replace(parameters, surface_stress=(dataclasses.replace(STRESS, values=2.0 * STRESS.values), 0.0))
    model = Model(grid, parameters, on_numpy)
    assert np.array_equal(model.with_parameters(stronger).steps(state, 3).u, Model(grid, stronger, on_numpy).steps(state, 3).u)
    assert not np.array_equal(model.steps(state, 3).u, model.with_parameters(stronger).steps(state, 3).u)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_a_slope_of_a_model_that_is_not_on_jax_is_refused_with_what_to_do(name):
    grid, parameters, state = sea()
    model = Model(grid, parameters, create(name))
    asked = {"state": lambda: learning.grad(lambda state: model.steps(state, 2).surface.sum())(state),
             "parameters": lambda: jax.grad(lambda wind: model.with_parameters(
                 dataclasses.replace(parameters, surface_stress=(wind, 0.0))).steps(state, 2).u.sum())(0.1)}
    for ask in asked.values():
        with pytest.raises(TypeError, match=f"on the backend {name}, which JAX cannot see into. Make the model with dycore.b"):
            ask()
