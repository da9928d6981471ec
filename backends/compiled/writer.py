"""The source of a compiled program, written statement by statement, and compiled part by part.

A part calls kernels (dycore.backends.compiled.kernels) and fills halos; between two parts the host works. Arrays and numbers
are numbered within a part, so that parts that do the same with other ones are the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numba
import numpy as np

from dycore.backends.common import precision_of
from dycore.backends.compiled.buffers import LINE, laid_out
from dycore.backends.compiled.building import build, turn_to_compile
from dycore.backends.compiled.calls import address_of, call_at
from dycore.backends.compiled.kernels import make_kernel
from dycore.backends.compiled.strips import add_strips, copy_rectangle, fill_rows, fill_strips, keep_round, load_round
from dycore.backends.compiled.views import View, array_at, planes, view_at
from dycore.backends.halos import extent
from dycore.backends.on_numpy import NumpyBackend
from dycore.backends.recorded.operations import Group, Operation, Statement, TracedArray
from dycore.backends.recorded.scalars import Element, Scalar, Values, is_whole
from dycore.backends.threads import with_parallel_loops
from dycore.halo_sources import copies_x

INDENT = "    "
PROGRAM = {"array_at": array_at, "call_at": call_at, "planes": planes, "view_at": view_at}  # what the text of programs calls
DOUBLES = LINE // 8  # in the widest vector


class Part:
    """The source of a part, and what it is called with: whole numbers, floats, and where its arrays lie."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.buffers: dict[int, int] = {}  # the place of a buffer among those of the part
        self.arrays: list[str] = []  # lines that make arrays and views of these
        self.kinds: dict[Any, str] = {}  # names of types of Numba
        self.integers: list[Any] = []
        self.reals: list[Any] = []
        self.dtype = np.dtype(float)


