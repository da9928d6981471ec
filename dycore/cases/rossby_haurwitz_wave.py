"""A Rossby-Haurwitz wave: test 6 of Williamson et al."""

from __future__ import annotations

import numpy as np

from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION, places, water
from dycore.grid import Grid
from dycore.parameters import Parameters
from dycore.state import State, initial_state

WAVENUMBER, RATE, DEPTH = 4, 7.848e-6, 8000.0  # R; omega = K (1/s); depth at the poles (m)
LARGEST_DEPTH = 10600.0  # m, at the equator: the reference, on which the speed of waves depends


def angular_speed() -> float:
    """Eastward speed of the pattern (radians/s) in a nondivergent flow, where it keeps its shape."""
    r = WAVENUMBER
    return (r * (3.0 + r) * RATE - 2.0 * ROTATION) / ((1.0 + r) * (2.0 + r))


def velocity(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eastward and northward velocity (m/s) of the wave at longitude, latitude (radians)."""
    r, cosine, sine = WAVENUMBER, np.cos(latitude), np.sin(latitude)
    u = RADIUS * RATE * (cosine + cosine ** (r - 1) * (r * sine**2 - cosine**2) * np.cos(r * longitude))
    return u, -RADIUS * RATE * r * cosine ** (r - 1) * sine * np.sin(r * longitude)


def balanced_depth(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Depth (m) in balance with the wave where its velocity has no divergence, at longitude, latitude (radians)."""
    r, square = WAVENUMBER, np.cos(latitude) ** 2
    steady = 0.5 * RATE * (2.0 * ROTATION + RATE) * square + 0.25 * RATE**2 * square ** (r - 1) * (
        (r + 1) * square**2 + (2 * r**2 - r - 2) * square - 2.0 * r**2)
    once = 2.0 * (ROTATION + RATE) * RATE / ((r + 1) * (r + 2)) * np.cos(latitude) ** r * (
        (r**2 + 2 * r + 2) - (r + 1) ** 2 * square)
    twice = 0.25 * RATE**2 * square**r * ((r + 1) * square - (r + 2))
    return DEPTH + RADIUS**2 / GRAVITY * (steady + once * np.cos(r * longitude) + twice * np.cos(2 * r * longitude))


def rossby_haurwitz_wave(cells: tuple[int, int, int] = (1, 64, 128), precision: str = "float64",
                         time_step: float | None = None) -> tuple[Grid, Parameters, State]:
    """Shallow water: a wave of zonal wavenumber 4 that travels east (Williamson et al. 1992, test 6).

    J. Comput. Phys. 102, 211, section 3.6. The depth balances the nondivergent wave at the start. The wave is
    unstable: errors, even of round-off, break it after two weeks or so (Thuburn and Li 2000, Tellus A 52, 181).
    """
    at = places(cells)
    grid, parameters = water(cells, precision, LARGEST_DEPTH, time_step)
    u, _ = velocity(*at.west)
    _, v = velocity(*at.south)
    return grid, parameters, initial_state(grid, surface=balanced_depth(*at.centre), u=u[None], v=v[None])
