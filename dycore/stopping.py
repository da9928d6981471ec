"""Signals that stop a run: they are noted, and the run ends where it can be gone on with."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Schedulers warn by USR1, USR2 or XCPU and end jobs by TERM; a terminal that is lost sends HUP, Ctrl-C INT.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))
AT_ONCE = (signal.SIGINT, signal.SIGTERM)  # end a process when they come once more
AGAIN = 1.0  # s; what comes sooner is the same request, sent by a launcher as well as by a scheduler or terminal


class Stopped(Exception):
    """A run that stopped on request: its last state, and the path of the restart that holds it (None without restarts)."""

    def __init__(self, state: Any, path: Path | None, day: float):
        self.state, self.path, self.day = state, path, day
        super().__init__(f"The run stopped on request on day {day:.6g}" + (f"; '{path}' goes on from there." if path else "."))

    def __reduce__(self) -> tuple:  # so that a process of a pool can hand it back
        return type(self), (self.state, self.path, self.day), self.__dict__


class Interrupted(KeyboardInterrupt):
    """A run that Ctrl-C, or the stop button of a notebook, ended between two steps.

    It holds the last `state`, the `path` of the restart that holds it too (None without restarts), and the `day`.
    """

    def __init__(self, state: Any, path: Path | None, day: float):
        self.state, self.path, self.day = state, path, day
        super().__init__(f"The run was interrupted on day {day:.6g}. Its last state is the attribute 'state' of this exception "
                         "(sys.last_value.state in a notebook)" + (f", and is in '{path}'." if path else "."))

    def __reduce__(self) -> tuple:  # so that a process of a pool can hand it back
        return type(self), (self.state, self.path, self.day), self.__dict__


@contextmanager
def noted(numbers: tuple[int, ...] = SIGNALS) -> Iterator[list[int]]:
    """The numbers of those signals that have come: they are only noted, whatever the process is at.

    INT or TERM once more, a second or more after the first, does what it does without this. What is ignored, as HUP is
    under nohup, stays so; outside the main thread, where Python handles no signals, nothing is noted.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in numbers}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    first: list[float] = []

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _: Any) -> None:
        received.append(number)
        if number in AT_ONCE:
            now = time.monotonic()
            first.append(now)
            if now - first[0] > AGAIN:
                restore()
                signal.raise_signal(number)

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        restore()


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Signals noted of Ctrl-C, where nothing else handles it: what it would break off need not be whole."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with noted((signal.SIGINT,) if usual else ()) as received:
        yield received


def asked(communication: Any, stop: Callable[[], bool] | None) -> bool:
    """Whether a run is asked to stop on any process. Where `stop` fails on one of them, all raise."""
    answer, problem = False, None
    if stop is not None:
        try:
            answer = bool(stop())
        except Exception as raised:
            problem = raised
        elsewhere = communication.first(None if problem is None else repr(problem))
        if problem is not None:
            raise problem
        if elsewhere is not None:
            raise RuntimeError(f"The run ends because 'stop' failed on another process: {elsewhere}.")
    return communication.largest(float(answer)) > 0.0
