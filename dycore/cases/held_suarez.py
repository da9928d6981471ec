"""The dry climate of Held and Suarez."""

from __future__ import annotations

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.fluid import Atmosphere
from dycore.geometry.coordinates import check_cells
from dycore.grid import EARTH_RADIUS, Grid, latitude_longitude
from dycore.inputs.given import not_negative
from dycore.parameters import Mixing, Parameters
from dycore.physics.held_suarez import held_suarez as forcing
from dycore.state import State, initial_state
from dycore.vertical import uniform

FIRST_TEMPERATURE = 280.0  # K
FRICTION = 1.0e-6  # 1/s: biharmonic viscosity / spacing^4


def held_suarez(cells: tuple[int, int, int] = (20, 64, 128), precision: str = "float64", time_step: float | None = None,
                dissipation: float = 1.0) -> tuple[Grid, Parameters, State]:
    """Atmosphere: turbulent climate of a dry sphere with idealised heating and drag (Held and Suarez 1994).

    Bull. Amer. Meteor. Soc. 75, 1825. nz levels of equal pressure thickness, biharmonic friction of
    1e-6 / s times the fourth power of the spacing (twice that on divergence) times `dissipation`; the
    two-spacing wave at the equator, and that of two rows at any latitude, then decays in
    17 / dissipation hours. Starts at rest with 280 K everywhere
    and noise of 0.1 K; takes some 200 days to forget that. The noise is a formula of the cell, sin((i + sqrt(2) j)^2),
    which holds all zonal wavenumbers alike: the Fortran reference begins with the same.
    """
    nz, ny, nx = cells = check_cells(cells)
    dissipation = not_negative("dissipation", dissipation, "no unit")
    fluid = Atmosphere()
    interfaces = uniform(nz, 0.0, fluid.reference_pressure)
    grid = latitude_longitude(cells, interfaces=interfaces, precision=precision)
    spacing = EARTH_RADIUS * min(2.0 * np.pi / nx, np.pi / ny)
    parameters = Parameters(
        fluid=fluid, time_step=9.0e-4 * spacing, tracer_names=("potential_temperature",),
        friction=friction_of(spacing, dissipation), forcing=(forcing(grid, fluid),))
    _, exner = fluid.reference_s(interfaces)
    noise = 0.1 * np.sin((np.arange(nx) + 2.0**0.5 * np.arange(ny)[:, None]) ** 2)
    theta = (FIRST_TEMPERATURE + noise) / exner[:, None, None]
    state = initial_state(grid, surface=fluid.reference_pressure, tracers=(theta,))
    return grid, with_time_step(grid, parameters, time_step), state


def friction_of(spacing: float, dissipation: float) -> Mixing:
    """Biharmonic friction of the case for the least spacing (m) of a grid, times `dissipation`."""
    viscosity = dissipation * FRICTION * spacing**4
    return Mixing(divergence=2.0 * viscosity, vorticity=viscosity, biharmonic=True)
