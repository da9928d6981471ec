"""Slopes of planes between wet cells: centred differences, one-sided at coasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.grid import Grid, interior
from dycore.tiles import Boundary


def slope_between_cells(grid: Grid) -> Callable[..., Any]:
    """A function (plane [j, i], axis, weight=1.0) that returns weight times the slope of a plane (its unit per m) along an axis.

    axis: -2 along j, -1 along i. Differences are taken between wet cells alone; where a cell has none on either side the slope
    is zero. Of NumPy or JAX.
    """
    wet = grid.wet.any(axis=0)
    neighbours = {(axis, side): np.roll(wet, -side, axis) & inside(grid.cells, axis, side, edge is Boundary.PERIODIC)
                  for axis, edge in ((-2, grid.tile.y), (-1, grid.tile.x)) for side in (1, -1)}
    lengths = {-2: interior(grid.metrics.dy_v).astype(float), -1: interior(grid.metrics.dx_u).astype(float)}  # between centres

    def slope(plane: Any, axis: int, weight: Any = 1.0) -> Any:
        xp = plane.__array_namespace__()
        ahead, before = (xp.where(neighbours[axis, side], xp.roll(plane, -side, axis), plane) for side in (1, -1))
        steps_between = neighbours[axis, 1].astype(float) + neighbours[axis, -1]
        return weight * (ahead - before) / (np.maximum(steps_between, 1.0) * lengths[axis])

    return slope


def inside(cells: tuple[int, int, int], axis: int, side: int, periodic: bool) -> np.ndarray:
    """True [j, i] for cells that have a neighbour to one side within the domain."""
    found = np.ones(cells[1:], bool)
    if not periodic:
        np.moveaxis(found, axis, 0)[-1 if side > 0 else 0] = False
    return found
