"""A closure by a network: fluxes of momentum and tracers by what a grid does not resolve, of differences between neighbours.

    du/dt = [d(h S_xx)/dx + d(h S_xy)/dy] / h,     dv/dt = [d(h S_xy)/dx + d(h S_yy)/dy] / h,     dc/dt = -div(h F) / h

S and F follow, on all levels of a column, from differences of velocity and tracers between that column and its neighbours, on all
levels, by weights that are the same everywhere (`ColumnNetwork`). S_xx and S_yy act at centres, S_xy at corners and F on faces, as
means of the columns about these.

By construction, whatever the weights: no tracer is made or lost, nor momentum but at coasts and walls (corners there have no S_xy,
closed faces no F); S is symmetric, so that it turns nothing by itself; a flow without differences has the S and F of one at rest;
volume is left as it is; S and F are within `MOST` of their typical sizes. Energy may be taken or given: a small scale can feed a
larger one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.forcing import Forced, Module
from dycore.grid import Grid
from dycore.inputs.given import check_kind
from dycore.learning.column_network import ColumnNetwork, bounded, check_layers, of_columns
from dycore.stencils import stencil, where
from dycore.terms import Vector, bound

MOST = 5.0  # of typical sizes of stresses and fluxes
OF_VELOCITY, OF_TRACER, WALLS = 14, 8, 4  # numbers that a network sees: on each level, of each tracer on each level, and beside
STRESSES, FLUXES = 3, 2  # numbers that it makes on each level, and of each tracer on each level


class Stress(NamedTuple):
    """Stresses over density [k, j, i] at centres (m2/s2)."""

    xx: Any
    yy: Any
    xy: Any


def subgrid_fluxes(grid: Grid, network: ColumnNetwork) -> Module:
    """The network as a forcing of a plane, of momentum and the first tracers: as many as it has fluxes of.

    Raises ValueError for a sphere, and for a network of other levels, or one whose layers do not fit.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear.")
    check_kind("network", network, ColumnNetwork, "dycore.learning.random_subgrid_fluxes makes one.")
    if grid.spherical:
        raise ValueError("The stresses of subgrid_fluxes are those of a plane. Give a grid made by dycore.grid.rectilinear.")
    nz, inputs, outputs = grid.cells[0], np.shape(network.inputs)[-1], np.shape(network.outputs)[-1]
    tracers = tracers_of(outputs, nz)
    if outputs != outputs_of(nz, tracers) or inputs != inputs_of(nz, tracers):
        raise ValueError(f"The network makes {outputs} numbers of {inputs}, but columns of {nz} levels have {outputs_of(nz, 1)} of "
                         f"{inputs_of(nz, 1)} where one tracer is mixed. Take a network that was made for such a grid.")
    check_layers(network)
    return Module(forced, (), network)


