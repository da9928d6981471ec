"""Numba's kernels on arrays of JAX: the bits of Numba, within functions that JAX traces too, and errors that are told."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import create
from test_gradients import QUICKLY_COMPILED
from test_modules import held_suarez as held_suarez_module

from dycore import Model, cases
from dycore.forcing import Forced, Module
from dycore.state import State
from dycore.terms import Vector

jax = pytest.importorskip("jax")
pytest.importorskip("numba")

from dycore.backends import foreign, jax_process, native, on_jax, on_numba  # noqa: E402
from dycore.backends.devices import Devices  # noqa: E402
from dycore.backends.jax_process import CannotStart  # noqa: E402


class Values(NamedTuple):
    """What the module of these tests is made of."""

    rate: Any
    fastest: Any


def braked(u, v, rate, fastest):
    """Drag; on the host it refuses what is too fast."""
    if isinstance(u, np.ndarray) and np.abs(u).max() > fastest:
        raise ValueError(f"The flow of {np.abs(u).max():.0f} m/s is faster than {fastest:g} m/s. Take a shorter step.")
    return -rate * u, -rate * v


def brake(on, grid, at, values, weights):
    return Forced(Vector(*on.columns(braked, at.u, at.v, values.rate, values.fastest)))


def zonal_flow(rate=1e-5, fastest=1e6):
    """A flow around the sphere that a module brakes."""
    grid, parameters, state = cases.steady_zonal_flow((1, 8, 12))
    return grid, replace(parameters, forcing=(Module(brake, Values(rate, fastest)),)), state


@pytest.fixture(scope="module")
def models():
    """The same on JAX with kernels everywhere, on JAX as XLA compiles it and on Numba, and a state."""
    create("jax")
    grid, parameters, state = zonal_flow()
    made = {"native": on_jax.create(native=True), "jax": create("jax"), "numba": on_numba.create()}
    made = {name: Model(grid, parameters, backend) for name, backend in made.items()}
    return made, made["native"].asarrays(state)


def leaves(tree):
    """The arrays and numbers; of tendencies, which mean nothing beyond the cells of open faces, none."""
    if isinstance(tree, State):
        tree = tree._replace(history=tuple(past[:2] for past in tree.history))
    return jax.tree.leaves(tree)


def same(ones, others):
    ones, others = map(leaves, (ones, others))
    return len(ones) == len(others) and all(np.array_equal(*map(np.asarray, pair)) for pair in zip(ones, others, strict=True))


def close(ones, others, tolerance=1e-11):
    for one, other in zip(*map(jax.tree.leaves, (ones, others)), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.dtype.kind == "f":
            assert np.abs(one - other).max() <= tolerance * max(np.abs(other).max(), 1e-12)
    return True


def test_the_polar_filter_and_a_module_have_the_bits_of_numba():
    create("jax")
    grid, parameters, state = cases.held_suarez((4, 12, 24))
    parameters = replace(parameters, forcing=(Module(held_suarez_module, parameters.forcing[0].values),))
    by_jax, by_numba = Model(grid, parameters, on_jax), Model(grid, parameters, on_numba)
    after = by_jax.steps(by_jax.steps(state, 3), 4)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(after))
    assert same(after, by_numba.steps(state, 7)) and int(after.step) == 7
    assert np.abs(np.asarray(after.u)).max() > 0.01


def test_a_model_says_which_of_the_two_takes_its_steps(models):
    made, _ = models
    assert [made[name].backend.name for name in ("native", "jax")] == ["jax-native", "jax"]
    assert "jax-native" in repr(made["native"]).splitlines()[0]
    assert on_jax.create().name == "jax-native" and on_jax.create(communication=Devices((1, 1))).name == "jax"


@pytest.mark.parametrize("options, why", [({"communication": "devices"}, "among devices of one program"),
                                          ({"uncompiled": "1"}, "NUMBA_DISABLE_JIT is set"),
                                          ({"library": None}, r"not installed \(pip install 'dycore\[numba\]'\)"),
                                          ({"platform": "gpu"}, "JAX computes on a gpu here")])
def test_kernels_that_cannot_be_had_are_refused_where_asked_for_and_left_out_where_not(monkeypatch, options, why):
    communication = Devices((1, 1)) if "communication" in options else None
    monkeypatch.setenv("NUMBA_DISABLE_JIT", options.get("uncompiled", "0"))
    if "library" in options:
        monkeypatch.setattr(jax_process.importlib.util, "find_spec", lambda name: None)
    if "platform" in options:
        monkeypatch.setattr(jax, "default_backend", lambda: options["platform"])
    with pytest.raises(CannotStart, match=f"native=True asks for kernels of Numba, but .*{why}"):
        on_jax.create(communication=communication, native=True)
    assert on_jax.create(communication=communication).name == "jax"


def test_steps_within_jit_and_scan_have_the_bits_of_steps_outside_and_donated_arrays_do_no_harm(models):
    made, state = models
    model = made["native"]
    expected = made["numba"].steps(state, 4)
    assert same(jax.jit(lambda state: model.steps(state, 4))(state), expected)
    scanned = jax.jit(lambda state: jax.lax.scan(lambda now, _: (model.pure_step(now), None), state, length=4)[0],
                      donate_argnums=0)
    own = jax.tree.map(lambda leaf: jax.numpy.array(leaf), state)
    assert same(scanned(own), expected)
    assert own.u.is_deleted() and same(scanned(jax.tree.map(jax.numpy.array, state)), expected)


def test_known_states_are_stepped_also_within_a_function_that_is_traced(models):
    made, state = models
    model = made["native"]
    assert same(jax.jit(lambda factor: factor * model.steps(state, 2).u)(2.0), 2.0 * made["numba"].steps(state, 2).u)


def test_members_of_vmap_are_stepped_one_by_one(models):
    made, state = models
    members = jax.tree.map(lambda leaf: jax.numpy.stack([jax.numpy.asarray(leaf)] * 3), state)
    members = members._replace(u=members.u * jax.numpy.array([1.0, 0.5, 0.25])[:, None, None, None])
    together = jax.vmap(lambda member: made["native"].steps(member, 2))(members)
    for number in range(3):
        assert same(jax.tree.map(lambda leaf, number=number: leaf[number], together),
                    made["numba"].steps(jax.tree.map(lambda leaf, number=number: leaf[number], members), 2))


def test_slopes_of_states_and_coefficients_are_those_of_xla(models):
    made, state = models
    _, parameters, _ = zonal_flow()

    def slopes(model, advance):
        def outcome(rate, u):
            own = model.with_parameters(replace(parameters, forcing=(Module(brake, Values(rate, 1e6)),)))
            after = advance(own, state._replace(u=u))
            return (after.u**2).sum() + 1e-3 * (after.surface**2).sum()

        program = jax.jit(jax.grad(outcome, argnums=(0, 1))).lower(1e-5, state.u)
        return program.compile(compiler_options=QUICKLY_COMPILED)(1e-5, state.u)

    expected = slopes(made["jax"], lambda model, state: model.pure_step(model.pure_step(state)))
    assert float(expected[0]) < 0.0
    with pytest.warns(native.GradientWarning, match="XLA's form.*a part of its own, braked"):  # a module of arrays has no stencils
        assert close(slopes(made["native"], lambda model, state: model.pure_step(model.pure_step(state))), expected, 1e-10)
        assert close(slopes(made["native"], lambda model, state: model.steps(state, 2)), expected, 1e-10)


def test_xla_is_left_what_is_traced_unless_kernels_were_asked_for_everywhere(models):
    made, state = models
    by_default = Model(*zonal_flow()[:2], on_jax.create())
    for model, expected in ((by_default, 0), (made["jax"], 0), (made["native"], 1)):
        program = str(jax.make_jaxpr(model.pure_step)(state))
        assert program.count("ffi_call[") == expected
    slope = jax.eval_shape(lambda u: jax.jvp(lambda u: by_default.pure_step(state._replace(u=u)).u, (u,), (u,))[1], state.u)
    assert slope.shape == state.u.shape
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda u: made["native"].pure_step(state._replace(u=u)).u, (state.u,), (state.u,))


def test_a_state_that_was_stepped_can_be_stepped_again_and_stays_what_it_is(models):
    """What follows may write over the arrays in which a state was computed, not over those that show it."""
    made, state = models
    model, reference = made["native"], made["numba"]
    first = model.steps(state, 3)
    shown = jax.tree.map(np.array, first)
    again = [model.steps(first, 2) for _ in range(3)]
    changed = model.steps(first._replace(u=2.0 * first.u), 2)
    assert same(first, shown) and same(first, reference.steps(state, 3))
    expected = reference.steps(reference.steps(state, 3), 2)
    assert all(same(each, expected) for each in again)
    assert same(changed, reference.steps(shown._replace(u=2.0 * shown.u), 2)) and not same(changed, expected)
    assert same(model.steps(again[0], 0), again[0])


def test_the_memory_of_states_that_nobody_has_is_used_again_and_that_of_others_is_not(models):
    made, state = models
    model, reference = made["native"], made["numba"]

    def place(state):
        return state.u.unsafe_buffer_pointer()

    now = model.steps(state, 1)
    first = place(now)
    for _ in range(2):
        now = model.steps(now, 1)
    assert place(now) == first and same(now, reference.steps(state, 3))
    held, view = model.steps(now, 1), np.asarray(now.u)
    copies = jax.tree.map(np.array, (held, view))
    del now
    for _ in range(4):
        last = model.steps(held, 2)
    assert same(held, copies[0]) and np.array_equal(view, copies[1])
    assert same(last, reference.steps(copies[0], 2)) and place(last) not in (place(held), view.ctypes.data)


def test_threads_step_one_model_at_once(models):
    made, state = models
    model = made["native"]
    starts = [state._replace(u=state.u * factor) for factor in (1.0, 0.9, 0.8, 0.7)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda start: model.steps(model.steps(start, 10), 10), starts))
    for start, one in zip(starts, found, strict=True):
        assert same(one, made["numba"].steps(start, 20))


def test_what_is_raised_in_a_step_is_raised_where_the_step_was_asked_for(models):
    made, state = models
    slow = made["native"].with_parameters(zonal_flow(fastest=1.0)[1])
    sentence = "The flow of .* m/s is faster than 1 m/s. Take a shorter step."
    for _ in range(2):
        with pytest.raises(ValueError, match=f"^{sentence}"):
            slow.steps(state, 3)
    with pytest.raises(jax.errors.JaxRuntimeError, match=f"ValueError: {sentence}"):
        jax.block_until_ready(jax.jit(slow.pure_step)(state))
    assert same(made["native"].steps(state, 3), made["numba"].steps(state, 3))


def test_a_program_that_outlives_what_it_calls_says_so():
    x = jax.numpy.arange(6.0).reshape(2, 3)
    kept = [foreign.Called(lambda given, made: native.fill(made, given))]
    program = jax.jit(lambda x: foreign.call(kept[0], [jax.ShapeDtypeStruct(x.shape, x.dtype)], [x])[0])
    assert same(program(x), x)
    kept.clear()
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match="Keep it as long as the program is used"):
        jax.block_until_ready(program(x))


def test_every_type_of_array_goes_to_a_function_and_back():
    types = ("bool", "int8", "int32", "int64", "uint8", "uint32", "float16", "float32", "float64", "complex64", "complex128")
    arrays = [jax.numpy.asarray(np.array([[0, 1, 2], [3, 4, 5]], kind)) for kind in types] + [jax.numpy.zeros((0, 2))]
    shapes = []

    def copied(given, made):
        shapes.extend((array.shape, array.dtype.name) for array in given)
        native.fill(made, given)

    called = foreign.Called(copied)
    like = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
    assert same(jax.jit(lambda arrays: foreign.call(called, like, arrays))(arrays), arrays)
    assert shapes == [((2, 3), kind) for kind in types] + [((0, 2), "float64")]
