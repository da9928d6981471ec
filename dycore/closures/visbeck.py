"""Diffusivity of mesoscale eddies by the flow: from how fast they grow, as Visbeck et al. (1997) have it."""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.stencils import maximum, minimum, square_root, stencil, where


class Visbeck(NamedTuple):
    """kappa = alpha L^2 < |S| N >, with bounds (m2/s): Visbeck, Marshall, Haine and Spall (1997, J. Phys. Oceanogr. 27, 381).

    |S| N = M2 / N = f / sqrt(Ri) is the growth rate of baroclinic waves (1/s), of the slopes S of neutral surfaces as they are
    tapered; < > the mean over a column. `length` L (m) is the width of the baroclinic zone, or the length over which eddies mix.
    """

    length: float = 1.0e5  # m
    alpha: float = 0.015  # no unit
    least: float = 100.0  # m2/s
    greatest: float = 2000.0  # m2/s

    def diffusivity(self, on: Any, grid: Any, layers: Any, slopes: Any) -> Any:
        """kappa [j, i] of the slopes of an instant (dycore.equations.neutral_slopes.Neutral)."""
        (sum_of_rates, depth), _ = on.upward(growth_rates, no_rates, grid, layers.stretching, slopes)
        return on(bounded, self, sum_of_rates, depth)


@stencil
def no_rates(j, i, grid, stretching, slopes):
    """Growth rates and depth below the lowest level: zero."""
    return 0.0, 0.0


@stencil
def growth_rates(k, j, i, carried, grid, stretching, slopes):
    """Sums of growth rates (1/s) at lower-r faces times the distance of the levels, and of that distance, upwards."""
    u, v, inside = slopes.u, slopes.v, k > grid.floor[j, i]
    squares = (square(u.lower_second[k, j, i]) + square(u.lower_first[k, j, i + 1])
               + (square(u.upper_second[k - 1, j, i]) + square(u.upper_first[k - 1, j, i + 1]))
               + (square(v.lower_second[k, j, i]) + square(v.lower_first[k, j + 1, i])
                  + (square(v.upper_second[k - 1, j, i]) + square(v.upper_first[k - 1, j + 1, i]))))
    squared = where(inside, 0.25 * squares / slopes.inverse_stability[k, j, i], 0.0)
    distance = where(inside, 0.5 * (grid.dr[k] + grid.dr[k - 1]) + 0.0 * squared, 0.0)
    return (carried[0] + distance * stretching[j, i] * square_root(squared), carried[1] + distance), ()


@stencil
def square(value):
    """The square of a value."""
    return value * value


@stencil
def bounded(j, i, values, sum_of_rates, depth):
    """kappa (m2/s) of a column between its bounds; the least where there is one level."""
    mean = sum_of_rates[j, i] / where(depth[j, i] > 0.0, depth[j, i], 1.0)
    return minimum(maximum(values.alpha * values.length * values.length * mean, values.least), values.greatest)
