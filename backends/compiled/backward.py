"""Steps backwards: slopes of a state from those of the state some steps later, by the adjoint of a step.

The states between are computed again, segment by segment (dycore.backends.adjoint.segments).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.backends.adjoint.numbers import derivatives
from dycore.backends.adjoint.reverse import adjoint_of
from dycore.backends.adjoint.segments import segment_length
from dycore.backends.compiled.buffers import Pool, outside
from dycore.backends.compiled.program import Program, TracedStep, signature, traced_step
from dycore.backends.recorded.operations import TracedArray, leaves_of
from dycore.backends.recorded.scalars import is_number
from dycore.backends.threads import made_once


class Backward:
    """Programs of a step that leaves the state it is given as it is, and of its adjoint.

    places: of the leaves of the constants of which slopes are asked, too.
    """

    def __init__(self, backend: Any, step: Callable, constants: Any, state: Any, slopes: tuple, places: tuple[int, ...]):
        leaves = list(leaves_of(constants))
        arrays = [place for place, leaf in enumerate(leaves) if np.ndim(leaf)]
        numbers = [place for place, leaf in enumerate(leaves) if is_number(leaf)]
        traced = traced_step(backend, step, constants, state)
        results = [leaf for leaf in leaves_of(traced.result) if isinstance(leaf, TracedArray)]
        given = [TracedArray(array.shape, array.dtype) for array in slopes]
        asked = [traced.given[arrays.index(place)] for place in places if place in arrays]
        active = [numbers.index(place) for place in places if place in numbers]
        statements, ends = adjoint_of(traced.statements, results, traced.inputs, asked, active, given)
        self.spread = tuple(derivatives(scalar, active) for scalar in ends.spread)
        self.asked = [(place in arrays, (arrays if place in arrays else numbers).index(place), np.shape(leaves[place]))
                      for place in places]
        self.shapes = [array.shape for array in slopes]
        adjoint = TracedStep(statements, (*ends.state, *ends.given, *ends.spread.values()), traced.given, [*traced.inputs, *given])
        self.adjoint = Program(backend, adjoint, constants, (state, slopes), len(traced.inputs), Pool())
        self.step = Program(backend, traced_step(backend, step, constants, state), constants, state, lasting=len(traced.inputs))

    def go(self, constants: Any, state: Any, n: int, slopes: tuple, later: list[Any]) -> tuple[tuple[np.ndarray, ...], list[Any]]:
        """Slopes of the arrays of a state, and of what is asked of constants, from those of the state n steps later.

        later: the states at the starts of all segments but the first.
        """
        totals: list[Any] = [np.zeros(shape) for _, _, shape in self.asked]
        length, starts = segment_length(n), [self.step.taken_in(start) for start in (state, *later)]
        given, left = [self.step.inside(array) for array in slopes], n
        while starts:
            states = [starts.pop()]
            steps = left - length * len(starts)
            left -= steps
            for _ in range(steps - 1):
                states.append(self.step.once(constants, *states[-1]))
            while states:
                arrays, numbers = states.pop()
                results_now, _ = self.adjoint.once(constants, [*arrays, *given], numbers)
                given = results_now[:len(given)]
                self.add(totals, constants, numbers, results_now[len(given):])
                del arrays, results_now
        return tuple(outside(array, shape) for array, shape in zip(given, self.shapes, strict=True)), totals

    def add(self, totals: list[Any], constants: Any, numbers: list, results_now: list[np.ndarray]) -> None:
        """Add the slopes that one step gives to those of constants."""
        fields, of_number = iter(results_now), dict[int, float]()
        arrays = [next(fields) if is_array else None for is_array, _, _ in self.asked]
        for known, plane in zip(self.spread, fields, strict=True):
            for number, slope in known.of([*self.adjoint.numbers_of(constants), *numbers]).items():
                of_number[number] = of_number.get(number, 0.0) + float(slope * plane.sum())
        for place, (array, (_, number, shape)) in enumerate(zip(arrays, self.asked, strict=True)):
            if array is None:
                totals[place] += of_number.get(number, 0.0)
            else:
                totals[place] += array.sum(axis=(0, 2)) if len(shape) == 1 else outside(array, shape)


def backward_steps(backend: Any, step: Callable) -> Callable:
    """A function (constants, state, places) that returns one (constants, state, n, slopes, later states): n steps backwards.

    places: of those leaves of the constants of which slopes are asked; slopes: of the arrays of the state n steps later; later
    states: those at the starts of all segments but the first. It returns slopes of the arrays of the state, and a list of those
    of the constants. Raises NotDifferentiable for a step that has parts whose adjoint is not known.
    """
    programs: dict[Any, Backward] = {}

    def prepared(constants: Any, state: Any, places: tuple[int, ...] = ()) -> Callable:
        slopes = tuple(leaf for leaf in leaves_of(state) if np.ndim(leaf))
        key = signature(constants), signature(state), places
        return made_once(programs, key, lambda: Backward(backend, step, constants, state, slopes, places)).go

    return prepared
