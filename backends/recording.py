"""A step recorded as a list of operations, and a plan of how to run it row by row through the cache.

A backend that compiles whole steps calls the step once with `Recorded` arrays. What the step asks for is
noted, in order; the check of each stencil also tells how far it reads. From this follow

- groups: operations in sequence that need no halo in between. A group goes through the rows j once:
  every operation runs some rows ahead of those that read its results (`lead`), so that nothing is
  computed twice and intermediate results are still in the cache;
- rings: results that only their own group reads keep a few rows, not whole fields;
- buffers: a result takes the place of an array that nothing reads any more, such as the eldest history.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from dycore.backends.common import check_all, moved, precision_of, within
from dycore.stencils import Field, Reads, Region, Seen, as_field
from dycore.tiles import Boundary, Halo, Place, Reach, Tile


class Scalar:
    """A number known only when the program runs: its text in the program, and its value for given integers."""

    shape: tuple = ()

    def __init__(self, text: str, dtype: Any, value: Any = None):
        self.text, self.dtype, self.value = text, np.dtype(dtype), value

    def __add__(self, other: int) -> Scalar:
        value = self.value
        return Scalar(f"({self.text} + {other})", self.dtype, value and (lambda integers: value(integers) + other))

    def __array_namespace__(self) -> Any:
        return Scalar

    @staticmethod
    def minimum(one: Scalar, other: int) -> Scalar:
        return Scalar(f"min({one.text}, {other})", one.dtype)


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


class Element(Scalar):
    """An element of a table."""

    def __init__(self, table: Recorded, index: tuple):
        self.table = table
        inside = ", ".join(part.text if isinstance(part, Scalar) else str(part) for part in index)
        super().__init__(f"[{inside}]", table.dtype)


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
    def results(self) -> tuple[Recorded, ...]:
        return self.outputs + self.finals


@dataclass(eq=False)
class Exchange:
    """Fills halos where they are; `messages`: also what other processes keep of them."""

    placed: tuple[tuple[Halo, Recorded], ...]
    messages: bool
    begun: set[Recorded] = field(default_factory=set)  # arrays whose halo in x is filled already, beside their cells


@dataclass(eq=False)
class Filter:
    """The polar filter of rows, in place; not part of the compiled program."""

    tile: Tile
    pairs: tuple[tuple[Recorded, Recorded], ...]  # (field, response)


@dataclass(eq=False)
class Zero:
    """Sets a new array to zero."""

    target: Recorded


@dataclass(eq=False)
class Copy:
    """Copies an array, or `cut` [j, i] of a source to `to` of the target."""

    target: Recorded
    source: Recorded
    to: tuple[slice, ...] | None = None
    cut: tuple[slice, ...] | None = None


@dataclass(eq=False)
class Loop:
    """Runs its body n times."""

    n: int
    carried: tuple[Recorded, ...]  # what stands here after every round
    begin: tuple[Recorded, ...]
    body: list
    end: tuple[Recorded, ...]
    plan: list = field(default_factory=list)


@dataclass(eq=False)
class Group:
    """Operations that go through the rows together."""

    operations: list[Operation]


def touched(statement: Any) -> Iterator[Recorded]:
    """The arrays that a statement reads, or changes where they are."""
    if isinstance(statement, Group):
        for operation in statement.operations:
            yield from operation.reads
    elif isinstance(statement, Operation):
        yield from statement.reads
    elif isinstance(statement, Exchange):
        yield from (array for _, array in statement.placed)
    elif isinstance(statement, Filter):
        yield from leaves_of(statement.pairs)
    elif isinstance(statement, Copy):
        yield statement.source
    elif isinstance(statement, Loop):
        yield from statement.begin
        yield from inner_arrays(statement)
        yield from statement.end


class Recording:
    """The verbs of a backend (dycore.backend) that note what they are asked to do."""

    def __init__(self) -> None:
        self.statements: list[Any] = []

    def stand_in(self, leaf: Any) -> Any:
        """What stands for an array; numbers and functions stay what they are."""
        return Recorded(leaf.shape, leaf.dtype) if np.ndim(leaf) else leaf

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        operation = self.operate(stencil, None, region, 0, arguments)
        fields = fields_on(region, operation.outputs)
        return fields[0] if operation.single else fields

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        operation = self.operate(stencil, start, region, direction, arguments)
        return fields_on(region, operation.finals), fields_on(region, operation.outputs)

    def operate(self, stencil: Callable, start: Callable | None, region: Region, direction: int, arguments: tuple) -> Operation:
        seen, leaves = Seen({}, {}), list(arrays_of(arguments))
        carried, values = check_all(stencil, start, region, arguments, seen)
        reads: dict[Recorded, Reads] = {}
        used: dict[Recorded, Reads] = {}
        for by_number, by_array in zip(seen, (reads, used), strict=True):
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
            tuple(Recorded(shape, getattr(value, "dtype", dtype)) for value in several),
            tuple(Recorded(region.padded[1:], dtype) for _ in carried), not isinstance(values, tuple))
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
        copy = Recorded(to.region.padded[1:], field.array.dtype)
        self.statements.append(Copy(copy, field.array, target, source))
        return Field(copy, region, (0, 0))

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, Recorded]) -> tuple[Field, ...]:
        self.statements.append(Filter(tile, tuple((field.array, response) for field, response in pairs)))
        return tuple(field for field, _ in pairs)

    def zeros_like(self, array: Recorded) -> Recorded:
        target = Recorded(array.shape, array.dtype)
        self.statements.append(Zero(target))
        return target

    def iterate(self, body: Callable, begin: tuple, n: int) -> tuple[Recorded, ...]:
        carried = tuple(Recorded(array.shape, array.dtype) for array in begin)
        outer, self.statements = self.statements, []
        end = tuple(arrays_of(body(Scalar("m", np.int64), carried)))
        outer.append(Loop(n, carried, begin, self.statements, end))
        self.statements = outer
        return carried

    def reaches(self, state: tuple, result: tuple) -> dict[Recorded, Reach]:
        """How far beyond the cells of its tile each array that is exchanged is read, here and in the steps that follow.

        What is noted is a step from a state to its result; what the next step reads of its state is wanted of the result.
        """
        pairs = list(zip(arrays_of(state), arrays_of(result), strict=True))
        wanted: dict[Recorded, Box] = {}
        while True:
            found, tiles, before = dict(wanted), {}, {}
            for statement in reversed(self.statements):
                if isinstance(statement, Exchange):
                    for halo, array in statement.placed:
                        tiles[array] = halo.tile
                        before[array] = found.get(array, cells_of(halo.tile))
                        found[array] = cells_of(halo.tile)
                else:
                    for array, box in read_by(statement, found):
                        found[array] = box.union(found.get(array, box))
            following = {after: found[start].union(wanted.get(after, found[start])) for start, after in pairs if start in found}
            if following == wanted:
                return {array: box.beyond(tiles[array]) for array, box in before.items()}
            wanted = following


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


def read_by(statement: Any, wanted: dict[Recorded, Box]) -> Iterator[tuple[Recorded, Box]]:
    """What a statement reads in order to give what is wanted of its results."""
    if isinstance(statement, Operation):
        boxes = [wanted[array] for array in statement.results if array in wanted]
        if boxes:
            south, north, west, east = functools.reduce(Box.union, boxes).within(statement.region)
            yield from ((array, Box(south + reads.low, north + reads.high, west + reads.west, east + reads.east))
                        for array, reads in statement.used.items())
    elif isinstance(statement, Filter):
        yield from ((array, cells_of(statement.tile)) for array, _ in statement.pairs)
    elif isinstance(statement, Copy) and statement.cut is not None:
        rows, columns = statement.cut
        yield statement.source, Box(rows.start, rows.stop, columns.start, columns.stop)
    else:  # a loop goes round: all that it reads
        yield from ((array, Box(0, array.shape[-2], 0, array.shape[-1])) for array in touched(statement) if array.ndim > 1)


def fields_on(region: Region, arrays: tuple[Recorded, ...]) -> tuple[Field, ...]:
    """The results of an operation."""
    return tuple(Field(array, region.ranges if array.ndim == 3 else region.columns.ranges, (0,) * array.ndim)
                 for array in arrays)


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


# Planning ----------------------------------------------------------------------------------------


class Planner:
    """Arranges statements in groups and gives every array a place; `rows` go through a group at a time.

    With several `threads`, each goes through its own part of the rows and computes again what it needs
    beyond them; what it needs from there must then not be written over.
    """

    def __init__(self, rows: int, threads: int):
        self.rows, self.threads = rows, threads
        self.buffers: list[tuple[tuple[int, ...], np.dtype]] = []
        self.free: list[int] = []

    def new_buffer(self, shape: tuple[int, ...], dtype: np.dtype) -> int:
        self.buffers.append((shape, dtype))
        return len(self.buffers) - 1

    def place(self, array: Recorded) -> None:
        """A buffer for a whole array: one that is free, or a new one."""
        for buffer in self.free:
            if self.buffers[buffer] == (array.shape, array.dtype):
                self.free.remove(buffer)
                array.buffer = buffer
                return
        array.buffer = self.new_buffer(array.shape, array.dtype)

    def plan(self, statements: list, kept: tuple, mine: set[Recorded], wanted: dict[Recorded, Recorded] | None = None) -> list:
        """Groups and other statements in order; `kept` arrays are needed afterwards, `mine` may be written over.

        `wanted` names, for results, the array whose place they should take.
        """
        wanted = wanted or {}
        arranged = arrange(statements)
        last: dict[Recorded, float] = {}
        for number, statement in enumerate(arranged):
            last |= dict.fromkeys(touched(statement), number)
        last |= dict.fromkeys(kept, math.inf)
        planned: list[Any] = []
        for number, statement in enumerate(arranged):
            if isinstance(statement, Group):
                self.group(statement, last, number, wanted, mine)
                mine |= {r for operation in statement.operations for r in operation.results if not r.ring}
            elif isinstance(statement, (Zero, Copy)):
                self.place(statement.target)
                mine.add(statement.target)
            elif isinstance(statement, Loop):
                self.loop(statement, last, number, mine, planned)
                mine |= set(statement.carried)
            planned.append(statement)
            done = [array for array in mine if last.get(array, -1) <= number]
            for array in sorted(done, key=lambda array: array.buffer or 0):  # one order in all runs: programs are kept on disk
                mine.discard(array)
                if array.buffer not in self.free:
                    self.free.append(array.buffer)
        return planned

    def group(self, group: Group, last: dict, number: int, wanted: dict, mine: set) -> None:
        operations = group.operations
        for place, operation in reversed(list(enumerate(operations))):
            for later in operations[place + 1:]:
                for array in operation.results:
                    if array in later.reads:
                        operation.lead = max(operation.lead, later.lead + later.reads[array].high)
                        operation.back = max(operation.back, later.back - later.reads[array].low)
        written: set[Recorded] = set()
        for operation in operations:
            for index, array in enumerate(operation.results):
                written.add(array)
                readers = [later for later in operations if array in later.reads]
                if last.get(array, -1) <= number and array not in wanted:
                    behind = max((operation.lead - r.lead - r.reads[array].low for r in readers), default=0)
                    array.ring = 2 ** math.ceil(math.log2(behind + self.rows))
                    shape = (*array.shape[:-2], array.ring, array.shape[-1])
                    array.buffer = self.new_buffer(shape, array.dtype)
                    continue
                candidates = [wanted[array]] if array in wanted else [a for a in mine if a not in written]
                for candidate in sorted(candidates, key=lambda a: a.buffer):
                    if ((candidate.shape, candidate.dtype) == (array.shape, array.dtype)
                            and last.get(candidate, -1) == number and self.may_replace(operations, operation, candidate)):
                        array.buffer = candidate.buffer
                        mine.discard(candidate)
                        last[candidate] = -1
                        if candidate in operation.reads:
                            operation.in_place[index] = candidate
                        break
                else:
                    self.place(array)

    def may_replace(self, operations: list[Operation], operation: Operation, candidate: Recorded) -> bool:
        """Whether all have read a row of the candidate when the operation writes it."""
        done = operations.index(operation)
        for place, other in enumerate(operations):
            extent = other.reads.get(candidate)
            if extent is None:
                continue
            if other is operation:
                if not extent.pointwise or (self.threads > 1 and (operation.lead or operation.back)):
                    return False
            elif place > done or self.threads > 1 or other.lead - operation.lead < -extent.low:
                return False
        return True

    def loop(self, loop: Loop, last: dict, number: int, mine: set, planned: list) -> None:
        taken = set()
        for carried, begin in zip(loop.carried, loop.begin, strict=True):
            if begin in mine and last[begin] == number and begin not in taken and begin not in inner_arrays(loop):
                taken.add(begin)
                mine.discard(begin)
                carried.buffer = begin.buffer
            else:
                carried.buffer = self.new_buffer(carried.shape, carried.dtype)
                planned.append(Copy(carried, begin))
        free, self.free = self.free, []
        loop.plan = self.plan(loop.body, loop.end, set(), dict(zip(loop.end, loop.carried, strict=True)))
        self.free = free
        moves = []
        for carried, end in zip(loop.carried, loop.end, strict=True):
            if carried.buffer == end.buffer:
                continue
            if end in loop.carried:  # handed on to another place, whose own value may be handed on too
                aside = Recorded(end.shape, end.dtype)
                aside.buffer = self.new_buffer(end.shape, end.dtype)
                loop.plan.append(Copy(aside, end))
                end = aside
            moves.append(Copy(carried, end))
        loop.plan += moves


def inner_arrays(loop: Loop) -> set[Recorded]:
    """What the body of a loop touches."""
    return {array for statement in loop.body for array in touched(statement)}


def arrange(statements: list) -> list:
    """The statements with operations in sequence put together in groups."""
    arranged: list[Any] = []
    for statement in statements:
        if isinstance(statement, Operation):
            if not (arranged and isinstance(arranged[-1], Group)):
                arranged.append(Group([]))
            arranged[-1].operations.append(statement)
        else:
            if isinstance(statement, Exchange) and arranged and isinstance(arranged[-1], Group):
                begin_exchange(arranged[-1], statement)
            arranged.append(statement)
    return arranged


def begin_exchange(group: Group, exchange: Exchange) -> None:
    """Let the operations fill the halo in x of what they compute, while the row is in the cache.

    Not where that would change what another operation of the group reads.
    """
    if exchange.placed[0][0].tile.split[1]:
        return  # it comes from other processes
    for halo, array in exchange.placed:
        closes_cells = halo.place is Place.WEST_FACE and halo.tile.x is not Boundary.PERIODIC
        for operation in group.operations:
            changes = closes_cells or operation.region.i != halo.tile.region.i
            if array in operation.results and not (changes and any(array in other.reads for other in group.operations)):
                operation.ends[array] = halo
                exchange.begun.add(array)
