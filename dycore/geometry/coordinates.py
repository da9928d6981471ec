"""Checks of the numbers that make a grid: cells, edges in metres or degrees, reference levels, precision.

Each returns what it was given as plain numbers, or raises ValueError with what was wrong and what to give instead.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from typing import Any

import numpy as np

from dycore.inputs.given import as_array, check_function, check_number, check_switch, is_number, shown
from dycore.inputs.units import VERTICAL, in_unit
from dycore.tiles import Boundary

MOST_CELLS = 10**12  # no machine holds more


def check_cells(cells: Any) -> tuple[int, int, int]:
    """(nz, ny, nx) as integers; a direction may have a single cell."""
    numbers = parts(cells)
    if len(numbers) != 3 or not all(is_number(n, lambda n: n == int(n)) for n in numbers):
        raise ValueError(f"cells={shown(cells)} are not three whole numbers. Give (nz, ny, nx), for example (20, 64, 128).")
    nz, ny, nx = (int(n) for n in numbers)
    if min(nz, ny, nx) < 1:
        raise ValueError(f"cells={shown(cells)} do not make a grid: nz, ny and nx must be at least 1.")
    if nz * ny * nx > MOST_CELLS:
        raise ValueError(f"cells={shown(cells)} are more than 10^12 cells, which no machine holds. Give fewer.")
    return nz, ny, nx


def parts(values: Any) -> list:
    """The elements of what is in order, a list, a tuple, a range or an array [n], masked ones as such; none of anything else."""
    if not isinstance(values, type) and hasattr(values, "__array__") and getattr(values, "ndim", 0) == 1:
        values = list(np.asanyarray(values))
    return list(values) if isinstance(values, (list, tuple, range)) else []


def _pair(name: str, values: Any, meaning: str) -> tuple[float, float]:
    """Two finite numbers."""
    numbers = parts(values)
    if len(numbers) != 2 or not all(is_number(number, isfinite) for number in numbers):
        raise ValueError(f"{name}={shown(values)} must be two finite numbers: {meaning}.")
    return float(numbers[0]), float(numbers[1])


def check_extent(extent: Any) -> tuple[float, float]:
    """The lengths in x and y (m)."""
    lengths = _pair("extent", extent, "the lengths in x and in y in metres")
    if not min(lengths) > 0.0:
        raise ValueError(f"extent={shown(extent)} must be two positive lengths in metres.")
    return lengths


def check_longitudes(longitudes: Any) -> tuple[float, float]:
    """The western and the eastern edge (degrees), the eastern one the larger: 360 is added where the region crosses the seam."""
    west, east = _pair("longitudes", longitudes, "the western and the eastern edge in degrees")
    if west > east:
        east += 360.0
    if not (0.0 < east - west <= 360.0 or np.isclose(east - west, 360.0)):
        raise ValueError(f"longitudes={shown(longitudes)} must be the western and the eastern edge, more than 0 and at most 360 "
                         "degrees apart: (0, 360) is a full circle, (160, -160) the 40 degrees across the date line.")
    return west, east


def check_latitudes(latitudes: Any) -> tuple[float, float]:
    """The southern and the northern edge (degrees)."""
    south, north = _pair("latitudes", latitudes, "the southern and the northern edge in degrees")
    if not -90.0 <= south < north <= 90.0:
        raise ValueError(f"latitudes={shown(latitudes)} must increase within -90..90 degrees.")
    if (south == -90.0) != (north == 90.0):
        raise ValueError(f"latitudes={shown(latitudes)} reach one pole only. Give both poles, or stop short of both.")
    return south, north


def check_interfaces(interfaces: Any, nz: int) -> np.ndarray:
    """The positions of the interfaces [nz + 1] (m or Pa)."""
    values: np.ndarray = np.array(np.nan)
    with suppress(ValueError):
        values = as_array("interfaces", interfaces)
    values = in_unit("interfaces", values, interfaces, VERTICAL)
    if values.shape != (nz + 1,) or not (np.isfinite(values).all() and (np.diff(values) > 0.0).all()):
        raise ValueError(f"interfaces must be {nz + 1} increasing numbers for {nz} levels, upwards from the sea floor as heights "
                         "in m (negative below the sea surface) or downwards from the top of the atmosphere as pressures in Pa; "
                         f"given {shown(interfaces)}.")
    return values


def check_pole(pole: Any) -> tuple[float, float]:
    """North pole of a rotated grid: longitude and latitude (degrees)."""
    longitude, latitude = _pair("pole", pole, "the longitude and the latitude, in degrees, of the north pole of a rotated grid")
    if not -90.0 <= latitude <= 90.0:
        raise ValueError(f"pole={shown(pole)} must be the longitude and the latitude, within -90..90 degrees, of the north pole of "
                         "a rotated grid: (longitude, latitude).")
    return longitude, latitude


def check_join(south: Any, join: Any, pole: Any) -> tuple[float, float, float]:
    """Southern edge and join of a tripolar grid, and the longitude of one of its poles (degrees)."""
    for name, value, what in (("south", south, "latitude of the southern edge"), ("join", join, "latitude of the grid's poles"),
                              ("pole", pole, "longitude of one of the grid's poles")):
        check_number(name, value, f"the {what} in degrees, a finite number", isfinite)
    if not -90.0 < south < join < 90.0:
        raise ValueError(f"south={shown(south)} and join={shown(join)} must be latitudes between -90 and 90 degrees, the second "
                         "north of the first.")
    return float(south), float(join), float(pole)


def check_coriolis(function: Callable, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Coriolis parameters (1/s) at corners [j, i], from what a user's function makes of longitudes and latitudes."""
    shape = np.broadcast_shapes(longitude.shape, latitude.shape)
    check_function("coriolis", function, "longitude", "latitude")
    found: Any = None
    try:
        found = function(longitude, latitude)
        values = np.broadcast_to(as_array("coriolis(longitude, latitude)", found), shape)
    except ValueError:
        given = f"values of shape {np.shape(found)}" if isinstance(found, np.ndarray) else shown(found)
        raise ValueError(f"coriolis(longitude, latitude) returns {given} for longitudes {longitude.shape} and latitudes "
                         f"{latitude.shape} (radians). Return numbers (1/s) of shape {shape}, or one.") from None
    if not np.isfinite(values).all():
        raise ValueError("coriolis(longitude, latitude) returns values that are not finite numbers. It is asked at all corners, "
                         "those beyond the edges of the grid among them.")
    return values


