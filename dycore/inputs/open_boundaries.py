"""Open sides as they come in from outside: which sides can be open, and what is known of the sea beyond them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.assembly.values import is_traced
from dycore.equations.open_boundaries import Border, Inflow
from dycore.fluid import Ocean
from dycore.geometry.sides import Side, edge
from dycore.grid import Grid
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, as_array, given, not_negative, positive, shown
from dycore.inputs.named_axes import is_labelled
from dycore.inputs.units import VELOCITY
from dycore.open_boundaries import OpenBoundaries, OpenSide, Tide
from dycore.parameters import Parameters
from dycore.tiles import Boundary
from dycore.time_series import TimeSeries, of_each

RECORDS = 120  # of a tide in a period: linear between them, they are right to 3e-4 of its amplitude
FEWEST = 4  # cells from side to side: one outside at either, and two within


def open_sides(open_boundaries: Any) -> dict[Side, OpenSide]:
    """The open sides of parameters. Raises TypeError for what is no record of them."""
    if open_boundaries is None:
        return {}
    if not isinstance(open_boundaries, OpenBoundaries):
        raise TypeError(f"open_boundaries={shown(open_boundaries)} must be a dycore.open_boundaries.OpenBoundaries, or None.")
    found = {side: getattr(open_boundaries, side.value) for side in Side}
    for side, value in found.items():
        if value is not None and not isinstance(value, OpenSide):
            raise TypeError(f"open_boundaries.{side.value}={shown(value)} must be a dycore.open_boundaries.OpenSide, or None for a "
                            "wall.")
    return {side: value for side, value in found.items() if value is not None}


def check_open_boundaries(grid: Grid, parameters: Parameters) -> None:
    """Raise ValueError where sides are to be open that a model cannot open."""
    found = open_sides(parameters.open_boundaries)
    if parameters.open_boundaries is not None and not found:
        raise ValueError("open_boundaries has no open side. Give an OpenSide for one at least, or open_boundaries=None for walls.")
    if found and not isinstance(parameters.fluid, Ocean):
        raise ValueError(f"open_boundaries are for an ocean, and fluid is {type(parameters.fluid).__name__}. Use "
                         "open_boundaries=None, and a sponge (dycore.physics.sponge).")
    if found and parameters.substeps == 1:
        raise ValueError("open_boundaries let waves leave in the barotropic substeps, and there are none: substeps=1. Give "
                         "substeps=20 or more.")
    for side in found:
        boundary, n = (grid.tile.x, grid.cells[2]) if side.along_x else (grid.tile.y, grid.cells[1])
        if boundary is not Boundary.WALL:
            raise ValueError(f"open_boundaries.{side.value} is open on a grid that has no side there: it is {boundary.value}. Use "
                             "a grid with walls in this direction.")
        if n < FEWEST:
            raise ValueError(f"open_boundaries.{side.value} needs {FEWEST} cells from side to side, and the grid has {n}.")
        if not border_cells(grid, side).any():
            raise ValueError(f"open_boundaries.{side.value} is open, but no cell there is sea on both sides of the boundary. Leave "
                             "it a wall.")


def border_cells(grid: Grid, side: Side) -> np.ndarray:
    """True in the outermost cells [j, i] of a side from which a face is open into the grid."""
    wet = grid.wet.any(axis=0)
    found = np.zeros(wet.shape, bool)
    within = np.roll(wet, -side.inward, 1 if side.along_x else 0)
    found[edge(side)] = (wet & within)[edge(side)]
    return found


def borders_of(grid: Grid, parameters: Parameters) -> dict[Side, Border]:
    """The sea outside of each open side, with values that fit the grid. Raises ValueError or TypeError for what does not."""
    return {side: border(grid, parameters, side, value) for side, value in open_sides(parameters.open_boundaries).items()}


def border(grid: Grid, parameters: Parameters, side: Side, value: OpenSide) -> Border:
    """The sea outside of one side."""
    name, names = f"open_boundaries.{side.value}", parameters.tracer_names
    for part in ("tracers", "tides"):
        if not isinstance(getattr(value, part), (tuple, list)) or hasattr(getattr(value, part), "_fields"):
            raise ValueError(f"{name}.{part}={shown(getattr(value, part))} must be a tuple; of a single one write (one,).")
    if len(value.tracers) > len(names):
        raise ValueError(f"{name}.tracers has {len(value.tracers)} values, and there are {len(names)} tracers: "
                         f"tracer_names={names}.")
    seconds = not_negative(f"{name}.seconds", value.seconds, "s")

    def within(label: str, own: Any) -> Any:
        return () if own is None else section(label, grid, side, own)

    tracers = [within(f"{name}.tracers[{number}]", own) for number, own in enumerate(value.tracers)]
    inflows = [Inflow(1.0, line(f"{name}.velocity", grid, side, value.velocity, VELOCITY),
                      line(f"{name}.elevation", grid, side, value.elevation, ("m",)))]
    for number, tide in enumerate(value.tides):
        inflows += tidal_inflows(f"{name}.tides[{number}]", grid, side, tide, parameters.time_step)
    return Border(float(side.inward), tuple(inflows), within(f"{name}.profile", value.profile),
                  (*tracers, *[()] * (len(names) - len(tracers))),
                  min(1.0, parameters.time_step / seconds) if seconds > 0.0 else 1.0)


def tidal_inflows(name: str, grid: Grid, side: Side, tide: Any, time_step: float) -> list[Inflow]:
    """A constituent as what goes with the cosine and the sine of its time, which stand in the middle of a step."""
    if not isinstance(tide, Tide):
        raise TypeError(f"{name}={shown(tide)} must be a dycore.open_boundaries.Tide.")
    period = positive(f"{name}.period", tide.period, "s")
    if period < 2.0 * time_step:
        raise ValueError(f"{name}.period={period:g} s is shorter than two time steps of {time_step:g} s, which cannot follow it. "
                         f"Give seconds: {period:g} hours are {3600.0 * period:g} s.")
    for part in tide._fields:
        if isinstance(getattr(tide, part), TimeSeries):
            raise ValueError(f"{name}.{part} is a TimeSeries: amplitudes and phases of a tide do not change with time.")

    def along(part: str, units: tuple[str, ...]) -> Any:
        return line(f"{name}.{part}", grid, side, getattr(tide, part), units)

    angles = (np.radians(along(part, ("degree",))) for part in ("velocity_phase", "phase"))
    sizes = along("velocity", VELOCITY), along("elevation", ("m",))
    parts = [(size * np.cos(angle), size * np.sin(angle)) for size, angle in zip(sizes, angles, strict=True)]
    cycle = np.arange(RECORDS) / RECORDS
    return [Inflow(TimeSeries(cycle * period - 0.5 * time_step, function(2.0 * np.pi * cycle), period=period), velocity, elevation)
            for function, velocity, elevation in zip((np.cos, np.sin), *parts, strict=True)]


def line(name: str, grid: Grid, side: Side, values: Any, units: tuple[str, ...]) -> Any:
    """A plane [ny, nx] of a number or of a line along a side, 0 but on its faces; or a series of such."""
    def expanded(array: Any) -> Any:
        return along_side(name, grid, side, array, 0) if array.ndim == 1 else array

    fit, faces = fitting(name, grid, side, expanded, units, NUMBER, PLANE), border_faces(grid, side).astype(grid.dtype)
    return of_each(lambda record, own: fit(record, own) * faces, values)


def border_faces(grid: Grid, side: Side) -> np.ndarray:
    """True on the faces of a side [j, i] between the cells outside and those within."""
    faces = np.zeros(grid.cells[1:], bool)
    first = 1 if side.inward > 0 else -1
    faces[(slice(None), first) if side.along_x else (first, slice(None))] = True
    return faces


def section(name: str, grid: Grid, side: Side, values: Any) -> Any:
    """A number, a profile [nz], or a volume of one or of a section [nz, n] along a side; or a series of such."""
    def expanded(array: Any) -> Any:
        return along_side(name, grid, side, array, 1) if array.ndim == 2 else array

    return of_each(fitting(name, grid, side, expanded, (), NUMBER, PROFILE, VOLUME), values)


def along_side(name: str, grid: Grid, side: Side, array: Any, axis: int) -> Any:
    """An array [.., n] along a side with an axis of length 1 across it."""
    n = grid.cells[1 if side.along_x else 2]
    if array.shape[axis] != n:
        raise ValueError(f"{name} has {array.shape[axis]} values along the {side.value} side, which has {n} cells.")
    return array.reshape((*array.shape, 1) if side.along_x else (*array.shape[:axis], 1, n))


def fitting(name: str, grid: Grid, side: Side, expanded: Callable, units: tuple[str, ...], *forms: Any) -> Callable:
    """A function of (number of a record, its values) that gives a number or a field of the grid."""
    needed = border_cells(grid, side)

    def one(record: int | None, values: Any) -> Any:
        label = name if record is None else f"record {record} of {name}"
        if not (is_traced(values) or is_labelled(values)):
            values = expanded(as_array(label, values))
        found = given(label, values, grid.cells, *forms, precision=grid.dtype if is_traced(values) else float,
                      needed=needed if PLANE in forms else grid.wet & needed, units=units, places=grid.places())
        return found.item() if found.ndim == 0 and not is_traced(found) else found

    return one
