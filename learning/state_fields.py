"""Fields of a state by name: their values on the cells, where they are open, and a state with increments of them.

The names are u, v, surface and those of the tracers; values are without halo, [k, j, i] or, of the surface, [j, i].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dycore.fields import Field
from dycore.grid import Grid, interior
from dycore.inputs.given import check_kind, shown
from dycore.inputs.nearest_name import nearest_name
from dycore.model import Model
from dycore.state import Past, State
from dycore.tiles import Halo, Place

VELOCITIES = {"u": Place.WEST_FACE, "v": Place.SOUTH_FACE}


def names_of_fields(model: Model) -> tuple[str, ...]:
    """Names of the fields that may be observed and corrected. Raises TypeError for what is no model."""
    check_kind("model", model, Model)
    return (*VELOCITIES, "surface", *model.parameters.tracer_names)


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError, with the nearest name, where a name is none of those known."""
    known = tuple(known)
    for name in given:
        if not isinstance(name, str) or name not in known:
            near = nearest_name(name, known)
            raise ValueError(f"{what} {shown(name)} does not exist{f'; did you mean {near!r}?' if near else '.'} There are "
                             f"{', '.join(known)}.")


def padded_field(model: Model, state: State, name: str) -> Any:
    """The padded array of a field."""
    if name in ("u", "v", "surface"):
        return getattr(state, name)
    return state.tracers[model.parameters.tracer_names.index(name)]


def field(model: Model, state: State, name: str) -> Any:
    """The values of a field on the cells. Raises ValueError for a name that does not exist."""
    check_names("The field", (name,), names_of_fields(model))
    return interior(padded_field(model, state, name))


def open_points(grid: Grid, name: str) -> np.ndarray:
    """True where a field has values of its own: in wet cells and on open faces."""
    floor = {"u": grid.metrics.floor_u, "v": grid.metrics.floor_v}.get(name, grid.metrics.floor)
    found = grid.open_levels(floor)
    return np.asarray(found.any(axis=0)) if name == "surface" else found


def with_halo(model: Model, place: Place, values: Any) -> Any:
    """A padded field of values on the cells, which stands in their centres or on their faces."""
    region = model.tile.region if values.ndim == 3 else model.tile.region.columns
    placed = Halo(model.tile, place), Field(values, region.ranges, tuple(r[0] for r in region.ranges))
    return model.backend.exchange(placed)[0]


def incremented(model: Model, state: State, increments: Mapping[str, Any]) -> State:
    """The state with increments (on the cells) of some of its fields; they are zero where a field has no values of its own.

    What the time stepper remembers of the surface and the tracers is incremented too, so that it extrapolates no jump.
    """
    check_names("The field", increments, names_of_fields(model))
    added = {name: with_halo(model, VELOCITIES.get(name, Place.CENTER), values * open_points(model.grid, name))
             for name, values in increments.items()}

    def plus(name: str, array: Any) -> Any:
        return array + added[name] if name in added else array

    def tracers(arrays: tuple) -> tuple:
        return tuple(map(plus, model.parameters.tracer_names, arrays))

    history = tuple(Past(plus("surface", past.surface), tracers(past.tracers), past.tendency_u, past.tendency_v)
                    for past in state.history)
    return state._replace(u=plus("u", state.u), v=plus("v", state.v), surface=plus("surface", state.surface),
                          tracers=tracers(state.tracers), history=history)
