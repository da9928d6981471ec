"""Work that threads of one process cannot do at once, each where the reason lies: planning, parallel loops, messages."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

PLANNING = threading.RLock()  # a program is planned and its source written by one thread, which the others wait for
_PARALLEL = threading.RLock()


def made_once(made: dict, key: Any, make: Callable[[], Any]) -> Any:
    """made[key], which the first thread that asks for it makes."""
    if key not in made:
        with PLANNING:
            if key not in made:
                made[key] = make()
    return made[key]


def with_parallel_loops(function: Callable) -> Callable:
    """The function, called in turn where Numba's threads serve one caller: its layer `workqueue` ends the process otherwise."""
    import numba

    def called(*arguments: Any) -> Any:
        try:
            alone = numba.threading_layer() not in ("omp", "tbb")
        except ValueError:  # not chosen before the first parallel loop
            alone = True
        with _PARALLEL if alone else contextlib.nullcontext():
            return function(*arguments)

    return called


class OneThread:
    """The thread whose messages go through a communicator: those of two would be taken for one another."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._one_at_a_time = threading.Lock()

    def check(self) -> None:
        """Raise RuntimeError where another thread has sent messages and is still there."""
        me = threading.current_thread()
        if self._thread is me:
            return
        with self._one_at_a_time:
            if self._thread is not None and self._thread.is_alive():
                raise RuntimeError(f"The processes exchange messages of the thread '{self._thread.name}', and now '{me.name}' asks "
                                   "for some: messages of two threads would be taken for one another. Let one thread do all "
                                   "that communicates, or make a World and a Model for each thread, before the threads start.")
            self._thread = me