def check_ground(terrain_following: Any, partial_cells: Any) -> None:
    """Raise ValueError unless levels follow the terrain, or the lowest cells are whole, or partial from some fraction on."""
    check_switch("terrain_following", terrain_following)
    if partial_cells is None:
        return
    check_number("partial_cells", partial_cells, "the smallest fraction of a level that a cell may take: more than 0 and at most "
                 "1, for example 0.2", lambda fraction: 0.0 < fraction <= 1.0)
    if terrain_following:
        raise ValueError("Levels that follow the terrain have no partial cells: give terrain_following or partial_cells, not both.")


def check_lengths(fields: Any, dtype: np.dtype) -> None:
    """Raise ValueError where a metric is no finite number in the precision of a grid, or a cell has no area."""
    with np.errstate(over="ignore", under="ignore"):
        finite = all(np.isfinite(field.astype(dtype)).all() for field in fields if isinstance(field, np.ndarray))
        if not (finite and fields.area.astype(dtype).all()):
            raise ValueError(f"The lengths, levels and rotation of the grid are too large or too small for numbers in {dtype}: "
                             "give its size in metres, pressures in Pa, and the Coriolis parameter in 1/s.")


def check_boundary(name: str, boundary: Any) -> Boundary:
    """Boundary of a direction of a plane."""
    if boundary is Boundary.POLE:
        raise ValueError("A plane has no pole: use Boundary.PERIODIC or Boundary.WALL.")
    if boundary is Boundary.FOLD:
        raise ValueError("A fold belongs to the grid of dycore.grid.tripolar: use Boundary.PERIODIC or Boundary.WALL.")
    if not isinstance(boundary, Boundary):
        raise ValueError(f"{name}={shown(boundary)} is no boundary. Give Boundary.PERIODIC or Boundary.WALL of dycore.tiles.")
    return boundary


def check_sector(boundary: Any, poles: bool, rotated: bool) -> Boundary:
    """Western and eastern boundary of a part of a sphere that has poles, or is rotated, or neither."""
    boundary = check_boundary("x_boundary", boundary)
    if poles and boundary is not Boundary.PERIODIC:
        raise ValueError(f"x_boundary={shown(boundary)} on a grid with poles, which goes around them. Leave x_boundary out, or use "
                         "latitudes that stop short of the poles.")
    if rotated and boundary is Boundary.PERIODIC:
        raise ValueError("x_boundary=Boundary.PERIODIC on a rotated grid, where the Coriolis parameter differs from edge to edge. "
                         "Leave out x_boundary, or pole.")
    return boundary


def check_precision(precision: Any) -> np.dtype:
    """The type of the fields."""
    if not isinstance(precision, str) or precision not in ("float32", "float64"):
        raise ValueError(f"precision={shown(precision)} is neither 'float64' nor 'float32'.")
    return np.dtype(precision)
