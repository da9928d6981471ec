"""Stencils as kernels that Numba compiles: a loop over some rows of a region.

A small loop template is filled in for every stencil and set of arguments. What it knows at compile time
(first indices, which arguments are read at all, which arrays keep only some rows) is what lets LLVM
vectorise it. Compiled kernels are kept on disk (dycore.backends.cache), so that a second start is quick.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from dycore.backends.arguments import Arguments
from dycore.backends.cache import cache_folder
from dycore.backends.common import precision_of
from dycore.backends.language import Compiler, inside, view
from dycore.backends.operations import Operation, Recorded

APPLY = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for level in range({k0}, k1):
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {targets} = {values}
"""
APPLY_COLUMNS = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {targets} = {values}
"""
SWEEP = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {carried} = {start}
        for level in {levels}:
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {carried}, {targets} = {values}
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
    region = operation.region
    results = [*(f"out{m}" for m in range(len(operation.outputs))), *(f"final{m}" for m in range(len(operation.finals)))]
    flat = Arguments(compiler, {array: results[m] for m, array in operation.in_place.items()}, operation.reads)

    def at(name: str, array: Recorded) -> str:
        row = f"j & {array.ring - 1}" if array.ring else "j"
        return f"{name}[{row}, k, i]" if array.ndim == 3 else f"{name}[{row}, i]"

    n_out = len(operation.outputs)
    targets = [at(name, array) for name, array in zip(results, operation.outputs, strict=False)]
    carried = "".join(f"{at(name, array)}, " for name, array in zip(results[n_out:], operation.finals, strict=True))
    point = "k, j, i" if region.k else "j, i"
    fill = {"j0": region.j[0], "i0": region.i[0], "k0": region.k[0] if region.k else 0, "carried": f"({carried})",
            "targets": targets[0] if operation.single else f"({''.join(f'{t}, ' for t in targets)})"}
    if operation.start is None:
        template = APPLY if region.k else APPLY_COLUMNS
        fill["values"] = flat.values(operation.stencil, point, operation.arguments)
    else:
        template = SWEEP
        fill["start"] = flat.values(operation.start, "j, i", operation.arguments)
        fill["values"] = flat.values(operation.stencil, f"{point}, ({carried})", operation.arguments)
        fill["targets"] = fill["targets"] if targets else "_"
        lowest = fill["k0"]
        fill["levels"] = f"range(k1 - 1, {lowest} - 1, -1)" if operation.direction < 0 else f"range({lowest}, k1)"
    bounds = ["first", "last", *(["k1"] if region.k else []), "i1"]
    text = template.format(**fill, views="\n    ".join(flat.views) or "pass",
                           parameters=", ".join([*bounds, *results, *(f"a{m}" for m in range(len(flat.leaves)))]))
    digest = hashlib.sha256((repr(flat.digests) + dtype.str + text).encode()).hexdigest()[:16]
    names = {**flat.names, "inside": inside, "view": view, "zero": dtype.type(0.0)}
    return Kernel(build(text, "kernel", names, digest, alone=True), flat.leaves, digest)


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
    names = "language.py", "arguments.py", "kernels.py", "on_numba.py"
    return hashlib.sha256(b"".join((here / name).read_bytes() for name in names)).hexdigest()


def without_aliases(flags: Any) -> Any:
    """Compiler flags that promise LLVM that arrays do not overlap."""
    flags.noalias = True
    return flags
