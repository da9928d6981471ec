"""A run: many steps with a progress bar in simulated time, stopped at the first value that is not a number, or dry column."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.calendars import after
from dycore.files import raise_on_all
from dycore.forcing import Module
from dycore.geometry.thickness import dry_column, place_in_words
from dycore.inputs.given import check_function, check_kind, check_switch, integer, positive, shown
from dycore.restart import Restarts
from dycore.running.callbacks import Callback, Scheduled, check_callbacks
from dycore.running.progress import DAY, ProgressBar
from dycore.stability import TimeStepWarning
from dycore.state import State, leaves
from dycore.stopping import Interrupted, Stopped, asked, interrupts
from dycore.writing import Diagnostics, Means, Output, Snapshots, outputs

CHECK_SECONDS = 1.0  # wall time between looks at the state


class Report(NamedTuple):
    """Wall time of a run (s), and what of it went into output and restarts."""

    seconds: float
    writing: float


def run(model: Any, state: State, *, steps: int | None = None, days: float | None = None, progress: bool = True,
        write: tuple[Output, ...] = (), restarts: Restarts | None = None, stop: Callable[[], bool] | None = None,
        report: Callable[[Report], None] | None = None, callbacks: tuple[Callback, ...] = ()) -> State:
    """The state after so many steps, or days (rounded to whole steps).

    write: Snapshots, Means and Diagnostics (dycore.writing). callbacks: functions of one's own, each on a schedule
    (dycore.writing.Callback). restarts: dycore.restart.Restarts. A run that starts from the state of
    a restart goes on with its files: records after that state are written anew. stop: asked about every second of wall time; where
    it says True on any process, the run writes a restart and raises Stopped. So does Ctrl-C, or the stop button of a
    notebook, which raises Interrupted, a KeyboardInterrupt (both of dycore.stopping). report: called at the end, however it
    comes, with the time that writing took. Whatever ends a run early has the last whole state as its attribute `state`.

    Raises ValueError unless exactly one of `steps` and `days` is a number that makes sense, all columns begin with a positive
    thickness and all files can be written, WritingFailed (dycore.files) when one no longer can, and FloatingPointError with
    step, field and place when a value is not finite or a column has no thickness left; earlier records and restarts stay.
    """
    steps = number_of_steps(steps, days, model.parameters.time_step)
    check_watchers(progress, stop, report, callbacks)
    check_outputs(write, restarts)
    state = ready(model, state, steps)
    warn_of_long_step(model, state)
    began = time.perf_counter()
    shown, called = progress_bar(model, state, steps, progress), Scheduled(model, callbacks)
    with outputs(model, state, write, restarts) as written, shown as advance, interrupts() as received:
        try:
            written.start(state)
            called.look(state)
            for done, reached in states(model, state, steps, lambda step: min(written.ahead(step), called.ahead(step))):
                state = reached
                written.look(state)
                called.look(state)
                advance(done)
                end_if_asked(model, state, written.restart, received, stop if done < steps else None)
            written.restart(state)
        except BaseException as problem:
            problem.state = state  # type: ignore[attr-defined]
            report_to(report, Report(time.perf_counter() - began, written.seconds), state, problem)
            raise
        report_to(report, Report(time.perf_counter() - began, written.seconds), state)
    return state


def report_to(report: Callable[[Report], None] | None, made: Report, state: State, ended_by: BaseException | None = None) -> None:
    """Call `report`, if there is one. What it raises holds the state, too; it does not hide what has ended the run before."""
    try:
        if report is not None:
            report(made)
    except BaseException as problem:
        if ended_by is None or not isinstance(problem, Exception):
            problem.state = state  # type: ignore[attr-defined]
            raise
        ended_by.add_note(f"Besides, report={report!r:.80} failed: {type(problem).__name__}: {problem}")


def number_of_steps(steps: int | None, days: float | None, time_step: float) -> int:
    """Steps of a run that is to take so many, or so many days. Raises ValueError unless exactly one of them is given."""
    if (steps is None) == (days is None):
        raise ValueError("Give either steps=... or days=... to run.")
    if days is not None:
        steps = max(1, round(positive("days", days, "days") * DAY / time_step))
    return integer("steps", steps, 0)


def ready(model: Any, state: State, steps: int) -> State:
    """The state with arrays of the model's backend. Raises as `run` does where it is none to take so many steps from."""
    state = on_all(model, state)
    model.records.check_covered(int(state.step), int(state.step) + steps - 1)
    dry = None if is_sound(model, state) else model.backend.communication.first(dry_place(model, state))
    if dry:
        raise ValueError(f"The state that the run starts from has no thickness {dry}.")
    check_sound(model, state, "The run did not make it so: mend the state that it is to start from.", everything(model, state))
    return state