def tracers_of(outputs: int, levels: int) -> int:
    """The number of tracers of which a network makes fluxes."""
    return max(0, (outputs // levels - STRESSES) // FLUXES)


def inputs_of(levels: int, tracers: int) -> int:
    """Numbers that a network of so many levels and tracers sees."""
    return levels * (OF_VELOCITY + OF_TRACER * tracers) + WALLS


def outputs_of(levels: int, tracers: int) -> int:
    """Numbers that it makes."""
    return levels * (STRESSES + FLUXES * tracers)


def forced(on: Any, grid: Any, at: Any, values: tuple, weights: ColumnNetwork) -> Forced:
    """Rates by the network, as a Module gives them."""
    number = tracers_of(np.shape(weights.outputs)[-1], on.tile.cells[0])
    if number > len(at.tracers):
        raise ValueError(f"The network makes fluxes of {number} tracers, but there are {len(at.tracers)}. Take a network that was "
                         "made for a model of as many, or fewer.")
    tracers = at.tracers[:number]
    xx, yy, xy, *fluxes = on.columns(made, weights, *seen(on, grid, at.u, at.v, tracers))
    stress = Stress(xx, yy, xy)
    sources = (bound(convergence, grid, at.layers, x, y) for x, y in zip(fluxes[::2], fluxes[1::2], strict=True))
    return Forced(Vector(bound(force_u, grid, at.layers, stress), bound(force_v, grid, at.layers, stress)), tuple(sources))


def made(network: ColumnNetwork, *fields: Any) -> tuple:
    """Stresses xx, yy, xy (m2/s2) and fluxes x, y of each tracer (m/s times its unit), [k, j, i] each, of what is seen."""
    outputs, levels = of_columns(network, *fields, limited=lambda values: bounded(values, MOST)), fields[0].shape[0]
    return tuple(outputs[start: start + levels] for start in range(0, outputs.shape[0], levels))


def seen(on: Any, grid: Any, u: Any, v: Any, tracers: tuple) -> tuple:
    """Fields that the network sees: differences of velocity and of each tracer [k, j, i], and where walls are [j, i]."""
    of_tracers = (on(differences, grid, tracer) for tracer in tracers)
    return (*on(velocity_differences, grid, u, v), *(field for fields in of_tracers for field in fields), *on(walls, grid))


@stencil
def velocity_differences(k, j, i, grid, u, v):
    """Velocity on faces about a cell less that in its centre (m/s), zero on those that are closed, and differences across it."""
    here_u, here_v = 0.5 * (u[k, j, i] + u[k, j, i + 1]), 0.5 * (v[k, j, i] + v[k, j + 1, i])
    return (u[k, j, i + 1] - u[k, j, i], v[k, j + 1, i] - v[k, j, i],
            where(k >= grid.floor_u[j, i - 1], u[k, j, i - 1] - here_u, 0.0),
            where(k >= grid.floor_u[j, i + 2], u[k, j, i + 2] - here_u, 0.0),
            where(k >= grid.floor_u[j - 1, i], u[k, j - 1, i] - here_u, 0.0),
            where(k >= grid.floor_u[j - 1, i + 1], u[k, j - 1, i + 1] - here_u, 0.0),
            where(k >= grid.floor_u[j + 1, i], u[k, j + 1, i] - here_u, 0.0),
            where(k >= grid.floor_u[j + 1, i + 1], u[k, j + 1, i + 1] - here_u, 0.0),
            where(k >= grid.floor_v[j - 1, i], v[k, j - 1, i] - here_v, 0.0),
            where(k >= grid.floor_v[j + 2, i], v[k, j + 2, i] - here_v, 0.0),
            where(k >= grid.floor_v[j, i - 1], v[k, j, i - 1] - here_v, 0.0),
            where(k >= grid.floor_v[j + 1, i - 1], v[k, j + 1, i - 1] - here_v, 0.0),
            where(k >= grid.floor_v[j, i + 1], v[k, j, i + 1] - here_v, 0.0),
            where(k >= grid.floor_v[j + 1, i + 1], v[k, j + 1, i + 1] - here_v, 0.0))


@stencil
def differences(k, j, i, grid, c):
    """A tracer in the eight cells about a cell less that in it (its unit), zero of those that are dry."""
    return (where(k >= grid.floor[j, i - 1], c[k, j, i - 1] - c[k, j, i], 0.0),
            where(k >= grid.floor[j, i + 1], c[k, j, i + 1] - c[k, j, i], 0.0),
            where(k >= grid.floor[j - 1, i], c[k, j - 1, i] - c[k, j, i], 0.0),
            where(k >= grid.floor[j + 1, i], c[k, j + 1, i] - c[k, j, i], 0.0),
            where(k >= grid.floor[j - 1, i - 1], c[k, j - 1, i - 1] - c[k, j, i], 0.0),
            where(k >= grid.floor[j - 1, i + 1], c[k, j - 1, i + 1] - c[k, j, i], 0.0),
            where(k >= grid.floor[j + 1, i - 1], c[k, j + 1, i - 1] - c[k, j, i], 0.0),
            where(k >= grid.floor[j + 1, i + 1], c[k, j + 1, i + 1] - c[k, j, i], 0.0))


@stencil
def walls(j, i, grid):
    """1 where the west, east, south or north face of a column [j, i] is closed from floor to surface, else 0."""
    return (where(grid.floor_u[j, i] < grid.top, 0.0, 1.0), where(grid.floor_u[j, i + 1] < grid.top, 0.0, 1.0),
            where(grid.floor_v[j, i] < grid.top, 0.0, 1.0), where(grid.floor_v[j + 1, i] < grid.top, 0.0, 1.0))


@stencil
def at_centre(k, j, i, grid, column, stress):
    """A stress at centres times the relative thickness of the cell (m2/s2)."""
    return grid.open_fraction_of(k, j, i, grid.floor, grid.fraction, column.stretching[j, i] * stress[k, j, i])


@stencil
def at_corner(k, j, i, grid, column, stress):
    """The mean of a stress about a corner, times the relative thickness there (m2/s2); zero at coasts."""
    mean = 0.25 * (stress[k, j, i] + stress[k, j, i - 1] + stress[k, j - 1, i] + stress[k, j - 1, i - 1])
    thick = grid.open_fraction_of(k, j, i, grid.floor_z, grid.fraction_z, mean / column.inverse_stretching_z[j, i])
    return where(k >= grid.floor_z[j, i], thick, 0.0)


@stencil
def force_u(k, j, i, grid, column, stress):
    """Acceleration at west faces by stresses (m/s2)."""
    along = at_centre(k, j, i, grid, column, stress.xx) - at_centre(k, j, i - 1, grid, column, stress.xx)
    across = at_corner(k, j + 1, i, grid, column, stress.xy) - at_corner(k, j, i, grid, column, stress.xy)
    force = along * grid.inverse_dx_u[j, i] + across * grid.inverse_dy_u[j, i]
    return where(k >= grid.floor_u[j, i], column.inverse_stretching_u[j, i] * grid.open_fraction_of(
        k, j, i, grid.floor_u, grid.inverse_fraction_u, force), 0.0)


@stencil
def force_v(k, j, i, grid, column, stress):
    """Acceleration at south faces by stresses (m/s2)."""
    along = at_centre(k, j, i, grid, column, stress.yy) - at_centre(k, j - 1, i, grid, column, stress.yy)
    across = at_corner(k, j, i + 1, grid, column, stress.xy) - at_corner(k, j, i, grid, column, stress.xy)
    force = along * grid.inverse_dy_v[j, i] + across * grid.inverse_dx_v[j, i]
    return where(k >= grid.floor_v[j, i], column.inverse_stretching_v[j, i] * grid.open_fraction_of(
        k, j, i, grid.floor_v, grid.inverse_fraction_v, force), 0.0)


@stencil
def through_west(k, j, i, grid, column, flux):
    """Flux of a tracer through a west face per reference thickness (m2/s times its unit)."""
    mean = column.width_u[j, i] * 0.5 * (flux[k, j, i] + flux[k, j, i - 1])
    return where(k >= grid.floor_u[j, i], grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, mean), 0.0)


@stencil
def through_south(k, j, i, grid, column, flux):
    """Flux of a tracer through a south face per reference thickness (m2/s times its unit)."""
    mean = column.width_v[j, i] * 0.5 * (flux[k, j, i] + flux[k, j - 1, i])
    return where(k >= grid.floor_v[j, i], grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, mean), 0.0)


@stencil
def convergence(k, j, i, grid, column, flux_x, flux_y):
    """Rate of a tracer at centres by its fluxes (its unit per s)."""
    outflow = (through_west(k, j, i + 1, grid, column, flux_x) - through_west(k, j, i, grid, column, flux_x)
               + through_south(k, j + 1, i, grid, column, flux_y) - through_south(k, j, i, grid, column, flux_y))
    thick = grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, grid.inverse_area[j, i] * outflow)
    return -thick / column.stretching[j, i]
