"""Columns of land on a backend: carbon, water and energy of one step, and runs of many.

A step is three stencils of columns and one of photosynthesis; every column is for itself. Photosynthesis is a stencil
(`dycore.land.acm`) or a function of arrays, such as a network; a whole step may be replaced likewise (`Land.process`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from dycore.assembly.values import is_traced
from dycore.backend import Backend, BackendModule
from dycore.fields import as_field, map_arguments
from dycore.inputs.given import check_function, check_kind, check_number, integer, shown
from dycore.land.carbon import CarbonCoefficients, Pools, carbon_step, coefficients_of
from dycore.land.parameters import Parameters, Water, checked, checked_cells
from dycore.land.photosynthesis import acm, is_stencil
from dycore.land.water import Canopy, Reservoirs, canopy_of, water_step
from dycore.land.weather import Weather, part_of
from dycore.tiles import Boundary, Tile


class Coefficients(NamedTuple):
    """Parameters as steps read them, arrays [j, i]."""

    carbon: CarbonCoefficients
    water: Water


class LandState(NamedTuple):
    """State of the land: six pools of carbon, water and temperature, arrays [j, i]."""

    pools: Pools
    reservoirs: Reservoirs


class Fluxes(NamedTuple):
    """Fluxes of a step, arrays [j, i], and the leaf area and stress at its start."""

    gpp: Any  # gross primary production, g C/(m2 day)
    autotrophic: Any  # respiration of plants, g C/(m2 day)
    heterotrophic: Any  # respiration of litter and soil, g C/(m2 day)
    evaporation: Any  # mm/day
    runoff: Any  # mm/day
    drainage: Any  # mm/day
    net_radiation: Any  # W/m2
    latent_heat: Any  # W/m2
    sensible_heat: Any  # W/m2
    leaf_area: Any  # m2/m2
    stress: Any  # 1: none, 0: no water


def process_step(apply: Callable, photosynthesis: Callable, coefficients: Coefficients, state: LandState, weather: Weather,
                 days: Any) -> tuple[LandState, Fluxes]:
    """One step by the process model; `apply(function, *arguments)` applies a stencil or a function of arrays to all columns."""
    carbon, water = coefficients
    canopy = Canopy(*apply(canopy_of, state.pools.leaves, state.reservoirs.root_zone, carbon, water))
    gpp = apply(photosynthesis, canopy, weather, carbon)
    *pools, gained, plants, soil = apply(carbon_step, state.pools, gpp, canopy.stress, weather, carbon, days)
    *reservoirs, evaporated, runoff, drained, net, latent, sensible = apply(
        water_step, state.reservoirs, canopy, weather, water, days)
    return LandState(Pools(*pools), Reservoirs(*reservoirs)), Fluxes(
        gained, plants, soil, evaporated, runoff, drained, net, latent, sensible, *canopy)


@dataclass(frozen=True, eq=False)
class Land:
    """Columns of land with their parameters, on a backend. Nothing in it changes.

    cells: (ny, nx) columns; on several processes (a backend with the communication `dycore.backends.mpi.World`) each keeps a block
    of them, of three rows and columns at least where these are split, and no messages are sent. parameters: numbers or planes
    [j, i] of all columns. photosynthesis: a stencil (j, i, canopy, weather, carbon), as `dycore.land.acm`, or a function of
    arrays (canopy, weather, carbon), which gives GPP without lack of water [j, i] (g C/(m2 day)). days: length of a step, one or
    less. process: the step itself, a function as `process_step`. precision: "float64" or "float32".
    Raises ValueError for numbers and shapes that make no sense.
    """

    cells: tuple[int, int]
    parameters: Parameters
    backend: Any
    photosynthesis: Callable = acm
    days: float = 1.0
    process: Callable = process_step
    precision: str = "float64"

    def __post_init__(self) -> None:
        backend: Backend | BackendModule = self.backend
        backend = backend.create() if hasattr(backend, "create") else backend
        if not hasattr(backend, "communication"):
            raise TypeError(f"backend={shown(backend)} is no backend. Give on_numpy, on_numba or on_jax of dycore.backends.")
        if not isinstance(self.precision, str) or self.precision not in ("float64", "float32"):
            raise ValueError(f"precision={shown(self.precision)} must be 'float64' or 'float32'.")
        check_taken("photosynthesis", self.photosynthesis, *["j", "i"][:2 * is_stencil(self.photosynthesis)], "canopy", "weather",
                    "carbon")
        check_taken("process", self.process, "apply", "photosynthesis", "coefficients", "state", "weather", "days")
        object.__setattr__(self, "backend", backend)
        object.__setattr__(self, "cells", checked_cells(self.cells))
        object.__setattr__(self, "days", check_number("days", self.days, "a number of days from 1e-6 to 1",
                                                      lambda days: 1e-6 <= days <= 1.0))
        backend.use_precision(np.dtype(self.precision))
        object.__setattr__(self, "parameters", checked(self.parameters, self.cells, np.dtype(self.precision)))

    @cached_property
    def tile(self) -> Tile:
        """The columns of this process."""
        return self.backend.communication.tile(Tile((1, *self.cells), Boundary.WALL, Boundary.WALL, halo=(0, 0)))

    @cached_property
    def own_parameters(self) -> Parameters:
        """The parameters of the columns of this process."""
        return map_arguments(self.own, self.parameters)

    @cached_property
    def coefficients(self) -> Coefficients:
        """Parameters as steps read them."""
        carbon, water = self.own_parameters
        return Coefficients(coefficients_of(self.backend.library, carbon), water)

    def with_parameters(self, parameters: Parameters) -> Land:
        """The land with other parameters, which JAX may trace. Raises ValueError as `Land`."""
        return replace(self, parameters=parameters)

    def own(self, values: Any) -> Any:
        """An array of the backend of the columns [..., j, i] of this process, from those of all."""
        values = part_of(values, self.tile)
        return self.backend.asarray(values)

    def start(self) -> LandState:
        """The state at the start, of the parameters; the surface has 10 degrees C."""
        carbon, water = self.own_parameters
        library, shape = self.backend.library, self.tile.cells[1:]

        def plane(values: Any) -> Any:
            return library.array(library.broadcast_to(values, shape))

        pools = (getattr(carbon, f"initial_{name}") for name in Pools._fields)
        temperature = library.full(shape, 10.0, dtype=self.precision)
        return LandState(Pools(*map(plane, pools)), Reservoirs(plane(water.initial_root_zone), plane(water.initial_deep),
                                                               temperature))

    def weather(self, weather: Weather, axes: int = 3) -> Weather:
        """Weather of the columns of this process. Raises ValueError where it does not fit; axes: 2 for that of one step."""
        check_kind("weather", weather, Weather, "dycore.land.weather makes one.")
        for name, values in weather._asdict().items():
            shape = getattr(values, "shape", ())
            if len(shape) != axes or any(n not in (1, whole) for n, whole in zip(shape[-2:], self.cells, strict=True)):
                form = "[time, j, i]" if axes == 3 else "[j, i], as Weather.at gives one step"
                raise ValueError(f"{name} of the weather has the shape {shape}, and the land has {self.cells[0]} x {self.cells[1]} "
                                 f"columns. Give {form}, of this many columns or one for all.")
        return map_arguments(lambda values: part_of(values if is_traced(values) else np.asarray(values, self.precision), self.tile),
                             weather)

    def check_state(self, state: LandState) -> None:
        """Raise TypeError for what is no state, and ValueError for one of other columns or another precision."""
        check_kind("state", state, LandState, "Land.start gives one.")
        for name, array in (*Pools(*state.pools)._asdict().items(), *Reservoirs(*state.reservoirs)._asdict().items()):
            shape, precision = getattr(array, "shape", ()), getattr(array, "dtype", None)
            if tuple(shape) != self.tile.cells[1:] or precision != self.precision:
                raise ValueError(f"{name} of the state is {precision} {list(shape)}, and this land has {self.precision} "
                                 f"{list(self.tile.cells[1:])}. Begin with Land.start.")

    def pure_step(self, state: LandState, weather: Weather) -> tuple[LandState, Fluxes]:
        """One step, with the weather of it [j, i], as functions that JAX compiles call it (`dycore.learning.land_trajectory`)."""
        return self._step((self.coefficients, weather), (state, None))

    def step(self, state: LandState, weather: Weather) -> tuple[LandState, Fluxes]:
        """The state one step later and the fluxes of it; weather: of one step, as `Weather.at` gives it."""
        self.check_state(state)
        return self._steps((self.coefficients, self.weather(weather, 2)), (state, self._nothing), 1)

    def run(self, state: LandState, weather: Weather, see: Callable[[LandState, Fluxes], Any] | None = None,
            every: int = 1) -> tuple[LandState, Any]:
        """The state after all steps of a weather, and what `see` makes of states and fluxes, arrays stacked along a first axis.

        see: a function of the state after a step and the fluxes of it that returns a tree of arrays (named tuples, tuples); without
        it these are the fluxes. every: so many steps. Raises FloatingPointError where pools are no longer finite.
        """
        self.check_state(state)
        weather, every = self.weather(weather), integer("every", every, 1)
        if see is not None:
            check_taken("see", see, "state", "fluxes")
        seen = []
        for number in range(weather.steps):
            state, fluxes = self._steps((self.coefficients, weather.at(number)), (state, self._nothing), 1)
            if (number + 1) % every == 0:
                seen.append(fluxes if see is None else see(state, fluxes))
        if not all(np.isfinite(self.backend.to_numpy(pool)).all() for pool in (*state.pools, *state.reservoirs)):
            raise FloatingPointError("Pools are no longer finite numbers after the run. Take other parameters or shorter steps.")
        return state, stacked(self.backend, seen)

    def gather(self, values: Any) -> Any:
        """Arrays [..., j, i] of the whole domain in NumPy, in their tree, on rank 0; None on the others, which have to call it."""
        communication = self.backend.communication
        whole = map_arguments(lambda array: communication.assembled(self.tile, self.backend.to_numpy(array)), values)
        return whole if communication.rank == 0 else None

    @cached_property
    def _nothing(self) -> Fluxes:
        """Fluxes before the first step, for programs that hand on what they return."""
        return Fluxes(*[self.backend.asarray(np.zeros(self.tile.cells[1:], self.precision))] * len(Fluxes._fields))

    @cached_property
    def _steps(self) -> Callable:
        return self.backend.loop(self._step, period=1)

    def _step(self, given: tuple, carried: tuple) -> tuple:
        """One step with (coefficients, weather), of (state, fluxes of the step before)."""
        cells = self.tile.region

        def apply(function: Callable, *arguments: Any) -> Any:
            if is_stencil(function):
                return self.backend.apply(function, cells.columns, *arguments)
            return self.backend.call(function, cells, *arguments)

        days = np.dtype(self.precision).type(self.days)
        found = self.process(apply, self.photosynthesis, *given[:1], carried[0], given[1], days)
        if not isinstance(found, tuple) or [type(part) for part in found] != [LandState, Fluxes]:
            raise TypeError(f"The process {shown(self.process)} returns {shown(found)}. Return a dycore.land.LandState and the "
                            "dycore.land.Fluxes.")
        return map_arguments(lambda field: as_field(field).array, found)


def check_taken(name: str, function: Any, *arguments: str) -> None:
    """Raise TypeError or ValueError unless something is a function of these arguments, which are records of arrays."""
    check_function(name, function, *arguments)
    if isinstance(function, np.ufunc):
        raise TypeError(f"{name}={shown(function)} is a function of numbers. Give a function of ({', '.join(arguments)}).")


def stacked(backend: Any, seen: list) -> Any:
    """Trees of arrays as one tree of arrays with a first axis."""
    if not seen:
        return ()
    if isinstance(seen[0], tuple):
        parts = [stacked(backend, list(each)) for each in zip(*seen, strict=True)]
        return type(seen[0])(*parts) if hasattr(seen[0], "_fields") else tuple(parts)
    return backend.library.stack(list(map(backend.library.asarray, seen)))
