"""Threads of one process: each gets what it would get alone, from one model, and from several of one backend."""

import dataclasses
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from conftest import channel, fields_of

from dycore import Model, Parameters, cases, initial_state
from dycore.backends import on_numba
from dycore.backends.compiled import program as compiled_program
from dycore.backends.compiled.buffers import Pool
from dycore.backends.threads import OneThread
from dycore.closures import PacanowskiPhilander, pacanowski_philander
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.state import map_state
from dycore.stencils import stencil
from dycore.tiles import HALO_LEVELS, Boundary, Halo, Place, Tile

CELLS, THREADS = (4, 24, 32), 4
TILE = Tile((2, 9, 7), Boundary.PERIODIC, Boundary.PERIODIC)


def mixed_channel():
    """A channel with implicit vertical mixing, bottom drag and wind."""
    grid = channel(CELLS)
    depth = np.linspace(4.0, 14.0, CELLS[0])[:, None, None] + 0.5 * np.sin(np.arange(CELLS[2])) + np.zeros(CELLS)
    mixing = VerticalMixing(pacanowski_philander, PacanowskiPhilander(), 1.0e-4, 2.0e-3)
    parameters = Parameters(Ocean(), time_step=900.0, substeps=24, tracer_names=("temperature", "salinity"), vertical_mixing=mixing,
                            surface_stress=(0.1, 0.0))
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(depth, np.full(CELLS, 35.0)))


def channel_in_stages():
    """Runge-Kutta stages."""
    grid, parameters, state = cases.baroclinic_channel(CELLS, time_step=1800.0)
    return grid, dataclasses.replace(parameters, stepper=WickerSkamarock()), state


CASES = {"substeps": lambda: cases.baroclinic_channel(CELLS, time_step=1800.0),
         "polar filter": lambda: cases.baroclinic_wave(CELLS), "stages": channel_in_stages, "vertical mixing": mixed_channel}


def several(state):
    """As many different states as there are threads."""
    return [map_state(lambda array, m=m: np.asarray(array) * (1.0 + 1e-3 * m), state) for m in range(THREADS)]


def at_once(work, *arguments):
    """What threads return that begin together."""
    barrier = threading.Barrier(len(arguments[0]))

    def one(*given):
        barrier.wait()
        return work(*given)

    with ThreadPoolExecutor(len(arguments[0])) as pool:
        return list(pool.map(one, *arguments))


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        one, other = fields_of(one), fields_of(other)
        for name in one:
            assert np.isfinite(one[name]).all() and (one[name] == other[name]).all(), name


@pytest.mark.parametrize("case", CASES)
def test_threads_that_share_a_model_get_what_each_gets_alone(case):
    """From the first call on, which compiles."""
    grid, parameters, state = CASES[case]()
    model, states = Model(grid, parameters, on_numba), several(state)
    found = [at_once(lambda state: model.steps(state, 10), states) for _ in range(4)]
    alone = [model.steps(state, 10) for state in states]
    assert (fields_of(alone[0])["u"] != fields_of(alone[1])["u"]).any()
    for together in found:
        assert_same(together, alone)


def test_models_of_one_backend_run_at_once():
    backend = on_numba.create()
    made = [(Model(grid, parameters, backend), state)
            for grid, parameters, state in (CASES[name]() for name in ("substeps", "polar filter"))]
    alone = [model.steps(state, 10) for model, state in made]
    for _ in range(4):
        assert_same(at_once(lambda model, state: model.steps(state, 10), *zip(*made, strict=True)), alone)


@pytest.fixture
def two_threads():
    """Numba's number of threads holds for the whole thread that runs the tests."""
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("needs two threads")
    yield
    numba.set_num_threads(1)


def looped(threads):
    """Steps of a model with so many threads in its loops, and the states from which threads start at once."""
    grid, parameters, state = CASES["polar filter"]()
    model = Model(grid, parameters, on_numba.create(threads))
    return lambda given: model.steps(given, 10), several(state)


def test_threads_may_share_a_model_whose_loops_have_threads_of_their_own(two_threads):
    steps, states = looped(2)
    found = [at_once(steps, states) for _ in range(3)]
    alone = list(map(looped(1)[0], states))
    for together in found:
        assert_same(together, alone)


def test_they_may_where_the_threads_of_loops_serve_one_caller_at_a_time(two_threads):
    """Numba's layer `workqueue` ends the process where two callers meet."""
    program = (f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
               "import numba; from test_threads import assert_same, at_once, looped\n"
               "steps, states = looped(2)\n"
               "found = [at_once(steps, states) for _ in range(3)]\n"
               "for together in found: assert_same(together, map(steps, states))\n"
               "print(numba.threading_layer())")
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False,
                         env=os.environ | {"NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2"})
    assert ran.returncode == 0 and ran.stdout == "workqueue\n", ran.stdout + ran.stderr


