"""The plan of a recorded step: how its operations go through the rows together, and where every array is kept.

From what is recorded (dycore.backends.recording) follow

- groups: operations in sequence that need no halo in between. A group goes through the rows j once:
  every operation runs some rows ahead of those that read its results (`lead`), so that nothing is
  computed twice and intermediate results are still in the cache;
- rings: results that only their own group reads keep a few rows, not whole fields;
- buffers: a result takes the place of an array that nothing reads any more, such as the eldest history.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dycore.backends.array_functions import ArrayFunction
from dycore.backends.operations import Copy, Exchange, Group, Loop, Operation, Recorded, Zero
from dycore.tiles import Boundary, Place


class Planner:
    """Arranges statements in groups and gives every array a place; `rows` go through a group at a time.

    With several `threads`, each goes through its own part of the rows and computes again what it needs
    beyond them; what it needs from there must then not be written over.
    """

    def __init__(self, rows: int, threads: int):
        self.rows, self.threads = rows, threads
        self.buffers: list[tuple[tuple[int, ...], np.dtype]] = []
        self.free: list[int] = []

    def new_buffer(self, shape: tuple[int, ...], dtype: np.dtype) -> int:
        self.buffers.append((shape, dtype))
        return len(self.buffers) - 1

    def place(self, array: Recorded) -> None:
        """A buffer for a whole array: one that is free, or a new one."""
        for buffer in self.free:
            if self.buffers[buffer] == (array.shape, array.dtype):
                self.free.remove(buffer)
                array.buffer = buffer
                return
        array.buffer = self.new_buffer(array.shape, array.dtype)

    def plan(self, statements: list, kept: tuple, mine: set[Recorded], wanted: dict[Recorded, Recorded] | None = None) -> list:
        """Groups and other statements in order; `kept` arrays are needed afterwards, `mine` may be written over.

        `wanted` names, for results, the array whose place they should take.
        """
        wanted = wanted or {}
        arranged = arrange(statements)
        last: dict[Recorded, float] = {}
        for number, statement in enumerate(arranged):
            last |= dict.fromkeys(statement.touched(), number)
        last |= dict.fromkeys(kept, math.inf)
        planned: list[Any] = []
        for number, statement in enumerate(arranged):
            if isinstance(statement, Group):
                self.group(statement, last, number, wanted, mine)
                mine |= {r for operation in statement.operations for r in operation.results if not r.ring}
            elif isinstance(statement, (Zero, Copy)):
                self.place(statement.target)
                mine.add(statement.target)
            elif isinstance(statement, ArrayFunction):
                for array in statement.results:
                    self.place(array)
                mine |= set(statement.results)
            elif isinstance(statement, Loop):
                self.loop(statement, last, number, mine, planned)
                mine |= set(statement.carried)
            planned.append(statement)
            done = [array for array in mine if last.get(array, -1) <= number]
            for array in sorted(done, key=lambda array: array.buffer or 0):  # one order in all runs: programs are kept on disk
                mine.discard(array)
                if array.buffer not in self.free:
                    self.free.append(array.buffer)
        return planned

    def group(self, group: Group, last: dict, number: int, wanted: dict, mine: set) -> None:
        operations = group.operations
        for place, operation in reversed(list(enumerate(operations))):
            for later in operations[place + 1:]:
                for array in operation.results:
                    if array in later.reads:
                        operation.lead = max(operation.lead, later.lead + later.reads[array].high)
                        operation.back = max(operation.back, later.back - later.reads[array].low)
        written: set[Recorded] = set()
        for operation in operations:
            for index, array in enumerate(operation.results):
                written.add(array)
                readers = [later for later in operations if array in later.reads]
                if last.get(array, -1) <= number and array not in wanted:
                    behind = max((operation.lead - r.lead - r.reads[array].low for r in readers), default=0)
                    array.ring = 2 ** math.ceil(math.log2(behind + self.rows))
                    shape = (*array.shape[:-2], array.ring, array.shape[-1])
                    array.buffer = self.new_buffer(shape, array.dtype)
                    continue
                candidates = [wanted[array]] if array in wanted else [a for a in mine if a not in written]
                for candidate in sorted(candidates, key=lambda a: a.buffer):
                    if ((candidate.shape, candidate.dtype) == (array.shape, array.dtype)
                            and last.get(candidate, -1) == number and self.may_replace(operations, operation, candidate)):
                        array.buffer = candidate.buffer
                        mine.discard(candidate)
                        last[candidate] = -1
                        if candidate in operation.reads:
                            operation.in_place[index] = candidate
                        break
                else:
                    self.place(array)

    def may_replace(self, operations: list[Operation], operation: Operation, candidate: Recorded) -> bool:
        """Whether all have read a row of the candidate when the operation writes it."""
        done = operations.index(operation)
        for place, other in enumerate(operations):
            extent = other.reads.get(candidate)
            if extent is None:
                continue
            if other is operation:
                if not extent.pointwise or (self.threads > 1 and (operation.lead or operation.back)):
                    return False
            elif place > done or self.threads > 1 or other.lead - operation.lead < -extent.low:
                return False
        return True

    def loop(self, loop: Loop, last: dict, number: int, mine: set, planned: list) -> None:
        taken = set()
        for carried, begin in zip(loop.carried, loop.begin, strict=True):
            if begin in mine and last[begin] == number and begin not in taken and begin not in loop.inner():
                taken.add(begin)
                mine.discard(begin)
                carried.buffer = begin.buffer
            else:
                carried.buffer = self.new_buffer(carried.shape, carried.dtype)
                planned.append(Copy(carried, begin))
        free, self.free = self.free, []
        loop.plan = self.plan(loop.body, loop.end, set(), dict(zip(loop.end, loop.carried, strict=True)))
        self.free = free
        moves = []
        for carried, end in zip(loop.carried, loop.end, strict=True):
            if carried.buffer == end.buffer:
                continue
            if end in loop.carried:  # handed on to another place, whose own value may be handed on too
                aside = Recorded(end.shape, end.dtype)
                aside.buffer = self.new_buffer(end.shape, end.dtype)
                loop.plan.append(Copy(aside, end))
                end = aside
            moves.append(Copy(carried, end))
        loop.plan += moves


def arrange(statements: list) -> list:
    """The statements with operations in sequence put together in groups."""
    arranged: list[Any] = []
    for statement in statements:
        if isinstance(statement, Operation):
            if not (arranged and isinstance(arranged[-1], Group)):
                arranged.append(Group([]))
            arranged[-1].operations.append(statement)
        else:
            if isinstance(statement, Exchange) and arranged and isinstance(arranged[-1], Group):
                begin_exchange(arranged[-1], statement)
            arranged.append(statement)
    return arranged


def begin_exchange(group: Group, exchange: Exchange) -> None:
    """Let the operations fill the halo in x of what they compute, while the row is in the cache.

    Not where that would change what another operation of the group reads.
    """
    if exchange.placed[0][0].tile.split[1]:
        return  # it comes from other processes
    for halo, array in exchange.placed:
        closes_cells = halo.place is Place.WEST_FACE and halo.tile.x is not Boundary.PERIODIC
        for operation in group.operations:
            changes = closes_cells or operation.region.i != halo.tile.region.i
            if array in operation.results and not (changes and any(array in other.reads for other in group.operations)):
                operation.ends[array] = halo
                exchange.begun.add(array)
