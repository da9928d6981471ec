"""The check of a stencil before it runs, on types alone: what it reads and how far from its point, and what is refused.

A read past the halo, a wrong number of axes and a mixed precision raise a sentence that names the stencil and its argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from dycore.fields import Field, Region, as_field, map_arguments
from dycore.stencils import Bound


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
            if isinstance(other, Field):
                raise TypeError(f"{other.name} is an array, and is read as a number is. Read its element with "
                                f"[{', '.join('kji'[-len(other.region):] if len(other.region) > 1 else 'k')}], or give a number.")
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


for _name in ("add", "sub", "mul", "truediv", "pow", "and", "or"):
    setattr(Abstract, f"__{_name}__", Abstract._with)
    setattr(Abstract, f"__r{_name}__", Abstract._with)


def sources_of(value: Any) -> frozenset:
    """Sources of a value; none of a number, or an index."""
    return value.sources if isinstance(value, Abstract) else frozenset()


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
    """Title of a stencil in errors, with those that are bound among its arguments."""
    inner: dict[str, None] = {}

    def visit(argument: Any) -> None:
        if isinstance(argument, Bound):
            inner[argument.stencil.__name__] = None
        for part in argument if isinstance(argument, tuple) else ():
            visit(part)

    visit(arguments)
    return f"Stencil {function.__name__}" + (f" of the terms {', '.join(inner)}" if inner else "")


class Number(Abstract):
    """Stands for a number, which has no elements."""

    def __getitem__(self, index: Any) -> Abstract:
        raise IndexError(f"a number is read with {len(index) if isinstance(index, tuple) else 1} indices, as an array is. Give an "
                         "array there.")


class AccessPattern(NamedTuple):
    """Extents to which a stencil reads the arrays among its arguments, numbered through them, as a check of it traces."""

    read: dict[int, Reads]
    used: dict[int, Reads]  # of that, what its values depend on


class Reads(NamedTuple):
    """Extent to which a stencil reads an array from its own point: rows `low` to `high`, columns `west` to `east`.

    `pointwise`: nowhere else at all, not even at another level.
    """

    low: int
    high: int
    west: int
    east: int
    pointwise: bool

    def union(self, other: Reads) -> Reads:
        """Extent of two readings together."""
        return Reads(min(self.low, other.low), max(self.high, other.high), min(self.west, other.west), max(self.east, other.east),
                     self.pointwise and other.pointwise)


def read(region: Region, pattern: AccessPattern | None, number: int, origin: tuple[int, ...], index: tuple) -> frozenset:
    """Source of an element of array `number` that a stencil reads; added to the access pattern."""
    k, j, i = region.k[0] if region.k else 0, region.j[0], region.i[0]
    starts = (k,) if len(origin) == 1 else (k, j, i)[-len(origin):]
    shifts = [part.start + at - start if isinstance(part, slice) and part.start is not None else 0
              for part, at, start in zip(index, origin, starts, strict=True)]
    row, column = shifts[-2:] if len(shifts) > 1 else (0, 0)
    source = number, Reads(row, row, column, column, not any(shifts))
    if pattern is not None:
        trace(pattern.read, (source,))
    return frozenset({source})


def check(function: Callable, region: Region, arguments: tuple, before: tuple = (), pattern: AccessPattern | None = None) -> Any:
    """Run a stencil on types alone: refuses reads past the halo, wrong axes and mixed precision.

    `before` are values passed between the indices and the arguments (what a sweep carries); what it reads is added to `pattern`.
    Raises IndexError or TypeError with a sentence that names the stencil.
    """
    parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
    skip = len(region.ranges) + len(before)
    names = iter(n for p, a in zip(parameters[skip:], arguments, strict=False) for n in names_of(a, p))
    numbers = count()

    def abstract(value: Any) -> Any:
        name = next(names, "an argument")
        value = as_field(value, name)
        if isinstance(value, Field):
            number, shape = next(numbers), tuple(value.array.shape)
            array = Abstract(value.array.dtype, shape, partial(read, region, pattern, number, value.origin))
            return Field(array, value.region, value.origin, name)
        if isinstance(value, np.generic) or (hasattr(value, "dtype") and hasattr(value, "shape")):
            return Number(value.dtype)
        return value

    try:
        values = function(*region.indices(), *before, *(map_arguments(abstract, a) for a in arguments))
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        sentence = f"{title_of(function, arguments)}: {error}"
        advice = "" if sentence.endswith(".") else ". Give functions that take and return what it asks for."
        raise (TypeError if isinstance(error, AttributeError) else type(error))(sentence + advice) from None
    if pattern is not None:
        map_arguments(lambda value: trace(pattern.used, sources_of(value)), values)
    return values


def trace(read: dict[int, Reads], sources: Iterable[tuple[int, Reads]]) -> None:
    """Add where a value comes from to how far each array is read."""
    for number, reads in sources:
        read[number] = reads.union(read.get(number, reads))
