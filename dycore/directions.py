"""Vectors turned between the directions of a grid and east and north; a rotated grid keeps velocities and stresses along itself.

    east, north = to_east_north(grid, *at_centres(state.u, state.v))
    stress = [along_grid(grid, east, north, place)[n] for n, place in enumerate((Place.WEST_FACE, Place.SOUTH_FACE))]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.assembly.values import is_traced
from dycore.grid import Grid, interior
from dycore.inputs.given import as_array, check_kind, unmasked
from dycore.tiles import HALO, HALO_LEVELS, Place


def to_east_north(grid: Grid, u: Any, v: Any) -> tuple[Any, Any]:
    """(eastward, northward) components at cell centres from those along the grid's i and j there, [..., j, i] of any unit.

    Raises ValueError on a plane, which has no east.
    """
    cosine, sine = turn(grid, Place.CENTER)
    u, v = component("u", u, grid), component("v", v, grid)
    return cosine * u - sine * v, sine * u + cosine * v


def along_grid(grid: Grid, eastward: Any, northward: Any, place: Place = Place.CENTER) -> tuple[Any, Any]:
    """Components along the grid's i and j from (eastward, northward) ones at the same centres or faces, [..., j, i] of any unit.

    A velocity needs the first at Place.WEST_FACE and the second at Place.SOUTH_FACE. Raises ValueError on a plane.
    """
    cosine, sine = turn(grid, place)
    eastward, northward = component("eastward", eastward, grid), component("northward", northward, grid)
    return cosine * eastward + sine * northward, cosine * northward - sine * eastward


def turn(grid: Grid, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of the angle from east to the grid's i direction, interior [j, i]."""
    check_kind("grid", grid, Grid, "Make one with dycore.grid.latitude_longitude.")
    check_kind("place", place, Place)
    angle = np.radians(grid.geographic(place).angle)
    return np.cos(angle), np.sin(angle)


def component(name: str, values: Any, grid: Grid) -> Any:
    """Real numbers [..., j, i], masked or not. Raises ValueError for others and where they do not fit the grid."""
    if is_traced(values):
        return values
    found = unmasked(name, values)
    if np.ma.getdata(found).dtype.kind not in "biuf":
        found = as_array(name, values)
    if any(n not in (1, cells) for n, cells in zip(found.shape[::-1], grid.cells[:0:-1], strict=False)):
        raise ValueError(f"{name} has shape {found.shape}; the grid needs [..., ny, nx] with {grid.cells[1:]}, or a number.")
    return found


def at_centres(u: Any, v: Any) -> tuple[np.ndarray, np.ndarray]:
    """A velocity of a state, at west and south faces with halo, as means at cell centres, interior [k, j, i] (m/s)."""
    u, v = np.asarray(u), np.asarray(v)
    next_faces = slice(HALO + 1, 1 - HALO)  # the faces to the east or north
    to_east, to_north = u[HALO_LEVELS:-HALO_LEVELS, HALO:-HALO, next_faces], v[HALO_LEVELS:-HALO_LEVELS, next_faces, HALO:-HALO]
    return 0.5 * (interior(u) + to_east), 0.5 * (interior(v) + to_north)
