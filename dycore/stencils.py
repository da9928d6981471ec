"""The language in which dycore is written: a stencil is a plain function of a point.

    @stencil
    def divergence(k, j, i, grid, u, v):
        return ((u[k, j, i + 1] - u[k, j, i]) / grid.dx_u[j, i]
                + (v[k, j + 1, i] - v[k, j, i]) / grid.dy_v[j, i])

With integers it returns a number: that is what Numba compiles to a loop. With ranges (`Index`) it
returns an array: that is what NumPy and JAX run, because `i + 1` of a range is the range one cell to
the east. Every index counts the halo: `q[k, j, i]` is the element [k, j, i] of the padded array.

A field is read as `q[k, j, i]`, `area[j, i]` or `thickness[k]`; arguments may be fields, numbers,
other stencils, terms (dycore.terms) and named tuples of these. Number literals are written as floats (`2.0 * x`), so that
single precision stays single.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any, NamedTuple, TypeVar

import numpy as np

AXES = "kji"
Stencil = TypeVar("Stencil", bound=Callable)


def stencil(function: Stencil) -> Stencil:
    """Mark a function as a stencil, so that backends compile it and the stencils it calls."""
    function.is_stencil = True  # type: ignore[attr-defined]
    return function


def of_columns(function: Callable) -> bool:
    """Whether a stencil is one of columns (j, i, ...), not of cells (k, j, i, ...)."""
    return function.__code__.co_varnames[0] != "k"


class Bound(NamedTuple):
    """A stencil with all its arguments but the point."""

    stencil: Callable
    arguments: tuple

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the stencil's arguments after the point."""
        code = self.stencil.__code__
        return code.co_varnames[2 if of_columns(self.stencil) else 3 : code.co_argcount]


class Region(NamedTuple):
    """The index ranges [start, stop) over which a stencil is applied; k is None for columns [j, i].

    `padded` is the shape [k, j, i] of a whole array, halo included.
    """

    k: tuple[int, int] | None
    j: tuple[int, int]
    i: tuple[int, int]
    padded: tuple[int, int, int]

    def grow(self, west: int = 0, east: int = 0, south: int = 0, north: int = 0) -> Region:
        """The region with so many more cells on each side."""
        return self._replace(j=(self.j[0] - south, self.j[1] + north), i=(self.i[0] - west, self.i[1] + east))

    @property
    def with_halo(self) -> Region:
        """The region in all levels that it has, halo included."""
        return self._replace(j=(0, self.padded[1]), i=(0, self.padded[2]))

    @property
    def columns(self) -> Region:
        """The same region without its levels."""
        return self._replace(k=None)

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, stop) of each axis that the region has."""
        return tuple(r for r in self[:3] if r is not None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each axis that the region has."""
        return tuple(stop - start for start, stop in self.ranges)

    def indices(self) -> tuple[Index, ...]:
        """The `Index` of each axis that the region has."""
        names = AXES if self.k is not None else AXES[1:]
        return tuple(Index(axis, *r) for axis, r in zip(names, self.ranges, strict=True))


class Index(NamedTuple):
    """A range of indices along one axis; `i - 1` is the range one cell to the west."""

    axis: str
    start: int
    stop: int

    def __add__(self, shift: int) -> Index:  # type: ignore[override]
        return Index(self.axis, self.start + shift, self.stop + shift)

    def __sub__(self, shift: int) -> Index:
        return self + (-shift)

    def positions(self) -> np.ndarray:
        """The indices as an array that broadcasts against [k, j, i]."""
        shape = [-1 if self.axis == axis else 1 for axis in AXES]
        return np.arange(self.start, self.stop, dtype=np.int32).reshape(shape)

    def __ge__(self, other: Any) -> Any:
        return self.positions() >= other

    def __gt__(self, other: Any) -> Any:
        return self.positions() > other

    def __lt__(self, other: Any) -> Any:
        return self.positions() < other

    def __le__(self, other: Any) -> Any:
        return self.positions() <= other

    def __eq__(self, other: object) -> Any:
        return self.positions() == other


