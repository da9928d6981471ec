"""The moving boundary and the depth mean of the velocity, settled together: in one step, or in barotropic substeps."""

from __future__ import annotations

from typing import Any

from dycore.equations import barotropic, column, continuity
from dycore.equations.continuity import Flow
from dycore.equations.records import Equations
from dycore.equations.steppers import Stage, between, between_both, between_columns, extrapolated_surface
from dycore.equations.velocity import Sums
from dycore.tiles import Place


def settled(on: Any, equations: Equations, part: Stage, layers: Any, ahead: tuple, start: Any, now: Any, carrying: Any, u: Any,
            v: Any, sums: Sums) -> tuple:
    """u and v with their depth mean, what carries mass and tracers, and the divergence of a column (unit of r per s).

    `carrying`: column sums of the velocity whose tendencies were taken, where the stage carries with a mean of both.
    """
    if equations.barotropic is not None:
        return barotropic.settled(on, equations, part, layers, start, now, carrying, u, v, sums)
    return in_one_step(on, equations, part, layers, ahead, now, carrying, u, v, sums)


def in_one_step(on: Any, equations: Equations, part: Stage, layers: Any, ahead: tuple, now: Any, carrying: Any, u: Any, v: Any,
                sums: Sums) -> tuple:
    """Velocity is settled; mass moves with it through the extrapolated thickness, or that of the stage before."""
    grid = equations.grid
    after = (sums.after_u, sums.after_v) if part.ahead else ()
    u, v, *after = on.exchange(*zip((Place.WEST_FACE, Place.SOUTH_FACE) * 2, (u, v, *after), strict=False))
    widths = layers.width_u, layers.width_v
    if ahead:
        surface = on(extrapolated_surface, ahead, now.surface, tuple(past.surface for past in now.history))
        widths = on(column.widths, grid, surface)
    through = between_both(on, between, part, (u, v), (now.u, now.v))
    transports = on(continuity.transports, grid, *widths, *through)
    total = on(continuity.column_divergence, grid, *widths, *between_both(on, between_columns, part, after, carrying))
    return u, v, Flow(*transports, *widths), total  # type: ignore[call-arg]
