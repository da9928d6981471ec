"""Common ground of the shallow-water cases: the sphere of Williamson et al. (1992, J. Comput. Phys. 102, 211)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.fluid import shallow_water
from dycore.geometry.coordinates import check_cells
from dycore.grid import Grid, latitude_longitude
from dycore.parameters import Mixing, Parameters

RADIUS, ROTATION, GRAVITY = 6.37122e6, 7.292e-5, 9.80616  # m, 1/s, m/s2


class Places(NamedTuple):
    """Longitude [1, i] and latitude [j, 1] (radians) of cell centres, west faces and south faces."""

    centre: tuple[np.ndarray, np.ndarray]
    west: tuple[np.ndarray, np.ndarray]
    south: tuple[np.ndarray, np.ndarray]


def water(cells: tuple[int, int, int], precision: str, depth: float, time_step: float | None, *, bottom: Any = None,
          coriolis: Callable | None = None, friction: Mixing | None = None, step_per_metre: float = 8.0e-4
          ) -> tuple[Grid, Parameters]:
    """Grid and parameters of one layer of water on the whole sphere.

    `depth` (m) is the reference thickness, `bottom` [j, i] (m) the ground that the layer follows, the
    default time step `step_per_metre` (s/m) times the spacing. Raises ValueError unless there is one level.
    """
    cells = check_cells(cells)
    if cells[0] != 1:
        raise ValueError(f"cells={cells}: shallow water has one level. Give (1, ny, nx).")
    grid = latitude_longitude(cells, interfaces=np.array([0.0, depth]), radius=RADIUS, rotation=ROTATION, coriolis=coriolis,
                              bottom=bottom, terrain_following=bottom is not None, precision=precision)
    parameters = Parameters(fluid=shallow_water(GRAVITY), time_step=step_per_metre * spacing(cells), friction=friction)
    return grid, with_time_step(grid, parameters, time_step)


def spacing(cells: tuple[int, int, int]) -> float:
    """The smaller spacing of the grid at the equator (m)."""
    return RADIUS * min(2.0 * np.pi / cells[2], np.pi / cells[1])


def places(cells: tuple[int, int, int]) -> Places:
    """Where the values of the cells stand."""
    _, ny, nx = check_cells(cells)
    x, y = np.arange(nx)[None, :] * 2.0 * np.pi / nx, -0.5 * np.pi + np.arange(ny)[:, None] * np.pi / ny
    x_centre, y_centre = x + np.pi / nx, y + 0.5 * np.pi / ny
    return Places((x_centre, y_centre), (x, y_centre), (x_centre, y))
