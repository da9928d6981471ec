"""Diffusion of tracers along the levels, harmonic or biharmonic (minus the harmonic one applied twice).

    diffusion = div(kappa h grad c) / h
"""

from __future__ import annotations

from dycore.stencils import stencil, where


@stencil
def no_diffusion(k, j, i, grid, source):
    """No diffusive flux."""
    return 0.0


@stencil
def diffusion_x(k, j, i, grid, source):
    """Diffusive flux through a west face per reference thickness (m2/s times the unit of the tracer)."""
    step = source.diffused[k, j, i] - source.diffused[k, j, i - 1]
    step = where(k >= grid.floor_u[j, i], step, 0.0)
    return grid.part(k, j, i, grid.floor_u, grid.fraction_u,
                     -source.diffusivity * source.flow.width_u[j, i] * grid.inverse_dx_u[j, i] * step)


@stencil
def diffusion_y(k, j, i, grid, source):
    """Diffusive flux through a south face per reference thickness (m2/s times the unit of the tracer)."""
    step = source.diffused[k, j, i] - source.diffused[k, j - 1, i]
    step = where(k >= grid.floor_v[j, i], step, 0.0)
    return grid.part(k, j, i, grid.floor_v, grid.fraction_v,
                     -source.diffusivity * source.flow.width_v[j, i] * grid.inverse_dy_v[j, i] * step)


@stencil
def open_step_x(k, j, i, grid, tracer):
    """Difference of a tracer across a west face, times the fraction that is open."""
    step = grid.part(k, j, i, grid.floor_u, grid.fraction_u, tracer[k, j, i] - tracer[k, j, i - 1])
    return where(k >= grid.floor_u[j, i], step, 0.0)


@stencil
def open_step_y(k, j, i, grid, tracer):
    """Difference of a tracer across a south face, times the fraction that is open."""
    step = grid.part(k, j, i, grid.floor_v, grid.fraction_v, tracer[k, j, i] - tracer[k, j - 1, i])
    return where(k >= grid.floor_v[j, i], step, 0.0)


@stencil
def laplacian(k, j, i, grid, tracer):
    """div grad of a tracer (its unit per m2), no flux through coasts: the first pass of biharmonic diffusion."""
    east = open_step_x(k, j, i + 1, grid, tracer)
    west = open_step_x(k, j, i, grid, tracer)
    north = open_step_y(k, j + 1, i, grid, tracer)
    south = open_step_y(k, j, i, grid, tracer)
    return grid.part(k, j, i, grid.floor, grid.inverse_fraction, grid.inverse_area[j, i]) * (
        grid.dy_u[j, i + 1] * grid.inverse_dx_u[j, i + 1] * east - grid.dy_u[j, i] * grid.inverse_dx_u[j, i] * west
        + (grid.dx_v[j + 1, i] * grid.inverse_dy_v[j + 1, i] * north - grid.dx_v[j, i] * grid.inverse_dy_v[j, i] * south))
