"""Numba: what is asked for is recorded, planned (dycore.backends.recording) and compiled as one program.

Stencils become kernels (dycore.backends.kernels); the program calls them row by row, group by group. What
Numba does not compile, the Fourier transforms of the polar filter, runs between two parts of a program.
Kernels and programs are the only generated source of the project, kept on disk when compiled.
"""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import numba
import numpy as np

from dycore.backends.array_functions import ArrayFunction
from dycore.backends.buffers import Pool, Scratches, outside
from dycore.backends.cache import kept
from dycore.backends.common import collapsed, precision_of
from dycore.backends.halos import extent
from dycore.backends.kernels import Compiler, build, in_turn, make_kernel
from dycore.backends.on_numpy import NumpyBackend
from dycore.backends.operations import Copy, Exchange, Filter, Group, Loop, Recorded, Zero, leaves_of
from dycore.backends.planner import Planner
from dycore.backends.recording import Recording
from dycore.backends.scalars import Element, Round, Scalar, as_number, is_number, is_whole, kind_of
from dycore.backends.threads import made_once, with_parallel_loops
from dycore.stencils import Field, Region, map_arguments
from dycore.tiles import HALO, Halo, Tile, copies_x, copies_y

ROWS = 2  # that go through a group at a time, a power of two; the same for all grids, so that they share kernels


class InterpretedWarning(UserWarning):
    """Numba was told to compile nothing."""


class NumbaBackend(NumpyBackend):
    """The verbs of a backend. Within a function given to `loop` they record; called directly they run at once."""

    name = "numba"

    def __init__(self, threads: int = 1, communication: Any = None):
        super().__init__(communication)
        if not 1 <= threads <= numba.config.NUMBA_NUM_THREADS:
            raise ValueError(f"threads={threads}: Numba can use 1 to {numba.config.NUMBA_NUM_THREADS} threads here. "
                             "Set NUMBA_NUM_THREADS before the start for more.")
        numba.set_num_threads(threads)
        self.threads = threads
        self.compilers: dict[str, Compiler] = {}
        self.pool = Pool()
        self.planning = Planning()
        self._programs: dict[Any, Program] = {}

    def __reduce__(self) -> Any:
        return type(self), (self.threads, self.communication)

    @property
    def _recording(self) -> Recording | None:
        return self.planning.recording

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.apply`, in one pass."""
        if self._recording is None:
            return self._at_once(lambda noted, *arguments: noted.apply(stencil, region, *arguments), (stencil, region), arguments)
        return self._recording.apply(stencil, region, *arguments)

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        """As `NumpyBackend.sweep`, one row of columns at a time."""
        what = stencil, start, region, direction
        if self._recording is None:
            return self._at_once(lambda noted, *arguments: noted.sweep(*what, *arguments), what, arguments)
        return self._recording.sweep(*what, *arguments)

    def call(self, function: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.call`, between two parts of a program."""
        if self._recording is None:
            return self._at_once(lambda noted, *arguments: noted.call(function, region, *arguments), (function, region), arguments)
        return self._recording.call(function, region, *arguments)

    def exchange(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.exchange`; completes fields that `apply` or `sweep` made where they are."""
        return super().exchange(*placed) if self._recording is None else self._recording.exchange(*placed)

    def wrap(self, *placed: tuple[Halo, Any]) -> tuple:
        """As `NumpyBackend.wrap`, where the fields are."""
        return super().wrap(*placed) if self._recording is None else self._recording.wrap(*placed)

    def retile(self, field: Any, tile: Tile, to: Tile) -> Any:
        """As `NumpyBackend.retile`, as a copy where the halos differ."""
        return super().retile(field, tile, to) if self._recording is None else self._recording.retile(field, tile, to)

    def whole(self, tile: Tile, field: Field) -> Field:
        """As `NumpyBackend.whole`; all arrays are whole here, and hold no sense where a field holds no value."""
        return super().whole(tile, field) if self._recording is None else self._recording.whole(tile, field)

    def filter_rows(self, tile: Tile, *pairs: tuple[Field, Any]) -> tuple[Field, ...]:
        """As `NumpyBackend.filter_rows`."""
        return super().filter_rows(tile, *pairs) if self._recording is None else self._recording.filter_rows(tile, *pairs)

    def collapse(self, values: np.ndarray) -> Any:
        """A 2-D field of the grid, stored with length 1 along the axes on which it does not change."""
        return collapsed(values)

    def zeros_like(self, array: Any) -> Any:
        """An array of zeros."""
        return super().zeros_like(array) if self._recording is None else self._recording.zeros_like(array)

    def iterate(self, body: Callable, carried: Any, n: int) -> Any:
        """As `NumpyBackend.iterate`, a loop of the program."""
        return super().iterate(body, carried, n) if self._recording is None else self._recording.iterate(body, carried, n)

    def loop(self, step: Callable, period: int = 3) -> Callable:
        """A function (constants, state, n) that takes n steps of a program compiled at the first call.

        Numbers and arrays of constants and state may be others in every call; constants are not looked into again while they
        are the same object.
        """
        programs: dict[Any, Program] = {}
        marks: dict[Any, int] = {}
        last: list[tuple[Any, int]] = [(programs, 0)]

        def steps(constants: Any, state: Any, n: int) -> Any:
            known, mark = last[0]
            if known is not constants:
                mark = marks.setdefault(signature(constants), len(marks))
                last[0] = constants, mark
            program = made_once(programs, (mark, signature(state)), lambda: Program(self, step, constants, state))
            return program.run(constants, state, n)

        return steps

    def _at_once(self, verb: Callable, what: tuple, arguments: tuple) -> Any:
        """Compile and run what one verb does with its arguments."""
        key = what, signature(arguments)
        program = made_once(self._programs, key, lambda: Program(
            self, lambda _, arguments: verb(self._recording, *arguments), (), arguments))
        return program.run((), arguments, 1)


