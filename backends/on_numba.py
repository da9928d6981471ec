"""Numba: a stencil is compiled as a function of integers and fused into one loop over the region.

Compiled loops are kept on disk (NUMBA_CACHE_DIR, else the user's cache folder), so that a second start
is quick. A small loop template is filled in for every stencil and set of arguments: the only generated
source of the project. What it knows at compile time (first index, which arguments are read at all) is
what lets LLVM vectorise it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import textwrap
import types
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core.typing import signature as signature_of
from numba.extending import intrinsic

from dycore import stencils
from dycore.backends.on_numpy import NumpyBackend, check_all, precision_of
from dycore.stencils import Field, Region
from dycore.tiles import Place, Tile

BLOCK = 8  # rows of j that go through all levels together, so that 2-D fields stay in cache
REMEMBERED = 20  # arrays in a named tuple that is looked through only once
STAGGER = 832  # bytes: 13 cache lines, so that 29 arrays begin at different sets of a 4096-byte page
OPTIONS = {"error_model": "numpy", "forceinline": True, "nogil": True}


def _where(condition, true, false):
    return true if condition else false


def _maximum(a, b):
    return a if a > b else b


def _minimum(a, b):
    return a if a < b else b


def _absolute(a):
    return abs(a)


LANGUAGE = {
    stencils.where: numba.njit(**OPTIONS)(_where),
    stencils.maximum: numba.njit(**OPTIONS)(_maximum),
    stencils.minimum: numba.njit(**OPTIONS)(_minimum),
    stencils.absolute: numba.njit(**OPTIONS)(_absolute),
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
        digest.update(repr([c for c in constants[1:] if not isinstance(c, types.CodeType)]).encode())
        names = {}
        for name in code.co_names:
            if name in function.__globals__:
                names[name], mark = self._global(function.__globals__[name])
                digest.update(f"{name}={mark}".encode())
        cells = []
        for cell in function.__closure__ or ():
            value, mark = self._global(cell.cell_contents)
            cells.append(types.CellType(value))
            digest.update(mark.encode())
        copy = types.FunctionType(code.replace(co_consts=constants), names, function.__name__,
                                  function.__defaults__, tuple(cells) or None)
        names["__name__"] = copy.__module__ = function.__module__
        return numba.njit(**OPTIONS)(copy), digest.hexdigest()

    def _global(self, value: Any) -> tuple[Any, str]:
        if value in LANGUAGE if callable(value) else False:
            return LANGUAGE[value], value.__name__
        if getattr(value, "is_stencil", False):
            return self.stencil(value)
        if isinstance(value, float):
            return self.dtype.type(value), repr(value)
        return value, repr(value) if not isinstance(value, types.ModuleType) else value.__name__


class Arguments:
    """The arguments of a stencil, flattened: source text that rebuilds them, and the arrays and numbers in it."""

    def __init__(self, compiler: Compiler):
        self.compiler = compiler
        self.values: list[Any] = []
        self.arrays: list[int] = []  # which of the values are arrays
        self.names: dict[str, Any] = {}
        self.key: list[Any] = []

    def add(self, argument: Any) -> str:
        """Source text for an argument."""
        if isinstance(argument, Field):
            argument = argument.array
        if isinstance(argument, np.ndarray):
            self.arrays.append(len(self.values))
            self.values.append(argument)
            self.key.append((argument.dtype.str, argument.ndim))
            return f"a{len(self.values) - 1}"
        if isinstance(argument, tuple):
            if hasattr(argument, "_fields"):
                name = f"{type(argument).__name__}_"
                self.names[name] = type(argument)
                self.key.append(type(argument))
            else:
                name = ""
                self.key.append(len(argument))
            parts = "".join(f"{self.add(part)}, " for part in argument)
            return f"{name}({parts})"
        if getattr(argument, "is_stencil", False):
            name = f"stencil{len(self.names)}"
            self.names[name], digest = self.compiler.stencil(argument)
            self.key.append(digest)
            return name
        if isinstance(argument, (bool, type(None))):
            self.key.append(argument)
            return repr(argument)
        if isinstance(argument, (float, np.floating)):
            argument = self.compiler.dtype.type(argument)
        self.values.append(argument)
        self.key.append(type(argument))
        return f"a{len(self.values) - 1}"


def _cache_folder() -> Path:
    base = os.environ.get("NUMBA_CACHE_DIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "dycore")
    folder = Path(base) / "loops"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _build(source: str, names: dict[str, Any], digest: str) -> Callable:
    """Compile a filled-in template; its file is named after all that it depends on, as Numba's cache needs."""
    digest = hashlib.sha256(f"{digest}{source}{numba.__version__}{sys.version}".encode()).hexdigest()[:24]
    path = _cache_folder() / f"loop_{digest}.py"
    if not path.exists():
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(source)
        os.utime(temporary, (0, 0))  # Numba's cache compares time stamps
        temporary.replace(path)
    scope = {**names, "np": np, "prange": numba.prange, "inside": inside, "__name__": __name__}
    exec(compile(source, str(path), "exec"), scope)
    return numba.njit(error_model="numpy", parallel=True, cache=True, nogil=True)(scope["loop"])


