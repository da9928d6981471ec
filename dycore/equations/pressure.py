"""Hydrostatic balance and the pressure force.

    d(phi) = b ds,      force = -grad(phi) + b grad(s)       along the levels

phi is pressure / density (ocean) or geopotential (atmosphere), m2/s2; b and s are those of
dycore.fluid. The same b that enters phi enters the correction b grad(s), so a fluid of one density
(ocean) or of one potential temperature (atmosphere) at rest stays at rest over any bottom. If the fluid has a state of
rest, b(s) and phi(s) with d(phi) = b ds (dycore.fluid.Rest), all of this is done with what departs from it, and
air that is stratified as that state stays at rest too; without, b and phi are whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import stencil
from dycore.terms import Vector, bound


class Heights(NamedTuple):
    """Reference s at the lower-r face of a level and its mean in the level [k] (m, or Exner function)."""

    face: Any
    layer: Any


@stencil
def surface_phi(j, i, grid, column, heights, fluid, surface, tracers):
    """phi at the moving boundary: g eta (ocean), geopotential of the ground (atmosphere); less that of the state of rest."""
    s = heights.face[grid.top] * column.scale[j, i] + column.shift[j, i]
    return (fluid.rest.phi(fluid.rest, s, fluid.surface_gravity * surface[j, i] + grid.surface_geopotential[j, i]),)


@stencil
def layer_phi(k, j, i, carried, grid, column, heights, fluid, surface, tracers):
    """phi (m2/s2) at centres from that at the upper-r face, and b at centres [k, j, i]; carries phi downwards in r."""
    s = heights.layer[k] * column.scale[j, i] + column.shift[j, i]
    b = fluid.rest.buoyancy(fluid.rest, s, fluid.buoyancy(k, j, i, fluid, s, tracers))
    scaled = b * column.scale[j, i]
    phi = carried[0] + scaled * (heights.layer[k] - heights.face[k + 1])
    return (carried[0] + scaled * (heights.face[k] - heights.face[k + 1]),), (phi, b)


class Slopes(NamedTuple):
    """Half the slope of s along a level is s_reference(k) * tilt + lift, at west and south faces [j, i] (per m)."""

    tilt_u: Any
    lift_u: Any
    tilt_v: Any
    lift_v: Any


@stencil
def slopes(j, i, grid, column):
    """Values of `Slopes` at [j, i], in its units."""
    along_x, along_y = 0.5 * grid.inverse_dx_u[j, i], 0.5 * grid.inverse_dy_v[j, i]
    return (along_x * (column.scale[j, i] - column.scale[j, i - 1]), along_x * (column.shift[j, i] - column.shift[j, i - 1]),
            along_y * (column.scale[j, i] - column.scale[j - 1, i]), along_y * (column.shift[j, i] - column.shift[j - 1, i]))


@stencil
def slope_force_u(k, j, i, slope, heights, b):
    """b grad(s) at west faces [k, j, i] (m/s2)."""
    return (b[k, j, i] + b[k, j, i - 1]) * (heights.layer[k] * slope.tilt_u[j, i] + slope.lift_u[j, i])


@stencil
def slope_force_v(k, j, i, slope, heights, b):
    """b grad(s) at south faces [k, j, i] (m/s2)."""
    return (b[k, j, i] + b[k, j - 1, i]) * (heights.layer[k] * slope.tilt_v[j, i] + slope.lift_v[j, i])


def hydrostatic_balance(on: Any, equations: Any, layers: Any, now: Any) -> tuple:
    """phi in the middle of layers (m2/s2) and b [k, j, i]."""
    _, (phi, b) = on.downward(layer_phi, surface_phi, equations.grid, layers, equations.heights, equations.parameters.fluid,
                              now.surface, equations.buoyant(now.tracers))
    return phi, b


def slope_force(on: Any, equations: Any, layers: Any, b: Any) -> Vector:
    """b grad(s) on faces (m/s2)."""
    slope, heights = Slopes(*on(slopes, equations.grid, layers)), equations.heights
    return Vector(bound(slope_force_u, slope, heights, b), bound(slope_force_v, slope, heights, b))


@stencil
def energies(k, j, i, extrapolated, external, surface, phi, kinetic_energy):
    """Energies at centres (m2/s2) whose gradients are taken: kinetic energy with the extrapolated part of phi; the rest of phi."""
    slow = extrapolated * (phi[k, j, i] - external * surface[j, i])
    return kinetic_energy[k, j, i] + slow, phi[k, j, i] - slow


def bernoulli(on: Any, equations: Any, kinetic_energy: Any, phi: Any, surface: Any) -> tuple:
    """Kinetic energy with the fraction of phi that the stepper extrapolates, and the rest of phi [k, j, i] (m2/s2).

    With barotropic substeps their part of phi, g' R, is left out of that fraction: extrapolated, it would grow.
    """
    external = 0.0 if equations.barotropic is None else equations.barotropic.gravity
    return on(energies, equations.extrapolated_pressure, external, surface, phi, kinetic_energy)
