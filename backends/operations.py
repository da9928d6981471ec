"""The operations of a recorded step: each knows which arrays it touches, and what it needs to give what is wanted of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from dycore.backends.scalars import Element
from dycore.stencils import Field, Reads, Region, title_of
from dycore.tiles import Halo, Reach, Tile


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
        """What of it lies in a region."""
        (south, north), (west, east) = region.j, region.i
        return Box(max(self.south, south), min(self.north, north), max(self.west, west), min(self.east, east))

    def beyond(self, tile: Tile) -> Reach:
        """How far it goes beyond the cells of a tile."""
        cells = cells_of(tile)
        return Reach(west=max(0, cells.west - self.west), east=max(0, self.east - cells.east),
                     south=max(0, cells.south - self.south), north=max(0, self.north - cells.north))


def cells_of(tile: Tile) -> Box:
    """The cells of a tile."""
    return Box(*tile.region.j, *tile.region.i)


Wanted = dict["Recorded", Box]  # of arrays, the part that something later reads


def want(wanted: Wanted, array: Recorded, box: Box) -> None:
    """Add a box to what is wanted of an array."""
    wanted[array] = box.union(wanted.get(array, box))


def box_of(wanted: Wanted, results: tuple[Recorded, ...]) -> Box | None:
    """The box of all that is wanted of some arrays; None where nothing is."""
    boxes = [wanted[array] for array in results if array in wanted]
    return functools.reduce(Box.union, boxes) if boxes else None


def want_reads(wanted: Wanted, box: Box, reads: dict[Recorded, Reads]) -> None:
    """Add what an operation reads where it computes a box."""
    for array, far in reads.items():
        if array.ndim > 1:
            want(wanted, array, Box(box.south + far.low, box.north + far.high, box.west + far.west, box.east + far.east))


class Recorded:
    """Stands for an array of the program: its shape and type, and where its values are kept once that is planned."""

    def __init__(self, shape: tuple[int, ...], dtype: Any):
        self.shape, self.dtype, self.ndim = tuple(shape), np.dtype(dtype), len(shape)
        self.buffer: Any = None  # its number, once it is planned
        self.ring: int = 0  # rows, a power of two; 0: a whole array

    def __getitem__(self, index: Any) -> Any:
        """An element of a table, at indices that may be scalars of the program."""
        index = index if isinstance(index, tuple) else (index,)
        if len(index) < self.ndim:
            return _Row(self, index)
        return Element(self, index)


class _Row:
    """A row of a table."""

    def __init__(self, table: Recorded, index: tuple):
        self.table, self.index = table, index

    def __getitem__(self, last: Any) -> Any:
        return self.table[(*self.index, last)]


@dataclass(eq=False)
class Operation:
    """A stencil over a region, or a sweep (where `start` is given)."""

    stencil: Callable
    start: Callable | None
    region: Region
    direction: int
    arguments: tuple
    reads: dict[Recorded, Reads]
    used: dict[Recorded, Reads]  # of that, what the results depend on
    outputs: tuple[Recorded, ...]  # the values of a stencil
    finals: tuple[Recorded, ...] = ()  # the values that a sweep carries, [j, i]
    single: bool = True
    lead: int = 0
    back: int = 0
    ends: dict[Recorded, Halo] = field(default_factory=dict)  # results whose halo in x it fills
    in_place: dict[int, Recorded] = field(default_factory=dict)  # result number -> argument that it is written over

    @property
    def name(self) -> str:
        """How an error names it."""
        return title_of(self.stencil, self.arguments)

    @property
    def results(self) -> tuple[Recorded, ...]:
        """All that it makes."""
        return self.outputs + self.finals

    def touched(self) -> Iterator[Recorded]:
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


@dataclass(eq=False)
class Exchange:
    """Fills halos where they are; `messages`: also what other processes keep of them."""

    placed: tuple[tuple[Halo, Recorded], ...]
    messages: bool
    begun: set[Recorded] = field(default_factory=set)  # arrays whose halo in x is filled already, beside their cells

    def touched(self) -> Iterator[Recorded]:
        """The arrays whose halos it fills."""
        yield from (array for _, array in self.placed)

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Halos come from cells: want these alone."""
        for halo, array in self.placed:
            wanted[array] = cells_of(halo.tile)


@dataclass(eq=False)
class Filter:
    """The polar filter of rows, in place; not part of the compiled program."""

    tile: Tile
    pairs: tuple[tuple[Recorded, Recorded], ...]  # (field, response)

    def touched(self) -> Iterator[Recorded]:
        """The fields and the responses."""
        yield from leaves_of(self.pairs)

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want the cells of its rows."""
        for array, _ in self.pairs:
            want(wanted, array, cells_of(self.tile))


@dataclass(eq=False)
class Zero:
    """Sets a new array to zero."""

    target: Recorded

    def touched(self) -> Iterator[Recorded]:
        """Nothing is read."""
        yield from ()

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want nothing."""


@dataclass(eq=False)
class Copy:
    """Copies an array, or `cut` [j, i] of a source to `to` of the target."""

    target: Recorded
    source: Recorded
    to: tuple[slice, ...] | None = None
    cut: tuple[slice, ...] | None = None

    def touched(self) -> Iterator[Recorded]:
        """The array that is copied."""
        yield self.source

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want of the source what is wanted of the copy, as far as it is copied."""
        if self.target not in wanted:
            return
        south, north, west, east = wanted[self.target]
        if self.to is not None and self.cut is not None:
            (to_j, to_i), (cut_j, cut_i) = self.to, self.cut
            rows, columns = cut_j.start - to_j.start, cut_i.start - to_i.start
            south, north = max(south + rows, cut_j.start), min(north + rows, cut_j.stop)
            west, east = max(west + columns, cut_i.start), min(east + columns, cut_i.stop)
        want(wanted, self.source, Box(south, north, west, east))


@dataclass(eq=False)
class Loop:
    """Runs its body n times."""

    n: int
    carried: tuple[Recorded, ...]  # what stands here after every round
    begin: tuple[Recorded, ...]
    body: list
    end: tuple[Recorded, ...]
    plan: list = field(default_factory=list)

    def inner(self) -> set[Recorded]:
        """What its body touches."""
        return {array for statement in self.body for array in statement.touched()}

    def touched(self) -> Iterator[Recorded]:
        """All that goes in, goes round and comes out."""
        yield from self.begin
        yield from self.inner()
        yield from self.end

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """It goes round: want all that it reads, as far as its operations say and of what goes round all."""
        for operation in reversed([statement for statement in self.body if isinstance(statement, Operation)]):
            want_reads(wanted, Box(*operation.region.j, *operation.region.i), operation.reads)
        for array in (*self.begin, *self.end):
            if array.ndim > 1:
                want(wanted, array, Box(0, array.shape[-2], 0, array.shape[-1]))


@dataclass(eq=False)
class Group:
    """Operations that go through the rows together."""

    operations: list[Operation]

    def touched(self) -> Iterator[Recorded]:
        """The arrays that its operations read."""
        for operation in self.operations:
            yield from operation.reads


def leaves_of(argument: Any) -> Iterator[Any]:
    """The leaves of nested tuples, in order."""
    if isinstance(argument, tuple):
        for part in argument:
            yield from leaves_of(part)
    else:
        yield argument.array if isinstance(argument, Field) else argument


def arrays_of(argument: Any) -> Iterator[Any]:
    """The arrays among the leaves of nested tuples, in order."""
    return (leaf for leaf in leaves_of(argument) if getattr(leaf, "ndim", 0) > 0)
