"""How far a run is: a bar on a terminal or in a notebook, lines elsewhere, and these lines in the log "dycore" of logging."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TextIO

DAY, YEAR = 86400.0, 365.0 * 86400.0  # s
LOG = logging.getLogger("dycore")
LOG.addHandler(logging.NullHandler())  # who wants the lines adds a handler


def tell(sentence: str, stream: TextIO | None) -> None:
    """Print a line. Where nobody hears it any more (a terminal that is lost, a closed pipe, a full disk), a run goes on without."""
    if stream is None or stream.closed:  # as under pythonw
        return
    try:
        print(sentence, file=stream, flush=True)
    except OSError:
        discard(stream)


def discard(stream: TextIO) -> None:
    """Let what is still in the buffer of a stream, and what comes, go nowhere: it must not fail at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def in_notebook() -> bool:
    """Whether this is a notebook that can show a bar, for which rich takes ipywidgets."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell" and importlib.util.find_spec("ipywidgets") is not None


class ProgressBar:
    """Context manager of a run of so many steps of dt (s) that begins at step `start`: calls say how many are done.

    date: says the date of a time (s), of a run that has one.
    """

    def __init__(self, steps: int, dt: float, wanted: bool, start: int = 0, date: Callable[[float], str] | None = None):
        self.steps, self.dt, self.wanted, self.start, self.date, self.bar = steps, dt, wanted, start, date, None
        self.began = self.said = time.perf_counter()
        self.first: tuple[int, float] | None = None  # steps and time when the first were done, which may have been compiled
        if wanted and sys.stderr is not None and not sys.stderr.closed and (sys.stderr.isatty() or in_notebook()):
            try:
                from rich.console import Console
                from rich.progress import BarColumn, Progress, TextColumn
            except ImportError:
                return
            self.bar = Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[pace]}"),
                                console=Console(stderr=True))
            self.task = self.bar.add_task(self.day(0), total=steps, pace="")

    def __enter__(self) -> Any:
        if self.bar:
            self.bar.start()
        return self.advance

    def advance(self, done: int) -> None:
        """Show that so many steps are done."""
        now = time.perf_counter()
        pace = self.pace(done, now)
        if self.bar:
            self.bar.update(self.task, completed=done, description=self.day(done), pace=pace)
        # ever more seldom, so that the log of a month can be read
        if not pace or done == self.steps or now - self.said > max(10.0, 0.01 * (now - self.began)):
            self.said = now
            line = f"{self.day(done)}, {pace}" if pace else self.day(done)
            LOG.info(line)
            if self.wanted and not self.bar and now - self.began > 10.0:
                tell(line, sys.stderr)

    def day(self, done: int) -> str:
        """The date, if there is one, and the simulated time, of how much."""
        date = f"{self.date((self.start + done) * self.dt)}, " if self.date else ""
        return f"{date}day {(self.start + done) * self.dt / DAY:.2f} of {(self.start + self.steps) * self.dt / DAY:.2f}"

    def pace(self, done: int, now: float) -> str:
        """Simulated years per day and time left, or in the end time taken; nothing before the first steps are done."""
        first, self.first = self.first, self.first or (done, now)
        if first is None:
            return ""
        seconds = (now - first[1]) / max(done - first[0], 1)  # of a step
        years = self.dt / max(seconds, 1e-9) * DAY / YEAR
        clock, of = (now - self.began, "taken") if done == self.steps else ((self.steps - done) * seconds, "left")
        return f"{years:.{3 if years < 1000.0 else 6}g} simulated years per day, {timedelta(seconds=round(clock))} {of}"

    def __exit__(self, *_: object) -> None:
        if self.bar:
            with suppress(OSError):  # of a terminal that is lost
                self.bar.refresh()  # in a notebook `stop` does not
                self.bar.stop()
