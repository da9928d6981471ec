"""Eddying channels: one flow at any spacing, so that a coarse run can be held against a fine one.

A re-entrant channel of 1280 x 640 km with walls in the north and the south, 1500 m deep, whose temperature is relaxed to a front
and whose lowest level is slowed by linear drag. The deformation radius is about 30 km: cells of 10 km resolve the eddies, cells of
40 km barely hold them. Surface waves are slow (`SURFACE_GRAVITY`), so that few barotropic substeps are needed.
"""

from __future__ import annotations

from math import ceil, inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.geometry.coordinates import check_cells
from dycore.grid import Grid, rectilinear
from dycore.inputs.given import check_number, positive
from dycore.parameters import Mixing, Parameters
from dycore.physics.held_suarez import drag_u, drag_v
from dycore.state import State, initial_state
from dycore.stencils import stencil
from dycore.tracers import reads
from dycore.vertical import stretched

LENGTH, WIDTH, DEPTH = 1.28e6, 6.4e5, 1500.0  # m
CORIOLIS, BETA = -0.7e-4, 1.5e-11  # 1/s, 1/(m s)
SURFACE_GRAVITY = 1.0  # m/s2
STRATIFICATION, FRONT = 16.0, 8.0  # K: from the floor to the surface, and across the channel at the surface
DECAY, HALF_WIDTH = 700.0, 1.2e5  # m: of temperature with depth, of the front
RELAXATION, DRAG = 20.0 * 86400.0, 15.0 * 86400.0  # s
STEP, RESOLVED = 2700.0, 2.0e4  # s, of cells of so many metres and more
FRICTION = 1.0e-2  # m/s: biharmonic coefficient over the cube of the spacing


class Drivers(NamedTuple):
    """Values of the forcing of the channel."""

    drag: Any  # [k] (1/s)
    rate: float  # 1/s
    target: Any  # temperature [k, j, i] (degree C)


@stencil
@reads("temperature")
def temperature_alone(k, j, i, fluid, s, tracers):
    """g alpha (T - T0): buoyancy (m/s2) of temperature (degree C)."""
    return fluid.gravity * fluid.thermal_expansion * (tracers[0][k, j, i] - fluid.reference_temperature)


@stencil
def relaxation(k, j, i, grid, column, values, now):
    """Rate of temperature at centres towards its target (K/s)."""
    return -values.rate * (now.tracers[0][k, j, i] - values.target[k, j, i])


def eddying_channel(cells: tuple[int, int, int] = (3, 16, 32), time_step: float | None = None, friction: float = 1.0,
                    precision: str = "float64") -> tuple[Grid, Parameters, State]:
    """(grid, parameters, state) of the channel, at rest with its front and a small ripple.

    time_step (s): None for 2700 s, below 20 km in proportion to the spacing. friction: factor of the biharmonic friction. Raises
    ValueError for numbers that make no sense.
    """
    check_number("friction", friction, "a factor that is not negative", lambda factor: 0.0 <= factor < inf)
    nz, ny, nx = cells = check_cells(cells)
    spacing = min(LENGTH / nx, WIDTH / ny)
    time_step = STEP * min(1.0, spacing / RESOLVED) if time_step is None else positive("time_step", time_step, "s")
    interfaces = stretched(nz, DEPTH)
    grid = rectilinear(cells, extent=(LENGTH, WIDTH), interfaces=interfaces, coriolis=CORIOLIS, beta=BETA, precision=precision)
    x, y = grid.x / LENGTH, (grid.y - 0.5 * WIDTH) / HALF_WIDTH
    decay = np.exp(0.5 * (interfaces[1:] + interfaces[:-1]) / DECAY)[:, None, None]
    target = decay * (STRATIFICATION + 0.5 * FRONT * np.tanh(y)[:, None]) + np.zeros(cells)
    viscosity = friction * FRICTION * spacing**3
    substeps = max(5, ceil(3.0 * time_step * sqrt(SURFACE_GRAVITY * DEPTH) / spacing))
    drag = np.zeros(nz)
    drag[0] = 1.0 / DRAG
    parameters = Parameters(
        fluid=Ocean(buoyancy=temperature_alone, surface_gravity=SURFACE_GRAVITY), time_step=time_step, substeps=substeps,
        tracer_names=("temperature",), friction=Mixing(viscosity, viscosity, biharmonic=True),
        forcing=(Forcing(drag_u, drag_v, (relaxation,), Drivers(drag, 1.0 / RELAXATION, target)),))
    ripple = 0.2 * decay * np.sin(2.0 * np.pi * 5.0 * x + 3.0 * np.sin(4.0 * np.pi * x)) * np.exp(-(y**2))[:, None]
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(target + ripple,))
