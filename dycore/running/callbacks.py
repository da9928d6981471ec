"""Functions of one's own that a run calls with its state, on a schedule."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from dycore.files import raise_on_all
from dycore.inputs.given import MOST, check_function, integer, positive, shown
from dycore.running.progress import DAY
from dycore.running.series import whole_steps
from dycore.state import State, map_state

HOUR = 3600.0  # s


@dataclass(frozen=True)
class Callback:
    """A function (state) that a run calls every so many steps, hours or days, or at some times, rounded to whole steps.

    Intervals are counted from the start of a simulation (step 0), so that a run that is continued keeps to them. The state from
    which a run begins is looked at, too, where its turn is then. `times`: increasing numbers (s since the start), of which a run
    passes over those that are not in it. The function is given the state (dycore.state.State) with arrays of the model's backend,
    not to be written to, and this process's part of the domain with its halo, which has no sense on several processes:
    `dycore.grid.interior` leaves it out (`Model.gather` and `Model.dataset` make the whole, called by all processes). It returns
    nothing. What it raises ends the run, on all processes, with the state in `.state`. Raises ValueError unless one of the four
    makes a schedule.

        speeds = []
        model.run(state, days=10, callbacks=(Callback(lambda state: speeds.append(abs(interior(state.u)).max()), hours=6),))
    """

    function: Callable[[State], Any]
    steps: int | None = None
    hours: float | None = None
    days: float | None = None
    times: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        check_function("function", self.function, "state")
        given = [name for name in ("steps", "hours", "days", "times") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"A Callback takes one of steps, hours, days and times, and has {' and '.join(given) or 'none'}.")
        if self.steps is not None:
            integer("steps", self.steps, 1)
        elif self.times is not None:
            check_times(self.times)
        else:
            positive(given[0], getattr(self, given[0]), given[0])


def check_times(times: Any) -> None:
    """Raise ValueError unless times are numbers (s) from 0 that increase."""
    try:
        values = [] if isinstance(times, str) else [float(time) for time in times]
    except (TypeError, ValueError):
        values = []
    if not values or values[0] < 0.0 or not all(a < b for a, b in pairwise([*values, MOST])):
        raise ValueError(f"times={shown(times)} of a Callback must be increasing numbers (s since the start), at least one.")


class Scheduled:
    """Callbacks of a run, each with the steps at which it is called."""

    def __init__(self, model: Any, callbacks: tuple[Callback, ...]):
        self._communication = model.backend.communication
        self._called = [(callback.function, *schedule(callback, model.parameters.time_step)) for callback in callbacks]

    def ahead(self, step: int) -> int:
        """Steps until one is called."""
        return min((next_after(step, every, at) - step for _, every, at in self._called), default=sys.maxsize)

    def look(self, state: State) -> None:
        """Call those whose turn it is. Raises on all processes what one of them raises on any."""
        step = int(state.step)
        for function, every, at in self._called:
            if next_after(step - 1, every, at) == step:
                problem = None
                try:
                    returned = function(map_state(read_only, state))
                    if isinstance(returned, State):
                        raise TypeError(f"{shown(function)} of a Callback returned a State, but callbacks only look: to act on the "
                                        "flow, write a dycore.forcing.Forcing, or change the state between two runs.")
                except Exception as raised:
                    problem = raised
                raise_on_all(self._communication, problem)


def read_only(values: Any) -> Any:
    """An array of NumPy that cannot be written to, of the same memory; all else as it is."""
    if not isinstance(values, np.ndarray):
        return values
    view = values.view()
    view.flags.writeable = False
    return view


def schedule(callback: Callback, time_step: float) -> tuple[int, tuple[int, ...]]:
    """Steps from one call of a callback to the next, or zero, and the steps at which it is called."""
    if callback.times is not None:
        return 0, tuple(sorted({round(float(time) / time_step) for time in callback.times}))
    if callback.steps is not None:
        return int(callback.steps), ()
    days = callback.days if callback.hours is None else callback.hours * HOUR / DAY
    return whole_steps(days, time_step, "a Callback"), ()  # type: ignore[arg-type]


def next_after(step: int, every: int, at: tuple[int, ...]) -> int:
    """The first step after this one at which a schedule calls; far away if there is none."""
    if every:
        return (step // every + 1) * every
    place = bisect_right(at, step)
    return at[place] if place < len(at) else sys.maxsize


def check_callbacks(callbacks: Any) -> None:
    """Raise TypeError unless these are callbacks."""
    if not isinstance(callbacks, (tuple, list)) or not all(isinstance(each, Callback) for each in callbacks):
        raise TypeError(f"callbacks={shown(callbacks)} must be a tuple of dycore.writing.Callback; for a single one write "
                        "callbacks=(one,).")