class Field:
    """An array together with the region on which it holds values.

    `array[0, 0, 0]` is the point `origin`: a backend may keep just the region (NumPy, JAX) or the
    whole padded array (Numba, origin 0). Reading outside the region raises IndexError.
    """

    __slots__ = ("array", "name", "origin", "region")

    def __init__(self, array: Any, region: tuple[tuple[int, int], ...], origin: tuple[int, ...], name: str = "a field"):
        self.array, self.region, self.origin, self.name = array, region, origin, name

    @classmethod
    def whole(cls, array: Any, name: str = "a field") -> Field:
        """A padded array, halo included."""
        return cls(array, tuple((0, n) for n in array.shape), (0,) * array.ndim, name)

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) and not isinstance(index, Index) else (index,)
        shape = self.array.shape
        if len(index) != len(shape):
            raise IndexError(f"{self.name} has {len(shape)} axes but is read with {len(index)} indices.")
        slices: list[Any] = []
        for axis, (at, (low, high), origin) in enumerate(zip(index, self.region, self.origin, strict=True)):
            collapsed = (low, high) == (0, 1) and axis >= len(shape) - 2 and len(shape) > 1
            if collapsed:  # constant along this axis
                slices.append(slice(None) if isinstance(at, Index) else 0)
            elif isinstance(at, Index):
                if at.start < low or at.stop > high:
                    raise IndexError(
                        f"{self.name} is read at {at.axis} = {at.start}..{at.stop - 1} but holds values only at "
                        f"{low}..{high - 1}. Apply the stencil on a smaller region or fill a wider halo."
                    )
                slices.append(slice(at.start - origin, at.stop - origin))
            else:
                slices.append(at - origin)
        if all(isinstance(s, (slice, int)) for s in slices):
            values = self.array[tuple(slices)]
        else:  # a level number known only while the compiled program runs
            values = self.array[slices[0]][tuple(slices[1:])] if len(slices) > 1 else self.array[slices[0]]
        if len(shape) == 1 and isinstance(index[0], Index):  # a profile in k stands across [j, i]
            values = values.reshape(index[0].positions().shape)
        return values


def axes_of(value: Any) -> int:
    """Number of indices with which a value is read: 0 for a number, 1 for a profile [k], 2 for [j, i], 3 for [k, j, i]."""
    return int(np.ndim(value.array if isinstance(value, Field) else value))


def coefficient_at(k: Any, j: Any, i: Any, coefficient: Any) -> Any:
    """A coefficient at a point of a stencil of cells: it is a number, a profile [k], a plane [j, i] or a volume [k, j, i]."""
    axes = axes_of(coefficient)
    if axes == 0:
        return coefficient
    if axes == 1:
        return coefficient[k]
    return coefficient[j, i] if axes == 2 else coefficient[k, j, i]


def _namespace(*values: Any) -> Any:
    for value in values:
        if hasattr(value, "__array_namespace__") and not isinstance(value, (np.ndarray, np.generic)):
            return value.__array_namespace__()
    return np if any(hasattr(value, "dtype") for value in values) else _OfNumbers


class _OfNumbers:
    """The same for Python numbers, which stay Python numbers and so take the precision of what they meet."""

    minimum = staticmethod(lambda a, b: np.minimum(a, b).item())
    maximum = staticmethod(lambda a, b: np.maximum(a, b).item())
    where = staticmethod(lambda condition, true, false: true if condition else false)
    sqrt = staticmethod(math.sqrt)
    pow = staticmethod(lambda base, exponent: _power_of_numbers(base, exponent))


def where(condition: Any, true: Any, false: Any) -> Any:
    """`true` where the condition holds, else `false`; both are evaluated."""
    return _namespace(true, false, condition).where(condition, true, false)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two values."""
    return _namespace(a, b).maximum(a, b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two values."""
    return _namespace(a, b).minimum(a, b)


def absolute(a: Any) -> Any:
    """The magnitude of a value."""
    return abs(a)


def quotient(a: Any, b: Any) -> Any:
    """a / b, b > 0, whose slope is finite in single precision where b is tiny: a power of two in both changes no bit (a < 1e17)."""
    scale = where(b < 2.0**-50, 2.0**70, 1.0 + 0.0 * b)
    return scale * a / (scale * b)


def square_root(a: Any) -> Any:
    """The square root of a value that is not negative; at zero its slope, which is infinite, counts as zero."""
    return where(a == 0.0, 0.0, _namespace(a).sqrt(where(a == 0.0, 1.0, a)))


