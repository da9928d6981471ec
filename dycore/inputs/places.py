"""Places of arrays with named dimensions (xarray.DataArray) on the sphere: longitudes and latitudes held against those of a grid.

Longitudes of another convention (-180 to 180 degrees on a grid from 0 to 360) are brought into the order of the grid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.inputs.named_axes import OF_UNITS, axis_of, coordinates_of, is_labelled

NEAR = 0.51  # of a spacing: a coordinate may be that of the centres where values stand on faces, and the other way round
SEAM = 1e-3  # of a spacing: what rounding may move a longitude across the western edge
DEGREES = {*OF_UNITS, "degree", "degrees", "deg"}
RADIANS = ("radian", "radians", "rad")


class Places(NamedTuple):
    """Longitudes [i] and latitudes [j] of a grid's centres or faces, its western edge and its spacings (degrees)."""

    x: np.ndarray
    y: np.ndarray
    west: float
    dx: float
    dy: float


def on_sphere(x: np.ndarray, y: np.ndarray, x_face: np.ndarray, y_face: np.ndarray) -> Places:
    """The places of values at longitudes `x` and latitudes `y` on a grid with faces [nx + 1] and [ny + 1], equally spaced."""
    return Places(x, y, float(x_face[0]), float(x_face[1] - x_face[0]), float(y_face[1] - y_face[0]))


def at_places(name: str, values: Any, places: Places | None) -> Any:
    """An array with its longitudes in the order of the grid; all else, and everything on a plane (None), as it is.

    Raises ValueError where its coordinates in degrees are more than half a spacing away from those of the grid.
    """
    if places is None or not is_labelled(values):
        return values
    for dim in values.dims:
        axis = axis_of(values, dim)
        here = {"i": places.x, "j": places.y}.get(str(axis), np.zeros(1))
        there = degrees_of(values, dim)
        if there is not None and len(there) == len(here) > 1:
            values = along(name, values, dim, there, places) if axis == "i" else checked_rows(name, values, dim, there, places)
    return values


def degrees_of(array: Any, dim: Any) -> np.ndarray | None:
    """The coordinate of a dimension in degrees; None where it has none that is known to be an angle."""
    for coordinate in coordinates_of(array, dim):
        units, places = str(coordinate.attrs.get("units", "")).strip().lower(), np.asarray(coordinate)
        named = str(coordinate.attrs.get("standard_name", coordinate.name)).lower()
        if places.dtype.kind in "iuf" and np.isfinite(places).all():
            if units in RADIANS:
                return np.degrees(places.astype(float))
            if units in DEGREES or (not units and any(part in named for part in ("lon", "lat"))):
                return places.astype(float)
    return None


def along(name: str, array: Any, dim: Any, there: np.ndarray, places: Places) -> Any:
    """The array with its columns in the order of the grid's longitudes. Raises ValueError where they are others."""
    if is_near(there, places.x, places.dx):
        order = np.arange(len(there))
    elif (np.diff(there) < 0.0).all():
        return array  # westward: refused with the advice to turn it round (dycore.inputs.named_axes)
    else:
        west = places.west - SEAM * places.dx
        order = np.argsort(west + (there - west) % 360.0, kind="stable")
    if not is_near(there[order], places.x, places.dx):
        raise ValueError(elsewhere(name, dim, there, "columns", places.x, "east"))
    nearest = there[order] - 360.0 * np.round((there[order] - places.x) / 360.0)
    return array.isel({dim: order}).assign_coords({dim: (dim, nearest, {"axis": "X"})})


def checked_rows(name: str, array: Any, dim: Any, there: np.ndarray, places: Places) -> Any:
    """The array. Raises ValueError where its latitudes are not those of the grid, in either order."""
    southward = (np.diff(there) < 0.0).all()  # refused with the advice to turn it round (dycore.inputs.named_axes)
    if not (southward or (np.abs(there - places.y) <= NEAR * places.dy).all()):
        raise ValueError(elsewhere(name, dim, there, "rows", places.y, "north"))
    return array


def is_near(there: np.ndarray, here: np.ndarray, spacing: float) -> bool:
    """Whether longitudes are those of a grid, in any convention."""
    return bool((np.abs((there - here + 180.0) % 360.0 - 180.0) <= NEAR * spacing).all())


def elsewhere(name: str, dim: Any, there: np.ndarray, what: str, here: np.ndarray, direction: str) -> str:
    """The sentence about values that are at other places than those of a grid."""
    return (f"{name} has its coordinate {dim} from {there[0]:g} to {there[-1]:g} degrees {direction}, and the {what} of the grid "
            f"are from {here[0]:g} to {here[-1]:g}. Interpolate it to the grid (dycore.datasets.covering), or give its .values "
            "where the coordinate is wrong.")
