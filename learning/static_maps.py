"""Static maps of a grid: what is known of every column before a run, of which a network makes parameters."""

from __future__ import annotations

from math import inf

import numpy as np

from dycore.geometry.geographic import unit_vectors
from dycore.grid import Grid, interior
from dycore.inputs.given import check_kind
from dycore.learning.horizontal_slopes import slope_between_cells
from dycore.tiles import Boundary


def static_maps(grid: Grid) -> dict[str, np.ndarray]:
    """Maps [j, i] of a grid by name; NaN on land.

    latitude: degrees north, on a sphere alone. depth: of the fixed boundary (unit of r). bottom_slope: the magnitude of the slope
    of that depth between wet cells (unit of r per m). distance_to_coast: see there (m).
    """
    check_kind("grid", grid, Grid)
    wet = grid.wet.any(axis=0)
    depth = np.where(wet, grid.interfaces[-1] - interior(grid.metrics.fixed).astype(float), 0.0)
    slope = slope_between_cells(grid)
    found = {"latitude": grid.latitude} if grid.spherical else {}
    found |= {"depth": depth, "bottom_slope": np.hypot(slope(depth, -1), slope(depth, -2)),
              "distance_to_coast": distance_to_coast(grid)}
    return {name: np.where(wet, values, np.nan) for name, values in found.items()}


def distance_to_coast(grid: Grid) -> np.ndarray:
    """Distances [j, i] (m) of centres of cells from the nearest middle of a face between water and land, or of a wall by water.

    On a sphere along great circles; whatever lies between, land too. Infinite where there is no coast at all. (The sea floor of
    dycore.cases.global_ocean is made of other distances, along rows, columns and diagonals, before there is a grid: with these it
    would be another.)
    """
    from scipy.spatial import cKDTree

    wet, (centres, corners) = np.asarray(grid.wet.any(axis=0)), places(grid)
    middles = 0.5 * (corners[:-1] + corners[1:]), 0.5 * (corners[:, :-1] + corners[:, 1:])  # of west and of south faces
    closed = closed_faces(wet, -1, grid.tile.x), closed_faces(wet, -2, grid.tile.y)
    coast = np.concatenate([middle[where] for middle, where in zip(middles, closed, strict=True)])
    if not len(coast):
        return np.full(wet.shape, inf)
    if not grid.spherical:
        return cKDTree(np.concatenate([coast + image for image in images(grid)])).query(centres)[0]
    chord = cKDTree(coast / np.linalg.norm(coast, axis=-1, keepdims=True)).query(centres)[0]
    radius = float(interior(grid.metrics.dy_u)[0, 0]) / np.radians(grid.y_face[1] - grid.y_face[0])
    return 2.0 * radius * np.arcsin(np.minimum(0.5 * chord, 1.0))


def places(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Places of centres [j, i, axis] and of corners [j + 1, i + 1, axis]: unit vectors on a sphere, x and y (m) on a plane."""
    if grid.spherical:
        found = [unit_vectors(at.longitude, at.latitude) for at in (grid.geographic(), grid.corners)]
    else:
        found = [np.stack(np.meshgrid(x, y)) for x, y in ((grid.x, grid.y), (grid.x_face, grid.y_face))]
    return np.moveaxis(found[0], 0, -1), np.moveaxis(found[1], 0, -1)


def images(grid: Grid) -> list[np.ndarray]:
    """Shifts (x, y) (m) at which a plane repeats itself: none along an axis with walls."""
    along = [[0.0] if edge is not Boundary.PERIODIC else [-length, 0.0, length]
             for edge, length in ((grid.tile.x, grid.x_face[-1]), (grid.tile.y, grid.y_face[-1]))]
    return [np.array([x, y]) for x in along[0] for y in along[1]]


def closed_faces(wet: np.ndarray, axis: int, edge: Boundary) -> np.ndarray:
    """True for faces across an axis, one more than cells, that have water on one side and land or a wall on the other."""
    wet = np.moveaxis(wet, axis, 0)
    first, last = (wet[-1:], wet[:1]) if edge is Boundary.PERIODIC else (np.zeros_like(wet[:1]), np.zeros_like(wet[:1]))
    if edge is Boundary.POLE:  # beyond it is the opposite meridian
        first, last = wet[:1], wet[-1:]
    around = np.concatenate([first, wet, last])
    return np.moveaxis(around[1:] != around[:-1], 0, axis)
