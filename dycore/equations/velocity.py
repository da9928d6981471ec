"""From a change to velocity: explicit, or with implicit vertical mixing and bottom drag; and the column sums of both."""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.equations import vertical_mixing
from dycore.equations.vertical_mixing import eliminate, exchange_rates
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Vector


class Sums(NamedTuple):
    """Column sums of velocity times reference thickness [j, i] (m/s times the unit of r), before and after a change."""

    before_u: Any
    before_v: Any
    after_u: Any
    after_v: Any


@stencil
def inside_u(k, j, i, grid, value):
    """Contribution of a level to a column sum at west faces: a value times its reference thickness (its unit times that of r)."""
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, grid.dr[k] * value)


@stencil
def inside_v(k, j, i, grid, value):
    """Contribution of a level to a column sum at south faces, as `inside_u`."""
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, grid.dr[k] * value)


@stencil
def no_column_sums(j, i, grid, u, v):
    """Column sums below the lowest level: zero."""
    return 0.0, 0.0


@stencil
def column_sums(k, j, i, carried, grid, u, v):
    """Column sums of u and v times reference thickness (m/s times the unit of r), carried upwards."""
    return (carried[0] + inside_u(k, j, i, grid, u[k, j, i]), carried[1] + inside_v(k, j, i, grid, v[k, j, i])), ()


@stencil
def no_sums(j, i, grid, time_step, change, u, v):
    """Column sums below the lowest level: zero."""
    return 0.0, 0.0, 0.0, 0.0


@stencil
def later(k, j, i, grid, time_step, change, u, v):
    """u and v at west and south faces after a time step (m/s)."""
    return (where(k >= grid.floor_u[j, i], u[k, j, i] + time_step * change.u[k, j, i], 0.0),
            where(k >= grid.floor_v[j, i], v[k, j, i] + time_step * change.v[k, j, i], 0.0))


@stencil
def advance(k, j, i, carried, grid, time_step, change, u, v):
    """u and v one step later (m/s) before the free-surface step; carries the `Sums` upwards."""
    new_u, new_v = later(k, j, i, grid, time_step, change, u, v)
    return (carried[0] + inside_u(k, j, i, grid, u[k, j, i]),
            carried[1] + inside_v(k, j, i, grid, v[k, j, i]),
            carried[2] + inside_u(k, j, i, grid, new_u),
            carried[3] + inside_v(k, j, i, grid, new_v)), (new_u, new_v)


@stencil
def no_sums_mixed(j, i, grid, time_step, column, mixed, drag, change, u, v):
    """Column sums, ratios and values below the lowest level: zero."""
    return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


@stencil
def advance_mixed(k, j, i, carried, grid, time_step, column, mixed, drag, change, u, v):
    """Ratio and value of u and of v at their faces after `advance` and the forward elimination of vertical mixing.

    Carries the sums before the step, and ratio and value of the level below.
    """
    sum_u, sum_v, ratio_u, value_u, ratio_v, value_v = carried
    new_u, new_v = later(k, j, i, grid, time_step, change, u, v)
    below, above = coefficient_at(k, j, i, mixed.viscosity), coefficient_at(k + 1, j, i, mixed.viscosity)
    west_below, west_above = coefficient_at(k, j, i - 1, mixed.viscosity), coefficient_at(k + 1, j, i - 1, mixed.viscosity)
    south_below, south_above = coefficient_at(k, j - 1, i, mixed.viscosity), coefficient_at(k + 1, j - 1, i, mixed.viscosity)
    down, up = exchange_rates(k, grid, grid.floor_u[j, i], time_step, column.inverse_stretching_u[j, i],
                              0.5 * (below + west_below), 0.5 * (above + west_above))
    up = grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u, up)
    ratio_u, value_u = eliminate(down, up, time_step * drag.u[k, j, i], new_u, ratio_u, value_u)
    down, up = exchange_rates(k, grid, grid.floor_v[j, i], time_step, column.inverse_stretching_v[j, i],
                              0.5 * (below + south_below), 0.5 * (above + south_above))
    up = grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v, up)
    ratio_v, value_v = eliminate(down, up, time_step * drag.v[k, j, i], new_v, ratio_v, value_v)
    sums = (sum_u + inside_u(k, j, i, grid, u[k, j, i]),
            sum_v + inside_v(k, j, i, grid, v[k, j, i]))
    return (*sums, ratio_u, value_u, ratio_v, value_v), (ratio_u, value_u, ratio_v, value_v)


@stencil
def no_velocity(j, i, grid, ratio_u, value_u, ratio_v, value_v):
    """Velocity above the uppermost level and column sums: zero."""
    return 0.0, 0.0, 0.0, 0.0


@stencil
def substitute(k, j, i, carried, grid, ratio_u, value_u, ratio_v, value_v):
    """u and v at west and south faces (m/s) by back substitution; carries them and their column sums downwards."""
    new_u = where(k >= grid.floor_u[j, i], value_u[k, j, i] + ratio_u[k, j, i] * carried[0], 0.0)
    new_v = where(k >= grid.floor_v[j, i], value_v[k, j, i] + ratio_v[k, j, i] * carried[1], 0.0)
    return (new_u, new_v, carried[2] + inside_u(k, j, i, grid, new_u),
            carried[3] + inside_v(k, j, i, grid, new_v)), (new_u, new_v)


def advanced(on: Any, equations: Any, time_step: Any, layers: Any, mixed: Any, change: Vector, start: Any) -> tuple:
    """u and v after the stage before the free-surface step, and the column sums at its start and after it."""
    grid = equations.grid
    if mixed is None:
        sums, (u, v) = on.upward(advance, no_sums, grid, time_step, change, start.u, start.v)
        return u, v, Sums(*sums)
    drag = vertical_mixing.bottom_drag(grid, equations.parameters.vertical_mixing, layers, start)
    (*before, _, _, _, _), eliminated = on.upward(advance_mixed, no_sums_mixed, grid, time_step, layers, mixed, drag, change,
                                                  start.u, start.v)
    (_, _, *after), (u, v) = on.downward(substitute, no_velocity, grid, *eliminated)
    return u, v, Sums(*before, *after)
