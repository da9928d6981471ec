"""Point functions of a stencil as expressions: what it computes from what it reads, and how that depends on what it reads.

A stencil is called with symbols for the point and for its arguments, as its check calls it with types (dycore.abstract). What it
returns are expressions; `slopes` differentiates these in reverse mode, and `source_of` writes any expressions down as the source
of a stencil. Derivatives are those of JAX, also where there are two: in the middle of a corner of `maximum` or `absolute`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from dycore import stencils
from dycore.fields import Field, map_arguments

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
        self.graph = beside.graph if beside else Graph()
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


def slopes(values: Iterable[Expression], seeds: Iterable[Expression], wanted: Callable[[Expression], bool]) -> dict:
    """For every leaf that is wanted, the sum over the values of seed times derivative: reverse mode."""
    total: dict[Expression, Expression] = {}
    values, seeds = list(values), list(seeds)
    depends: set[Expression] = set()
    order = in_order(values)
    for one in order:
        if wanted(one) or any(part in depends for part in one.parts if isinstance(part, Expression)):
            depends.add(one)
    for value, seed in zip(values, seeds, strict=True):
        total[value] = total[value] + seed if value in total else seed
    for one in reversed(order):
        if one not in depends or one not in total or not isinstance(one.parts[0], Expression):
            continue
        for part, slope in parts_of_slope(one, total[one]):
            if part in depends:
                total[part] = total[part] + slope if part in total else slope
    return {one: slope for one, slope in total.items() if wanted(one)}


def parts_of_slope(one: Expression, g: Expression) -> list[tuple[Expression, Expression]]:
    """The parts of an expression, and what its slope `g` contributes to theirs."""
    graph, kind, parts = one.graph, one.kind, one.parts
    zero = graph.constant(0.0)
    if kind == "neg":
        return [(parts[0], -g)]
    if kind == "absolute":
        return [(parts[0], Namespace.where(parts[0] > 0.0, g, Namespace.where(parts[0] < 0.0, -g, zero)))]
    if kind == "square_root":
        return [(parts[0], 0.5 * g / one)]
    if kind in COMPARISONS:
        return []
    a, b = parts[-2:]
    if kind == "add":
        return [(a, g), (b, g)]
    if kind == "sub":
        return [(a, g), (b, -g)]
    if kind == "mul":
        return [(a, g * b), (b, g * a)]
    if kind == "truediv":
        return [(a, g / b), (b, -(g * one / b))]
    if kind in ("maximum", "minimum"):
        larger, other = (a, b) if kind == "maximum" else (b, a)
        half = 0.5 * g
        return [(a, Namespace.where(larger > other, g, Namespace.where(larger == other, half, zero))),
                (b, Namespace.where(larger > other, zero, Namespace.where(larger == other, half, g)))]
    if kind == "where":
        return [(a, Namespace.where(parts[0], g, zero)), (b, Namespace.where(parts[0], zero, g))]
    if kind == "power" and b.kind in ("constant", "number"):
        return [(a, g * b * made(graph, "power", a, b - 1.0))]
    raise NotDifferentiable(f"the derivative of {kind} is not written down")
