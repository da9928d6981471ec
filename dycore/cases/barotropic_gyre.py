"""The wind-driven gyre in a box."""

from __future__ import annotations

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.equations.momentum import energy_conserving
from dycore.equations.momentum import linear as without_advection
from dycore.fluid import Ocean, no_buoyancy
from dycore.geometry.coordinates import check_cells
from dycore.grid import Grid, rectilinear
from dycore.inputs.given import check_switch, not_negative
from dycore.parameters import Mixing, Parameters
from dycore.state import State, initial_state
from dycore.tiles import Boundary
from dycore.vertical import uniform

LENGTH, DEPTH = 1.2e6, 5000.0  # m
CORIOLIS, BETA = 1.0e-4, 1.0e-11  # 1/s at the southern wall, 1/(m s)
WIND_STRESS, DENSITY, VISCOSITY = 0.1, 1000.0, 400.0  # N/m2, kg/m3, m2/s


def barotropic_gyre(cells: tuple[int, int, int] = (1, 60, 60), precision: str = "float64", time_step: float | None = None,
                    linear: bool = False, no_slip: bool = True,
                    viscosity: float = VISCOSITY) -> tuple[Grid, Parameters, State]:
    """Ocean: wind-driven gyre of one density in a closed box on a beta plane, from rest (Munk 1950, J. Meteor. 7, 79).

    The set-up of MITgcm's tutorial_barotropic_gyre: 1200 x 1200 km, 5000 m deep, zonal stress
    -0.1 cos(pi y / L) N/m2, `viscosity` in m2/s, flow that stops at the walls. `linear` leaves out
    advection, `no_slip=False` lets the flow slip along the walls.
    """
    cells = check_cells(cells)
    if cells[0] != 1:
        raise ValueError(f"cells={cells}: the gyre has one level. Give (1, ny, nx).")
    check_switch("linear", linear)
    check_switch("no_slip", no_slip)
    viscosity = not_negative("viscosity", viscosity, "m2/s")
    grid = rectilinear(cells, extent=(LENGTH, LENGTH), interfaces=uniform(1, -DEPTH, 0.0), x_boundary=Boundary.WALL,
                       y_boundary=Boundary.WALL, coriolis=CORIOLIS + 0.5 * BETA * LENGTH, beta=BETA, precision=precision)
    stress = -WIND_STRESS * np.cos(np.pi * grid.y / LENGTH)
    spacing = LENGTH / max(cells[1:])
    parameters = Parameters(
        fluid=Ocean(buoyancy=no_buoyancy, reference_density=DENSITY),
        time_step=min(0.06 * spacing, 2400.0), substeps=40,
        advection=without_advection if linear else energy_conserving,
        friction=Mixing(divergence=viscosity, vorticity=viscosity, no_slip=no_slip),
        surface_stress=(np.broadcast_to(stress[:, None], cells[1:]), 0.0))
    return grid, with_time_step(grid, parameters, time_step), initial_state(grid, surface=0.0)
