"""Numba: what is asked for is recorded, planned (dycore.backends.recorded.recording) and compiled as one program.

Stencils become kernels (dycore.backends.compiled.kernels); the program (dycore.backends.compiled.program) calls them row by
row, group by group. What Numba does not compile, such as the Fourier transforms of the polar filter, runs between two parts of
a program. Kernels and programs are the only generated source of the project, kept on disk when compiled.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

try:
    import numba
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"Numba is not installed ({missing}): pip install 'dycore[numba]'.", name=missing.name) from None

from dycore.backends.common import collapsed
from dycore.backends.compiled.backward import backward_steps
from dycore.backends.compiled.buffers import Pool
from dycore.backends.compiled.kernels import Compiler
from dycore.backends.compiled.program import Program, signature, traced_step
from dycore.backends.on_numpy import NumpyBackend
from dycore.backends.recorded.recording import Recording
from dycore.backends.threads import made_once
from dycore.fields import Field, Region
from dycore.tiles import Halo, Tile


class InterpretedWarning(UserWarning):
    """Numba was told to compile nothing."""


class NumbaBackend(NumpyBackend):
    """The verbs of a backend. Within a function given to `loop` they record; called directly they run at once."""

    name = "numba"

    def __init__(self, threads: int = 1, communication: Any = None):
        super().__init__(communication)
        if not 1 <= threads <= numba.config.NUMBA_NUM_THREADS:
            raise ValueError(f"threads={threads}: Numba can use 1 to {numba.config.NUMBA_NUM_THREADS} threads here. "
                             "Set NUMBA_NUM_THREADS before the start for more.")
        numba.set_num_threads(threads)
        self.threads = threads
        self.compilers: dict[str, Compiler] = {}
        self.pool = Pool()
        self.planning = Planning()
        self._programs: dict[Any, Program] = {}

    def __reduce__(self) -> Any:
        return type(self), (self.threads, self.communication)

    @property
    def _recording(self) -> Recording | None:
        return self.planning.recording

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.apply`, in one pass."""
        if self._recording is None:
            what = stencil, region
            return self._at_once(lambda recording, *arguments: recording.apply(*what, *arguments), what, arguments)
        return self._recording.apply(stencil, region, *arguments)

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        """As `NumpyBackend.sweep`, one row of columns at a time."""
        what = stencil, start, region, direction
        if self._recording is None:
            return self._at_once(lambda recording, *arguments: recording.sweep(*what, *arguments), what, arguments)
        return self._recording.sweep(*what, *arguments)

    def call(self, function: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.call`, between two parts of a program."""
        if self._recording is None:
            what = function, region
            return self._at_once(lambda recording, *arguments: recording.call(*what, *arguments), what, arguments)
        return self._recording.call(function, region, *arguments)

    def exchange(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.exchange`; completes fields that `apply` or `sweep` made where they are."""
        return super().exchange(*placed) if self._recording is None else self._recording.exchange(*placed)

    def wrap(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.wrap`, where the fields are."""
        return super().wrap(*placed) if self._recording is None else self._recording.wrap(*placed)

    def retile(self, field: Any, tile: Tile, to: Tile) -> Any:
        """As `NumpyBackend.retile`, as a copy where the halos differ."""
        return super().retile(field, tile, to) if self._recording is None else self._recording.retile(field, tile, to)

    def whole(self, tile: Tile, field: Field) -> Field:
        """As `NumpyBackend.whole`; all arrays are whole here, and hold no sense where a field holds no value."""
        return super().whole(tile, field) if self._recording is None else self._recording.whole(tile, field)

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, Any]) -> tuple[Field, ...]:
        """As `NumpyBackend.filter_rows`."""
        return super().filter_rows(tile, *pairs) if self._recording is None else self._recording.filter_rows(tile, *pairs)

    def collapse(self, values: np.ndarray) -> Any:
        """A 2-D field of the grid, stored with length 1 along the axes on which it does not change."""
        return collapsed(values)

    def zeros_like(self, array: Any) -> Any:
        """An array of zeros."""
        return super().zeros_like(array) if self._recording is None else self._recording.zeros_like(array)

    def iterate(self, body: Callable, carried: Any, n: int) -> Any:
        """As `NumpyBackend.iterate`, a loop of the program."""
        return super().iterate(body, carried, n) if self._recording is None else self._recording.iterate(body, carried, n)

    def loop(self, step: Callable, period: int = 3, elsewhere: Callable | None = None) -> Callable:
        """A function (constants, state, n) that takes n steps of a program compiled at the first call.

        Numbers and arrays of constants and state may be others in every call; constants are not looked into again while they
        are the same object. `spare=True` lets it write over the arrays of a state that it has returned.
        """
        programs: dict[Any, Program] = {}
        marks, unused = dict[Any, int](), count()
        last: list[tuple[Any, int]] = [(programs, 0)]  # no constants yet

        def steps(constants: Any, state: Any, n: int, spare: bool = False) -> Any:
            known, mark = last[0]
            if known is not constants:
                mark = marks.setdefault(signature(constants), next(unused))
                last[0] = constants, mark
            program = made_once(programs, (mark, signature(state)), lambda: Program(
                self, traced_step(self, step, constants, state), constants, state))
            return program.run(constants, state, n, spare)

        return steps

    def backward(self, step: Callable) -> Callable:
        """A function (constants, state, n, slopes) that takes n steps backwards (dycore.backends.compiled.backward)."""
        return backward_steps(self, step)

    def _at_once(self, verb: Callable, what: tuple, arguments: tuple) -> Any:
        """Compile and run what one verb does with its arguments."""
        key = what, signature(arguments)
        program = made_once(self._programs, key, lambda: Program(self, traced_step(
            self, lambda _, arguments: verb(self._recording, *arguments), (), arguments), (), arguments))
        return program.run((), arguments, 1)


class Planning(threading.local):
    """Recording of the thread that plans a step; the verbs of other threads go on."""

    recording: Recording | None = None


def create(threads: int = 1, communication: Any = None) -> NumpyBackend:
    """The Numba backend on so many threads; where NUMBA_DISABLE_JIT is set, the NumPy backend, which a debugger steps through."""
    if numba.config.DISABLE_JIT:
        warnings.warn("NUMBA_DISABLE_JIT is set, so that Numba compiles nothing: stencils run interpreted on the NumPy backend, "
                      "with the same results, slowly. Unset it for speed.", InterpretedWarning, stacklevel=3)
        return NumpyBackend(communication)
    return NumbaBackend(threads, communication)
