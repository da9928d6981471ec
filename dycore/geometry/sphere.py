"""Points and cells of a sphere: lengths on rows of longitudes and latitudes, arcs and triangles between points anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.geometry.coordinates import check_cells, check_latitudes, check_longitudes, check_sector
from dycore.tiles import HALO, Boundary, Tile


def tile_on_sphere(cells: Any, latitudes: Any, longitudes: Any, x_boundary: Any,
                   rotated_grid: bool) -> tuple[Tile, tuple[float, float], tuple[float, float]]:
    """Cells and boundaries, latitudes (south, north) and longitudes (west, east). Raises ValueError where they do not fit."""
    nz, ny, nx = check_cells(cells)
    (south, north), (west, east) = check_latitudes(latitudes), check_longitudes(longitudes)
    poles, full_circle = south == -90.0, np.isclose(east - west, 360.0)
    if poles and not full_circle:
        raise ValueError(f"longitudes=({west:g}, {east:g}) must span 360 degrees on a grid with poles.")
    if poles and nx % 2 and nx > 1:
        raise ValueError(f"{nx} cells in longitude do not match across the pole. Use an even number, or a single one.")
    if poles and ny < HALO:
        raise ValueError(f"{ny} cells in latitude do not reach from pole to pole. Use at least {HALO}, or latitudes that stop "
                         "short of the poles.")
    along_x = Boundary.PERIODIC if full_circle else Boundary.WALL
    if x_boundary is not None:
        along_x = check_sector(x_boundary, poles, rotated_grid)
    tile = Tile((nz, ny, nx), along_x, Boundary.POLE if poles else Boundary.WALL)
    return tile, (south, north), (west, east)


def vertical_rotation(rotation: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The Coriolis parameter (1/s) of longitude and latitude (radians) on a sphere that rotates (1/s)."""
    return lambda longitude, latitude: 2.0 * rotation * np.sin(latitude) + 0.0 * longitude


def over_the_pole(latitude: np.ndarray) -> np.ndarray:
    """Latitudes (radians) of what was counted on beyond a pole."""
    return np.arcsin(np.clip(np.sin(latitude), -1.0, 1.0))


def lengths_on_sphere(face: np.ndarray, dlon: float, dlat: float, radius: float, poles: bool) -> dict[str, np.ndarray]:
    """Lengths (m) and areas (m2) on rows [j], with halo, of which the south faces are at the latitudes `face` (radians)."""
    centre = face + 0.5 * dlat
    half = over_the_pole(face), over_the_pole(face + dlat)
    cos_face = np.abs(np.cos(face))
    ends = [HALO, len(face) - HALO]  # rows of faces on the edges
    if poles:
        cos_face[ends] = 0.0
    area = np.abs(np.sin(half[1]) - np.sin(half[0])) * radius**2 * dlon
    below, above = np.sin(centre - dlat), np.sin(centre)
    area_z = np.abs(above - below) * radius**2 * dlon
    if poles:  # about a pole corner: the triangle of the polar cap, and something positive beyond it
        area_z[ends] = radius**2 * dlon * (1.0 - np.abs(np.sin(centre[HALO])))
    return {"dx_u": radius * np.abs(np.cos(centre)) * dlon, "dy_u": np.full(len(face), radius * dlat),
            "dx_v": radius * cos_face * dlon, "dy_v": np.full(len(face), radius * dlat), "area": area, "area_z": area_z}


def arc(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle (radians) between unit vectors [3, ...], right for near and far ones, and the same both ways to the last bit."""
    across = np.cross(a, b, axis=0)
    return np.arctan2(np.sqrt((across * across).sum(axis=0)), (a * b).sum(axis=0))


def triangle(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Area of spherical triangles between unit vectors [3, ...] on the unit sphere (van Oosterom and Strackee 1983)."""
    volume = np.abs((a * np.cross(b, c, axis=0)).sum(axis=0))
    return 2.0 * np.arctan2(volume, 1.0 + (a * b).sum(axis=0) + (b * c).sum(axis=0) + (c * a).sum(axis=0))
