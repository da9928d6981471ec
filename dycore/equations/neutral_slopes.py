"""Slopes of neutral surfaces by triads (Griffies et al. 1998, J. Phys. Oceanogr. 28, 805), tapered where they are steep.

    S = -bx / max(N2, 1e-12 1/s2),      taper t = min(1, (S_max / S)^2)      (Gerdes, Koeberle and Willebrand 1991)

             +-----------|-----------+ lower face k + 1        A triad is a face of a level, one of the two cells beside it, and
             |   upper   |   upper   |                         the lower or the upper face of that cell: bx stands on the one,
             |   first   |  second   |                         N2 on the other, each at the height at which both its members are
             |           |           |                         compared. Four of them belong to a west face, of the cells to the
             |   lower   |   lower   |                         west (first) and to the east (second), and four to a south face.
             |   first   |  second   |
             +-----------|-----------+ lower face k            There is none where one of its faces is closed.

The triads of a closed face and those of the floor and the surface are zero. Slopes are those against the levels, which
differ from those against the horizon by the slope of the sea surface, below 1e-6, and less below.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.closures.columns import stability
from dycore.equations.column import inverse_stretching
from dycore.equations.operators import gradient_x, gradient_y
from dycore.stencils import maximum, stencil, where

LEAST_STRATIFICATION = 1.0e-12  # 1/s2: what is less, or negative, is as steep as can be, and tapered to nothing


class Triads(NamedTuple):
    """Slopes of four triads, times their taper and over the stretching of their column (r per m), and the sum of the tapers.

    At west or south faces [k, j, i]; `first` are those of the cell to the west or south, `second` of that to the east or north.
    """

    lower_first: Any
    lower_second: Any
    upper_first: Any
    upper_second: Any
    taper: Any


class Neutral(NamedTuple):
    """Neutral slopes at both kinds of faces, 1 / N2 (s2) at lower-r faces, and the buoyancy that they are of; all [k, j, i]."""

    u: Triads
    v: Triads
    inverse_stability: Any
    buoyancy: Any


@stencil
def inverse_stability(k, j, i, grid, column, heights, fluid, tracers):
    """1 / N2 at the lower-r face of a cell (s2), at most that of `LEAST_STRATIFICATION`; no sense on the fixed boundary."""
    return 1.0 / maximum(stability(k, j, i, grid, column, heights, fluid, tracers), LEAST_STRATIFICATION)


@stencil
def triad(exists, gradient, inverse, greatest):
    """Slope of a triad times its taper, and the taper (no unit); zero where there is none."""
    slope = -gradient * inverse
    steepest = greatest * greatest
    taper = where(exists, steepest / maximum(slope * slope, steepest), 0.0)
    return taper * slope, taper


@stencil
def triads_x(k, j, i, grid, greatest, inverse_stretching, inverse, b):
    """Values of `Triads` at west faces."""
    bx, is_open, below_surface = gradient_x(k, j, i, grid, b), k >= grid.floor_u[j, i], k + 1 < grid.top
    a, taper_a = triad(is_open & (k > grid.floor[j, i - 1]), bx, inverse[k, j, i - 1], greatest)
    b, taper_b = triad(is_open & (k > grid.floor[j, i]), bx, inverse[k, j, i], greatest)
    c, taper_c = triad(is_open & below_surface, bx, inverse[k + 1, j, i - 1], greatest)
    d, taper_d = triad(is_open & below_surface, bx, inverse[k + 1, j, i], greatest)
    west, east = inverse_stretching[j, i - 1], inverse_stretching[j, i]
    return a * west, b * east, c * west, d * east, taper_a + taper_b + (taper_c + taper_d)


@stencil
def triads_y(k, j, i, grid, greatest, inverse_stretching, inverse, b):
    """Values of `Triads` at south faces."""
    by, is_open, below_surface = gradient_y(k, j, i, grid, b), k >= grid.floor_v[j, i], k + 1 < grid.top
    a, taper_a = triad(is_open & (k > grid.floor[j - 1, i]), by, inverse[k, j - 1, i], greatest)
    b, taper_b = triad(is_open & (k > grid.floor[j, i]), by, inverse[k, j, i], greatest)
    c, taper_c = triad(is_open & below_surface, by, inverse[k + 1, j - 1, i], greatest)
    d, taper_d = triad(is_open & below_surface, by, inverse[k + 1, j, i], greatest)
    south, north = inverse_stretching[j - 1, i], inverse_stretching[j, i]
    return a * south, b * north, c * south, d * north, taper_a + taper_b + (taper_c + taper_d)


def neutral_slopes(on: Any, equations: Any, at: Any, greatest: Any) -> Neutral:
    """The neutral slopes of an instant (dycore.forcing.Instant), tapered beyond the `greatest`."""
    grid = equations.grid
    inverse = on.whole(on(inverse_stability, grid, at.layers, equations.heights, equations.parameters.fluid,
                          equations.buoyant(at.tracers)))
    inverse_j = on(inverse_stretching, grid, at.surface)
    u, v = (Triads(*map(on.whole, on(triads, grid, greatest, inverse_j, inverse, at.buoyancy))) for triads in (triads_x, triads_y))
    return Neutral(u, v, inverse, on.whole(at.buoyancy))
