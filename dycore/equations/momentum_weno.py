"""Momentum in vector-invariant form with an upwind vorticity flux, for flows whose enstrophy must go somewhere.

    vorticity flux of u = [ mean of q V about the face ] + (q_upwind - mean of q) V_mean,   q = (f + zeta) / J

The first term is the energy-conserving flux of dycore.equations.momentum, which balances the gradient of K and so has
no Hollingsworth instability. The second replaces what it advects by the fifth-order WENO-Z value from where
the transport V_mean across the face comes from, along the face: what differs from a fifth-order mean is a
dissipation of enstrophy at the grid scale, and friction is not needed there. After Silvestri, Wagner,
Campin, Constantinou, Hill, Souza and Ferrari (2024, J. Adv. Model. Earth Syst. 16, e2023MS004130), who also
upwind the divergence flux and the gradient of K; those stay centred here. Next to coasts the order falls:
behind a closed face stands the last value before it.

    Parameters(..., advection=momentum_weno.weno)
"""

from __future__ import annotations

from typing import Any

from dycore.equations.advection import weno5
from dycore.equations.momentum import Advection, eastward, northward, vertical_advection
from dycore.equations.operators import kinetic_energy, vorticity
from dycore.stencils import stencil, where
from dycore.terms import Vector, bound


def weno(on: Any, grid: Any, layers: Any, at: Any) -> Advection:
    """The scheme of this file; Coriolis force and advection of momentum."""
    zeta, absolute = on(corner_vorticities, grid, layers, at.u, at.v)
    flux = Vector(bound(vorticity_flux_u, grid, layers, absolute, at.v), bound(vorticity_flux_v, grid, layers, absolute, at.u))
    return Advection(zeta, flux, bound(kinetic_energy, grid, at.u, at.v), vertical_advection(grid, layers, at))


@stencil
def corner_vorticities(k, j, i, grid, column, u, v):
    """Vorticity and (f + zeta) / J at corners (1/s).

    Circulation about a pole is that of two opposite triangles, of which the grid knows one.
    """
    zeta = vorticity(k, j, i, grid, u, v)
    shared = where(grid.inverse_dx_v[j, i] > 0.0, zeta, 0.5 * zeta)
    return zeta, grid.over_open_fraction(k, j, i, grid, (grid.coriolis[j, i] + shared) * column.inverse_stretching_z[j, i])


@stencil
def corners_along_u(k, j, i, grid, absolute):
    """Vorticities (1/s) of three corners on either side of the middle of a west face, from south to north."""
    c1, d1 = absolute[k, j, i], absolute[k, j + 1, i]
    open_before, open_after = k >= grid.floor_u[j - 1, i], k >= grid.floor_u[j + 1, i]
    c2, d2 = where(open_before, absolute[k, j - 1, i], c1), where(open_after, absolute[k, j + 2, i], d1)
    c3 = where(open_before & (k >= grid.floor_u[j - 2, i]), absolute[k, j - 2, i], c2)
    d3 = where(open_after & (k >= grid.floor_u[j + 2, i]), absolute[k, j + 3, i], d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def corners_along_v(k, j, i, grid, absolute):
    """Vorticities (1/s) of three corners on either side of the middle of a south face, from west to east."""
    c1, d1 = absolute[k, j, i], absolute[k, j, i + 1]
    open_before, open_after = k >= grid.floor_v[j, i - 1], k >= grid.floor_v[j, i + 1]
    c2, d2 = where(open_before, absolute[k, j, i - 1], c1), where(open_after, absolute[k, j, i + 2], d1)
    c3 = where(open_before & (k >= grid.floor_v[j, i - 2]), absolute[k, j, i - 2], c2)
    d3 = where(open_after & (k >= grid.floor_v[j, i + 2]), absolute[k, j, i + 3], d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def vorticity_flux_u(k, j, i, grid, column, absolute, v):
    """Vorticity flux at west faces (m/s2)."""
    south, north = northward(k, j, i, grid, column, v), northward(k, j + 1, i, grid, column, v)
    transport = south + north
    c3, c2, c1, d1, d2, d3 = corners_along_u(k, j, i, grid, absolute)
    upwind = weno5(transport, c3, c2, c1, d1, d2, d3) - 0.5 * (c1 + d1)
    return 0.25 * grid.inverse_dx_u[j, i] * (c1 * south + d1 * north + upwind * transport)


@stencil
def vorticity_flux_v(k, j, i, grid, column, absolute, u):
    """Vorticity flux at south faces (m/s2)."""
    west, east = eastward(k, j, i, grid, column, u), eastward(k, j, i + 1, grid, column, u)
    transport = west + east
    c3, c2, c1, d1, d2, d3 = corners_along_v(k, j, i, grid, absolute)
    upwind = weno5(transport, c3, c2, c1, d1, d2, d3) - 0.5 * (c1 + d1)
    return -0.25 * grid.inverse_dy_v[j, i] * (c1 * west + d1 * east + upwind * transport)