APPLY = """
def loop({parameters}):
    for block in prange((j1 - {j0} + {block} - 1) // {block}):
        first = {j0} + block * {block}
        last = min(first + {block}, j1)
        for level in range({k0}, k1):
            k = inside(level, {k0})
            for row in range(first, last):
                j = inside(row, {j0})
                for point in range({i0}, i1):
                    i = inside(point, {i0})
                    {targets} = stencil(k, j, i, {arguments})
"""
APPLY_COLUMNS = """
def loop({parameters}):
    for row in prange({j0}, j1):
        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {targets} = stencil(j, i, {arguments})
"""
SWEEP = """
def loop({parameters}):
    for row in prange(j1 - {j0}):
        j = inside({j0} + row, {j0})
{carry_rows}
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {carried} = start(j, i, {arguments})
        for level in {levels}:
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {carried}, {values} = stencil(k, j, i, {carried}, {arguments})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {final} = {carried}
"""


class NumbaBackend(NumpyBackend):
    """The verbs of a backend, as compiled loops over whole padded arrays."""

    name = "numba"

    def __init__(self, threads: int = 1, communication: Any = None):
        super().__init__(communication)
        if not 1 <= threads <= numba.config.NUMBA_NUM_THREADS:
            raise ValueError(f"threads={threads}: Numba can use 1 to {numba.config.NUMBA_NUM_THREADS} threads here. "
                             "Set NUMBA_NUM_THREADS before the start for more.")
        numba.set_num_threads(threads)
        self._compilers: dict[str, Compiler] = {}
        self._loops: dict[Any, Any] = {}
        self._allocated = 0
        self._pool: dict[Any, deque[np.ndarray]] = {}
        self._scanned: dict[int, tuple] = {}
        self._structures: dict[tuple, int] = {}

    def _buffer(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array that nobody holds any more, or a new one of zeros (halo levels stay zero for good)."""
        arrays = self._pool.setdefault((shape, dtype), deque())
        for _ in range(len(arrays)):
            arrays.rotate(-1)  # the array longest out of use comes first
            array = arrays[-1]
            # the pool, this variable and the call; the array and the call: a view that a user keeps holds the base
            if sys.getrefcount(array) == 3 and sys.getrefcount(array.base) == 2:
                return array
        # arrays that all begin at one offset within a page evict each other from the cache: stagger them
        self._allocated += 1
        size, shift = int(np.prod(shape)), STAGGER * (self._allocated % 29) // np.dtype(dtype).itemsize
        arrays.append(np.zeros(size + shift, dtype)[shift:].reshape(shape))
        return arrays[-1]

    def _loop(self, stencil: Callable, start: Callable | None, region: Region, direction: int, arguments: tuple) -> Any:
        """(compiled loop, types of outputs, types of carried values, flat arguments)."""
        flat_values: list[Any] = []
        key: list[Any] = [stencil, start, region, direction]
        self._scan(arguments, flat_values, key)
        signature = tuple(key)
        if signature not in self._loops:
            dtype = precision_of(arguments)
            compiler = self._compilers.setdefault(dtype.str, Compiler(dtype))
            flat = Arguments(compiler)
            sources = [flat.add(a) for a in arguments]
            read: set[int] = set()
            carried, values = check_all(stencil, start, region, arguments, read)
            outputs = values if isinstance(values, tuple) else (values,)
            types_out = [np.dtype(getattr(v, "dtype", dtype)) for v in outputs]
            single = not isinstance(values, tuple)
            keep = [m for m in range(len(flat.values)) if m not in flat.arrays or flat.arrays.index(m) in read]
            dropped = re.compile("|".join(rf"\ba{m}\b" for m in set(range(len(flat.values))) - set(keep)) or "(?!)")
            sources = [dropped.sub("None", source) for source in sources]
            text, names, digest = self._source(compiler, stencil, start, region, direction, flat, sources, keep,
                                               len(types_out), len(carried), single)
            self._loops[signature] = (_build(text, names, digest), types_out, len(carried), single, keep, dtype)
        loop, types_out, n_carried, single, keep, dtype = self._loops[signature]
        number = dtype.type
        return (loop, types_out, n_carried, single,
                [number(flat_values[m]) if type(flat_values[m]) is float else flat_values[m] for m in keep], dtype)

    def _scan(self, arguments: tuple, values: list, key: list) -> None:
        """Collect the arrays and numbers of arguments, and what a compiled loop depends on; every call does it."""
        for argument in arguments:
            kind = type(argument)
            if kind is Field:
                values.append(argument.array)
                key.append((argument.array.dtype.num, argument.region))
            elif kind is np.ndarray:
                values.append(argument)
                key.append((argument.dtype.num, argument.shape))
            elif isinstance(argument, tuple):
                known = self._scanned.get(id(argument))
                if known is None:
                    inner_values: list[Any] = []
                    inner_key: list[Any] = [kind, len(argument)]
                    self._scan(argument, inner_values, inner_key)
                    known = (argument, inner_values, inner_key)
                    if len(inner_values) > REMEMBERED:  # a grid: the same object at every call
                        if len(self._scanned) >= 8:
                            self._scanned.clear()
                        number = self._structures.setdefault(tuple(inner_key), len(self._structures))
                        known = self._scanned[id(argument)] = (argument, inner_values, [kind, number])
                values += known[1]
                key += known[2]
            elif kind is types.FunctionType or argument is None or kind is bool:
                key.append(argument)
            else:
                values.append(argument)
                key.append(kind)

    def _source(self, compiler: Compiler, stencil: Callable, start: Callable | None, region: Region, direction: int,
                flat: Arguments, sources: list[str], keep: list[int], n_out: int, n_carried: int,
                single: bool) -> tuple[str, dict, str]:
        outputs = [f"out{m}" for m in range(n_out)]
        finals = [f"final{m}" for m in range(n_carried)]
        bounds = ["k1"] * (region.k is not None) + ["j1", "i1"]
        parameters = ", ".join([*outputs, *finals, *bounds, *(f"a{m}" for m in keep)])
        compiled, digest = compiler.stencil(stencil)
        names = dict(flat.names, stencil=compiled)
        point = "k, j, i" if region.k is not None else "j, i"
        targets = "".join(f"{o}[{point}], " for o in outputs)
        fill = {"parameters": parameters, "arguments": ", ".join(sources), "block": BLOCK,
                "j0": region.j[0], "i0": region.i[0], "k0": region.k[0] if region.k else 0,
                "targets": targets.removesuffix(", ") if single else targets.strip()}
        if start is None:
            text = (APPLY if region.k is not None else APPLY_COLUMNS).format(**fill)
        else:
            names["start"], start_digest = compiler.stencil(start)
            digest += start_digest
            type_name = np.dtype(compiler.dtype).name
            rows = "\n".join(f"row{m} = np.empty(i1, np.{type_name})" for m in range(n_carried))
            text = SWEEP.format(**fill, carry_rows=textwrap.indent(rows, " " * 8),
                                carried=f"({''.join(f'row{m}[i], ' for m in range(n_carried))})",
                                values=f"({targets})" if outputs else "_",
                                final=f"({''.join(f'{f}[j, i], ' for f in finals)})",
                                levels="range({k0}, k1)".format(**fill) if direction > 0
                                else "range(k1 - 1, {k0} - 1, -1)".format(**fill))
        return text, names, digest + repr(flat.key)

    def _outputs(self, region: Region, dtypes: list) -> list[np.ndarray]:
        shape = region.padded if region.k is not None else region.padded[1:]
        return [self._buffer(shape, dtype) for dtype in dtypes]

    def apply(self, stencil: Callable, region: Region, *arguments: Any) -> Any:
        """As `NumpyBackend.apply`, in one pass."""
        loop, types_out, _, single, values, _ = self._loop(stencil, None, region, 0, arguments)
        outputs = self._outputs(region, types_out)
        loop(*outputs, *(stop for _, stop in region.ranges), *values)
        fields = tuple(Field(o, region.ranges, (0,) * o.ndim) for o in outputs)
        return fields[0] if single else fields

    def sweep(self, stencil: Callable, start: Callable, region: Region, direction: int, *arguments: Any) -> Any:
        """As `NumpyBackend.sweep`, one row of columns at a time."""
        loop, types_out, n_carried, _, values, dtype = self._loop(stencil, start, region, direction, arguments)
        outputs = self._outputs(region, types_out)
        finals = self._outputs(region.columns, [dtype] * n_carried)
        loop(*outputs, *finals, *(stop for _, stop in region.ranges), *values)
        return (tuple(Field(f, region.columns.ranges, (0, 0)) for f in finals),
                tuple(Field(o, region.ranges, (0, 0, 0)) for o in outputs))

    def whole(self, tile: Tile, field: Field) -> Field:
        """As `NumpyBackend.whole`, but what `apply` left where the field holds no value stays there."""
        return Field.whole(field.array)

    def exchange(self, tile: Tile, *placed: tuple[Place, Any]) -> tuple:
        """As `NumpyBackend.exchange`; completes arrays that `apply` or `sweep` made where they are."""
        arrays = []
        for place, field in placed:
            if not isinstance(field, Field):
                array = self._buffer(field.shape, field.dtype)
                array[...] = field
                field = Field.whole(array)
            arrays.append((place, field.array))
        return self.communication.fill(tile, arrays)


def create(threads: int = 1, communication: Any = None) -> NumbaBackend:
    """The Numba backend on so many threads."""
    return NumbaBackend(threads, communication)
