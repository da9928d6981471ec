"""Output during a run: snapshots and time means on schedules, into files that grow along time (dycore.running.growing_files).

A mean is that of states evenly spaced over its interval, not of every step: to look at a state costs about as much as a step
(Numba, 20 x 64 x 128 cells), and the states of neighbouring steps differ little.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from dycore import output
from dycore.files import at_home, by_first, lock, why
from dycore.inputs.given import MOST, is_number, shown
from dycore.restart import Restarts, Sums, check_folder, check_start, partial_means, path_of, retain
from dycore.restart import write as write_restart
from dycore.running.growing_files import KINDS, could_not, template
from dycore.running.identity import as_now, difference, identity, summary, written
from dycore.running.progress import DAY
from dycore.state import State


@dataclass(frozen=True)
class Snapshots:
    """The state itself, every so many days (rounded to whole steps), the first at the start, into a path in .zarr or .nc.

    `fields`: names as in `Model.dataset`, None for all.
    """

    path: str | Path
    days: float
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Means:
    """Time means over intervals of so many days (rounded to whole steps), counted from the start of a simulation.

    A mean is taken over `samples` states, evenly spaced to a step over the interval and its end among them, or over all where
    there are fewer. `time_bounds` says what it covers: less than an interval where a run starts within one.
    """

    path: str | Path
    days: float
    fields: tuple[str, ...] | None = None
    samples: int = 24


def whole_steps(days: float, time_step: float, what: str) -> int:
    """Steps in so many days, at least one. Raises ValueError for what is no length of time."""
    if not is_number(days, lambda days: 0.0 < days < MOST):
        raise ValueError(f"days={shown(days)} of {what} must be a positive number.")
    return max(1, round(float(days) * DAY / time_step))


class LostMeanWarning(UserWarning):
    """Warning of an unfinished mean in a restart that no output of a run goes on with."""


class Series:
    """Snapshots or means of a run: what has been summed up, and the file with its number of whole records."""

    def __init__(self, model: Any, step: int, wanted: Snapshots | Means, goes_on: bool):
        path = at_home(wanted.path)
        if path.suffix not in KINDS:
            raise ValueError(f"'{path}' ends neither in .zarr nor in .nc, the formats that there are.")
        self.mean, self.model, self.path = isinstance(wanted, Means), model, path
        self.every = whole_steps(wanted.days, model.parameters.time_step, f"'{path}'")
        self.samples = 1
        if isinstance(wanted, Means):
            if not is_number(wanted.samples, lambda samples: samples >= 1 and samples == int(samples)):
                raise ValueError(f"samples={shown(wanted.samples)} of '{path}' must be at least 1, a whole number.")
            self.samples = int(min(wanted.samples, self.every))
        self.variables = output.variables(model, wanted.fields)
        self.sums = Sums(0, step, {}, self.seconds)
        self.store = KINDS[path.suffix](path, model)
        self.records, self.end = by_first(model.backend.communication, lambda: self._found(step, goes_on), could_not(path))

    @property
    def seconds(self) -> float:
        """Interval between records (s)."""
        return float(self.every * self.model.parameters.time_step)

    def _belongs(self) -> dict[str, Any]:
        """Identity that all records of a file have in common."""
        belongs: dict[str, Any] = {"fields": list(self.variables), "means": self.mean,
                                   "seconds between records": self.seconds}
        for name, value in identity(self.model).items():
            if not isinstance(value, np.ndarray):
                belongs[name] = value
            elif value.dtype.kind == "f":
                belongs[f"summary of {name}"] = summary(value)
            else:
                belongs[f"checksum of {name}"] = sha256(value.tobytes()).hexdigest()[:8]
        del belongs["time step"]  # a run may go on with another
        return belongs

    def prepare(self, step: int) -> None:
        """Make the file, or leave of it what comes before the step; once nothing that a run writes is refused."""
        def work() -> None:
            if self.path.exists():
                self.store.cut(self.records)
            else:
                made = json.dumps(written(self._belongs()) | {"begins": step * self.model.parameters.time_step}, default=float)
                self.store.create(template(self.model, self.variables, self.mean, made))

        by_first(self.model.backend.communication, work, could_not(self.path))

    def _found(self, step: int, goes_on: bool) -> tuple[int, int]:
        """(records, step at which the last of them ends or the first begins) before the step from which a run goes on."""
        if not self.path.exists():
            return 0, step
        dt, belongs = self.model.parameters.time_step, self._belongs()
        try:
            there, times = as_now(json.loads(self.store.identity()), belongs), self.store.times()
        except Exception as problem:  # whatever zarr, netCDF4 or json say of something else
            raise ValueError(f"'{self.path}' is there already and is no output of dycore, or damaged ({why(problem)}). Name "
                             "another path.") from None
        differs = next(filter(None, (difference(name, there.get(name), here) for name, here in belongs.items())), None)
        if differs:
            raise ValueError(f"'{self.path}' was written by another run: {differs}. Name another path.")
        ends = (times["time_bounds"][:, 1] if self.mean else times["time"]) / dt
        if step == 0 and not goes_on and np.isfinite(ends).any():
            raise ValueError(f"'{self.path}' is there already. Name another path, remove it, or go on from a restart of the run "
                             "that wrote it.")
        kept = int(np.sum(ends < step + 0.5))
        end = round(ends[kept - 1] if kept else there["begins"] / dt)
        if not end <= step < end + self.every:
            raise ValueError(f"'{self.path}' ends on day {end * dt / DAY:g}, and the run goes on from day {step * dt / DAY:g}: "
                             "records between them would be missing. Name another path, or go on from an earlier restart.")
        return kept, end

    def ahead(self, step: int) -> int:
        """Steps until a state is looked at: the n-th of an interval ends n / samples of it, rounded up."""
        begun, within = divmod(step, self.every)
        n = within * self.samples // self.every + 1
        return begun * self.every + -(-n * self.every // self.samples) - step

    def look(self, step: int, state: State) -> None:
        """Take what is due of a state."""
        if step and self.ahead(step - 1) > 1:
            return
        cells = {name: output.cells_of(self.model, state, variable) for name, variable in self.variables.items()}
        if self.mean:
            self.sums = self.sums._replace(samples=self.sums.samples + 1)
            for name, values in cells.items():
                total = self.sums.fields.setdefault(name, np.zeros(values.shape))
                total += values
            if step % self.every:
                return
            cells = {name: total / self.sums.samples for name, total in self.sums.fields.items()}
        self._append(step, cells)

    def _append(self, step: int, cells: dict[str, np.ndarray]) -> None:
        """Write a record that ends at a step."""
        dt = self.model.parameters.time_step
        bounds = np.array([self.sums.since, step]) * dt
        times = {"time_bounds": bounds, "time": bounds.mean()} if self.mean else {"time": step * dt}
        fields = {name: output.with_nan(self.model, self.variables[name], values) for name, values in cells.items()}
        self.store.append(self.records, fields, times)
        self.records, self.end, self.sums = self.records + 1, step, Sums(0, step, {}, self.seconds)

    def takes(self, sums: Sums) -> bool:
        """Whether this is a mean of the same fields over the same interval, which earlier versions did not write."""
        return self.mean and {*sums.fields} == {*self.variables} and (sums.interval is None
                                                                      or math.isclose(sums.interval, self.seconds, rel_tol=1e-9))


def go_on(series: list[Series], sums: dict[str, Sums], warn: bool) -> None:
    """Give unfinished means, by the paths of their files, to the series that they are of; warn, if to, of what is of none.

    A path may be spelt in another way or lead through links, and folders may have been moved: where no path is that of a series,
    the name of the file tells.
    """
    left = dict(sums)
    for same in (os.path.realpath, lambda path: os.path.basename(os.path.realpath(path))):
        for each in series:
            path = next((path for path, held in left.items() if same(path) == same(each.path) and each.takes(held)), None)
            if path is not None and not each.sums.samples:
                each.sums = left.pop(path)
    if left and warn:
        names = " and ".join(f"'{path}'" for path in left)
        warnings.warn(f"What the restart holds of an unfinished mean in {names} is left out: no output of this run is a mean in a "
                      "file of that name, of the same fields and over the same interval.", LostMeanWarning, stacklevel=2)


def check_paths(paths: list[Path]) -> None:
    """Raise ValueError where two outputs of a run are one file, whatever its path is spelt like."""
    ends: dict[str, Path] = {}
    for path in paths:
        other = ends.setdefault(os.path.realpath(path), path)
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
            self.restarts = restarts = replace(restarts, folder=at_home(restarts.folder))
            folder = Path(restarts.folder)
            self.every = whole_steps(restarts.days, model.parameters.time_step, f"'{folder}'")
            hold(folder, folder=True)
            first = by_first(communication, lambda: check_folder(folder, step, model.parameters.time_step),
                             f"'{folder}' cannot be used")
            goes_on = check_start(folder, model, state) or goes_on
            sums = partial_means(folder, model, step)
        check_paths([at_home(wanted.path) for wanted in write])
        for wanted in write:
            hold(at_home(wanted.path))
        self.series = [Series(model, step, wanted, goes_on) for wanted in write]
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
                means = {os.path.realpath(series.path): series.sums for series in begun}
                write_restart(restarts.folder, self.model, state, means)
                by_first(self.model.backend.communication, lambda: retain(Path(restarts.folder), restarts.keep),
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
