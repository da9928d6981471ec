"""Derivatives of expressions in reverse mode.

They are those of JAX, also where there are two: in the corner of `maximum` or of `absolute` the mean of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dycore.backends.adjoint.expressions import COMPARISONS, Expression, Namespace, NotDifferentiable, in_order, made


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
            if part in depends and slope is None:
                raise NotDifferentiable("the derivative of a power by its exponent is not written down")
            if part in depends:
                total[part] = total[part] + slope if part in total else slope
    return {one: slope for one, slope in total.items() if wanted(one)}


def parts_of_slope(one: Expression, g: Expression) -> list[tuple[Expression, Any]]:
    """The parts of an expression, and what its slope `g` contributes to theirs; None where that is not written down."""
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
    if kind == "power":
        return [(a, g * b * made(graph, "power", a, b - 1.0)), (b, None)]
    raise NotDifferentiable(f"the derivative of {kind} is not written down")
