"""Stencils written from expressions (dycore.backends.adjoint.expressions)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from dycore.backends.adjoint.expressions import BINARY, COMPARISONS, FUNCTIONS, Expression, NotDifferentiable, in_order
from dycore.stencils import stencil

NAMED = "constant", "number", "carried", "index"  # kinds of expressions that need no line of their own


class Written(NamedTuple):
    """A stencil that was written, and the start of a sweep (or None), with the leaves that both are given."""

    function: Callable
    start: Callable | None
    arguments: tuple


def written(leaves: Sequence[Any], columns: bool, values: Sequence[Expression], after: Sequence[Expression] | None = None,
            begin: Sequence[Expression] = ()) -> Written:
    """The stencil of cells, or of columns, that returns some values: a tuple. Of a sweep: that carries `after` on from `begin`."""
    places = sorted({part.parts[0].leaf if part.kind == "read" else part.parts[0]
                     for part in in_order([*values, *(after or ()), *begin]) if part.kind in ("read", "number")})
    point = "j, i" if columns else "k, j, i"
    carries = "" if after is None else ", carried"
    result = tuple_of(values) if after is None else f"{tuple_of(after)}, {tuple_of(values)}"
    taken = [] if not after else [f"{''.join(f'c{number}, ' for number in range(len(after)))} = carried".replace(",  =", ", =")]
    function = defined(f"{point}{carries}", places, [*taken, *lines_of([*(after or ()), *values])], result)
    start = None if after is None else defined("j, i", places, lines_of(begin), tuple_of(begin))
    return Written(function, start, tuple(leaves[place] for place in places))


def defined(point: str, places: Iterable[int], lines: list[str], result: str) -> Callable:
    """The stencil of these lines."""
    parameters = ", ".join([point, *(f"p{place}" for place in places)])
    text = "\n    ".join([f"def adjoint({parameters}):", '"""Part of an adjoint step."""', *lines, f"return {result}"])
    scope: dict[str, Any] = {**FUNCTIONS, "__name__": __name__}
    exec(text, scope)
    return stencil(scope["adjoint"])


def tuple_of(values: Sequence[Expression]) -> str:
    """Source text of a tuple."""
    return f"({''.join(f'{name(value)}, ' for value in values)})"


def name(value: Expression) -> str:
    """Source text of an expression whose line stands before, or that needs none."""
    if value.kind == "constant":
        if not math.isfinite(value.parts[0]):
            raise NotDifferentiable("a stencil has a constant that is not finite")
        return repr(value.parts[0]) if value.parts[0] >= 0.0 else f"({value.parts[0]!r})"
    if value.kind == "index":
        return f"({value.parts[0]} {value.parts[1]:+d})" if value.parts[1] else value.parts[0]
    if value.kind == "number":
        return f"p{value.parts[0]}"
    return f"c{value.parts[0]}" if value.kind == "carried" else f"e{value.number}"


def lines_of(values: Sequence[Expression]) -> list[str]:
    """Lines that evaluate expressions, in order."""
    return [f"{name(value)} = {text_of(value)}" for value in in_order(values) if value.kind not in NAMED]


def text_of(value: Expression) -> str:
    """Source text of what an expression does with its parts."""
    kind, parts = value.kind, value.parts
    if kind == "read":
        place, shifts = parts[0]
        fixed = iter(parts[1:])
        axes = "kji"[-len(shifts):] if len(shifts) > 1 else "k"
        index = (name(next(fixed)) if shift is None else f"{axis} {shift:+d}" if shift else axis
                 for axis, shift in zip(axes, shifts, strict=True))
        return f"p{place}[{', '.join(index)}]"
    names = [name(part) for part in parts]
    if kind == "neg":
        return f"-{names[0]}"
    if kind in FUNCTIONS:
        return f"{kind}({', '.join(names)})"
    return f"{names[0]} {(BINARY | COMPARISONS)[kind]} {names[1]}"
