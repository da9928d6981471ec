"""Stratification, shear and the implicit solve of a column, which closures and the equations share."""

from __future__ import annotations

from dycore.stencils import stencil, where


@stencil
def stability(k, j, i, grid, column, heights, fluid, tracers):
    """N2 = db/ds (1/s2) at the lower-r face of a cell; no sense on the fixed boundary."""
    # where there is no level below, 1 stands for the distance to it: no division by zero
    rise = where(k > grid.floor[j, i], (heights.layer[k] - heights.layer[k - 1]) * column.scale[j, i], 1.0)
    face = heights.face[k] * column.scale[j, i] + column.shift[j, i]  # where both levels are compared
    return (fluid.buoyancy(k, j, i, fluid, face, tracers) - fluid.buoyancy(k - 1, j, i, fluid, face, tracers)) / rise
