"""Geographic coordinates of points on a sphere: longitude, latitude, and how a grid lies there.

A grid whose rows and columns are no parallels and meridians keeps them on its supergrid, the points at half its spacing
[2 ny + 1, 2 nx + 1], as MOM6 does: centres at [1::2, 1::2], corners at [::2, ::2], west faces at [1::2, ::2], south faces at
[::2, 1::2]. A rotated grid is one of longitudes and latitudes about another pole; its conventions are those of CF's grid mapping
rotated_latitude_longitude with north_pole_grid_longitude = 0: the pole (180, 90) turns nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Geographic(NamedTuple):
    """Degrees east, degrees north, and the angle of the grid's i direction, counterclockwise from east (degrees)."""

    longitude: np.ndarray
    latitude: np.ndarray
    angle: np.ndarray

    def at(self, rows: slice, columns: slice) -> Geographic:
        """Coordinates of some rows and columns of the points."""
        return Geographic(*(field[rows, columns] for field in self))


def unrotated(longitude: np.ndarray, latitude: np.ndarray) -> Geographic:
    """Geographic coordinates of points at longitudes [1, i] and latitudes [j, 1] (degrees) of the Earth, on [j, i]."""
    longitude, latitude = np.broadcast_arrays(longitude, latitude)
    return Geographic(longitude, latitude, np.zeros(longitude.shape))


def rotated(longitude: np.ndarray, latitude: np.ndarray, pole: tuple[float, float]) -> Geographic:
    """Geographic coordinates of points at longitudes [1, i] and latitudes [j, 1] (degrees) about another pole, on [j, i].

    `pole` is where that pole is (longitude, latitude, in degrees); at grid longitude 0 lies the meridian that leads on to the
    North Pole of the Earth. Latitudes beyond 90 degrees are those of the opposite meridian. Longitudes are from -180 to 180.
    """
    x, y, tilt = np.radians(longitude), np.radians(latitude), np.radians(pole[1])
    east, north = -np.cos(y) * np.sin(x), np.cos(tilt) * np.sin(y) - np.sin(tilt) * np.cos(y) * np.cos(x)
    up = np.sin(tilt) * np.sin(y) + np.cos(tilt) * np.cos(y) * np.cos(x)
    turned = np.degrees(np.arctan2(east, north)) + pole[0]
    angle = np.arctan2(-np.sin(x) * np.cos(tilt), np.sin(tilt) * np.cos(y) - np.cos(tilt) * np.sin(y) * np.cos(x))
    return Geographic((turned + 180.0) % 360.0 - 180.0, np.degrees(np.arctan2(up, np.hypot(east, north))), np.degrees(angle))


def at_half_spacing(centres: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces and the centres between them in turn [2 n + 1]."""
    points = np.empty(2 * len(centres) + 1)
    points[::2], points[1::2] = faces, centres
    return points


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Unit vectors [3, j, i] from the centre of the Earth to points (degrees); they know no seam of longitudes."""
    x, y = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y) + 0.0 * x])


def mean_longitude(longitudes: np.ndarray) -> float:
    """The longitude (degrees) about which others lie, from -180 to 180."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(longitudes)).mean())))
