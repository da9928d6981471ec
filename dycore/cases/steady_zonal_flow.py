"""Solid-body flow in geostrophic balance: test 2 of Williamson et al."""

from __future__ import annotations

import numpy as np

from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION, places, water
from dycore.grid import Grid
from dycore.inputs.given import finite
from dycore.parameters import Parameters
from dycore.state import State, initial_state

SPEED = 2.0 * np.pi * RADIUS / (12.0 * 86400.0)  # m/s
GEOPOTENTIAL = 2.94e4  # m2/s2


def exact_depth(longitude: np.ndarray, latitude: np.ndarray, angle: float) -> np.ndarray:
    """Depth (m) of the steady flow at longitude, latitude (radians), tilted by `angle` (degrees)."""
    alpha = np.radians(angle)
    axis = -np.cos(longitude) * np.cos(latitude) * np.sin(alpha) + np.sin(latitude) * np.cos(alpha)
    return (GEOPOTENTIAL - (RADIUS * ROTATION * SPEED + 0.5 * SPEED**2) * axis**2) / GRAVITY


def exact_velocity(longitude: np.ndarray, latitude: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Eastward and northward velocity (m/s) of the steady flow at longitude, latitude (radians)."""
    alpha = np.radians(angle)
    u = SPEED * (np.cos(latitude) * np.cos(alpha) + np.cos(longitude) * np.sin(latitude) * np.sin(alpha))
    return u, -SPEED * np.sin(longitude) * np.sin(alpha) + 0.0 * latitude


def steady_zonal_flow(cells: tuple[int, int, int] = (1, 64, 128), precision: str = "float64", angle: float = 0.0,
                      time_step: float | None = None) -> tuple[Grid, Parameters, State]:
    """Shallow water: steady geostrophic flow at any angle to the equator (Williamson et al. 1992, test 2).

    J. Comput. Phys. 102, 211, section 3.2. `angle` in degrees: 45 flows over the poles. The exact
    solution is the initial state (`exact_depth`, `exact_velocity`).
    """
    angle = finite("angle", angle, "degrees")
    alpha = np.radians(angle)

    def coriolis(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        return 2.0 * ROTATION * (-np.cos(longitude) * np.cos(latitude) * np.sin(alpha) + np.sin(latitude) * np.cos(alpha))

    at = places(cells)
    grid, parameters = water(cells, precision, GEOPOTENTIAL / GRAVITY, time_step, coriolis=coriolis, step_per_metre=9.0e-4)
    u, _ = exact_velocity(*at.west, angle)
    _, v = exact_velocity(*at.south, angle)
    return grid, parameters, initial_state(grid, surface=exact_depth(*at.centre, angle), u=u[None], v=v[None])
