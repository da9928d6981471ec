"""A step recorded as a list of operations, in order.

A backend that compiles whole steps calls the step once with traced arrays. What the step asks for becomes a statement of the
list; the check of each stencil also tells how far it reads, from which follow the regions, the messages
(dycore.backends.recorded.inference) and the plan of a program (dycore.backends.compiled.planner).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.abstract import AccessPattern, Reads
from dycore.backends.common import check_all, moved, precision_of, within
from dycore.backends.recorded.array_functions import ArrayFunction
from dycore.backends.recorded.inference import halo_widths, regions
from dycore.backends.recorded.operations import Operation, TracedArray, arrays_of, leaves_of
from dycore.backends.recorded.scalars import Element, Round
from dycore.backends.recorded.statements import Copy, Exchange, Filter, Loop, Zero
from dycore.fields import Field, Region, as_field
from dycore.tiles import Halo, HaloWidth, Tile


class Recording:
    """The verbs of a backend (dycore.backend), which list as statements what they are asked to do."""

    def __init__(self) -> None:
        self.statements: list[Any] = []

    def placeholder(self, leaf: Any) -> Any:
        """A placeholder of an array; numbers and functions stay what they are."""
        return TracedArray(leaf.shape, leaf.dtype) if np.ndim(leaf) else leaf

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        operation = self.operate(stencil, None, region, 0, arguments)
        fields = fields_on(region, operation.outputs)
        return fields[0] if operation.single else fields

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        operation = self.operate(stencil, start, region, direction, arguments)
        return fields_on(region, operation.finals), fields_on(region, operation.outputs)

    def call(self, function: Callable, region: Region, *arguments: Any) -> Any:
        statement = ArrayFunction(function, region, arguments)
        self.statements.append(statement)
        fields = fields_on(region, statement.results)
        return fields[0] if statement.single else fields

    def operate(self, stencil: Callable, start: Callable | None, region: Region, direction: int, arguments: tuple) -> Operation:
        pattern, leaves = AccessPattern({}, {}), list(arrays_of(arguments))
        carried, values = check_all(stencil, start, region, arguments, pattern)
        reads: dict[TracedArray, Reads] = {}
        used: dict[TracedArray, Reads] = {}
        for by_number, by_array in zip(pattern, (reads, used), strict=True):
            for number, extent in by_number.items():
                array = leaves[number]
                by_array[array] = extent.union(by_array.get(array, extent))
        for table in (leaf.table for leaf in leaves_of(arguments) if isinstance(leaf, Element)):
            reads.setdefault(table, Reads(0, 0, 0, 0, False))
        dtype = precision_of(arguments)
        several = values if isinstance(values, tuple) else (values,)
        shape = region.padded if region.k is not None else region.padded[1:]
        operation = Operation(
            stencil, start, region, direction, arguments, reads, used,
            tuple(TracedArray(shape, getattr(value, "dtype", dtype)) for value in several),
            tuple(TracedArray(region.padded[1:], dtype) for _ in carried), not isinstance(values, tuple))
        self.statements.append(operation)
        return operation

    def exchange(self, *placed: tuple[Halo, Any]) -> tuple:
        return self._exchange(placed, any(placed[0][0].tile.split))

    def wrap(self, *placed: tuple[Halo, Any]) -> tuple:
        return self._exchange(placed, False)

    def _exchange(self, placed: tuple[tuple[Halo, Any], ...], messages: bool) -> tuple:
        arrays = tuple((halo, as_field(value).array) for halo, value in placed)
        self.statements.append(Exchange(arrays, messages))
        return within([halo for halo, _ in arrays], (array for _, array in arrays))

    def whole(self, tile: Tile, field: Field) -> Field:
        """All arrays are whole here, and hold no sense where a field holds no value."""
        return Field.whole(field.array)

    def retile(self, field: Any, tile: Tile, to: Tile) -> Any:
        """A copy where the halos differ."""
        if tile.halo == to.halo:
            return field
        field = as_field(field)
        kept, region = moved(field.region, tile, to)
        target, source = (tuple(slice(*r) for r in ranges) for ranges in (region, kept))
        copy = TracedArray(to.region.padded[1:], field.array.dtype)
        self.statements.append(Copy(copy, field.array, target, source))
        return Field(copy, region, (0, 0))

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, TracedArray]) -> tuple[Field, ...]:
        self.statements.append(Filter(tile, tuple((field.array, response) for field, response in pairs)))
        return tuple(field for field, _ in pairs)

    def zeros_like(self, array: TracedArray) -> TracedArray:
        target = TracedArray(array.shape, array.dtype)
        self.statements.append(Zero(target))
        return target

    def iterate(self, body: Callable, begin: tuple, n: int) -> tuple[TracedArray, ...]:
        carried = tuple(TracedArray(array.shape, array.dtype) for array in begin)
        outer, self.statements = self.statements, []
        end = tuple(arrays_of(body(Round("m"), carried)))
        outer.append(Loop(n, carried, begin, self.statements, end))
        self.statements = outer
        return carried

    def regions(self, issued: list[Operation], result: tuple, tile: Tile) -> list[Region]:
        """Regions that the operations `issued` need (`inference.regions`)."""
        return regions(self.statements, issued, result, tile)

    def halo_widths(self, state: tuple, result: tuple) -> dict[TracedArray, HaloWidth]:
        """Halo widths that the recorded step reads (`inference.halo_widths`)."""
        return halo_widths(self.statements, state, result)


def fields_on(region: Region, arrays: tuple[TracedArray, ...]) -> tuple[Field, ...]:
    """The results of an operation."""
    return tuple(Field(array, region.ranges if array.ndim == 3 else region.columns.ranges, (0,) * array.ndim)
                 for array in arrays)
