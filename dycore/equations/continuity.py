"""Continuity: divergence of the transport, the moving boundary, the flux through the levels.

    dR/dt = -sum_k D_k,      W_{k+1} = W_k - D_k - dr_k/D dR/dt,      W = 0 on both boundaries

D_k = div(h u) in layer k and W (unit of r per s) is the flux through the lower-r face of a level, per
area, positive towards larger r. Of a partial cell dr_k is the part that it takes of its level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.equations.velocity import column_sums, no_column_sums
from dycore.stencils import stencil, where
from dycore.terms import Term, bound
from dycore.tiles import Place


class Flow(NamedTuple):
    """Transport of mass and tracers through a step: that per reference thickness, and the widths it passes."""

    transport_u: Any  # through west faces [k, j, i] (m2/s)
    transport_v: Any  # through south faces
    width_u: Any  # [j, i] (m), dycore.equations.column
    width_v: Any


@stencil
def transports(k, j, i, grid, width_u, width_v, u, v):
    """Transport of the velocity through west and south faces per thickness of the level (m2/s)."""
    return (grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, width_u[j, i] * u[k, j, i]),
            grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, width_v[j, i] * v[k, j, i]))


@stencil
def divergence(k, j, i, grid, flux_u, flux_v):
    """Divergence at centres of a flux per reference thickness: D_k / dr_k of a transport (1/s), of a tracer times its unit."""
    return grid.inverse_area[j, i] * (flux_u[k, j, i + 1] - flux_u[k, j, i] + (flux_v[k, j + 1, i] - flux_v[k, j, i]))


@stencil
def column_divergence(j, i, grid, width_u, width_v, sum_u, sum_v):
    """sum_k D_k (unit of r per s) from the column sums of velocity times thickness."""
    return grid.inverse_area[j, i] * (width_u[j, i + 1] * sum_u[j, i + 1] - width_u[j, i] * sum_u[j, i]
                                      + (width_v[j + 1, i] * sum_v[j + 1, i] - width_v[j, i] * sum_v[j, i]))


@stencil
def advance_surface(j, i, time_step, surface, total):
    """Moving boundary R at centres [j, i] (unit of r) one step later."""
    return surface[j, i] - time_step * total[j, i]


@stencil
def no_flux(j, i, grid, layer_divergence, total):
    """W on the fixed boundary (unit of r per s): zero."""
    return (0.0,)


@stencil
def flux_through_levels(k, j, i, carried, grid, layer_divergence, total):
    """W at the lower-r face of level k (unit of r per s); carries W to the next."""
    rise = where(k >= grid.floor[j, i],
                 grid.open_fraction_of(k, j, i, grid.floor, grid.fraction, total[j, i] * grid.inverse_thickness[j, i]), 0.0)
    return (carried[0] + grid.dr[k] * (rise - layer_divergence[k, j, i]),), (carried[0],)


def through_levels(on: Any, grid: Any, layer_divergence: Any, total: Any) -> Any:
    """W at lower-r faces (unit of r per s) from the divergence of layers and of a column; zero above, as tracers read it."""
    _, (w,) = on.upward(flux_through_levels, no_flux, grid, layer_divergence, total)
    return on.whole(w)


def diagnosed_flux(on: Any, equations: Any, layers: Any, now: Any) -> tuple[tuple, Any]:
    """Column sums of a velocity, and the W that belongs to it: a stage has no other, mass and tracers went with a mean one."""
    grid, widths = equations.grid, (layers.width_u, layers.width_v)
    sums, _ = on.upward(column_sums, no_column_sums, grid, now.u, now.v)
    through = on(transports, grid, *widths, now.u, now.v)
    total = on(column_divergence, grid, *widths, *sums)
    total, of_mass = filtered_divergences(on, equations, total, bound(divergence, grid, *through))
    _, (w,) = on.upward(flux_through_levels, no_flux, grid, of_mass, total)
    return sums, on.exchange((Place.LOWER_FACE, w))[0] if equations.filtered else on.whole(w)


def filtered_divergences(on: Any, equations: Any, total: Any, *divergences: Term) -> tuple:
    """The divergence of a column, and of mass and tracers in a layer; stored and filtered near poles, else as they are."""
    if not equations.filtered:
        return total, *divergences
    stored = (on.store(divergence) for divergence in divergences)
    return on.filtered(*((field, equations.response_u) for field in (total, *stored)))
