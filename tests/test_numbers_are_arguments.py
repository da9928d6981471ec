"""A compiled step takes every number and array as an argument: other values give other results, and compile nothing anew."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import create

from dycore.backends.compiled import program as compiled_program
from dycore.backends.compiled import writer
from dycore.stencils import maximum, minimum, square_root, stencil, where
from dycore.tiles import Boundary, Halo, Place, Tile

TILE = Tile((2, 6, 5), Boundary.PERIODIC, Boundary.PERIODIC)
CELLS = tuple(slice(*r) for r in TILE.region.ranges)
EXACT = {"float32": 1e-6, "float64": 1e-15}


class Constants(NamedTuple):
    """A number, one in the precision of the fields, a whole number, a profile and a plane."""

    time_step: float
    rate: Any
    period: int
    profile: Any
    plane: Any


class State(NamedTuple):
    """A field, the time (s), what a compensated sum lacks (s), and the number of the step."""

    q: Any
    time: float
    rest: float
    step: int


@stencil
def changed(k, j, i, constants, season, row, q):
    """A field one step later."""
    difference = q[k, j, i - 1] - q[k, j, i]
    return q[k, j, i] + season * (constants.rate * difference + row) + constants.profile[k] * constants.plane[j, i]


@stencil
def drifted(k, j, i, season, q):
    """A field, from numbers alone and from itself."""
    return q[k, j, i] * (1.0 - 0.01 * season)


def step_on(backend):
    """A step with numbers of all kinds: made of constants, of the time and of the step."""

    def step(constants, state):
        increment = constants.time_step + state.rest
        time = state.time + increment
        rest = increment - (time - state.time)
        season = minimum(2.0, maximum(0.25, -0.5 + time**2 / (1000.0 * constants.period)))
        slow = where(time > 40.0, square_root(1.0 / constants.time_step), 1e-3 * constants.time_step)
        row = constants.profile[minimum(state.step, 3)]
        q = backend.apply(changed, TILE.region, constants, season, row, state.q)
        q = backend.apply(drifted, TILE.region, slow, q)
        (q,) = backend.exchange((Halo(TILE, Place.CENTER), q))
        return State(q, time, rest, state.step + 1)

    return step


def drawn(backend, precision, seed):
    """Constants and a state of which every value is drawn anew."""
    random = np.random.default_rng(seed)

    def array(*shape):
        return backend.asarray(0.1 * random.random(shape).astype(precision))

    padded = TILE.region.padded
    constants = Constants(float(3.0 + 30.0 * random.random()), np.dtype(precision).type(0.4 * random.random()),
                          int(random.integers(2, 9)), array(padded[0]), array(*padded[1:]))
    return constants, State(array(*padded), float(10.0 * random.random()), 0.0, int(random.integers(0, 3)))


def fields_of(state):
    return np.asarray(state.q)[CELLS]


@pytest.mark.parametrize("precision", EXACT)
def test_other_numbers_and_arrays_give_what_numpy_gives_without_compiling_anew(backend, precision, monkeypatch):
    reference = create("numpy")
    planned, built = [], []
    rotation = compiled_program.Program._rotation
    monkeypatch.setattr(compiled_program.Program, "_rotation", lambda self: planned.append(1) or rotation(self))
    monkeypatch.setattr(writer, "build", lambda *given, made=writer.build, **more: built.append(1) or made(*given, **more))
    steps, expected = backend.loop(step_on(backend), period=1), reference.loop(step_on(reference))
    results = []
    for seed in (1, 2, 3):
        found = steps(*drawn(backend, precision, seed), 4)
        theirs = expected(*drawn(reference, precision, seed), 4)
        assert np.asarray(found.q).dtype == precision
        difference = np.abs(fields_of(found).astype(float) - fields_of(theirs)).max()
        assert difference <= EXACT[precision] * np.abs(fields_of(theirs)).max()
        for one, other in ((found.time, theirs.time), (found.step, theirs.step)):
            assert float(one) == pytest.approx(float(other), rel=1e-6 if backend.name == "jax" else 0.0)
        results.append(fields_of(found))
    assert (results[0] != results[1]).any() and (results[1] != results[2]).any()
    if backend.name == "numba":
        assert (len(planned), len(built)) == (1, 1) and (type(found.time), type(found.step)) == (float, int)
    if backend.name == "jax":
        assert steps._cache_size() == 1


def test_one_leaf_that_is_another_is_taken_in_and_the_rest_stays(monkeypatch):
    backend = create("numba")
    steps, reference = backend.loop(step_on(backend)), create("numpy")
    expected = reference.loop(step_on(reference))
    constants, state = drawn(backend, "float64", 1)
    copied, made = [], compiled_program.Program.inside
    steps(constants, state, 2)
    monkeypatch.setattr(compiled_program.Program, "inside", lambda self, array: copied.append(array) or made(self, array))
    for name, value in (("time_step", 7.5), ("rate", np.float64(0.125)), ("plane", 2.0 * constants.plane), ("period", 5),
                        ("profile", constants.profile[::-1].copy())):
        copied.clear()
        constants = constants._replace(**{name: value})
        found, theirs = steps(constants, state, 2), expected(constants, state, 2)
        assert (fields_of(found) == fields_of(theirs)).all() and found[1:] == theirs[1:], name
        assert [array for array in copied if array is not state.q] == [value] * isinstance(value, np.ndarray) or (
            len(copied) == 2 and copied[0] is value)
    copied.clear()
    steps(constants, state, 2)
    assert len(copied) == 1 and copied[0] is state.q  # the same constants cost nothing


def test_threads_with_constants_of_their_own_get_what_each_gets_alone(backend):
    steps = backend.loop(step_on(backend))
    cases = [drawn(backend, "float64", seed) for seed in range(4)]
    alone = [fields_of(steps(*case, 5)) for case in cases]
    barrier = threading.Barrier(len(cases))

    def work(case):
        barrier.wait()
        return [fields_of(steps(*case, 5)).copy() for _ in range(20)]

    with ThreadPoolExecutor(len(cases)) as pool:
        for found, expected in zip(pool.map(work, cases), alone, strict=True):
            assert all((one == expected).all() for one in found)


def test_a_number_of_the_run_cannot_choose_what_the_program_does():
    backend = create("numba")

    def step(constants, state):
        return State(state.q, 0.0 if state.time > constants.time_step else 1.0, 0.0, state.step)

    with pytest.raises(TypeError, match=r"known only while the program runs cannot choose .* a function or None"):
        backend.loop(step)(*drawn(backend, "float64", 1), 1)


def test_a_number_in_the_wrong_precision_is_refused_as_numpy_refuses_it():
    for name in ("numpy", "numba"):
        backend = create(name)
        constants, state = drawn(backend, "float32", 1)
        with pytest.raises(TypeError, match=r"float64 meets float32"):
            backend.loop(step_on(backend))(constants._replace(rate=np.float64(0.5)), state, 1)
