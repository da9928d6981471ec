"""Steps backwards: slopes of a state from those of the state some steps later, by the adjoint of a step (recorded.adjoint).

The states between are computed again, in two levels: of n steps, about the square root of n states are kept at a time, and as
many again while a segment is gone through.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.backends.compiled.buffers import outside
from dycore.backends.compiled.program import Program, TracedStep, signature, traced_step
from dycore.backends.recorded.adjoint import adjoint_of
from dycore.backends.recorded.operations import TracedArray, leaves_of
from dycore.backends.threads import made_once

FEW = 8  # states that are kept in any case


def traced_adjoint(traced: TracedStep, slopes: tuple) -> TracedStep:
    """The adjoint of a traced step: of (state, slopes of the arrays of the next) the slopes of the arrays of the state, a tuple."""
    results = [leaf for leaf in leaves_of(traced.result) if isinstance(leaf, TracedArray)]
    given = [TracedArray(array.shape, array.dtype) for array in slopes]
    statements, ends = adjoint_of(traced.statements, results, traced.inputs, given)
    return TracedStep(statements, tuple(ends), traced.given, [*traced.inputs, *given])


class Backward:
    """Programs of a step that keeps the state it is given, and of its adjoint."""

    def __init__(self, backend: Any, step: Callable, constants: Any, state: Any, slopes: tuple):
        adjoint = traced_adjoint(traced_step(backend, step, constants, state), slopes)
        self.adjoint = Program(backend, adjoint, constants, (state, slopes), lasting=len(adjoint.inputs) - len(slopes))
        traced = traced_step(backend, step, constants, state)
        self.step = Program(backend, traced, constants, state, lasting=len(traced.inputs))

    def go(self, constants: Any, state: Any, n: int, slopes: tuple) -> tuple[np.ndarray, ...]:
        """Slopes of the arrays of a state from those of the state n steps later."""
        shapes = [array.shape for array in slopes]
        given = [self.step.inside(array) for array in slopes]
        length = n if n <= FEW else math.isqrt(n - 1) + 1
        starts = [self.step.taken_in(state)]
        for _ in range(length, n, length):
            starts.append(self.after(constants, *starts[-1], length))
        left = n
        while starts:
            states = [starts.pop()]
            steps = left - length * len(starts)
            left -= steps
            for _ in range(steps - 1):
                states.append(self.step.once(constants, *states[-1]))
            while states:
                arrays, numbers = states.pop()
                given, _ = self.adjoint.once(constants, [*arrays, *given], numbers)
                del arrays
        return tuple(outside(array, shape) for array, shape in zip(given, shapes, strict=True))

    def after(self, constants: Any, arrays: list, numbers: list, n: int) -> tuple[list, list]:
        """The state n steps later."""
        for _ in range(n):
            arrays, numbers = self.step.once(constants, arrays, numbers)
        return arrays, numbers


def backward_steps(backend: Any, step: Callable) -> Callable:
    """A function (constants, state, n, slopes of the arrays of the state n steps later) that returns those of the state's.

    Raises NotDifferentiable for a step that has parts whose adjoint is not known.
    """
    programs: dict[Any, Backward] = {}

    def go_back(constants: Any, state: Any, n: int, slopes: tuple) -> tuple:
        key = signature(constants), signature(state)
        return made_once(programs, key, lambda: Backward(backend, step, constants, state, slopes)).go(constants, state, n, slopes)

    return go_back
