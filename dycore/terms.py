"""Terms of an equation: stencils bound to their arguments, read like fields, and sums and products of these.

    slow = bound(energy_conserving_u, grid, motion) - bound(gradient_x, grid, phi) + 0.5 * bound(slope_force_u, slope, heights, b)
    slow[k, j, i]                     nothing is computed before
    change = on.store(slow)           only `store` makes an array (dycore.program)

What reads `q[k, j, i]` cannot tell whether q is stored or a term: a term goes where a field goes among the arguments of a
stencil. A term that is read twice is computed twice: store it, then.

A sum adds in the order in which it is written, and has the bits of the same expression within one stencil; what stands in
brackets on the right, a - (b + c), stays there. It is a flat list, not a nest of additions, so that a backend that compiles
writes one line of source for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral, Number
from typing import Any, NamedTuple

from dycore.fields import Field, axes_of
from dycore.stencils import Bound, coefficient_at, of_columns, stencil


class Added(NamedTuple):
    """A part of a sum: a product, from left to right, of bound stencils, terms, stored fields and numbers."""

    factors: tuple


class Subtracted(NamedTuple):
    """A part of a sum, as `Added`, that is taken away."""

    factors: tuple


class Term(NamedTuple):
    """A sum, read at a point as q[k, j, i], or q[j, i] where all in it is of columns; the number 0 where it has no parts.

    `+`, `-` and `*` take terms, stored fields and numbers, which may be profiles [k] and planes [j, i] in a term of cells.
    The number 0 is left out of sums, with what it multiplies, and so is a factor that is the number 1.
    """

    parts: tuple[Added | Subtracted, ...] = ()

    @property
    def ndim(self) -> int:
        """Number of indices with which it is read."""
        return 2 if extent(self) == 2 else 3

    def __getitem__(self, index: Any) -> Any:
        if len(index) < extent(self) or (len(index) == 3 and extent(self) == 2):
            raise IndexError(f"The term {self} is one of {'columns [j, i]' if self.ndim == 2 else 'cells [k, j, i]'} but is read "
                             f"with {len(index)} indices. Read it with {self.ndim}.")
        return value_of(self, tuple(index))

    def __add__(self, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        return Term(self.parts + as_part(other)) if self.parts else as_term(other)

    def __radd__(self, other: Any) -> Any:
        return Term(parts_of(other) + as_part(self)) if is_operand(other) else NotImplemented

    def __sub__(self, other: Any) -> Any:
        return Term(self.parts + negated(as_part(other))) if is_operand(other) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return Term(parts_of(other) + negated(as_part(self))) if is_operand(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return product(self, other) if is_operand(other) else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return product(other, self) if is_operand(other) else NotImplemented

    def __neg__(self) -> Term:
        return Term(negated(as_part(self)))

    def __repr__(self) -> str:
        text = " ".join(f"{'-' if isinstance(part, Subtracted) else '+'} {' * '.join(map(shown, part.factors))}"
                        for part in self.parts)
        return text.removeprefix("+ ") or "0"


def bound(function: Callable, *arguments: Any) -> Term:
    """The term that is a stencil with all its arguments but the point: `bound(f, a, b)[k, j, i]` is `f(k, j, i, a, b)`.

    Raises TypeError where the function is no stencil, or takes another number of arguments.
    """
    if not getattr(function, "is_stencil", False):
        raise TypeError(f"{getattr(function, '__name__', function)!r} is not a stencil. Mark the function with @stencil.")
    made = Bound(function, arguments)
    least = len(made.parameters) - len(function.__defaults__ or ())
    if not least <= len(arguments) <= len(made.parameters):
        raise TypeError(f"Stencil {function.__name__} takes {len(made.parameters)} arguments after the point "
                        f"({', '.join(made.parameters)}) but is bound to {len(arguments)}.")
    return Term((Added((made,)),))


def total(terms: Iterable[Any], start: Any = Term()) -> Any:  # noqa: B008
    """The sum of `start` and of terms, stored fields, numbers or vectors, in order; without any, the term that is 0."""
    result = start
    for term in terms:
        result = result + term
    return result


def as_term(value: Any) -> Term:
    """The term of a stored field or a number."""
    return Term(parts_of(value))


class Vector(NamedTuple):
    """The component of a vector on west faces and that on south faces: terms, stored fields or numbers; of none, zero.

    `+` and `-` take vectors, and the term or number 0; `*` takes what multiplies both components.
    """

    u: Any = Term()
    v: Any = Term()

    def __add__(self, other: Any) -> Vector:
        u, v = components(other)
        return Vector(as_term(self.u) + u, as_term(self.v) + v)

    def __radd__(self, other: Any) -> Vector:
        u, v = components(other)
        return Vector(as_term(u) + self.u, as_term(v) + self.v)

    def __sub__(self, other: Any) -> Vector:
        u, v = components(other)
        return Vector(as_term(self.u) - u, as_term(self.v) - v)

    def __rsub__(self, other: Any) -> Vector:
        u, v = components(other)
        return Vector(as_term(u) - self.u, as_term(v) - self.v)

    def __mul__(self, other: Any) -> Vector:
        u, v = other if isinstance(other, Vector) else (other, other)
        return Vector(product(self.u, u), product(self.v, v))

    def __rmul__(self, other: Any) -> Vector:
        return Vector(product(other, self.u), product(other, self.v))

    def __neg__(self) -> Vector:
        return Vector(-as_term(self.u), -as_term(self.v))


for kind in (Term, Vector):
    kind.__array_ufunc__ = None  # type: ignore[union-attr]  # an array and a term are a term, not an array of terms


def components(value: Any) -> tuple[Any, Any]:
    """The components of a vector; those of a number are that number. Raises TypeError for what has none."""
    if isinstance(value, Vector):
        return value.u, value.v
    if is_operand(value) and (not value.parts if isinstance(value, Term) else axes_of(value) == 0):
        return value, value
    raise TypeError(f"{value!r} is no vector, but is added to one. Write Vector(u, v), with its values on west and on south faces.")


def is_operand(value: Any) -> bool:
    """Whether a value can stand in a sum or a product of terms."""
    return isinstance(value, (Term, Field, Number)) or (hasattr(value, "dtype") and not isinstance(value, tuple))


def is_number(value: Any, number: float) -> bool:
    """Whether a value is this number, and known to be while the step is written down."""
    return isinstance(value, Number) and bool(value == number)  # type: ignore[comparison-overlap]


def parts_of(value: Any) -> tuple[Added | Subtracted, ...]:
    """The parts of a term; a stored field or a number is one part, and the number 0 none."""
    if isinstance(value, Term):
        return value.parts
    if not is_operand(value):
        raise TypeError(f"{value!r} is no term. Bind a stencil to its arguments with `bound`, or give a stored field or a number.")
    if is_number(value, 0.0):
        return ()
    return (Added((float(value) if isinstance(value, Integral) else value,)),)


def as_part(value: Any) -> tuple[Added | Subtracted, ...]:
    """A value as one part of a sum, or none: a sum in brackets."""
    parts = parts_of(value)
    return parts if len(parts) < 2 else (Added((Term(parts),)),)


def negated(parts: tuple[Added | Subtracted, ...]) -> tuple[Added | Subtracted, ...]:
    """Parts with the other sign."""
    return tuple(Added(part.factors) if isinstance(part, Subtracted) else Subtracted(part.factors) for part in parts)


def product(left: Any, right: Any) -> Term:
    """left * right, in this order; a product on the right stays in brackets."""
    if is_number(left, 1.0) or is_number(right, 1.0):
        return as_term(right if is_number(left, 1.0) else left)
    one, other = as_part(left), as_part(right)
    if not one or not other:
        return Term()
    (first,), (second,) = one, other
    factors = second.factors if len(second.factors) == 1 else (Term((Added(second.factors),)),)
    part = (Added(first.factors + factors),)
    return Term(part if type(first) is type(second) else negated(part))


def extent(value: Any) -> int:
    """Number of indices that are needed to read what stands in a term: 0 (a number), 2 or 3."""
    if isinstance(value, Bound):
        return 2 if of_columns(value.stencil) else 3
    if isinstance(value, Term):
        return max((extent(factor) for part in value.parts for factor in part.factors), default=0)
    return {0: 0, 2: 2}.get(axes_of(value), 3)


def value_of(value: Any, index: tuple) -> Any:
    """The value at a point [k, j, i] or [j, i] of what stands in a term; what is of columns stands in all their levels."""
    if isinstance(value, Bound):
        return value.stencil(*(index[-2:] if of_columns(value.stencil) else index), *value.arguments)
    if not isinstance(value, Term):
        return coefficient_at(*index, value) if len(index) == 3 else value[index] if axes_of(value) else value
    total: list[Any] = []  # of one value, which is popped: NumPy writes over an array without a name, instead of making another
    for part in value.parts:
        factor = [value_of(part.factors[0], index)]
        for other in part.factors[1:]:
            factor.append(factor.pop() * value_of(other, index))
        if not total:
            total.append(-factor.pop() if isinstance(part, Subtracted) else factor.pop())
        elif isinstance(part, Subtracted):
            total.append(total.pop() - factor.pop())
        else:
            total.append(total.pop() + factor.pop())
    return total[0] if total else 0.0


def shown(value: Any) -> str:
    """Text of what stands in a term."""
    if isinstance(value, Bound):
        return value.stencil.__name__
    if isinstance(value, Term):
        return f"({value})"
    return str(value) if axes_of(value) == 0 else getattr(value, "name", "a field")


@stencil
def values_at(k, j, i, terms):
    """The values of terms of cells."""
    return tuple(term[k, j, i] for term in terms)


@stencil
def column_values_at(j, i, terms):
    """The values of terms of columns."""
    return tuple(term[j, i] for term in terms)
