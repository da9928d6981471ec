"""Maps of fields whose longitudes and latitudes have two dimensions: cells as quadrilaterals that stand alone.

Every cell keeps its own four corners, so that it may cross the edge of a map, where it is drawn in two parts, or lie at a seam
or fold of a grid. A cell that holds a pole of the Earth has no place on a map of longitude by latitude and is left out there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.geometry.geographic import unit_vectors
from dycore.geometry.sphere import triangle

VERTICES = ("_vertex_0", "_vertex_1", "_vertex_2", "_vertex_3")  # endings of coordinates beside those of centres
POLAR = 1e-6  # cosine of a latitude at which a longitude means nothing


def is_geographic(coordinate: Any) -> bool:
    """Whether a coordinate has longitudes or latitudes on two dimensions."""
    return coordinate.ndim == 2 and coordinate.attrs.get("standard_name") in ("longitude", "latitude")


def geographic_of(field: Any) -> dict[str, Any]:
    """The 2-D longitude and latitude of a field, by these names; none where it has none on its own two dimensions."""
    return {data.attrs["standard_name"]: data for name, data in field.coords.items()
            if is_geographic(data) and not name.endswith(VERTICES)}


def curved_cells(longitude: np.ndarray, latitude: np.ndarray, values: Any, projection: Callable | None, cut: bool,
                 middle: float) -> tuple[Any, Any, Any]:
    """x and y of corners of cells for pcolormesh, and their values, those between the cells and the hidden ones masked.

    `longitude`, `latitude`: corners [4, j, i]; `values`: [j, i], masked; `projection` as in dycore.plotting.map_projections;
    `cut`: whether the map ends 180 degrees from its middle (degrees), so that cells there are cut in two.
    """
    if cut:
        longitude, latitude, values = within(longitude - middle, latitude, values)
    else:
        longitude = longitude - middle
    if projection is None:
        return single(longitude + middle), single(latitude), interleaved(values)
    x, y, seen = projection(np.radians(longitude), np.radians(latitude))
    return single(x), single(y), interleaved(np.ma.masked_where(~seen.any(axis=0) | np.ma.getmaskarray(values), values))


def corners(field: Any, dims: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes (degrees) of the four corners of cells, counterclockwise [4, j, i].

    Those that a dataset gives; else in the middle of four neighbouring points. Raises ValueError for a single row or column of
    points without given corners.
    """
    places = geographic_of(field)
    centres = [places[name].transpose(*dims) for name in ("longitude", "latitude")]
    if all(f"{data.name}{VERTICES[0]}" in field.coords for data in centres):
        given = [np.stack([field[f"{data.name}{end}"].transpose(*dims).values for end in VERTICES]) for data in centres]
        return given[0], given[1]
    points = unit_vectors(*(data.values for data in centres))
    if min(points.shape[1:]) < 2:
        raise ValueError("a map of what stands on faces needs at least two rows and two columns of them.")
    for axis in (1, 2):  # one more beyond each end, as far away as the last two are from each other
        first, second, before, last = (points.take([n], axis) for n in (0, 1, -2, -1))
        points = np.concatenate([2.0 * first - second, points, 2.0 * last - before], axis)
    x, y, z = points[:, 1:, 1:] + points[:, 1:, :-1] + points[:, :-1, 1:] + points[:, :-1, :-1]
    longitude, latitude = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    return around(longitude), around(latitude)


def areas(field: Any, dims: tuple[str, str]) -> Any:
    """Areas of cells on the unit sphere (xarray.DataArray), between great circles. `dims`: (y, x) of the field."""
    from xarray import DataArray

    a, b, c, d = np.moveaxis(unit_vectors(*corners(field, dims)), 1, 0)
    return DataArray(triangle(a, b, c) + triangle(a, c, d), dims=dims)


def around(values: np.ndarray) -> np.ndarray:
    """The four corners of cells, counterclockwise [4, j, i], from corners [j + 1, i + 1]."""
    return np.stack([values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]])


def within(longitude: np.ndarray, latitude: np.ndarray, values: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """Corners [4, j, i] within 180 degrees of 0, the parts of cells on the other side beside them; cells with a pole masked."""
    x, y, _ = unit_vectors(longitude, latitude).mean(axis=1)
    centre = np.degrees(np.arctan2(y, x))
    offset = (longitude - centre + 180.0) % 360.0 - 180.0
    offset = np.where(np.cos(np.radians(latitude)) < POLAR, 0.0, offset)
    steps = (np.roll(longitude, -1, axis=0) - longitude + 180.0) % 360.0 - 180.0
    holds_pole = (np.abs(steps.sum(axis=0)) > 180.0) & ~(np.cos(np.radians(latitude)) < POLAR).any(axis=0)
    values, longitude = np.ma.masked_where(holds_pole | np.ma.getmaskarray(values), values), centre + offset
    crosses = np.abs(longitude).max(axis=0) > 180.0
    if crosses.any():
        other = np.ma.masked_where(~crosses | np.ma.getmaskarray(values), values)
        longitude = np.concatenate([longitude, longitude - 360.0 * np.sign(centre)], axis=2)
        latitude, values = np.concatenate([latitude, latitude], axis=2), np.ma.concatenate([values, other], axis=1)
    return np.clip(longitude, -180.0, 180.0), latitude, values


def single(corners: np.ndarray) -> np.ndarray:
    """A coordinate of corners [4, j, i] as pcolormesh takes it, with two rows and two columns for each cell [2 j, 2 i]."""
    doubled = np.empty((2 * corners.shape[1], 2 * corners.shape[2]))
    doubled[::2, ::2], doubled[::2, 1::2], doubled[1::2, 1::2], doubled[1::2, ::2] = corners
    return doubled


def interleaved(values: Any) -> Any:
    """Values of cells with masked ones between them [2 j - 1, 2 i - 1]."""
    doubled = np.ma.masked_array(np.zeros((2 * values.shape[0] - 1, 2 * values.shape[1] - 1), values.dtype), mask=True)
    doubled[::2, ::2] = values
    return doubled
