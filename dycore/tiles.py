"""Which cells belong to which process, and where halo cells come from: integer arithmetic, no MPI.

Every 3-D array is padded by a halo on each side in j and i and by HALO_LEVELS levels in k; 2-D fields by
the halo alone. Halo cells mirror, repeat or continue the interior of the domain, wherever that is kept:
`copies_y` and `copies_x` come from the same process, `pieces` from others. Halo levels only have to be
finite numbers, because nothing that is read there has any weight.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dycore.fields import Region

HALO = 3  # cells: fifth-order reconstruction reads three to either side
HALO_LEVELS = 2  # levels: third-order reconstruction in the vertical


class Boundary(Enum):
    """What lies beyond the first and the last cell of a direction."""

    PERIODIC = "periodic"
    WALL = "wall"
    POLE = "pole"


class Place(Enum):
    """Where in a cell a field stands: its centre, its west face (u), its south face (v) or its face towards lower r (w)."""

    CENTER = "center"
    WEST_FACE = "west face"
    SOUTH_FACE = "south face"
    LOWER_FACE = "lower-r face"

    @property
    def is_vector(self) -> bool:
        """Whether a velocity along the levels stands there, which points the other way beyond a pole."""
        return self in (Place.WEST_FACE, Place.SOUTH_FACE)


class Copy(NamedTuple):
    """target [j, i] = sign * source [j, i]; a source of None means zero."""

    target: tuple[slice, slice]
    source: tuple[slice, slice] | None
    sign: float


class Piece(NamedTuple):
    """target [j, i] = sign * source [j, i] of the arrays of a process; a source of None means zero."""

    target: tuple[slice, slice]
    rank: int
    source: tuple[slice, slice] | None
    sign: float


class Tile(NamedTuple):
    """The cells of a domain (nz, ny, nx) that one of `processes` (in j, in i) keeps: all of them where it is the only one.

    `x` and `y` say what bounds the domain, `halo` how wide arrays are padded in j and i.
    """

    domain: tuple[int, int, int]
    x: Boundary
    y: Boundary
    processes: tuple[int, int] = (1, 1)
    rank: int = 0
    halo: tuple[int, int] = (HALO, HALO)

    @property
    def position(self) -> tuple[int, int]:
        """Of this process among the others, in j and i."""
        return divmod(self.rank, self.processes[1])

    @property
    def rows(self) -> tuple[int, int]:
        """(start, stop) of its rows in the domain."""
        return share(self.domain[1], self.processes[0], self.position[0])

    @property
    def columns(self) -> tuple[int, int]:
        """(start, stop) of its columns in the domain."""
        return share(self.domain[2], self.processes[1], self.position[1])

    @property
    def cells(self) -> tuple[int, int, int]:
        """(nz, ny, nx) of this part."""
        (south, north), (west, east) = self.rows, self.columns
        return self.domain[0], north - south, east - west

    @property
    def split(self) -> tuple[bool, bool]:
        """Whether the halo in j, in i comes from other processes; beyond a pole lies the opposite meridian."""
        along_y, along_x = (n > 1 for n in self.processes)
        return along_y or (along_x and self.y is Boundary.POLE), along_x

    @property
    def region(self) -> Region:
        """All cells, without halo."""
        (nz, ny, nx), (wide_y, wide_x) = self.cells, self.halo
        padded = (nz + 2 * HALO_LEVELS, ny + 2 * wide_y, nx + 2 * wide_x)
        return Region((HALO_LEVELS, HALO_LEVELS + nz), (wide_y, wide_y + ny), (wide_x, wide_x + nx), padded)


class Reach(NamedTuple):
    """So many cells beyond those of a tile, on each side: `Region.grow(*reach)`."""

    west: int
    east: int
    south: int
    north: int

    def union(self, other: Reach) -> Reach:
        """As far as the further of both."""
        return Reach(*map(max, self, other))


FACES = Reach(west=0, east=1, south=0, north=1)  # the last faces of the cells belong to those beyond


class Halo(NamedTuple):
    """Where a field of a tile stands, and how far beyond its cells the halo is needed: all of it by default.

    What lies further out in the array holds no sense.
    """

    tile: Tile
    place: Place
    reach: Reach | None = None

    @property
    def bounds(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(start, stop) of the rows and of the columns of the padded array that hold values once the halo is filled."""
        cells = self.tile.region
        _, rows, columns = (cells.with_halo if self.reach is None else cells.grow(*self.reach)).ranges
        return rows, columns


