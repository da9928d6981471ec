"""Expressions: what a stencil computes at its point from elements of arrays and numbers (dycore.backends.adjoint.tracing)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from dycore import stencils

BINARY = {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}
COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "and": "&", "or": "|"}
FUNCTIONS = {name: getattr(stencils, name) for name in ("where", "maximum", "minimum", "absolute", "power", "square_root")}


class NotDifferentiable(Exception):
    """A step, or a part of one, whose adjoint is not known in this form."""


class Point:
    """An index of the point, and so many more; compared with something it is an expression."""

    __hash__ = object.__hash__

    def __init__(self, graph: Graph, axis: str, shift: int = 0):
        self.graph, self.axis, self.shift = graph, axis, shift

    def __add__(self, more: int) -> Point:
        return Point(self.graph, self.axis, self.shift + more)

    def __sub__(self, less: int) -> Point:
        return Point(self.graph, self.axis, self.shift - less)

    def _compared(self, kind: str, other: Any) -> Expression:
        return made(self.graph, kind, self.graph.make("index", self.axis, self.shift), other)

    def __lt__(self, other: Any) -> Expression:
        return self._compared("lt", other)

    def __le__(self, other: Any) -> Expression:
        return self._compared("le", other)

    def __gt__(self, other: Any) -> Expression:
        return self._compared("gt", other)

    def __ge__(self, other: Any) -> Expression:
        return self._compared("ge", other)

    def __eq__(self, other: object) -> Any:
        return self._compared("eq", other)


class Element(NamedTuple):
    """An element of a leaf, at shifts from the point; None along an axis where the place is fixed, and another part says it."""

    leaf: int
    shifts: tuple[int | None, ...]


class Graph:
    """Expressions of one stencil, each of which is kept once."""

    def __init__(self) -> None:
        self._known: dict[tuple, Expression] = {}

    def make(self, kind: str, *parts: Any) -> Expression:
        """The expression of a kind and parts, which are expressions or, of a leaf, what it is."""
        key = kind, *(id(part) if isinstance(part, Expression) else part for part in parts)
        if key not in self._known:
            self._known[key] = Expression(self, kind, parts, len(self._known))
        return self._known[key]

    def constant(self, value: float) -> Expression:
        """A number that is written in the source."""
        return self.make("constant", value, type(value))  # 1 and 1.0 are equal


class Expression:
    """A value at the point: `kind` says what of, `parts` from which expressions, or which element, it is made.

    dtype: that it is a number; precision is the business of what is compiled.
    """

    shape: tuple = ()
    ndim = 0
    dtype = np.dtype(float)
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, graph: Graph, kind: str, parts: tuple, number: int):
        self.graph, self.kind, self.parts, self.number = graph, kind, parts, number

    def __array_namespace__(self) -> Any:
        return Namespace

    def is_constant(self, value: float) -> bool:
        """Whether it is this number of the source."""
        return self.kind == "constant" and self.parts[0] == value

    def __add__(self, other: Any) -> Expression:
        return combined(self.graph, "add", self, other)

    def __radd__(self, other: Any) -> Expression:
        return combined(self.graph, "add", other, self)

    def __sub__(self, other: Any) -> Expression:
        return combined(self.graph, "sub", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return combined(self.graph, "sub", other, self)

    def __mul__(self, other: Any) -> Expression:
        return combined(self.graph, "mul", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return combined(self.graph, "mul", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return combined(self.graph, "truediv", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return combined(self.graph, "truediv", other, self)

    def __pow__(self, exponent: Any) -> Expression:
        if isinstance(exponent, (int, float)) and exponent == 2:
            return self * self
        return made(self.graph, "power", self, exponent)

    def __neg__(self) -> Expression:
        return self.graph.make("neg", self) if self.kind != "neg" else self.parts[0]

    def __abs__(self) -> Expression:
        return self.graph.make("absolute", self)


def _add_comparison(name: str) -> None:
    setattr(Expression, f"__{name}__", lambda one, other: made(one.graph, name, one, other))
    if name in ("and", "or"):
        setattr(Expression, f"__r{name}__", lambda one, other: made(one.graph, name, other, one))


for _name in COMPARISONS:
    _add_comparison(_name)


def made(graph: Graph, kind: str, *parts: Any) -> Expression:
    """An expression of parts that may be numbers."""
    return graph.make(kind, *(part if isinstance(part, (Expression, Element)) else graph.constant(part) for part in parts))


def combined(graph: Graph, kind: str, one: Any, other: Any) -> Expression:
    """A sum, difference, product or quotient, without what changes nothing."""
    one, other = (part if isinstance(part, Expression) else graph.constant(part) for part in (one, other))
    if kind in ("add", "sub") and other.is_constant(0.0):
        return one
    if kind == "add" and one.is_constant(0.0):
        return other
    if kind == "sub" and one.is_constant(0.0):
        return -other
    if kind == "mul" and (one.is_constant(0.0) or other.is_constant(0.0)):
        return graph.constant(0.0)
    if kind in ("mul", "truediv") and other.is_constant(1.0):
        return one
    if kind == "mul" and one.is_constant(1.0):
        return other
    return graph.make(kind, one, other)


class Namespace:
    """Functions that the language of stencils asks of a value."""

    @staticmethod
    def where(condition: Any, true: Any, false: Any) -> Expression:
        """`true` where the condition holds, else `false`."""
        graph = next(part.graph for part in (condition, true, false) if isinstance(part, Expression))
        return made(graph, "where", condition, true, false)

    @staticmethod
    def maximum(a: Any, b: Any) -> Expression:
        """The larger value."""
        return made((a if isinstance(a, Expression) else b).graph, "maximum", a, b)

    @staticmethod
    def minimum(a: Any, b: Any) -> Expression:
        """The smaller value."""
        return made((a if isinstance(a, Expression) else b).graph, "minimum", a, b)

    @staticmethod
    def sqrt(a: Any) -> Expression:
        """The square root."""
        return made(a.graph, "square_root", a)

    @staticmethod
    def pow(base: Any, exponent: Any) -> Expression:
        """The base to some power."""
        return made((base if isinstance(base, Expression) else exponent).graph, "power", base, exponent)


def in_order(results: Iterable[Expression]) -> list[Expression]:
    """All expressions of which some are made, each behind its parts."""
    known: dict[int, Expression] = {}
    left = list(results)
    while left:
        one = left.pop()
        if one.number not in known:
            known[one.number] = one
            left += [part for part in one.parts if isinstance(part, Expression)]
    return [known[number] for number in sorted(known)]


def index_in(known: list, one: Any) -> int:
    """The place of something in a list, in which it is put if it is not there."""
    for place, other in enumerate(known):
        if other is one:
            return place
    known.append(one)
    return len(known) - 1
