"""The free-surface step: the moving boundary and the depth mean of the velocity together, at once or in barotropic substeps."""

from __future__ import annotations

from typing import Any

from dycore.equations import barotropic, column, continuity
from dycore.equations.continuity import Flow
from dycore.equations.records import Equations
from dycore.equations.steppers import Stage, extrapolated_surface, off_centred, off_centred_columns, transport_velocity
from dycore.equations.velocity import Sums
from dycore.tiles import Place


def advanced(on: Any, equations: Equations, stage: Stage, layers: Any, weights: tuple, start: Any, now: Any, sums_now: Any, u: Any,
             v: Any, sums: Sums) -> tuple:
    """Velocity with its depth mean (m/s), the transport of mass and tracers, and the divergence of a column (unit of r per s).

    `sums_now`: column sums of the velocity whose tendencies were taken, where the transport velocity is a mean of both.
    """
    if equations.barotropic is not None:
        return barotropic.advanced(on, equations, stage, layers, start, now, sums_now, u, v, sums)
    return in_one_step(on, equations, stage, layers, weights, now, sums_now, u, v, sums)


def in_one_step(on: Any, equations: Equations, stage: Stage, layers: Any, weights: tuple, now: Any, sums_now: Any, u: Any, v: Any,
                sums: Sums) -> tuple:
    """The free-surface step at once: mass moves with it through the extrapolated thickness, or that of the stage before."""
    grid = equations.grid
    after = (sums.after_u, sums.after_v) if stage.off_centring else ()
    u, v, *after = on.exchange(*zip((Place.WEST_FACE, Place.SOUTH_FACE) * 2, (u, v, *after), strict=False))
    widths = layers.width_u, layers.width_v
    if weights:
        surface = on(extrapolated_surface, weights, now.surface, tuple(past.surface for past in now.history))
        widths = on(column.widths, grid, surface)
    through = transport_velocity(on, off_centred, stage, (u, v), (now.u, now.v))
    transports = on(continuity.transports, grid, *widths, *through)
    total = on(continuity.column_divergence, grid, *widths, *transport_velocity(on, off_centred_columns, stage, after, sums_now))
    return u, v, Flow(*transports, *widths), total  # type: ignore[call-arg]
