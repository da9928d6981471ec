"""Sides of a grid: the four edges of a box, and how far cells are from them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from dycore.inputs.given import shown
from dycore.tiles import Boundary, Tile


class Side(Enum):
    """Side of a grid: that of its first or its last columns or rows."""

    WEST = "west"
    EAST = "east"
    SOUTH = "south"
    NORTH = "north"

    @property
    def along_x(self) -> bool:
        """Whether a way through it goes along x."""
        return self in (Side.WEST, Side.EAST)

    @property
    def inward(self) -> int:
        """The step of the index from this side into the grid: 1 or -1."""
        return 1 if self in (Side.WEST, Side.SOUTH) else -1


def check_side(name: str, value: Any, tile: Tile) -> Side:
    """The side that something is. Raises TypeError for what is none, ValueError where the grid has no wall there."""
    if not isinstance(value, Side):
        raise TypeError(f"{name}={shown(value)} must be a dycore.geometry.sides.Side, for example Side.WEST.")
    if (tile.x if value.along_x else tile.y) is not Boundary.WALL:
        raise ValueError(f"The {value.value} is no side of this grid, which goes on beyond it. Choose one of the sides that are "
                         "walls.")
    return value


def edge(side: Side) -> tuple:
    """The index of the outermost cells at a side of an array [j, i]."""
    number = 0 if side.inward > 0 else -1
    return (slice(None), number) if side.along_x else (number, slice(None))


def cells_from(side: Side, shape: tuple[int, int], faces: bool = False) -> np.ndarray:
    """Distances from a side in cells [j, i], of centres or of the west or south faces that are crossed on the way from it."""
    ny, nx = shape
    n = nx if side.along_x else ny
    first = np.arange(n) + (0.0 if faces else 0.5)
    distance = first if side.inward > 0 else n - first
    return np.broadcast_to(distance[None, :] if side.along_x else distance[:, None], shape)
