"""The operations of a recorded step: each knows which arrays it touches, and what it needs to give what is wanted of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from dycore.abstract import Reads, title_of
from dycore.backends.recorded.scalars import Element
from dycore.fields import Field, Region
from dycore.tiles import Boundary, Halo, HaloWidth, Place, Tile


class Box(NamedTuple):
    """Rows and columns of padded arrays: each from the first to before the second."""

    south: int
    north: int
    west: int
    east: int

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        (a, b, c, d), (e, f, g, h) = self, other
        return Box(min(a, e), max(b, f), min(c, g), max(d, h))

    def within(self, region: Region) -> Box:
        """Box of what of it lies in a region."""
        (south, north), (west, east) = region.j, region.i
        return Box(max(self.south, south), min(self.north, north), max(self.west, west), min(self.east, east))

    def halo_width(self, tile: Tile) -> HaloWidth:
        """Halo width (cells) about those of a tile that it takes."""
        cells = cells_of(tile)
        return HaloWidth(west=max(0, cells.west - self.west), east=max(0, self.east - cells.east),
                     south=max(0, cells.south - self.south), north=max(0, self.north - cells.north))


def cells_of(tile: Tile) -> Box:
    """The cells of a tile."""
    return Box(*tile.region.j, *tile.region.i)


Wanted = dict["TracedArray", Box]  # of arrays, the box that something later reads


def want(wanted: Wanted, array: TracedArray, box: Box) -> None:
    """Add a box to what is wanted of an array."""
    wanted[array] = box.union(wanted.get(array, box))


def box_of(wanted: Wanted, results: tuple[TracedArray, ...]) -> Box | None:
    """The box of all that is wanted of some arrays; None where nothing is."""
    boxes = [wanted[array] for array in results if array in wanted]
    return functools.reduce(Box.union, boxes) if boxes else None


def want_reads(wanted: Wanted, box: Box, reads: dict[TracedArray, Reads]) -> None:
    """Add what an operation reads where it computes a box."""
    for array, far in reads.items():
        if array.ndim > 1:
            want(wanted, array, Box(box.south + far.low, box.north + far.high, box.west + far.west, box.east + far.east))


class TracedArray:
    """Array of a program while its step is recorded: shape and type, and where its values are kept once that is planned."""

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape, self.dtype, self.ndim = tuple(shape), np.dtype(dtype), len(shape)
        self.buffer: Any = None  # its number, once it is planned
        self.rolling_rows: int = 0  # of a rolling row buffer, a power of two; 0: a whole array

    def __getitem__(self, index: Any) -> Any:
        """An element of a table, at indices that may be scalars of the program."""
        index = index if isinstance(index, tuple) else (index,)
        if len(index) < self.ndim:
            return _Row(self, index)
        return Element(self, index)

    def source(self, writer: Any) -> str:
        """Source text in a program."""
        return writer.array(self)


class _Row:
    """A row of a table."""

    def __init__(self, table: TracedArray, index: tuple):
        self.table, self.index = table, index

    def __getitem__(self, last: Any) -> Any:
        return self.table[(*self.index, last)]


class Statement:
    """One thing that a recorded step does: what it reads and makes, and how it becomes part of a plan and of a program."""

    def touched(self) -> Iterator[TracedArray]:
        """The arrays that it reads: none."""
        yield from ()

    def made(self) -> tuple[TracedArray, ...]:
        """The arrays that it makes: none."""
        return ()

    def filled(self) -> tuple[tuple[Halo, TracedArray], ...]:
        """The arrays whose halos it fills: none."""
        return ()

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want what it needs to give what is wanted of it: nothing."""

    def trace_round(self, wanted: Wanted) -> None:
        """Want what it needs wherever it is carried out in a loop: nothing."""

    def arrange(self, arranged: list[Statement]) -> None:
        """Take its place behind other statements."""
        arranged.append(self)

    def admit(self, operation: Operation) -> bool:
        """Take in an operation that follows, to go through the rows together, if that can be."""
        return False

    def prepare(self, exchange: Any) -> None:
        """Do what can be done of an exchange that follows."""

    def place(self, planner: Any, now: Any) -> None:
        """Find places for what it makes (dycore.backends.compiled.planner)."""
        for array in self.made():
            planner.place(array)
        now.mine.update(self.made())

    def emit(self, writer: Any, indent: str) -> None:
        """Write what it does (dycore.backends.compiled.writer)."""
        raise TypeError(f"{type(self).__name__} cannot stand alone in a compiled program.")


