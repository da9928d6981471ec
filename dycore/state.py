"""The state: what is needed to go on, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore import printing
from dycore.given import NUMBER, PLANE, PROFILE, VOLUME, check_kind, given, shown
from dycore.grid import Grid
from dycore.thickness import check_columns
from dycore.tiles import Place, fill_halo


class State(NamedTuple):
    """All that a step needs; a tree of padded arrays that a step never changes.

    | field     | shape     | place       | unit |
    |-----------|-----------|-------------|------|
    | u, v      | [k, j, i] | west, south face | m/s, eastward and northward velocity |
    | w         | [k, j, i] | lower-r face | unit of r per s: flux through the levels, per area |
    | surface   | [j, i]    | centre      | m or Pa: moving boundary (sea surface height, surface pressure) |
    | tracers   | tuple of [k, j, i] | centre | each its own |
    | *_before  | as above  | as above    | the values one and two steps ago, newest first |
    | tendency_u_before, tendency_v_before | pairs of [k, j, i] | faces | m/s2, what was extrapolated one and two steps ago |
    | step      | number    |             | steps taken since the start |

    Histories (*_before) are empty tuples where the time stepper needs none (dycore.stepping.WickerSkamarock).
    """

    u: Any
    v: Any
    w: Any
    surface: Any
    tracers: tuple
    surface_before: tuple
    tracers_before: tuple
    tendency_u_before: tuple
    tendency_v_before: tuple
    step: Any

    def __repr__(self) -> str:
        return printing.of_state(self).text()

    def _repr_html_(self) -> str:
        return printing.of_state(self).html()


# where the fields of a state stand, in their order, all of a history in one place
PLACES = (Place.WEST_FACE, Place.SOUTH_FACE, *[Place.CENTER] * 5, Place.WEST_FACE, Place.SOUTH_FACE)


def padded(grid: Grid, place: Place, values: Any) -> np.ndarray:
    """A field with its halo from its values on the cells, [k, j, i] or [j, i]; zero on closed faces."""
    region = grid.tile.region if np.ndim(values) == 3 else grid.tile.region.columns
    whole = np.zeros(region.padded[-np.ndim(values):], grid.dtype)
    whole[tuple(slice(*r) for r in region.ranges)] = values
    fill_halo(grid.tile, place, whole)
    if place is Place.CENTER or whole.ndim == 2:
        return whole
    floor = grid.metrics.floor_u if place is Place.WEST_FACE else grid.metrics.floor_v
    return np.where(np.arange(len(whole))[:, None, None] >= floor, whole, np.zeros_like(whole))


def without_history(state: State) -> State:
    """The state alone, as a time stepper needs it that keeps no history."""
    return state._replace(surface_before=(), tracers_before=(), tendency_u_before=(), tendency_v_before=())


def map_state(function: Any, state: Any) -> Any:
    """A state with `function` applied to its arrays; the step number stays."""
    if isinstance(state, State):
        return State(*(map_state(function, part) for part in state[:-1]), step=state.step)  # type: ignore[misc]
    if isinstance(state, tuple):
        return tuple(map_state(function, part) for part in state)
    return function(state)


def initial_state(grid: Grid, *, surface: ArrayLike, u: ArrayLike = 0.0, v: ArrayLike = 0.0,
                  tracers: Sequence[ArrayLike] = ()) -> State:
    """A state at rest in time: no history, no flux through the levels.

    Values are given without halo: u, v on west and south faces and tracers as a number, a profile [nz], which lies along k,
    a plane [ny, nx] for all levels or a volume [nz, ny, nx]; the surface as a number or a plane. Values without fluid, and
    velocities on closed faces, are of no account: they may be masked or NaN. Raises ValueError where a shape does not fit,
    a value with fluid is masked or not a finite number, or the surface leaves a column no thickness.
    """
    check_kind("grid", grid, Grid, "Make one with dycore.grid.rectilinear or latitude_longitude.")
    cells, dtype, metrics = grid.cells, grid.dtype, grid.metrics

    def volume(name: str, values: ArrayLike, floor: np.ndarray, place: Place = Place.CENTER) -> np.ndarray:
        array = given(f"The initial {name}", values, cells, NUMBER, PROFILE, PLANE, VOLUME, precision=dtype,
                      needed=grid.open_levels(floor))
        return padded(grid, place, np.broadcast_to(array[:, None, None] if array.ndim == 1 else array, cells))

    if not isinstance(tracers, (list, tuple)) and getattr(tracers, "ndim", 0) != 4:
        raise ValueError("tracers must be a sequence with a field for each, for example (temperature, salinity) or (10.0,); given "
                         f"{shown(tracers)}.")
    zero = np.zeros(grid.tile.region.padded, dtype)
    level = given("The initial surface", surface, cells, NUMBER, PLANE, precision=dtype, needed=grid.wet,
                  otherwise=grid.interfaces[-1])
    level = np.broadcast_to(level, cells[1:])
    check_columns(grid, level)
    surface = padded(grid, Place.CENTER, level)
    fields = tuple(volume(f"tracer {m}", tracer, metrics.floor) for m, tracer in enumerate(tracers))
    return State(
        u=volume("u", u, metrics.floor_u, Place.WEST_FACE), v=volume("v", v, metrics.floor_v, Place.SOUTH_FACE), w=zero,
        surface=surface, tracers=fields, surface_before=(surface, surface),
        tracers_before=tuple((field, field) for field in fields),
        tendency_u_before=(zero, zero), tendency_v_before=(zero, zero), step=0)