class Writer:
    """Writes parts, as statements ask for lines; `rows` go through a group at a time.

    backend: dycore.backends.on_numba.NumbaBackend.
    """

    def __init__(self, backend: Any, rows: int):
        self.backend, self.rows = backend, rows
        self.host = NumpyBackend(backend.communication)
        self.parts: list[Callable] = []
        self.values: list[Values] = []  # the numbers that the parts are given: whole ones and floats of each
        self.rolling: set[int] = set()
        self.part = Part()
        self.local: set[str] = set()  # lines of a loop over threads that show each its rolling arrays

    def parts_of(self, statements: list[Statement]) -> list[Callable]:
        """Functions of a run (dycore.backends.compiled.program) that together are the program."""
        for statement in statements:
            statement.emit(self, INDENT)
        self.finish()
        return self.parts

    def call_host(self, statement: Statement, work: Callable, indent: str) -> None:
        """End a part, and let the host do some work of a run. Raises TypeError within a loop of the program."""
        if indent != INDENT:
            raise TypeError(f"{type(statement).__name__} cannot be part of a loop of the compiled program.")
        self.finish()
        self.parts.append(work)

    def finish(self) -> None:
        """Compile the part written so far."""
        part, self.part = self.part, Part()
        if not part.lines:
            return
        parallel = self.backend.threads > 1
        source = "\n".join(["def program(n, c, memory):", *part.arrays, *part.lines, ""])
        names = part.names | PROGRAM | {name: kind for kind, name in part.kinds.items()}
        function = build(source, "program", names, repr(list(part.kinds)), alone=False, parallel=parallel)
        call = with_parallel_loops(function) if parallel else function
        whole, buffers = len(self.values), np.array(list(part.buffers))
        self.values += [Values(part.integers, np.dtype(np.int64)), Values(part.reals, part.dtype)]

        def run_part(run: Any) -> None:
            given = run.values[whole], run.values[whole + 1], run.memory[buffers]
            if function.overloads:  # type: ignore[attr-defined]
                call(*given)
            else:
                with turn_to_compile(function):
                    call(*given)

        self.parts.append(run_part)

    # What statements write ---------------------------------------------------------------------------

    def add(self, indent: str, *lines: str) -> None:
        """Lines of source."""
        self.part.lines += [indent + line for line in lines]

    def array(self, array: TracedArray) -> str:
        """Source text of an array."""
        assert not array.rolling_rows, "a rolling array is read as a view"
        place = self.place_of(array)
        return self.at_top(f"b{place}", f"array_at(memory, {place}, {self.named(array_kind(array))})")

    def view(self, array: TracedArray) -> str:
        """Source text of an array with two or three axes as a `View`; of a rolling one, that of the thread that asks."""
        place, kind = self.place_of(array), self.named(array_kind(array))
        if array.rolling_rows and self.backend.threads > 1:
            self.local.add(f"v{place} = view_at(memory, {place}, {kind}, chunk)")
            return f"v{place}"
        return self.at_top(f"v{place}", f"view_at(memory, {place}, {kind}, None)")

    def place_of(self, array: TracedArray) -> int:
        """The place of an array among those of the part."""
        return self.part.buffers.setdefault(array.buffer, len(self.part.buffers))

    def at_top(self, name: str, value: str) -> str:
        """A name that stands for a value from the first line of the part on."""
        line = f"{INDENT}{name} = {value}"
        if line not in self.part.arrays:
            self.part.arrays.append(line)
        return name

    def named(self, kind: Any) -> str:
        """Source text of a type of Numba."""
        return self.part.kinds.setdefault(kind, f"kind{len(self.part.kinds)}")

    def kind_of(self, leaf: Any) -> Any:
        """The type that an argument of a kernel has in Numba."""
        if isinstance(leaf, TracedArray):
            return View(array_kind(leaf), -1, -1) if leaf.ndim in (2, 3) else array_kind(leaf)
        dtype = np.dtype(int) if is_whole(leaf) else getattr(leaf, "dtype", self.part.dtype)
        if isinstance(leaf, Element):
            return numba.from_dtype(dtype)
        return numba.types.int64 if dtype.kind in "iu" else numba.from_dtype(self.part.dtype)

    def integer(self, value: Any) -> str:
        """Source text of a whole number that is known now, or to a run; it is no part of the compiled program."""
        return f"n[{added(self.part.integers, value)}]"

    def real(self, value: Any) -> str:
        """Source text of a number in the precision of the part."""
        return f"c[{added(self.part.reals, value)}]"

    def number(self, leaf: Any) -> str:
        """Source text of an argument of a kernel."""
        if isinstance(leaf, TracedArray):
            return self.view(leaf) if leaf.ndim in (2, 3) else self.array(leaf)
        if hasattr(leaf, "source"):
            return leaf.source(self)
        return self.integer(leaf) if is_whole(leaf) else self.real(leaf)

    def copy(self, target: TracedArray, source: TracedArray, to: tuple | None, cut: tuple | None, indent: str) -> None:
        """Copy `cut` [j, i] of a 2-D array to `to` of another, or all of any array."""
        arrays = self.array(target), self.array(source)
        if len(target.shape) > 2 or not (to or target.shape == source.shape):
            self.add(indent, f"{arrays[0]}[:] = {arrays[1]}")
            return
        whole = tuple(slice(0, n) for n in target.shape)
        (to_j, to_i), (cut_j, cut_i) = to or whole, cut or whole
        counts = cut_j.stop - cut_j.start, cut_i.stop - cut_i.start
        self.call_with(copy_rectangle, arrays, [[to_j.start, to_i.start, cut_j.start, cut_i.start, *counts]], indent)

    def halo(self, exchange: Any, copies: Callable, indent: str) -> None:
        """Fill halos as far as `copies` says, or what of that is not filled yet."""
        for halo, array in exchange.placed:
            if copies is copies_x and array in exchange.begun:
                south, north = halo.tile.region.j
                north -= halo.tile.fold_rows  # which copies along y have filled since
                self.strips(array, [((rows, target[1]), (rows, source and source[1]), sign) for target, source, sign in copies(halo)
                                    for rows in (slice(0, south + 1), slice(north, array.shape[-2]))], indent)
            else:
                self.strips(array, copies(halo), indent)

    def strips(self, array: TracedArray, copies: Iterable[tuple], indent: str, rows: str = "") -> None:
        """Copy strips to the halo of an array; `rows`: of these, known when the program runs."""
        strips = [numbers_of(array.shape, *copy) for copy in copies]
        if not strips:
            return
        self.call_with(fill_rows if rows else fill_strips, (f"planes({self.view(array)})",), strips, indent, rows)

    def strips_back(self, array: TracedArray, copies: Iterable[tuple], indent: str) -> None:
        """Add strips of the halo of an array to where they come from."""
        strips = [numbers_of(array.shape, *copy) for copy in copies]
        if strips:
            self.call_with(add_strips, (f"planes({self.view(array)})",), strips, indent)

    def copy_round(self, keep: bool, kept: TracedArray, array: TracedArray, number: Any, indent: str) -> None:
        """Keep an array as it is in a round, or make it of what was kept."""
        function = keep_round if keep else load_round
        self.part.names[function.__name__] = function
        self.add(indent, f"{function.__name__}({self.array(kept)}, {self.array(array)}, {number.source(self)})")

    def call_with(self, function: Callable, arrays: tuple[str, ...], numbers: list[list[int]], indent: str, more: str = "") -> None:
        """Call function(*arrays, n, where its numbers begin in n, how many groups of them there are, more).

        The latter two are numbers of n too: for every constant in the text Numba would compile a function of its own.
        """
        name = function.__name__
        self.part.names[name] = function
        first = self.integer(len(self.part.integers) + 2)
        given = [*arrays, "n", first, self.integer(len(numbers)), *([more] if more else [])]
        self.part.integers += [number for group in numbers for number in group]
        self.add(indent, f"{name}({', '.join(given)})")

    def rows_of(self, group: Group, indent: str) -> None:
        """Go through the rows of a group; each thread through its own."""
        threads, part = self.backend.threads, self.part
        regions = [operation.region for operation in group.operations]
        south, north = self.integer(min(r.j[0] for r in regions)), self.integer(max(r.j[1] for r in regions))
        before, part.lines, self.local = part.lines, [], set()
        inner = indent + (INDENT if threads > 1 else "")
        for operation in group.operations:
            self.call(operation, inner + INDENT)
        lines, part.lines = part.lines, before
        if threads > 1:
            self.add(indent, f"for chunk in prange({threads}):")
            self.add(inner, f"south = {south} + chunk * ({north} - {south}) // {threads}",
                     f"north = {south} + (chunk + 1) * ({north} - {south}) // {threads}",
                     *sorted(self.local))
        else:
            self.add(indent, f"south, north = {south}, {north}")
        overlap = max(operation.lookahead + operation.lookbehind for operation in group.operations)
        self.add(inner, f"for block in range(south - {overlap}, north, {self.rows}):")
        part.lines += lines

    def call(self, operation: Operation, indent: str) -> None:
        """Call the kernel of an operation for a block of rows."""
        part, region, lookahead, lookbehind = self.part, operation.region, operation.lookahead, operation.lookbehind
        kernel = make_kernel(self.backend.compilers, operation)
        precision = precision_of(operation.arguments)
        part.dtype = precision if precision.kind == "f" else part.dtype
        self.rolling |= {array.buffer for array in operation.results if array.rolling_rows}
        within = operation.scatter.within if operation.scatter else ()
        ends = (*within, *([region.k[1]] if region.k else []), row_end(operation))
        given = [*map(self.integer, ends), *map(self.number, (*operation.results, *kernel.leaves))]
        kinds = numba.types.Tuple(list(map(self.kind_of, (0, 0, *ends, *operation.results, *kernel.leaves))))
        address = self.integer(address_of(kernel.function, kinds.types))
        self.add(indent, f"first = max(block + {lookahead}, {self.integer(region.j[0])}, south - {lookbehind})",
                 f"last = min(block + {lookahead + self.rows}, {self.integer(region.j[1])}, north + {lookahead})",
                 "if first < last:", f"    call_at({address}, (first, last, {', '.join(given)}), {self.named(kinds)})")
        for array, halo in operation.ends.items():
            self.strips(array, copies_x(halo), indent + INDENT, "first, last")


