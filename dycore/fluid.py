"""What makes an ocean an ocean and an atmosphere an atmosphere; everything else is shared.

Hydrostatic balance is d(phi) = b ds in both fluids (Marshall et al. 2004, Mon. Wea. Rev. 132, 2882):

                      ocean                          atmosphere
    phi               pressure / reference density   geopotential          (m2/s2)
    s                 height z (m)                   Exner function (p / p0)^kappa
    b                 buoyancy (m/s2)                -cp theta             (J/kg)
    phi at the moving boundary   g eta               geopotential of the ground

With the coordinate r*, s of a level is  s_reference(k) * scale[j, i] + shift[j, i]. A buoyancy is a
stencil (k, j, i, fluid, s, tracers) of the s and the tracers of a level; it says by name which tracers it reads
(dycore.tracers.reads), or is given all of them in the order of `Parameters.tracer_names`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dycore.stencils import power, stencil
from dycore.tracers import reads


@stencil
@reads()
def no_buoyancy(k, j, i, fluid, s, tracers):
    """A fluid of one density (shallow water)."""
    return 0.0


@stencil
@reads("temperature", "salinity")
def linear_seawater(k, j, i, fluid, s, tracers):
    """g (alpha (T - T0) - beta (S - S0)): buoyancy (m/s2) of tracers T (degree C) and S (g/kg)."""
    temperature, salinity = tracers[0], tracers[1]
    return (fluid.gravity * fluid.thermal_expansion * (temperature[k, j, i] - fluid.reference_temperature)
            - fluid.gravity * fluid.haline_contraction * (salinity[k, j, i] - fluid.reference_salinity))


@stencil
@reads("potential_temperature")
def dry_air(k, j, i, fluid, s, tracers):
    """-cp theta (J/kg) of the tracer potential temperature (K)."""
    return -fluid.heat_capacity * tracers[0][k, j, i]


@stencil
def height_scale(j, i, fluid, stretching):
    """Height is proportional to the stretching of the column."""
    return stretching


@stencil
def exner_scale(j, i, fluid, stretching):
    """(J p / p0)^kappa = J^kappa (p / p0)^kappa: one power a column."""
    return power(stretching, fluid.kappa)


class Ocean(NamedTuple):
    """A Boussinesq ocean, r = height (m); `buoyancy` may be any stencil of height and tracers."""

    buoyancy: Callable = linear_seawater
    scale: Callable = height_scale
    gravity: float = 9.81  # m/s2
    thermal_expansion: float = 2.0e-4  # 1/K
    haline_contraction: float = 8.0e-4  # kg/g
    reference_temperature: float = 10.0  # degree C
    reference_salinity: float = 35.0  # g/kg
    reference_density: float = 1025.0  # kg/m3
    surface_gravity: float = 9.81  # m/s2: phi at the moving boundary per unit of r
    shifts: float = 1.0  # s is shifted with the fixed boundary

    def reference_s(self, interfaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s at the reference interfaces [nz + 1] and its mean in the layers [nz]."""
        return interfaces, 0.5 * (interfaces[1:] + interfaces[:-1])

    def wave_speed(self, interfaces: np.ndarray) -> float:
        """Speed of external gravity waves on the deepest column (m/s): sqrt(g H)."""
        return float(np.sqrt(self.surface_gravity * (interfaces[-1] - interfaces[0])))


class Atmosphere(NamedTuple):
    """A dry ideal gas, r = pressure (Pa) with the top at zero pressure."""

    buoyancy: Callable = dry_air
    scale: Callable = exner_scale
    gravity: float = 9.80616  # m/s2
    heat_capacity: float = 1004.5  # J/(kg K)
    kappa: float = 2.0 / 7.0
    reference_pressure: float = 1.0e5  # Pa
    reference_temperature: float = 300.0  # K, for the speed of external waves
    surface_gravity: float = 0.0
    shifts: float = 0.0

    @property
    def gas_constant(self) -> float:
        """R = kappa cp (J/(kg K))."""
        return self.kappa * self.heat_capacity

    def reference_s(self, interfaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exner function at the interfaces and its mass mean in the layers (Arakawa and Suarez 1983)."""
        if interfaces[0] != 0.0:
            raise ValueError(f"The first interface of an atmosphere must be zero pressure; given {interfaces[0]} Pa.")
        exner = (interfaces / self.reference_pressure) ** self.kappa
        return exner, np.diff(exner * interfaces) / ((1.0 + self.kappa) * np.diff(interfaces))

    def wave_speed(self, interfaces: np.ndarray) -> float:
        """Speed of external waves (m/s): sqrt((1 + kappa) R T)."""
        return float(np.sqrt((1.0 + self.kappa) * self.gas_constant * self.reference_temperature))


def shallow_water(gravity: float = 9.80616) -> Ocean:
    """A single layer of one density."""
    return Ocean(buoyancy=no_buoyancy, gravity=gravity, surface_gravity=gravity)


Fluid = Ocean | Atmosphere
