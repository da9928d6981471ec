"""Stratification, shear and the implicit solve of a column, which closures and the equations share."""

from __future__ import annotations

from math import pi

from dycore.stencils import square_root, stencil, where


@stencil
def stability(k, j, i, grid, column, heights, fluid, tracers):
    """N2 = db/ds (1/s2) at the lower-r face of a cell; no sense on the fixed boundary."""
    # where there is no level below, 1 stands for the distance to it: no division by zero
    rise = where(k > grid.floor[j, i], (heights.layer[k] - heights.layer[k - 1]) * column.scale[j, i], 1.0)
    face = heights.face[k] * column.scale[j, i] + column.shift[j, i]  # where both levels are compared
    return (fluid.buoyancy(k, j, i, fluid, face, tracers) - fluid.buoyancy(k - 1, j, i, fluid, face, tracers)) / rise


@stencil
def shear(k, j, i, grid, column, u, v):
    """|du/dr|2 (1/s2) at the lower-r face of a cell, of the faces about it."""
    distance = distance_between_levels(k, j, i, grid, column)
    return squared_step(k, j, i, u, v) / (distance * distance)


@stencil
def squared_step(k, j, i, u, v):
    """|du|2 (m2/s2) from the level below to that of a cell, of the faces about it."""
    west, east = u[k, j, i] - u[k - 1, j, i], u[k, j, i + 1] - u[k - 1, j, i + 1]
    south, north = v[k, j, i] - v[k - 1, j, i], v[k, j + 1, i] - v[k - 1, j + 1, i]
    return 0.5 * (west * west + east * east + (south * south + north * north))


@stencil
def distance_between_levels(k, j, i, grid, column):
    """Distance from the middle of the level below to that of a level (unit of r)."""
    return 0.5 * (grid.dr[k] + grid.dr[k - 1]) * column.stretching[j, i]


@stencil
def no_speed(j, i, grid, column, inverse_stability):
    """Speed of internal waves below the lowest level (m/s): none."""
    return (0.0,)


@stencil
def wave_speed(k, j, i, carried, grid, column, inverse_stability):
    """Sum of N over the distance of the levels, over pi (m/s): the speed of internal waves of the first mode; upwards."""
    inside, distance = k > grid.floor[j, i], distance_between_levels(k, j, i, grid, column)
    return (carried[0] + where(inside, distance / pi / square_root(inverse_stability[k, j, i]), 0.0),), ()


@stencil
def thickness(k, j, i, grid, column):
    """Thickness of a cell (unit of r)."""
    return grid.open_fraction_of(k, j, i, grid.floor, grid.fraction, grid.dr[k] * column.stretching[j, i])


@stencil
def eliminate(to_below, to_above, loss, right, ratio, value):
    """Forward elimination of -to_below q[k - 1] + (1 + to_below + to_above + loss) q[k] - to_above q[k + 1] = right.

    `ratio`, `value` are the results of the level below: q[k - 1] = value + ratio q[k].
    """
    pivot = 1.0 / (1.0 + loss + to_above + to_below * (1.0 - ratio))
    return to_above * pivot, (right + to_below * value) * pivot
