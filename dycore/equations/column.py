"""The stretched column: r* (z*, sigma).

    r(k) = r_fixed + J (r_reference(k) - r_reference_fixed),   J = (R - r_fixed) / D,   h_k = J dr_k

R is the moving boundary (sea surface height in m, surface pressure in Pa), D the reference thickness of
the wet column. Layers share the column's stretching J, so all that depends on R is two-dimensional
(Adcroft and Campin 2004, Ocean Modelling 7, 269).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import stencil, where


class Column(NamedTuple):
    """Fields [j, i] that follow from the moving boundary (the stretching J has no unit)."""

    stretching: Any  # J
    width_u: Any  # face length times mean J, at west faces (m)
    width_v: Any  # at south faces
    inverse_stretching_u: Any
    inverse_stretching_v: Any
    inverse_stretching_z: Any  # about corners, mean over the columns that are not land
    scale: Any  # s = s_reference(k) * scale + shift
    shift: Any


@stencil
def stretching(j, i, grid, surface):
    """Stretching J = (R - r_fixed) / D of columns [j, i] (no unit); 1 on land."""
    return where(grid.floor[j, i] < grid.top, (surface[j, i] - grid.fixed[j, i]) * grid.inverse_thickness[j, i], 1.0)


@stencil
def inverse_stretching(j, i, grid, surface):
    """Inverse stretching 1 / J of columns [j, i] (no unit)."""
    return 1.0 / stretching(j, i, grid, surface)


@stencil
def width_u(j, i, grid, surface):
    """Length of a west face times J there (m): times dr and the velocity it is a transport."""
    return grid.dy_u[j, i] * 0.5 * (stretching(j, i, grid, surface) + stretching(j, i - 1, grid, surface))


@stencil
def width_v(j, i, grid, surface):
    """Length of a south face times J there (m)."""
    return grid.dx_v[j, i] * 0.5 * (stretching(j, i, grid, surface) + stretching(j - 1, i, grid, surface))


@stencil
def widths(j, i, grid, surface):
    """Stretched widths of west and south faces [j, i] (m)."""
    return width_u(j, i, grid, surface), width_v(j, i, grid, surface)


@stencil
def wet_area(j, i, grid):
    """Area of a column that is not land (m2)."""
    return where(grid.floor[j, i] < grid.top, grid.area[j, i], 0.0)


@stencil
def columns(j, i, grid, fluid, surface):
    """Values of `Column` at [j, i], in its units."""
    here = stretching(j, i, grid, surface)
    west = stretching(j, i - 1, grid, surface)
    south = stretching(j - 1, i, grid, surface)
    southwest = stretching(j - 1, i - 1, grid, surface)
    a, b, c, d = wet_area(j, i, grid), wet_area(j, i - 1, grid), wet_area(j - 1, i, grid), wet_area(j - 1, i - 1, grid)
    area = a + b + c + d
    corner = a * here + b * west + c * south + d * southwest
    inverse_z = where(area > 0.0, area, 1.0) / where(area > 0.0, corner, 1.0)
    return (here, grid.dy_u[j, i] * 0.5 * (here + west), grid.dx_v[j, i] * 0.5 * (here + south),
            2.0 / (here + west), 2.0 / (here + south), inverse_z, fluid.scale(j, i, fluid, here),
            fluid.shifts * (grid.fixed[j, i] - here * grid.fixed_reference[j, i]))


def stretched(on: Any, grid: Any, fluid: Any, surface: Any) -> Column:
    """The stretched column under a moving boundary [j, i] (unit of r)."""
    return Column(*on(columns, grid, fluid, surface))
