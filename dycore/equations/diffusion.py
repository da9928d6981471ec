"""Diffusion of tracers along the levels, harmonic or biharmonic (minus the harmonic one applied twice).

    diffusion = div(kappa h grad c) / h
"""

from __future__ import annotations

from typing import Any

from dycore.equations.operators import on_south_face, on_west_face
from dycore.stencils import stencil, where
from dycore.terms import Vector, bound


def flux(on: Any, equations: Any, layers_width: tuple, tracer: Any) -> Vector:
    """Diffusive flux of a tracer through faces, per reference thickness (m2/s times its unit); zero without a diffusivity.

    layers_width: face lengths times stretching (m), at west and south faces (dycore.equations.column).
    """
    grid, parameters = equations.grid, equations.parameters
    if parameters.diffusivity is None:
        return Vector()
    width_u, width_v = layers_width
    diffused, sign = (on(laplacian, grid, tracer), -1.0) if parameters.biharmonic_diffusion else (tracer, 1.0)
    return sign * Vector(bound(diffusion_x, grid, width_u, parameters.diffusivity, diffused),
                         bound(diffusion_y, grid, width_v, parameters.diffusivity, diffused))


@stencil
def diffusion_x(k, j, i, grid, width_u, diffusivity, tracer):
    """Diffusive flux through a west face per reference thickness (m2/s times the unit of the tracer)."""
    step = tracer[k, j, i] - tracer[k, j, i - 1]
    step = where(k >= grid.floor_u[j, i], step, 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u,
                                 -on_west_face(k, j, i, diffusivity) * width_u[j, i] * grid.inverse_dx_u[j, i] * step)


@stencil
def diffusion_y(k, j, i, grid, width_v, diffusivity, tracer):
    """Diffusive flux through a south face per reference thickness (m2/s times the unit of the tracer)."""
    step = tracer[k, j, i] - tracer[k, j - 1, i]
    step = where(k >= grid.floor_v[j, i], step, 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v,
                                 -on_south_face(k, j, i, diffusivity) * width_v[j, i] * grid.inverse_dy_v[j, i] * step)


@stencil
def open_step_x(k, j, i, grid, tracer):
    """Difference of a tracer (its unit) across a west face, times the fraction that is open."""
    step = grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, tracer[k, j, i] - tracer[k, j, i - 1])
    return where(k >= grid.floor_u[j, i], step, 0.0)


@stencil
def open_step_y(k, j, i, grid, tracer):
    """Difference of a tracer (its unit) across a south face, times the fraction that is open."""
    step = grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, tracer[k, j, i] - tracer[k, j - 1, i])
    return where(k >= grid.floor_v[j, i], step, 0.0)


@stencil
def laplacian(k, j, i, grid, tracer):
    """Laplacian of a tracer at centres (its unit per m2), no flux through coasts: the first pass of biharmonic diffusion."""
    east = open_step_x(k, j, i + 1, grid, tracer)
    west = open_step_x(k, j, i, grid, tracer)
    north = open_step_y(k, j + 1, i, grid, tracer)
    south = open_step_y(k, j, i, grid, tracer)
    return grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, grid.inverse_area[j, i]) * (
        grid.dy_u[j, i + 1] * grid.inverse_dx_u[j, i + 1] * east - grid.dy_u[j, i] * grid.inverse_dx_u[j, i] * west
        + (grid.dx_v[j + 1, i] * grid.inverse_dy_v[j + 1, i] * north - grid.dx_v[j, i] * grid.inverse_dy_v[j, i] * south))
