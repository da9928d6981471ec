"""The adjoint of a recorded step: the same step again, and behind it, backwards, what each of its statements does to slopes.

The slope of an array is another array: the derivative of some number, which is made of the results of a step, with respect to
each element. A stencil that reads an array at neighbours adds to the slope there: the adjoint of its function (`derivatives`) is
a stencil that computes what it adds, and an operation that adds it to rows (`Scatter`). Such operations are planned and compiled
as any others are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from dycore.backends.adjoint.contributions import Activity, Contribution, Contributions, inner, total, wait
from dycore.backends.adjoint.derivatives import slopes
from dycore.backends.adjoint.expressions import Expression, NotDifferentiable, index_in
from dycore.backends.adjoint.generated import written
from dycore.backends.adjoint.loops import kept_rounds, replayed, reversed_round
from dycore.backends.adjoint.statements import ExchangeAdjoint, InsertedCopy, LoadedRound, changed_by, pruned
from dycore.backends.adjoint.tracing import Traced
from dycore.backends.recorded.operations import Addition, Operation, Scatter, Statement, TracedArray
from dycore.backends.recorded.recording import Recording
from dycore.backends.recorded.scalars import Scalar
from dycore.backends.recorded.statements import Copy, Exchange, Filter, Loop, Zero
from dycore.fields import Field, Region
from dycore.tiles import HALO

MARGIN = 2 * HALO  # columns beside a row of values, which are zero

Seeds = dict[TracedArray, list[Contribution]]


class Adjoint:
    """Lists the adjoint of statements; `replaced` are those of the step that have to keep more than they did.

    `changed` are arrays that the step changes where they are, after what is gone back through: their values are lost.
    """

    def __init__(self, activity: Activity):
        self.activity, self.contributions = activity, Contributions(activity)
        self.changed: set[TracedArray] = set()
        self.replaced: dict[Statement, list[Statement]] = {}

    def go_back(self, statements: list[Statement]) -> None:
        """Add the adjoint of statements, the last one first. Raises NotDifferentiable for one that has none."""
        for statement in reversed(statements):
            if isinstance(statement, Operation):
                self.operation(statement)
            elif isinstance(statement, Zero):
                self.contributions.of.pop(statement.target, None)
            elif isinstance(statement, (Exchange, Filter, Copy, Loop)):
                self.contributions.accumulate()
                self.other(statement)
            else:
                raise NotDifferentiable(f"a step has a part of its own, {getattr(statement, 'name', type(statement).__name__)}")

    def operation(self, operation: Operation) -> None:
        """Add what a stencil, or a sweep, gives to the slopes of all that it reads."""
        results = (array for array in operation.results if array in self.activity.arrays)
        seeds = {array: contributions for array in results if (contributions := self.contributions.seeds(array))}
        if not seeds:
            return
        region = inner(operation.region)
        if operation.start is not None:
            self.sweep(operation, region, seeds)
            return
        traced = Traced(operation.stencil, operation.arguments, region.k is None)
        self.contribute(traced, region, self.slopes_in(traced, operation.outputs, seeds), seeds)

    def sweep(self, operation: Operation, region: Region, seeds: Seeds) -> None:
        """Go through the levels the other way round, with the slope of what is carried, and then through the start."""
        kept = tuple(TracedArray(region.padded, array.dtype) for array in operation.finals)
        traced = Traced(operation.stencil, operation.arguments, False, kept=kept)
        carried = tuple(traced.graph.make("carried", number) for number in range(len(kept)))
        read_slopes = slopes((*traced.values, *traced.after), (*seeded(traced, operation.outputs, seeds), *carried),
                             lambda one: self.is_active(traced, one) or (one.kind == "read" and leaf_of(traced, one) in kept))
        after = [next((slope for one, slope in read_slopes.items() if leaf_of(traced, one) is array), traced.graph.constant(0.0))
                 for array in kept]
        read_slopes = {one: slope for one, slope in read_slopes.items() if leaf_of(traced, one) not in kept}
        begin = seeded(traced, operation.finals, seeds)
        made = self.contribute(traced, region, read_slopes, seeds, after, begin, -operation.direction)
        assert made is not None
        if any(array in made.reads for array in kept):
            self.replaced[operation] = [keeping(operation, kept)]
        first = Traced(operation.start, operation.arguments, True)  # type: ignore[arg-type]
        ends = {array: [Contribution(end)] for array, end in zip(operation.finals, made.finals, strict=True)}
        self.contribute(first, region.columns, self.slopes_in(first, operation.finals, ends), ends)

    def slopes_in(self, traced: Traced, results: tuple[TracedArray, ...], seeds: Seeds) -> dict[Expression, Expression]:
        """Slopes of all that a stencil reads and that is active."""
        return slopes(traced.values, seeded(traced, results, seeds), lambda one: self.is_active(traced, one))

    def is_active(self, traced: Traced, one: Expression) -> bool:
        """Whether an expression is an element or a number with respect to which the step is differentiated, or depends on it."""
        if one.kind == "number":
            return self.activity.number(leaf_of(traced, one))
        return one.kind == "read" and leaf_of(traced, one) in self.activity.arrays

    def contribute(self, traced: Traced, region: Region, read_slopes: dict[Expression, Expression], seeds: Seeds,
                   after: list[Expression] | None = None, begin: list[Expression] | None = None,
                   direction: int = 0) -> Operation | None:
        """Compute slopes and add them to those of what is read; None where there are none.

        `after`, `begin`, `direction`: what the adjoint of a sweep carries on, from what, and whereto.
        """
        values: list[Expression] = []
        targets: list[TracedArray] = []
        parts: dict[tuple[int, int, int], list[tuple[int, int, float]]] = {}
        for one, slope in read_slopes.items():
            if slope.is_constant(0.0):
                continue
            sign, slope = (-1.0, slope.parts[0]) if slope.kind == "neg" else (1.0, slope)
            array, (levels, rows, columns) = self.target_of(traced, one)
            parts.setdefault((index_in(targets, array), rows, levels), []).append((index_in(values, slope), columns, sign))
        if not targets and after is None:
            return None
        made = self.contributions.recorded(written(traced.leaves, region.k is None, values, after, begin or ()), region, direction)
        if self.changed & set(made.reads):
            raise NotDifferentiable("a stencil reads what is filtered, or stopped at a wall, after that")
        contributions = tuple(like(array) for array in targets)
        lines = tuple(TracedArray((region.padded[1], region.padded[2] + MARGIN), array.dtype) for array in made.outputs)
        made.scatter = Scatter(len(lines), region.j, tuple(Addition(*where, tuple(some)) for where, some in parts.items()))
        made.outputs = (*contributions, *lines)
        wait(made, (contribution for some in seeds.values() for contribution in some))
        ends = [region.j]
        for number, (array, contribution) in enumerate(zip(targets, contributions, strict=True)):
            least, most = made.scatter.rows(number)
            south, north = self.activity.region(array).j
            ends.append((south - most, north - least))
            self.contributions.add(array, Contribution(contribution, most, -least), in_rows=True)
        made.region = region._replace(j=(min(south for south, _ in ends), max(north for _, north in ends)))
        return made

    def target_of(self, traced: Traced, one: Expression) -> tuple[TracedArray, tuple[int, int, int]]:
        """The array to whose slope that of an element, or of a number, is added; and levels, rows, columns from the point."""
        leaf = leaf_of(traced, one)
        if one.kind == "number":
            return self.activity.spread(leaf), (0, 0, 0)
        shifts = one.parts[0].shifts
        if None in shifts or len(shifts) != leaf.ndim or (leaf.ndim > 1 and leaf.shape[-2:] != self.activity.plane):
            raise NotDifferentiable("a stencil reads what changes at a fixed place, or what is constant along an axis")
        if leaf.ndim == 1:
            return self.activity.spread(leaf), (*shifts, 0, 0)
        return leaf, (0, *shifts)[-3:]

    # Other statements -----------------------------------------------------------------------------

    def other(self, statement: Exchange | Filter | Copy | Loop) -> None:
        """Add the adjoint of a statement that is no stencil."""
        if isinstance(statement, Filter):
            self.changed |= set(changed_by(statement))
        if isinstance(statement, Exchange):
            self.changed |= {array for halo, array in statement.placed if halo.place.is_vector}  # on walls they become zero
            self.exchange(statement)
        elif isinstance(statement, Filter):
            self.filter(statement)
        elif isinstance(statement, Copy):
            self.copy(statement)
        else:
            self.loop(statement)

    def exchange(self, exchange: Exchange) -> None:
        """Slopes of halos belong to the cells from which they come."""
        if exchange.messages:
            raise NotDifferentiable("processes exchange halos")
        placed = tuple((halo, slope) for halo, array in exchange.placed if (slope := self.contributions.whole(array)) is not None)
        if placed:
            self.contributions.recording.statements.append(ExchangeAdjoint(placed))

    def filter(self, statement: Filter) -> None:
        """The filter is its own adjoint: its response to a wave is a number."""
        pairs = tuple((slope, response) for array, response in statement.pairs
                      if (slope := self.contributions.whole(array)) is not None)
        if pairs:
            self.contributions.recording.statements.append(Filter(statement.tile, pairs))

    def copy(self, copy: Copy) -> None:
        """The slope of a copy is one of what was copied."""
        slope = self.contributions.slope(copy.target)
        if slope is None:
            return
        if copy.to is not None or copy.source.shape != copy.target.shape:
            target = TracedArray(copy.source.shape, copy.source.dtype)
            self.contributions.recording.statements += [Zero(target), InsertedCopy(target, slope, copy.cut, copy.to)]
            slope = target
        self.contributions.add(copy.source, Contribution(slope))

    def loop(self, loop: Loop) -> None:
        """Rounds backwards: each carries out the round of the step again, from what it was given then, and goes back through it."""
        given = {array: slope for array in loop.carried if (slope := self.contributions.slope(array)) is not None}
        if not given:
            return
        again = {array: like(array) for array in loop.carried}
        kept = {array: TracedArray((loop.n, *array.shape), array.dtype) for array in loop.carried}
        number = reversed_round(loop.n)
        body = replayed(loop.body, again, number)
        self.activity.arrays |= {again[array] for array in again if array in self.activity.arrays}
        self.activity.whole |= {again[array] for array in loop.carried}
        self.activity.look_at(body)
        inside = Adjoint(self.activity)
        loads: list[Statement] = [LoadedRound(again[array], kept[array], number) for array in loop.carried]
        inside.contributions.recording.statements = [*loads, *body]
        now = {array: like(array) for array in loop.carried}
        for array, end in zip(loop.carried, loop.end, strict=True):
            inside.contributions.add(again.get(end, end), Contribution(now[array]))
        inside.go_back(body)
        zero = like(loop.carried[0])
        ends = [inside.contributions.slope(again[array]) or zero for array in loop.carried]
        outer = [array for array in inside.contributions.of if array not in again.values()]
        totals = {array: like(array) for array in outer}
        for array in outer:
            inside.contributions.add(array, Contribution(totals[array]))
            ends.append(inside.contributions.slope(array))  # type: ignore[arg-type]
        statements = pruned(inside.contributions.recording.statements, set(ends))
        begins = [*(given.get(array, zero) for array in loop.carried), *(like(array) for array in outer)]
        after = (*now.values(), *totals.values())
        self.contributions.recording.statements += [Zero(zero), *(Zero(array) for array in begins[len(loop.carried):]),
                                             Loop(loop.n, after, tuple(begins), statements, tuple(ends))]
        for array, slope in (*zip(loop.begin, now.values(), strict=True), *totals.items()):
            self.contributions.add(array, Contribution(slope))
        self.replaced[loop] = kept_rounds(loop, statements, again)


class Ends(NamedTuple):
    """Slopes: of the arrays of the state, of arrays among the constants, and of numbers and profiles wherever they are read."""

    state: list[TracedArray]
    given: list[TracedArray]
    spread: dict[Any, TracedArray]


def adjoint_of(statements: list[Statement], results: list[TracedArray], inputs: list[TracedArray], given: list[TracedArray],
               numbers: list[int], slopes_given: list[TracedArray]) -> tuple[list[Statement], Ends]:
    """The statements of the adjoint of a recorded step, and where the slopes are, of which those of the results are given.

    inputs: arrays of the state; given, numbers: arrays, and places of numbers, among the constants, of which slopes are asked.
    """
    plane = next(array for array in inputs if array.ndim > 1)
    activity = Activity(statements, (array for array in (*inputs, *given) if array.dtype.kind == "f"), numbers, plane)
    adjoint = Adjoint(activity)
    contributions = adjoint.contributions
    for array, given_slope in zip(results, slopes_given, strict=True):
        if array in activity.arrays:
            contributions.add(array, Contribution(given_slope))
    adjoint.go_back(statements)
    contributions.accumulate()
    asked = [*inputs, *(activity.spread(array) if array.ndim == 1 else array for array in given)]
    read_slopes = [contributions.slope(array) for array in asked]
    ends = [slope if slope is not None else like(array) for array, slope in zip(asked, read_slopes, strict=True)]
    spread = {leaf: slope for leaf, array in activity.stands_for.items() if isinstance(leaf, Scalar)
              and (slope := contributions.slope(array)) is not None}
    zeros = [Zero(end) for end, slope in zip(ends, read_slopes, strict=True) if slope is None]
    forward = [other for statement in statements for other in adjoint.replaced.get(statement, [statement])]
    everything = pruned([*forward, *contributions.recording.statements, *zeros], {*ends, *spread.values()})
    return everything, Ends(ends[:len(inputs)], ends[len(inputs):], spread)


def keeping(operation: Operation, kept: tuple[TracedArray, ...]) -> Operation:
    """A sweep that also keeps what it carries to each level."""
    traced = Traced(operation.stencil, operation.arguments, False, carries=len(kept))
    start = Traced(operation.start, operation.arguments, True, beside=traced)  # type: ignore[arg-type]
    stencil = written(traced.leaves, False, (*traced.values, *traced.carried), traced.after, start.values)
    made = Recording().operate(stencil.function, stencil.start, operation.region, operation.direction, stencil.arguments)
    return replace(made, outputs=(*operation.outputs, *kept), finals=operation.finals)


def seeded(traced: Traced, arrays: tuple[TracedArray, ...], seeds: Seeds) -> list[Expression]:
    """Slopes of some arrays, as a stencil reads them; zero where there are none."""
    zero = traced.graph.constant(0.0)
    return [total((traced.array(part.array) for part in seeds.get(array, ())), zero) for array in arrays]


def leaf_of(traced: Traced, one: Expression) -> Any:
    """The array of which an expression is an element, or the number that it is."""
    leaf = traced.leaves[one.parts[0].leaf if one.kind == "read" else one.parts[0]]
    return leaf.array if isinstance(leaf, Field) else leaf


def like(array: TracedArray) -> TracedArray:
    """A new array of the same shape and type."""
    return TracedArray(array.shape, array.dtype)
