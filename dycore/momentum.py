"""Momentum in vector-invariant form, conserving energy.

    du/dt = (f + zeta) v - d(K)/dx - w du/dr + pressure force + friction

with the vorticity flux of Sadourny (1975, J. Atmos. Sci. 32, 680; energy-conserving form): the flux
through a face and the gradient of K average over the same faces, so the pair does no work and has no
Hollingsworth instability.
"""

from __future__ import annotations

from dycore.operators import vorticity
from dycore.stencils import stencil, where


@stencil
def turning(k, j, i, grid, column, u, v):
    """About corners: vorticity (1/s), and (f + zeta) / J times the transport v and u (m2/s2), summed over two faces.

    (f + zeta) / J is potential vorticity times the reference thickness.
    """
    zeta = vorticity(k, j, i, grid, u, v)
    absolute = grid.over_corner(k, j, i, grid, (grid.coriolis[j, i] + zeta) * column.inverse_stretching_z[j, i])
    northward = (grid.part(k, j, i, grid.floor_v, grid.fraction_v, column.width_v[j, i] * v[k, j, i])
                 + grid.part(k, j, i - 1, grid.floor_v, grid.fraction_v, column.width_v[j, i - 1] * v[k, j, i - 1]))
    eastward = (grid.part(k, j, i, grid.floor_u, grid.fraction_u, column.width_u[j, i] * u[k, j, i])
                + grid.part(k, j - 1, i, grid.floor_u, grid.fraction_u, column.width_u[j - 1, i] * u[k, j - 1, i]))
    return zeta, absolute * northward, absolute * eastward


@stencil
def energy_conserving_u(k, j, i, grid, motion):
    """Vorticity flux at west faces (m/s2)."""
    return 0.25 * grid.inverse_dx_u[j, i] * (motion.turning_u[k, j, i] + motion.turning_u[k, j + 1, i])


@stencil
def energy_conserving_v(k, j, i, grid, motion):
    """Vorticity flux at south faces (m/s2)."""
    return -0.25 * grid.inverse_dy_v[j, i] * (motion.turning_v[k, j, i] + motion.turning_v[k, j, i + 1])


@stencil
def vertical_advection_u(k, j, i, grid, column, u, w):
    """-w du/dr at west faces (m/s2)."""
    above = (w[k + 1, j, i] + w[k + 1, j, i - 1]) * (u[k + 1, j, i] - u[k, j, i])
    below = (w[k, j, i] + w[k, j, i - 1]) * (u[k, j, i] - u[k - 1, j, i])
    below = where(k > grid.floor_u[j, i], below, 0.0)
    return grid.part(k, j, i, grid.floor_u, grid.inverse_fraction_u,
                     -0.25 * grid.inverse_dr[k] * column.inverse_stretching_u[j, i] * (above + below))


@stencil
def vertical_advection_v(k, j, i, grid, column, v, w):
    """-w dv/dr at south faces (m/s2)."""
    above = (w[k + 1, j, i] + w[k + 1, j - 1, i]) * (v[k + 1, j, i] - v[k, j, i])
    below = (w[k, j, i] + w[k, j - 1, i]) * (v[k, j, i] - v[k - 1, j, i])
    below = where(k > grid.floor_v[j, i], below, 0.0)
    return grid.part(k, j, i, grid.floor_v, grid.inverse_fraction_v,
                     -0.25 * grid.inverse_dr[k] * column.inverse_stretching_v[j, i] * (above + below))


@stencil
def advection_u(k, j, i, grid, column, motion, u, v, w):
    """Coriolis force and advection of u at west faces (m/s2)."""
    gradient = motion.kinetic_energy[k, j, i] - motion.kinetic_energy[k, j, i - 1]
    return (energy_conserving_u(k, j, i, grid, motion) - gradient * grid.inverse_dx_u[j, i]
            + vertical_advection_u(k, j, i, grid, column, u, w))


@stencil
def advection_v(k, j, i, grid, column, motion, u, v, w):
    """Coriolis force and advection of v at south faces (m/s2)."""
    gradient = motion.kinetic_energy[k, j, i] - motion.kinetic_energy[k, j - 1, i]
    return (energy_conserving_v(k, j, i, grid, motion) - gradient * grid.inverse_dy_v[j, i]
            + vertical_advection_v(k, j, i, grid, column, v, w))
