"""Statements of the adjoint of a step: of halos, of copies, and of the rounds of a loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dycore.backends.recorded.operations import Statement, TracedArray
from dycore.backends.recorded.scalars import Round
from dycore.backends.recorded.statements import Copy
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
        """Both arrays."""
        yield self.source
        yield self.target

    def made(self) -> tuple[TracedArray, ...]:
        """Nothing new."""
        return ()

    def changed(self) -> tuple[TracedArray, ...]:
        """The array that is there."""
        return (self.target,)


@dataclass(eq=False)
class KeptRound(Statement):
    """Keeps an array [j, i] as it is in a round of a loop, as the level of another."""

    kept: TracedArray
    source: TracedArray
    number: Round

    def touched(self) -> Iterator[TracedArray]:
        """Both arrays."""
        yield self.kept
        yield self.source

    def changed(self) -> tuple[TracedArray, ...]:
        """The array in which it is kept."""
        return (self.kept,)

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
