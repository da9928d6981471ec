"""NumPy: a stencil is evaluated on ranges, as array slices. The reference that a debugger steps through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.backends.common import check_all, moved, precision_of, within
from dycore.backends.halos import Serial
from dycore.backends.launchers import warn_of_others
from dycore.backends.polar_rows import filter_row, filtered_rows, indices_of
from dycore.backends.recorded.array_functions import called
from dycore.backends.recorded.recording import Recording
from dycore.fields import Field, Region, as_field
from dycore.halo_sources import fill_halo
from dycore.tiles import Halo, Tile

LARGE = 20  # members of a record


def _signature(argument: Any) -> Any:
    if isinstance(argument, Field):
        return argument.array.shape, argument.array.dtype, argument.region
    return argument if callable(argument) else tuple(getattr(argument, name, None) for name in ("shape", "dtype", "weak_type"))


def difference(communication: Any, work: Callable) -> Any:
    """Messages that are sent during some work."""
    before = communication.traffic
    work()
    after = communication.traffic
    return type(after)(*(b - a for a, b in zip(before, after, strict=True)))


class NumpyBackend:
    """The verbs of a backend, on arrays that are computed at once (`library` is numpy)."""

    name = "numpy"
    library: Any = np
    remembers = True  # the record that it looked through last; not so where arrays are traced, which must not outlive their trace

    def __init__(self, communication: Any = None):
        if communication is None:
            warn_of_others()
        self.communication = communication or Serial()
        self._checked: set = set()
        self._last: tuple[Any, Any] = (None, None)  # a record and what is known of it
        self._filters: dict[Any, tuple] = {}

    def __reduce__(self) -> Any:
        """To pickle and to copy: what makes it anew; what it compiled stays behind."""
        return type(self), (self.communication,)

    def use_precision(self, dtype: np.dtype) -> None:
        """Make ready for fields of this precision, as a model asks when it is made."""

    def _prepare(self, stencil: Callable, region: Region, arguments: tuple, start: Callable | None = None) -> tuple:
        signature, fields = self._taken(arguments)
        key = stencil, start, region, signature
        if key not in self._checked:
            check_all(stencil, start, region, arguments)
            self._checked.add(key)
        return fields

    def _taken(self, argument: Any) -> tuple[Any, Any]:
        """(what tells whether a stencil has been checked for such an argument, the argument with arrays as fields).

        Large records, such as the metrics that nearly every stencil of a step is given, are looked through once a step.
        """
        if not isinstance(argument, tuple):
            return _signature(argument), as_field(argument)
        large, last = self.remembers and len(argument) > LARGE, self._last
        if large and last[0] is argument:
            return last[1]
        signatures, fields = [], []
        for member in argument:
            signature, field = self._taken(member)
            signatures.append(signature)
            fields.append(field)
        taken = tuple(signatures), type(argument)(*fields) if hasattr(argument, "_fields") else tuple(fields)
        if large:
            self._last = argument, taken
        return taken

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

    def call(self, function: Callable, region: Region, *arguments: Any) -> Any:
        """A function on arrays [k, j, i] or [j, i] of a region: one field, or as many as it returns arrays.

        Profiles are given as [k], all else as it is. Raises ValueError where a result is no such array.
        """
        results = called(self.library, function, region, arguments)
        fields = tuple(self._field(self.library.array(result), region if result.ndim == 3 else region.columns)
                       for result in (results if isinstance(results, tuple) else (results,)))
        return fields if isinstance(results, tuple) else fields[0]

    def exchange(self, *placed: tuple[Halo, Any]) -> tuple:
        """Fields that hold values as far as each `Halo` says, from fields that hold at least the cells of its tile.

        Those that are wanted with their whole halo are arrays. All go in one message to each neighbour.
        """
        whole = [(halo, self.whole(halo.tile, as_field(field)).array) for halo, field in placed]
        return within([halo for halo, _ in placed], self.communication.fill(whole))

    def whole(self, tile: Tile, field: Field) -> Field:
        """The field on a whole padded array, zero where it holds no value."""
        array = np.zeros(tile.region.padded[-field.array.ndim:], field.array.dtype)
        array[tuple(slice(*r) for r in field.region)] = field.array
        return Field.whole(array)

    def wrap(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `exchange`, but only along the axes of which this process keeps all; no message."""
        fields = [(halo, self.whole(halo.tile, as_field(field)).array) for halo, field in placed]
        return tuple(fill_halo(halo.tile, halo.place, array) for halo, array in fields)

    def retile(self, field: Any, tile: Tile, to: Tile) -> Any:
        """A field of a tile among the cells of the same tile with another width of halo."""
        if tile.halo == to.halo:
            return field
        field = as_field(field)
        kept, region = moved(field.region, tile, to)
        array = field.array[tuple(slice(start - o, stop - o) for (start, stop), o in zip(kept, field.origin, strict=True))]
        return Field(array, region, tuple(first for first, _ in region))

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, Any]) -> tuple[Field, ...]:
        """Scale the zonal wavenumbers of the rows nearest the poles, of fields each with its response[row, wavenumber].

        A response has as many rows from the south as from the north (half each). In place.
        """
        self.filter_whole_rows(tile, [(field.array, self.rows_to_filter(tile, field, response)) for field, response in pairs])
        return tuple(field for field, _ in pairs)

    def filter_whole_rows(self, tile: Tile, filtered: list[tuple[np.ndarray, list[tuple[tuple, Any]]]]) -> None:
        """Change the rows of arrays each with its `rows_to_filter`: [k, i], [i], or two at once [k, row, i]."""
        rows = [array[index] for array, indices in filtered for index, _ in indices]
        scales = [scale for _, indices in filtered for _, scale in indices]
        self.communication.in_whole_rows(tile, rows, lambda number, row: filter_row(row, scales[number]))

    def rows_to_filter(self, tile: Tile, field: Field, response: Any) -> list[tuple[tuple, Any]]:
        """(index in the array of a field, what scales it) of rows, or pairs of rows, that a response[row, wavenumber] changes."""
        response = np.asarray(response)
        key = tile, response.__array_interface__["data"][0], response.shape
        if key not in self._filters:  # kept, so that no other takes its place in memory
            self._filters[key] = response, filtered_rows(tile, response)
        ranges = tile.region.ranges[-field.array.ndim:]
        cut = [slice(start - origin, stop - origin) for (start, stop), origin in zip(ranges, field.origin, strict=True)]
        return [(index, scale) for rows, scale in self._filters[key][1]
                for index in indices_of([row - field.origin[-2] for row in rows], tile, cut, response.dtype)]

    def total(self, tile: Tile, field: Any) -> Any:
        """The sum of a field over all cells, the same on every process and for any number of them."""
        field = as_field(field)
        values = self.communication.own(tile, field)
        return self.communication.total(tile, values.sum(axis=0) if values.ndim == 3 else values)

    def scatter(self, tile: Tile, values: np.ndarray, constant: bool = False) -> Any:
        """An array of this backend of what this process keeps of a padded array of the domain; see `collapse` for `constant`."""
        return self.communication.scatter(tile, values, self.collapse if constant else self.asarray)

    def padded(self, tile: Tile) -> tuple[int, ...]:
        """The shape of the arrays [k, j, i] that hold the fields of a tile."""
        return self.communication.padded(tile)

    def recorder(self) -> Any:
        """Recorder of a step (dycore.backends.recorded.recording): the same verbs, on placeholders of arrays."""
        return Recording()

    def traffic(self, step: Callable, steps: Callable, constants: Any, state: Any) -> Any:
        """Messages that this process sends in one step."""
        return difference(self.communication, lambda: steps(constants, state, 1))

    def asarray(self, values: Any) -> Any:
        """An array of this backend."""
        return self.library.asarray(values)

    def integer(self, value: Any) -> Any:
        """Integer, such as the number of the step, as this backend counts it."""
        return int(value)

    def number(self, value: Any, dtype: np.dtype) -> Any:
        """A number that is not whole, as programs take it; one of Python takes the precision of what it meets."""
        return value

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

    def loop(self, step: Callable, period: int = 3, elsewhere: Callable | None = None) -> Callable:
        """A function (constants, state, n) that takes n steps, `state = step(constants, state)`.

        `period`: after so many steps, what is handed on from step to step is back in its place. `elsewhere(backend)` is the
        same step on another backend, where one may take its place.
        """

        def steps(constants: Any, state: Any, n: int) -> Any:
            for _ in range(n):
                state = step(constants, state)
            return state

        return steps

    def within_programs(self, step: Callable, elsewhere: Callable) -> Callable:
        """A step (constants, state) as programs of a user's own call it; `elsewhere` as of `loop`."""
        return step

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
