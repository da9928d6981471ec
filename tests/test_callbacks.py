"""Callbacks of a run: when they are called, with what, and what becomes of what goes wrong in them."""

import numpy as np
import pytest
from conftest import create

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.writing import Callback

DT = 600.0


@pytest.fixture(scope="module")
def gyre():
    grid, parameters, state = cases.barotropic_gyre((1, 6, 8), time_step=DT)
    return Model(grid, parameters, on_numpy), state


def steps_called(gyre, length, start=0, **schedule):
    """The steps at which a run of so many steps from step `start` calls back."""
    model, state = gyre
    seen = []
    callback = Callback(lambda state: seen.append(int(state.step)), **schedule)
    model.run(model.steps(state, start), steps=length, progress=False, callbacks=(callback,))
    return seen


@pytest.mark.parametrize("schedule, expected", [
    ({"steps": 3}, [0, 3, 6, 9]),
    ({"hours": 0.5}, [0, 3, 6, 9]),
    ({"days": 4 * DT / 86400.0}, [0, 4, 8]),
    ({"times": (0.0, 1.2 * DT, 7 * DT, 100 * DT)}, [0, 1, 7]),
    ({"hours": 1e-6}, list(range(11))),  # no more often than there are steps
])
def test_callbacks_are_called_at_the_steps_of_their_schedules(gyre, schedule, expected):
    assert steps_called(gyre, 10, **schedule) == expected


def test_a_run_that_goes_on_keeps_to_the_schedule(gyre):
    assert steps_called(gyre, 5, start=4, steps=3) == [6, 9]
    assert steps_called(gyre, 5, start=4, times=(2 * DT, 4 * DT, 5 * DT)) == [4, 5]


def test_callbacks_see_the_state_that_the_run_passes_and_do_not_change_it(gyre):
    model, state = gyre
    seen = []
    both = [Callback(seen.append, steps=2), Callback(seen.append, times=[6 * DT])]
    end = model.run(state, steps=6, progress=False, callbacks=both)
    assert [int(each.step) for each in seen] == [0, 2, 4, 6, 6]
    assert all((each.u == model.steps(state, int(each.step)).u).all() for each in seen)
    assert (end.u == model.run(state, steps=6, progress=False).u).all()


def test_what_a_callback_raises_ends_the_run_and_leaves_the_state(gyre):
    model, state = gyre

    def check(state):
        if state.time >= 4 * DT:
            raise RuntimeError("The gyre is spun up.")

    with pytest.raises(RuntimeError, match="spun up") as raised:
        model.run(state, steps=9, progress=False, callbacks=(Callback(check, steps=2),))
    assert int(raised.value.state.step) == 4 and np.isfinite(raised.value.state.u).all()


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_callback_cannot_write_into_the_run_nor_into_the_state_that_was_given_but_may_run_a_model_of_it(gyre, backend):
    grid, parameters, state = gyre[0].grid, gyre[0].parameters, gyre[1]
    model, before = Model(grid, parameters, create(backend)), state.u.copy()

    def write(state):
        state.u[...] = 1.0

    with pytest.raises(ValueError, match="read-only"):
        model.run(state, steps=1, progress=False, callbacks=(Callback(write, steps=1),))
    assert np.array_equal(state.u, before)
    ahead = []
    end = model.run(state, steps=1, progress=False, callbacks=(Callback(lambda now: ahead.append(model.steps(now, 1)), steps=1),))
    assert np.array_equal(ahead[0].u, end.u)


def test_a_callback_that_returns_a_state_is_told_that_it_only_looks(gyre):
    model, state = gyre
    with pytest.raises(TypeError, match="returned a State, but callbacks only look"):
        model.run(state, steps=2, progress=False, callbacks=(Callback(lambda state: state, steps=1),))


@pytest.mark.parametrize("schedule, sentence", [
    ({}, "takes one of steps, hours, days and times, and has none"),
    ({"steps": 2, "days": 1.0}, "has steps and days"),
    ({"steps": 0}, "steps=0 must be at least 1"),
    ({"steps": 1.5}, "steps=1.5 must be at least 1 .* whole number"),
    ({"hours": -6}, "hours=-6 must be one positive finite number"),
    ({"days": float("nan")}, "days=nan must be one positive"),
    ({"times": ()}, "must be increasing numbers"),
    ({"times": (3.0, 3.0)}, "must be increasing numbers"),
    ({"times": (-1.0,)}, "must be increasing numbers"),
    ({"times": (1.0, float("nan"))}, "must be increasing numbers"),
    ({"times": "noon"}, "times='noon' of a Callback must be increasing numbers"),
    ({"times": 5.0}, "times=5.0 of a Callback must be increasing numbers"),
])
def test_schedules_that_are_none_are_refused(schedule, sentence):
    with pytest.raises(ValueError, match=sentence):
        Callback(print, **schedule)


def test_what_is_no_callback_is_refused(gyre):
    model, state = gyre
    for wrong in (print, Callback(print, steps=1), (print,), "each hour"):
        with pytest.raises(TypeError, match=r"callbacks=.* must be a tuple of dycore.writing.Callback"):
            model.run(state, steps=1, progress=False, callbacks=wrong)
    with pytest.raises(TypeError, match=r"must be a function of \(state\)"):
        Callback(lambda: None, steps=1)
    with pytest.raises(ValueError, match="must be a function"):
        Callback("mean", steps=1)
