"""A step compiled as one program: planned, written (dycore.backends.compiled.writer) and run; numbers and arrays are arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numba
import numpy as np

from dycore.backends.compiled.buffers import Pool, Scratch, Scratches, outside, row_of, with_room_behind
from dycore.backends.compiled.planner import Planner
from dycore.backends.compiled.writer import Writer
from dycore.backends.recorded.operations import TracedArray, leaves_of
from dycore.backends.recorded.recording import Recording
from dycore.backends.recorded.scalars import Scalar, as_number, is_number, kind_of, value_of
from dycore.fields import Field, map_arguments

ROWS = 2  # that go through a group at a time, a power of two; the same for all grids, so that they share kernels


def signature(argument: Any) -> Any:
    """All that a program depends on: not the values of arrays and of numbers."""
    if isinstance(argument, tuple):
        return type(argument), tuple(signature(member) for member in argument)
    if isinstance(argument, Field):
        return argument.array.shape, argument.array.dtype, argument.region
    if np.ndim(argument):
        return argument.shape, argument.dtype
    return kind_of(argument) if is_number(argument) else argument


class Given(NamedTuple):
    """Constants as a program holds them: they may be shared by calls that run at once."""

    constants: Any
    sources: list[Any]  # the arrays among them, as they were given
    arrays: list[np.ndarray]  # the same, laid out as programs want them
    memory: list[list[int]]  # what the parts are told of these (dycore.backends.compiled.buffers.row_of)
    numbers: list[Any]
    values: list[np.ndarray]  # the numbers that each part of the program is given; what moves in a run is zero


class Run(NamedTuple):
    """Arrays and numbers that the parts of a program work on."""

    frame: list[Any]  # arrays by the number of their buffer
    memory: np.ndarray  # what the parts are told of these (dycore.backends.compiled.buffers.row_of)
    values: list[np.ndarray]  # the numbers that each part is given
    numbers: list[Any]  # of constants and of the state before a step

    def array(self, array: TracedArray) -> np.ndarray:
        """An array of the program, as others see it."""
        return outside(self.frame[array.buffer], array.shape)


class Places(NamedTuple):
    """Where arrays and numbers stand among the leaves of a tree."""

    arrays: list[int]
    numbers: list[int]


def places_of(tree: Any) -> Places:
    """Where arrays and numbers stand among the leaves of a tree."""
    leaves = list(enumerate(leaves_of(tree)))
    return Places([place for place, leaf in leaves if np.ndim(leaf)], [place for place, leaf in leaves if is_number(leaf)])


class TracedStep(NamedTuple):
    """A step as it was recorded, with what it was given and what it returned."""

    statements: list[Any]
    result: Any
    given: list[TracedArray]  # the arrays among its constants
    inputs: list[TracedArray]  # and in its state


def traced_step(backend: Any, step: Callable, constants: Any, state: Any) -> TracedStep:
    """A step traced with placeholders for the arrays and numbers that it is given."""
    given: list[TracedArray] = []
    inputs: list[TracedArray] = []
    numbers: list[Any] = []

    def placeholder(leaf: Any, arrays: list[TracedArray]) -> Any:
        array = leaf.array if isinstance(leaf, Field) else leaf
        if is_number(array):
            place = len(numbers)
            numbers.append(as_number(array))
            return Scalar(lambda numbers: numbers[place], numbers[place], arrays is inputs, place)
        if not np.ndim(array):
            return leaf
        arrays.append(TracedArray(array.shape, array.dtype))
        return Field(arrays[-1], leaf.region, leaf.origin) if isinstance(leaf, Field) else arrays[-1]

    recording = backend.planning.recording = Recording()
    try:
        result = step(map_arguments(lambda leaf: placeholder(leaf, given), constants),
                      map_arguments(lambda leaf: placeholder(leaf, inputs), state))
    finally:
        backend.planning.recording = None
    return TracedStep(recording.statements, result, given, inputs)


class Program:
    """A step compiled for arguments of certain shapes; arrays live in numbered buffers."""

    def __init__(self, backend: Any, traced: TracedStep, constants: tuple, state: tuple, lasting: int = 0,
                 pool: Pool | None = None):
        self.backend, self.pool = backend, pool or backend.pool
        self.result, given, inputs = traced.result, traced.given, traced.inputs
        self.of_constants, self.of_state = places_of(constants), places_of(state)
        planner = Planner(ROWS, backend.threads)
        for array in (*given, *inputs):
            array.buffer = planner.new_buffer(array.shape, array.dtype)
        results = [leaf for leaf in leaves_of(self.result) if isinstance(leaf, TracedArray)]
        statements = planner.plan(traced.statements, tuple(results), set(inputs[lasting:]))

        writer = Writer(backend, planner.rows)
        self.shapes = shapes = planner.buffers
        self.parts, self.values = writer.parts_of(statements), writer.values
        self.inputs = [array.buffer for array in inputs]
        self.outputs = [array.buffer for array in results]
        assert len(set(self.outputs)) == len(self.outputs), "two results share an array"
        self.numbers = [leaf for leaf in leaves_of(self.result) if isinstance(leaf, Scalar) or is_number(leaf)]
        self.moving = [number for number in range(len(given), len(shapes)) if number not in writer.rolling]
        self.scratches = Scratches(shapes, sorted(writer.rolling), backend.threads)
        after = self._rotation()
        self.new = [number for number in self.moving if number not in after]
        self.rotation = np.array([*after], int), np.array([*after.values()], int)
        self.given = Given(self, [None] * len(given), [], [], [], [])  # nothing yet

    def _rotation(self) -> dict[int, int]:
        """By buffer, that of the step before whose array it takes from one step to the next."""
        pairs = dict(zip(self.inputs, self.outputs, strict=False)) if len(self.inputs) == len(self.outputs) else {}
        idle = [b for b in self.moving if b not in self.outputs]
        for number in self.moving:
            if number not in self.inputs:
                match = next((b for b in idle if self.shapes[b] == self.shapes[number]), None)
                if match is not None:
                    idle.remove(match)
                    pairs[number] = match
        return pairs

    def run(self, constants: Any, state: Any, n: int, spare: bool = False) -> Any:
        """The result after n steps; the given arrays stay what they are. Threads may call it at once.

        spare: those of the state, which a run has returned, are read by nobody any more, and may be written over.
        """
        if not n:
            return state
        given, leaves = self._given(constants), list(leaves_of(state))
        theirs = dict(zip(self.inputs, (leaves[place] for place in self.of_state.arrays), strict=True))
        numbers = [*given.numbers, *(as_number(leaves[place]) for place in self.of_state.numbers)]
        now = {number: self.pool.shown(array) if spare else self.inside(array) for number, array in theirs.items()}
        del theirs, leaves
        scratch = self.scratches.take()
        run = self._begun(given, scratch, numbers)
        after = self._step(run, now)
        del now
        for _ in range(n - 1):
            numbers[len(given.numbers):] = after
            self._rotate(run)
            after = self._computed(run)
        self.scratches.give_back(scratch)
        return map_leaves(self.result, run.frame, iter(after))

    def once(self, constants: Any, arrays: list[np.ndarray], numbers: list[Any]) -> tuple[list[np.ndarray], list[Any]]:
        """Arrays and numbers of the result of one step, as programs hold them (`taken_in`)."""
        given, scratch = self._given(constants), self.scratches.take()
        run = self._begun(given, scratch, [*given.numbers, *numbers])
        after = self._step(run, dict(zip(self.inputs, arrays, strict=True)))
        self.scratches.give_back(scratch)
        return [run.frame[number] for number in self.outputs], after

    def numbers_of(self, constants: Any) -> list[Any]:
        """The numbers among constants."""
        return self._given(constants).numbers

    def taken_in(self, state: Any) -> tuple[list[np.ndarray], list[Any]]:
        """Arrays and numbers of a state as programs hold them; the arrays are new."""
        leaves = list(leaves_of(state))
        return ([self.inside(leaves[place]) for place in self.of_state.arrays],
                [as_number(leaves[place]) for place in self.of_state.numbers])

    def _begun(self, given: Given, scratch: Scratch, numbers: list) -> Run:
        if self.backend.threads > 1:
            numba.set_num_threads(self.backend.threads)  # holds for the calling thread, and for all backends
        n = len(given.arrays)
        if n:
            scratch.memory[:n] = given.memory
        return Run([*given.arrays, *scratch.frame[n:]], scratch.memory,
                   [shared.copy() if value.moving else shared for value, shared in zip(self.values, given.values, strict=True)],
                   numbers)

    def _step(self, run: Run, now: dict[int, np.ndarray]) -> list[Any]:
        """Carry out one step on a frame, of the arrays that there are; numbers of its result."""
        for number in self.moving:
            array = now.get(number)
            self._put(run, number, self.pool.take(*self.shapes[number]) if array is None else array)
        return self._computed(run)

    def _put(self, run: Run, number: int, array: np.ndarray) -> None:
        run.frame[number] = array
        run.memory[number, 0] = self.pool.address(array)

    def _rotate(self, run: Run) -> None:
        """Give the arrays of a step the places that they have in the one that follows."""
        takers, sources = self.rotation
        arrays = [run.frame[number] for number in sources.tolist()]
        for number, array in zip(takers.tolist(), arrays, strict=True):
            run.frame[number] = array
        run.memory[takers, 0] = run.memory[sources, 0]
        for number in self.new:
            self._put(run, number, self.pool.take(*self.shapes[number]))

    def _computed(self, run: Run) -> list[Any]:
        """Carry out a step on the arrays of a frame; numbers of its result."""
        for value, array in zip(self.values, run.values, strict=True):
            if value.moving:
                value.fill(array, run.numbers)
        for part in self.parts:
            part(run)
        return [value_of(leaf, run.numbers) for leaf in self.numbers]

    def _given(self, constants: Any) -> Given:
        """Constants as the program holds them; of others than in the call before, what is another array is taken in."""
        last = self.given
        if last.constants is constants:
            return last
        leaves = list(leaves_of(constants))
        sources = [leaves[place] for place in self.of_constants.arrays]
        arrays = [before if source is known else self.constant(source)
                  for source, known, before in zip(sources, last.sources, last.arrays or last.sources, strict=True)]
        numbers = [as_number(leaves[place]) for place in self.of_constants.numbers]
        self.given = given = Given(constants, sources, arrays, list(map(row_of, arrays)), numbers,
                                   [value.at_rest(numbers) for value in self.values])
        return given

    def constant(self, array: Any) -> np.ndarray:
        """A copy of a constant: laid out as programs want it, if it is no weights of a function or constant along an axis."""
        return with_room_behind(array) if array.ndim > 3 or (array.ndim == 2 and 1 in array.shape) else self.inside(array)

    def inside(self, array: Any) -> np.ndarray:
        """A copy that is laid out as programs want it."""
        if array.ndim < 2:
            return with_room_behind(array)
        inside = self.pool.take(array.shape, array.dtype)
        outside(inside, array.shape)[...] = array
        return inside


def map_leaves(result: Any, frame: list, numbers: Iterator[int]) -> Any:
    """The result of a program with its arrays and numbers."""
    def value(leaf: Any) -> Any:
        traced = leaf.array if isinstance(leaf, Field) else leaf
        if isinstance(traced, TracedArray):
            array = outside(frame[traced.buffer], traced.shape)
            return Field(array, leaf.region, leaf.origin) if isinstance(leaf, Field) else array
        return next(numbers) if isinstance(leaf, Scalar) or is_number(leaf) else leaf

    return map_arguments(value, result)