class Planning(threading.local):
    """What the thread that plans a step notes its verbs in; those of other threads go on."""

    recording: Recording | None = None


def signature(argument: Any) -> Any:
    """All that a program depends on: not the values of arrays and of numbers."""
    if isinstance(argument, tuple):
        return type(argument), tuple(signature(part) for part in argument)
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
    numbers: list[Any]
    floats: list[np.ndarray]  # of every part of the program, what its kernels are given; what changes in a run is filled in there


class Run(NamedTuple):
    """What the parts of a program work on: arrays by the number of their buffer, whole numbers, and floats of every part."""

    frame: list[Any]
    integers: np.ndarray
    floats: list[np.ndarray]
    numbers: list[Any]  # of constants and of the state before a step


class Program:
    """A step compiled for arguments of certain shapes; arrays live in numbered buffers."""

    def __init__(self, backend: NumbaBackend, step: Callable, constants: tuple, state: tuple):
        self.backend = backend
        given: list[Recorded] = []
        inputs: list[Recorded] = []
        numbers: list[Any] = []

        def noted(leaf: Any, arrays: list[Recorded]) -> Any:
            array = leaf.array if isinstance(leaf, Field) else leaf
            if is_number(array):
                place = len(numbers)
                numbers.append(as_number(array))
                return Scalar(lambda numbers: numbers[place], numbers[place], moving=arrays is inputs)
            if not np.ndim(array):
                return leaf
            arrays.append(Recorded(array.shape, array.dtype))
            return Field(arrays[-1], leaf.region, leaf.origin) if isinstance(leaf, Field) else arrays[-1]

        recording = backend.planning.recording = Recording()
        try:
            self.result = step(map_arguments(lambda leaf: noted(leaf, given), constants),
                               map_arguments(lambda leaf: noted(leaf, inputs), state))
        finally:
            backend.planning.recording = None

        planner = Planner(ROWS, backend.threads)
        for array in (*given, *inputs):
            array.buffer = planner.new_buffer(array.shape, array.dtype)
        results = [leaf for leaf in leaves_of(self.result) if isinstance(leaf, Recorded)]
        statements = planner.plan(recording.statements, tuple(results), set(inputs))

        self.writer = writer = Writer(backend)
        self.shapes = shapes = planner.buffers
        self.parts = writer.parts(statements, planner.rows)
        self.inputs = [array.buffer for array in inputs]
        self.outputs = [array.buffer for array in results]
        assert len(set(self.outputs)) == len(self.outputs), "two results share an array"
        self.numbers = [leaf for leaf in leaves_of(self.result) if isinstance(leaf, Scalar) or is_number(leaf)]
        self.moving = [number for number in range(len(given), len(shapes)) if number not in writer.rings]
        self.scratches = Scratches([None] * len(shapes), {n: shapes[n] for n in sorted(writer.rings)}, backend.threads,
                                   writer.numbers())
        self.after = self._rotation()
        self.given = Given(self, [None] * len(given), [], [], [])  # nothing yet

    def _rotation(self) -> list[tuple[int, int]]:
        """(buffer, buffer of the step before whose array it takes) from one step to the next."""
        pairs = list(zip(self.inputs, self.outputs, strict=False)) if len(self.inputs) == len(self.outputs) else []
        idle = [b for b in self.moving if b not in self.outputs]
        for number in self.moving:
            if number not in self.inputs:
                match = next((b for b in idle if self.shapes[b] == self.shapes[number]), None)
                if match is not None:
                    idle.remove(match)
                    pairs.append((number, match))
        return pairs

    def run(self, constants: Any, state: Any, n: int) -> Any:
        """The result after n steps; the given arrays stay what they are. Threads may call it at once."""
        if not n:
            return state
        given, leaves = self._given(constants), list(leaves_of(state))
        theirs = dict(zip(self.inputs, filter(np.ndim, leaves), strict=True))
        numbers = [*given.numbers, *map(as_number, filter(is_number, leaves))]
        scratch = self.scratches.take()
        run = Run([*given.arrays, *scratch.frame[len(given.arrays):]], scratch.numbers, self.writer.floats_of_run(given.floats),
                  numbers)
        frame, now = run.frame, theirs
        if self.backend.threads > 1:
            numba.set_num_threads(self.backend.threads)  # holds for the calling thread, and for all backends
        for _ in range(n):
            for number in self.moving:
                array = now.get(number)
                if array is None:
                    frame[number] = self.backend.pool.take(*self.shapes[number])
                else:
                    frame[number] = self._taken_in(array) if array is theirs.get(number) else array
            self.writer.fill(run)
            for part in self.parts:
                part(run)
            now = {number: frame[source] for number, source in self.after}
            after = [value_of(leaf, numbers) for leaf in self.numbers]
            numbers[len(given.numbers):] = after
        self.scratches.give_back(scratch)
        return map_leaves(self.result, frame, iter(after))

    def _given(self, constants: Any) -> Given:
        """Constants as the program holds them; of others than in the call before, what is another array is taken in."""
        last = self.given
        if last.constants is constants:
            return last
        leaves = list(leaves_of(constants))
        sources = [leaf for leaf in leaves if np.ndim(leaf)]
        arrays = [before if source is known else self._taken_in(source)
                  for source, known, before in zip(sources, last.sources, last.arrays or last.sources, strict=True)]
        numbers = [as_number(leaf) for leaf in leaves if is_number(leaf)]
        self.given = given = Given(constants, sources, arrays, numbers, self.writer.floats_at_rest(numbers))
        return given

    def _taken_in(self, array: Any) -> np.ndarray:
        """A copy that is laid out as programs want it, or what needs no copy: an array that is constant along an axis."""
        if array.ndim < 2 or 1 in array.shape[-2:]:
            return np.array(array)
        inside = self.backend.pool.take(array.shape, array.dtype)
        outside(inside, array.shape)[...] = array
        return inside


