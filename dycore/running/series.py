"""Records of a run on a schedule: snapshots and means, what has been summed up of a mean, and the file that they go into."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from dycore import output
from dycore.files import by_first, why
from dycore.inputs.given import MOST, is_number, shown
from dycore.locations import location
from dycore.restart import Sums
from dycore.running.growing_files import file_at, template
from dycore.running.identity import as_now, difference, identity, summary, written
from dycore.running.progress import DAY
from dycore.running.zarr_stores import check_chunks, could_not
from dycore.state import State


@dataclass(frozen=True)
class Snapshots:
    """The state itself, every so many days (rounded to whole steps), the first at the start, into a path.

    It ends in .zarr, .icechunk or .nc, and may be an address (dycore.locations): "s3://bucket/ocean.icechunk". `fields`: names
    as in `Model.dataset`, None for all. `chunks`: records, levels, rows or columns in a chunk of a store, by dimension, as in
    {"time": 10} for reading of time series; usually one record, the rows and columns of a rank and levels up to 64 MiB. A chunk
    of n records is written n times.
    """

    path: str | Path
    days: float
    fields: tuple[str, ...] | None = None
    chunks: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Means:
    """Time means over intervals of so many days (rounded to whole steps), counted from the start of a simulation.

    A mean is taken over `samples` states, evenly spaced to a step over the interval and its end among them, or over all where
    there are fewer. `time_bounds` says what it covers: less than an interval where a run starts within one. Else as Snapshots.
    """

    path: str | Path
    days: float
    fields: tuple[str, ...] | None = None
    samples: int = 24
    chunks: Mapping[str, int] | None = None


def whole_steps(days: float, time_step: float, what: str) -> int:
    """Steps in so many days, at least one. Raises ValueError for what is no length of time."""
    if not is_number(days, lambda days: 0.0 < days < MOST):
        raise ValueError(f"days={shown(days)} of {what} must be a positive number.")
    return max(1, round(float(days) * DAY / time_step))


class Series:
    """Snapshots or means of a run: what has been summed up, and the file with its number of whole records."""

    def __init__(self, model: Any, state: State, wanted: Any, goes_on: bool):
        step = int(state.step)
        path = location(wanted.path)
        self.mean, self.model, self.path = isinstance(wanted, Means), model, path
        self.every = whole_steps(wanted.days, model.parameters.time_step, f"'{path}'")
        self.samples = 1
        if isinstance(wanted, Means):
            if not is_number(wanted.samples, lambda samples: samples >= 1 and samples == int(samples)):
                raise ValueError(f"samples={shown(wanted.samples)} of '{path}' must be at least 1, a whole number.")
            self.samples = int(min(wanted.samples, self.every))
        self.variables, self.store = self._prepared(state, wanted)
        if wanted.chunks is not None:
            check_chunks(wanted.chunks, path, self._template(""))
        self.sums = Sums(0, step, {}, self.seconds)
        self.records, self.end = by_first(model.backend.communication, lambda: self._found(step, goes_on), could_not(path))

    def _prepared(self, state: State, wanted: Any) -> tuple[dict[str, Any], Any]:
        """Variables that are written, by name, and the file for them."""
        return output.variables(self.model, wanted.fields), file_at(self.path, self.model, wanted.chunks)

    def _template(self, made: str) -> Any:
        """A dataset without records of the identity `made`."""
        return template(self.model, self.variables, self.mean, made)

    def _cells(self, state: State) -> dict[str, np.ndarray]:
        """Values that are written of a state, on the cells that this process keeps."""
        return {name: output.cells_of(self.model, state, variable) for name, variable in self.variables.items()}

    def _write(self, cells: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        """Write a record; all processes call it."""
        fields = {name: output.with_nan(self.model, self.variables[name], values) for name, values in cells.items()}
        self.store.append(self.records, fields, times)

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
            if self.store.exists():
                self.store.cut(self.records)
            else:
                made = json.dumps(written(self._belongs()) | {"begins": step * self.model.parameters.time_step}, default=float)
                self.store.create(self._template(made))

        by_first(self.model.backend.communication, work, could_not(self.path))

    def _found(self, step: int, goes_on: bool) -> tuple[int, int]:
        """(records, step at which the last of them ends or the first begins) before the step from which a run goes on."""
        if not self.store.exists():
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
        cells = self._cells(state)
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
        self._write(cells, times)
        self.records, self.end, self.sums = self.records + 1, step, Sums(0, step, {}, self.seconds)

    def takes(self, sums: Sums) -> bool:
        """Whether this is a mean of the same fields over the same interval, which earlier versions did not write."""
        return self.mean and {*sums.fields} == {*self.variables} and (sums.interval is None
                                                                      or math.isclose(sums.interval, self.seconds, rel_tol=1e-9))
