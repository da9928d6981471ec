"""How far a run is: a bar in simulated time on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

DAY = 86400.0  # s


class ProgressBar:
    """Context manager: a bar of simulated days on a terminal, a plain line now and then elsewhere."""

    def __init__(self, steps: int, dt: float, wanted: bool):
        self.steps, self.dt, self.started, self.bar, self.said = steps, dt, time.perf_counter(), None, time.perf_counter()
        self.wanted = wanted
        if wanted and sys.stderr.isatty():
            try:
                from rich.console import Console
                from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
            except ImportError:
                return
            self.bar = Progress(TextColumn("day {task.fields[day]:.2f} of {task.fields[days]:.2f}"), BarColumn(),
                                TextColumn("{task.fields[speed]:.0f} simulated days per day"), TimeRemainingColumn(),
                                console=Console(stderr=True))
            self.task = self.bar.add_task("", total=steps, day=0.0, days=steps * dt / DAY, speed=0.0)

    def __enter__(self) -> Any:
        if self.bar:
            self.bar.start()
        return self.advance

    def advance(self, done: int) -> None:
        """Show that so many steps are done."""
        now = time.perf_counter()
        speed = done * self.dt / max(now - self.started, 1e-9)
        if self.bar:
            self.bar.update(self.task, completed=done, day=done * self.dt / DAY, speed=speed)
        elif self.wanted and (now - self.said > 10.0 or (done == self.steps and now - self.started > 10.0)):
            self.said = now
            print(f"day {done * self.dt / DAY:.2f} of {self.steps * self.dt / DAY:.2f}, "
                  f"{speed:.0f} simulated days per day", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()
