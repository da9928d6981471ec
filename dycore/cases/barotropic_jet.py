"""The unstable jet of Galewsky, Scott and Polvani."""

from __future__ import annotations

import numpy as np

from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION, places, spacing, water
from dycore.grid import Grid
from dycore.inputs.given import finite, not_negative
from dycore.parameters import Mixing, Parameters
from dycore.state import State, initial_state

SPEED, DEPTH = 80.0, 1.0e4  # m/s, mean depth (m)
SOUTH, NORTH = np.pi / 7.0, np.pi / 2.0 - np.pi / 7.0  # edges of the jet
BUMP, BUMP_LENGTH, BUMP_WIDTH, BUMP_LATITUDE = 120.0, 1.0 / 3.0, 1.0 / 15.0, np.pi / 4.0  # m, radians
DAMPING = 1.0e-6  # 1/s: biharmonic viscosity / spacing^4, so that waves of two cells fall to 1/e in three hours


def jet(latitude: np.ndarray) -> np.ndarray:
    """Zonal velocity (m/s) at latitude (radians): equation (2)."""
    inside = (latitude > SOUTH) & (latitude < NORTH)
    product = np.where(inside, (latitude - SOUTH) * (latitude - NORTH), -1.0)
    return np.where(inside, SPEED * np.exp(1.0 / product + 4.0 / (NORTH - SOUTH) ** 2), 0.0)


def balanced_depth(latitude: np.ndarray) -> np.ndarray:
    """Depth (m) in balance with the jet at latitude (radians, any shape), its mean over the sphere 10 km: equation (3).

    The balance is integrated across the jet by Simpson's rule; to either side the depth is level.
    """
    fine = np.linspace(SOUTH, NORTH, 20001)
    u = jet(fine)
    slope = RADIUS * u * (2.0 * ROTATION * np.sin(fine) + np.tan(fine) / RADIUS * u) / GRAVITY
    step = fine[2] - fine[0]
    nodes, drop = fine[::2], np.zeros(10001)
    drop[1:] = np.cumsum(step / 6.0 * (slope[:-2:2] + 4.0 * slope[1:-1:2] + slope[2::2]))
    # mean of the drop over the sphere: half its integral over the sine of latitude, all of it north of the jet
    mean = 0.5 * (np.trapezoid(drop * np.cos(nodes), nodes) + drop[-1] * (1.0 - np.sin(NORTH)))
    return DEPTH + mean - np.interp(latitude, nodes, drop)


def bump(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Height (m) of the bump at longitude, latitude (radians): equation (4); it stands on longitude 0."""
    away = np.minimum(longitude, 2.0 * np.pi - longitude)
    return BUMP * np.cos(latitude) * np.exp(-((away / BUMP_LENGTH) ** 2) - ((BUMP_LATITUDE - latitude) / BUMP_WIDTH) ** 2)


def barotropic_jet(cells: tuple[int, int, int] = (1, 128, 256), precision: str = "float64", time_step: float | None = None,
                   perturbation: float = 1.0, friction: float = DAMPING) -> tuple[Grid, Parameters, State]:
    """Shallow water: a mid-latitude jet that a bump in the depth makes roll up (Galewsky et al. 2004).

    Tellus A 56, 429, equations (2) to (4). `perturbation` scales the bump of 120 m; 0 gives the steady jet.
    `friction` (1/s) times the fourth power of the spacing is the biharmonic viscosity that takes up the
    enstrophy which the flow sends to the grid scale; 0 is none.
    """
    perturbation, friction = finite("perturbation", perturbation, "no unit"), not_negative("friction", friction, "1/s")
    at = places(cells)
    viscosity = friction * spacing(cells) ** 4
    grid, parameters = water(cells, precision, DEPTH, time_step,
                             friction=Mixing(viscosity, viscosity, biharmonic=True) if friction else None)
    surface = balanced_depth(at.centre[1]) + perturbation * bump(*at.centre)
    return grid, parameters, initial_state(grid, surface=surface, u=(jet(at.west[1]) + 0.0 * at.west[0])[None])