def _power_of_numbers(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return math.nan


_power_of_arrays = np.frompyfunc(_power_of_numbers, 2, 1)


def power(base: Any, exponent: Any) -> Any:
    """The base to some power, not a number where there is no such real number; for a few values a column.

    NumPy's own power differs in the last place from that of the C library, which compiled programs call.
    """
    namespace = _namespace(base, exponent)
    if namespace is not np:
        return namespace.pow(base, exponent)
    return np.asarray(_power_of_arrays(base, exponent), getattr(base, "dtype", float))[()]


# Checking a stencil before it runs -------------------------------------------------------------


class Abstract:
    """Stands for an array of some precision while a stencil is checked: no values, only a type and what it was made of.

    `on_read(index)` says where an element comes from; `sources` are all such origins of a value.
    """

    def __init__(self, dtype: Any, shape: tuple[int, ...] = (), on_read: Callable[[tuple], frozenset] = lambda index: frozenset(),
                 sources: frozenset = frozenset()):
        self.dtype, self.shape, self.ndim = np.dtype(dtype), shape, len(shape)
        self.on_read, self.sources = on_read, sources

    def __getitem__(self, index: Any) -> Abstract:
        return Abstract(self.dtype, sources=self.on_read(index if isinstance(index, tuple) else (index,)))

    def reshape(self, shape: Any) -> Abstract:
        return self

    def __array_namespace__(self) -> Any:
        return Abstract

    def _with(self, *others: Any) -> Abstract:
        dtype, sources = self.dtype, self.sources
        for other in others:
            sources |= sources_of(other)
            theirs = getattr(other, "dtype", None)
            if theirs is None or theirs == dtype or theirs.kind in "bi":
                continue
            if dtype.kind in "bi":
                dtype = theirs
                continue
            raise TypeError(
                f"{dtype} meets {theirs} in one expression. All fields and numbers of a model have one precision: "
                "build the case with precision='float32' or precision='float64' and convert what you add to it."
            )
        return Abstract(dtype, sources=sources)

    @staticmethod
    def where(condition: Any, true: Any, false: Any) -> Abstract:
        one, other = (true, false) if isinstance(true, Abstract) else (false, true)
        chosen = one._with(other) if isinstance(one, Abstract) else Abstract(np.asarray(true).dtype)
        return Abstract(chosen.dtype, sources=chosen.sources | sources_of(condition))

    @staticmethod
    def maximum(a: Any, b: Any) -> Abstract:
        return a._with(b) if isinstance(a, Abstract) else b._with(a)

    minimum = pow = maximum

    @staticmethod
    def sqrt(a: Any) -> Abstract:
        return a

    def __abs__(self) -> Abstract:
        return self

    __neg__ = __abs__

    def _compare(self, other: Any) -> Abstract:
        return Abstract(bool, sources=self.sources | sources_of(other))

    __lt__ = __le__ = __gt__ = __ge__ = _compare
    __array_priority__ = 1000
    __array_ufunc__ = None


def sources_of(value: Any) -> frozenset:
    """What a value was made of; nothing if it is a number, or an index."""
    return value.sources if isinstance(value, Abstract) else frozenset()


for _name in ("add", "sub", "mul", "truediv", "pow", "and", "or"):
    setattr(Abstract, f"__{_name}__", Abstract._with)
    setattr(Abstract, f"__r{_name}__", Abstract._with)


def map_arguments(visit: Callable[[Any], Any], argument: Any) -> Any:
    """Rebuild an argument (nested named tuples and tuples) with `visit` applied to its leaves."""
    if isinstance(argument, tuple) and not isinstance(argument, Index):
        parts = [map_arguments(visit, part) for part in argument]
        return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
    return visit(argument)


def as_field(value: Any, name: str = "a field") -> Any:
    """Arrays become fields; numbers, fields and stencils stay what they are."""
    if isinstance(value, Field) or not hasattr(value, "shape") or np.ndim(value) == 0:
        return value
    return Field.whole(value, name)


def names_of(argument: Any, prefix: str = "") -> list[str]:
    """The dotted names of an argument's leaves, in order; those of a bound stencil begin with its own name."""
    if isinstance(argument, Bound):
        own = argument.stencil.__name__
        pairs = zip(argument.parameters, argument.arguments, strict=False)
        return [own, *(n for name, part in pairs for n in names_of(part, f"{own}.{name}"))]
    if isinstance(argument, tuple) and hasattr(argument, "_fields"):
        return [n for name, part in zip(argument._fields, argument, strict=True) for n in names_of(part, f"{prefix}.{name}")]
    if isinstance(argument, tuple):
        return [n for m, part in enumerate(argument) for n in names_of(part, f"{prefix}[{m}]")]
    return [prefix]


def title_of(function: Callable, arguments: tuple) -> str:
    """How an error names a stencil, with those that are bound among its arguments."""
    inner: dict[str, None] = {}

    def visit(argument: Any) -> None:
        if isinstance(argument, Bound):
            inner[argument.stencil.__name__] = None
        for part in argument if isinstance(argument, tuple) else ():
            visit(part)

    visit(arguments)
    return f"Stencil {function.__name__}" + (f" of the terms {', '.join(inner)}" if inner else "")


class Seen(NamedTuple):
    """What a check notes of how far a stencil reads the arrays among its arguments, numbered through them."""

    read: dict[int, Reads]
    used: dict[int, Reads]  # of that, what its values depend on


class Reads(NamedTuple):
    """How far from its own point a stencil reads an array: rows `low` to `high`, columns `west` to `east`.

    `pointwise`: nowhere else at all, not even at another level.
    """

    low: int
    high: int
    west: int
    east: int
    pointwise: bool

    def union(self, other: Reads) -> Reads:
        """What both read together."""
        return Reads(min(self.low, other.low), max(self.high, other.high), min(self.west, other.west), max(self.east, other.east),
                     self.pointwise and other.pointwise)


def check(function: Callable, region: Region, arguments: tuple, before: tuple = (), seen: Seen | None = None) -> Any:
    """Run a stencil on types alone: refuses reads past the halo, wrong axes and mixed precision.

    `before` are values passed between the indices and the arguments (what a sweep carries); what is `seen` is noted there.
    Raises IndexError or TypeError with a sentence that names the stencil.
    """
    parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
    skip = len(region.ranges) + len(before)
    names = iter(n for p, a in zip(parameters[skip:], arguments, strict=False) for n in names_of(a, p))

    numbers = count()

    def where_from(number: int, origin: tuple[int, ...], index: tuple) -> frozenset:
        k, j, i = region.k[0] if region.k else 0, region.j[0], region.i[0]
        starts = (k,) if len(origin) == 1 else (k, j, i)[-len(origin):]
        shifts = [part.start + at - start if isinstance(part, slice) and part.start is not None else 0
                  for part, at, start in zip(index, origin, starts, strict=True)]
        row, column = shifts[-2:] if len(shifts) > 1 else (0, 0)
        source = number, Reads(row, row, column, column, not any(shifts))
        if seen is not None:
            note(seen.read, (source,))
        return frozenset({source})

    def abstract(value: Any) -> Any:
        name = next(names, "an argument")
        value = as_field(value, name)
        if isinstance(value, Field):
            number, shape = next(numbers), tuple(value.array.shape)
            array = Abstract(value.array.dtype, shape, partial(where_from, number, value.origin))
            return Field(array, value.region, value.origin, name)
        if isinstance(value, np.generic) or (hasattr(value, "dtype") and hasattr(value, "shape")):
            return Abstract(value.dtype)
        return value

    try:
        values = function(*region.indices(), *before, *(map_arguments(abstract, a) for a in arguments))
    except (IndexError, TypeError, ValueError) as error:
        sentence = f"{title_of(function, arguments)}: {error}"
        advice = "" if sentence.endswith(".") else ". Give functions that take and return what it asks for."
        raise type(error)(sentence + advice) from None
    if seen is not None:
        map_arguments(lambda value: note(seen.used, sources_of(value)), values)
    return values


def note(read: dict[int, Reads], sources: Iterable[tuple[int, Reads]]) -> None:
    """Add where a value comes from to how far each array is read."""
    for number, reads in sources:
        read[number] = reads.union(read.get(number, reads))


__all__ = ["Bound", "Field", "Index", "Region", "absolute", "as_field", "axes_of", "check", "coefficient_at", "map_arguments",
           "maximum", "minimum", "of_columns", "power", "quotient", "square_root", "stencil", "where"]
