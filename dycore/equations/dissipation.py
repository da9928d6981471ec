"""Kinetic energy that friction along the levels takes from the flow, cell by cell: harmonic friction, whose sum it is.

    sum u . friction dV = -sum nu a zeta^2 A_z dr - sum nu a (div u)^2 A dr        (dycore.equations.friction)
"""

from __future__ import annotations

from typing import Any

from dycore.equations.operators import velocity_divergence, vorticity
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Term, bound


@stencil
def dissipation_about(k, j, i, grid, viscosity, u, v):
    """Kinetic energy that harmonic friction takes from the vorticity about a corner, per thickness (m4/s3); at a coast none."""
    is_open, zeta = k >= grid.floor_z[j, i], vorticity(k, j, i, grid, u, v)
    stress = grid.open_fraction_of(k, j, i, grid.floor_z, grid.fraction_z, coefficient_at(k, j, i, viscosity.corner) * zeta)
    return where(is_open, stress * zeta, 0.0) / where(is_open, grid.inverse_area_z[j, i], 1.0)


@stencil
def dissipation(k, j, i, grid, viscosity, u, v):
    """Kinetic energy that harmonic friction takes from the flow in a cell, per mass (m2/s3); a corner is shared by four."""
    about = (dissipation_about(k, j, i, grid, viscosity, u, v) + dissipation_about(k, j, i + 1, grid, viscosity, u, v)
             + (dissipation_about(k, j + 1, i, grid, viscosity, u, v) + dissipation_about(k, j + 1, i + 1, grid, viscosity, u, v)))
    of_vorticity = grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, 0.25 * grid.inverse_area[j, i] * about)
    divergence = velocity_divergence(k, j, i, grid, u, v)
    return of_vorticity + coefficient_at(k, j, i, viscosity.centre) * divergence * divergence


def dissipated(equations: Any, at: Any) -> Term:
    """Kinetic energy that harmonic friction takes from the flow of an instant, per mass (m2/s3); zero without such friction."""
    friction = equations.parameters.friction
    if friction is None or friction.biharmonic:
        return Term()
    return bound(dissipation, equations.grid, equations.viscosity, at.u, at.v)