def map_leaves(result: Any, frame: list, numbers: Iterator[int]) -> Any:
    """The result of a program with its arrays and numbers."""
    def value(leaf: Any) -> Any:
        recorded = leaf.array if isinstance(leaf, Field) else leaf
        if isinstance(recorded, Recorded):
            array = shown(frame, recorded)
            return Field(array, leaf.region, leaf.origin) if isinstance(leaf, Field) else array
        return next(numbers) if isinstance(leaf, Scalar) or is_number(leaf) else leaf

    return map_arguments(value, result)


def value_of(leaf: Any, numbers: list) -> Any:
    """A number that a program is given or makes of what it is given."""
    return leaf.value(numbers) if isinstance(leaf, Scalar) else leaf


def shown(frame: list, array: Recorded) -> np.ndarray:
    """An array of a program, as others see it."""
    return outside(frame[array.buffer], array.shape)


class Writer:
    """Writes the source of a program and compiles its parts."""

    def __init__(self, backend: NumbaBackend):
        self.backend = backend
        self.integers: list[Any] = []  # whole numbers of the program, or what stands for them
        self.floats: list[Any] = []
        self.floats_of_parts: list[tuple[list[Any], np.dtype]] = []
        self.rings: set[int] = set()
        self.names: dict[str, Any] = {}
        self.digests: list[str] = []
        self.lines: list[str] = []
        self.used: dict[str, int] = {}
        self.local: set[int] = set()
        self.dtype = np.dtype(float)

    def numbers(self) -> np.ndarray:
        """All whole numbers of the program; those of a run are zero."""
        return np.array([0 if isinstance(number, Scalar) else number for number in self.integers] or [0], np.int64)

    def floats_at_rest(self, numbers: list) -> list[np.ndarray]:
        """The floats that each part is given, of these numbers of constants; what moves in a run is zero."""
        return [np.array([0.0 if isinstance(leaf, Scalar) and leaf.moving else value_of(leaf, numbers) for leaf in leaves]
                         or [0.0], dtype) for leaves, dtype in self.floats_of_parts]

    @cached_property
    def moving(self) -> list[tuple[int, int, Scalar]]:
        """(part, place, what stands for it) of floats that change in a run."""
        return [(part, place, leaf) for part, (leaves, _) in enumerate(self.floats_of_parts)
                for place, leaf in enumerate(leaves) if isinstance(leaf, Scalar) and leaf.moving]

    @cached_property
    def counted(self) -> list[tuple[int, Scalar]]:
        """(place, what stands for it) of whole numbers that a run is given."""
        return [(place, number) for place, number in enumerate(self.integers) if isinstance(number, Scalar)]

    def floats_of_run(self, floats: list[np.ndarray]) -> list[np.ndarray]:
        """Floats of which a run may change those that move."""
        changing = {part for part, _, _ in self.moving}
        return [array.copy() if part in changing else array for part, array in enumerate(floats)]

    def fill(self, run: Run) -> None:
        """Give the parts what they need of the numbers of a step."""
        for place, number in self.counted:
            run.integers[place] = number.value(run.numbers)
        for part, place, number in self.moving:
            run.floats[part][place] = number.value(run.numbers)

    def integer(self, value: Any) -> str:
        """Source text of a whole number that is known now, or to a run; it is no part of the compiled program."""
        if isinstance(value, Scalar) and any(value is known for known in self.integers):
            return f"n[{next(place for place, known in enumerate(self.integers) if known is value)}]"
        self.integers.append(value)  # even one that is there: the text must be the same for all grids
        return f"n[{len(self.integers) - 1}]"

    def real(self, value: Any) -> str:
        """Source text of a number in the precision of the program."""
        for place, known in enumerate(self.floats):
            if known is value and isinstance(value, Scalar):
                return f"c[{place}]"
        self.floats.append(value)
        return f"c[{len(self.floats) - 1}]"

    def array(self, array: Recorded) -> str:
        """Source text of an array."""
        if array.ring and self.backend.threads > 1:
            self.local.add(array.buffer)
            self.used[f"b{array.buffer}"] = array.buffer
            return f"ring{array.buffer}"
        self.used[f"b{array.buffer}"] = array.buffer
        return f"b{array.buffer}"

    def leaf(self, leaf: Any) -> str:
        """Source text of an argument of a kernel."""
        if isinstance(leaf, Recorded):
            return self.array(leaf)
        if isinstance(leaf, Element):
            return f"{self.array(leaf.table)}[{', '.join(map(self.index, leaf.index))}]"
        if isinstance(leaf, Round):
            return leaf.text
        whole = leaf.dtype.kind in "iu" if isinstance(leaf, Scalar) else is_whole(leaf)
        return self.integer(leaf) if whole else self.real(leaf)

    def index(self, part: Any) -> str:
        """Source text of an index of a table."""
        return self.leaf(part) if isinstance(part, (Scalar, Round)) else str(part)

    def parts(self, statements: list, rows: int) -> list[Callable]:
        """Functions of a `Run` that together are the program."""
        parts: list[Callable | None] = []
        for statement in statements:
            if isinstance(statement, Filter):
                parts += [self.compile(), self.filter_rows(statement)]
            elif isinstance(statement, ArrayFunction):
                parts += [self.compile(), self.call(statement)]
            elif isinstance(statement, Exchange) and statement.messages:
                self.halo(statement, copies_y, "    ")
                parts += [self.compile(), self.fetch(statement)]
                self.halo(statement, copies_x, "    ")
            else:
                self.write(statement, rows, "    ")
        return [part for part in (*parts, self.compile()) if part]

    def fetch(self, exchange: Exchange) -> Callable:
        """A part that fills what of halos other processes keep."""
        arrays = [array for _, array in exchange.placed]
        fields = tuple((halo, array.ndim) for halo, array in exchange.placed)
        fill = self.backend.communication.fetcher(fields, arrays[0].dtype)

        def fetch(run: Run) -> None:
            fill([shown(run.frame, array) for array in arrays])

        return fetch

    def filter_rows(self, statement: Filter) -> Callable:
        """A part that filters rows."""
        reference = NumpyBackend(self.backend.communication)

        def filter_rows(run: Run) -> None:
            reference.filter_rows(statement.tile, *((Field.whole(shown(run.frame, field)), shown(run.frame, response))
                                                    for field, response in statement.pairs))

        return filter_rows

    def call(self, statement: ArrayFunction) -> Callable:
        """A part that calls a function on arrays."""

        def call(run: Run) -> None:
            results = statement.of(lambda array: shown(run.frame, array), run.numbers)
            for array, result in zip(statement.results, (results,) if statement.single else results, strict=True):
                region = statement.region if array.ndim == 3 else statement.region.columns
                shown(run.frame, array)[tuple(slice(*r) for r in region.ranges)] = result

        return call

    def compile(self) -> Callable | None:
        """The part written so far as a function of a `Run`."""
        if not self.lines:
            return None
        source = "\n".join([f"def program(n, c, {', '.join(self.used)}):", *self.lines, ""])
        # numbered anew, so that parts that do the same with other arrays are the same program
        buffers = {number: place for place, number in enumerate(self.used.values())}
        source = re.sub(r"\b(b|ring)(\d+)\b", lambda found: f"{found[1]}{buffers[int(found[2])]}", source)
        integers: dict[int, int] = {}
        source = re.sub(r"\bn\[(\d+)\]", lambda found: f"n[{integers.setdefault(int(found[1]), len(integers))}]", source)
        function = build(source, "program", self.names, repr(self.digests), alone=False, parallel=self.backend.threads > 1)
        places, which = list(buffers), np.array(list(integers), np.intp)
        number = len(self.floats_of_parts)
        self.floats_of_parts.append((self.floats, self.dtype))
        self.lines, self.names, self.digests, self.used, self.floats = [], {}, [], {}, []

        call = with_parallel_loops(function) if self.backend.threads > 1 else function

        def part(run: Run) -> None:
            with contextlib.nullcontext() if function.overloads else in_turn(function):  # type: ignore[attr-defined]
                call(run.integers[which], run.floats[number], *[run.frame[place] for place in places])

        return part

    def write(self, statement: Any, rows: int, indent: str) -> None:
        """Source of a statement."""
        if isinstance(statement, Group):
            self.group(statement, rows, indent)
        elif isinstance(statement, Exchange):
            self.halo(statement, copies_y, indent)
            self.halo(statement, copies_x, indent)
        elif isinstance(statement, Zero):
            self.lines.append(f"{indent}{self.array(statement.target)}[:] = 0.0")
        elif isinstance(statement, Copy):
            to, cut = (self.rectangle(part) for part in (statement.to, statement.cut))
            self.lines.append(f"{indent}{self.array(statement.target)}[{to}] = {self.array(statement.source)}[{cut}]")
        elif isinstance(statement, Loop):
            self.lines.append(f"{indent}for m in range({self.leaf(statement.n)}):")
            for part in statement.plan:
                self.write(part, rows, indent + "    ")
        else:
            raise TypeError(f"{type(statement).__name__} cannot be part of a loop of the compiled program.")

    def rectangle(self, cut: tuple[slice, ...] | None) -> str:
        """Source text of the indices of a part [j, i] of a 2-D array, or of all of any array."""
        return ":" if cut is None else ", ".join(f"{self.integer(part.start)}: {self.integer(part.stop)}" for part in cut)

    def halo(self, exchange: Exchange, copies: Callable, indent: str) -> None:
        """Source that fills the part of halos that `copies` says, or what of it is not filled yet."""
        for halo, array in exchange.placed:
            for target, source, sign in copies(halo):
                if copies is copies_x and array in exchange.begun:
                    south, north = halo.tile.region.j
                    for start, stop in ((0, south + 1), (north, array.shape[-2])):
                        self.strip(array, (slice(start, stop), target[1]), (slice(start, stop), source and source[1]), sign, indent)
                else:
                    self.strip(array, target, source or (None, None), sign, indent)

    def strip(self, array: Recorded, target: tuple, source: tuple, sign: float, indent: str, rows: str = "") -> None:
        """Source that copies a strip to the halo; `rows` replaces what is known now of the rows."""
        self.names["fill_strips"], self.names["fill_strip"] = fill_strips, fill_strip
        numbers: list[str] = []
        for axis in (0, 1):
            if axis == 0 and rows:
                numbers.append(rows)
                continue
            start, count, back = extent(target[axis], array.shape[axis - 2])
            first, step = start, 1
            if source[axis] is not None:
                first, _, source_back = extent(source[axis], array.shape[axis - 2])
                if back != source_back:
                    first, step = first + count - 1, -1
            numbers += [self.integer(number) for number in (start, count, first, step)]
        sign = 0.0 if source[1] is None else sign
        name = "fill_strips" if array.ndim == 3 else "fill_strip"
        self.lines.append(f"{indent}{name}({self.array(array)}, {sign}, {', '.join(numbers)})")

    def group(self, group: Group, rows: int, indent: str) -> None:
        """Source that goes through the rows of a group."""
        operations, threads = group.operations, self.backend.threads
        regions = [operation.region for operation in operations]
        south, north = self.integer(min(r.j[0] for r in regions)), self.integer(max(r.j[1] for r in regions))
        self.lines, before = [], self.lines
        self.local = set()
        inner = indent + ("    " if threads > 1 else "")
        for operation in operations:
            kernel = make_kernel(self.backend.compilers, operation)
            name = f"kernel_{kernel.digest}"
            self.names[name] = kernel.function
            if kernel.digest not in self.digests:
                self.digests.append(kernel.digest)
            precision = precision_of(operation.arguments)
            self.dtype = precision if precision.kind == "f" else self.dtype
            region, lead, back = operation.region, operation.lead, operation.back
            self.rings |= {array.buffer for array in operation.results if array.ring}
            ends = [self.integer(r[1]) for r in (region.k, region.i) if r]
            given = [*ends, *map(self.array, operation.results), *map(self.leaf, kernel.leaves)]
            self.lines += [f"{inner}    first = max(block + {lead}, {self.integer(region.j[0])}, south - {back})",
                           f"{inner}    last = min(block + {lead + rows}, {self.integer(region.j[1])}, north + {lead})",
                           f"{inner}    if first < last:",
                           f"{inner}        {name}(first, last, {', '.join(given)})"]
            for array, halo in operation.ends.items():
                for target, source, sign in copies_x(halo):
                    self.strip(array, target, source or (None, None), sign, inner + "        ", "first, last - first, first, 1")
        lines, self.lines = self.lines, before
        reach = max(operation.lead + operation.back for operation in operations)
        if threads > 1:
            self.lines += [f"{indent}for chunk in prange({threads}):",
                           f"{inner}south = {south} + chunk * ({north} - {south}) // {threads}",
                           f"{inner}north = {south} + (chunk + 1) * ({north} - {south}) // {threads}",
                           *(f"{inner}ring{number} = b{number}[chunk]" for number in sorted(self.local))]
        else:
            self.lines.append(f"{indent}south, north = {south}, {north}")
        self.lines += [f"{inner}for block in range(south - {reach}, north, {rows}):", *lines]


