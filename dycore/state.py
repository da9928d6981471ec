"""The state: what is needed to go on, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.grid import Grid, interior
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


def initial_state(grid: Grid, *, surface: ArrayLike, u: ArrayLike = 0.0, v: ArrayLike = 0.0,
                  tracers: Sequence[ArrayLike] = ()) -> State:
    """A state at rest in time: no history, no flux through the levels.

    Values are given on the interior (or as a number): u, v [k, j, i] on west and south faces, tracers
    [k, j, i], surface [j, i]. Raises ValueError where a shape does not fit, a value is not finite, or the surface leaves a
    column no thickness.
    """
    cells = grid.cells

    def given(name: str, values: ArrayLike, shape: tuple[int, ...], place: Place = Place.CENTER) -> np.ndarray:
        values = np.asarray(values, grid.dtype)
        if not np.isfinite(values).all():
            raise ValueError(f"The initial {name} has values that are not finite numbers.")
        try:
            values = np.broadcast_to(values, shape)
        except ValueError:
            raise ValueError(f"The initial {name} has shape {values.shape}; the grid needs {shape}.") from None
        return padded(grid, place, values)

    zero = np.zeros(grid.tile.region.padded, grid.dtype)
    surface = given("surface", surface, cells[1:])
    check_columns(grid, interior(surface))
    fields = tuple(given(f"tracer {m}", tracer, cells) for m, tracer in enumerate(tracers))
    return State(
        u=given("u", u, cells, Place.WEST_FACE), v=given("v", v, cells, Place.SOUTH_FACE), w=zero, surface=surface,
        tracers=fields, surface_before=(surface, surface),
        tracers_before=tuple((field, field) for field in fields),
        tendency_u_before=(zero, zero), tendency_v_before=(zero, zero), step=0)
