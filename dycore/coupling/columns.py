"""Columns of air between a model on JAX and physics of others: fields at cell centres, and tendencies of them.

Arrays are [k, i, j], without halo, levels from the top down: physics in JAX broadcasts latitudes against the last axis. Winds are
means of both faces of a cell, tendencies of wind at a face are means of both cells, and those across a pole are zero: what the
faces cannot hold, waves of two cells, is not felt by the dynamics.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

try:
    import jax.numpy as jnp
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"JAX is not installed ({missing}): pip install 'dycore[jax]'.", name=missing.name) from None

from dycore.assembly.values import joined
from dycore.equations import column, pressure
from dycore.fields import Field, map_arguments
from dycore.fluid import Atmosphere
from dycore.grid import Grid, interior
from dycore.model import Model
from dycore.program import Program, planned
from dycore.state import State, initial_state
from dycore.tiles import Boundary, Halo, Place

TEMPERATURE = "potential_temperature"
HUMIDITY = "specific_humidity"


class Columns(NamedTuple):
    """State of the air at cell centres, [k, i, j], levels from the top down."""

    u: Any  # m/s, eastward
    v: Any  # m/s, northward
    temperature: Any  # K
    humidity: Any  # kg/kg
    surface_pressure: Any  # Pa [i, j]
    tracers: dict[str, Any]  # the others by name


class Tendencies(NamedTuple):
    """Rates of change at cell centres, [k, i, j]."""

    u: Any  # m/s2
    v: Any  # m/s2
    temperature: Any  # K/s
    humidity: Any  # 1/s
    tracers: dict[str, Any]  # the others by name; those that are not there do not change


def turned(values: Any) -> Any:
    """Array [..., j, i] as [..., i, j], and the reverse."""
    return jnp.swapaxes(jnp.asarray(values), -1, -2)


def check_globe(grid: Grid, fluid: Any) -> None:
    """Raise ValueError unless a grid is a whole sphere in longitude and latitude, without land, under an atmosphere in sigma."""
    if not isinstance(fluid, Atmosphere):
        raise ValueError(f"fluid={type(fluid).__name__} is no atmosphere. Give a dycore.fluid.Atmosphere to physics of the air.")
    if not grid.spherical or grid.tile.y is not Boundary.POLE or grid.north_pole is not None:
        raise ValueError(f"The grid of {grid.cells} cells is no whole sphere in true longitude and latitude. Make it with "
                         "dycore.grid.latitude_longitude without latitudes, longitudes and pole.")
    if float(grid.interfaces[0]) != 0.0:
        raise ValueError(f"The top of the air is at {float(grid.interfaces[0]):g} Pa: levels are then no sigma levels. Begin "
                         "interfaces at 0 Pa, or leave out this core: hybrid levels are not supported.")
    if grid.has_land:
        raise ValueError("The grid has land, which an atmosphere has none of: give mountains by with_surface_geopotential.")
    if fluid.rest.c0 != 0.0 or fluid.rest.above != 0.0:
        raise ValueError("The fluid has a state of rest taken out of its geopotential, which physics needs whole. Use Atmosphere() "
                         "without at_rest.")


def exner(model: Model, surface: Any) -> Any:
    """Mean Exner function of the layers [k, j, i] under a surface pressure (Pa) [j, i]: temperature over potential temperature."""
    fluid, interfaces = model.parameters.fluid, model.grid.interfaces
    layers = fluid.reference_s(interfaces)[1].astype(model.grid.dtype)
    return jnp.asarray(layers)[:, None, None] * (surface / float(interfaces[-1])) ** float(fluid.kappa)


def geopotential(model: Model) -> Callable[[State], Any]:
    """The function of a state that gives the geopotential (m2/s2) in the middle of layers [k, i, j], by the core's own balance."""
    backend, tile = model.backend, model.tile

    def balanced(on: Any, numbers: tuple, state: State) -> Field:
        equations = joined(model.choices, numbers)
        layers = column.stretched(on, equations.grid, equations.parameters.fluid, state.surface)
        return on.store(pressure.hydrostatic_balance(on, equations, layers, state)[0])

    def of(state: State) -> Any:
        recorder, given = backend.recorder(), (model.numbers, state)
        marked = map_arguments(recorder.placeholder, given)
        kept = planned(recorder, tile, lambda on: (balanced(on, *marked).array,), (), alone=True)
        return turned(interior(backend.whole(tile, balanced(Program(backend, tile, kept), *given)).array))

    return of