def fill_strips(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[j0 + a, :, i0 + b] = sign * array[from_j + a * step_j, :, from_i + b * step_i]; a sign of 0 gives 0."""
    factor = array.dtype.type(sign)
    if sign == 0.0:  # whatever stands there, which may be no number
        array[j0: j0 + nj, :, i0: i0 + ni] = factor
        return
    if ni == HALO and step_i == 1:  # the compiler unrolls what it knows
        for a in range(nj):
            for k in range(array.shape[1]):
                for b in range(HALO):
                    array[j0 + a, k, i0 + b] = factor * array[from_j + a * step_j, k, from_i + b]
        return
    for a in range(nj):
        for k in range(array.shape[1]):
            for b in range(ni):
                array[j0 + a, k, i0 + b] = factor * array[from_j + a * step_j, k, from_i + b * step_i]


def fill_strip(array, sign, *numbers):
    """The same for a 2-D array."""
    fill_strips(array.reshape((array.shape[0], 1, array.shape[1])), sign, *numbers)


fill_strips = kept(fill_strips, error_model="numpy")
fill_strip = kept(fill_strip, error_model="numpy")


def create(threads: int = 1, communication: Any = None) -> NumpyBackend:
    """The Numba backend on so many threads; where NUMBA_DISABLE_JIT is set, the NumPy backend, which a debugger steps through."""
    if numba.config.DISABLE_JIT:
        warnings.warn("NUMBA_DISABLE_JIT is set, so that Numba compiles nothing: stencils run interpreted on the NumPy backend, "
                      "with the same results, slowly. Unset it for speed.", InterpretedWarning, stacklevel=3)
        return NumpyBackend(communication)
    return NumbaBackend(threads, communication)
