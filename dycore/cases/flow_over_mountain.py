"""Zonal flow over an isolated mountain: test 5 of Williamson et al."""

from __future__ import annotations

import numpy as np

from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION, places, water
from dycore.grid import Grid
from dycore.inputs.given import finite
from dycore.parameters import Parameters
from dycore.state import State, initial_state

SPEED, DEPTH = 20.0, 5960.0  # m/s, m
HEIGHT, WIDTH = 2000.0, np.pi / 9.0  # m, radians
LONGITUDE, LATITUDE = 1.5 * np.pi, np.pi / 6.0  # of the summit


def mountain(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Height (m) of the cone at longitude, latitude (radians)."""
    distance = np.sqrt((longitude - LONGITUDE) ** 2 + (latitude - LATITUDE) ** 2)
    return HEIGHT * (1.0 - np.minimum(WIDTH, distance) / WIDTH)


def balanced_surface(latitude: np.ndarray, speed: float = SPEED) -> np.ndarray:
    """Surface height (m) in balance with solid-body flow of `speed` (m/s) at the equator, at latitude (radians)."""
    return DEPTH - (RADIUS * ROTATION * speed + 0.5 * speed**2) * np.sin(latitude) ** 2 / GRAVITY


def flow_over_mountain(cells: tuple[int, int, int] = (1, 64, 128), precision: str = "float64",
                       time_step: float | None = None, speed: float = SPEED) -> tuple[Grid, Parameters, State]:
    """Shallow water: zonal flow that meets a mountain and makes a train of waves (Williamson et al. 1992, test 5).

    J. Comput. Phys. 102, 211, section 3.5: the balanced flow of test 2 with 20 m/s and a mean depth of
    5960 m, and a cone of 2000 m at 30 degrees north that was not there when it was balanced. A `speed` (m/s)
    of 0 is a lake at rest.
    """
    at, speed = places(cells), finite("speed", speed, "m/s")
    grid, parameters = water(cells, precision, DEPTH, time_step, bottom=mountain(*at.centre), step_per_metre=1.2e-3)
    u = speed * np.cos(at.west[1]) + 0.0 * at.west[0]
    return grid, parameters, initial_state(grid, surface=balanced_surface(at.centre[1], speed) + 0.0 * at.centre[0], u=u[None])
