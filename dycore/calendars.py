"""Dates: the start of a run in a calendar, what time of it a date is, and climatologies of months. By cftime.

    start = date("2000-01-01", "360_day")
    Parameters(..., start=start, surface_stress=(monthly(stress, start), 0.0))

A run counts seconds since its start; the calendar says what date that is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from dycore.inputs.checked_arguments import checked
from dycore.inputs.given import finite
from dycore.time_series import TimeSeries, number_of, records_of

# years after which the lengths of months repeat
CALENDARS = {"standard": 400, "proleptic_gregorian": 400, "noleap": 1, "all_leap": 1, "360_day": 1, "julian": 4}
NO_START = "0001-01-01 00:00:00", "noleap"  # of a run without a date: all years are alike
GREGORIAN = {"standard", "proleptic_gregorian"}  # of which the dates are the same since the reform
WRITTEN = r"(\d{1,6})-(\d\d?)-(\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d))?)?"
REFORM = 1582  # the year in which the standard calendar leaves out ten days


def load_cftime() -> Any:
    """The library. Raises ImportError with what to install when it is missing."""
    try:
        import cftime
    except ImportError:
        raise ImportError("Dates need cftime: install dycore with the extra 'io' (pip install 'dycore[io]').") from None
    return cftime


def date(text: str, calendar: str = "standard") -> Any:
    """A cftime.datetime of 'YEAR-MONTH-DAY', with ' HOUR:MINUTE:SECOND' or without, in a calendar of CF.

    Raises ValueError for what is no date, or none in that calendar.
    """
    check_calendar(calendar)
    found = isinstance(text, str) and re.fullmatch(WRITTEN, text.strip(), re.ASCII)
    if not found:
        raise ValueError(f"{text!r:.80} is no date. Give YEAR-MONTH-DAY, as in 2000-01-31, or with a time, as in "
                         "2000-01-31 12:00:00.")
    try:
        return load_cftime().datetime(*(int(part or 0) for part in found.groups()), calendar=calendar)
    except ValueError as problem:
        raise ValueError(f"'{text}' is no date in the calendar {calendar} ({str(problem).rstrip('.')}).") from None


def check_calendar(calendar: str) -> None:
    """Raise ValueError for what is no calendar."""
    if not isinstance(calendar, str) or calendar not in CALENDARS:
        raise ValueError(f"calendar={calendar!r:.80} is none that there is. Use one of {', '.join(CALENDARS)}.")


def check_start(start: Any) -> None:
    """Raise ValueError for a start of a run that is no date in a calendar of CF, nor None."""
    if start is None:
        return
    if not (hasattr(start, "calendar") and hasattr(start, "isoformat")):
        raise ValueError(f"start={start!r:.80} must be a cftime.datetime, for example dycore.calendars.date('2000-01-01', "
                         "'noleap'), or None.")
    if start.calendar not in CALENDARS:
        raise ValueError(f"start={shown(start)} is in the calendar {start.calendar!r}. Use one of {', '.join(CALENDARS)}.")
    if start.microsecond:
        raise ValueError(f"start={start.isoformat(' ')} must be a date in whole seconds.")


def shown(moment: Any) -> str:
    """'2000-01-31 12:00:00'."""
    return moment.isoformat(" ", timespec="seconds")


def after(start: Any, time: float) -> str:
    """The date so many seconds after the start of a run, to the second, '2000-01-31 12:00:00'.

    Raises ValueError for a start or a time that is none, and a date beyond those that there are.
    """
    check_start(start)
    if start is None:
        raise ValueError("start=None has no dates after it. Give one, for example dycore.calendars.date('2000-01-01').")
    try:
        return shown(start + timedelta(seconds=round(finite("time", time, "s since the start"))))
    except OverflowError:
        raise ValueError(f"time={time:g} s after {shown(start)} is beyond the dates that there are. Give less.") from None


def words(start: Any) -> str | None:
    """A start with its calendar, as files keep it; None where there is none."""
    return None if start is None else f"{shown(start)} ({start.calendar})"


def time_since(start: Any) -> dict[str, str]:
    """The attributes `units` and `calendar` of time (s) since the start of a run, after CF."""
    moment, calendar = NO_START if start is None else (shown(start), start.calendar)
    return {"units": f"seconds since {moment}", "calendar": calendar}


def seconds(dates: Any, start: Any) -> np.ndarray:
    """Times (s) since the start of a run of dates [n]: cftime.datetime in its calendar, datetime or numpy.datetime64.

    Raises ValueError where a date is none of that calendar.
    """
    check_start(start)
    about, found = time_since(start), as_dates(dates)
    for calendar in {getattr(each, "calendar", "proleptic_gregorian") for each in found.flat}:
        if calendar != about["calendar"] and not {calendar, about["calendar"]} <= GREGORIAN:
            raise ValueError(f"There are dates of the calendar {calendar}, and the run starts on "
                             f"{words(start) or ' in '.join(NO_START)}. Give dates of the same calendar.")
    try:
        return np.asarray(load_cftime().date2num(found, about["units"], about["calendar"]), float)
    except (ValueError, TypeError, AttributeError) as problem:
        reason = str(problem).rstrip(".")
        raise ValueError(f"dates of the type {found.dtype} cannot be counted: {reason}. Give cftime.datetime.") from None


def as_dates(dates: Any) -> np.ndarray:
    """Dates [n] as objects that have a year. Raises ValueError for what has none, and masked ones."""
    if np.ma.is_masked(dates):
        raise ValueError(f"{np.ma.getmaskarray(dates).sum()} of the {np.size(dates)} dates are masked. Leave them out, and their "
                         "records.")
    try:
        found = np.asarray(dates)
    except ValueError:
        raise ValueError("dates are made of rows of different length. Give cftime.datetime, side by side.") from None
    if found.dtype.kind == "M":
        found = found.astype("datetime64[us]").astype(object)  # as datetime has them
    if not all(hasattr(each, "year") for each in found.flat):
        raise ValueError(f"dates of the type {found.dtype} cannot be counted: some of them are none. Give cftime.datetime.")
    return found


def monthly(values: Any, start: Any = None) -> TimeSeries:
    """A climatology: twelve records [12, ...], each in the middle of its month, which come again every year.

    start: that of the run, whose calendar says how long months are; None for a run without a date, which begins in January of
    years of 365 days. Leap years have their own lengths. Raises ValueError for other numbers of records, and for a start before
    1583 in the standard calendar, whose years do not repeat then.
    """
    values = records_of(values)
    if number_of(values) != 12:
        raise ValueError(f"A monthly climatology has 12 records; given {number_of(values)}.")
    first = beginning(start)
    years = CALENDARS[first.calendar]
    moment = load_cftime().datetime
    begins = [moment(first.year + month // 12, month % 12 + 1, 1, calendar=first.calendar) for month in range(12 * years + 1)]
    ends = np.array([(each - first).total_seconds() for each in begins])
    return TimeSeries(0.5 * (ends[1:] + ends[:-1]), values, period=float(ends[-1] - ends[0]), start=start)


def beginning(start: Any) -> Any:
    """The date on which a run starts whose records come again every year. Raises ValueError where its years do not repeat."""
    check_start(start)
    first = date(*NO_START) if start is None else start
    if first.calendar == "standard" and first.year <= REFORM:
        raise ValueError(f"start={shown(first)} is before the standard calendar became that of today, in {REFORM}. Use the "
                         "calendar proleptic_gregorian.")
    return first


@checked
def yearly(values: Any, dates: Sequence[Any], start: Any = None) -> TimeSeries:
    """Records [n, ...] of one year at dates in it, increasing, which come again on these dates in every year of the run's calendar.

    Twelve of which one is in each month stand in the middle of their months, as in `monthly`; start: as there. Raises ValueError
    for records of more than a year, dates that do not increase or are not one for each record, and for a date that some year of
    the run's calendar lacks.
    """
    first, values, found = beginning(start), records_of(values), as_dates(dates)
    if found.ndim != 1 or not found.size or any(in_year(b, 0) <= in_year(a, 0) for a, b in itertools.pairwise(found)):
        raise ValueError(f"dates={dates!s:.80} must be dates [n], each of them later than the one before. Sort records by time.")
    if number_of(values) != found.size:
        raise ValueError(f"There are {found.size} dates and {number_of(values)} records. Give a date for each record.")
    year = found[0].year
    if in_year(found[-1], year) >= in_year(found[0], year - 1):
        raise ValueError(f"Records that come again every year are of one year, and these are from {found[0]} to {found[-1]}. "
                         "Choose those of one year, or make a mean of them, for example with .groupby('time.month').mean().")
    months = [each.month for each in found]
    if sorted(months) == list(range(1, 13)):
        series = monthly(values, start)
        times, period = np.asarray(series.times), float(series.period or 0.0)
        return TimeSeries(np.concatenate([times, times + period])[months[0] - 1:][:len(times)], values, period=period, start=start)
    begins = [load_cftime().datetime(first.year + n, 1, 1, calendar=first.calendar) for n in range(CALENDARS[first.calendar] + 2)]
    starts = np.array([(each - first).total_seconds() for each in begins])
    within: dict[float, np.ndarray] = {}  # by the length of a year (s): the places of the dates in it

    def places(n: int) -> np.ndarray:
        length = float(starts[n + 1] - starts[n])
        if length not in within:
            there = [in_calendar(each, first.calendar, begins[n].year) for each in found]
            within[length] = np.array([(each - begins[n]).total_seconds() for each in there])
        return starts[n] + within[length]

    later = np.array([each.year - year for each in found])
    times = np.concatenate([np.where(later == 0, places(n), places(n + 1)) for n in range(len(begins) - 2)])
    return TimeSeries(times, values, period=float(starts[-2] - starts[0]), start=start)


def in_year(moment: Any, year: int) -> tuple[int, ...]:
    """A date as numbers that can be compared, with years counted from one of them."""
    return moment.year - year, moment.month, moment.day, moment.hour, moment.minute, moment.second


def in_calendar(moment: Any, calendar: str, year: int | None = None) -> Any:
    """A date of another calendar by its name, in its own year or another. Raises ValueError where there is none."""
    _, *rest = in_year(moment, 0)
    year = moment.year if year is None else year
    try:
        return load_cftime().datetime(year, *rest, calendar=calendar)
    except ValueError:
        raise ValueError(f"There is a record of {moment.month}-{moment.day:02d} (month and day), which the year {year} of the "
                         f"calendar {calendar} does not have. Leave it out, or convert the records, for example with xarray's "
                         f".convert_calendar({calendar!r}).") from None


def dates_of(name: str, coordinate: Any) -> list:
    """Dates of a coordinate of time (xarray.DataArray): of dates of NumPy or cftime, or numbers with units 'days since ...'.

    Raises ValueError for anything else, and unless each is later than the one before.
    """
    found, units = np.asarray(coordinate), str(coordinate.attrs.get("units", ""))
    if found.dtype.kind == "M":
        if np.isnat(found).any():
            raise ValueError(f"{np.isnat(found).sum()} of the {found.size} dates of {name} are missing. Leave out their records.")
        found = found.astype("datetime64[us]").astype(object)  # as datetime has them
    elif found.dtype.kind in "iuf" and " since " in units and np.isfinite(found).all():
        try:
            found = load_cftime().num2date(found, units, coordinate.attrs.get("calendar", "standard"))
        except (ValueError, OverflowError) as problem:
            reason = str(problem).rstrip(".")
            raise ValueError(f"The times of {name}, in '{units}', are no dates: {reason}. Correct them.") from None
    if not all(hasattr(each, "year") for each in found.flat):
        raise ValueError(f"The times of {name} are of the type {found.dtype} without units such as 'days since 2000-01-01', and so "
                         "no dates. Give them dates, or make a dycore.time_series.TimeSeries of your own times.")
    for n, (before, later) in enumerate(itertools.pairwise(found.tolist()), 1):
        if not later > before:
            raise ValueError(f"Record {n} of {name} is of {later}, not later than record {n - 1}, of {before}. Bring the records "
                             "into order with .sortby('time'), and leave out those that are there twice with "
                             ".drop_duplicates('time').")
    return found.tolist()


def dated(values: Any, dates: Sequence[Any], start: Any, extend: bool = False) -> TimeSeries:
    """Records [n, ...] at dates [n], for a run that begins at `start` (see `seconds`); `extend` as in TimeSeries."""
    return TimeSeries(seconds(dates, start), values, extend=extend, start=start)
