"""What several processes need to know of the velocity: vorticity, kinetic energy, divergence along the levels."""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import stencil, where


@stencil
def vorticity(k, j, i, grid, u, v):
    """Relative vorticity about the corner [k, j, i] (1/s); zero at coasts (free slip)."""
    circulation = (grid.dy_v[j, i] * v[k, j, i] - grid.dy_v[j, i - 1] * v[k, j, i - 1]
                   - grid.dx_u[j, i] * u[k, j, i] + grid.dx_u[j - 1, i] * u[k, j - 1, i])
    return where(k >= grid.floor_z[j, i], circulation * grid.inverse_area_z[j, i], 0.0)


@stencil
def velocity_divergence(k, j, i, grid, u, v):
    """div u of a level (1/s)."""
    return grid.inverse_area[j, i] * (grid.dy_u[j, i + 1] * u[k, j, i + 1] - grid.dy_u[j, i] * u[k, j, i]
                                      + (grid.dx_v[j + 1, i] * v[k, j + 1, i] - grid.dx_v[j, i] * v[k, j, i]))


@stencil
def kinetic_energy(k, j, i, grid, u, v):
    """Kinetic energy of a cell (m2/s2), face averages weighted as in the vorticity flux."""
    return 0.25 * grid.inverse_area[j, i] * (
        grid.area_u[j, i] * (u[k, j, i] * u[k, j, i]) + grid.area_u[j, i + 1] * (u[k, j, i + 1] * u[k, j, i + 1])
        + grid.area_v[j, i] * (v[k, j, i] * v[k, j, i]) + grid.area_v[j + 1, i] * (v[k, j + 1, i] * v[k, j + 1, i]))


class Motion(NamedTuple):
    """Fields that follow from the velocity [k, j, i], stored because several points read each of their values."""

    vorticity: Any  # at corners (1/s)
    turning_u: Any  # at corners (m2/s2): what the vorticity flux of u is made of, dycore.equations.momentum
    turning_v: Any
    kinetic_energy: Any  # at centres (m2/s2)
