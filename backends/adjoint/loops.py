"""Rounds of a loop of a step once more, for its adjoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dycore.backends.adjoint.expressions import NotDifferentiable
from dycore.backends.adjoint.statements import KeptRound, LoadedRound
from dycore.backends.recorded.operations import Operation, Statement, TracedArray
from dycore.backends.recorded.recording import Recording
from dycore.backends.recorded.scalars import Element, Round
from dycore.backends.recorded.statements import Exchange, Loop, Zero
from dycore.fields import Field, map_arguments

ROUND = "m"  # the name that loops of programs give the number of their round


def reversed_round(n: int) -> Round:
    """The number of a round, of n, counted from the last."""
    return Round(ROUND, of=n)


def replayed(statements: list[Statement], again: dict[TracedArray, TracedArray], number: Round) -> list[Statement]:
    """Statements of a loop in another round, of other arrays: `again`, to which those are added that are made."""

    def other(leaf: Any) -> Any:
        if isinstance(leaf, Field):
            return Field(again.get(leaf.array, leaf.array), leaf.region, leaf.origin, leaf.name)
        if isinstance(leaf, Element):
            return Element(leaf.table, tuple(number + place.more if isinstance(place, Round) else place for place in leaf.index))
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
    return aside.statements


def kept_rounds(loop: Loop, statements: list[Statement], again: dict[TracedArray, TracedArray]) -> list[Statement]:
    """The loop of a step that keeps what its adjoint, of some statements, loads."""
    loads = [statement for statement in statements if isinstance(statement, LoadedRound)]
    keeps = [KeptRound(load.kept, array, Round(ROUND)) for load in loads for array in loop.carried if again[array] is load.target]
    return [*(Zero(load.kept) for load in loads), replace(loop, body=[*keeps, *loop.body])]
