"""What the coupling to JCM imports of JCM 3.0, as its documentation describes it, where JCM is not installed."""

import abc
import importlib.util
import sys
import types
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class DynamicalCore(abc.ABC):
    """The methods that JCM asks of a core."""

    output_physics = None

    @abc.abstractmethod
    def initial_state(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def to_physics_state(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def step(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def sim_time(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def with_sim_time(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def to_xarray(self, *arguments, **others):
        pass

    @abc.abstractmethod
    def build_terrain(self, *arguments, **others):
        pass


@jax.tree_util.register_dataclass
@dataclass
class PhysicsState:
    """The air as physics takes it."""

    u_wind: Any
    v_wind: Any
    temperature: Any
    specific_humidity: Any
    geopotential: Any
    normalized_surface_pressure: Any
    tracers: dict = field(default_factory=dict)


@dataclass
class PhysicsTendency:
    """Rates by physics."""

    u_wind: Any
    v_wind: Any
    temperature: Any
    specific_humidity: Any
    tracers: dict = field(default_factory=dict)


@dataclass
class SigmaCoordinates:
    """Levels by their boundaries from 0 to 1."""

    boundaries: np.ndarray

    @property
    def centers(self):
        return 0.5 * (self.boundaries[1:] + self.boundaries[:-1])

    @property
    def layers(self):
        return len(self.boundaries) - 1


@dataclass
class TerrainData:
    """Height and geopotential of the ground."""

    orog: Any
    phis0: Any

    @classmethod
    def aquaplanet(cls, coords):
        zero = jnp.zeros(coords.horizontal.nodal_shape)
        return cls(zero, zero)

    def copy(self, **changes):
        return replace(self, **changes)


class Model:
    """Steps of physics and of a core in turn, of which the means are kept."""

    def __init__(self, *, dycore, physics):
        self.dycore, self.physics = dycore, physics

    def run(self, *, save_interval, total_time, output_averages):
        core, times = self.dycore, np.arange(save_interval, total_time + 0.5 * save_interval, save_interval)

        def step(state, _):
            rates, found = self.physics(core.to_physics_state(state))
            state = core.step(state, rates)
            return state, (core.to_physics_state(state), found)

        _, every = jax.jit(lambda state: jax.lax.scan(step, state, length=round(total_time * 86400.0 / core.dt_seconds)))(
            core.initial_state(None))
        air, found = jax.tree.map(lambda each: each.reshape(len(times), -1, *each.shape[1:]).mean(axis=1), every)
        predictions = types.SimpleNamespace(dynamics=air, physics=found)
        core.output_physics = self.physics
        return types.SimpleNamespace(to_xarray=lambda: core.to_xarray(predictions, times))


EVAPORATION = 4.0 / 86400.0  # kg/m2/s, of the stand-in for SPEEDY, in which a quarter of it rains


def speedy_physics():
    """Physics that puts water into all of the column alike."""

    def physics(air):
        zero = jnp.zeros_like(air.temperature)
        rain = jnp.full_like(air.normalized_surface_pressure, 0.25 * EVAPORATION)
        rates = PhysicsTendency(zero, zero, zero, zero + 0.75 * EVAPORATION * 9.80616 / (1e5 * air.normalized_surface_pressure))
        return rates, {"surface_exchange.evaporation": 4.0 * rain, "surface_exchange.precipitation": rain}

    return physics


def installed():
    return importlib.util.find_spec("jcm") is not None


REGISTRY = {}


def modules():
    """The modules by name."""
    contents = {
        "dinosaur": {}, "dinosaur.sigma_coordinates": {"SigmaCoordinates": SigmaCoordinates}, "jcm": {}, "jcm.dycore": {},
        "jcm.dycore.base": {"DynamicalCore": DynamicalCore},
        "jcm.dycore.registry": {"register_dycore": lambda name: lambda factory: REGISTRY.setdefault(name, factory),
                                "build_dycore": lambda name, **given: REGISTRY[name](**given)},
        "jcm.physics_interface": {"PhysicsState": PhysicsState, "PhysicsTendency": PhysicsTendency},
        "jcm.terrain": {"TerrainData": TerrainData}, "jcm.predictions": {"physics_output_fields": lambda found, *_: found},
        "jcm.model": {"Model": Model}, "jcm.physics": {}, "jcm.physics.speedy": {},
        "jcm.physics.speedy.speedy_terms": {"speedy_physics": speedy_physics},
        "jcm.physics.speedy.physical_constants": {"compute_sigma_boundaries": lambda levels: np.linspace(0.0, 1.0, levels + 1)}}
    made = {}
    for name, content in contents.items():
        made[name] = types.ModuleType(name)
        made[name].__dict__.update(content)
    return made


def remove():
    """Take the stand-ins, and what was imported with them, out of the process."""
    for name in (*modules(), "dycore.coupling.jcm"):
        sys.modules.pop(name, None)
