"""Hydrostatic balance and the pressure force.

    d(phi) = b ds,      force = -grad(phi) + b grad(s)       along the levels

phi is pressure / density (ocean) or geopotential (atmosphere), m2/s2; b and s are those of
dycore.fluid. The same b that enters phi enters the correction b grad(s), so a fluid of one density
(ocean) or of one potential temperature (atmosphere) at rest stays at rest over any bottom.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import stencil


class Heights(NamedTuple):
    """Reference s at the lower-r face of a level and its mean in the level [k] (m, or Exner function)."""

    face: Any
    layer: Any


@stencil
def surface_phi(j, i, grid, column, heights, fluid, surface, tracers):
    """phi at the moving boundary: g eta (ocean), geopotential of the ground (atmosphere)."""
    return (fluid.surface_gravity * surface[j, i] + grid.surface_geopotential[j, i],)


@stencil
def layer_phi(k, j, i, carried, grid, column, heights, fluid, surface, tracers):
    """phi in the middle of a layer, from phi at its upper-r face, and b [k, j, i]; carries phi downwards in r."""
    b = fluid.buoyancy(k, j, i, fluid, tracers)
    scaled = b * column.scale[j, i]
    phi = carried[0] + scaled * (heights.layer[k] - heights.face[k + 1])
    return (carried[0] + scaled * (heights.face[k] - heights.face[k + 1]),), (phi, b)


@stencil
def force_u(k, j, i, grid, column, heights, phi, b):
    """Pressure force at west faces [k, j, i] (m/s2)."""
    s = (heights.layer[k] * (column.scale[j, i] - column.scale[j, i - 1])
         + (column.shift[j, i] - column.shift[j, i - 1]))
    return (0.5 * (b[k, j, i] + b[k, j, i - 1]) * s - (phi[k, j, i] - phi[k, j, i - 1])) * grid.inverse_dx_u[j, i]


@stencil
def force_v(k, j, i, grid, column, heights, phi, b):
    """Pressure force at south faces [k, j, i] (m/s2)."""
    s = (heights.layer[k] * (column.scale[j, i] - column.scale[j - 1, i])
         + (column.shift[j, i] - column.shift[j - 1, i]))
    return (0.5 * (b[k, j, i] + b[k, j - 1, i]) * s - (phi[k, j, i] - phi[k, j - 1, i])) * grid.inverse_dy_v[j, i]