def array_kind(array: TracedArray) -> Any:
    """The type that an array has in Numba."""
    return numba.types.Array(numba.from_dtype(array.dtype), array.ndim, "C")


def row_end(operation: Operation) -> int:
    """Where rows of an operation end: in double precision after whole vectors, if the arrays of its results have room for them.

    The columns beyond its region hold no sense then, as they do on all backends where a field holds no value. Without it up to
    seven cells of a row are computed one by one; in single precision that costs nothing that could be measured.
    """
    west, east = operation.region.i
    end = west + -(-(east - west) // DOUBLES) * DOUBLES
    has_room = all(array.dtype.itemsize == 8 and end <= laid_out(array.shape, array.dtype)[-1] for array in operation.results)
    return end if has_room and operation.scatter is None else east


def numbers_of(shape: tuple[int, ...], target: tuple, source: tuple | None, sign: float) -> list[int]:
    """The numbers of a strip (dycore.backends.compiled.strips), of the indices [j, i] that it fills and copies; None is zero."""
    numbers = [int(sign) if source and source[1] else 0]
    for axis in (0, 1):
        start, count, backwards = extent(target[axis], shape[axis - 2])
        first, step = start, 1
        if source and source[axis]:
            first, _, source_backwards = extent(source[axis], shape[axis - 2])
            if backwards != source_backwards:
                first, step = first + count - 1, -1
        numbers += [start, count, first, step]
    return numbers


def added(leaves: list[Any], value: Any) -> int:
    """The place of a number among others: a new one even if it is there, as the text must be the same for all grids.

    A placeholder of a number of a run has one place.
    """
    if isinstance(value, Scalar):
        for place, leaf in enumerate(leaves):
            if leaf is value:
                return place
    leaves.append(value)
    return len(leaves) - 1
