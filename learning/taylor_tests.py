"""The test of a derivative by the remainder of Taylor's formula: halving a step has to quarter what the derivative leaves.

    R(h) = | J(x + h d) - J(x) - h J'(x) d | = O(h2),      order = log2 R(h) / R(h / 2)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Remainders(NamedTuple):
    """Result of a test: orders of the remainder from size to size, 2 for a right derivative, and the derivative both ways.

    orders: log R / log h between neighbouring sizes. reverse, forward: J'(x) d by reverse mode and by forward mode (None where it
    was left out). gradient: by reverse mode, of the form of x. value: J(x).
    """

    orders: list[float]
    reverse: float
    forward: float | None
    gradient: Any
    value: float


def taylor_test(function: Callable, at: Any, direction: Any, sizes: Sequence[float], forward: bool = True,
                options: dict | None = None, program: Callable | None = None) -> Remainders:
    """The orders of the remainder of a function of a tree of arrays, from `at` in a direction.

    sizes: steps h in falling order, small against the curvature and large against round-off: 1e-2, 5e-3, ... of variables of
    order one in double precision. forward: whether forward mode is compared too. options: of the compiler. program: the compiled
    `jax.value_and_grad` of the function, where there is one already.
    """
    def compiled(program: Callable, *arguments: Any) -> Callable:
        return jax.jit(program).lower(*arguments).compile(compiler_options=options)

    at, direction = (jax.tree.map(jnp.asarray, tree) for tree in (at, direction))
    program = program or compiled(jax.value_and_grad(function), at)
    value, gradient = program(at)
    reverse = sum(float((slope * along).sum()) for slope, along in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
    tangent = None
    if forward:
        tangent = float(compiled(lambda at, along: jax.jvp(function, (at,), (along,))[1], at, direction)(at, direction))
    remainders = []
    for size in sizes:
        there = jax.tree.map(lambda start, along, size=size: start + jnp.asarray(size, start.dtype) * along, at, direction)
        remainders.append(abs(float(program(there)[0]) - float(value) - size * reverse))
    orders = np.diff(np.log(np.maximum(remainders, 1e-300))) / np.diff(np.log(sizes))
    return Remainders(orders.tolist(), reverse, tangent, gradient, float(value))
