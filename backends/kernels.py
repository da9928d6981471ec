"""Stencils as kernels that Numba compiles: a loop over some rows of a region.

A small loop template is filled in for every stencil and set of arguments. What it knows at compile time
(first indices, which arguments are read at all, which arrays keep only some rows) is what lets LLVM
vectorise it. Compiled kernels are kept on disk (dycore.backends.cache), so that a second start is quick.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import operator
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing import signature as signature_of
from numba.extending import intrinsic, models, overload, register_model

from dycore import stencils
from dycore.backends.cache import cache_folder
from dycore.backends.common import precision_of
from dycore.backends.operations import Operation, Recorded
from dycore.stencils import Field

OPTIONS = {"error_model": "numpy", "forceinline": True, "nogil": True}


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


@intrinsic
def inside(typing_context, index, start):
    """The index, promised to LLVM to be small and not before `start`: no wrap-around, so plain vector loads."""

    def generate(context, builder, signature, arguments):
        value, first = arguments
        first = context.cast(builder, first, signature.args[1], signature.args[0])
        assume = builder.module.declare_intrinsic("llvm.assume", fnty=ir.FunctionType(ir.VoidType(), [ir.IntType(1)]))
        for condition in (builder.icmp_signed(">=", value, first),
                          builder.icmp_signed("<", value, ir.Constant(value.type, 2**31))):
            builder.call(assume, [condition])
        return value

    return signature_of(index, index, start), generate


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

class View(types.Type):
    """The type of an array [j, k, i] or [j, i] read as [k, j & row_mask, i & column_mask], or without k.

    A mask makes a ring of a few rows, or an array that is constant along an axis.
    """

    def __init__(self, array: Any, row_mask: int, column_mask: int):
        self.array, self.masks = array, (row_mask, column_mask)
        super().__init__(f"View({array}, {row_mask}, {column_mask})")


@register_model(View)
class ViewModel(models.StructModel):
    """Where the array begins, and its numbers of rows and columns; it owns nothing."""

    def __init__(self, manager, kind):
        pointer = types.CPointer(kind.array.dtype)
        super().__init__(manager, kind, [("data", pointer), ("rows", types.intp), ("columns", types.intp)])


@intrinsic(prefer_literal=True)
def view(typing_context, array, row_mask, column_mask):
    """The array as a `View`; the masks are literals."""
    kind = View(array, row_mask.literal_value, column_mask.literal_value)

    def generate(context, builder, signature, arguments):
        given = context.make_array(array)(context, builder, arguments[0])
        made = cgutils.create_struct_proxy(kind)(context, builder)
        made.data = given.data
        made.rows, made.columns = cgutils.unpack_tuple(builder, given.shape)[-2:]
        return made._getvalue()

    return kind(array, row_mask, column_mask), generate


@intrinsic
def element(typing_context, value, plane, row, column):
    """An element of the array of a `View`."""

    def generate(context, builder, signature, arguments):
        seen = cgutils.create_struct_proxy(value)(context, builder, value=arguments[0])
        at = [context.cast(builder, a, t, types.intp) for a, t in zip(arguments[1:], signature.args[1:], strict=True)]
        line = builder.add(builder.mul(at[0], seen.rows), at[1])
        return builder.load(builder.gep(seen.data, [builder.add(builder.mul(line, seen.columns), at[2])]))

    return value.array.dtype(value, plane, row, column), generate


@overload(operator.getitem, jit_options=OPTIONS)
def read_view(value, index):
    if not isinstance(value, View):
        return None
    row_mask, column_mask = value.masks
    if value.array.ndim == 2:
        return lambda value, index: element(value, 0, index[0] & row_mask, index[1] & column_mask)
    return lambda value, index: element(value, index[1] & row_mask, index[0], index[2] & column_mask)


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


@contextlib.contextmanager
def in_turn(function: Callable) -> Iterator[None]:
    """Only one process of a machine at a time compiles a function; the others then find it on disk."""
    with open(Path(function.__code__.co_filename).with_suffix(".lock"), "w") as file:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


_built: dict[str, Callable] = {}


def build(source: str, name: str, names: dict[str, Any], digest: str, alone: bool, parallel: bool = False) -> Callable:
    """Compile generated source; its file is named after all that it depends on, as Numba's cache needs.

    So is the function: Numba tells functions of one name apart by a number that counts within a process, so that
    two of them, compiled by different processes and read from the cache by a third, would be taken for one another.
    `alone`: no two of its array arguments overlap, which LLVM may rely on.
    """
    digest = hashlib.sha256(f"{digest}{source}{parallel}{_generator()}{numba.__version__}{sys.version}".encode()).hexdigest()[:24]
    if digest in _built:
        return _built[digest]
    own = f"{name}_{digest}"
    source = source.replace(f"def {name}(", f"def {own}(", 1)
    path = cache_folder() / f"{own}.py"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(source)
        os.utime(temporary, (0, 0))  # Numba's cache compares time stamps
        temporary.replace(path)
    scope = {**names, "np": np, "prange": numba.prange, "__name__": __name__}
    exec(compile(source, str(path), "exec"), scope)
    function = numba.njit(error_model="numpy", parallel=parallel, cache=True, nogil=True)(scope[own])
    if alone:
        function._compiler._customize_flags = without_aliases  # Numba has no public option for it
    return _built.setdefault(digest, function)


@cache
def _generator() -> str:
    """What generated source calls besides stencils is in these files: what was compiled with other versions is not used."""
    here = Path(__file__).parent
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in ("kernels.py", "on_numba.py"))).hexdigest()


def without_aliases(flags: Any) -> Any:
    """Compiler flags that promise LLVM that arrays do not overlap."""
    flags.noalias = True
    return flags
