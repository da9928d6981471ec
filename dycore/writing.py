"""Output during a run: snapshots, time means and diagnostics on schedules, into files that grow (dycore.running.growing_files).

A mean is that of states evenly spaced over its interval, not of every step: to look at a state costs about as much as a step
(Numba, 20 x 64 x 128 cells), and the states of neighbouring steps differ little.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dycore.files import by_first
from dycore.locations import end_of, location, lock
from dycore.restart import Restarts, Sums, check_folder, check_start, partial_means, path_of, retain
from dycore.restart import write as write_restart
from dycore.running.callbacks import Callback
from dycore.running.diagnosed import Diagnosed, Diagnostics, Output
from dycore.running.growing_files import check_format
from dycore.running.series import Means, Series, Snapshots, whole_steps
from dycore.state import State

__all__ = ["Callback", "Diagnostics", "LostMeanWarning", "Means", "Output", "Outputs", "Series", "Snapshots", "outputs",
           "whole_steps"]


class LostMeanWarning(UserWarning):
    """Warning of an unfinished mean in a restart that no output of a run goes on with."""


def go_on(series: list[Series], sums: dict[str, Sums], warn: bool) -> None:
    """Give unfinished means, by the paths of their files, to the series that they are of; warn, if to, of what is of none.

    A path may be spelt in another way or lead through links, and folders may have been moved: where no path is that of a series,
    the name of the file tells.
    """
    left = dict(sums)
    for same in (end_of, lambda path: os.path.basename(end_of(path))):
        for each in series:
            path = next((path for path, held in left.items() if same(path) == same(each.path) and each.takes(held)), None)
            if path is not None and not each.sums.samples:
                each.sums = left.pop(path)
    if left and warn:
        names = " and ".join(f"'{path}'" for path in left)
        warnings.warn(f"What the restart holds of an unfinished mean in {names} is left out: no output of this run is a mean in a "
                      "file of that name, of the same fields and over the same interval.", LostMeanWarning, stacklevel=2)


def check_paths(paths: list[Path]) -> None:
    """Raise ValueError for what cannot be written here, and where two outputs of a run are one file, however it is spelt."""
    ends: dict[str, Path] = {}
    for path in paths:
        check_format(path)
        other = ends.setdefault(end_of(path), path)
        if other is not path:
            raise ValueError(f"Two outputs of this run have one path: '{path}'" + (f" and '{other}'" if path != other else "")
                             + ". Give each a path of its own.")


class Outputs:
    """Output and restarts of a run, and the seconds that they took."""

    def __init__(self, model: Any, state: State, write: tuple, restarts: Restarts | None, stack: ExitStack):
        communication, step = model.backend.communication, int(state.step)
        self.model, self.restarts, self.seconds, self.restarted = model, restarts, 0.0, -1
        sums: dict[str, Sums] = {}
        goes_on, first = step > 0, False

        def hold(path: Path, folder: bool = False) -> None:
            def work() -> None:
                stack.callback(lock(path, folder).release)

            by_first(communication, work, f"'{path}' cannot be held")

        if restarts is not None:
            self.restarts = restarts = replace(restarts, folder=location(restarts.folder))
            folder = location(restarts.folder)
            self.every = whole_steps(restarts.days, model.parameters.time_step, f"'{folder}'")
            hold(folder, folder=True)
            first = by_first(communication, lambda: check_folder(folder, step, model.parameters.time_step),
                             f"'{folder}' cannot be used")
            goes_on = check_start(folder, model, state) or goes_on
            sums = partial_means(folder, model, step)
        check_paths([location(wanted.path) for wanted in write])
        for wanted in write:
            hold(location(wanted.path))
        self.series = [(Diagnosed if isinstance(wanted, Diagnostics) else Series)(model, state, wanted, goes_on)
                       for wanted in write]
        go_on(self.series, sums, communication.rank == 0)
        if first:  # before there is any output: what is killed goes on from here
            self.restart(state)
        for series in self.series:
            series.prepare(step)

    def start(self, state: State) -> None:
        """Take snapshots of the state from which a run starts, if they are due and not there."""
        with self._timed():
            step = int(state.step)
            for series in self.series:
                if not series.mean and not (series.records and series.end == step):
                    series.look(step, state)

    def ahead(self, step: int) -> int:
        """Steps until something is due."""
        steps = [series.ahead(step) for series in self.series]
        return min([*steps, self.every - step % self.every] if self.restarts else steps, default=sys.maxsize)

    def look(self, state: State) -> None:
        """Take and write what is due of a state."""
        with self._timed():
            for series in self.series:
                series.look(int(state.step), state)
        if self.restarts is not None and int(state.step) % self.every == 0:
            self.restart(state)

    def restart(self, state: State) -> Path | None:
        """Write a restart, unless it is there, and let go of the oldest; None where none are wanted."""
        restarts, step = self.restarts, int(state.step)
        if restarts is None:
            return None
        if self.restarted != step:
            with self._timed():
                begun = [series for series in self.series if series.mean and series.sums.samples]
                means = {end_of(series.path): series.sums for series in begun}
                write_restart(restarts.folder, self.model, state, means)
                by_first(self.model.backend.communication, lambda: retain(location(restarts.folder), restarts.keep),
                         f"Old restarts in '{restarts.folder}' could not be deleted")
            self.restarted = step
        return path_of(restarts.folder, step)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the seconds of what is done within."""
        started = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - started


@contextmanager
def outputs(model: Any, state: State, write: tuple, restarts: Restarts | None) -> Iterator[Outputs]:
    """Output of a run, opened and held for it alone; given up at its end, however it ends.

    Raises ValueError where something is there that is not of this run, is held by another or cannot be written.
    """
    with ExitStack() as stack:
        yield Outputs(model, state, write, restarts, stack)