class Computation(Statement):
    """A statement that computes `results` on a `region` from what it `reads`, of which the results depend on what is `used`."""

    results: Any
    region: Any
    reads: Any
    used: Any

    def touched(self) -> Iterator[TracedArray]:
        """The arrays that it reads."""
        yield from self.reads

    def wanted_of(self, wanted: Wanted) -> Box | None:
        """The box of all that is wanted of its results; None where nothing is."""
        return box_of(wanted, self.results)

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want what it reads; with `all_reads`, also what its results do not depend on."""
        box = self.wanted_of(wanted)
        if box is not None:
            want_reads(wanted, box.within(self.region), self.reads if all_reads else self.used)


class Addition(NamedTuple):
    """Values of a stencil that are added to a result, `rows` and `levels` from where it stands.

    parts: (number of the value, columns from where it stands, sign).
    """

    result: int
    rows: int
    levels: int
    parts: tuple[tuple[int, int, float], ...]


class Scatter(NamedTuple):
    """How the values of a stencil are added to the results of an operation, which are zero before.

    values: how many of the outputs, the last ones, are rows of its values; within: the rows where the stencil stands.
    """

    values: int
    within: tuple[int, int]
    additions: tuple[Addition, ...]

    def rows(self, result: int) -> tuple[int, int]:
        """How many rows from where the stencil stands something is added to a result, at least and at most."""
        rows = [addition.rows for addition in self.additions if addition.result == result]
        return min(rows), max(rows)


@dataclass(eq=False)
class Operation(Computation):
    """A stencil over a region, or a sweep (where `start` is given)."""

    stencil: Callable
    start: Callable | None
    region: Region
    direction: int
    arguments: tuple
    reads: dict[TracedArray, Reads]
    used: dict[TracedArray, Reads]  # of that, what the results depend on
    outputs: tuple[TracedArray, ...]  # the values of a stencil
    finals: tuple[TracedArray, ...] = ()  # the values that a sweep carries, [j, i]
    single: bool = True
    lookahead: int = 0  # rows that it runs ahead of its group, for others that read to the north
    lookbehind: int = 0  # rows south of a thread's own that it computes, for others that read to the south
    ends: dict[TracedArray, Halo] = field(default_factory=dict)  # results whose halo in x it fills
    scatter: Scatter | None = None  # of the adjoint of a stencil: where its values are added
    in_place: dict[int, TracedArray] = field(default_factory=dict)  # result number -> argument that it is written over

    @property
    def name(self) -> str:
        """How an error names it."""
        return title_of(self.stencil, self.arguments)

    @property
    def results(self) -> tuple[TracedArray, ...]:
        """All that it makes."""
        return self.outputs + self.finals

    def trace_round(self, wanted: Wanted) -> None:
        """Want all that it reads in its region."""
        want_reads(wanted, Box(*self.region.j, *self.region.i), self.reads)

    def arrange(self, arranged: list[Statement]) -> None:
        """Go through the rows with the operation before, if there is one."""
        if not (arranged and arranged[-1].admit(self)):
            arranged.append(Group([self]))


@dataclass(eq=False)
class Group(Statement):
    """Operations that go through the rows together."""

    operations: list[Operation]

    def touched(self) -> Iterator[TracedArray]:
        """The arrays that its operations read."""
        for operation in self.operations:
            yield from operation.reads

    def made(self) -> tuple[TracedArray, ...]:
        """Results of its operations, but for those of which some rows are kept."""
        return tuple(array for operation in self.operations for array in operation.results if not array.rolling_rows)

    def admit(self, operation: Operation) -> bool:
        """Take in any operation."""
        self.operations.append(operation)
        return True

    def prepare(self, exchange: Any) -> None:
        """Let the operations fill the halo in x of what they compute, while the row is in the cache.

        Not where that would change what another operation of the group reads.
        """
        if exchange.placed[0][0].tile.split[1]:
            return  # it comes from other processes
        for halo, array in exchange.placed:
            closes_cells = halo.place is Place.WEST_FACE and halo.tile.x is not Boundary.PERIODIC
            for operation in self.operations:
                changes = closes_cells or operation.region.i != halo.tile.region.i
                if array in operation.results and not (changes and any(array in other.reads for other in self.operations)):
                    operation.ends[array] = halo
                    exchange.begun.add(array)

    def place(self, planner: Any, now: Any) -> None:
        """Lookahead, rolling row buffers and places of its operations."""
        planner.group(self, now)
        now.mine.update(self.made())

    def emit(self, writer: Any, indent: str) -> None:
        """Loops over the rows."""
        writer.rows_of(self, indent)


def leaves_of(argument: Any) -> Iterator[Any]:
    """The leaves of nested tuples, in order."""
    if isinstance(argument, tuple):
        for member in argument:
            yield from leaves_of(member)
    else:
        yield argument.array if isinstance(argument, Field) else argument


def arrays_of(argument: Any) -> Iterator[Any]:
    """The arrays among the leaves of nested tuples, in order."""
    return (leaf for leaf in leaves_of(argument) if getattr(leaf, "ndim", 0) > 0)
