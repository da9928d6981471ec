"""Stencils as kernels that Numba compiles: a loop over some rows of a region.

A small loop template is filled in for every stencil and set of arguments. What it knows at compile time
(first indices, which arguments are read at all, which arrays keep only some rows) is what lets LLVM
vectorise it. Compiled kernels are kept on disk (dycore.backends.cache), so that a second start is quick.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numba
import numpy as np

from dycore import stencils
from dycore.backends.building import build
from dycore.backends.common import precision_of
from dycore.backends.operations import Operation, Recorded
from dycore.backends.views import OPTIONS, inside, view
from dycore.stencils import Field


def _where(condition, true, false):
    return true if condition else false


def _maximum(a, b):
    return a if a > b else b


def _minimum(a, b):
    return a if a < b else b


def _absolute(a):
    return abs(a)


def _power(base, exponent):
    return base ** exponent


def _square_root(a):
    return math.sqrt(a)


def _quotient(a, b):
    return a / b


LANGUAGE = {
    stencils.where: numba.njit(**OPTIONS)(_where),
    stencils.maximum: numba.njit(**OPTIONS)(_maximum),
    stencils.minimum: numba.njit(**OPTIONS)(_minimum),
    stencils.absolute: numba.njit(**OPTIONS)(_absolute),
    stencils.power: numba.njit(**OPTIONS)(_power),
    stencils.square_root: numba.njit(**OPTIONS)(_square_root),
    stencils.quotient: numba.njit(**OPTIONS)(_quotient),
}


class Compiler:
    """Translates stencils of one precision; float literals take that precision."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self._compiled: dict[Callable, tuple[Callable, str]] = {}

    def stencil(self, function: Callable) -> tuple[Callable, str]:
        """(the compiled stencil, a digest of its code and of all that it calls)."""
        if function not in self._compiled:
            self._compiled[function] = self._translate(function)
        return self._compiled[function]

    def _translate(self, function: Any) -> tuple[Callable, str]:
        code = function.__code__
        digest = hashlib.sha256(code.co_code + repr((code.co_names, code.co_varnames)).encode())
        constants = tuple(self.dtype.type(c) if isinstance(c, float) else c for c in code.co_consts)
        digest.update(repr([c for c in constants[1:] if not isinstance(c, CodeType)]).encode())
        names = {}
        for name in code.co_names:
            if name in function.__globals__:
                names[name], mark = self._global(function.__globals__[name])
                digest.update(f"{name}={mark}".encode())
        cells = []
        for cell in function.__closure__ or ():
            value, mark = self._global(cell.cell_contents)
            cells.append(CellType(value))
            digest.update(mark.encode())
        copy = FunctionType(code.replace(co_consts=constants), names, function.__name__,
                                  function.__defaults__, tuple(cells) or None)
        names["__name__"] = copy.__module__ = function.__module__
        copy.__name__ = copy.__qualname__ = f"{function.__name__}_{digest.hexdigest()[:16]}"  # see `build`
        return numba.njit(**OPTIONS)(copy), digest.hexdigest()

    def _global(self, value: Any) -> tuple[Any, str]:
        if value in LANGUAGE if callable(value) else False:
            return LANGUAGE[value], value.__name__
        if getattr(value, "is_stencil", False):
            return self.stencil(value)
        if isinstance(value, float):
            return self.dtype.type(value), repr(value)
        return value, repr(value) if not isinstance(value, ModuleType) else value.__name__


class Arguments:
    """The arguments of a stencil, flattened: source text that rebuilds them, and the arrays and numbers in it."""

    def __init__(self, compiler: Compiler, in_place: dict[Recorded, str], read: Any):
        self.compiler, self.in_place, self.read = compiler, in_place, read
        self.leaves: list[Any] = []  # what a call of the kernel has to give, in order
        self.views: list[str] = []
        self.names: dict[str, Any] = {}
        self.digests: list[str] = []

    def add(self, argument: Any) -> str:
        """Source text for an argument."""
        if isinstance(argument, Field):
            argument = argument.array
        if isinstance(argument, tuple):
            name = ""
            if hasattr(argument, "_fields"):
                name = f"{type(argument).__name__}_"
                self.names[name] = type(argument)
            return f"{name}({''.join(f'{self.add(part)}, ' for part in argument)})"
        if getattr(argument, "is_stencil", False):
            name = f"stencil{len(self.names)}"
            self.names[name], digest = self.compiler.stencil(argument)
            self.digests.append(digest)
            return name
        if callable(argument) or isinstance(argument, (bool, type(None))):
            return repr(argument) if not callable(argument) else "None"
        if not isinstance(argument, Recorded):
            self.leaves.append(argument)
            return f"a{len(self.leaves) - 1}"
        if argument not in self.read:
            return "None"
        if argument in self.in_place:
            name = self.in_place[argument]
        else:
            if argument not in self.leaves:
                self.leaves.append(argument)
            name = f"a{self.leaves.index(argument)}"
        masks = masks_of(argument)
        if argument.ndim < 3 and masks == (-1, -1):
            return name
        shown = f"v_{name}"
        line = f"{shown} = view({name}, {masks[0]}, {masks[1]})"
        if line not in self.views:
            self.views.append(line)
        return shown