def columns(model: Model, state: State) -> Columns:
    """The air of a state at cell centres; without a tracer specific_humidity it is dry."""
    surface, u, v = interior(state.surface), interior(state.u), interior(state.v)
    north = jnp.concatenate([v[:, 1:], jnp.zeros_like(v[:, :1])], axis=1)  # no wind across the last face, the pole
    values = dict(zip(model.parameters.tracer_names, map(interior, state.tracers), strict=True))
    temperature = values.pop(TEMPERATURE) * exner(model, surface)
    humidity = values.pop(HUMIDITY, jnp.zeros_like(temperature))
    return Columns(turned(0.5 * (u + jnp.roll(u, -1, -1))), turned(0.5 * (v + north)), turned(temperature), turned(humidity),
                   turned(surface), {name: turned(value) for name, value in values.items()})


def on_west_faces(values: Any) -> Any:
    """Means of the two cells at each west face, [k, j, i], of a sphere."""
    return 0.5 * (values + jnp.roll(values, 1, -1))


def on_south_faces(values: Any) -> Any:
    """Means of the two cells at each south face, [k, j, i]; zero at the South Pole."""
    return jnp.concatenate([jnp.zeros_like(values[:, :1]), 0.5 * (values[:, 1:] + values[:, :-1])], axis=1)


def state_of(model: Model, air: Columns) -> State:
    """A state at the start with the air of columns, on the backend of a model. Raises ValueError where it does not fit the grid."""
    surface = turned(air.surface_pressure)
    given = {TEMPERATURE: turned(air.temperature) / exner(model, surface), HUMIDITY: turned(air.humidity)}
    given |= {name: turned(value) for name, value in air.tracers.items()}
    zero = np.zeros(model.grid.cells)
    tracers = tuple(np.asarray(given.get(name, zero)) for name in model.parameters.tracer_names)
    state = initial_state(model.grid, surface=np.asarray(surface), u=np.asarray(on_west_faces(turned(air.u))),
                          v=np.asarray(on_south_faces(turned(air.v))), tracers=tracers)
    return model.asarrays(state)._replace(step=jnp.asarray(0, jnp.int32))


def added(model: Model, state: State, tendencies: Tendencies, seconds: float) -> State:
    """The state after so many seconds of tendencies, with halos, and nothing else: forward Euler."""
    tile, dtype, names = model.tile, model.grid.dtype, model.parameters.tracer_names
    by_name = {TEMPERATURE: turned(tendencies.temperature) / exner(model, interior(state.surface)),
               HUMIDITY: turned(tendencies.humidity)}
    by_name |= {name: turned(value) for name, value in tendencies.tracers.items()}
    changed = [name for name in names if name in by_name]
    values = [on_west_faces(turned(tendencies.u)), on_south_faces(turned(tendencies.v)), *(by_name[name] for name in changed)]
    places = [Place.WEST_FACE, Place.SOUTH_FACE, *[Place.CENTER] * len(changed)]
    ranges = tile.region.ranges
    origin = tuple(start for start, _ in ranges)
    u, v, *rest = model.backend.exchange(*(
        (Halo(tile, place), Field((seconds * value).astype(dtype), ranges, origin))
        for place, value in zip(places, values, strict=True)))
    increments = dict(zip(changed, rest, strict=True))
    tracers = tuple(array + increments[name] if name in increments else array
                    for name, array in zip(names, state.tracers, strict=True))
    return state._replace(u=state.u + u, v=state.v + v, tracers=tracers)
