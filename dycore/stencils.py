"""The language in which dycore is written: a stencil is a plain function of a point.

    @stencil
    def divergence(k, j, i, grid, u, v):
        return ((u[k, j, i + 1] - u[k, j, i]) / grid.dx_u[j, i]
                + (v[k, j + 1, i] - v[k, j, i]) / grid.dy_v[j, i])

With integers it returns a number: that is what Numba compiles to a loop. With ranges (dycore.fields.Index) it
returns an array: that is what NumPy and JAX run, because `i + 1` of a range is the range one cell to
the east. Every index counts the halo: `q[k, j, i]` is the element [k, j, i] of the padded array.

A field is read as `q[k, j, i]`, `area[j, i]` or `thickness[k]`; arguments may be fields, numbers,
other stencils, terms (dycore.terms) and named tuples of these. Number literals are written as floats (`2.0 * x`), so that
single precision stays single.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from dycore.fields import axes_of

Stencil = TypeVar("Stencil", bound=Callable)


def stencil(function: Stencil) -> Stencil:
    """Mark a function as a stencil, so that backends compile it and the stencils it calls."""
    function.is_stencil = True  # type: ignore[attr-defined]
    return function


class Made(NamedTuple):
    """The maker of a stencil, a function of a module, and its arguments: what is pickled in place of the stencil."""

    maker: Callable
    arguments: tuple


def made_by(maker: Callable, *arguments: Any) -> Callable[[Stencil], Stencil]:
    """Mark a stencil within a function, so that a dycore.forcing.Forcing of it can be pickled: `maker(*arguments)` is it again.

    Under functools.cache it is the very same function then, for which nothing is compiled anew.
    """
    def mark(function: Stencil) -> Stencil:
        function.made = Made(maker, arguments)  # type: ignore[attr-defined]
        return function

    return mark


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


def coefficient_at(k: Any, j: Any, i: Any, coefficient: Any) -> Any:
    """A coefficient at a point of a stencil of cells: it is a number, a profile [k], a plane [j, i] or a volume [k, j, i]."""
    axes = axes_of(coefficient)
    if axes == 0:
        return coefficient
    if axes == 1:
        return coefficient[k]
    return coefficient[j, i] if axes == 2 else coefficient[k, j, i]


def constants_at(k: Any, j: Any, i: Any, record: Any) -> Any:
    """A record of coefficients, or one coefficient, with the values at a point of a stencil of cells."""
    if hasattr(record, "_fields"):
        return type(record)(*(constants_at(k, j, i, part) for part in record))
    return record if isinstance(record, tuple) else coefficient_at(k, j, i, record)


def _namespace(*values: Any) -> Any:
    for value in values:
        if hasattr(value, "__array_namespace__") and not isinstance(value, (np.ndarray, np.generic)):
            return value.__array_namespace__()
    return np if any(hasattr(value, "dtype") for value in values) else _OfNumbers


class _OfNumbers:
    """Functions of Python numbers, which stay Python numbers and so take the precision of what they meet."""

    minimum = staticmethod(lambda a, b: np.minimum(a, b).item())
    maximum = staticmethod(lambda a, b: np.maximum(a, b).item())
    where = staticmethod(lambda condition, true, false: true if condition else false)
    sqrt = staticmethod(lambda a: math.sqrt(a) if a >= 0.0 else math.nan)
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


__all__ = ["Bound", "Made", "absolute", "coefficient_at", "constants_at", "made_by", "maximum", "minimum", "of_columns", "power",
           "quotient", "square_root", "stencil", "where"]
