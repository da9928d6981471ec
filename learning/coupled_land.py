"""Runs of air and land together that JAX differentiates: one gradient through both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from dycore.coupled_land import exchanged, steps_of
from dycore.inputs.forcings import with_values
from dycore.land.model import Fluxes, Land, LandState, check_taken
from dycore.land.weather import Weather
from dycore.learning.trajectories import remembered, trajectory
from dycore.model import Model
from dycore.state import State


def coupled_trajectory(model: Model, land: Land, state: State, soil: LandState, weather: Weather,
                       see: Callable[[State, LandState, Fluxes], Any] | None = None) -> tuple[State, LandState, Any]:
    """Air and land after all steps of a weather (dycore.coupled_land.coupled_step), and what `see` makes of each, stacked.

    Pure, and differentiated by all that it is given: parameters of both, states and weather. Kept on the way are the states at the
    beginning of steps of the land. Without `see` the land's fluxes are stacked. Raises ValueError for another backend than JAX, and
    as `dycore.coupled_land.steps_of`.
    """
    steps_of(model, land)
    for name, made in (("model", model), ("land", land)):
        if getattr(made.backend, "library", None) is not jnp:
            raise ValueError(f"learning.coupled_trajectory differentiates with JAX, but the backend of the {name} is "
                             f"{made.backend.name}. Make both with dycore.backends.on_jax.")
    if see is not None:
        check_taken("see", see, "state", "soil", "fluxes")
    land.check_state(soil)
    whole = land.weather(weather)
    series = jax.tree.map(lambda values: jnp.broadcast_to(values, (whole.steps, *values.shape[1:])), whole)

    def advanced(state: State, values: tuple, steps: int) -> State:
        return trajectory(model.with_parameters(with_values(model.parameters, values)), state, steps)[0]

    def once(carried: tuple, now: Weather) -> tuple:
        state, soil = carried
        state, soil, fluxes = exchanged(model, land, state, soil, now, land.pure_step, advanced)
        return (state, soil), fluxes if see is None else see(state, soil, fluxes)

    (state, soil), seen = jax.lax.scan(remembered(once), (model.asarrays(state), soil), series)
    return state, soil, seen