def share(n: int, processes: int, number: int) -> tuple[int, int]:
    """(start, stop) of the cells that one of several processes keeps, as even as it goes."""
    return n * number // processes, n * (number + 1) // processes


def block_shape(tile: Tile, chunk: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Rows and columns of the equal blocks, one to a process, that cover a domain; the last may be smaller, or empty.

    Blocks consist of whole chunks of so many rows and columns: those of a file may be of another number of processes.
    """
    rows, columns = (-(-n // (parts * size)) * size for n, parts, size in zip(tile.domain[1:], tile.processes, chunk, strict=True))
    return rows, columns


def blocks(tile: Tile, number: int, chunk: tuple[int, int] = (1, 1)) -> tuple[tuple[int, int], tuple[int, int]]:
    """(start, stop) of the rows and of the columns of such a block."""
    first, second = ((min(n, place * size), min(n, (place + 1) * size)) for n, size, place in zip(
        tile.domain[1:], block_shape(tile, chunk), divmod(number, tile.processes[1]), strict=True))
    return first, second


def least_part(whole: Tile, axis: int) -> int:
    """Rows (axis 0) or columns (1) that a process needs where they are split: the halo has to come from its neighbours."""
    return HALO + (axis == 0 and whole.y is Boundary.POLE)  # faces beyond a pole skip the row of the pole


def shapes(whole: Tile, ranks: int) -> list[tuple[int, int]]:
    """Every (processes in j, in i) that divides the domain among so many, the one with the smallest halo first."""
    _, ny, nx = whole.domain
    fitting = [(pj, ranks // pj) for pj in range(1, ranks + 1) if ranks % pj == 0 and fits(whole, (pj, ranks // pj))]

    def cost(shape: tuple[int, int]) -> float:
        """Lines of the halo, columns dearer because they are not contiguous, and what the polar filter moves of split rows."""
        pj, pi = shape
        sides_y, sides_x = (2 if boundary is Boundary.PERIODIC and n > 1 else min(n - 1, 2)
                            for n, boundary in zip(shape, (whole.y, whole.x), strict=True))
        filtered = min(ny / pj, ny / 3 if pj == 1 else ny / 6) if whole.y is Boundary.POLE else 0.0
        # a cell of the halo moves three deep for some eight fields, a filtered one there and back for four
        return sides_y * nx / pi + 1.5 * sides_x * ny / pj + filtered * nx / pi * (1.0 - 1.0 / pi) * 8 / 24

    return sorted(fitting, key=cost)


def fits(whole: Tile, processes: tuple[int, int]) -> bool:
    """Whether every process gets enough rows and columns."""
    return all(n == 1 or cells // n >= least_part(whole, axis)
               for axis, (n, cells) in enumerate(zip(processes, whole.domain[1:], strict=True)))


def divide(whole: Tile, ranks: int, processes: tuple[int, int] | None, rank: int) -> Tile:
    """The part of a process; without `processes` (in j, in i), in the shape with the smallest halo.

    Raises ValueError with what would work where the domain cannot be divided so.
    """
    possible = shapes(whole, ranks)
    _, ny, nx = whole.domain
    if possible and processes in (None, *possible):
        return whole._replace(processes=processes or possible[0], rank=rank)
    hint = f"Use {' or '.join(f'{pj},{pi}' for pj, pi in possible[:4])}."
    if not possible:
        most = next(n for n in range(ranks, 0, -1) if shapes(whole, n))
        hint = f"Use at most {most} processes." if most > 1 else "Use one process."
    if processes is not None and processes[0] * processes[1] != ranks:
        raise ValueError(f"processes={processes[0]},{processes[1]} are {processes[0] * processes[1]} parts, but there are {ranks} "
                         f"ranks. {hint}")
    if processes is not None:
        raise ValueError(f"processes={processes[0]},{processes[1]} leave {ny // processes[0]} rows and {nx // processes[1]} "
                         f"columns of {ny} x {nx} to a process; it needs at least {least_part(whole, 0)} and "
                         f"{least_part(whole, 1)} where they are split. {hint}")
    raise ValueError(f"{ny} x {nx} columns cannot be divided among {ranks} processes: each needs at least "
                     f"{least_part(whole, 0)} rows and {least_part(whole, 1)} columns where they are split. {hint}")


# What comes from the same process -------------------------------------------------------------------


def _filled(halo: Halo, axis: int) -> list[Run]:
    """What belongs in the halo along an axis (0: j, 1: i) that is not split, and on the boundary; no further than is needed."""
    tile, place, _ = halo
    (start, stop), (first, last) = halo.bounds[axis], tile.region.columns.ranges[axis]
    bounded = (tile.y, tile.x)[axis] is not Boundary.PERIODIC
    faces = int(bounded and place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis])  # the first one is on the boundary
    return runs(tile, axis, place, range(start, first + faces)) + runs(tile, axis, place, range(last, stop))


@cache
def copies_y(halo: Halo) -> tuple[Copy, ...]:
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
    return tuple(Copy((row.target, column.target), row.source and column.source and (row.source, column.source), row.sign)
                 for row in _filled(halo, 0) for column in (opposite if row.crosses else here))


@cache
def copies_x(halo: Halo) -> tuple[Copy, ...]:
    """The copies that then fill the columns of the halo, corners included; none where they come from other processes."""
    if halo.tile.split[1]:
        return ()
    rows = slice(None)
    return tuple(Copy((rows, run.target), run.source and (rows, run.source), run.sign) for run in _filled(halo, 1))


def copy_strips(array: Any, copies: tuple[Copy, ...]) -> None:
    """Carry out copies within a NumPy array."""
    for target, source, sign in copies:
        array[(..., *target)] = 0.0 if source is None else sign * array[(..., *source)]


def fill_halo(tile: Tile, place: Place, array: Any) -> Any:
    """The whole NumPy array with its halo filled from its own cells, in place."""
    halo = Halo(tile, place)
    copy_strips(array, (*copies_y(halo), *copies_x(halo)))
    return array


# What comes from other processes --------------------------------------------------------------------


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
    """What belongs at the indices `targets` of a padded axis (0: j, 1: i); with `shift`, what stands so many columns on."""
    n, processes, halo = tile.domain[axis + 1], tile.processes[axis], tile.halo[axis]
    boundary = (tile.y, tile.x)[axis]
    normal = place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis]
    starts = [share(n, processes, number)[0] for number in range(processes)]

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

    found: list[Run] = []
    for run in map(one, targets):
        last = found[-1] if found else run
        alike = (last.process, last.sign, last.crosses) == (run.process, run.sign, run.crosses)
        source = joined(last.source, run.source) if alike else None
        if source:
            found[-1] = last._replace(target=slice(last.target.start, run.target.stop), source=source)
        else:
            found.append(run)
    return found


def joined(before: slice | None, after: slice | None) -> slice | None:
    """One slice of both, forwards or backwards, or None where the second, of one element, does not go on from the first."""
    if before is None or after is None:
        return None
    if after.start == before.stop:
        return slice(before.start, after.start - 1, -1) if before.step else slice(before.start, after.stop)
    if before.stop == before.start + 1 and after.start == before.start - 1:
        return slice(before.start, after.start - 1, -1)
    return None


@cache
def pieces(halo: Halo) -> tuple[Piece, ...]:
    """What fills the halo along the axes that are split, each value straight from the process that keeps it.

    `copies_y` come before, `copies_x` after it: rows that are not split are read with their halo, columns
    that are not split are left to `copies_x`.
    """
    tile, place, _ = halo
    split_y, split_x = tile.split
    if not (split_y or split_x):
        return ()
    everything, inner = slice(0, tile.region.padded[1]), tile.region.i
    rows, columns = (range(*bounds) for bounds in halo.bounds)
    found = []
    for row in runs(tile, 0, place, rows) if split_y else [Run(everything, tile.position[0], everything, 1.0, False)]:
        for column in runs(tile, 1, place, columns if split_x else range(*inner), tile.domain[2] // 2 if row.crosses else 0):
            if (row.process, column.process) == tile.position and (row.target, column.target) == (row.source, column.source):
                continue  # the interior itself
            source = None if row.source is None or column.source is None else (row.source, column.source)
            found.append(Piece((row.target, column.target), row.process * tile.processes[1] + column.process, source,
                               row.sign * column.sign))
    return tuple(found)


def part_of(array: np.ndarray, tile: Tile) -> np.ndarray:
    """What a tile keeps of a padded array of the whole domain, halo included.

    A halo wider than that of the array repeats a periodic domain, and else the outermost values.
    """
    if tile.processes == (1, 1):
        return array
    indices = []
    for n, (start, stop), halo, boundary in zip(tile.domain[1:], (tile.rows, tile.columns), tile.halo, (tile.y, tile.x),
                                                strict=True):
        index = np.arange(start - halo, stop + halo)
        if halo > HALO:
            index = index % n if boundary is Boundary.PERIODIC else np.clip(index, -HALO, n + HALO - 1)
        indices.append(index + HALO)
    rows, columns = indices
    return np.ascontiguousarray(array[..., rows[:, None], columns])
