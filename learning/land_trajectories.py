"""Runs of the land that JAX differentiates, by its parameters, its pools at the start, its weather and networks in it.

    columns = land.Land(cells, parameters, on_jax.create(native=False))

    def misfit(efficiency):
        own = columns.with_parameters(land.with_values(columns.parameters, {"canopy_efficiency": efficiency}))
        _, seen = land_trajectory(own, own.start(), year, lambda state, fluxes: fluxes.gpp)      # [time, j, i]
        return ((seen - observed) ** 2).mean()

    jax.grad(misfit)(efficiency)
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import jax.numpy as jnp

from dycore.inputs.given import check_kind
from dycore.land.model import Fluxes, Land, LandState, check_taken
from dycore.land.weather import Weather
from dycore.learning.trajectories import in_segments, remembered


def land_trajectory(land: Land, state: LandState, weather: Weather,
                    see: Callable[[LandState, Fluxes], Any] | None = None) -> tuple[LandState, Any]:
    """The state after all steps of a weather, and what `see` makes of the state after each step and the fluxes of it, stacked.

    Pure: `jax.jit` (better: `dycore.backends.on_jax.jit`), `grad`, `jvp` and `vmap` take functions of it, by all that it is given.
    Reverse mode keeps the states of twice the square root of the number of steps, and computes the rest again. Without `see` the
    fluxes are stacked. Raises TypeError for what is no land, ValueError for another backend than JAX, and what does not fit.
    """
    check_kind("land", land, Land)
    if getattr(land.backend, "library", None) is not jnp:
        raise ValueError(f"learning.land_trajectory differentiates with JAX, but the backend of the land is {land.backend.name}. "
                         "Make the land with dycore.backends.on_jax.")
    if see is not None:
        check_taken("see", see, "state", "fluxes")
    land.check_state(state)
    weather = land.weather(weather)
    steps = weather.steps
    constant = [len(values) == 1 < steps for values in weather]
    series = tuple(None if same else jnp.asarray(values) for values, same in zip(weather, constant, strict=True))

    def once(state: LandState, varying: tuple) -> tuple:
        now = Weather(*(values[0] if new is None else new for values, new in zip(weather, varying, strict=True)))
        state, fluxes = land.pure_step(state, now)
        return state, fluxes if see is None else see(state, fluxes)

    return in_segments(once, state, steps, max(1, round(sqrt(steps))), remembered, series)
