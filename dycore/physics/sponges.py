"""Sponges: layers along sides of a grid in which the flow is relaxed to values from outside, so that waves do not come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dycore.forcing import Forcing
from dycore.geometry.sides import Side, cells_from, check_side
from dycore.grid import Grid
from dycore.inputs.given import check_kind, check_number, shown
from dycore.stencils import coefficient_at, made_by, stencil


class Sponge(NamedTuple):
    """Rates of relaxation at centres, west faces and south faces [j, i] (1/s), and the values to which it goes."""

    rate: Any
    rate_u: Any
    rate_v: Any
    u: Any
    v: Any
    tracers: tuple


@stencil
def relaxed_u(k, j, i, grid, column, values, now):
    """Acceleration at west faces by relaxation (m/s2)."""
    return -values.rate_u[j, i] * (now.u[k, j, i] - coefficient_at(k, j, i, values.u))


@stencil
def relaxed_v(k, j, i, grid, column, values, now):
    """Acceleration at south faces by relaxation (m/s2)."""
    return -values.rate_v[j, i] * (now.v[k, j, i] - coefficient_at(k, j, i, values.v))


@cache
def relaxed_tracer(tracer: int) -> Callable:
    """The stencil that relaxes a tracer."""

    @stencil
    @made_by(relaxed_tracer, tracer)
    def relaxed(k, j, i, grid, column, values, now):
        """Rate of a tracer at centres by relaxation (its unit per s)."""
        return -values.rate[j, i] * (now.tracers[tracer][k, j, i] - coefficient_at(k, j, i, values.tracers[tracer]))

    return relaxed


def sponge(grid: Grid, edges: Sequence[Side], width: float, seconds: float, *, u: Any = 0.0, v: Any = 0.0,
           tracers: Sequence[Any] = ()) -> Forcing:
    """Relaxation of velocity and tracers in layers along sides, for Parameters.forcing.

    edges: of dycore.geometry.sides.Side. width: of the layers, in cells. seconds: the time scale at a side, five time steps or
    more; the rate falls to zero at the width as the square of a cosine. u, v: velocity on west and south faces (m/s) to which it
    goes, None for none. tracers: values for the first tracers of tracer_names, None for those that are left alone. Values are
    numbers, profiles [nz], planes [ny, nx] or volumes [nz, ny, nx], or a dycore.time_series.TimeSeries of such. Raises ValueError
    where a width is wider than the grid or no positive number, and where a side is no wall.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear or latitude_longitude.")
    if isinstance(edges, Side) or not isinstance(edges, (tuple, list)) or not edges:
        raise ValueError(f"edges={shown(edges)} must be a tuple of sides, for example (Side.WEST, Side.NORTH).")
    if not isinstance(tracers, (tuple, list)):
        raise ValueError(f"tracers={shown(tracers)} must be a tuple: a value for each of the first tracers, or None.")
    check_number("seconds", seconds, "the time scale of the relaxation, a positive number of seconds",
                 lambda seconds: seconds > 0.0)
    narrowest = min(grid.cells[2 if check_side(f"edges[{number}]", side, grid.tile).along_x else 1]
                    for number, side in enumerate(edges))
    check_number("width", width, f"of 1 to {narrowest} cells, which is how many the grid has from one of the sides to the other",
                 lambda width: 1.0 <= width <= narrowest)

    def rate(across_x: bool, across_y: bool) -> np.ndarray:
        """Rates where faces are crossed along x or y."""
        nearest = np.minimum.reduce([cells_from(side, grid.cells[1:], across_x if side.along_x else across_y) for side in edges])
        return np.where(nearest < width, np.cos(0.5 * np.pi * nearest / float(width)) ** 2 / float(seconds), 0.0)

    values = Sponge(rate(False, False), rate(True, False), rate(False, True), 0.0 if u is None else u, 0.0 if v is None else v,
                    tuple(0.0 if each is None else each for each in tracers))
    return Forcing(None if u is None else relaxed_u, None if v is None else relaxed_v,
                   tuple(None if each is None else relaxed_tracer(number) for number, each in enumerate(tracers)), values)
