"""Air and land coupled: the lowest level of an atmosphere drives columns of land, which return heat and moisture to it.

    parameters = with_surface_exchange(parameters)           # of an atmosphere with potential temperature and specific humidity
    model = Model(grid, parameters, on_numpy)
    columns = land.Land(grid.cells[1:], land.Parameters(), on_numpy, days=1 / 24)
    for hour in range(24):
        state, soil, fluxes = coupled_step(model, columns, state, soil, weather.at(hour))

A step of the land comes first, with the temperature and humidity of the air at its beginning (explicit in time; the land's own
temperature is implicit); then steps of the atmosphere for as long, with the land's sensible heat and evaporation as fluxes into the
lowest level. Radiation, rain and carbon dioxide are those of a `dycore.land.Weather`. Air gains what the land loses, to round-off.
`dycore.learning.coupled_trajectory` has slopes through both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from dycore.fluid import Atmosphere
from dycore.grid import interior
from dycore.inputs.given import check_kind, check_model, shown
from dycore.land.model import Fluxes, Land, LandState
from dycore.land.water import DAY, FREEZING
from dycore.land.weather import BOLTZMANN, Weather
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.physics.surface import Flux, surface_flux
from dycore.state import State

TRACERS = "potential_temperature", "specific_humidity"
DRY_OVER_VAPOUR = 0.622  # ratio of gas constants


class Air(NamedTuple):
    """Air of the lowest level, planes [j, i]."""

    temperature: Any  # degrees C
    vapour: Any  # pressure of water vapour, hPa
    exner: Any  # (p / p0)^kappa


def with_surface_exchange(parameters: Parameters) -> Parameters:
    """Parameters of an atmosphere with two forcings more, the last: fluxes of heat and moisture into its lowest level.

    Raises ValueError for another fluid, and where tracers are not potential temperature (K) and specific humidity (kg/kg).
    """
    check_kind("parameters", parameters, Parameters)
    if not isinstance(parameters.fluid, Atmosphere) or tuple(parameters.tracer_names[:2]) != TRACERS:
        raise ValueError(f"Land exchanges heat and moisture with an Atmosphere whose first tracers are {TRACERS}; given "
                         f"{type(parameters.fluid).__name__} with tracer_names={shown(parameters.tracer_names)}.")
    return replace(parameters, forcing=(*parameters.forcing, surface_flux(0, 0.0), surface_flux(1, 0.0)))


def steps_of(model: Model, land: Land) -> int:
    """Steps of the atmosphere in one of the land. Raises ValueError where both do not go together."""
    check_model(model)
    check_kind("land", land, Land)
    steps = land.days * DAY / model.parameters.time_step
    if abs(steps - round(steps)) > 1e-6 * steps or steps < 0.5:
        raise ValueError(f"A step of the land of {land.days * DAY:g} s is no multiple of the {model.parameters.time_step:g} s of "
                         "the atmosphere. Give the atmosphere a time step that divides it.")
    if land.cells != model.grid.cells[1:] or model.backend.communication.ranks > 1 or land.precision != model.grid.dtype:
        raise ValueError(f"The land has {land.cells} columns in {land.precision}, the atmosphere {model.grid.cells[1:]} in "
                         f"{model.grid.dtype} on {model.backend.communication.ranks} processes. Both need the same columns and "
                         "precision, and one process.")
    if [type(forcing.values) for forcing in model.parameters.forcing[-2:]] != [Flux, Flux]:
        raise ValueError("The atmosphere has no fluxes of heat and moisture among its forcings. Make the model with parameters of "
                         "dycore.coupled_land.with_surface_exchange.")
    return round(steps)


def air_above(model: Model, state: State) -> Air:
    """The air of the lowest level; humidity that is below zero, as advection may make it, counts as none."""
    fluid, top = model.parameters.fluid, model.grid.interfaces[-1]
    _, exner = fluid.reference_s(model.grid.interfaces)
    pressure = interior(state.surface)
    here = float(exner[-1]) * (pressure / float(top)) ** fluid.kappa
    theta, humidity = (interior(tracer)[-1] for tracer in state.tracers[:2])
    return Air(theta * here - FREEZING, 0.01 * pressure * (0.5 * (abs(humidity) + humidity)) / DRY_OVER_VAPOUR, here)


def under(air: Air, weather: Weather) -> Weather:
    """The weather [j, i] with the temperature and humidity of the air, and the radiation of a clear sky (Brutsaert 1975)."""
    kelvin = air.temperature + FREEZING
    warmth = 17.27 * air.temperature / (air.temperature + 237.3)
    library = warmth.__array_namespace__()
    vapour = library.maximum(air.vapour, 0.1)
    return weather._replace(
        minimum_temperature=air.temperature, maximum_temperature=air.temperature,
        vapour_pressure_deficit=library.maximum(6.108 * library.exp(warmth) - air.vapour, 0.0),
        longwave=1.24 * (vapour / kelvin) ** (1.0 / 7.0) * BOLTZMANN * kelvin**4)


def into_air(model: Model, air: Air, fluxes: Fluxes) -> tuple:
    """Values of all forcings of the atmosphere, the last two of which are those of heat and moisture from the land.

    In Pa/s times the unit of the tracer: g H / (c_p Pi) and g E.
    """
    fluid = model.parameters.fluid
    heat = fluid.gravity / fluid.heat_capacity * fluxes.sensible_heat / air.exner
    return (*(forcing.values for forcing in model.parameters.forcing[:-2]), Flux(heat),
            Flux(fluid.gravity / DAY * fluxes.evaporation))


def coupled_step(model: Model, land: Land, state: State, soil: LandState, weather: Weather) -> tuple[State, LandState, Fluxes]:
    """Air and land after a step of the land, with the weather of it [j, i], and its fluxes. Raises ValueError as `steps_of`."""
    def advanced(state: State, values: tuple, steps: int) -> State:
        return model.steps(state, steps, forcing=values)

    return exchanged(model, land, model.asarrays(state), soil, weather, land.step, advanced)


def exchanged(model: Model, land: Land, state: State, soil: LandState, weather: Weather, step: Callable,
              advanced: Callable[[State, tuple, int], State]) -> tuple[State, LandState, Fluxes]:
    """A coupled step with a `step` of the land, and a function of (state, values of forcings, steps) for the atmosphere."""
    air = air_above(model, state)
    soil, fluxes = step(soil, under(air, weather))
    return advanced(state, into_air(model, air, fluxes), steps_of(model, land)), soil, fluxes
