"""Stencils as kernels that Numba compiles: a loop over some rows of a region.

A small loop template is filled in for every stencil and set of arguments. What it knows at compile time
(first indices, which arguments are read at all, which arrays keep only some rows) is what lets LLVM
vectorise it. Compiled kernels are kept on disk (dycore.backends.compiled.cache), so that a second start is quick.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from dycore.backends.common import precision_of
from dycore.backends.compiled.arguments import Arguments
from dycore.backends.compiled.building import build
from dycore.backends.compiled.language import Compiler
from dycore.backends.compiled.views import inside, view
from dycore.backends.recorded.operations import Operation, TracedArray

APPLY = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
{empty}        j = inside(row, {j0})
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
{empty}        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {targets} = {values}
"""
SWEEP = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
{empty}        j = inside(row, {j0})
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {carried} = {start}
        for level in {levels}:
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {carried}, {targets} = {values}
"""


EMPTY = """        if row < south or row >= north:
            j = inside(row, {least})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {columns}
            for level in range({k0}, {k1}):
                k = inside(level, {k0})
                for point in range({i0}, i1):
                    i = inside(point, {i0})
                    {cells}
            continue
"""


class Kernel(NamedTuple):
    """A compiled loop: kernel(first row, last row + 1, [rows within,] [last level + 1,] last column + 1, *results, *leaves)."""

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

    def at(name: str, array: TracedArray) -> str:
        row = f"j & {array.rolling_rows - 1}" if array.rolling_rows else "j"
        return f"{name}[{row}, k, i]" if array.ndim == 3 else f"{name}[{row}, i]"

    n_out = len(operation.outputs)
    targets = [at(name, array) for name, array in zip(results, operation.outputs, strict=False)]
    carried = "".join(f"{at(name, array)}, " for name, array in zip(results[n_out:], operation.finals, strict=True))
    point = "k, j, i" if region.k else "j, i"
    fill = {"j0": (operation.within or region.j)[0], "i0": region.i[0], "k0": region.k[0] if region.k else 0, "carried": f"({carried})",
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
    bounds = ["first", "last", *(["south", "north"] if operation.within else []), *(["k1"] if region.k else []), "i1"]
    made = {at(name, array): array.ndim for name, array in zip(results, operation.results, strict=True)}
    cells, columns = (" = ".join([*(target for target, axes in made.items() if axes == ndim), "zero"]) for ndim in (3, 2))
    fill["empty"] = EMPTY.format(**fill, least=region.j[0], k1="k1" if region.k else 0, cells=cells if "=" in cells else "pass",
                                 columns=columns if "=" in columns else "pass") if operation.within else ""
    text = template.format(**fill, views="\n    ".join(flat.views) or "pass",
                           parameters=", ".join([*bounds, *results, *(f"a{m}" for m in range(len(flat.leaves)))]))
    digest = hashlib.sha256((repr(flat.digests) + dtype.str + text).encode()).hexdigest()[:16]
    names = {**flat.names, "inside": inside, "view": view, "zero": dtype.type(0.0)}
    return Kernel(build(text, "kernel", names, digest, alone=True), flat.leaves, digest)
