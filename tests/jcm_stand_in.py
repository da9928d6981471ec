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
        "jcm.terrain": {"TerrainData": TerrainData}, "jcm.predictions": {"physics_output_fields": lambda found, *_: found}}
    made = {}
    for name, content in contents.items():
        made[name] = types.ModuleType(name)
        made[name].__dict__.update(content)
    return made


def remove():
    """Take the stand-ins, and what was imported with them, out of the process."""
    for name in (*modules(), "dycore.coupling.jcm"):
        sys.modules.pop(name, None)
