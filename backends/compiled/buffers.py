"""Arrays in which compiled programs compute. Each belongs to one call at a time, from whatever thread calls come.

One model may so be stepped by several threads at once. Calls that come one after the other find the same arrays again;
there are never more of them than calls that ran at once needed.
"""

from __future__ import annotations

import math
import sys
import threading
from collections import deque
from typing import Any

import numpy as np

from dycore.tiles import HALO, HALO_LEVELS

LINE = 64  # bytes of a cache line
STAGGER = 13  # lines: 29 arrays begin at different sets of a 4096-byte page; at the same, they evict each other


def aligned(shape: tuple[int, ...], dtype: np.dtype, number: int, copies: int = 1) -> np.ndarray:
    """Zeros [j, k, i] for a shape [k, j, i], or [j, i]: all levels of a row together, as programs go through them.

    Rows are made longer to whole cache lines, of which one begins with the first cell of the row.
    """
    line = LINE // dtype.itemsize
    if len(shape) < 2:
        return np.zeros(shape, dtype)
    width = -(-shape[-1] // line) * line
    if width * dtype.itemsize % 1024 == 0:  # rows that all begin at the same place of a page would evict each other
        width += line
    shape = (*([copies] if copies > 1 else []), shape[-2], *shape[:-2], width)
    around = HALO_LEVELS * width  # what is read beyond the ends of rolling rows (recorded.adjoint) is memory of this array
    flat = np.zeros(math.prod(shape) + 2 * around + (STAGGER * 29 + 2) * line, dtype)
    first = around - (flat.ctypes.data // dtype.itemsize + around + HALO) % line + line + STAGGER * (number % 29) * line
    return flat[first: first + math.prod(shape)].reshape(shape)


def outside(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An `aligned` array as [k, j, i] or [j, i], without what was added to its rows; one with an axis of one is kept as it is."""
    return (array.swapaxes(0, 1) if array.ndim == 3 and 1 not in shape[-2:] else array)[..., : shape[-1]]


class Pool:
    """Arrays of fields. Who needs one holds it, be it a call or the user who got it as a result; then it is free again."""

    def __init__(self) -> None:
        self._arrays: dict[Any, deque[np.ndarray]] = {}
        self._made = 0
        self._one_at_a_time = threading.RLock()

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An `aligned` array that nobody holds any more, or a new one (its halo levels stay zero for good)."""
        with self._one_at_a_time:
            arrays = self._arrays.get((shape, dtype))
            if arrays is None:
                arrays = self._arrays[shape, dtype] = deque()
            for _ in range(len(arrays)):
                arrays.rotate(-1)  # the array longest out of use comes first
                array = arrays[-1]
                # the pool, this variable and the call; the array and the call: a view that a user keeps holds the base
                if sys.getrefcount(array) == 3 and sys.getrefcount(array.base) == 2:
                    return array
            array = aligned(shape, dtype, self._made)
            arrays.append(array)
            self._made += 1
            return array

    def shown(self, view: np.ndarray) -> np.ndarray:
        """The array of this pool that a view from `outside` shows."""
        with self._one_at_a_time:
            return next(array for array in self._arrays[view.shape, view.dtype] if array.base is view.base)


class Scratches:
    """Arrays that calls of a program write beside fields: of calls that run at once each has its own.

    A scratch is a frame of arrays by the numbers of buffers; `rolling` says (shape, dtype) of the row buffers of which every
    thread of a loop has a copy, which it holds.
    """

    def __init__(self, frame: list[Any], rolling: dict[int, tuple[tuple[int, ...], np.dtype]], copies: int):
        self._frame, self._rolling, self._copies = frame, rolling, copies
        self._idle: list[list[Any]] = []

    def take(self) -> list[Any]:
        """A scratch that no call uses. A call that fails does not return it: what it was doing to it is not known."""
        try:
            return self._idle.pop()  # in one go, whatever other threads do
        except IndexError:
            frame = list(self._frame)
            for number, (shape, dtype) in self._rolling.items():
                frame[number] = aligned(shape, dtype, number, self._copies)
            return frame

    def give_back(self, scratch: list[Any]) -> None:
        """The call is over."""
        self._idle.append(scratch)
