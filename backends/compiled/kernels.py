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


SCATTER = """
def kernel({parameters}):
    {views}
    for row in range(first, last):
        {clear}
        if row < south or row >= north:
            {outside}
            continue
        j = inside(row, {j0})
        {begin}
        for level in {levels}:
            k = inside(level, {k0})
            for point in range({i0}, i1):
                i = inside(point, {i0})
                {targets} = {values}
            {additions}
"""


START = """
        for point in range({i0}, i1):
            i = inside(point, {i0})
            {carried} = {start}
"""
CLEAR = {3: """
        for level in range({array}.rows):
            for point in range({array}.columns):
                {array}[level, {row}, point] = zero
""", 2: """
        for point in range({array}.columns):
            {array}[{row}, point] = zero
"""}
ADDITION = """
            for point in range({west}, i1 + {east}):
                i = inside(point, {west})
                {target} = {total}
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
        return f"{name}[k, {row}, i]" if array.ndim == 3 else f"{name}[{row}, i]"

    n_out = len(operation.outputs)
    targets = [at(name, array) for name, array in zip(results, operation.outputs, strict=False)]
    carried = "".join(f"{at(name, array)}, " for name, array in zip(results[n_out:], operation.finals, strict=True))
    point = "k, j, i" if region.k else "j, i"
    rows = operation.scatter.within if operation.scatter else region.j
    fill = {"j0": rows[0], "i0": region.i[0], "k0": region.k[0] if region.k else 0, "carried": f"({carried})",
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
    if operation.scatter is not None:
        template, fill = SCATTER, fill | scattered(operation, fill)
    bounds = ["first", "last", *(["south", "north"] if operation.scatter else []), *(["k1"] if region.k else []), "i1"]
    values = operation.scatter.values if operation.scatter else 0
    views = [*flat.views, *(f"value{value} = view(out{n_out - values + value}, 0, -1)" for value in range(values))]
    text = template.format(**fill, views="\n    ".join(views) or "pass",
                           parameters=", ".join([*bounds, *results, *(f"a{m}" for m in range(len(flat.leaves)))]))
    digest = hashlib.sha256((repr(flat.digests) + dtype.str + text).encode()).hexdigest()[:16]
    names = {**flat.names, "inside": inside, "view": view, "zero": dtype.type(0.0)}
    return Kernel(build(text, "kernel", names, digest, alone=True), flat.leaves, digest)


def scattered(operation: Operation, fill: dict[str, Any]) -> dict[str, str]:
    """The parts of the template of an operation that adds its values to its results."""
    scatter, region = operation.scatter, operation.region
    assert scatter is not None
    shares = len(operation.outputs) - scatter.values
    values = "".join(f"out{shares + value}[0, i], " for value in range(scatter.values))
    carried = f"{fill['carried']}, " if operation.start else ""
    clear, outside, additions = list[str](), list[str](), list[str]()
    for result, array in enumerate(operation.outputs[:shares]):
        row = f"row + {scatter.rows(result)[1]} & {array.rolling_rows - 1}"
        lines = clear if added_up(operation, result) else outside
        lines.append(CLEAR[array.ndim].format(array=f"out{result}", row=row))
    for result, rows, levels, parts in scatter.additions:
        array = operation.outputs[result]
        row = f"row + {rows} & {array.rolling_rows - 1}"
        columns = [shift for _, shift, _ in parts]
        target = f"out{result}[level + {levels}, {row}, i]" if array.ndim == 3 else f"out{result}[{row}, i]"
        total = "".join(f" {'-' if sign < 0 else '+'} value{value}[0, i - {shift}]" for value, shift, sign in parts)
        additions.append(ADDITION.format(west=region.i[0] + min(columns), east=max(columns), target=target,
                                         total=f"{target}{total}" if added_up(operation, result) else total.removeprefix(" + ")))
    return {"clear": "".join(clear).strip() or "pass", "outside": "".join(outside).replace("\n", "\n    ").strip() or "pass",
            "begin": START.format(**fill).strip() if operation.start else "pass", "additions": "".join(additions).strip() or "pass",
            "targets": f"{carried}({values})" if carried or values else "_", "levels": fill["levels"] if operation.start else
            f"range({fill['k0']}, k1)" if region.k else "range(1)"}


def added_up(operation: Operation, result: int) -> bool:
    """Whether more than one value is added to an element of a result, so that it has to be zero before."""
    assert operation.scatter is not None
    several = sum(addition.result == result for addition in operation.scatter.additions) > 1
    return several or (operation.region.k is not None and operation.outputs[result].ndim == 2)
