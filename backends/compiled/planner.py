"""The plan of a recorded step: how its operations go through the rows together, and where every array is kept.

From what is recorded (dycore.backends.recorded.recording) follow

- groups: operations in sequence that need no halo in between. A group goes through the rows j once:
  every operation runs some rows ahead of those that read its results (`lookahead`), so that nothing is
  computed twice and intermediate results are still in the cache;
- rolling row buffers: of results that only their own group reads a few rows are kept, not whole fields;
- buffers: a result takes the place of an array that nothing reads any more, such as the eldest history.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dycore.backends.recorded.operations import Group, Operation, Statement, TracedArray
from dycore.backends.recorded.statements import Copy, Loop


class Moment(NamedTuple):
    """A statement whose turn it is in a plan."""

    number: int
    last: dict[TracedArray, float]  # the number of the last statement that reads an array
    wanted: dict[TracedArray, TracedArray]
    mine: set[TracedArray]
    planned: list[Statement]


class Planner:
    """Arranges statements in groups and gives every array a place; `rows` go through a group at a time.

    With several `threads`, each goes through rows of its own and computes again what it needs
    beyond them; what it needs from there must then not be written over.
    """

    def __init__(self, rows: int, threads: int):
        self.rows, self.threads = rows, threads
        self.buffers: list[tuple[tuple[int, ...], np.dtype]] = []
        self.free: list[int] = []

    def new_buffer(self, shape: tuple[int, ...], dtype: np.dtype) -> int:
        self.buffers.append((shape, dtype))
        return len(self.buffers) - 1

    def place(self, array: TracedArray) -> None:
        """A buffer for a whole array: one that is free, or a new one."""
        for buffer in self.free:
            if self.buffers[buffer] == (array.shape, array.dtype):
                self.free.remove(buffer)
                array.buffer = buffer
                return
        array.buffer = self.new_buffer(array.shape, array.dtype)

    def plan(self, statements: list, kept: tuple, mine: set[TracedArray],
             wanted: dict[TracedArray, TracedArray] | None = None) -> list:
        """Groups and other statements in order; `kept` arrays are needed afterwards, `mine` may be written over.

        `wanted` names, for results, the array whose place they should take.
        """
        arranged: list[Statement] = []
        for statement in statements:
            statement.arrange(arranged)
        last: dict[TracedArray, float] = {}
        for number, statement in enumerate(arranged):
            last |= dict.fromkeys(statement.touched(), number)
        last |= dict.fromkeys(kept, math.inf)
        planned: list[Statement] = []
        for number, statement in enumerate(arranged):
            statement.place(self, Moment(number, last, wanted or {}, mine, planned))
            planned.append(statement)
            done = [array for array in mine if last.get(array, -1) <= number]
            for array in sorted(done, key=lambda array: array.buffer or 0):  # one order in all runs: programs are kept on disk
                mine.discard(array)
                if array.buffer not in self.free:
                    self.free.append(array.buffer)
        return planned

    def group(self, group: Group, now: Moment) -> None:
        """How far each operation runs ahead of others, and where its results are kept."""
        number, last, wanted, mine, _ = now
        operations = group.operations
        for place, operation in reversed(list(enumerate(operations))):
            for later in operations[place + 1:]:
                for array in operation.results:
                    if array in later.reads:
                        operation.lookahead = max(operation.lookahead, later.lookahead + later.reads[array].high)
                        operation.lookbehind = max(operation.lookbehind, later.lookbehind - later.reads[array].low)
        written: set[TracedArray] = set()
        for operation in operations:
            for index, array in enumerate(operation.results):
                written.add(array)
                readers = [later for later in operations if array in later.reads]
                if last.get(array, -1) <= number and array not in wanted:
                    lag = max((operation.lookahead - r.lookahead - r.reads[array].low for r in readers), default=0)
                    array.rolling_rows = 2 ** math.ceil(math.log2(lag + self.rows))
                    shape = (*array.shape[:-2], array.rolling_rows, array.shape[-1])
                    array.buffer = self.new_buffer(shape, array.dtype)
                    continue
                assert operation.scatter is None or array in operation.finals, "what a group adds up is read by it alone"
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

    def may_replace(self, operations: list[Operation], operation: Operation, candidate: TracedArray) -> bool:
        """Whether all have read a row of the candidate when the operation writes it."""
        done = operations.index(operation)
        for place, other in enumerate(operations):
            extent = other.reads.get(candidate)
            if extent is None:
                continue
            if other is operation:
                if not extent.pointwise or (self.threads > 1 and (operation.lookahead or operation.lookbehind)):
                    return False
            elif place > done or self.threads > 1 or other.lookahead - operation.lookahead < -extent.low:
                return False
        return True

    def loop(self, loop: Loop, now: Moment) -> None:
        """Where that is kept that goes round, and the plan of a round."""
        number, last, _, mine, planned = now
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
                aside = TracedArray(end.shape, end.dtype)
                aside.buffer = self.new_buffer(end.shape, end.dtype)
                loop.plan.append(Copy(aside, end))
                end = aside
            moves.append(Copy(carried, end))
        loop.plan += moves
