"""Derivatives of numbers that a step makes of those that it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.backends.adjoint.derivatives import slopes
from dycore.backends.adjoint.expressions import Expression, Graph, Namespace, NotDifferentiable, index_in
from dycore.backends.adjoint.generated import written
from dycore.backends.recorded.scalars import Scalar, chosen

NAMES = {np.sqrt: Namespace.sqrt, np.minimum: Namespace.minimum, np.maximum: Namespace.maximum, chosen: Namespace.where}


class Derivatives(NamedTuple):
    """Derivatives of a number with respect to numbers that are given, by their places."""

    places: tuple[int, ...]
    function: Callable
    arguments: tuple[Scalar, ...]

    def of(self, numbers: list[Any]) -> dict[int, Any]:
        """The derivatives, of the numbers that a step is given."""
        return dict(zip(self.places, self.function(None, None, *(leaf.value(numbers) for leaf in self.arguments)), strict=True))


def derivatives(number: Scalar, places: list[int]) -> Derivatives:
    """Derivatives of a number with respect to those that are given at some places. Raises NotDifferentiable for unknown ones."""
    graph, leaves = Graph(), list[Scalar]()
    try:
        whole = expression(number, graph, leaves)
    except TypeError as problem:
        raise NotDifferentiable(f"a number is made by a function whose derivative is not known ({problem})") from None
    by_number = slopes([whole], [graph.constant(1.0)], lambda one: one.kind == "number" and leaves[one.parts[0]].place in places)
    stencil = written(leaves, True, list(by_number.values()))
    known = tuple(leaves[one.parts[0]].place or 0 for one in by_number)
    return Derivatives(known, stencil.function, stencil.arguments)


def expression(number: Scalar, graph: Graph, leaves: list[Scalar]) -> Expression:
    """A number as an expression of given ones."""
    if number.made_of is None:
        return graph.make("number", index_in(leaves, number))
    function, operands = number.made_of
    made: Any = NAMES.get(function, function)
    return made(*(expression(operand, graph, leaves) if isinstance(operand, Scalar) else operand
                                           for operand in operands))
