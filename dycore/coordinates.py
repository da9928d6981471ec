"""Checks of the numbers that make a grid: cells, edges in metres or degrees, reference levels, precision.

Each returns what it was given as plain numbers, or raises ValueError with what was wrong and what to give instead.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from dycore.given import as_array
from dycore.tiles import Boundary


def check_cells(cells: Any) -> tuple[int, int, int]:
    """(nz, ny, nx) as integers; a direction may have a single cell."""
    try:
        nz, ny, nx = (float(n) for n in cells)
        whole = not isinstance(cells, str) and all(n == int(n) for n in (nz, ny, nx))
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise ValueError(f"cells={cells!r} are not three whole numbers. Give (nz, ny, nx), for example (20, 64, 128).")
    if min(nz, ny, nx) < 1:
        raise ValueError(f"cells={tuple(cells)} do not make a grid: nz, ny and nx must be at least 1.")
    return int(nz), int(ny), int(nx)


def check_number(name: str, value: Any, unit: str, positive: bool = False) -> float:
    """A finite number."""
    number = _finite(value)
    if number is None or (positive and number <= 0.0):
        raise ValueError(f"{name}={value!r} must be one {'positive ' if positive else ''}finite number ({unit}).")
    return number


def _finite(value: Any) -> float | None:
    """The value if it is one finite number."""
    try:
        number = float(value) if np.ndim(value) == 0 else np.nan
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _pair(name: str, values: Any, meaning: str) -> tuple[float, float]:
    """Two finite numbers."""
    numbers = [] if isinstance(values, str) or np.ndim(values) != 1 else [_finite(value) for value in values]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise ValueError(f"{name}={values!r} must be two finite numbers: {meaning}.")
    return numbers[0], numbers[1]


def check_extent(extent: Any) -> tuple[float, float]:
    """The lengths in x and y (m)."""
    lengths = _pair("extent", extent, "the lengths in x and in y in metres")
    if not min(lengths) > 0.0:
        raise ValueError(f"extent={extent} must be two positive lengths in metres.")
    return lengths


def check_longitudes(longitudes: Any) -> tuple[float, float]:
    """The western and the eastern edge (degrees), the eastern one the larger: 360 is added where the region crosses the seam."""
    west, east = _pair("longitudes", longitudes, "the western and the eastern edge in degrees")
    if west > east:
        east += 360.0
    if not (0.0 < east - west <= 360.0 or np.isclose(east - west, 360.0)):
        raise ValueError(f"longitudes={longitudes} must be the western and the eastern edge, more than 0 and at most 360 degrees "
                         "apart: (0, 360) is a full circle, (160, -160) the 40 degrees across the date line.")
    return west, east


def check_latitudes(latitudes: Any) -> tuple[float, float]:
    """The southern and the northern edge (degrees)."""
    south, north = _pair("latitudes", latitudes, "the southern and the northern edge in degrees")
    if not -90.0 <= south < north <= 90.0:
        raise ValueError(f"latitudes={latitudes} must increase within -90..90 degrees.")
    if (south == -90.0) != (north == 90.0):
        raise ValueError(f"latitudes={latitudes} reach one pole only. Give both poles, or stop short of both.")
    return south, north


def check_interfaces(interfaces: Any, nz: int) -> np.ndarray:
    """The positions of the interfaces [nz + 1] (m or Pa)."""
    values: np.ndarray = np.array(np.nan)
    with suppress(TypeError, ValueError):
        values = np.ma.filled(np.ma.asarray(interfaces, float), np.nan)
    if values.shape != (nz + 1,) or not (np.isfinite(values).all() and (np.diff(values) > 0.0).all()):
        raise ValueError(f"interfaces must be {nz + 1} increasing numbers for {nz} levels, upwards from the sea floor as heights "
                         "in m (negative below the sea surface) or downwards from the top of the atmosphere as pressures in Pa; "
                         f"given {np.asarray(interfaces).tolist()}.")
    return values


def check_pole(pole: Any) -> tuple[float, float]:
    """Where the north pole of a rotated grid is: longitude and latitude (degrees)."""
    longitude, latitude = _pair("pole", pole, "the longitude and the latitude, in degrees, of the north pole of a rotated grid")
    if not -90.0 <= latitude <= 90.0:
        raise ValueError(f"pole={pole} must be the longitude and the latitude, within -90..90 degrees, of the north pole of a "
                         "rotated grid: (longitude, latitude).")
    return longitude, latitude


def check_coriolis(values: Any, longitudes: tuple[int, ...], latitudes: tuple[int, ...]) -> np.ndarray:
    """Coriolis parameters (1/s) at corners [j, i], from what a user's function made of longitudes and latitudes of these shapes."""
    shape = np.broadcast_shapes(longitudes, latitudes)
    try:
        values = np.broadcast_to(as_array("coriolis(longitude, latitude)", values), shape)
    except ValueError:
        raise ValueError(f"coriolis(longitude, latitude) returns values of shape {np.shape(values)} for longitudes {longitudes} "
                         f"and latitudes {latitudes} (radians). Return numbers (1/s) of shape {shape}, or one.") from None
    if not np.isfinite(values).all():
        raise ValueError("coriolis(longitude, latitude) returns values that are not finite numbers. It is asked at all corners, "
                         "those beyond the edges of the grid among them.")
    return values


def check_boundary(name: str, boundary: Any) -> Boundary:
    """What bounds a direction of a plane."""
    if boundary is Boundary.POLE:
        raise ValueError("A plane has no pole: use Boundary.PERIODIC or Boundary.WALL.")
    if not isinstance(boundary, Boundary):
        raise ValueError(f"{name}={boundary!r} is no boundary. Give Boundary.PERIODIC or Boundary.WALL of dycore.tiles.")
    return boundary


def check_precision(precision: Any) -> np.dtype:
    """The type of the fields."""
    if not isinstance(precision, str) or precision not in ("float32", "float64"):
        raise ValueError(f"precision={precision!r} is neither 'float64' nor 'float32'.")
    return np.dtype(precision)
