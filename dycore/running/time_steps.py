"""Going on with another time step: steps are counted in time, and histories are those of the new steps.

A run that became unstable goes on from a restart with a shorter step, and later perhaps with a longer one. Adams-Bashforth
extrapolates from values one and two steps ago, dt' instead of dt. For a shorter step they lie on the parabola through the
values now, dt and 2 dt ago, for a longer one on the line through those now and 2 dt ago; tendencies, of which that now is not
known yet, on the line through those dt and 2 dt ago. All are exact to second order in time, as the scheme is to third.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dycore.inputs.given import check_kind, positive
from dycore.running.progress import DAY
from dycore.state import Past, State

WHOLE = 1e-4  # of a step: how far a number of steps may be from a whole one


def steps_until(time: float, time_step: float) -> int:
    """Steps from the beginning until a time (s). Raises ValueError, with steps that would fit, where it is no whole number."""
    number = time / time_step
    if abs(number - round(number)) > WHOLE:
        fitting = sorted({time / math.ceil(number), time / max(1, math.floor(number))})
        raise ValueError(f"day {time / DAY:.6g} is not a whole number of time steps of {time_step:g} s from the beginning. Use a "
                         f"time step of {' or '.join(f'{each:.12g}' for each in fitting)} s")
    return round(number)


def retimed(state: State, before: float, after: float) -> State:
    """The state of a run with time steps of `before` (s), for a run that goes on with steps of `after` (s).

    Raises ValueError where its time is no whole number of the new steps.
    """
    check_kind("state", state, State)
    before, after = positive("before", before, "s"), positive("after", after, "s")
    steps, known, ratio = int(state.step), min(int(state.step), 2), after / before
    step = steps_until(steps * before, after)
    state = state._replace(step=step, time=step * after)
    if known == 0 or not state.history:
        return state
    one, two = state.history

    def past(ago: float) -> Past:
        def value(now: Any, one: Any, two: Any) -> Any:
            return value_ago(ago, known if ratio <= 1.0 else -known, now, one, two)

        def tendency(one: Any, two: Any) -> Any:
            return one + (ago - 1.0) * (two - one) if known == 2 else one

        return Past(value(state.surface, one.surface, two.surface),
                    tuple(map(value, state.tracers, one.tracers, two.tracers)),
                    tendency(one.tendency_u, two.tendency_u), tendency(one.tendency_v, two.tendency_v))

    return state._replace(history=(past(ratio), past(2.0 * ratio)))


def value_ago(ago: float, known: int, now: Any, one: Any, two: Any) -> Any:
    """A value so many old steps ago: on a parabola; on a line where only one step is known, or (-2) the step becomes longer."""
    if known == 2:
        return 0.5 * (ago - 1.0) * (ago - 2.0) * now + ago * (2.0 - ago) * one + 0.5 * ago * (ago - 1.0) * two
    return now + 0.5 * ago * (two - now) if known == -2 else now + ago * (one - now)


def times(restarts: Iterable[Path]) -> dict[Path, float]:
    """Restarts with their times (s), the earliest first; one that cannot be read has the time step of the one before it."""
    found, time_step = {}, 1.0
    for path in restarts:
        steps = int(path.stem.rpartition("_")[2])
        with suppress(Exception):  # what is wrong with it is said when it is read
            about = header(path)
            steps, time_step = about["step"], about["time step"]
        found[path] = steps * time_step
    return dict(sorted(found.items(), key=lambda each: each[1]))


def header(path: Path) -> dict[str, Any]:
    """The numbers and words of a restart."""
    with path.open("rb") as held, np.load(held) as file:  # at an address, too
        return json.loads(str(file["about"]))