def progress_bar(model: Any, state: State, steps: int, progress: bool) -> ProgressBar:
    """The progress of so many steps from a state, shown by rank 0 alone, with dates where the model has a start."""
    start = model.parameters.start
    return ProgressBar(steps, model.parameters.time_step, progress and model.backend.communication.rank == 0, int(state.step),
                       start and partial(after, start))


def on_all(model: Any, state: Any) -> State:
    """The state with arrays of the model's backend. Raises on all processes what one of them says of the state it was given."""
    found, problem = None, None
    try:
        found = model.asarrays(state)
    except (ValueError, TypeError) as raised:
        problem = raised
    raise_on_all(model.backend.communication, problem)
    assert found is not None
    return found


def check_watchers(progress: Any, stop: Any, report: Any, callbacks: Any) -> None:
    """Raise ValueError where what looks at a run is no switch or no function, and TypeError where it is no Callback."""
    check_switch("progress", progress)
    check_callbacks(callbacks)
    for name, function, arguments in (("stop", stop, ()), ("report", report, ("report",))):
        if function is not None:
            check_function(name, function, *arguments)


def check_outputs(write: Any, restarts: Any) -> None:
    """Raise TypeError where what a run is to write is none of the records that say so."""
    if not isinstance(write, (tuple, list)) or not all(isinstance(each, (Snapshots, Means, Diagnostics)) for each in write):
        raise TypeError(f"write={shown(write)} must be a tuple of dycore.writing.Snapshots, Means and Diagnostics; for a single "
                        "one write write=(one,).")
    if restarts is not None:
        check_kind("restarts", restarts, Restarts)


def states(model: Any, state: State, steps: int, due: Callable[[int], int]) -> Iterator[tuple[int, State]]:
    """(steps done, state), all of it finite, about every second of wall time and where something is `due`, up to the last."""
    done, chunk = 0, 1
    while done < steps:
        n = min(chunk, steps - done, due(int(state.step)))
        started = time.perf_counter()
        ahead = model.steps(state, n)
        model.backend.synchronize(ahead)
        if not is_sound(model, ahead):
            find_first(model, state, n)
        state, done = ahead, done + n
        elapsed = model.backend.communication.largest(time.perf_counter() - started)  # the same chunks everywhere
        chunk = max(1, min(2 * n, int(n * CHECK_SECONDS / max(elapsed, 1e-9))))
        yield done, state


def end_if_asked(model: Any, state: State, write_restart: Callable[[State], Path | None], received: list[int],
                 stop: Callable[[], bool] | None) -> None:
    """Write a restart and raise Interrupted or Stopped where any process is asked to, or what a `stop` that fails raises."""
    communication, day = model.backend.communication, int(state.step) * model.parameters.time_step / DAY
    try:
        stopping = asked(communication, stop)
    except Exception:
        write_restart(state)
        raise
    if communication.largest(float(len(received))):
        raise Interrupted(state, write_restart(state), day)
    if stopping:
        raise Stopped(state, write_restart(state), day)


