"""The forcing of Held and Suarez: a dry atmosphere relaxed to a zonally symmetric temperature, with drag near the ground.

    du/dt = -k_v(sigma) u,      dT/dt = -k_T(latitude, sigma) [T - T_eq(latitude, p)]

Held and Suarez (1994, Bull. Amer. Meteor. Soc. 75, 1825), the table of their section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from dycore.fluid import Atmosphere
from dycore.forcing import Forcing, only, tracer_number
from dycore.grid import Grid
from dycore.inputs.given import check_kind
from dycore.stencils import made_by, maximum, stencil

DAY = 86400.0  # s
BOUNDARY_LAYER = 0.7  # sigma
DRAG, FREE, SURFACE = 1.0 / DAY, 1.0 / (40.0 * DAY), 1.0 / (4.0 * DAY)  # 1/s: k_f, k_a, k_s
WARMEST, STRATOSPHERE, MERIDIONAL, VERTICAL = 315.0, 200.0, 60.0, 10.0  # K


class HeldSuarez(NamedTuple):
    """Values of the forcing: profiles [k] and fields of latitude [j, i]."""

    drag: Any  # k_v [k] (1/s)
    free: float  # k_a (1/s)
    boundary: Any  # what k_T has more of near the ground at the equator [k] (1/s)
    cosine4: Any  # of latitude [j, i]
    cosine2: Any
    warmest: Any  # potential temperature of T_eq at 1000 hPa [j, i] (K)
    vertical: float  # K
    log_pressure: Any  # log(p / p0) of a reference level [k]
    cold: Any  # potential temperature of the stratosphere at a reference level [k] (K)


@stencil
def logarithm_near_one(x):
    """log(x) by the first terms of 2 artanh((x - 1) / (x + 1)): error below 1e-5 for x from 0.5 to 2, below 1e-13 within 5 % of 1.

    The same bits on every backend, and no call of a library in a loop.
    """
    y = (x - 1.0) / (x + 1.0)
    square = y * y
    return 2.0 * y * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square * (1.0 / 9.0)))))


@stencil
def drag_u(k, j, i, grid, column, values, now):
    """-k_v u at west faces (m/s2)."""
    return -values.drag[k] * now.u[k, j, i]


@stencil
def drag_v(k, j, i, grid, column, values, now):
    """-k_v v at south faces (m/s2)."""
    return -values.drag[k] * now.v[k, j, i]


@cache
def relaxed(tracer: int) -> Callable:
    """The stencil that relaxes the tracer of this number."""

    @stencil
    @made_by(relaxed, tracer)
    def relaxation(k, j, i, grid, column, values, now):
        """Rate of potential temperature at centres (K/s): as T at the same pressure, it is relaxed to T_eq (p0 / p)^kappa."""
        rate = values.free + values.boundary[k] * values.cosine4[j, i]
        log_pressure = values.log_pressure[k] + logarithm_near_one(column.stretching[j, i])
        equilibrium = maximum(values.cold[k] / column.scale[j, i],
                              values.warmest[j, i] - values.vertical * log_pressure * values.cosine2[j, i])
        return -rate * (now.tracers[tracer][k, j, i] - equilibrium)

    return relaxation


def held_suarez(grid: Grid, fluid: Atmosphere, tracer: int = 0) -> Forcing:
    """The forcing on a latitude-longitude grid; potential temperature (K) is the tracer of this number in tracer_names."""
    check_kind("grid", grid, Grid)
    check_kind("fluid", fluid, Atmosphere)
    if not grid.spherical:
        raise ValueError("The forcing of Held and Suarez is a function of latitude: give a grid made by latitude_longitude.")
    sigma = grid.interfaces / grid.interfaces[-1]
    above = np.maximum(0.0, 0.5 * (sigma[1:] + sigma[:-1]) - BOUNDARY_LAYER) / (1.0 - BOUNDARY_LAYER)
    _, exner = fluid.reference_s(grid.interfaces)
    latitude = np.radians(grid.latitude)
    sine2, cosine2 = np.sin(latitude) ** 2, np.cos(latitude) ** 2
    rates = only(tracer, relaxed(tracer_number(tracer)))
    return Forcing(drag_u, drag_v, rates, names=(*[None] * tracer, "potential_temperature"), values=HeldSuarez(
        drag=DRAG * above, free=FREE, boundary=(SURFACE - FREE) * above, cosine4=cosine2**2, cosine2=cosine2,
        warmest=WARMEST - MERIDIONAL * sine2, vertical=VERTICAL, log_pressure=np.log(exner) / fluid.kappa,
        cold=STRATOSPHERE / exner))
