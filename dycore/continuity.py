"""Continuity: divergence of the transport, the moving boundary, the flux through the levels.

    dR/dt = -sum_k D_k,      W_{k+1} = W_k - D_k - dr_k/D dR/dt,      W = 0 on both boundaries

D_k = div(h u) in layer k and W (unit of r per s) is the flux through the lower-r face of a level, per
area, positive towards larger r.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dycore.stencils import stencil, where


@stencil
def resolved_u(k, j, i, grid, flow):
    """Velocity that carries mass through west faces: the model's own (m/s)."""
    return flow.u[k, j, i]


@stencil
def resolved_v(k, j, i, grid, flow):
    """Velocity that carries mass through south faces (m/s)."""
    return flow.v[k, j, i]


@stencil
def corrected_u(k, j, i, grid, flow):
    """u plus what its column lacks of the time-averaged barotropic transport (m/s)."""
    return where(k >= grid.floor_u[j, i], flow.u[k, j, i] + flow.correction_u[j, i], 0.0)


@stencil
def corrected_v(k, j, i, grid, flow):
    """v plus what its column lacks of the time-averaged barotropic transport (m/s)."""
    return where(k >= grid.floor_v[j, i], flow.v[k, j, i] + flow.correction_v[j, i], 0.0)


class Flow(NamedTuple):
    """What carries mass and tracers through a step."""

    velocity_u: Callable
    velocity_v: Callable
    u: Any  # [k, j, i] (m/s)
    v: Any
    correction_u: Any  # [j, i] (m/s), read by `corrected_u`
    correction_v: Any
    width_u: Any  # [j, i] (m), dycore.column
    width_v: Any


@stencil
def flux_u(k, j, i, grid, flow):
    """Transport through a west face per reference thickness (m2/s)."""
    return flow.width_u[j, i] * flow.velocity_u(k, j, i, grid, flow)


@stencil
def flux_v(k, j, i, grid, flow):
    """Transport through a south face per reference thickness (m2/s)."""
    return flow.width_v[j, i] * flow.velocity_v(k, j, i, grid, flow)


@stencil
def divergence(k, j, i, grid, flow):
    """D_k / dr_k (1/s)."""
    return grid.inverse_area[j, i] * (flux_u(k, j, i + 1, grid, flow) - flux_u(k, j, i, grid, flow)
                                      + (flux_v(k, j + 1, i, grid, flow) - flux_v(k, j, i, grid, flow)))


@stencil
def stored(k, j, i, grid, values):
    """A horizontal divergence that was computed (and filtered) before."""
    return values[k, j, i]


@stencil
def no_transport(j, i, grid, u, v):
    """A column sum starts at zero."""
    return 0.0, 0.0


@stencil
def add_mean_velocity(k, j, i, carried, grid, u, v):
    """Adds a level to the depth mean of u and v over the open part of each face (m/s)."""
    return (carried[0] + grid.dr[k] * grid.inverse_thickness_u[j, i] * u[k, j, i],
            carried[1] + grid.dr[k] * grid.inverse_thickness_v[j, i] * v[k, j, i]), ()


@stencil
def column_divergence(j, i, grid, width_u, width_v, mean_u, mean_v):
    """sum_k D_k (unit of r per s) from the depth-mean velocity."""
    return grid.inverse_area[j, i] * (
        width_u[j, i + 1] * grid.thickness_u[j, i + 1] * mean_u[j, i + 1]
        - width_u[j, i] * grid.thickness_u[j, i] * mean_u[j, i]
        + (width_v[j + 1, i] * grid.thickness_v[j + 1, i] * mean_v[j + 1, i]
           - width_v[j, i] * grid.thickness_v[j, i] * mean_v[j, i]))


@stencil
def advance_surface(j, i, time_step, surface, total):
    """R one step later."""
    return surface[j, i] - time_step * total[j, i]


@stencil
def no_flux(j, i, grid, layer_divergence, source, total):
    """W = 0 on the fixed boundary."""
    return (0.0,)


@stencil
def flux_through_levels(k, j, i, carried, grid, layer_divergence, source, total):
    """W at the lower-r face of level k; carries W to the next."""
    rise = where(k >= grid.floor[j, i], total[j, i] * grid.inverse_thickness[j, i], 0.0)
    return (carried[0] + grid.dr[k] * (rise - layer_divergence(k, j, i, grid, source)),), (carried[0],)
