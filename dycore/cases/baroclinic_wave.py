"""The baroclinic wave of Jablonowski and Williamson."""

from __future__ import annotations

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.fluid import Atmosphere
from dycore.geometry.coordinates import check_cells
from dycore.grid import EARTH_RADIUS, EARTH_ROTATION, Grid, latitude_longitude
from dycore.inputs.given import finite
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.vertical import uniform

GRAVITY, GAS_CONSTANT = 9.80616, 287.0  # m/s2, J/(kg K)
JET, SURFACE_TEMPERATURE, LAPSE_RATE, STRATOSPHERE = 35.0, 288.0, 0.005, 4.8e5  # m/s, K, K/m, K
LEVEL_JET, LEVEL_TROPOPAUSE = 0.252, 0.2


def _shapes(latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two functions of latitude of equations (6) and (7)."""
    sine, cosine = np.sin(latitude), np.cos(latitude)
    return (-2.0 * sine**6 * (cosine**2 + 1.0 / 3.0) + 10.0 / 63.0,
            8.0 / 5.0 * cosine**3 * (sine**2 + 2.0 / 3.0) - np.pi / 4.0)


def _bump(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """The shape of the perturbation, equation (10), at longitudes and latitudes (radians): 1 at 20 E, 40 N."""
    centre_longitude, centre_latitude = np.pi / 9.0, 2.0 * np.pi / 9.0
    distance = np.arccos(np.clip(np.sin(centre_latitude) * np.sin(latitude) + np.cos(centre_latitude) * np.cos(latitude)
                                 * np.cos(longitude - centre_longitude), -1.0, 1.0))
    return np.exp(-((10.0 * distance) ** 2))


def baroclinic_wave(cells: tuple[int, int, int] = (26, 64, 128), precision: str = "float64",
                    time_step: float | None = None, perturbation: float = 1.0) -> tuple[Grid, Parameters, State]:
    """Atmosphere: growth of a baroclinic wave on a balanced jet (Jablonowski and Williamson 2006).

    Q. J. R. Meteorol. Soc. 132, 2943: equations (2) to (7) for the balanced state, (10) for the zonal
    wind perturbation of `perturbation` m/s; 0 gives the steady state. nz levels of equal pressure
    thickness up to zero pressure, a full latitude-longitude sphere, no dissipation.
    """
    nz, ny, nx = cells = check_cells(cells)
    perturbation = finite("perturbation", perturbation, "m/s")
    fluid = Atmosphere(gravity=GRAVITY, heat_capacity=GAS_CONSTANT * 3.5)
    interfaces = uniform(nz, 0.0, fluid.reference_pressure)
    grid = latitude_longitude(cells, interfaces=interfaces, precision=precision)
    latitude = np.radians(grid.y)[None, :, None]
    _, exner = fluid.reference_s(interfaces)
    eta = (exner ** (1.0 / fluid.kappa))[:, None, None]
    eta_v = 0.5 * np.pi * (eta - LEVEL_JET)

    first, second = _shapes(latitude)
    mean = SURFACE_TEMPERATURE * eta ** (GAS_CONSTANT * LAPSE_RATE / GRAVITY)
    mean = mean + np.where(eta < LEVEL_TROPOPAUSE, STRATOSPHERE * np.maximum(LEVEL_TROPOPAUSE - eta, 0.0) ** 5, 0.0)
    cosine = np.maximum(np.cos(eta_v), 0.0)
    temperature = mean + 0.75 * eta * np.pi * JET / GAS_CONSTANT * np.sin(eta_v) * cosine**0.5 * (
        2.0 * JET * cosine**1.5 * first + EARTH_RADIUS * EARTH_ROTATION * second)
    theta = temperature / exner[:, None, None]

    factor = JET * np.cos(0.5 * np.pi * (1.0 - LEVEL_JET)) ** 1.5
    geopotential = factor * (factor * first + EARTH_RADIUS * EARTH_ROTATION * second)
    grid = grid.with_surface_geopotential(np.broadcast_to(geopotential[0], cells[1:]))

    longitude = np.radians(grid.x_face[:-1])[None, None, :]
    u = JET * cosine**1.5 * np.sin(2.0 * latitude) ** 2 + perturbation * _bump(longitude, latitude)

    spacing = EARTH_RADIUS * min(2.0 * np.pi / nx, np.pi / ny)
    parameters = Parameters(
        fluid=fluid, time_step=9.0e-4 * spacing,
        tracer_names=("potential_temperature",))
    state = initial_state(grid, surface=fluid.reference_pressure, u=np.broadcast_to(u, cells),
                          tracers=(np.broadcast_to(theta, cells),))
    return grid, with_time_step(grid, parameters, time_step), state
