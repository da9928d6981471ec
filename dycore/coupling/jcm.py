"""JCM: an atmosphere of this core as a dynamical core of JCM 3.0, below its physics (Held-Suarez, SPEEDY, ECHAM).

    from jcm.model import Model
    from jcm.physics.speedy.speedy_terms import speedy_physics
    from dycore.coupling.jcm import DycoreCore, aquaplanet

    grid, parameters = aquaplanet((8, 64, 128), time_step=600.0)
    predictions = Model(dycore=DycoreCore(grid, parameters), physics=speedy_physics()).run(save_interval=1.0, total_time=30.0)

JCM (https://github.com/climate-analytics-lab/jax-gcm) adds a tendency of physics to the state, then the core takes a step: first
order in the time step. Importing this registers the core in JCM as "dycore". Needs `pip install 'dycore[jcm]'`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dycore.cases.held_suarez import friction_of
from dycore.coupling import columns
from dycore.coupling.columns import HUMIDITY, TEMPERATURE, Columns, Tendencies, turned
from dycore.equations.advection import weno3, weno5
from dycore.fluid import Atmosphere, moist_air
from dycore.geometry.coordinates import check_cells
from dycore.grid import EARTH_RADIUS, Grid, interior, latitude_longitude
from dycore.inputs.given import check_kind, check_number, integer, not_negative, shown
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State
from dycore.tracers import check_names
from dycore.vertical import uniform

try:
    from dinosaur.sigma_coordinates import SigmaCoordinates
    from jcm.dycore.base import DynamicalCore
    from jcm.dycore.registry import register_dycore
    from jcm.physics_interface import PhysicsState
    from jcm.terrain import TerrainData
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"JCM is not installed ({missing}). Install it with pip install 'dycore[jcm]': it brings about 100 "
                              "packages.") from None

NOISE = 0.1  # K
GROUND, LAPSE, STRATOSPHERE = 288.15, 0.190263, 216.65  # K, R dT/dz / g, K: of the standard atmosphere (ISO 2533)
GROUND_PRESSURE = 101325.0  # Pa
PRESSURE = 1.0e5  # Pa, by which JCM divides surface pressure
FIELDS = "u_wind", "v_wind", "temperature", "specific_humidity", "geopotential"  # of a PhysicsState, [k, i, j]


class Horizontal(NamedTuple):
    """Horizontal coordinates as physics of JCM reads them."""

    nodal_shape: tuple[int, int]  # (nx, ny)
    longitudes: Any  # radians [i]
    latitudes: Any  # radians [j]

    @property
    def nodal_axes(self) -> tuple[Any, Any]:
        """Longitudes (radians) and sines of latitudes."""
        return self.longitudes, jnp.sin(self.latitudes)


class Coordinates(NamedTuple):
    """Coordinates of a grid as JCM reads them."""

    horizontal: Horizontal
    vertical: Any  # SigmaCoordinates of dinosaur

    @property
    def nodal_shape(self) -> tuple[int, int, int]:
        """(nz, nx, ny)."""
        return (self.vertical.layers, *self.horizontal.nodal_shape)


class CoupledState(NamedTuple):
    """State that JCM carries: that of the core, and the simulated time (s)."""

    state: State
    sim_time: Any


def coordinates_of(grid: Grid) -> Coordinates:
    """The coordinates of a grid for JCM."""
    _, ny, nx = grid.cells
    axes = (jnp.asarray(np.radians(values), grid.dtype) for values in (grid.x, grid.y))
    return Coordinates(Horizontal((nx, ny), *axes), SigmaCoordinates(grid.interfaces / grid.interfaces[-1]))


def aquaplanet(cells: tuple[int, int, int], time_step: float, interfaces: np.ndarray | None = None, precision: str = "float64",
               dissipation: float = 1.0) -> tuple[Grid, Parameters]:
    """Grid and parameters of moist air over a sphere of water, for physics of JCM: weno5 along and weno3 across the levels.

    interfaces: pressures (Pa) from 0 to the ground [k + 1], by default levels of equal thickness. Biharmonic friction is that of
    dycore.cases.held_suarez times `dissipation`. Raises ValueError as the grid and the model do.
    """
    cells = check_cells(cells)
    levels = uniform(cells[0], 0.0, PRESSURE) if interfaces is None else interfaces
    spacing = EARTH_RADIUS * min(2.0 * np.pi / cells[2], np.pi / cells[1])
    friction = friction_of(spacing, not_negative("dissipation", dissipation, "no unit"))
    grid = latitude_longitude(cells, interfaces=levels, precision=precision)
    return grid, Parameters(fluid=Atmosphere(buoyancy=moist_air), time_step=time_step, tracer_names=(TEMPERATURE, HUMIDITY),
                            tracer_face=weno5, vertical_face=weno3, friction=friction)


def standard_temperature(pressure: np.ndarray) -> np.ndarray:
    """Temperature (K) of the standard atmosphere at a pressure (Pa), up to 20 km; as at 11 km above."""
    return np.maximum(STRATOSPHERE, GROUND * (pressure / GROUND_PRESSURE) ** LAPSE)


def check_whole_seconds(time_step: float) -> None:
    """Raise ValueError unless a time step is a whole number of seconds, as the clock of JCM counts them."""
    time_step = check_number("time_step", time_step, "a positive number of seconds", lambda dt: 0.0 < dt < np.inf)
    if time_step != round(time_step):
        raise ValueError(f"time_step={time_step:g} s is no whole number of seconds, in which JCM counts time. Round it down to "
                         f"{max(1, int(time_step))} s.")


def fastest_backend() -> Any:
    """A backend whose steps within the programs of JCM are Numba's kernels, where these can be had; else XLA's."""
    from dycore.backends import on_jax  # here, because the core imports no backend

    made = on_jax.create()
    return made if made.native is None else on_jax.create(native=True)


class DycoreCore(DynamicalCore):
    """A model of an atmosphere as JCM's DynamicalCore, on one process.

    The grid is a whole sphere in longitude and latitude (dycore.grid.latitude_longitude), sigma levels from 0 Pa; tracers are
    potential_temperature, specific_humidity unless the air is dry, and those that the physics wants, by its names. `backend`: a
    backend of dycore.backends.on_jax, by default Numba's kernels on a CPU that has them (on_jax.create(native=True)), else XLA's
    steps. dynamics_steps: time steps of the parameters from one call of physics to the next (of SPEEDY 1800 s in JCM's own
    core), before all of which its tendencies are added. Raises ValueError for another grid or fluid, other tracers, and a time step
    that is no whole number of seconds.
    """

    def __init__(self, grid: Grid, parameters: Parameters, backend: Any = None, dynamics_steps: int = 1):
        check_kind("grid", grid, Grid, "Make one with dycore.grid.latitude_longitude.")
        check_kind("parameters", parameters, Parameters)
        columns.check_globe(grid, parameters.fluid)
        check_whole_seconds(parameters.time_step)
        check_names(parameters.tracer_names)
        if TEMPERATURE not in parameters.tracer_names:
            raise ValueError(f"tracer_names={shown(parameters.tracer_names)} lack {TEMPERATURE}. Name it first, then {HUMIDITY}.")
        self.dynamics_steps = integer("dynamics_steps", dynamics_steps, 1)
        self.model = Model(grid, parameters, fastest_backend() if backend is None else backend)
        if "jax" not in self.model.backend.name or self.model.backend.communication.ranks > 1:
            raise ValueError(f"JCM steps in one program of JAX, on one process; given the backend {self.model.backend.name} on "
                             f"{self.model.backend.communication.ranks}. Give one of dycore.backends.on_jax, or none.")
        self.coords = coordinates_of(grid)
        self.dt_seconds = self.dynamics_steps * float(parameters.time_step)
        self.physics_dtype = jnp.dtype(grid.dtype)
        self.geopotential = columns.geopotential(self.model)
        self.terrain = self.build_terrain()
        self.tracer_specs: dict = {}

    def initial_state(self, physics_state: Any, *, sim_time: float = 0.0, random_seed: int = 0,
                      tracer_specs: Mapping[str, Any] | None = None) -> CoupledState:
        """State with the air of a PhysicsState; of None dry air at rest, as warm as the standard atmosphere, with noise of 0.1 K.

        JCM's own cores begin with air of 288 K at all heights (dinosaur), or that of the standard atmosphere too (pySES). The
        former is so warm aloft that rain is weak until it has cooled, for two months.
        """
        specs = tracer_specs or {}
        self.required_tracers_ok(list(specs.values()))
        _, nx, ny = shape = self.coords.nodal_shape
        others = {name: jnp.full(shape, float(spec.initial_value)) for name, spec in specs.items() if name != HUMIDITY}
        if physics_state is None:
            noise = NOISE * np.random.default_rng(random_seed).standard_normal(shape)
            zero = jnp.zeros(shape)
            warmth = standard_temperature(PRESSURE * np.asarray(self.coords.vertical.centers))[:, None, None]
            air = Columns(zero, zero, jnp.asarray(warmth + noise), zero,
                          jnp.full((nx, ny), float(self.model.grid.interfaces[-1])), others)
        else:
            self.check_shapes("The PhysicsState", physics_state)
            air = Columns(physics_state.u_wind, physics_state.v_wind, physics_state.temperature, physics_state.specific_humidity,
                          PRESSURE * physics_state.normalized_surface_pressure, others | dict(physics_state.tracers))
        return CoupledState(columns.state_of(self.model, air), jnp.asarray(float(sim_time)))

    def to_physics_state(self, state: CoupledState) -> Any:
        """The air as physics takes it, [k, i, j] from the top down."""
        air = columns.columns(self.model, state.state)
        return PhysicsState(air.u, air.v, air.temperature, air.humidity, self.geopotential(state.state),
                            air.surface_pressure / PRESSURE, air.tracers)

    def with_tendency(self, state: CoupledState, physics_tendency: Any) -> State:
        """The state of the core after a step of physics alone. Raises ValueError for a tracer that it does not carry."""
        if physics_tendency is None:
            return state.state
        self.check_names(physics_tendency.tracers)
        self.check_shapes("The tendency", physics_tendency)
        rates = Tendencies(physics_tendency.u_wind, physics_tendency.v_wind, physics_tendency.temperature,
                           physics_tendency.specific_humidity, dict(physics_tendency.tracers))
        return columns.added(self.model, state.state, rates, self.dt_seconds)

    def step(self, state: CoupledState, physics_tendency: Any) -> CoupledState:
        """State after a step of physics, then `dynamics_steps` of the core."""
        now, model, n = self.with_tendency(state, physics_tendency), self.model, self.dynamics_steps
        if n > 1 and getattr(model.backend, "everywhere", False):
            now = model.steps(now, n)  # in one call of the kernels, because each call copies the state
        else:
            now = model.pure_step(now) if n == 1 else jax.lax.fori_loop(0, n, lambda _, now: model.pure_step(now), now)
        return CoupledState(now, state.sim_time + self.dt_seconds)

    def after_physics_state(self, state: CoupledState, physics_tendency: Any) -> Any:
        """The air from which the core steps: tendencies of wind as its faces hold them."""
        return self.to_physics_state(state._replace(state=self.with_tendency(state, physics_tendency)))

    def sim_time(self, state: CoupledState) -> Any:
        """Simulated time (s)."""
        return state.sim_time

    def with_sim_time(self, state: CoupledState, sim_time: Any) -> CoupledState:
        """The state at another simulated time (s)."""
        return state._replace(sim_time=jnp.asarray(sim_time, jnp.asarray(state.sim_time).dtype))

    def check_shapes(self, what: str, air: Any) -> None:
        """Raise ValueError where fields of a state or a tendency of JCM are not of the grid."""
        levels, *plane = self.coords.nodal_shape
        fields = dict.fromkeys(FIELDS[:4], (levels, *plane)) | {"normalized_surface_pressure": tuple(plane)}
        shapes = [(name, np.shape(getattr(air, name)), shape) for name, shape in fields.items() if hasattr(air, name)]
        for name, given, shape in (*shapes, *((name, np.shape(value), (levels, *plane)) for name, value in air.tracers.items())):
            if given != shape:
                raise ValueError(f"{what} has {name} of shape {given}; this core has {shape}: levels from the top, longitudes, "
                                 "latitudes.")

    def check_names(self, names: Any) -> None:
        """Raise ValueError where a name is of no tracer that the core carries."""
        missing = [name for name in names if name not in self.model.parameters.tracer_names]
        if missing:
            raise ValueError(f"The physics has tracers that this core does not carry: {', '.join(map(str, missing))}. It carries "
                             f"{', '.join(self.model.parameters.tracer_names)}: add them to tracer_names of its Parameters.")

    def required_tracers_ok(self, specs: Sequence[Any]) -> None:
        """Raise ValueError where physics needs a tracer that the core does not carry."""
        self.check_names([spec.name for spec in specs])

    def to_xarray(self, predictions: Any, times: Any, *, additional_coords: Mapping[str, Any] | None = None,
                  physics: Any = None) -> Any:
        """Dataset (time, level, lon, lat) of a trajectory: fields of the air, tracers, and what physics diagnoses on the grid."""
        import xarray
        from jcm.predictions import physics_output_fields

        horizontal, vertical = self.coords
        shape, names = horizontal.nodal_shape, ("time", "level", "lon", "lat")
        air = predictions.dynamics
        given = {name: getattr(air, name) for name in (*FIELDS, "normalized_surface_pressure")} | dict(air.tracers)
        physics = self.output_physics if physics is None else physics
        if physics is not None and predictions.physics is not None:
            given |= physics_output_fields(predictions.physics, physics, shape)
        sizes = {(len(times), *shape): ("time", "lon", "lat"), (len(times), vertical.layers, *shape): names}
        fields = {name: (sizes[np.shape(value)], np.asarray(value)) for name, value in given.items() if np.shape(value) in sizes}
        places = {"time": np.asarray(times), "level": np.asarray(vertical.centers),
                  "lon": np.degrees(np.asarray(horizontal.longitudes)), "lat": np.degrees(np.asarray(horizontal.latitudes))}
        return xarray.Dataset(fields, coords=places | dict(additional_coords or {}))

    def build_terrain(self, *, source_file: str | None = None, **kwargs: Any) -> Any:
        """Terrain of the grid: its mountains (with_surface_geopotential), under water all over. Raises ValueError for a file."""
        if source_file is not None or kwargs:
            raise ValueError(f"Terrain is that of the grid; given source_file={shown(source_file)} and {shown(sorted(kwargs))}. "
                             "Make the grid with with_surface_geopotential.")
        ground = turned(interior(self.model.grid.metrics.surface_geopotential))
        return TerrainData.aquaplanet(self.coords).copy(phis0=ground, orog=ground / self.model.parameters.fluid.gravity)


register_dycore("dycore")(DycoreCore)
