"""Operators that several processes need: vorticity, divergence and kinetic energy of a velocity, gradients, values on faces."""

from __future__ import annotations

from typing import Any

from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Vector, bound


@stencil
def slip_vorticity(k, j, i, grid, dy_v, u, v):
    """Relative vorticity about the corner [k, j, i] (1/s), from distances `dy_v` across south faces; zero at coasts."""
    circulation = (dy_v[j, i] * v[k, j, i] - dy_v[j, i - 1] * v[k, j, i - 1]
                   - grid.dx_u[j, i] * u[k, j, i] + grid.dx_u[j - 1, i] * u[k, j - 1, i])
    return where(k >= grid.floor_z[j, i], circulation * grid.inverse_area_z[j, i], 0.0)


@stencil
def vorticity(k, j, i, grid, u, v):
    """Relative vorticity about the corner [k, j, i] (1/s); zero at coasts (free slip)."""
    return slip_vorticity(k, j, i, grid, grid.dy_v, u, v)


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


@stencil
def gradient_x(k, j, i, grid, phi):
    """d(phi)/dx of a field at centres, at west faces."""
    return (phi[k, j, i] - phi[k, j, i - 1]) * grid.inverse_dx_u[j, i]


@stencil
def gradient_y(k, j, i, grid, phi):
    """d(phi)/dy of a field at centres, at south faces."""
    return (phi[k, j, i] - phi[k, j - 1, i]) * grid.inverse_dy_v[j, i]


def gradient(grid: Any, phi: Any) -> Vector:
    """The gradient along the levels of a field at centres, on faces."""
    return Vector(bound(gradient_x, grid, phi), bound(gradient_y, grid, phi))


@stencil
def on_west_face(k, j, i, coefficient):
    """Coefficient (its unit) at centres, of any extent, as the mean of both sides of a west face."""
    return 0.5 * (coefficient_at(k, j, i, coefficient) + coefficient_at(k, j, i - 1, coefficient))


@stencil
def on_south_face(k, j, i, coefficient):
    """Coefficient (its unit) at centres, of any extent, as the mean of both sides of a south face."""
    return 0.5 * (coefficient_at(k, j, i, coefficient) + coefficient_at(k, j - 1, i, coefficient))
