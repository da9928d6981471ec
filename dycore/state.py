"""The state: what is needed to go on, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore import printing
from dycore.geometry.thickness import check_columns
from dycore.grid import Grid
from dycore.halo_sources import fill_halo
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, check_kind, given, shown
from dycore.inputs.units import TEMPERATURE, VELOCITY, VERTICAL, is_temperature, units_of
from dycore.tiles import Place


@dataclass(frozen=True)
class Prognostic:
    """A field that a state carries from step to step: what files, halos, checks and output have to know of it.

    name: as in restarts and output. place: where in a cell it stands. unit: as udunits knows it. minimum: below which no
    value may fall. start: what it begins with, a number, a profile [nz], a plane [ny, nx] or a volume [nz, ny, nx].
    levels: whether it has any, [k, j, i], or is a plane [j, i].
    """

    name: str
    place: Place
    unit: str
    minimum: float = -inf
    start: Any = 0.0
    levels: bool = True


class Past(NamedTuple):
    """Fields that Adams-Bashforth extrapolates from, of one or two steps ago; arrays as in `State`."""

    surface: Any
    tracers: tuple
    tendency_u: Any  # at west faces (m/s2)
    tendency_v: Any  # at south faces (m/s2)


class State(NamedTuple):
    """State of a model, all that a step needs: a tree of padded arrays that a step never changes.

    | field     | shape     | place       | unit |
    |-----------|-----------|-------------|------|
    | u, v      | [k, j, i] | west, south face | m/s, eastward and northward velocity |
    | w         | [k, j, i] | lower-r face | unit of r per s: flux through the levels, per area |
    | surface   | [j, i]    | centre      | m or Pa: moving boundary (sea surface height, surface pressure) |
    | tracers   | tuple of [k, j, i] | centre | each its own |
    | closure   | tuple     | as declared | prognostic fields of closures, in their order (`Prognostic`) |
    | history   | tuple of `Past` | as above | one and two steps ago; empty where the stepper needs none |
    | step      | number    |             | steps taken since the start |
    | time      | number    |             | s since the start: step times the time step |
    """

    u: Any
    v: Any
    w: Any
    surface: Any
    tracers: tuple
    closure: tuple
    history: tuple
    step: Any
    time: Any

    def __repr__(self) -> str:
        return printing.of_state(self).text()

    def _repr_html_(self) -> str:
        return printing.of_state(self).html()


AGO = ("one step before", "two steps before")


def layout(tracer_names: Sequence[str], closure: tuple[Prognostic, ...] = (), history: bool = True) -> State:
    """A state of what is known of each of its fields (`Prognostic`), without step and time."""
    surface = Prognostic("surface", Place.CENTER, "", levels=False)
    tracers = tuple(Prognostic(f"tracer {name}", Place.CENTER, "") for name in tracer_names)
    tendencies = (Prognostic("tendency of u", Place.WEST_FACE, "m s-2"), Prognostic("tendency of v", Place.SOUTH_FACE, "m s-2"))

    def past(ago: str) -> Past:
        def then(field: Prognostic) -> Prognostic:
            return replace(field, name=f"{field.name}, {ago}")

        return Past(then(surface), tuple(map(then, tracers)), *map(then, tendencies))

    return State(Prognostic("u", Place.WEST_FACE, "m s-1"), Prognostic("v", Place.SOUTH_FACE, "m s-1"),
                 Prognostic("w", Place.LOWER_FACE, ""), surface, tracers, closure,
                 tuple(map(past, AGO)) if history else (), None, None)


def leaves(part: Any) -> Iterator[Any]:
    """The parts of a tree of tuples in sequence."""
    if isinstance(part, tuple):
        for each in part:
            yield from leaves(each)
    else:
        yield part


def without_history(state: State) -> State:
    """The state alone, as a time stepper needs it that keeps no history."""
    return state._replace(history=())


def map_state(function: Any, state: Any, *others: Any) -> Any:
    """A state with `function` applied to its arrays and those of others; step number and time stay."""
    if isinstance(state, State):
        parts = (map_state(function, *parts) for parts in zip(*(each[:-2] for each in (state, *others)), strict=True))
        return State(*parts, step=state.step, time=state.time)  # type: ignore[misc]
    if isinstance(state, tuple):
        mapped = [map_state(function, *parts) for parts in zip(state, *others, strict=True)]
        return type(state)(*mapped) if hasattr(state, "_fields") else tuple(mapped)
    return function(state, *others)


def padded(grid: Grid, place: Place, values: Any) -> np.ndarray:
    """A field with its halo from its values on the cells, [k, j, i] or [j, i]; zero on closed faces."""
    region = grid.tile.region if np.ndim(values) == 3 else grid.tile.region.columns
    whole = np.zeros(region.padded[-np.ndim(values):], grid.dtype)
    whole[tuple(slice(*r) for r in region.ranges)] = values
    fill_halo(grid.tile, place, whole)
    if not place.is_vector or whole.ndim == 2:
        return whole
    floor = grid.metrics.floor_u if place is Place.WEST_FACE else grid.metrics.floor_v
    return np.where(np.arange(len(whole))[:, None, None] >= floor, whole, np.zeros_like(whole))


def beginning(grid: Grid, prognostic: Prognostic) -> np.ndarray:
    """The padded field with which a prognostic one starts. Raises ValueError where that does not fit the grid."""
    forms = (NUMBER, PROFILE, PLANE, VOLUME) if prognostic.levels else (NUMBER, PLANE)
    array = given(f"The start of {prognostic.name}", prognostic.start, grid.cells, *forms, precision=grid.dtype, needed=grid.wet,
                  units=(prognostic.unit,) if prognostic.unit else (), places=grid.places(prognostic.place))
    if (array < prognostic.minimum).any():
        raise ValueError(f"The start of {prognostic.name} is {array.min():g} {prognostic.unit} somewhere, less than its minimum of "
                         f"{prognostic.minimum:g}. Begin with more.")
    shape = grid.cells if prognostic.levels else grid.cells[1:]
    return padded(grid, prognostic.place, np.broadcast_to(array[:, None, None] if array.ndim == 1 else array, shape))


def temperature_units(grid: Grid, tracer: Any) -> tuple[str, ...]:
    """Degrees Celsius for a tracer that is a temperature by its units, in an ocean: levels below zero are heights; else none."""
    return TEMPERATURE if grid.interfaces[0] < 0.0 and is_temperature(units_of(tracer)) else ()


def initial_state(grid: Grid, *, surface: ArrayLike, u: ArrayLike = 0.0, v: ArrayLike = 0.0,
                  tracers: Sequence[ArrayLike] = ()) -> State:
    """A state at rest in time: no history, no flux through the levels.

    Values are given without halo: u, v on west and south faces and tracers as a number, a profile [nz], which lies along k,
    a plane [ny, nx] for all levels or a volume [nz, ny, nx]; the surface as a number or a plane. Values without fluid, and
    velocities on closed faces, are of no account: they may be masked or NaN. An xarray.DataArray with an attribute `units` is
    converted: velocities to m/s, the surface to m or Pa, temperatures of an ocean (levels below zero) to degrees Celsius; its
    longitudes may be of any convention. Raises ValueError where a shape does not fit,
    a value with fluid is masked or not a finite number, units or places are others, or the surface leaves a column no thickness.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear or latitude_longitude.")
    cells, dtype, metrics = grid.cells, grid.dtype, grid.metrics

    def volume(name: str, values: ArrayLike, floor: np.ndarray, units: tuple[str, ...], place: Place = Place.CENTER) -> np.ndarray:
        array = given(f"The initial {name}", values, cells, NUMBER, PROFILE, PLANE, VOLUME, precision=dtype,
                      needed=grid.open_levels(floor), units=units, places=grid.places(place))
        return padded(grid, place, np.broadcast_to(array[:, None, None] if array.ndim == 1 else array, cells))

    if not isinstance(tracers, (list, tuple)) and getattr(tracers, "ndim", 0) != 4:
        raise ValueError("tracers must be a sequence with a field for each, for example (temperature, salinity) or (10.0,); given "
                         f"{shown(tracers)}.")
    zero = np.zeros(grid.tile.region.padded, dtype)
    level = given("The initial surface", surface, cells, NUMBER, PLANE, precision=dtype, needed=grid.wet,
                  otherwise=grid.interfaces[-1], units=VERTICAL, places=grid.places())
    level = np.broadcast_to(level, cells[1:])
    check_columns(grid, level)
    surface = padded(grid, Place.CENTER, level)
    fields = tuple(volume(f"tracer {m}", tracer, metrics.floor, temperature_units(grid, tracer))
                   for m, tracer in enumerate(tracers))
    past = Past(surface, fields, zero, zero)
    return State(
        u=volume("u", u, metrics.floor_u, VELOCITY, Place.WEST_FACE),
        v=volume("v", v, metrics.floor_v, VELOCITY, Place.SOUTH_FACE), w=zero,
        surface=surface, tracers=fields, closure=(), history=(past, past), step=0, time=0.0)
