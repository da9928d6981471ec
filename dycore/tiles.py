"""Which elements of a padded array are cells, and which are halo: integer arithmetic, no MPI.

Every 3-D array is padded by HALO cells on each side in j and i and by HALO_LEVELS levels in k; 2-D
fields by HALO cells. Halo cells mirror, repeat or continue the interior (`halo_copies`); halo levels
only have to be finite numbers, because nothing that is read there has any weight.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from dycore.stencils import Region

HALO = 3  # cells: fifth-order reconstruction reads three to either side
HALO_LEVELS = 2  # levels: third-order reconstruction in the vertical


class Boundary(Enum):
    """What lies beyond the first and the last cell of a direction."""

    PERIODIC = "periodic"
    WALL = "wall"
    POLE = "pole"


class Place(Enum):
    """Where in a cell a field stands: its centre, its west face (u) or its south face (v)."""

    CENTER = "center"
    WEST_FACE = "west face"
    SOUTH_FACE = "south face"


class Copy(NamedTuple):
    """target [j, i] = sign * source [j, i]; a source of None means zero."""

    target: tuple[slice, slice]
    source: tuple[slice, slice] | None
    sign: float


class Tile(NamedTuple):
    """The cells (nz, ny, nx) of an array and what bounds them in x and y."""

    cells: tuple[int, int, int]
    x: Boundary
    y: Boundary

    @property
    def region(self) -> Region:
        """All cells, without halo."""
        nz, ny, nx = self.cells
        padded = (nz + 2 * HALO_LEVELS, ny + 2 * HALO, nx + 2 * HALO)
        return Region((HALO_LEVELS, HALO_LEVELS + nz), (HALO, HALO + ny), (HALO, HALO + nx), padded)


def _mirror(n: int, face: bool, low: bool) -> tuple[slice, slice]:
    """(target, source) slices that mirror HALO elements about a boundary; faces skip the boundary itself."""
    if low:
        target = slice(HALO - 1, None, -1)
        return target, slice(HALO + face, 2 * HALO + face)
    target = slice(HALO + n + face, 2 * HALO + n)
    return target, slice(HALO + n - 1, n - 1 + face if n - 1 + face >= 0 else None, -1)


@cache
def halo_copies(tile: Tile, place: Place) -> tuple[Copy, ...]:
    """The copies that fill the halo of one field, in order: south and north first, then west and east.

    Walls mirror scalars and tangential velocity and turn the normal velocity round; across a pole lies
    the opposite meridian, where both components of a vector point the other way. The normal velocity
    on the boundary itself is zero.
    """
    _, ny, nx = tile.cells
    everything, inner = slice(None), slice(HALO, HALO + nx)
    copies = []
    normal = place is Place.SOUTH_FACE
    if tile.y is Boundary.PERIODIC:
        copies += [Copy((slice(0, HALO), inner), (slice(ny, ny + HALO), inner), 1.0),
                   Copy((slice(HALO + ny, None), inner), (slice(HALO, 2 * HALO), inner), 1.0)]
    else:
        if normal:
            copies += [Copy((slice(row, row + 1), inner), None, 0.0) for row in (HALO, HALO + ny)]
        for low in (True, False):
            target, source = _mirror(ny, normal, low)
            if tile.y is Boundary.WALL:
                copies.append(Copy((target, inner), (source, inner), -1.0 if normal else 1.0))
            else:
                half = HALO + nx // 2
                west, east = slice(HALO, half), slice(half, HALO + nx)
                sign = 1.0 if place is Place.CENTER else -1.0
                copies += [Copy((target, west), (source, east), sign), Copy((target, east), (source, west), sign)]
    if tile.x is Boundary.PERIODIC:
        copies += [Copy((everything, slice(0, HALO)), (everything, slice(nx, nx + HALO)), 1.0),
                   Copy((everything, slice(HALO + nx, None)), (everything, slice(HALO, 2 * HALO)), 1.0)]
    else:
        normal = place is Place.WEST_FACE
        if normal:
            copies += [Copy((everything, slice(column, column + 1)), None, 0.0) for column in (HALO, HALO + nx)]
        for low in (True, False):
            target, source = _mirror(nx, normal, low)
            copies.append(Copy((everything, target), (everything, source), -1.0 if normal else 1.0))
    return tuple(copies)


def fill_halo(tile: Tile, place: Place, array: Any) -> Any:
    """The whole NumPy array with its halo filled from its own cells, in place."""
    for target, source, sign in halo_copies(tile, place):
        array[(..., *target)] = 0.0 if source is None else sign * array[(..., *source)]
    return array
