"""Plan of an exchange of halos: copies within a process, and one message between two processes. No MPI.

All pairs of processes meet in the same order of rounds, so that none waits for ever where one call comes after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dycore.halo_sources import pieces
from dycore.tiles import HALO_LEVELS, Halo, Tile


@dataclass(frozen=True)
class Strip:
    """A part of a field that goes into a message or comes out of it."""

    field: int
    index: tuple
    sign: float
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


class Message(NamedTuple):
    """Message of a process to another in an exchange, and back; `edges` stand for what comes in when nothing is sent."""

    rank: int
    outgoing: tuple[Strip, ...]
    incoming: tuple[Strip, ...]
    edges: tuple[Strip, ...]


class Plan(NamedTuple):
    """An exchange: copies within the process, and messages."""

    own: tuple[tuple[Strip, Strip | None], ...]
    messages: tuple[Message, ...]


def strip_of(tile: Tile, field: int, ndim: int, cut: tuple[slice, slice], sign: float) -> Strip:
    """A part [j, i] of a field, in the levels that are no halo."""
    _, nj, ni = tile.region.padded
    shape = len(range(nj)[cut[0]]), len(range(ni)[cut[1]])
    if ndim == 2:
        return Strip(field, cut, sign, shape)
    levels = slice(HALO_LEVELS, HALO_LEVELS + tile.cells[0])
    return Strip(field, (levels, *cut), sign, (tile.cells[0], *shape))


def inward(target: slice, cells: tuple[int, int]) -> slice:
    """Indices at the edge of the cells, as many, where a slice lies beyond them."""
    length = target.stop - target.start
    if target.start < cells[0] and target.stop <= cells[0]:
        return slice(cells[0], cells[0] + length)
    return slice(cells[1] - length, cells[1]) if target.start >= cells[1] else target


@cache
def plan(fields: tuple[tuple[Halo, int], ...]) -> Plan:
    """The exchange of fields, each with a halo and a number of axes; all tiles are those of one process."""
    own: list[tuple[Strip, Strip | None]] = []
    incoming: dict[int, list[Strip]] = {}
    edges: dict[int, list[Strip]] = {}
    me, processes = fields[0][0].tile.rank, fields[0][0].tile.processes
    for number, (halo, ndim) in enumerate(fields):
        tile = halo.tile
        for target, rank, source, sign in pieces(halo):
            there = strip_of(tile, number, ndim, target, sign)
            if rank == me or source is None:
                own.append((there, None if source is None else strip_of(tile, number, ndim, source, sign)))
            else:
                incoming.setdefault(rank, []).append(there)
                rows, columns = map(inward, target, tile.region.columns.ranges)
                edges.setdefault(rank, []).append(strip_of(tile, number, ndim, (rows, columns), 1.0))
    ranks = processes[0] * processes[1]
    # who gets something from here could, with whole halos, also send something
    near = {rank for halo, _ in fields for _, rank, source, _ in pieces(halo._replace(width=None)) if source is not None} - {me}
    outgoing = {other: [strip_of(halo.tile, number, ndim, source, sign) for number, (halo, ndim) in enumerate(fields)
                        for _, rank, source, sign in pieces(halo._replace(tile=halo.tile._replace(rank=other)))
                        if rank == me and source is not None] for other in sorted(near)}
    order = sorted((other for other in near if other in incoming or outgoing[other]), key=lambda other: (me + other) % ranks)
    return Plan(tuple(own), tuple(Message(other, *(tuple(strips.get(other, ())) for strips in (outgoing, incoming, edges)))
                                  for other in order))


def copy(target: np.ndarray, source: np.ndarray | None, sign: float = 1.0) -> None:
    """target = sign * source, a source of None is zero."""
    if source is not None and sign < 0.0:
        np.negative(source, out=target)
    else:
        target[...] = 0.0 if source is None else source


def carry_out(copies: tuple[tuple[Strip, Strip | None], ...], arrays: list) -> None:
    """Copies within the arrays of a process; they read no halo that a message fills."""
    for target, source in copies:
        copy(arrays[target.field][target.index], None if source is None else arrays[source.field][source.index], target.sign)


def segments_of(buffer: Any, strips: tuple[Strip, ...]) -> list:
    """The strips of a message as segments of its buffer."""
    ends = np.cumsum([strip.size for strip in strips])
    return [buffer[end - strip.size: end].reshape(strip.shape) for strip, end in zip(strips, ends, strict=True)]
