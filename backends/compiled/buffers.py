"""Arrays in which compiled programs compute. Each belongs to one call at a time, from whatever thread calls come.

One model may so be stepped by several threads at once. Calls that come one after the other find the same arrays again;
there are never more of them than calls that ran at once needed.
"""

from __future__ import annotations

import math
import sys
import threading
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from dycore.tiles import HALO, HALO_LEVELS

LINE = 64  # bytes of a cache line
MOST_AXES = 4  # [thread, j, k, i]
STAGGER = 13  # lines: 29 arrays begin at different sets of a 4096-byte page; at the same, they evict each other


def laid_out(shape: tuple[int, ...], dtype: np.dtype, copies: int = 1) -> tuple[int, ...]:
    """The shape [j, k, i] or [j, i] of the array that keeps one [k, j, i] or [j, i], or so many copies of it."""
    if len(shape) < 2:
        return shape
    line = LINE // dtype.itemsize
    width = -(-shape[-1] // line) * line
    if width * dtype.itemsize % 1024 == 0:  # rows that all begin at the same place of a page would evict each other
        width += line
    return (*([copies] if copies > 1 else []), shape[-2], *shape[:-2], width)


def aligned(shape: tuple[int, ...], dtype: np.dtype, number: int, copies: int = 1) -> np.ndarray:
    """Zeros [j, k, i] for a shape [k, j, i], or [j, i]: all levels of a row together, as programs go through them.

    Rows are made longer to whole cache lines, of which one begins with the first cell of the row.
    """
    shape = laid_out(shape, dtype, copies)
    if len(shape) < 2:
        return np.zeros(shape, dtype)
    line, width = LINE // dtype.itemsize, shape[-1]
    around = HALO_LEVELS * width  # what is read beyond the ends of rolling rows (recorded.adjoint) is memory of this array
    flat = np.zeros(math.prod(shape) + 2 * around + (STAGGER * 29 + 2) * line, dtype)
    first = around - (flat.ctypes.data // dtype.itemsize + around + HALO) % line + line + STAGGER * (number % 29) * line
    return flat[first: first + math.prod(shape)].reshape(shape)


def with_room_behind(array: Any) -> np.ndarray:
    """A copy, in order, with memory behind it that may be read: rows of results end after whole vectors (`writer.row_end`)."""
    flat = np.zeros(array.size + 2 * LINE // array.dtype.itemsize, array.dtype)
    copy = flat[: array.size].reshape(array.shape)
    copy[...] = array
    return copy


def outside(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An `aligned` array as [k, j, i] or [j, i], without what was added to its rows."""
    return (array.swapaxes(0, 1) if array.ndim == 3 else array)[..., : shape[-1]]


def row_of(array: np.ndarray) -> list[int]:
    """Row of numbers that tells programs of an array: where it begins in memory, and its shape."""
    return [array.ctypes.data, *array.shape[:MOST_AXES], *[0] * (MOST_AXES - array.ndim)]


class Pool:
    """Arrays of fields. Who needs one holds it, be it a call or the user who got it as a result; then it is free again."""

    def __init__(self) -> None:
        self._arrays: dict[Any, deque[np.ndarray]] = {}
        self._addresses: dict[int, int] = {}  # by the identity of an array, which stays for good
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
            array = aligned(shape, dtype, len(self._addresses))
            arrays.append(array)
            self._addresses[id(array)] = array.ctypes.data
            return array

    def address(self, array: np.ndarray) -> int:
        """Where an array begins in memory: known of one of this pool, which is much quicker than to ask NumPy."""
        return self._addresses.get(id(array)) or array.ctypes.data

    def shown(self, view: np.ndarray) -> np.ndarray:
        """The array of this pool that a view from `outside` shows."""
        with self._one_at_a_time:
            return next(array for array in self._arrays[view.shape, view.dtype] if array.base is view.base)


class Scratch(NamedTuple):
    """Arrays by the numbers of buffers on which one call of a program works, and the table of their rows."""

    frame: list[Any]
    memory: np.ndarray


class Scratches:
    """Arrays that calls of a program write beside fields: of calls that run at once each has its own.

    buffers: (shape, dtype) of all buffers; rolling: the numbers of row buffers, of which every thread of a loop has a copy.
    """

    def __init__(self, buffers: list[tuple[tuple[int, ...], np.dtype]], rolling: list[int], copies: int):
        self._buffers, self._rolling, self._copies = buffers, rolling, copies
        self._idle: list[Scratch] = []

    def take(self) -> Scratch:
        """A scratch that no call uses. A call that fails does not return it: what it was doing to it is not known."""
        try:
            return self._idle.pop()  # in one go, whatever other threads do
        except IndexError:
            frame: list[Any] = [None] * len(self._buffers)
            memory = np.zeros((len(frame), 1 + MOST_AXES), np.int64)
            for number, (shape, dtype) in enumerate(self._buffers):
                shape = laid_out(shape, dtype)
                memory[number, 1: 1 + len(shape)] = shape
            for number in self._rolling:
                frame[number] = aligned(*self._buffers[number], number, self._copies)
                memory[number] = row_of(frame[number])
            return Scratch(frame, memory)

    def give_back(self, scratch: Scratch) -> None:
        """The call is over."""
        self._idle.append(scratch)
