"""Momentum in vector-invariant form, conserving energy.

    du/dt = (f + zeta) v - d(K)/dx - w du/dr + pressure force + friction

with the vorticity flux of Sadourny (1975, J. Atmos. Sci. 32, 680; energy-conserving form): the flux
through a face and the gradient of K average over the same faces, so the pair does no work and has no
Hollingsworth instability.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dycore.equations.operators import Motion, kinetic_energy, vorticity
from dycore.stencils import stencil, where


class Preparation(NamedTuple):
    """What the stencils of a scheme read of a velocity: the record of vorticity, more about corners, and kinetic energy.

    `corners` (k, j, i, grid, column, u, v) makes all but the last.
    """

    record: Callable
    corners: Callable


def prepared(preparation: Preparation) -> Callable:
    """Decorator: a stencil for `Parameters.advection` that reads the record of a preparation as its `motion`."""

    def mark(function: Any) -> Callable:
        function.preparation = preparation
        return function

    return mark


@stencil
def northward(k, j, i, grid, column, v):
    """Transport through the two south faces that meet at a corner, per thickness of the level (m2/s)."""
    return (grid.part(k, j, i, grid.floor_v, grid.fraction_v, column.width_v[j, i] * v[k, j, i])
            + grid.part(k, j, i - 1, grid.floor_v, grid.fraction_v, column.width_v[j, i - 1] * v[k, j, i - 1]))


@stencil
def eastward(k, j, i, grid, column, u):
    """Transport through the two west faces that meet at a corner, per thickness of the level (m2/s)."""
    return (grid.part(k, j, i, grid.floor_u, grid.fraction_u, column.width_u[j, i] * u[k, j, i])
            + grid.part(k, j - 1, i, grid.floor_u, grid.fraction_u, column.width_u[j - 1, i] * u[k, j - 1, i]))


@stencil
def turning(k, j, i, grid, column, u, v):
    """About corners: vorticity (1/s), and (f + zeta) / J times the transport v and u (m2/s2), summed over two faces.

    (f + zeta) / J is potential vorticity times the reference thickness.
    """
    zeta = vorticity(k, j, i, grid, u, v)
    absolute = grid.over_corner(k, j, i, grid, (grid.coriolis[j, i] + zeta) * column.inverse_stretching_z[j, i])
    return zeta, absolute * northward(k, j, i, grid, column, v), absolute * eastward(k, j, i, grid, column, u)


ENERGY_CONSERVING = Preparation(Motion, turning)


def preparation_of(advection: tuple[Callable, Callable]) -> Preparation:
    """That of a pair of stencils; what is not marked reads `Motion`. Raises ValueError where two do not go together."""
    of_u, of_v = (getattr(function, "preparation", ENERGY_CONSERVING) for function in advection)
    if of_u != of_v:
        raise ValueError(f"advection={advection[0].__name__}, {advection[1].__name__} are not of one scheme: they read "
                         "different fields. Give the two functions of the same scheme.")
    return of_u


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


@stencil
def coriolis_u(k, j, i, grid, column, motion, u, v, w):
    """Coriolis force alone at west faces (m/s2), on whole cells; what `motion` holds besides kinetic energy stays."""
    northward = (grid.coriolis[j, i] * (grid.dx_v[j, i] * v[k, j, i] + grid.dx_v[j, i - 1] * v[k, j, i - 1])
                 + grid.coriolis[j + 1, i] * (grid.dx_v[j + 1, i] * v[k, j + 1, i] + grid.dx_v[j + 1, i - 1] * v[k, j + 1, i - 1]))
    east = motion.kinetic_energy[k, j, i] - kinetic_energy(k, j, i, grid, u, v)
    west = motion.kinetic_energy[k, j, i - 1] - kinetic_energy(k, j, i - 1, grid, u, v)
    return grid.inverse_dx_u[j, i] * (0.25 * northward - (east - west))


@stencil
def coriolis_v(k, j, i, grid, column, motion, u, v, w):
    """Coriolis force alone at south faces (m/s2), on whole cells; what `motion` holds besides kinetic energy stays."""
    eastward = (grid.coriolis[j, i] * (grid.dy_u[j, i] * u[k, j, i] + grid.dy_u[j - 1, i] * u[k, j - 1, i])
                + grid.coriolis[j, i + 1] * (grid.dy_u[j, i + 1] * u[k, j, i + 1] + grid.dy_u[j - 1, i + 1] * u[k, j - 1, i + 1]))
    north = motion.kinetic_energy[k, j, i] - kinetic_energy(k, j, i, grid, u, v)
    south = motion.kinetic_energy[k, j - 1, i] - kinetic_energy(k, j - 1, i, grid, u, v)
    return grid.inverse_dy_v[j, i] * (-0.25 * eastward - (north - south))


@stencil
def energies(k, j, i, grid, share, external, surface, phi, u, v):
    """What gradients act on (m2/s2): kinetic energy with the extrapolated share of phi, and the rest of phi."""
    slow = share * (phi[k, j, i] - external * surface[j, i])
    return kinetic_energy(k, j, i, grid, u, v) + slow, phi[k, j, i] - slow


def motion(on: Any, equations: Any, layers: Any, phi: Any, now: Any) -> tuple[Any, Any]:
    """What the stencils of the scheme read of a velocity, its kinetic energy with the extrapolated share of phi; the rest of phi.

    With barotropic substeps their part of phi, g' R, is left out of that share: extrapolated, it would grow.
    """
    grid, barotropic = equations.grid, equations.barotropic
    record, corners = preparation_of(equations.parameters.advection)
    external = 0.0 if barotropic is None else barotropic.gravity
    energy, potential = on(energies, grid, equations.pressure_share, external, now.surface, phi, now.u, now.v)
    return record(*on(corners, grid, layers, now.u, now.v), energy), potential
