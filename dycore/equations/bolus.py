"""Advection of tracers by unresolved eddies (Gent and McWilliams 1990, J. Phys. Oceanogr. 20, 150), by the bolus flow.

    psi = kappa t S  (m2/s),      u* = -d psi_x/dz,   v* = -d psi_y/dz,   w* = d psi_x/dx + d psi_y/dy

psi stands at the lower-r edges of west and south faces, the mean over the four triads that meet there (two cells, two levels;
dycore.equations.neutral_slopes), and is zero at the floor of the face and at the surface. So the bolus flow has no divergence
and no column sum: the surface and the barotropic flow are as without it, and a constant tracer stays constant. Tracers move with
the sum of both flows by their own advection scheme, all with one flow; momentum, and `State.w`, are the resolved flow. With
centred faces it takes sum kappa t S^2 N2 dV of the potential energy -sum b z dV in a second, and adds none to any tracer's
variance. It asks for the same time steps as diffusion with kappa, and is Eulerian forward in time.
"""

from __future__ import annotations

from typing import Any

from dycore.equations.continuity import Flow
from dycore.equations.neutral_slopes import Neutral
from dycore.equations.operators import on_south_face, on_west_face
from dycore.stencils import stencil, where


@stencil
def stream_functions(k, j, i, grid, stretching, diffusivity, slopes):
    """psi_x and psi_y (m2/s) at the lower-r edges of west and south faces."""
    u, v, here, west, south = slopes.u, slopes.v, stretching[j, i], stretching[j, i - 1], stretching[j - 1, i]
    above = on_west_face(k, j, i, diffusivity) * (u.lower_first[k, j, i] * west + u.lower_second[k, j, i] * here)
    below = on_west_face(k - 1, j, i, diffusivity) * (u.upper_first[k - 1, j, i] * west + u.upper_second[k - 1, j, i] * here)
    psi_x = where(k > grid.floor_u[j, i], 0.25 * (above + below), 0.0)
    above = on_south_face(k, j, i, diffusivity) * (v.lower_first[k, j, i] * south + v.lower_second[k, j, i] * here)
    below = on_south_face(k - 1, j, i, diffusivity) * (v.upper_first[k - 1, j, i] * south + v.upper_second[k - 1, j, i] * here)
    psi_y = where(k > grid.floor_v[j, i], 0.25 * (above + below), 0.0)
    return psi_x, psi_y


@stencil
def residual_transports(k, j, i, grid, transport_u, transport_v, psi_x, psi_y):
    """Transport of the resolved and the bolus flow through west and south faces per thickness of the level (m2/s)."""
    below_surface = k + 1 < grid.top
    rise_x = where(below_surface, psi_x[k + 1, j, i], 0.0) - psi_x[k, j, i]
    rise_y = where(below_surface, psi_y[k + 1, j, i], 0.0) - psi_y[k, j, i]
    return (transport_u[k, j, i] - grid.dy_u[j, i] * grid.inverse_dr[k] * rise_x,
            transport_v[k, j, i] - grid.dx_v[j, i] * grid.inverse_dr[k] * rise_y)


@stencil
def released_about(k, j, i, grid, stretching, diffusivity, slopes):
    """Potential energy that the bolus flow releases at the four edges about the lower-r face of a cell (m5/s3)."""
    b, distance = slopes.buoyancy, 0.5 * (grid.dr[k] + grid.dr[k - 1])
    here, below = b[k, j, i], b[k - 1, j, i]
    west, south = stream_functions(k, j, i, grid, stretching, diffusivity, slopes)
    east, _ = stream_functions(k, j, i + 1, grid, stretching, diffusivity, slopes)
    _, north = stream_functions(k, j + 1, i, grid, stretching, diffusivity, slopes)
    along_x = (grid.dy_u[j, i] * west * (here - b[k, j, i - 1] + (below - b[k - 1, j, i - 1]))
               + grid.dy_u[j, i + 1] * east * (b[k, j, i + 1] - here + (b[k - 1, j, i + 1] - below)))
    along_y = (grid.dx_v[j, i] * south * (here - b[k, j - 1, i] + (below - b[k - 1, j - 1, i]))
               + grid.dx_v[j + 1, i] * north * (b[k, j + 1, i] - here + (b[k - 1, j + 1, i] - below)))
    return where(k > grid.floor[j, i], -0.5 * distance * (along_x + along_y), 0.0)


@stencil
def released(k, j, i, grid, stretching, diffusivity, slopes):
    """Potential energy that the bolus flow releases in a cell, per mass (m2/s3): a quarter of that of each edge about it.

    That is -psi db of an edge, as tracers with centred faces have it, where db is of both levels together: below zero here and
    there, where slopes are noise.
    """
    above = where(k + 1 < grid.top, released_about(k + 1, j, i, grid, stretching, diffusivity, slopes), 0.0)
    both = released_about(k, j, i, grid, stretching, diffusivity, slopes) + above
    rate = 0.25 * grid.inverse_area[j, i] * grid.inverse_dr[k] * both
    return grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, rate)


def residual_flow(on: Any, grid: Any, layers: Any, slopes: Neutral, diffusivity: Any, flow: Flow) -> Flow:
    """The flow that moves tracers: that which moves mass, and the bolus flow."""
    psi = map(on.whole, on(stream_functions, grid, layers.stretching, diffusivity, slopes))
    transport_u, transport_v = on(residual_transports, grid, flow.transport_u, flow.transport_v, *psi)
    return flow._replace(transport_u=transport_u, transport_v=transport_v)
