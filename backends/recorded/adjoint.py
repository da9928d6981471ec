"""The adjoint of a recorded step: the same step again, and behind it, backwards, what each of its statements does to slopes.

The slope of an array is another array: of a number that is made of the results of a step, the derivative with respect to each
element. What a stencil reads at a neighbour goes back to that neighbour: for everything that it reads it computes slopes where it
stands (`Shares`), which a gathering stencil adds up with the opposite shifts. Both are stencils like others, so that they are
planned and compiled as any step is. Rows and columns beyond those where a stencil stands hold zero: see `Operation.within`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore.backends.recorded.adjoint_statements import ExchangeAdjoint, InsertedCopy, KeptRound, LoadedRound
from dycore.backends.recorded.expressions import Element, Expression, Graph, NotDifferentiable, Traced, slopes
from dycore.backends.recorded.generated import Written, written
from dycore.abstract import Reads
from dycore.backends.recorded.operations import Addition, Operation, Scatter, Statement, TracedArray
from dycore.backends.recorded.recording import Recording
from dycore.backends.recorded import scalars
from dycore.backends.recorded.scalars import Round
from dycore.backends.recorded.statements import Copy, Exchange, Filter, Loop, Zero
from dycore.fields import Field, Region, map_arguments
from dycore.tiles import HALO, HALO_LEVELS

MARGIN = 2 * HALO  # columns that are zero beside a row of shares


class Share(NamedTuple):
    """A part of the slope of an array; a row is complete when its maker is `later` rows further, and kept for `earlier`."""

    array: TracedArray
    earlier: int = 0
    later: int = 0


class Adjoint:
    """Lists the adjoint of statements in a recording; `shares` are the parts of slopes that are not added up yet."""

    def __init__(self, statements: list[Statement], active: Iterable[TracedArray]):
        self.recording = Recording()
        self.active = set(active)
        self.shares: dict[TracedArray, list[Share]] = {}
        self.scattered: set[TracedArray] = set()
        self.whole: set[TracedArray] = set(self.active)  # arrays of which all rows and columns may be read
        self.made_in: dict[TracedArray, Region] = {}
        self.replaced: dict[Statement, Any] = {}
        self._look(statements)
        self.statements = statements

    def _look(self, statements: list[Statement]) -> None:
        """Which arrays depend on active ones, and where they are made."""
        for statement in statements:
            if isinstance(statement, Loop):
                if self.active & set(statement.touched()):
                    self.active |= set(statement.carried)
                self.whole |= set(statement.carried)
                self._look(statement.body)
                continue
            if self.active & set(statement.touched()):
                self.active |= set(statement.made())
            if isinstance(statement, Operation):
                if self.active & set(statement.reads):
                    self.active |= set(statement.results)
                for array in statement.results:
                    self.made_in[array] = statement.region if array.ndim == 3 else statement.region.columns
            else:
                self.whole |= {*statement.made(), *(array for _, array in statement.filled())}

    # Slopes of arrays ---------------------------------------------------------------------------

    def region(self, array: TracedArray) -> Region:
        """Where the slope of an array may differ from zero, without halo levels."""
        made = self.made_in.get(array)
        if array in self.whole or made is None:
            k = made.k if made is not None and array.ndim == 3 else (0, array.shape[0])
            padded = (array.shape[0] if array.ndim == 3 else 1, *array.shape[-2:])
            made = Region(k if array.ndim == 3 else None, (0, padded[1]), (0, padded[2]), padded)
        return inner(made)

    def slope(self, array: TracedArray) -> TracedArray | None:
        """The slope of an array, of all shares that it has so far; None where it has none."""
        shares = self.shares.pop(array, [])
        if not shares:
            return None
        if len(shares) == 1 and shares[0].array not in self.scattered:
            return shares[0].array
        graph = Graph()
        leaves = list({share.array: None for share in shares})
        parts = (graph.make("read", Element(leaves.index(share.array), (0,) * array.ndim)) for share in shares)
        region = self.region(array)
        made = self.recorded(written(leaves, region.k is None, [total(parts, graph.constant(0.0))]), region, 0)
        read(made, shares)
        return made.outputs[0]

    def recorded(self, stencil: Written, region: Region, direction: int) -> Operation:
        """An operation of what was written."""
        return self.recording.operate(stencil.function, stencil.start, region, direction, stencil.arguments)

    # Statements -----------------------------------------------------------------------------------

    def go_back(self, statements: list[Statement]) -> None:
        """Add the adjoint of statements, the last one first."""
        for statement in reversed(statements):
            if isinstance(statement, Operation):
                self.operation(statement)
            elif isinstance(statement, Exchange):
                self.exchange(statement)
            elif isinstance(statement, Filter):
                self.filter(statement)
            elif isinstance(statement, Copy):
                self.copy(statement)
            elif isinstance(statement, Loop):
                self.loop(statement)
            elif isinstance(statement, Zero):
                self.shares.pop(statement.target, None)
            else:
                raise NotDifferentiable(f"a step has a part of its own ({type(statement).__name__})")

    def operation(self, operation: Operation) -> None:
        """Shares of all that a stencil, or a sweep, reads."""
        seeds = {array: found for array in operation.results if array in self.active and (found := self.seeds_of(array))}
        if not seeds:
            return
        region = inner(operation.region)
        if operation.start is None:
            traced = Traced(operation.stencil, operation.arguments, region.k is None)
            self.share(traced, region, self.slopes_in(traced, traced.values, operation.outputs, seeds), seeds)
            return
        kept = tuple(TracedArray(operation.outputs[0].shape if operation.outputs else region.padded, array.dtype)
                     for array in operation.finals)
        traced = Traced(operation.stencil, operation.arguments, False, kept=kept)
        carried = tuple(traced.graph.make("carried", number) for number in range(len(kept)))
        values = (*traced.values, *traced.after)
        found = slopes(values, (*self.seeds(traced, operation.outputs, seeds), *carried),
                       lambda one: one.kind == "read" and (leaf_of(traced, one) in kept or self.is_active(traced, one)))
        after = [next((slope for one, slope in found.items() if leaf_of(traced, one) is array), traced.graph.constant(0.0))
                 for array in kept]
        found = {one: slope for one, slope in found.items() if leaf_of(traced, one) not in kept}
        begin = self.seeds(traced, operation.finals, seeds)
        made = self.share(traced, region, found, seeds, after, begin, -operation.direction)
        assert made is not None
        if any(array in made.reads for array in kept):
            self.keep_carried(operation, kept)
        first = Traced(operation.start, operation.arguments, True)
        ends = {array: [Share(end)] for array, end in zip(operation.finals, made.finals, strict=True)}
        self.share(first, region.columns, self.slopes_in(first, first.values, operation.finals, ends), ends)

    def seeds_of(self, array: TracedArray) -> list[Share]:
        """Shares of the slope of an array, for the stencil that made it to add up: none, or all."""
        if array in self.whole:
            slope = self.slope(array)
            return [] if slope is None else [Share(slope)]
        return self.shares.pop(array, [])

    def seeds(self, traced: Traced, arrays: tuple[TracedArray, ...], seeds: dict[TracedArray, list[Share]]) -> list[Expression]:
        """Slopes of some arrays, as a stencil reads them; zero where there are none."""
        return [total((traced.array(share.array) for share in seeds.get(array, ())), traced.graph.constant(0.0)) for array in arrays]

    def slopes_in(self, traced: Traced, values: tuple, arrays: tuple[TracedArray, ...], seeds: dict) -> dict:
        """Slopes of all that a stencil reads of active arrays."""
        return slopes(values, self.seeds(traced, arrays, seeds), lambda one: self.is_active(traced, one))

    def is_active(self, traced: Traced, one: Expression) -> bool:
        """Whether an expression is an element of an array that depends on what slopes are asked of."""
        return one.kind == "read" and array_in(leaf_of(traced, one)) in self.active

    def share(self, traced: Traced, region: Region, found: dict, seeds: dict[TracedArray, list[Share]],
              after: list | None = None, begin: list | None = None, direction: int = 1) -> Operation | None:
        """Compute the slopes that were found, where the stencil stands, and put them among the shares of what is read.

        What a stencil of cells reads of columns is summed over them; `after`, `begin`: what the adjoint of a sweep carries.
        """
        values: list[Expression] = []
        targets: list[TracedArray] = []
        parts: dict[tuple[int, int, int], list[tuple[int, int, float]]] = {}
        for one, slope in found.items():
            if slope.is_constant(0.0):
                continue
            sign, slope = (-1.0, slope.parts[0]) if slope.kind == "neg" else (1.0, slope)
            array, shifts = array_in(leaf_of(traced, one)), one.parts[0].shifts
            if None in shifts or len(shifts) != array.ndim:
                raise NotDifferentiable("a stencil reads an array that changes at a place that does not move with its point")
            levels, rows, columns = (0, *shifts)[-3:]
            where = index_in(targets, array), rows, levels
            parts.setdefault(where, []).append((index_in(values, slope), columns, sign))
        if not targets and after is None:
            return None
        made = self.recorded(written(traced.leaves, region.k is None, values, after, begin or ()), region, direction if after else 0)
        shares = tuple(TracedArray(array.shape, array.dtype) for array in targets)
        rows = tuple(TracedArray((region.padded[1], region.padded[2] + MARGIN), array.dtype) for array in made.outputs)
        made.scatter = Scatter(len(rows), region.j, tuple(Addition(*where, tuple(some)) for where, some in parts.items()))
        made.outputs = (*shares, *rows)
        read(made, (share for some in seeds.values() for share in some))
        self.scattered.update(shares)
        ends = [region.j]
        for number, (array, share) in enumerate(zip(targets, shares, strict=True)):
            least, most = made.scatter.rows(number)
            south, north = self.region(array).j
            ends.append((south - most, north - least))
            self.shares.setdefault(array, []).append(Share(share, most, -least))
        made.region = region._replace(j=(min(south for south, _ in ends), max(north for _, north in ends)))
        return made

    def keep_carried(self, operation: Operation, kept: tuple[TracedArray, ...]) -> None:
        """Let the sweep of the step keep what it carries to each level."""
        traced = Traced(operation.stencil, operation.arguments, False, carries=len(kept))
        start = Traced(operation.start, operation.arguments, True, beside=traced)
        stencil = written(traced.leaves, False, (*traced.values, *traced.carried), traced.after, start.values)
        aside = Recording()
        made = aside.operate(stencil.function, stencil.start, operation.region, operation.direction, stencil.arguments)
        made.outputs, made.finals = (*operation.outputs, *kept), operation.finals
        self.replaced[operation] = made

    def exchange(self, exchange: Exchange) -> None:
        """Slopes of halos belong to the cells from which they come."""
        if exchange.messages:
            raise NotDifferentiable("processes exchange halos")
        self.settle()
        placed = tuple((halo, slope) for halo, array in exchange.placed if (slope := self.whole_slope(array)) is not None)
        if placed:
            self.recording.statements.append(ExchangeAdjoint(placed))

    def filter(self, statement: Filter) -> None:
        """The filter is its own adjoint: the response of a wave is a number."""
        self.settle()
        pairs = tuple((slope, response) for array, response in statement.pairs if (slope := self.whole_slope(array)) is not None)
        if pairs:
            self.recording.statements.append(Filter(statement.tile, pairs))

    def settle(self) -> None:
        """Add up all shares that are not yet: they are rows of a group of stencils, which ends here."""
        for array in list(self.shares):
            self.whole_slope(array)

    def whole_slope(self, array: TracedArray) -> TracedArray | None:
        """The slope of an array, that is about to change where it is."""
        slope = self.slope(array)
        if slope is not None:
            self.shares[array] = [Share(slope)]
        return slope

    def copy(self, copy: Copy) -> None:
        """What was copied gets the slope of the copy."""
        self.settle()
        slope = self.slope(copy.target)
        if slope is None:
            return
        if copy.to is not None or copy.source.shape != copy.target.shape:
            target = TracedArray(copy.source.shape, copy.source.dtype)
            self.recording.statements += [Zero(target), InsertedCopy(target, slope, copy.cut, copy.to)]
            slope = target
        self.shares.setdefault(copy.source, []).append(Share(slope))

    def loop(self, loop: Loop) -> None:
        """Rounds backwards: each carries out the round of the step again, from what it was given then, and goes back through it."""
        self.settle()
        given = {array: slope for array in loop.carried if (slope := self.slope(array)) is not None}
        if not given:
            return
        again = {array: TracedArray(array.shape, array.dtype) for array in loop.carried}
        kept = {array: TracedArray((loop.n, *array.shape), array.dtype) for array in loop.carried}
        round_of = Round("m", of=loop.n)
        inside = self.within(again)
        body = [LoadedRound(again[array], kept[array], round_of) for array in loop.carried] + inside.replay(loop.body, again, round_of)
        inside.recording.statements = list(body)
        slopes_now = {array: TracedArray(array.shape, array.dtype) for array in loop.carried}
        for array, end in zip(loop.carried, loop.end, strict=True):
            inside.shares.setdefault(again.get(end, end), []).append(Share(slopes_now[array]))
        inside.go_back(body[len(loop.carried):])
        zero = TracedArray(loop.carried[0].shape, loop.carried[0].dtype)
        self.recording.statements.append(Zero(zero))
        ends = [inside.slope(again[array]) or zero for array in loop.carried]
        outer = [array for array in inside.shares if array not in again.values()]
        totals = {array: TracedArray(array.shape, array.dtype) for array in outer}
        for array in outer:
            inside.shares[array].append(Share(totals[array]))
            ends.append(inside.whole_slope(array))
        begins = [given.get(array, zero) for array in loop.carried]
        for array in outer:
            begins.append(TracedArray(array.shape, array.dtype))
            self.recording.statements.append(Zero(begins[-1]))
        statements = pruned(inside.recording.statements, set(ends))
        self.recording.statements.append(Loop(loop.n, (*slopes_now.values(), *totals.values()), tuple(begins), statements, tuple(ends)))
        for array, begin in zip(loop.carried, loop.begin, strict=True):
            self.shares.setdefault(begin, []).append(Share(slopes_now[array]))
        for array in outer:
            self.shares.setdefault(array, []).append(Share(totals[array]))
        read = [statement for statement in statements if isinstance(statement, LoadedRound)]
        rounds = [KeptRound(statement.kept, array, Round("m")) for statement in read
                  for array in loop.carried if again[array] is statement.target]
        self.replaced[loop] = [*(Zero(statement.kept) for statement in read), replace(loop, body=[*rounds, *loop.body])]

    def within(self, again: dict[TracedArray, TracedArray]) -> Adjoint:
        """The adjoint of the body of a loop, of which shares and statements are apart."""
        inside = Adjoint([], ())
        inside.active, inside.whole, inside.made_in = self.active, self.whole, self.made_in
        self.active |= set(again.values())
        self.whole |= set(again.values())
        return inside

    def replay(self, statements: list[Statement], again: dict[TracedArray, TracedArray], round_of: Round) -> list[Statement]:
        """Statements of a loop once more, of other arrays (`again`, to which those are added that are made), in another round."""
        def other(leaf: Any) -> Any:
            if isinstance(leaf, Field):
                return Field(again.get(leaf.array, leaf.array), leaf.region, leaf.origin, leaf.name)
            if isinstance(leaf, scalars.Element):
                return scalars.Element(leaf.table, tuple(round_of + place.more if isinstance(place, Round) else place for place in leaf.index))
            return again.get(leaf, leaf) if isinstance(leaf, TracedArray) else leaf

        aside = Recording()
        for statement in statements:
            if isinstance(statement, Operation):
                arguments = tuple(map_arguments(other, argument) for argument in statement.arguments)
                made = aside.operate(statement.stencil, statement.start, statement.region, statement.direction, arguments)
                again.update(zip(statement.results, made.results, strict=True))
            elif isinstance(statement, Exchange):
                placed = tuple((halo, again.get(array, array)) for halo, array in statement.placed)
                aside.statements.append(Exchange(placed, statement.messages))
            else:
                raise NotDifferentiable(f"a loop of a step has a part of its own ({type(statement).__name__})")
        self._look(aside.statements)
        return aside.statements


def total(parts: Iterable[Expression], zero: Expression) -> Expression:
    """The sum of expressions."""
    return functools.reduce(operator.add, parts, zero)


def read(operation: Operation, shares: Iterable[Share]) -> None:
    """Let an operation wait for the rows of shares that it reads."""
    for share in shares:
        if share.array in operation.reads:
            extent = Reads(-share.earlier, share.later, 0, 0, True)
            operation.reads[share.array] = operation.reads[share.array].union(extent)


def index_in(known: list, one: Any) -> int:
    """The place of something in a list, in which it is put if it is not there."""
    for place, other in enumerate(known):
        if other is one:
            return place
    known.append(one)
    return len(known) - 1


def inner(region: Region) -> Region:
    """The region without halo levels."""
    if region.k is None:
        return region
    return region._replace(k=(max(region.k[0], HALO_LEVELS), min(region.k[1], region.padded[0] - HALO_LEVELS)))


def leaf_of(traced: Traced, one: Expression) -> Any:
    """The leaf of which an expression is an element."""
    return traced.leaves[one.parts[0].leaf]


def array_in(leaf: Any) -> Any:
    """The array of a leaf."""
    return leaf.array if isinstance(leaf, Field) else leaf


def pruned(statements: list[Statement], wanted: set[TracedArray]) -> list[Statement]:
    """The statements on which something depends that is wanted."""
    kept: list[Statement] = []
    wanted = set(wanted)
    for statement in reversed(statements):
        if isinstance(statement, (Exchange, ExchangeAdjoint)):
            placed = tuple((halo, array) for halo, array in statement.placed if array in wanted)
            if placed:
                kept.append(replace(statement, placed=placed))
            continue
        made = statement.changed() or statement.made() if hasattr(statement, "changed") else statement.made()
        results = statement.results if isinstance(statement, Operation) else made
        if isinstance(statement, Filter):
            results = tuple(array for array, _ in statement.pairs)
        if wanted & set(results):
            kept.append(statement)
            wanted |= set(statement.touched())
    return kept[::-1]


def adjoint_of(statements: list[Statement], results: list[TracedArray], inputs: list[TracedArray],
               given: list[TracedArray]) -> tuple[list[Statement], list[TracedArray]]:
    """(statements, slopes of inputs) of a recorded step, of which the slopes of the results are given."""
    adjoint = Adjoint(statements, (array for array in inputs if array.dtype.kind == "f" and array.ndim > 1))
    for array, slope in zip(results, given, strict=True):
        if array in adjoint.active:
            adjoint.shares.setdefault(array, []).append(Share(slope))
    adjoint.go_back(statements)
    adjoint.settle()
    ends = []
    for array in inputs:
        slope = adjoint.slope(array)
        if slope is None:
            slope = TracedArray(array.shape, array.dtype)
            adjoint.recording.statements.append(Zero(slope))
        ends.append(slope)
    forward = []
    for statement in statements:
        other = adjoint.replaced.get(statement, statement)
        forward += other if isinstance(other, list) else [other]
    return pruned([*forward, *adjoint.recording.statements], set(ends)), ends
