"""CF metadata of grids whose longitudes and latitudes have two dimensions: auxiliary coordinates, cell corners, grid mapping.

Fields at centres, west faces, south faces and corners have coordinates of their own (`longitude`, `longitude_west_face` and so
on), and `angle` turns what is along the grid (dycore.directions). Readers such as CDO, cartopy and xESMF know these conventions
(CF 1.11, sections 5.2, 5.6 and 7.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dycore.datasets import SAME_PLACE, on_places
from dycore.geometry.geographic import unit_vectors
from dycore.grid import Grid
from dycore.tiles import Place

VELOCITY = ("x_velocity", "y_velocity")  # along the grid's i and j
STANDARD_VELOCITY = {False: ("sea_water_x_velocity", "sea_water_y_velocity"), True: ("x_wind", "y_wind")}  # of an ocean, of air
MAPPING = "rotated_pole"
VERTEX = "vertex"
ENDINGS = {(False, False): "", (False, True): "_west_face", (True, False): "_south_face", (True, True): "_corner"}
UNITS = {"longitude": "degrees_east", "latitude": "degrees_north"}


def names() -> set[str]:
    """Names of all that is written here."""
    found = {f"{name}{ending}" for name in UNITS for ending in (*ENDINGS.values(), "_vertices")}
    return {*found, *VELOCITY, MAPPING, VERTEX, "angle"}


def coordinates(grid: Grid, x: str, y: str) -> dict[str, tuple]:
    """(dimensions, values, attributes) of 2-D longitudes and latitudes, the four corners of cells, the angle and the mapping.

    `x`, `y`: names of the dimensions. Corners are counterclockwise from the south-west one, as the grid has it.
    """
    corners = grid.corners
    found: dict[str, tuple] = {}
    for (south, west), ending in ENDINGS.items():
        dims = f"{y}_face" if south else y, f"{x}_face" if west else x
        there = corners.at(slice(-1), slice(-1)) if south and west else grid.geographic(
            Place.SOUTH_FACE if south else Place.WEST_FACE if west else Place.CENTER)
        for name, units in UNITS.items():
            found[f"{name}{ending}"] = dims, getattr(there, name), {
                "standard_name": name, "long_name": f"{name}{ending}".replace("_", " "), "units": units}
    for name in UNITS:
        values = getattr(corners, name)
        found[name][2]["bounds"] = f"{name}_vertices"
        found[f"{name}_vertices"] = (y, x, VERTEX), np.stack(
            [values[:-1, :-1], values[:-1, 1:], values[1:, 1:], values[1:, :-1]], axis=-1), {}
    found["angle"] = (y, x), grid.angle, {
        "standard_name": "angle_of_rotation_from_east_to_x", "units": "degree",
        "long_name": "angle of the x direction of the grid, counterclockwise from east"}
    if grid.north_pole is not None:
        found[MAPPING] = (), np.int32(0), {
            "grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_longitude": grid.north_pole[0],
            "grid_north_pole_latitude": grid.north_pole[1], "north_pole_grid_longitude": 0.0}
    return found


def of_field(grid: Grid, dims: tuple[str, ...], x: str, y: str) -> dict[str, str]:
    """The attributes of a field with these dimensions that say where it is."""
    ending = ENDINGS[f"{y}_face" in dims, f"{x}_face" in dims]
    mapping = {} if grid.north_pole is None else {"grid_mapping": MAPPING}
    return {"coordinates": f"longitude{ending} latitude{ending}", **mapping}


def check_places(grid: Grid, dataset: Any, places: Mapping[str, tuple[np.ndarray, Mapping[str, Any]]]) -> None:
    """Raise ValueError where 2-D longitudes and latitudes of a dataset (xarray.Dataset) are not those of the cells of a grid.

    `places`: the dimensions of a plane, as on_places takes them. A dataset without 2-D coordinates is taken at its word.
    """
    if grid.supergrid is None or not {*UNITS} <= {*dataset.coords}:
        return
    longitude, latitude = (on_places(dataset[name], places) for name in UNITS)
    distance = np.linalg.norm(unit_vectors(longitude, latitude) - unit_vectors(grid.longitude, grid.latitude), axis=0)
    if not distance.max() <= np.radians(SAME_PLACE):
        j, i = np.unravel_index(int(np.argmax(distance)), distance.shape)
        raise ValueError(f"The dataset has cell [j={j}, i={i}] at longitude {longitude[j, i]:.6g} and latitude "
                         f"{latitude[j, i]:.6g}; that of this grid is at {grid.longitude[j, i]:.6g} and {grid.latitude[j, i]:.6g}. "
                         "Interpolate the dataset to the grid first (dycore.datasets.covering), or make the grid with the pole of "
                         "the dataset.")
