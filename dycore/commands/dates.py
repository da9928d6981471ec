"""Dates on the command line: the start of a run, and that of a state."""

import argparse
import re
from typing import Any

from dycore.calendars import after, date, words
from dycore.commands.problems import BadInput
from dycore.running.progress import DAY


def moment(text: str) -> str:
    """A date; whether its calendar has it is seen where that is known."""
    if not re.match(r"\d+-\d+-\d+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"'{text}' is no date: give YEAR-MONTH-DAY, as in 2000-01-31, or with a time, as in "
                                         "'2000-01-31 12:00:00'")
    return text


def start_of(text: str | None, calendar: str) -> Any:
    """The date of the beginning, if there is one."""
    try:
        return text and date(text, calendar)
    except (ValueError, ImportError) as problem:
        raise BadInput(str(problem)) from problem


def when(model: Any, state: Any) -> str:
    """The date of a state, if it has one, and its day."""
    time, start = state.step * model.parameters.time_step, model.parameters.start
    return (f"{after(start, time)}, " if start else "") + f"day {time / DAY:g}"


def started(model: Any) -> str:
    """Words about the start of a run that has a date."""
    start = model.parameters.start
    return f", start {words(start)}" if start else ""
