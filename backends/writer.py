"""The source of a compiled program, written statement by statement, and compiled part by part.

A part calls kernels (dycore.backends.kernels) and fills halos; between two parts the host works. Arrays and numbers are numbered
within a part, so that parts that do the same with other ones are the same program.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.backends.building import build, in_turn
from dycore.backends.common import precision_of
from dycore.backends.halos import extent
from dycore.backends.kernels import make_kernel
from dycore.backends.on_numpy import NumpyBackend
from dycore.backends.operations import Group, Operation, Recorded, Statement
from dycore.backends.scalars import Scalar, Values, is_whole
from dycore.backends.strips import fill_strip, fill_strips
from dycore.backends.threads import with_parallel_loops
from dycore.halo_sources import copies_x

INDENT = "    "


class Part:
    """The source of a part, and what it is called with: arrays, whole numbers, floats."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.digests: list[str] = []
        self.buffers: dict[int, int] = {}  # the place of a buffer among its arguments
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
        self.rings: set[int] = set()
        self.part = Part()
        self.local: set[int] = set()

    def parts_of(self, statements: list[Statement]) -> list[Callable]:
        """Functions of a run (dycore.backends.numba_program) that together are the program."""
        for statement in statements:
            statement.emit(self, INDENT)
        self.finish()
        return self.parts

    def between(self, statement: Statement, work: Callable, indent: str) -> None:
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
        source = "\n".join([f"def program({', '.join(['n', 'c', *(f'b{place}' for place in part.buffers.values())])}):",
                            *part.lines, ""])
        function = build(source, "program", part.names, repr(part.digests), alone=False, parallel=parallel)
        call = with_parallel_loops(function) if parallel else function
        whole, buffers = len(self.values), list(part.buffers)
        self.values += [Values(part.integers, np.dtype(np.int64)), Values(part.reals, part.dtype)]

        def run_part(run: Any) -> None:
            with contextlib.nullcontext() if function.overloads else in_turn(function):  # type: ignore[attr-defined]
                call(run.values[whole], run.values[whole + 1], *[run.frame[buffer] for buffer in buffers])

        self.parts.append(run_part)

    # What statements write ---------------------------------------------------------------------------

    def add(self, indent: str, *lines: str) -> None:
        """Lines of source."""
        self.part.lines += [indent + line for line in lines]

    def array(self, array: Recorded) -> str:
        """Source text of an array."""
        place = self.part.buffers.setdefault(array.buffer, len(self.part.buffers))
        if array.ring and self.backend.threads > 1:
            self.local.add(place)
            return f"ring{place}"
        return f"b{place}"

    def integer(self, value: Any) -> str:
        """Source text of a whole number that is known now, or to a run; it is no part of the compiled program."""
        return f"n[{added(self.part.integers, value)}]"

    def real(self, value: Any) -> str:
        """Source text of a number in the precision of the part."""
        return f"c[{added(self.part.reals, value)}]"

    def number(self, leaf: Any) -> str:
        """Source text of an argument of a kernel."""
        if hasattr(leaf, "source"):
            return leaf.source(self)
        return self.integer(leaf) if is_whole(leaf) else self.real(leaf)

    def rectangle(self, cut: tuple[slice, ...] | None) -> str:
        """Source text of the indices of a part [j, i] of a 2-D array, or of all of any array."""
        return ":" if cut is None else ", ".join(f"{self.integer(part.start)}: {self.integer(part.stop)}" for part in cut)

    def halo(self, exchange: Any, copies: Callable, indent: str) -> None:
        """Fill the part of halos that `copies` says, or what of it is not filled yet."""
        for halo, array in exchange.placed:
            for target, source, sign in copies(halo):
                if copies is copies_x and array in exchange.begun:
                    south, north = halo.tile.region.j
                    for start, stop in ((0, south + 1), (north, array.shape[-2])):
                        self.strip(array, (slice(start, stop), target[1]), (slice(start, stop), source and source[1]), sign, indent)
                else:
                    self.strip(array, target, source or (None, None), sign, indent)

    def strip(self, array: Recorded, target: tuple, source: tuple, sign: float, indent: str, rows: str = "") -> None:
        """Copy a strip to the halo; `rows` replaces what is known now of the rows."""
        self.part.names["fill_strips"], self.part.names["fill_strip"] = fill_strips, fill_strip
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
        self.add(indent, f"{name}({self.array(array)}, {sign}, {', '.join(numbers)})")

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
                     *(f"ring{place} = b{place}[chunk]" for place in sorted(self.local)))
        else:
            self.add(indent, f"south, north = {south}, {north}")
        reach = max(operation.lead + operation.back for operation in group.operations)
        self.add(inner, f"for block in range(south - {reach}, north, {self.rows}):")
        part.lines += lines

    def call(self, operation: Operation, indent: str) -> None:
        """Call the kernel of an operation for a block of rows."""
        part, region, lead, back = self.part, operation.region, operation.lead, operation.back
        kernel = make_kernel(self.backend.compilers, operation)
        name = f"kernel_{kernel.digest}"
        part.names[name] = kernel.function
        if kernel.digest not in part.digests:
            part.digests.append(kernel.digest)
        precision = precision_of(operation.arguments)
        part.dtype = precision if precision.kind == "f" else part.dtype
        self.rings |= {array.buffer for array in operation.results if array.ring}
        ends = [self.integer(r[1]) for r in (region.k, region.i) if r]
        given = [*ends, *map(self.array, operation.results), *map(self.number, kernel.leaves)]
        self.add(indent, f"first = max(block + {lead}, {self.integer(region.j[0])}, south - {back})",
                 f"last = min(block + {lead + self.rows}, {self.integer(region.j[1])}, north + {lead})",
                 "if first < last:", f"    {name}(first, last, {', '.join(given)})")
        for array, halo in operation.ends.items():
            for target, source, sign in copies_x(halo):
                self.strip(array, target, source or (None, None), sign, indent + INDENT, "first, last - first, first, 1")


def added(leaves: list[Any], value: Any) -> int:
    """The place of a number among others: a new one even if it is there, as the text must be the same for all grids.

    What stands for a number of a run has one place.
    """
    if isinstance(value, Scalar):
        for place, leaf in enumerate(leaves):
            if leaf is value:
                return place
    leaves.append(value)
    return len(leaves) - 1
