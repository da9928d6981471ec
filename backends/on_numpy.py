"""NumPy: a stencil is evaluated on ranges, as array slices. The reference that a debugger steps through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

try:
    import ducc0  # convolves a row in the cache: twice as fast as two transforms
except ImportError:
    ducc0 = None
try:
    import scipy.fft as fft  # keeps single precision
except ImportError:
    import numpy.fft as fft

from dycore.backends.halos import Serial
from dycore.stencils import Abstract, Field, Reads, Region, as_field, check, map_arguments
from dycore.tiles import Place, Tile


def _signature(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return tuple(_signature(part) for part in argument)
    if isinstance(argument, Field):
        return argument.array.shape, argument.array.dtype, argument.region
    return argument if callable(argument) else (getattr(argument, "shape", None), getattr(argument, "dtype", None))


def precision_of(arguments: tuple) -> np.dtype:
    """The floating-point type of the first array that has one."""
    for argument in arguments:
        if isinstance(argument, tuple):
            found = precision_of(argument)
            if found.kind == "f":
                return found
        array = argument.array if isinstance(argument, Field) else argument
        if hasattr(array, "dtype") and np.ndim(array) > 0 and array.dtype.kind == "f":
            return np.dtype(array.dtype)
    return np.dtype(bool)


def check_all(stencil: Callable, start: Callable | None, region: Region, arguments: tuple,
              read: dict[int, Reads] | None = None) -> tuple[tuple, Any]:
    """Check a stencil or, with `start`, a sweep: the types that it carries and those of its values."""
    if start is None:
        return (), check(stencil, region, arguments, read=read)
    dtype = precision_of(arguments)
    carried = tuple(Abstract(dtype) for _ in check(start, region.columns, arguments, read=read))
    return check(stencil, region, arguments, (carried,), read)


def collapsed(values: np.ndarray) -> np.ndarray:
    """A 2-D field with length 1 along the axes on which it does not change."""
    for axis in (0, 1) if values.ndim == 2 else ():
        first = values.take([0], axis)
        values = first if (values == first).all() else values
    return values


@functools.lru_cache(maxsize=32)
def filter_bands(tile: Tile, response: bytes, shape: tuple[int, int], dtype: np.dtype) -> list[tuple[slice, Any]]:
    """(rows j, what scales them) of the polar filter; rows of one response, north and south, go together.

    What scales them is a kernel to convolve with, or the response itself where there is no ducc0.
    """
    values = np.frombuffer(response, dtype).reshape(shape)
    rows, (j0, j1), nx = shape[0] // 2, tile.region.j, tile.cells[2]
    places: dict[bytes, list[int]] = {}
    for row, scale in zip((*range(j0, j0 + rows), *range(j1 - rows, j1)), values, strict=True):
        if (scale != 1.0).any():
            places.setdefault(scale.tobytes(), []).append(row)
    bands = []
    for key, there in places.items():
        scale = np.frombuffer(key, dtype)
        kernel = scale if ducc0 is None else fft.irfft(scale, n=nx).astype(dtype)
        pairs = [there] if len(there) == 2 else [[row] for row in there]
        bands += [(slice(pair[0], pair[-1] + 1, pair[-1] - pair[0] or 1), kernel) for pair in pairs]
    return bands


class NumpyBackend:
    """The verbs of a backend, on arrays that are computed at once (`library` is numpy)."""

    name = "numpy"
    library: Any = np

    def __init__(self, communication: Any = None):
        self.communication = communication or Serial()
        self._checked: set = set()

    def _prepare(self, stencil: Callable, region: Region, arguments: tuple, start: Callable | None = None) -> tuple:
        key = (stencil, start, region, _signature(arguments))
        if key not in self._checked:
            check_all(stencil, start, region, arguments)
            self._checked.add(key)
        return tuple(map_arguments(as_field, a) for a in arguments)

    def _field(self, value: Any, region: Region) -> Field:
        if getattr(value, "shape", ()) != region.shape:
            value = self.library.broadcast_to(value, region.shape)
        return Field(value, region.ranges, tuple(start for start, _ in region.ranges))

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        """A stencil over a region: one field, or as many as the stencil returns values.

        Raises IndexError where it would read beyond a halo, TypeError where precisions are mixed.
        """
        arguments = self._prepare(stencil, region, arguments)
        values = stencil(*region.indices(), *arguments)
        if isinstance(values, tuple):
            return tuple(self._field(value, region) for value in values)
        return self._field(values, region)

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        """A recurrence along k, upwards (direction 1) or downwards (-1) in every column of the region.

        `start(j, i, *arguments)` is the tuple that is carried into the first level, and
        `stencil(k, j, i, carried, *arguments)` returns (carried on, values of this level), both tuples.
        Returns (the 2-D fields carried out of the last level, the 3-D fields of the values).
        """
        arguments = self._prepare(stencil, region, arguments, start)
        j, i = region.columns.indices()
        dtype = precision_of(arguments)
        carried = start(j, i, *arguments)
        outputs: list[np.ndarray] = []
        assert region.k is not None
        levels = range(*region.k)
        for k in levels[::direction]:
            carried, values = stencil(k, j, i, carried, *arguments)
            outputs = outputs or [np.empty(region.shape, dtype) for _ in values]
            for output, value in zip(outputs, values, strict=True):
                output[k - levels[0]] = value
        carried = tuple(np.asarray(c, dtype) for c in carried)
        return tuple(self._field(c, region.columns) for c in carried), tuple(self._field(o, region) for o in outputs)

    def exchange(self, tile: Tile, *placed: tuple[Place, Any]) -> tuple:
        """Whole arrays with filled halos from fields that hold at least the cells of the tile."""
        return self.communication.fill(tile, [(place, self.whole(tile, as_field(field)).array) for place, field in placed])

    def whole(self, tile: Tile, field: Field) -> Field:
        """The field on a whole padded array, zero where it holds no value."""
        array = np.zeros(tile.region.padded[-field.array.ndim:], field.array.dtype)
        array[tuple(slice(*r) for r in field.region)] = field.array
        return Field.whole(array)

    def filter_rows(self, tile: Tile, field: Field, response: Any) -> Field:
        """Scale the zonal wavenumbers of the rows nearest the poles: response[row, wavenumber].

        `response` has as many rows from the south as from the north (half each). In place.
        """
        response = np.asarray(response)
        *levels, _, i = (slice(start - origin, stop - origin) for (start, stop), origin in zip(
            tile.region.ranges[-field.array.ndim:], field.origin, strict=True))
        below = field.origin[-2]
        for rows, scale in filter_bands(tile, response.tobytes(), response.shape, response.dtype):
            values = field.array[*levels, slice(rows.start - below, rows.stop - below, rows.step), i]
            if ducc0 is None:
                values[...] = fft.irfft(fft.rfft(values, axis=-1) * scale, n=values.shape[-1], axis=-1)
            else:
                ducc0.fft.convolve_axis(values, values, values.ndim - 1, scale)
        return field

    def total(self, tile: Tile, field: Any) -> Any:
        """The sum over all cells of the domain, in an order that the decomposition does not change."""
        field = as_field(field)
        region = tile.region if field.array.ndim == 3 else tile.region.columns
        values = field[region.indices()]
        return self.communication.total(tile, values.sum(axis=0) if values.ndim == 3 else values)

    def asarray(self, values: Any) -> Any:
        """An array of this backend."""
        return self.library.asarray(values)

    def to_numpy(self, array: Any) -> np.ndarray:
        """A NumPy array of the same values."""
        return np.asarray(array)

    def compile(self, function: Callable) -> Callable:
        """The function, ready to be called many times."""
        return function

    def zeros_like(self, array: Any) -> Any:
        """An array of zeros."""
        return self.library.zeros_like(array)

    def collapse(self, values: np.ndarray) -> Any:
        """An array for a constant field [j, i] of the grid; may be kept smaller where it does not vary."""
        return self.asarray(values)

    def loop(self, step: Callable) -> Callable:
        """A function (constants, state, n) that takes n steps, `state = step(constants, state)`."""

        def steps(constants: Any, state: Any, n: int) -> Any:
            for _ in range(n):
                state = step(constants, state)
            return state

        return steps

    def iterate(self, body: Callable, carried: Any, n: int) -> Any:
        """`carried = body(m, carried)` for m = 0 .. n - 1; may be unrolled, or a loop of the compiled program."""
        for m in range(n):
            carried = body(m, carried)
        return carried

    def synchronize(self, state: Any) -> None:
        """Wait until the arrays of a state have been computed."""


def create(threads: int = 1, communication: Any = None) -> NumpyBackend:
    """The NumPy backend; array operations run on one thread whatever `threads` says."""
    return NumpyBackend(communication)