def warn_of_long_step(model: Any, state: State) -> None:
    """Warn, on rank 0 alone, where the time step is longer than what some process allows."""
    longest, dt = model.suggested_time_step(state), model.parameters.time_step
    if dt > longest.time_step and model.backend.communication.rank == 0:
        sentence = (f"time_step={dt:g} s is longer than the {longest.time_step:.4g} s that {longest.process} may be given here "
                    "(linear analysis, with a margin of 5 % where the flow counts): the run may become unstable.")
        warnings.warn(sentence, TimeStepWarning, stacklevel=4)


def is_sound(model: Any, state: State) -> bool:
    """Whether velocity, surface and tracers are finite numbers and columns have a thickness in all cells, on all processes.

    Between steps the halo towards other processes has no sense: it may hold anything.
    """
    communication = model.backend.communication
    finite = all(np.isfinite(communication.cells(model.tile, values).sum()) for _, values in fields(model, state))
    return communication.largest(0.0 if finite and dry_place(model, state) is None else 1.0) == 0.0


def dry_place(model: Any, state: State) -> str | None:
    """Where this process keeps a column without thickness (dycore.geometry.thickness.dry_column)."""
    tile = model.tile
    return dry_column(model.grid, model.backend.communication.cells(tile, state.surface), (tile.rows[0], tile.columns[0]))


def fields(model: Any, state: State) -> list[tuple[str, Any]]:
    """The prognostic fields by name."""
    return [("u", state.u), ("v", state.v), ("surface", state.surface),
            *zip(model.parameters.tracer_names, state.tracers, strict=True),
            *zip((field.name for field in model.layout.closure), state.closure, strict=True)]


def everything(model: Any, state: State) -> list[tuple[str, Any]]:
    """All fields of a state by name, histories among them."""
    return [(about.name, values) for about, values in zip(leaves(model.layout[:-2]), leaves(state[:-2]), strict=True)]


def check_sound(model: Any, state: State, advice: str | None = None, of: list[tuple[str, Any]] | None = None) -> None:
    """Raise FloatingPointError with step and place of the first value that is not finite, or dry column, on all processes.

    of: the fields that are looked at, by name; the prognostic ones if None.
    """
    communication = model.backend.communication
    sentence = communication.first(place_of_first(model, state, fields(model, state) if of is None else of))
    dry = None if sentence else communication.first(dry_place(model, state))
    if dry:
        raise FloatingPointError(f"The thickness is no longer positive at step {int(state.step)} {dry}. Columns must not run dry: "
                                 "make the bottom deeper there, or land of it.")
    if sentence:
        modules = any(isinstance(each, Module) for each in model.parameters.forcing)
        advice = advice or (f"Try a time step shorter than {model.parameters.time_step:g} s or more friction"
                            f"{', or look whether a module of forcing returns what is no number' if modules else ''}.")
        raise FloatingPointError(f"{sentence} {advice}")


def place_of_first(model: Any, state: State, of: list[tuple[str, Any]]) -> str | None:
    """A sentence about the first value of this process that is not a finite number; None where all are."""
    grid, (south, west) = model.grid, (model.tile.rows[0], model.tile.columns[0])
    for name, values in of:
        bad = np.argwhere(~np.isfinite(model.backend.communication.cells(model.tile, values)))
        if len(bad):
            *level, j, i = bad[0].tolist()
            j, i = j + south, i + west
            k = f"k={level[0]}, " if level else ""
            return (f"{name} is no longer a finite number at step {int(state.step)} in cell [{k}j={j}, i={i}] "
                    f"({place_in_words(grid, j, i)}), and in {len(bad) - 1} more.")
    return None


def find_first(model: Any, state: State, n: int) -> None:
    """Repeat n steps one by one and raise at the first that is not sound."""
    for _ in range(n):
        state = model.steps(state, 1)
        check_sound(model, state)
    raise FloatingPointError(f"The state is too large to sum at step {int(state.step)}: the run has become unstable.")
