"""Slopes of the arrays of a step in parts: what every stencil that reads an array adds to its slope."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

from dycore.abstract import Reads
from dycore.backends.adjoint.expressions import Element, Expression, Graph
from dycore.backends.adjoint.generated import Written, written
from dycore.backends.recorded.operations import Operation, Statement, TracedArray
from dycore.backends.recorded.recording import Recording
from dycore.backends.recorded.scalars import Scalar
from dycore.backends.recorded.statements import Loop
from dycore.fields import Region
from dycore.tiles import HALO_LEVELS


class Contribution(NamedTuple):
    """A part of the slope of an array; a row is complete when its maker is `later` rows further, and kept for `earlier`."""

    array: TracedArray
    earlier: int = 0
    later: int = 0


class Activity:
    """The dependences of a step on the arrays and numbers with respect to which it is differentiated, and where arrays are made.

    Numbers and profiles [k] have slopes at every point that reads them, in an array that stands for them (`spread`).
    """

    def __init__(self, statements: list[Statement], arrays: Iterable[TracedArray], numbers: Iterable[int], plane: TracedArray):
        self.arrays, self.numbers, self.plane, self.dtype = set(arrays), set(numbers), plane.shape[-2:], plane.dtype
        self.whole = set(self.arrays)  # arrays of which all rows and columns may be read
        self.made_in: dict[TracedArray, Region] = {}
        self.stands_for: dict[Any, TracedArray] = {}
        self.look_at(statements)

    def look_at(self, statements: list[Statement]) -> None:
        """Find which arrays depend on active ones, and where they are made."""
        for statement in statements:
            if isinstance(statement, Loop):
                if self.is_touched(statement):
                    self.arrays |= set(statement.carried)
                self.whole |= set(statement.carried)
                self.look_at(statement.body)
                continue
            if isinstance(statement, Operation):
                made = statement.results
                self.made_in |= {array: statement.region if array.ndim == 3 else statement.region.columns for array in made}
            else:
                made = statement.made()
                self.whole |= {*made, *(array for _, array in statement.filled())}
            if self.is_touched(statement):
                self.arrays |= set(made)

    def is_touched(self, statement: Statement) -> bool:
        """Whether a statement reads something active."""
        return bool(self.arrays & set(statement.touched())) or bool(self.numbers)

    def number(self, leaf: Any) -> bool:
        """Whether a number depends on active ones."""
        if not isinstance(leaf, Scalar):
            return False
        return leaf.place in self.numbers if leaf.made_of is None else any(map(self.number, leaf.made_of[1]))

    def spread(self, leaf: Any) -> TracedArray:
        """The array that stands for a number, or a profile: of planes, or of columns."""
        if leaf not in self.stands_for:
            levels = leaf.shape if isinstance(leaf, TracedArray) else ()
            self.stands_for[leaf] = TracedArray((*levels, *self.plane), self.dtype)
            self.whole.add(self.stands_for[leaf])
        return self.stands_for[leaf]

    def region(self, array: TracedArray) -> Region:
        """Where the slope of an array may differ from zero, without halo levels."""
        made = self.made_in.get(array)
        if array in self.whole or made is None:
            k = None if array.ndim < 3 else made.k if made is not None else (0, array.shape[0])
            rows, columns = array.shape[-2:]
            made = Region(k, (0, rows), (0, columns), (array.shape[0] if array.ndim == 3 else 1, rows, columns))
        return inner(made)


def inner(region: Region) -> Region:
    """The region without halo levels."""
    if region.k is None:
        return region
    return region._replace(k=(max(region.k[0], HALO_LEVELS), min(region.k[1], region.padded[0] - HALO_LEVELS)))


class Contributions:
    """The contributions of arrays that are not added up yet, and a recording of what adds them up."""

    def __init__(self, activity: Activity) -> None:
        self.activity, self.recording = activity, Recording()
        self.of: dict[TracedArray, list[Contribution]] = {}
        self._in_rows: set[TracedArray] = set()

    def add(self, array: TracedArray, contribution: Contribution, in_rows: bool = False) -> None:
        """Put a contribution to others; `in_rows`: its rows are there as long as its group goes on."""
        self.of.setdefault(array, []).append(contribution)
        if in_rows:
            self._in_rows.add(contribution.array)

    def slope(self, array: TracedArray) -> TracedArray | None:
        """The slope of an array, of all contributions that it has so far, which it has no more; None where it has none."""
        contributions = self.of.pop(array, [])
        if not contributions:
            return None
        if len(contributions) == 1 and contributions[0].array not in self._in_rows:
            return contributions[0].array
        graph = Graph()
        leaves = list({contribution.array: None for contribution in contributions})
        parts = (graph.make("read", Element(leaves.index(contribution.array), (0,) * array.ndim)) for contribution in contributions)
        region = self.activity.region(array)
        made = self.recorded(written(leaves, region.k is None, [total(parts, graph.constant(0.0))]), region)
        wait(made, contributions)
        return made.outputs[0]

    def whole(self, array: TracedArray) -> TracedArray | None:
        """The slope of an array that is about to change where it is, and remains its contribution."""
        slope = self.slope(array)
        if slope is not None:
            self.of[array] = [Contribution(slope)]
        return slope

    def accumulate(self) -> None:
        """Add up all contributions that are not yet: they are rows of a group of stencils, which ends here."""
        for array in list(self.of):
            self.whole(array)

    def seeds(self, array: TracedArray) -> list[Contribution]:
        """Contributions of the slope of an array for the stencil that made it, which adds them up: none, or all."""
        if array in self.activity.whole:
            slope = self.slope(array)
            return [] if slope is None else [Contribution(slope)]
        return self.of.pop(array, [])

    def recorded(self, stencil: Written, region: Region, direction: int = 0) -> Operation:
        """An operation of what was written."""
        return self.recording.operate(stencil.function, stencil.start, region, direction, stencil.arguments)


def total(parts: Iterable[Expression], zero: Expression) -> Expression:
    """The sum of expressions."""
    return functools.reduce(operator.add, parts, zero)


def wait(operation: Operation, contributions: Iterable[Contribution]) -> None:
    """Let an operation wait for the rows of contributions that it reads."""
    for contribution in contributions:
        if contribution.array in operation.reads:
            extent = Reads(-contribution.earlier, contribution.later, 0, 0, True)
            operation.reads[contribution.array] = operation.reads[contribution.array].union(extent)
