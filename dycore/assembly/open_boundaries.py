"""Open sides of a grid for its equations: where cells lie outside, and the fields that say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from dycore.equations.open_boundaries import Openings, Where
from dycore.fields import map_arguments
from dycore.geometry.sides import Side, edge
from dycore.grid import Grid, interior
from dycore.inputs.open_boundaries import borders_of, open_sides
from dycore.parameters import Parameters


def with_open_sides(grid: Grid, parameters: Parameters) -> Grid:
    """The grid with cells outside of open sides that have no divergence; as it is where all sides are walls."""
    found = open_sides(parameters.open_boundaries)
    if not found:
        return grid
    inverse_area = np.array(grid.metrics.inverse_area)
    interior(inverse_area)[outside(grid, found)] = 0.0
    return replace(grid, metrics=grid.metrics._replace(inverse_area=inverse_area))


def outside(grid: Grid, found: Any) -> np.ndarray:
    """True in cells [j, i] outside of open sides: the outermost row or column of each."""
    cells = np.zeros(grid.cells[1:], bool)
    for side in found:
        cells[edge(side)] = True
    return cells


def openings_of(grid: Grid, parameters: Parameters, value: Callable) -> Openings | None:
    """Where sides are open and what is known beyond them, each array as `value` makes it of [k], [j, i] or [k, j, i]."""
    borders = borders_of(grid, parameters)
    if not borders:
        return None
    beyond = outside(grid, borders)
    into = {along_x: np.zeros(beyond.shape) for along_x in (False, True)}
    for side in (Side.SOUTH, Side.NORTH, Side.WEST, Side.EAST):
        if side in borders:
            into[side.along_x][edge(side)] = side.inward
    into[False][into[True] != 0.0] = 0.0  # corners
    before_x, before_y = np.roll(beyond, 1, 1), np.roll(beyond, 1, 0)
    normal_u, normal_v = before_x.astype(float) - beyond, before_y.astype(float) - beyond
    rows = np.zeros(beyond.shape)  # into the grid from its first and last row, corners too
    for side in (Side.SOUTH, Side.NORTH):
        if side in borders:
            rows[edge(side)] = side.inward
    normal_u[:, 0], normal_v[0, :] = 0.0, 0.0  # the faces of walls behind the cells outside, or of none
    along_u, along_v = np.where(beyond & before_x, rows, 0.0), np.where(beyond & before_y, into[True], 0.0)
    at = Where(*map(value, (normal_u, normal_v, along_u, along_v, into[True], into[False])))
    along_x, along_y = (tuple(map_arguments(value, border) for side, border in borders.items() if side.along_x is of_x)
                        for of_x in (True, False))
    return Openings(at, along_x, along_y)
