"""Statements of a recorded step beside its stencils: halos, filters, copies, loops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dycore.backends.recorded.operations import Box, Statement, TracedArray, Wanted, cells_of, leaves_of, want
from dycore.fields import Field
from dycore.halo_sources import copies_x, copies_y
from dycore.tiles import Halo, Tile


@dataclass(eq=False)
class Exchange(Statement):
    """Fills halos where they are; `messages`: also what other processes keep of them."""

    placed: tuple[tuple[Halo, TracedArray], ...]
    messages: bool
    begun: set[TracedArray] = field(default_factory=set)  # arrays whose halo in x is filled already, beside their cells

    def touched(self) -> Iterator[TracedArray]:
        """The arrays whose halos it fills."""
        yield from (array for _, array in self.placed)

    def filled(self) -> tuple[tuple[Halo, TracedArray], ...]:
        """Halos, and the arrays around which they lie."""
        return self.placed

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Halos come from cells: want these alone."""
        for halo, array in self.placed:
            wanted[array] = cells_of(halo.tile)

    def arrange(self, arranged: list[Statement]) -> None:
        """Let what stands before begin with it."""
        if arranged:
            arranged[-1].prepare(self)
        arranged.append(self)

    def emit(self, writer: Any, indent: str) -> None:
        """Copies along y, then along x; between them messages, if any."""
        writer.halo(self, copies_y, indent)
        if self.messages:
            arrays = [array for _, array in self.placed]
            fields = tuple((halo, array.ndim) for halo, array in self.placed)
            fill = writer.host.communication.fetcher(fields, arrays[0].dtype)
            writer.call_host(self, lambda run: fill([run.array(array) for array in arrays]), indent)
        writer.halo(self, copies_x, indent)


@dataclass(eq=False)
class Filter(Statement):
    """The polar filter of rows, in place; not part of the compiled program."""

    tile: Tile
    pairs: tuple[tuple[TracedArray, TracedArray], ...]  # (field, response)

    def touched(self) -> Iterator[TracedArray]:
        """The fields and the responses."""
        yield from leaves_of(self.pairs)

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """Want the cells of its rows."""
        for array, _ in self.pairs:
            want(wanted, array, cells_of(self.tile))

    def emit(self, writer: Any, indent: str) -> None:
        """A part of its own."""

        fields, responses = zip(*self.pairs, strict=True)
        known: list[Any] = [((), ())]  # responses, and the rows that they change

        def filter_rows(run: Any) -> None:
            held, rows = known[0]
            arrays, now = [run.array(field) for field in fields], [run.frame[response.buffer] for response in responses]
            if len(held) != len(now) or any(one is not other for one, other in zip(held, now, strict=True)):
                rows = [writer.host.rows_to_filter(self.tile, Field.whole(array), run.array(response))
                        for array, response in zip(arrays, responses, strict=True)]
                known[0] = now, rows
            writer.host.filter_whole_rows(self.tile, list(zip(arrays, rows, strict=True)))

        writer.call_host(self, filter_rows, indent)


@dataclass(eq=False)
class Zero(Statement):
    """Sets a new array to zero."""

    target: TracedArray

    def made(self) -> tuple[TracedArray, ...]:
        """The array."""
        return (self.target,)

    def emit(self, writer: Any, indent: str) -> None:
        """One call."""
        writer.add(indent, f"{writer.array(self.target)}.fill(0.0)")


@dataclass(eq=False)
class Copy(Statement):
    """Copies an array, or `cut` [j, i] of a source to `to` of the target."""

    target: TracedArray
    source: TracedArray
    to: tuple[slice, ...] | None = None
    cut: tuple[slice, ...] | None = None

    def touched(self) -> Iterator[TracedArray]:
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

    def made(self) -> tuple[TracedArray, ...]:
        """The copy."""
        return (self.target,)

    def emit(self, writer: Any, indent: str) -> None:
        """One call."""
        writer.copy(self.target, self.source, self.to, self.cut, indent)


@dataclass(eq=False)
class Loop(Statement):
    """Runs its body n times."""

    n: int
    carried: tuple[TracedArray, ...]  # what stands here after every round
    begin: tuple[TracedArray, ...]
    body: list[Statement]
    end: tuple[TracedArray, ...]
    plan: list[Statement] = field(default_factory=list)

    def inner(self) -> set[TracedArray]:
        """Arrays that its body touches."""
        return {array for statement in self.body for array in statement.touched()}

    def touched(self) -> Iterator[TracedArray]:
        """All that goes in, goes round and comes out."""
        yield from self.begin
        yield from self.inner()
        yield from self.end

    def trace(self, wanted: Wanted, all_reads: bool) -> None:
        """It goes round: want all that it reads, as far as its operations say and of what goes round all."""
        for statement in reversed(self.body):
            statement.trace_round(wanted)
        for array in (*self.begin, *self.end):
            if array.ndim > 1:
                want(wanted, array, Box(0, array.shape[-2], 0, array.shape[-1]))

    def made(self) -> tuple[TracedArray, ...]:
        """Arrays that have gone round."""
        return self.carried

    def place(self, planner: Any, now: Any) -> None:
        """Places of what goes round, and the plan of its body."""
        planner.loop(self, now)
        now.mine.update(self.carried)

    def emit(self, writer: Any, indent: str) -> None:
        """A loop over its plan."""
        writer.add(indent, f"for m in range({writer.number(self.n)}):")
        for statement in self.plan:
            statement.emit(writer, indent + "    ")
