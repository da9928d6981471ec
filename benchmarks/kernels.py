"""Kernels that a step launches, and the memory that they move, counted in the HLO that XLA has compiled.

Of the scheduled program every instruction that computes is one kernel: a fusion, a copy, a transform (whose library may start
several). Loops count as often as they run where XLA knows that. A kernel reads each operand once (of one that it reads by slices
alone, these) and writes its results; an update in place reads and writes what it replaces. Caches may save more, and registers that
do not suffice cost more.

gpu_target.py compiles a step for a GPU that is not here, and counts in that; gpu_parts.py holds the count against the profiler.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

BYTES = {"pred": 1, "s4": 1, "u4": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2, "s32": 4, "u32": 4, "f32": 4,
         "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16}
NO_KERNELS = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "while", "conditional", "call", "opt-barrier",
              "after-all", "partition-id", "replica-id", "add-dependency", "copy-done", "async-done", "custom-call-done"}
PARTIAL_READS = {"slice", "dynamic-slice", "gather"}
INSTRUCTION = re.compile(r"^\s*(ROOT )?%?([\w.\-]+) = (.*)$")
ARRAY = re.compile(r"\b([a-z]+\d+|pred)\[([\d,]*)\]")


class Instruction(NamedTuple):
    """An instruction of a computation: operands by name, and the rest of its line."""

    name: str
    shape: str
    opcode: str
    operands: tuple[str, ...]
    rest: str
    root: bool

    @property
    def size(self) -> int:
        """Bytes of its result."""
        return sum(BYTES.get(kind, 0) * math.prod(int(n) for n in sides.split(",") if n)
                   for kind, sides in ARRAY.findall(self.shape))

    def called(self, what: str) -> str | None:
        """The computation that it names as `what`."""
        found = re.search(rf"\b{what}=%?([\w.\-]+)", self.rest)
        return found[1] if found else None


class Kernel(NamedTuple):
    """A kernel of a program: what it reads and writes (bytes), and how often a step launches it."""

    name: str
    opcode: str
    read: int
    written: int
    times: float
    loop: bool  # whether it stands in a loop within the step

    @property
    def moved(self) -> float:
        """Bytes that a step moves by it."""
        return self.times * (self.read + self.written)


Computations = dict[str, dict[str, Instruction]]


def parsed(text: str) -> tuple[Computations, str]:
    """The computations of an HLO module by name, and the name of its entry."""
    computations: Computations = {}
    entry, body = "", None
    for line in text.splitlines():
        if body is None and line.endswith("{") and " -> " in line:
            name = line.removeprefix("ENTRY ").split(" ", 1)[0].split("(", 1)[0].lstrip("%")
            entry = name if line.startswith("ENTRY ") else entry
            body = computations.setdefault(name, {})
        elif line.startswith("}"):
            body = None
        elif body is not None and (found := INSTRUCTION.match(line)):
            made = instruction(bool(found[1]), found[2], found[3])
            body[made.name] = made
    return computations, entry


def instruction(root: bool, name: str, text: str) -> Instruction:
    """From what follows the sign of equality: a shape, an opcode, operands in brackets, attributes."""
    text = re.sub(r"/\*.*?\*/", "", text)
    end = closing(text, 0) + 1 if text.startswith("(") else 0  # a tuple
    shape_end = text.index(" ", end)
    first = text.index("(", shape_end)
    last = closing(text, first)
    operands = tuple(re.findall(r"%([\w.\-]+)", text[first:last]))
    return Instruction(name, text[:shape_end], text[shape_end:first].strip(), operands, text[last + 1:], root)


def closing(text: str, first: int) -> int:
    """Where the bracket that opens at `first` closes."""
    depth = 0
    for place in range(first, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise ValueError(f"a bracket does not close in the HLO: {text[:80]}")


def trip_count(loop: Instruction) -> int | None:
    """How often a loop runs, where XLA knows it."""
    found = re.search(r'known_trip_count":\{"n":"(\d+)"', loop.rest)
    return int(found[1]) if found else None


def kernels_of(computations: Computations, name: str, times: float = 1.0, loop: bool = False) -> Iterator[Kernel]:
    """Kernels of a computation that runs so many times, with those of the loops and calls in it."""
    for each in computations[name].values():
        if each.opcode == "while":
            number = times * (trip_count(each) or 1)
            # the condition is not computed of a loop that is known to run so often
            for part in ("body",) if trip_count(each) else ("body", "condition"):
                if inner := each.called(part):
                    yield from kernels_of(computations, inner, number, True)
        elif each.opcode in ("call", "async-start") and (inner := each.called("to_apply") or each.called("calls")):
            yield from kernels_of(computations, inner, times, loop)
        elif each.opcode not in NO_KERNELS and not is_free(each):
            read, written = traffic(computations, computations[name], each)
            yield Kernel(each.name, each.opcode, read, written, times, loop)


def is_free(each: Instruction) -> bool:
    """Whether a custom call or an annotation costs nothing."""
    return each.opcode == "custom-call" and "Sharding" in each.rest


def traffic(computations: Computations, body: dict[str, Instruction], each: Instruction) -> tuple[int, int]:
    """(bytes read, bytes written) by a kernel."""
    inner = each.called("calls") if each.opcode == "fusion" else None
    if inner is None:
        sizes = [body[name].size for name in each.operands if name in body]
        if each.opcode == "dynamic-update-slice":
            return sizes[1], sizes[1]
        return (each.size if each.opcode in PARTIAL_READS else sum(sizes)), each.size
    fused = computations[inner]
    replaced, written = results(fused)
    read = 0
    for parameter in (one for one in fused.values() if one.opcode == "parameter"):
        users = [user for user in fused.values() if parameter.name in user.operands]
        if parameter.name in replaced:
            users = [user for user in users if user.opcode != "dynamic-update-slice" or user.operands[0] != parameter.name]
        parts = [user.size if user.opcode in PARTIAL_READS and user.operands[0] == parameter.name else parameter.size
                 for user in users]
        read += min(parameter.size, sum(parts))
    return read, written


def results(fused: dict[str, Instruction]) -> tuple[set[str], int]:
    """(the parameters that are updated in place, bytes written) of a fused computation."""
    root = next(one for one in fused.values() if one.root)
    parts = [fused[name] for name in root.operands] if root.opcode == "tuple" else [root]
    replaced, written = set(), 0
    for part in parts:
        while part.opcode == "bitcast":
            part = fused[part.operands[0]]
        if part.opcode == "dynamic-update-slice":
            target = part.operands[0]
            while fused[target].opcode == "bitcast":
                target = fused[target].operands[0]
            replaced.add(target)
            written += fused[part.operands[1]].size
        else:
            written += part.size
    return replaced, written


# Of a step


def of_a_step(text: str, period: int = 1) -> list[Kernel]:
    """Kernels of one step of a compiled program: of a loop over `period` steps at a time, or of a program that is a step."""
    computations, entry = parsed(text)
    loops = [each for each in computations[entry].values() if each.opcode == "while" and trip_count(each) is None]
    bodies = [body for each in loops if (body := each.called("body"))]
    found = [list(kernels_of(computations, body, 1.0 / period)) for body in bodies]
    return max(found, key=len) if found else list(kernels_of(computations, entry))


def summary(counted: list[Kernel], shape: tuple[int, int, int], tracers: int, precision: str) -> dict[str, Any]:
    """What a step launches and moves: numbers a cell, and as a multiple of the compulsory traffic (measuring.py).

    `in_loops` is what moves in loops within the step: barotropic substeps of columns, whose arrays stay in a cache of 50 MB up to
    a few million cells.
    """
    itemsize, cells = numpy.dtype(precision).itemsize, math.prod(shape)
    moved = sum(each.moved for each in counted)
    in_loops = sum(each.moved for each in counted if each.loop)
    compulsory = (12 + 4 * tracers) * itemsize * cells
    return {"launches": sum(each.times for each in counted), "launches_outside_loops": sum(
                each.times for each in counted if not each.loop),
            "bytes": moved, "numbers_per_cell": moved / itemsize / cells, "numbers_per_cell_in_loops": in_loops / itemsize / cells,
            "over_compulsory": moved / compulsory, "over_compulsory_without_loops": (moved - in_loops) / compulsory}
