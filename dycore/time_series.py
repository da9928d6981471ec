"""Values that change with time: records at given times, linear in between, of which a model holds two at a time.

    value(t) = before + weight (after - before),   weight = (t - t_before) / (t_after - t_before)

A step takes the value at its beginning, in all of its stages: the time that forcings see (dycore.forcing.Instant). The weight is
counted in whole steps from the one in which the record before it stands, so that it loses no digits where a model of single
precision has run for long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.inputs.given import as_array, check_number, check_switch
from dycore.inputs.units import TIME, in_unit
from dycore.stencils import stencil

DAY = 86400.0  # s
WHOLE = 1e-6  # of a step: how much earlier than a record a step may begin and still count as beginning with it


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """Records of numbers, profiles [nz], planes [ny, nx] or volumes [nz, ny, nx], in place of a value of a forcing or a stress.

    times: s since the start of the run [n], increasing. values: [n, ...], anything that gives a record for its number, as
    arrays, xarray.DataArray and variables of netCDF4 and zarr do: records are read one at a time, when a run comes to them.
    period: s after which all begins anew (of months: dycore.calendars.monthly); there may then be more times than records, a
    multiple of them, and records come again. extend: before the first and after the last time they hold; otherwise a run that
    goes beyond them is refused. start: the date from which times are counted, where it is known (dycore.calendars): a model of a
    run that starts on another is refused. Profiles are new to every step from outside of the compiled program, which costs a call
    a step. Series and tables of pandas are read by position. Raises ValueError where times and records do not go together.
    """

    times: ArrayLike
    values: Any
    period: float | None = None
    extend: bool = False
    name: str = "a time series"  # what sentences call it; a model says which value it is
    start: Any = None  # cftime.datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", checked_times(self.times))
        object.__setattr__(self, "values", records_of(self.values))
        check_switch("extend", self.extend)
        times, records = np.asarray(self.times), number_of(self.values)
        repeated = self.period is not None and records > 0 and len(times) % records == 0
        if records != len(times) and not repeated:
            raise ValueError(f"A TimeSeries has {len(times)} times and {records} records. Give a time for each record.")
        if records == len(times):
            check_own_times(self.values, times)
        if self.period is not None:
            length = times[-1] - times[0]
            check_number("period", self.period, f"longer than the {length:g} s from the first of the times to the last, or None",
                         lambda period: length < period < np.inf)

    @property
    def in_words(self) -> str:
        """Words about a series, without reading it."""
        times = np.asarray(self.times)
        repeated = "" if self.period is None else f", repeated after {self.period / DAY:g} days"
        about = getattr(self.values, "in_words", "")
        return (f"TimeSeries({number_of(self.values)} records from day {times[0] / DAY:g} to {times[-1] / DAY:g}{repeated}"
                f"{about and f'; {about}'})")

    def record(self, number: int) -> Any:
        """Record of a time, by its number."""
        return self.values[number % number_of(self.values)]

    def mapped(self, function: Callable[[int, Any], Any]) -> TimeSeries:
        """Series of the same times, with a function of (number, record) applied to each record when it is read."""
        return replace(self, values=Mapped(self.values, function))


@dataclass(frozen=True, eq=False)
class Mapped:
    """Records of which a function of (number, record) is taken when they are read."""

    values: Any
    function: Callable[[int, Any], Any]

    @property
    def in_words(self) -> str:
        """Words about the records, where they have any."""
        return getattr(self.values, "in_words", "")

    @property
    def target(self) -> Any:
        """The places for which records were made, where they say so (dycore.regridding.Target)."""
        return getattr(self.values, "target", None)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, number: int) -> Any:
        return self.function(number, self.values[number])


def checked_times(times: Any) -> np.ndarray:
    """Times (s). Raises ValueError unless there are two at least, and each is later than the one before."""
    try:
        found = in_unit("times", as_array("times", times), times, TIME)
    except ValueError as problem:
        raise ValueError(f"{problem} Of dates, dycore.calendars.seconds makes seconds since the start of a run.") from None
    if found.ndim != 1 or len(found) < 2:
        raise ValueError(f"times of a TimeSeries have shape {found.shape}. Give two of them or more, [n], or in place of the "
                         "series the value itself.")
    if not (np.isfinite(found).all() and (np.diff(found) > 0.0).all()):
        later = np.flatnonzero(~(np.isfinite(found[1:]) & (np.diff(found) > 0.0)))
        place = int(later[0]) + 1 if len(later) else 0
        raise ValueError(f"times[{place}] = {found[place]:g} s of a TimeSeries is not later than the time before it. Give them in "
                         "increasing order.")
    return found


def records_of(values: Any) -> Any:
    """Records that are read by their number: tables of pandas as arrays, all else as it is.

    Raises ValueError for what is read by names or in no order.
    """
    if isinstance(values, Mapping | Set | str | bytes) or hasattr(values, "data_vars"):
        raise ValueError(f"values of a TimeSeries are of the type {type(values).__name__}, which has no first and second record. "
                         "Give an array [n, ...], a list, or one variable of a dataset.")
    table = hasattr(values, "to_numpy") and hasattr(values, "__array__") and not hasattr(values, "dims")
    return values.to_numpy() if table else values


def check_own_times(values: Any, times: np.ndarray) -> None:
    """Raise ValueError where records have a coordinate of time that does not increase, or dates with other steps than the times.

    Steps of dates are other ones where they are not within half and twice those of the times: months are of several lengths, and
    a record may stand at the beginning of one or in its middle.
    """
    dim = next(iter(getattr(values, "dims", ())), None)
    if dim is None or dim not in getattr(values, "coords", ()):
        return
    own = np.asarray(values.coords[dim])
    steps, dates = steps_of(own), own.dtype.kind not in "iuf"  # what numbers count is not known
    backward = np.flatnonzero(steps <= 0.0)
    if len(backward):
        place = int(backward[0])
        raise ValueError(f"values of a TimeSeries have a coordinate {dim} that does not increase: {own[place]} is followed by "
                         f"{own[place + 1]}. Bring them into the order of times with .sortby({str(dim)!r}), or drop it.")
    if not (dates and len(steps)):
        return
    other = np.flatnonzero((steps < 0.5 * np.diff(times)) | (steps > 2.0 * np.diff(times)))
    if len(other):
        place = int(other[0])
        raise ValueError(f"values of a TimeSeries have a coordinate {dim} with {steps[place]:g} s from record {place} to the next, "
                         f"and the times have {np.diff(times)[place]:g} s. Make times of it with dycore.calendars.seconds, or drop "
                         "the coordinate.")


def steps_of(places: np.ndarray) -> np.ndarray:
    """Differences of numbers, or of dates and time spans in seconds; none of what is neither."""
    if places.dtype.kind in "iuf":
        return np.diff(places.astype(float))
    if places.dtype.kind in "Mm":
        return np.diff(places) / np.timedelta64(1, "s")
    if all(hasattr(each, "year") for each in places.flat):  # cftime.datetime
        return np.array([step.total_seconds() for step in np.diff(places)])
    return np.zeros(0)


def number_of(values: Any) -> int:
    """Number of records. Raises ValueError for what has no records, or has them along another axis than the first."""
    dims: tuple = getattr(values, "dims", ())
    if "time" in dims and dims[0] != "time":
        raise ValueError(f"values of a TimeSeries have the dimensions {', '.join(map(str, dims))}: time must be the first of them. "
                         "Bring it there with .transpose('time', ...).")
    try:
        return len(values)
    except TypeError:
        raise ValueError(f"values of a TimeSeries are of the type {type(values).__name__}, without records. Give an array "
                         "[n, ...], or anything else that has a length and gives a record for its number.") from None


def of_each(function: Callable[[int | None, Any], Any], values: Any) -> Any:
    """Results of a function of (number, value) for a value, or each record of a series; the number of a value is None."""
    return values.mapped(function) if isinstance(values, TimeSeries) else function(None, values)


# Where a step is ---------------------------------------------------------------------------------


class Pair(NamedTuple):
    """The records before and after a step, by number, their times (s), and the first step that is between others."""

    before: int
    after: int
    start: float
    stop: float
    until: int


def pair(series: TimeSeries, step: int, time_step: float) -> Pair:
    """The records between which a step begins. Raises ValueError where it begins beyond them."""
    times: np.ndarray = np.asarray(series.times)
    number, about = len(times), np.arange(len(times))
    if series.period is not None:  # a few records about the step: four centuries of days are many
        cycle = np.floor((step * time_step - times[0]) / series.period)
        about = int(np.searchsorted(times, step * time_step - cycle * series.period)) + np.arange(-3, 4)
        times = times[about % number] + (cycle + about // number) * series.period
    firsts = first_steps(times, time_step)
    place = int(np.searchsorted(firsts, step, side="right")) - 1
    if 0 <= place < len(times) - 1:
        before, after = (about[place: place + 2] % number).tolist()
        return Pair(before, after, times[place], times[place + 1], int(firsts[place + 1]))
    if place >= 0 and step == firsts[-1] and step * time_step <= times[-1] + WHOLE * time_step:
        return Pair(number - 2, number - 1, times[-2], times[-1], step + 1)
    if not series.extend:
        raise ValueError(f"{series.name} is known from day {times[0] / DAY:g} to day {times[-1] / DAY:g}, and a step begins on day "
                         f"{step * time_step / DAY:g}. Give records for all of the run, a period after which they repeat, or "
                         "extend=True to hold the first and the last.")
    held = 0 if place < 0 else number - 1
    return Pair(held, held, times[held], times[held], int(firsts[0]) if place < 0 else sys.maxsize)


def first_steps(times: np.ndarray, time_step: float) -> np.ndarray:
    """The steps that are the first to begin at times, or after them."""
    return np.ceil(times / time_step - WHOLE)


def check_covered(series: TimeSeries, first: int, last: int, time_step: float) -> None:
    """Raise ValueError unless a series is known in all steps from one to another."""
    if series.period is None:
        for step in (first, last):
            pair(series, step, time_step)


# Between two records -----------------------------------------------------------------------------


class Between(NamedTuple):
    """Two records, and the weight of the second: `weight` in the step `since`, and `rate` more in each step after it."""

    before: Any
    after: Any
    since: Any
    weight: Any
    rate: Any


def between(record: Callable[[int], Any], found: Pair, time_step: float) -> Between:
    """The records of a pair, and what their weights are in its steps."""
    since, length = float(np.floor(found.start / time_step)), float(found.stop - found.start)
    weight, rate = ((since * time_step - found.start) / length, time_step / length) if length else (0.0, 0.0)
    return Between(record(found.before), record(found.after), since, float(weight), float(rate))


def at_step(on: Any, values: Any, step: Any) -> Any:
    """A record with numbers, profiles and fields in place of what is between two, as they are at the beginning of a step."""
    if isinstance(values, Between):
        weight = values.weight + (step - values.since) * values.rate
        if np.ndim(values.before) > 1:
            return on(in_cells if np.ndim(values.before) == 3 else in_columns, weight, values.before, values.after)
        return values.before + weight * (values.after - values.before)
    if isinstance(values, tuple):
        parts = [at_step(on, part, step) for part in values]
        return type(values)(*parts) if hasattr(values, "_fields") else tuple(parts)
    return values


@stencil
def in_cells(k, j, i, weight, before, after):
    """A volume between two."""
    return before[k, j, i] + weight * (after[k, j, i] - before[k, j, i])


@stencil
def in_columns(j, i, weight, before, after):
    """A plane between two."""
    return before[j, i] + weight * (after[j, i] - before[j, i])