def masks_of(array: Recorded) -> tuple[int, int]:
    """What row and column indices are masked with: a ring keeps some rows, a collapsed axis has one element."""
    if array.ndim < 2:
        return -1, -1
    if array.ring:
        return array.ring - 1, -1
    return (0 if array.shape[-2] == 1 else -1), (0 if array.shape[-1] == 1 else -1)


APPLY = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for level in range({k0}, k1):
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {targets} = stencil(k, j, i, {arguments})
"""
APPLY_COLUMNS = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {targets} = stencil(j, i, {arguments})
"""
SWEEP = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {carried} = start(j, i, {arguments})
        for level in {levels}:
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {carried}, {targets} = stencil(k, j, i, {carried}, {arguments})
"""


class Kernel(NamedTuple):
    """A compiled loop: kernel(first row, last row + 1, [last level + 1,] last column + 1, *results, *leaves)."""

    function: Callable
    leaves: list[Any]
    digest: str


def make_kernel(compilers: dict[str, Compiler], operation: Operation) -> Kernel:
    """The kernel of an operation whose arrays have their places."""
    dtype = precision_of(operation.arguments)
    compiler = compilers.setdefault(dtype.str, Compiler(dtype))
    region, stencil = operation.region, operation.stencil
    results = [*(f"out{m}" for m in range(len(operation.outputs))), *(f"final{m}" for m in range(len(operation.finals)))]
    flat = Arguments(compiler, {array: results[m] for m, array in operation.in_place.items()}, operation.reads)
    arguments = ", ".join(flat.add(argument) for argument in operation.arguments)
    names = dict(flat.names)
    names["stencil"], digest = compiler.stencil(stencil)

    def at(name: str, array: Recorded) -> str:
        row = f"j & {array.ring - 1}" if array.ring else "j"
        return f"{name}[{row}, k, i]" if array.ndim == 3 else f"{name}[{row}, i]"

    n_out = len(operation.outputs)
    targets = [at(name, array) for name, array in zip(results, operation.outputs, strict=False)]
    carried = [at(name, array) for name, array in zip(results[n_out:], operation.finals, strict=True)]
    bounds = ["first", "last", *(["k1"] if region.k else []), "i1"]
    fill = {"parameters": ", ".join([*bounds, *results, *(f"a{m}" for m in range(len(flat.leaves)))]),
            "views": "\n    ".join(flat.views) or "pass", "arguments": arguments,
            "j0": region.j[0], "i0": region.i[0], "k0": region.k[0] if region.k else 0,
            "targets": targets[0] if operation.single else f"({''.join(f'{t}, ' for t in targets)})",
            "carried": f"({''.join(f'{c}, ' for c in carried)})"}
    if operation.start is None:
        text = (APPLY if region.k else APPLY_COLUMNS).format(**fill)
    else:
        names["start"], start_digest = compiler.stencil(operation.start)
        digest += start_digest
        if not targets:
            fill["targets"] = "_"
        fill["levels"] = "range({k0}, k1)".format(**fill)
        if operation.direction < 0:
            fill["levels"] = "range(k1 - 1, {k0} - 1, -1)".format(**fill)
        text = SWEEP.format(**fill)
    digest = digest + repr(flat.digests) + dtype.str
    digest = hashlib.sha256((digest + text).encode()).hexdigest()[:16]
    return Kernel(build(text, "kernel", {**names, "inside": inside, "view": view}, digest, alone=True), flat.leaves, digest)