def test_a_thread_gives_its_loops_as_many_threads_as_the_backend_was_given(two_threads):
    """Numba keeps the number for each thread; in a new one it is that of the machine."""
    steps, (state, *_) = looped(2)
    on_numba.create(threads=1)
    numba.set_num_threads(1)
    steps(state)
    assert numba.get_num_threads() == 2


@stencil
def sheared(k, j, i, q):
    """A field less half of its southern neighbour."""
    return q[k, j, i] - 0.5 * q[k, j - 1, i]


def test_threads_that_share_a_loop_get_what_each_gets_alone(backend):
    """Of a stencil, on each backend."""
    region = TILE.region

    def step(constants, state):
        return (backend.exchange((Halo(TILE, Place.CENTER), backend.apply(sheared, region, state[0])))[0],)

    steps = backend.loop(step)
    fields = [backend.asarray(np.random.default_rng(number).standard_normal(region.padded)) for number in range(THREADS)]
    cut = tuple(slice(*r) for r in region.ranges)

    def work(field):
        return np.asarray(steps((), (field,), 3)[0])[cut]

    found, alone = at_once(work, fields), list(map(work, fields))
    assert (alone[0] != alone[1]).all()
    for one, other in zip(found, alone, strict=True):
        assert (one == other).all()


def test_threads_may_apply_stencils_while_others_plan_a_step():
    """What one thread notes of a step is not what another asks to be done at once."""
    grid, parameters, state = CASES["substeps"]()
    backend = on_numba.create()
    region = grid.tile.region
    random = np.random.default_rng(5)
    fields = [random.standard_normal(region.padded) for _ in range(3)]
    cut = tuple(slice(*r) for r in region.ranges)

    def work(field):
        if field is None:
            return Model(grid, parameters, backend).step(state)
        return [np.array(backend.apply(sheared, region, field).array[cut]) for _ in range(50)]

    stepped, *found = at_once(work, [None, *fields])
    assert_same([stepped], [Model(grid, parameters, on_numba).step(state)])
    for field, results in zip(fields, found, strict=True):
        expected = (field - 0.5 * np.roll(field, 1, axis=1))[cut]
        assert all((result == expected).all() for result in results)


def test_a_run_may_be_asked_for_steps_of_its_own_model_in_between():
    grid, parameters, state = CASES["substeps"]()
    model, other = Model(grid, parameters, on_numba), several(state)[3]
    alone, reported = model.steps(other, 3), []

    def look(*_):
        reported.append(model.steps(other, 3))
        return False

    assert_same([model.run(state, steps=8, progress=False, stop=look, report=look)], [model.steps(state, 8)])
    assert len(reported) > 1
    assert_same(reported, [alone] * len(reported))


def test_a_call_that_is_interrupted_leaves_nothing_that_the_next_one_could_find():
    grid, parameters, state = CASES["polar filter"]()
    model = Model(grid, parameters, on_numba)
    state = model.asarrays(state)
    expected = model.steps(state, 3)
    traced = compiled_program.traced_step(model.backend, model._step, model.numbers, state)
    program = compiled_program.Program(model.backend, traced, model.numbers, state)
    whole = program.parts

    def interrupt(run):
        for array in run.frame[program.moving[0]:]:  # behind the constants; what no kernel writes stays zero
            array[(slice(None), slice(HALO_LEVELS, -HALO_LEVELS)) if array.ndim == 3 else ...] = np.nan
        for own, shared in zip(run.values, program.given.values, strict=True):
            if own is not shared:
                own[...] = -1
        raise KeyboardInterrupt

    for place in (1, 2):
        program.parts = [*whole[:place], interrupt]
        with pytest.raises(KeyboardInterrupt):
            program.run(model.numbers, state, 3)
    program.parts = whole
    assert_same([program.run(model.numbers, state, 3)], [expected])


def test_an_array_of_the_pool_belongs_to_who_holds_it_and_is_used_again():
    pool = Pool()

    def work(number):
        for _ in range(400):
            held = [pool.take((2, 5, 6), np.dtype(float)) for _ in range(2)]
            assert held[0] is not held[1]
            for array in held:
                array[...] = number
            view = held.pop().swapaxes(0, 1)  # as a user holds it
            assert (view == number).all() and (held[0] == number).all()

    at_once(work, range(THREADS))
    addresses = set()
    for _ in range(100):
        addresses.add(pool.take((2, 5, 6), np.dtype(float)).ctypes.data)
    assert len(addresses) <= 4 * THREADS  # two held, two more taken before these are dropped


def test_messages_of_a_second_thread_are_refused_until_the_first_is_gone():
    only = OneThread()
    first = threading.Thread(target=only.check, name="first")
    first.start()
    first.join()
    only.check()  # the first is gone: this one may
    only.check()
    with ThreadPoolExecutor(1, thread_name_prefix="second") as pool, pytest.raises(
            RuntimeError, match=r"'MainThread', and now 'second_0' asks .*make a World and a Model for each thread"):
        pool.submit(only.check).result()
