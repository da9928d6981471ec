"""Where halo cells come from: the cells of the domain that mirror, repeat or continue it there, wherever they are kept.

`copies_y` and `copies_x` come from the same process, `pieces` from others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from dycore.tiles import Boundary, Halo, Place, Tile, cells_of_process


class Run(NamedTuple):
    """Indices in sequence along an axis: where they are, and the process, the indices and the sign of what belongs there.

    `crosses`: whether what belongs to rows comes from beyond a pole or a fold; `on_fold`: whether they are on it, as south faces
    can be, of which one half are images of the other.
    """

    target: slice
    process: int
    source: slice | None
    sign: float
    crosses: bool
    on_fold: bool = False


def origin(index: int, n: int, boundary: Boundary, normal: bool) -> tuple[int | None, bool]:
    """The one of n cells (or faces) that stands for an index, None for zero, and whether it is a mirror image."""
    if boundary is Boundary.PERIODIC:
        return index % n, False
    if boundary is Boundary.FOLD and index >= n - 1:
        return 2 * n - 3 - index + normal, True
    position = index % (2 * n)  # the cells and their mirror image, over and over
    if normal and position in (0, n):
        return None, False
    return (position, False) if position < n else (2 * n - 1 - position + normal, True)


def as_it_is(index: int) -> tuple[int, float]:
    """The index, and the sign of what stands there."""
    return index, 1.0


def across(halo: Halo, row: Run) -> Callable[[int], tuple[int, float]]:
    """Function (column of the domain) -> (the one that belongs there in a row, sign beside that of the row).

    Across a pole half the columns on; across a fold the same in the opposite order, of west faces those of the other ends of
    cells. On a fold this holds for the eastern half, which has the sign of a turned vector.
    """
    tile, nx = halo.tile, halo.tile.domain[2]
    if not row.crosses:
        return as_it_is
    if tile.y is Boundary.POLE:
        return lambda index: (index + nx // 2, 1.0)
    last, sign = nx - 1 + (halo.place is Place.WEST_FACE), -1.0 if halo.turns else 1.0
    if row.on_fold:
        return lambda index: (last - index, sign) if index % nx >= nx // 2 else (index, 1.0)
    return lambda index: (last - index, 1.0)


def runs(halo: Halo, axis: int, targets: range, column: Callable[[int], tuple[int, float]] = as_it_is) -> list[Run]:
    """Sources of the indices `targets` of a padded axis (0: j, 1: i), taken as those of `column(index)`, with its sign."""
    tile, place = halo.tile, halo.place
    n, processes, width = tile.domain[axis + 1], tile.processes[axis], tile.halo[axis]
    boundary = (tile.y, tile.x)[axis]
    normal = place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis]
    folded = boundary is Boundary.FOLD
    starts = [cells_of_process(n, processes, number)[0] for number in range(processes)]

    def one(target: int) -> Run:
        index, sign = column(target - width + starts[tile.position[axis]])
        image, mirrored = origin(index, n, boundary, normal)
        if image is None:
            return Run(slice(target, target + 1), tile.position[axis], None, 0.0, False)
        process = bisect_right(starts, image) - 1
        source = image - starts[process] + width
        crosses = mirrored and (boundary is Boundary.POLE or (folded and index >= n - 1))
        on_fold = crosses and folded and image == index
        turned = mirrored and halo.turns and not on_fold and (place.is_vector if crosses else normal)
        return Run(slice(target, target + 1), process, slice(source, source + 1), -sign if turned else sign, crosses, on_fold)

    joined_runs: list[Run] = []
    for run in map(one, targets):
        last = joined_runs[-1] if joined_runs else run
        alike = last[3:] == run[3:] and last.process == run.process
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
    """Sources of the halo along an axis (0: j, 1: i) that is not split, and on the boundary; no further than is needed.

    A fold row is filled as a halo is.
    """
    tile, place = halo.tile, halo.place
    (start, stop), (first, last) = halo.bounds[axis], tile.region.columns.ranges[axis]
    bounded = (tile.y, tile.x)[axis] is not Boundary.PERIODIC
    faces = int(bounded and place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis])  # the first one is on the boundary
    images = tile.fold_rows if axis == 0 else 0
    return runs(halo, axis, range(start, first + faces)) + runs(halo, axis, range(last - images, stop))


@cache
def copies_y(halo: Halo) -> tuple[StripCopy, ...]:
    """The copies that fill the rows of the halo; none where they come from other processes.

    Walls mirror scalars and tangential velocity and turn the normal velocity round; across a pole lies
    the opposite meridian, where both components of a vector point the other way, as they do across a fold. The normal velocity
    on the boundary itself is zero, but on a fold. Of a direction of fewer cells than the halo is wide, the halo holds
    some more than once. All sources are cells, and none of a fold row but the faces that are computed, so that the order does
    not matter.
    """
    tile = halo.tile
    if tile.split[0]:
        return ()
    along = slice(None) if tile.split[1] else slice(*tile.region.i)  # corners follow with the columns
    here = [Run(along, 0, along, 1.0, False)]

    def columns(row: Run) -> list[Run]:
        """Where in a row its values come from; of those on a fold only what is no value of its own."""
        found = runs(halo, 1, range(*tile.region.i), across(halo, row)) if row.crosses else here
        return [column for column in found if not (row.on_fold and column.target == column.source)]

    return tuple(StripCopy((row.target, column.target), row.source and column.source and (row.source, column.source),
                           row.sign * column.sign) for row in _filled(halo, 0) for column in columns(row))


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


def fill_halo(tile: Tile, place: Place, array: Any, turns: bool = True) -> Any:
    """The whole NumPy array with its halo filled from its own cells, in place; `turns` as in `Halo`."""
    halo = Halo(tile, place, turns=turns)
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
    tile = halo.tile
    split_y, split_x = tile.split
    if not (split_y or split_x):
        return ()
    everything, inner = slice(0, tile.region.padded[1]), tile.region.i
    rows, columns = (range(*bounds) for bounds in halo.bounds)
    needed = []
    for row in runs(halo, 0, rows) if split_y else [Run(everything, tile.position[0], everything, 1.0, False)]:
        for column in runs(halo, 1, columns if split_x else range(*inner), across(halo, row)):
            if (row.process, column.process) == tile.position and (row.target, column.target) == (row.source, column.source):
                continue  # the interior itself
            source = None if row.source is None or column.source is None else (row.source, column.source)
            needed.append(Piece((row.target, column.target), row.process * tile.processes[1] + column.process, source,
                                row.sign * column.sign))
    return tuple(needed)
