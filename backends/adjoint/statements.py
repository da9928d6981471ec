"""Statements of the adjoint of a step: of halos, of copies, and of the rounds of a loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dycore.backends.recorded.operations import Operation, Statement, TracedArray
from dycore.backends.recorded.scalars import Round
from dycore.backends.recorded.statements import Copy, Exchange, Filter
from dycore.halo_sources import copies_x, copies_y
from dycore.tiles import Halo


@dataclass(eq=False)
class ExchangeAdjoint(Statement):
    """Adds the slopes of halos to those of the cells from which they are filled, and sets them to zero."""

    placed: tuple[tuple[Halo, TracedArray], ...]

    def touched(self) -> Iterator[TracedArray]:
        """The slopes."""
        yield from (array for _, array in self.placed)

    def filled(self) -> tuple[tuple[Halo, TracedArray], ...]:
        """Halos, and the slopes around which they lie."""
        return self.placed

    def emit(self, writer: Any, indent: str) -> None:
        """Strips in the opposite order."""
        for halo, array in self.placed:
            writer.strips_back(array, [*copies_y(halo), *copies_x(halo)][::-1], indent)


@dataclass(eq=False)
class InsertedCopy(Copy):
    """Copies a part of an array into one that is there."""

    def touched(self) -> Iterator[TracedArray]:
        """The arrays, as both have to be there."""
        yield self.source
        yield self.target

    def made(self) -> tuple[TracedArray, ...]:
        """Nothing new."""
        return ()


@dataclass(eq=False)
class KeptRound(Statement):
    """Keeps an array [j, i] as it is in a round of a loop, as the level of another."""

    kept: TracedArray
    source: TracedArray
    number: Round

    def touched(self) -> Iterator[TracedArray]:
        """The arrays, as both have to be there."""
        yield self.kept
        yield self.source

    def emit(self, writer: Any, indent: str) -> None:
        """One call."""
        writer.copy_round(True, self.kept, self.source, self.number, indent)


@dataclass(eq=False)
class LoadedRound(Statement):
    """Makes an array [j, i] of what was kept in a round."""

    target: TracedArray
    kept: TracedArray
    number: Round

    def touched(self) -> Iterator[TracedArray]:
        """The array in which it is kept."""
        yield self.kept

    def made(self) -> tuple[TracedArray, ...]:
        """The array."""
        return (self.target,)

    def emit(self, writer: Any, indent: str) -> None:
        """One call."""
        writer.copy_round(False, self.kept, self.target, self.number, indent)


def pruned(statements: list[Statement], wanted: set[TracedArray]) -> list[Statement]:
    """The statements on which something depends that is wanted."""
    kept: list[Statement] = []
    wanted = set(wanted)
    for statement in reversed(statements):
        if isinstance(statement, (Exchange, ExchangeAdjoint)):
            placed = tuple((halo, array) for halo, array in statement.placed if array in wanted)
            if placed:
                kept.append(replace(statement, placed=placed))
        elif wanted & set(changed_by(statement)):
            kept.append(statement)
            wanted |= set(statement.touched())
    return kept[::-1]


def changed_by(statement: Statement) -> tuple[TracedArray, ...]:
    """The arrays that a statement makes or changes, but for halos."""
    if isinstance(statement, Operation):
        return statement.results
    if isinstance(statement, Filter):
        return tuple(array for array, _ in statement.pairs)
    return (statement.target,) if isinstance(statement, InsertedCopy) else statement.made()
