"""A re-entrant channel with a ridge."""

from __future__ import annotations

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.fluid import Ocean
from dycore.geometry.coordinates import check_cells
from dycore.grid import Grid, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import State, initial_state
from dycore.vertical import stretched

LENGTH, WIDTH, DEPTH = 4.0e6, 2.0e6, 4000.0  # m
RIDGE_HEIGHT, RIDGE_WIDTH = 1500.0, 3.0e5  # m
CORIOLIS, BETA = -1.1e-4, 1.4e-11  # 1/s, 1/(m s)
WIND_STRESS = 0.15  # N/m2


def baroclinic_channel(cells: tuple[int, int, int] = (20, 64, 128), precision: str = "float64",
                       time_step: float | None = None) -> tuple[Grid, Parameters, State]:
    """Ocean: wind-driven re-entrant beta-plane channel with a meridional ridge on the sea floor.

    An idealised Antarctic Circumpolar Current after Abernathey, Marshall and Ferreira (2011, J. Phys.
    Oceanogr. 41, 2261) and Munday, Johnson and Marshall (2015, Ocean Modelling 85, 1): 4000 x 2000 km,
    4000 m deep, a ridge of 1500 m across the middle, zonal stress 0.15 sin^2(pi y / L) N/m2, temperature
    from 0.5 to 12 degrees C falling exponentially with depth, salinity 34 to 35 g/kg, linear equation of
    state, harmonic friction and diffusion that scale with the spacing. Starts at rest with a front and
    a small perturbation; what follows is its geostrophic adjustment and instability.
    """
    nz, ny, nx = cells = check_cells(cells)
    interfaces = stretched(nz, DEPTH) if nz > 1 else np.array([-DEPTH, 0.0])
    x, y = (np.arange(nx) + 0.5) * LENGTH / nx, (np.arange(ny) + 0.5) * WIDTH / ny
    ridge = RIDGE_HEIGHT * np.exp(-(((x - 0.5 * LENGTH) / RIDGE_WIDTH) ** 2))
    grid = rectilinear(cells, extent=(LENGTH, WIDTH), interfaces=interfaces, coriolis=CORIOLIS, beta=BETA,
                       bottom=np.broadcast_to(-DEPTH + ridge, (ny, nx)), precision=precision)

    spacing = min(LENGTH / nx, WIDTH / ny)
    stress = WIND_STRESS * np.sin(np.pi * y / WIDTH) ** 2
    parameters = Parameters(
        fluid=Ocean(), time_step=min(0.04 * spacing, 1800.0), substeps=24,
        tracer_names=("temperature", "salinity"),
        friction=Mixing(divergence=0.01 * spacing, vorticity=0.01 * spacing), diffusivity=0.001 * spacing,
        surface_stress=(np.broadcast_to(stress[:, None], (ny, nx)), 0.0))

    centre = 0.5 * (interfaces[1:] + interfaces[:-1])
    decay = np.exp(centre / 1000.0)[:, None, None]
    front = 0.5 * (1.0 + np.tanh((y - 0.5 * WIDTH) / 3.0e5))[None, :, None]
    ripple = 0.05 * np.sin(2.0 * np.pi * 6.0 * x / LENGTH) * np.sin(np.pi * y / WIDTH)[:, None] ** 2
    temperature = 0.5 + (2.5 + 9.0 * front + ripple) * decay
    salinity = 35.0 - 1.0 * decay * (1.0 - 0.5 * front) + 0.0 * temperature
    return grid, with_time_step(grid, parameters, time_step), initial_state(grid, surface=0.0, tracers=(temperature, salinity))
