"""Momentum in vector-invariant form, conserving energy.

    du/dt = (f + zeta) v - d(K)/dx - w du/dr + pressure force + friction

with the vorticity flux of Sadourny (1975, J. Atmos. Sci. 32, 680; energy-conserving form): the flux
through a face and the gradient of K average over the same faces, so the pair does no work and has no
Hollingsworth instability.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.equations.operators import kinetic_energy, vorticity
from dycore.stencils import stencil, where
from dycore.terms import Term, Vector, bound


class Advection(NamedTuple):
    """Coriolis force and advection of momentum by a scheme, as dycore.equations.hydrostatic takes them."""

    vorticity: Any  # stored at corners (1/s), which friction reads too
    vorticity_flux: Vector  # (f + zeta) times the velocity across, on faces (m/s2)
    kinetic_energy: Term  # at centres (m2/s2); its gradient is taken
    vertical: Vector  # -w du/dr on faces (m/s2)


def advection(on: Any, equations: Any, layers: Any, at: Any) -> Advection:
    """Coriolis force and advection by the scheme of the parameters. Raises TypeError where that returns something else."""
    advected = equations.parameters.advection(on, equations.grid, layers, at)
    if not isinstance(advected, Advection):
        raise TypeError(f"The result of advection={equations.parameters.advection.__name__} is a {type(advected).__name__}. Let it "
                        "return a dycore.equations.momentum.Advection.")
    return advected


def energy_conserving(on: Any, grid: Any, layers: Any, at: Any) -> Advection:
    """Sadourny's scheme, which conserves energy: `Parameters(advection=energy_conserving)`, the default."""
    zeta, corner_flux_u, corner_flux_v = on(corner_fluxes, grid, layers, at.u, at.v)
    flux = Vector(bound(energy_conserving_u, grid, corner_flux_u), bound(energy_conserving_v, grid, corner_flux_v))
    return Advection(zeta, flux, bound(kinetic_energy, grid, at.u, at.v), vertical_advection(grid, layers, at))


def linear(on: Any, grid: Any, layers: Any, at: Any) -> Advection:
    """The Coriolis force alone, on whole cells: no advection of momentum."""
    flux = Vector(bound(coriolis_u, grid, at.v), bound(coriolis_v, grid, at.u))
    return Advection(on(vorticity, grid, at.u, at.v), flux, Term(), Vector())


def vertical_advection(grid: Any, layers: Any, at: Any) -> Vector:
    """-w du/dr and -w dv/dr on faces (m/s2)."""
    return Vector(bound(vertical_advection_u, grid, layers, at.u, at.w), bound(vertical_advection_v, grid, layers, at.v, at.w))


@stencil
def northward(k, j, i, grid, column, v):
    """Transport through the two south faces that meet at a corner, per thickness of the level (m2/s)."""
    return (grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, column.width_v[j, i] * v[k, j, i])
            + grid.open_fraction_of(k, j, i - 1, grid.floor_v, grid.fraction_v, column.width_v[j, i - 1] * v[k, j, i - 1]))


@stencil
def eastward(k, j, i, grid, column, u):
    """Transport through the two west faces that meet at a corner, per thickness of the level (m2/s)."""
    return (grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, column.width_u[j, i] * u[k, j, i])
            + grid.open_fraction_of(k, j - 1, i, grid.floor_u, grid.fraction_u, column.width_u[j - 1, i] * u[k, j - 1, i]))


@stencil
def corner_fluxes(k, j, i, grid, column, u, v):
    """Vorticity at corners (1/s), and (f + zeta) / J there times the transport v and u (m2/s2), summed over two faces.

    (f + zeta) / J is potential vorticity times the reference thickness.
    """
    zeta = vorticity(k, j, i, grid, u, v)
    absolute = grid.over_open_fraction(k, j, i, grid, (grid.coriolis[j, i] + zeta) * column.inverse_stretching_z[j, i])
    return zeta, absolute * northward(k, j, i, grid, column, v), absolute * eastward(k, j, i, grid, column, u)


@stencil
def energy_conserving_u(k, j, i, grid, corner_flux_u):
    """Vorticity flux at west faces (m/s2), from that part of `corner_fluxes`."""
    return 0.25 * grid.inverse_dx_u[j, i] * (corner_flux_u[k, j, i] + corner_flux_u[k, j + 1, i])


@stencil
def energy_conserving_v(k, j, i, grid, corner_flux_v):
    """Vorticity flux at south faces (m/s2), from that part of `corner_fluxes`."""
    return -0.25 * grid.inverse_dy_v[j, i] * (corner_flux_v[k, j, i] + corner_flux_v[k, j, i + 1])


@stencil
def vertical_advection_u(k, j, i, grid, column, u, w):
    """-w du/dr at west faces (m/s2)."""
    above = (w[k + 1, j, i] + w[k + 1, j, i - 1]) * (u[k + 1, j, i] - u[k, j, i])
    below = (w[k, j, i] + w[k, j, i - 1]) * (u[k, j, i] - u[k - 1, j, i])
    below = where(k > grid.floor_u[j, i], below, 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u,
                                 -0.25 * grid.inverse_dr[k] * column.inverse_stretching_u[j, i] * (above + below))


@stencil
def vertical_advection_v(k, j, i, grid, column, v, w):
    """-w dv/dr at south faces (m/s2)."""
    above = (w[k + 1, j, i] + w[k + 1, j - 1, i]) * (v[k + 1, j, i] - v[k, j, i])
    below = (w[k, j, i] + w[k, j - 1, i]) * (v[k, j, i] - v[k - 1, j, i])
    below = where(k > grid.floor_v[j, i], below, 0.0)
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v,
                                 -0.25 * grid.inverse_dr[k] * column.inverse_stretching_v[j, i] * (above + below))


@stencil
def coriolis_u(k, j, i, grid, v):
    """Coriolis force at west faces of whole cells (m/s2); Sadourny (1975), energy-conserving form."""
    northward = (grid.coriolis[j, i] * (grid.dx_v[j, i] * v[k, j, i] + grid.dx_v[j, i - 1] * v[k, j, i - 1])
                 + grid.coriolis[j + 1, i] * (grid.dx_v[j + 1, i] * v[k, j + 1, i] + grid.dx_v[j + 1, i - 1] * v[k, j + 1, i - 1]))
    return 0.25 * grid.inverse_dx_u[j, i] * northward


@stencil
def coriolis_v(k, j, i, grid, u):
    """Coriolis force at south faces of whole cells (m/s2)."""
    eastward = (grid.coriolis[j, i] * (grid.dy_u[j, i] * u[k, j, i] + grid.dy_u[j - 1, i] * u[k, j - 1, i])
                + grid.coriolis[j, i + 1] * (grid.dy_u[j, i + 1] * u[k, j, i + 1] + grid.dy_u[j - 1, i + 1] * u[k, j - 1, i + 1]))
    return -0.25 * grid.inverse_dy_v[j, i] * eastward
