"""Where halo cells come from: the cells of the domain that mirror, repeat or continue it there, wherever they are kept.

`copies_y` and `copies_x` come from the same process, `pieces` from others.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from typing import Any, NamedTuple

from dycore.tiles import Boundary, Halo, Place, Tile, cells_of_process


class Run(NamedTuple):
    """Indices in sequence along an axis: where they are, and the process, the indices and the sign of what belongs there."""

    target: slice
    process: int
    source: slice | None
    sign: float
    crosses: bool  # a pole


def origin(index: int, n: int, boundary: Boundary, normal: bool) -> tuple[int | None, bool]:
    """The one of n cells (or faces) that stands for an index, None for zero, and whether it is a mirror image."""
    if boundary is Boundary.PERIODIC:
        return index % n, False
    position = index % (2 * n)  # the cells and their mirror image, over and over
    if normal and position in (0, n):
        return None, False
    return (position, False) if position < n else (2 * n - 1 - position + normal, True)


def runs(tile: Tile, axis: int, place: Place, targets: range, shift: int = 0) -> list[Run]:
    """Sources of the indices `targets` of a padded axis (0: j, 1: i); with `shift`, what stands so many columns on."""
    n, processes, halo = tile.domain[axis + 1], tile.processes[axis], tile.halo[axis]
    boundary = (tile.y, tile.x)[axis]
    normal = place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis]
    starts = [cells_of_process(n, processes, number)[0] for number in range(processes)]

    def one(target: int) -> Run:
        index = target - halo + starts[tile.position[axis]] + shift
        image, mirrored = origin(index, n, boundary, normal)
        if image is None:
            return Run(slice(target, target + 1), tile.position[axis], None, 0.0, False)
        process = bisect_right(starts, image) - 1
        source = image - starts[process] + halo
        crosses = mirrored and boundary is Boundary.POLE
        turned = mirrored and (place.is_vector if crosses else normal)
        return Run(slice(target, target + 1), process, slice(source, source + 1), -1.0 if turned else 1.0, crosses)

    joined_runs: list[Run] = []
    for run in map(one, targets):
        last = joined_runs[-1] if joined_runs else run
        alike = (last.process, last.sign, last.crosses) == (run.process, run.sign, run.crosses)
        source = joined(last.source, run.source) if alike else None
        if source:
            joined_runs[-1] = last._replace(target=slice(last.target.start, run.target.stop), source=source)
        else:
            joined_runs.append(run)
    return joined_runs


def joined(before: slice | None, after: slice | None) -> slice | None:
    """One slice of both, forwards or backwards, or None where the second, of one element, does not go on from the first."""
    if before is None or after is None:
        return None
    if after.start == before.stop:
        return slice(before.start, after.start - 1, -1) if before.step else slice(before.start, after.stop)
    if before.stop == before.start + 1 and after.start == before.start - 1:
        return slice(before.start, after.start - 1, -1)
    return None


# What comes from the same process -------------------------------------------------------------------


class StripCopy(NamedTuple):
    """target [j, i] = sign * source [j, i]; a source of None means zero."""

    target: tuple[slice, slice]
    source: tuple[slice, slice] | None
    sign: float


def _filled(halo: Halo, axis: int) -> list[Run]:
    """Sources of the halo along an axis (0: j, 1: i) that is not split, and on the boundary; no further than is needed."""
    tile, place, _ = halo
    (start, stop), (first, last) = halo.bounds[axis], tile.region.columns.ranges[axis]
    bounded = (tile.y, tile.x)[axis] is not Boundary.PERIODIC
    faces = int(bounded and place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis])  # the first one is on the boundary
    return runs(tile, axis, place, range(start, first + faces)) + runs(tile, axis, place, range(last, stop))


@cache
def copies_y(halo: Halo) -> tuple[StripCopy, ...]:
    """The copies that fill the rows of the halo; none where they come from other processes.

    Walls mirror scalars and tangential velocity and turn the normal velocity round; across a pole lies
    the opposite meridian, where both components of a vector point the other way. The normal velocity
    on the boundary itself is zero. Of a direction of fewer cells than the halo is wide, the halo holds
    some more than once. All sources are cells, so that the order does not matter.
    """
    tile = halo.tile
    if tile.split[0]:
        return ()
    along = slice(None) if tile.split[1] else slice(*tile.region.i)  # corners follow with the columns
    here = [Run(along, 0, along, 1.0, False)]
    opposite = runs(tile, 1, halo.place, range(*tile.region.i), tile.domain[2] // 2) if tile.y is Boundary.POLE else here
    return tuple(StripCopy((row.target, column.target), row.source and column.source and (row.source, column.source), row.sign)
                 for row in _filled(halo, 0) for column in (opposite if row.crosses else here))


@cache
def copies_x(halo: Halo) -> tuple[StripCopy, ...]:
    """The copies that then fill the columns of the halo, corners included; none where they come from other processes."""
    if halo.tile.split[1]:
        return ()
    rows = slice(None)
    return tuple(StripCopy((rows, run.target), run.source and (rows, run.source), run.sign) for run in _filled(halo, 1))


def copy_strips(array: Any, copies: tuple[StripCopy, ...]) -> None:
    """Carry out copies within a NumPy array."""
    for target, source, sign in copies:
        array[(..., *target)] = 0.0 if source is None else sign * array[(..., *source)]


def fill_halo(tile: Tile, place: Place, array: Any) -> Any:
    """The whole NumPy array with its halo filled from its own cells, in place."""
    halo = Halo(tile, place)
    copy_strips(array, (*copies_y(halo), *copies_x(halo)))
    return array


# What comes from other processes --------------------------------------------------------------------


class Piece(NamedTuple):
    """target [j, i] = sign * source [j, i] of the arrays of a process; a source of None means zero."""

    target: tuple[slice, slice]
    rank: int
    source: tuple[slice, slice] | None
    sign: float


@cache
def pieces(halo: Halo) -> tuple[Piece, ...]:
    """Sources of the halo along the axes that are split, each value straight from the process that keeps it.

    `copies_y` come before, `copies_x` after it: rows that are not split are read with their halo, columns
    that are not split are left to `copies_x`.
    """
    tile, place, _ = halo
    split_y, split_x = tile.split
    if not (split_y or split_x):
        return ()
    everything, inner = slice(0, tile.region.padded[1]), tile.region.i
    rows, columns = (range(*bounds) for bounds in halo.bounds)
    needed = []
    for row in runs(tile, 0, place, rows) if split_y else [Run(everything, tile.position[0], everything, 1.0, False)]:
        for column in runs(tile, 1, place, columns if split_x else range(*inner), tile.domain[2] // 2 if row.crosses else 0):
            if (row.process, column.process) == tile.position and (row.target, column.target) == (row.source, column.source):
                continue  # the interior itself
            source = None if row.source is None or column.source is None else (row.source, column.source)
            needed.append(Piece((row.target, column.target), row.process * tile.processes[1] + column.process, source,
                                row.sign * column.sign))
    return tuple(needed)
