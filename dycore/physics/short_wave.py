"""Sunlight that an ocean absorbs over its upper tens of metres, in two bands.

    I(d) / I(0) = R exp(-d / d_red) + (1 - R) exp(-d / d_blue),      d(theta)/dt = -dI/dd / (density heat capacity)

d is the depth below the surface. Paulson and Simpson (1977, J. Phys. Oceanogr. 7, 952), table 2, for the waters of Jerlov.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.forcing import Forcing, only
from dycore.grid import Grid, interior
from dycore.inputs.given import check_kind, check_number, positive
from dycore.physics.surface import HEAT_CAPACITY, planes
from dycore.stencils import coefficient_at, stencil, where
from dycore.tiles import HALO_LEVELS
from dycore.time_series import TimeSeries


class Water(NamedTuple):
    """Clearness of water: the share of sunlight in the red band, and depths over which either band falls by a factor of e (m)."""

    red: float
    red_depth: float
    blue_depth: float


JERLOV_I, JERLOV_IA, JERLOV_IB = Water(0.58, 0.35, 23.0), Water(0.62, 0.60, 20.0), Water(0.67, 1.0, 17.0)
JERLOV_II, JERLOV_III = Water(0.77, 1.5, 14.0), Water(0.78, 1.4, 7.9)


class Sunlight(NamedTuple):
    """Sunlight into the sea over density and heat capacity [j, i] (K m/s), and the share of it that stays in a wet cell, per
    reference thickness of its level, [k] or [k, j, i] (1/m)."""

    flux: Any
    absorbed: Any


@stencil
def warming(k, j, i, grid, column, values, now):
    """Rate of a temperature at centres by the sunlight that stays there (K/s)."""
    source = values.flux[j, i] * coefficient_at(k, j, i, values.absorbed) / column.stretching[j, i]
    return where(k >= grid.floor[j, i], grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, source), 0.0)


def transmitted(depth: ArrayLike, water: Water) -> np.ndarray:
    """Share of the sunlight that is left at depths below the surface (m), of any shape."""
    depth = np.asarray(depth, float)
    return water.red * np.exp(-depth / water.red_depth) + (1.0 - water.red) * np.exp(-depth / water.blue_depth)


def short_wave(grid: Grid, tracer: int, flux: ArrayLike | TimeSeries, water: Water = JERLOV_I, density: float = 1025.0) -> Forcing:
    """Short-wave radiation, a number, [j, i] or a series (W/m2, net into the ocean), that warms a tracer that is a temperature.

    A column warms by the flux less what reaches its bottom, which the sea floor absorbs. Depths are those of an ocean at rest: a
    level keeps its share as the surface moves. The other parts of the heat flux go to `dycore.physics.heat_flux`.
    Raises ValueError for waters and densities that make no sense.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.latitude_longitude or rectilinear.")
    check_kind("water", water, Water, "There are JERLOV_I to JERLOV_III in dycore.physics.short_wave.")
    check_number("water.red", water.red, "a share from 0 to 1", lambda share: 0.0 <= share <= 1.0)
    for name in ("red_depth", "blue_depth"):
        positive(f"water.{name}", getattr(water, name), "m")
    flux = planes("flux", flux, positive("density", density, "kg/m3") * HEAT_CAPACITY)
    return Forcing(tracers=only(tracer, warming), values=Sunlight(flux, absorbed(grid, water)))


def absorbed(grid: Grid, water: Water) -> np.ndarray:
    """Share of the sunlight that stays in a wet cell, per reference thickness of its level (1/m).

    A profile [k] where levels are everywhere at the same depth, else [k, j, i].
    """
    metrics, depths, thickness = grid.metrics, grid.interfaces[-1] - grid.interfaces, np.diff(grid.interfaces)
    floor, fraction, fixed, reference = (interior(field).astype(float) for field in (
        metrics.floor, metrics.fraction, metrics.fixed, metrics.fixed_reference))
    wet = floor < metrics.top
    if (fraction[wet] == 1.0).all() and (fixed[wet] == reference[wet]).all():
        return np.diff(transmitted(depths, water)) / thickness
    stretching = np.where(wet, (grid.interfaces[-1] - fixed) / interior(metrics.thickness), 1.0)
    levels, thickness = HALO_LEVELS + np.arange(grid.cells[0])[:, None, None], thickness[:, None, None]
    above = depths[1:, None, None]
    below = above + np.where(levels == floor, fraction, 1.0) * thickness
    return (transmitted(stretching * above, water) - transmitted(stretching * below, water)) / thickness
