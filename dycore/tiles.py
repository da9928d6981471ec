"""Tiles: which cells of a domain a process keeps, and the halo about them.

Every 3-D array is padded by a halo on each side in j and i and by HALO_LEVELS levels in k; 2-D fields by
the halo alone. What belongs in the halo is in dycore.halo_sources. Halo levels only have to be
finite numbers, because nothing that is read there has any weight.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from dycore.fields import Region

HALO = 3  # cells: fifth-order reconstruction reads three to either side
HALO_LEVELS = 2  # levels: third-order reconstruction in the vertical


class Boundary(Enum):
    """Boundary of a direction: what lies beyond its first and its last cell.

    Along a fold a row of cells meets itself, turned round by half a turn about the middle of the row: beyond it lie the cells of
    the same rows, in the opposite order. It runs along south faces, with corners at its two ends. These faces move, and belong
    to no cell south of them: so the last row of the domain, the fold row, is the image of the row before it, and an exchange fills
    it as it fills a halo. Its south faces on the western half are the ones that are computed; those on the eastern half are their
    images. Its cells count nowhere (`Tile.fold_rows`).
    """

    PERIODIC = "periodic"
    WALL = "wall"
    POLE = "pole"
    FOLD = "fold"  # of y alone: a wall at the first row, and at the last one the fold of a tripolar grid


class Place(Enum):
    """Place of a field in a cell: its centre, its west face (u), its south face (v) or its face towards lower r (w)."""

    CENTER = "center"
    WEST_FACE = "west face"
    SOUTH_FACE = "south face"
    LOWER_FACE = "lower-r face"

    @property
    def is_vector(self) -> bool:
        """Whether a velocity along the levels stands there, which points the other way beyond a pole."""
        return self in (Place.WEST_FACE, Place.SOUTH_FACE)


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
        """Position of this process among the others, in j and i."""
        return divmod(self.rank, self.processes[1])

    @property
    def rows(self) -> tuple[int, int]:
        """(start, stop) of its rows in the domain."""
        return cells_of_process(self.domain[1], self.processes[0], self.position[0])

    @property
    def columns(self) -> tuple[int, int]:
        """(start, stop) of its columns in the domain."""
        return cells_of_process(self.domain[2], self.processes[1], self.position[1])

    @property
    def cells(self) -> tuple[int, int, int]:
        """(nz, ny, nx) of this part."""
        (south, north), (west, east) = self.rows, self.columns
        return self.domain[0], north - south, east - west

    @property
    def split(self) -> tuple[bool, bool]:
        """Whether the halo in j, in i comes from other processes; beyond a pole or a fold lie other columns."""
        along_y, along_x = (n > 1 for n in self.processes)
        return along_y or (along_x and self.y in (Boundary.POLE, Boundary.FOLD)), along_x

    @property
    def fold_rows(self) -> int:
        """Rows of the domain, at its northern end, whose cells are images of others: 1 along a fold, else 0."""
        return int(self.y is Boundary.FOLD)

    @property
    def region(self) -> Region:
        """Region of all cells, without halo."""
        (nz, ny, nx), (wide_y, wide_x) = self.cells, self.halo
        padded = (nz + 2 * HALO_LEVELS, ny + 2 * wide_y, nx + 2 * wide_x)
        return Region((HALO_LEVELS, HALO_LEVELS + nz), (wide_y, wide_y + ny), (wide_x, wide_x + nx), padded)


class HaloWidth(NamedTuple):
    """Halo widths: so many cells beyond those of a tile, on each side: `Region.grow(*reach)`."""

    west: int
    east: int
    south: int
    north: int

    def union(self, other: HaloWidth) -> HaloWidth:
        """Widths as far as the further of two."""
        return HaloWidth(*map(max, self, other))


FACES = HaloWidth(west=0, east=1, south=0, north=1)  # the last faces of the cells belong to those beyond


class Halo(NamedTuple):
    """Halo of a field of a tile: where the field stands, and how far beyond its cells it is needed, all of it by default.

    What lies further out in the array holds no sense. `turns`: whether a field at faces is a component of a vector, which points
    the other way beyond a pole, a fold or a wall, and not a length or another positive number.
    """

    tile: Tile
    place: Place
    width: HaloWidth | None = None
    turns: bool = True

    @property
    def bounds(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(start, stop) of the rows and of the columns of the padded array that hold values once the halo is filled."""
        cells = self.tile.region
        _, rows, columns = (cells.with_halo if self.width is None else cells.grow(*self.width)).ranges
        return rows, columns


def cells_of_process(n: int, processes: int, number: int) -> tuple[int, int]:
    """(start, stop) of the cells that one of several processes keeps, as even as it goes."""
    return n * number // processes, n * (number + 1) // processes


def part_of(array: np.ndarray, tile: Tile) -> np.ndarray:
    """Part of a padded array of the whole domain that a tile keeps, halo included.

    A halo wider than that of the array, which is the same on both axes, repeats a periodic domain, and else the outermost values.
    """
    if tile.processes == (1, 1):
        return array
    indices = []
    for n, size, (start, stop), halo, boundary in zip(tile.domain[1:], array.shape[-2:], (tile.rows, tile.columns), tile.halo,
                                                      (tile.y, tile.x), strict=True):
        index, there = np.arange(start - halo, stop + halo), (size - n) // 2
        if halo > there:
            index = index % n if boundary is Boundary.PERIODIC else np.clip(index, -there, n + there - 1)
        indices.append(index + there)
    rows, columns = indices
    return np.ascontiguousarray(array[..., rows[:, None], columns])
