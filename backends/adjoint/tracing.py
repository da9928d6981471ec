"""Stencils as expressions (dycore.backends.adjoint.expressions) of what they read.

A stencil is called with symbols for the point and for its arguments, as its check calls it with types (dycore.abstract).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.backends.adjoint.expressions import Element, Expression, Graph, Namespace, Point, made
from dycore.fields import Field, map_arguments


class SymbolicArray:
    """An array among the arguments of a stencil: its elements are expressions."""

    def __init__(self, graph: Graph, place: int, array: Any):
        self.graph, self.place, self.array = graph, place, array
        self.ndim, self.shape, self.dtype = len(array.shape), tuple(array.shape), np.dtype(array.dtype)

    def __getitem__(self, index: Any) -> Expression:
        index = index if isinstance(index, tuple) else (index,)
        shifts = tuple(at.shift if isinstance(at, Point) else None for at in index)
        fixed = (at for at in index if not isinstance(at, Point))
        return made(self.graph, "read", Element(self.place, shifts), *fixed)

    def __array_namespace__(self) -> Any:
        return Namespace


class Traced:
    """A stencil, or a level of a sweep, as expressions.

    leaves: arrays and numbers among its arguments, by which `read` and `number` say what they take; carried: what a sweep
    carries to this level, be it elements of the arrays `kept`; values, and after: what it returns and carries on.
    """

    def __init__(self, function: Callable, arguments: tuple, columns: bool, kept: tuple = (), carries: int = 0,
                 beside: Traced | None = None):
        self.graph: Graph = beside.graph if beside else Graph()
        self.leaves: list[Any] = beside.leaves if beside else []
        point = tuple(Point(self.graph, axis) for axis in ("ji" if columns else "kji"))
        given = tuple(map_arguments(self._symbol, argument) for argument in arguments)
        self.carried = tuple(map(self.array, kept)) or tuple(self.graph.make("carried", number) for number in range(carries))
        if self.carried:
            after, values = function(*point, self.carried, *given)
        else:
            after, values = (), function(*point, *given)
        self.after, self.values = self.expressions(after), self.expressions(values)

    def expressions(self, values: Any) -> tuple[Expression, ...]:
        """Values that a stencil returns, of which some may be numbers."""
        several = values if isinstance(values, tuple) else (values,)
        return tuple(value if isinstance(value, Expression) else self.graph.constant(value) for value in several)

    def _symbol(self, leaf: Any) -> Any:
        array = leaf.array if isinstance(leaf, Field) else leaf
        if isinstance(array, (bool, type(None), str)) or (callable(array) and not hasattr(array, "dtype")):
            return leaf
        place = self.place(leaf)
        if np.ndim(array):
            return SymbolicArray(self.graph, place, array)
        return self.graph.make("number", place)

    def place(self, leaf: Any) -> int:
        """The number of a leaf, an array or a number."""
        array = leaf.array if isinstance(leaf, Field) else leaf
        for number, known in enumerate(self.leaves):
            if (known.array if isinstance(known, Field) else known) is array:
                return number
        self.leaves.append(leaf)
        return len(self.leaves) - 1

    def array(self, leaf: Any) -> Any:
        """Elements of another array at the point."""
        return self.graph.make("read", Element(self.place(leaf), (0,) * len(leaf.shape)))
