"""Grids, fluids and time steps on which parameters for eddies (dycore.equations.eddies) make sense."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.equations.eddies import follows_flow
from dycore.fluid import Ocean
from dycore.grid import Grid, interior
from dycore.parameters import Parameters
from dycore.tracers import read_by


class Steepest(NamedTuple):
    """The steepest slope that a step allows (no unit), and what limits it: diffusivity (m2/s), dx and distance of levels (m)."""

    slope: float
    diffusivity: float
    dx: float
    distance: float


def check_eddies(grid: Grid, parameters: Parameters) -> None:
    """Raise ValueError where eddies are asked for in a fluid or on a grid that has no neutral surfaces to mix along."""
    eddies, metrics = parameters.eddies, grid.metrics
    if eddies is None:
        return
    if not eddies.diffusivities:
        raise ValueError("eddies has neither a neutral_diffusivity nor a transport_diffusivity. Give one, or eddies=None for none.")
    for name, value in eddies.diffusivities.items():
        if follows_flow(value) and not value.greatest >= getattr(value, "least", 0.0):
            raise ValueError(f"eddies.{name}.least={value.least:g} m2/s is more than its greatest={value.greatest:g}. "
                             "Exchange them.")
    if not isinstance(parameters.fluid, Ocean):
        raise ValueError(f"eddies is for an ocean, and fluid is {type(parameters.fluid).__name__}: neutral surfaces are those of "
                         "buoyancy over height, and the eddies of an atmosphere are as large as its grids resolve. Use "
                         "eddies=None, and friction and diffusivity for what mixes along the levels.")
    if not read_by(parameters.fluid.buoyancy, parameters.tracer_names):
        raise ValueError("eddies mix along neutral surfaces, but the buoyancy of this fluid reads no tracer: it has one density. "
                         "Use eddies=None, and diffusivity for what mixes along the levels.")
    if grid.cells[0] < 2:
        raise ValueError("eddies mix along neutral surfaces, and a grid of one level knows no stratification. Use eddies=None, and "
                         "diffusivity for what mixes along the level.")
    wet = interior(metrics.floor) < metrics.top
    if (interior(metrics.fixed) != interior(metrics.fixed_reference))[wet].any():
        raise ValueError("eddies is not for terrain_following levels: slopes of neutral surfaces are those against the levels, "
                         "which follow the bottom there. Use a grid of whole or partial cells (partial_cells=0.2), or eddies=None.")


def largest(diffusivity: Any) -> Any:
    """The largest that a diffusivity can be (m2/s): itself, or the greatest of one that follows from the flow."""
    return diffusivity.greatest if follows_flow(diffusivity) else diffusivity


def check_slopes(grid: Grid, parameters: Parameters) -> None:
    """Raise ValueError where a step overshoots along slopes up to the greatest: |S| <= dx d_e / (4 kappa dt)."""
    eddies = parameters.eddies
    if eddies is None:
        return
    for name, diffusivity in eddies.diffusivities.items():
        steepest = steepest_slope(grid, largest(diffusivity), parameters.time_step)
        if eddies.greatest_slope > steepest.slope:
            raise ValueError(
                f"eddies.greatest_slope={eddies.greatest_slope:g} is too steep: with {name}={steepest.diffusivity:g} m2/s, cells "
                f"of {steepest.dx:.4g} m, levels {steepest.distance:.4g} m apart and time_step={parameters.time_step:g} s slopes "
                f"may be at most dx d_e / (4 kappa dt) = {steepest.slope:.3g}, or a step overshoots. Use a smaller greatest_slope "
                "or diffusivity, or a shorter step.")


def steepest_slope(grid: Grid, diffusivity: Any, time_step: float) -> Steepest:
    """The steepest slope that a step allows on all faces of a grid: dx d_e / (4 kappa dt)."""
    thickness = np.diff(grid.interfaces)
    between = 0.5 * (thickness[1:] + thickness[:-1])
    distance = np.minimum(np.append(np.inf, between), np.append(between, np.inf))[:, None, None]  # the nearer level, up or down
    kappa = np.asarray(diffusivity, float)
    kappa = np.broadcast_to(kappa[:, None, None] if kappa.ndim == 1 else kappa, grid.cells)
    found = Steepest(np.inf, 0.0, np.inf, np.inf)
    for axis, lengths, floor in ((-1, grid.metrics.dx_u, grid.metrics.floor_u), (-2, grid.metrics.dy_v, grid.metrics.floor_v)):
        faces = grid.open_levels(floor) & (grid.cells[axis] > 1)
        length, on_faces = interior(lengths).astype(float), 0.5 * (kappa + np.roll(kappa, 1, axis))
        with np.errstate(over="ignore"):  # of the smallest numbers
            weakest = np.where(faces & (on_faces > 0.0), length * distance / np.where(on_faces > 0.0, on_faces, 1.0), np.inf)
        place = np.unravel_index(weakest.argmin(), weakest.shape)
        slope = float(weakest[place]) / (4.0 * time_step)
        if slope < found.slope:
            found = Steepest(slope, float(on_faces[place]), float(length[place[1:]]), float(distance[place[0], 0, 0]))
    return found
