"""Continuity: divergence of the transport, the moving boundary, the flux through the levels.

    dR/dt = -sum_k D_k,      W_{k+1} = W_k - D_k - dr_k/D dR/dt,      W = 0 on both boundaries

D_k = div(h u) in layer k and W (unit of r per s) is the flux through the lower-r face of a level, per
area, positive towards larger r. Of a partial cell dr_k is the part that it takes of its level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import stencil, where


class Flow(NamedTuple):
    """What carries mass and tracers through a step: transport per reference thickness, and the widths it passes."""

    transport_u: Any  # through west faces [k, j, i] (m2/s)
    transport_v: Any  # through south faces
    width_u: Any  # [j, i] (m), dycore.column
    width_v: Any


@stencil
def transports(k, j, i, grid, width_u, width_v, u, v):
    """Transport of the velocity through west and south faces per thickness of the level (m2/s)."""
    return (grid.part(k, j, i, grid.floor_u, grid.fraction_u, width_u[j, i] * u[k, j, i]),
            grid.part(k, j, i, grid.floor_v, grid.fraction_v, width_v[j, i] * v[k, j, i]))


@stencil
def divergence(k, j, i, grid, flow):
    """D_k / dr_k (1/s)."""
    return grid.inverse_area[j, i] * (flow.transport_u[k, j, i + 1] - flow.transport_u[k, j, i]
                                      + (flow.transport_v[k, j + 1, i] - flow.transport_v[k, j, i]))


@stencil
def stored(k, j, i, grid, values):
    """A horizontal divergence that was computed (and filtered) before."""
    return values[k, j, i]


@stencil
def column_divergence(j, i, grid, width_u, width_v, sum_u, sum_v):
    """sum_k D_k (unit of r per s) from the column sums of velocity times thickness."""
    return grid.inverse_area[j, i] * (width_u[j, i + 1] * sum_u[j, i + 1] - width_u[j, i] * sum_u[j, i]
                                      + (width_v[j + 1, i] * sum_v[j + 1, i] - width_v[j, i] * sum_v[j, i]))


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
    rise = where(k >= grid.floor[j, i],
                 grid.part(k, j, i, grid.floor, grid.fraction, total[j, i] * grid.inverse_thickness[j, i]), 0.0)
    return (carried[0] + grid.dr[k] * (rise - layer_divergence(k, j, i, grid, source)),), (carried[0],)
