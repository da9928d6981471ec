"""Fluids: what makes an ocean an ocean and an atmosphere an atmosphere; everything else is shared.

Hydrostatic balance is d(phi) = b ds in both fluids (Marshall et al. 2004, Mon. Wea. Rev. 132, 2882):

                      ocean                          atmosphere
    phi               pressure / reference density   geopotential          (m2/s2)
    s                 height z (m)                   Exner function (p / p0)^kappa
    b                 buoyancy (m/s2)                -cp theta             (J/kg)
    phi at the moving boundary   g eta               geopotential of the ground

With the coordinate r*, s of a level is  s_reference(k) * scale[j, i] + shift[j, i]. A buoyancy is a
stencil (k, j, i, fluid, s, tracers) of the s and the tracers of a level; it says by name which tracers it reads
(dycore.tracers.reads), or is given all of them in the order of `Parameters.tracer_names`.

A fluid may have a `rest`: a b(s) with its phi(s) that is in balance by itself whatever the ground, and so is taken out of
the pressure force before that is discretised. Over steep ground levels slope, and the two large terms of the
force cancel but for the truncation errors of what is left (Gary 1973, J. Atmos. Sci. 30, 223, for sigma levels).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dycore.inputs.given import as_array, check_number
from dycore.stencils import coefficient_at, power, square_root, stencil, where
from dycore.tracers import reads

VAPOUR = 0.608  # no unit: gas constant of water vapour over that of dry air, less one


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
    expansion, contraction = (coefficient_at(k, j, i, fluid.thermal_expansion), coefficient_at(k, j, i, fluid.haline_contraction))
    warmer = temperature[k, j, i] - coefficient_at(k, j, i, fluid.reference_temperature)
    saltier = salinity[k, j, i] - coefficient_at(k, j, i, fluid.reference_salinity)
    return fluid.gravity * expansion * warmer - fluid.gravity * contraction * saltier


@stencil
@reads("potential_temperature")
def dry_air(k, j, i, fluid, s, tracers):
    """-cp theta (J/kg) of the tracer potential temperature (K)."""
    return -fluid.heat_capacity * tracers[0][k, j, i]


@stencil
@reads("potential_temperature", "specific_humidity")
def moist_air(k, j, i, fluid, s, tracers):
    """-cp theta (1 + 0.608 q) (J/kg) of potential temperature (K) and specific humidity (kg/kg): vapour is lighter than dry air."""
    return -fluid.heat_capacity * tracers[0][k, j, i] * (1.0 + VAPOUR * tracers[1][k, j, i])


@stencil
def height_scale(j, i, fluid, stretching):
    """Height is proportional to the stretching of the column."""
    return stretching


@stencil
def exner_scale(j, i, fluid, stretching):
    """(J p / p0)^kappa = J^kappa (p / p0)^kappa: one power a column."""
    return power(stretching, fluid.kappa)


@stencil
def all_of_it(rest, s, value):
    """The whole of b or phi, where no state of rest is taken out."""
    return value


@stencil
def buoyancy_about_rest(rest, s, b):
    """b less that of the state of rest, which is a polynomial below the tropopause and in inverse proportion to s above."""
    below = rest.c0 + s * (rest.c1 + s * (rest.c2 + s * (rest.c3 + s * rest.c4)))
    return b - where(s > rest.tropopause, below, rest.above / s)


@stencil
def phi_about_rest(rest, s, phi):
    """phi of the ground, below the tropopause, less that of the state of rest: the integral of its b, zero at s = 0 (m2/s2)."""
    return phi - s * (rest.c0 + s * (rest.c1 / 2.0 + s * (rest.c2 / 3.0 + s * (rest.c3 / 4.0 + s * (rest.c4 / 5.0)))))


class Rest(NamedTuple):
    """A state of rest that is taken out of the pressure force, or none; made by `Atmosphere.at_rest`.

    b = c0 + c1 s + ... + c4 s^4 where s is more than `tropopause`, else above / s (air of one temperature).
    """

    buoyancy: Callable = all_of_it
    phi: Callable = all_of_it
    c0: float = 0.0
    c1: float = 0.0
    c2: float = 0.0
    c3: float = 0.0
    c4: float = 0.0
    tropopause: float = 0.0
    above: float = 0.0


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
    shifts: float = 1.0  # no unit: s is shifted with the fixed boundary
    rest: Rest = Rest()

    def reference_s(self, interfaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s at the reference interfaces [nz + 1] and its mean in the layers [nz]."""
        return interfaces, 0.5 * (interfaces[1:] + interfaces[:-1])

    def wave_speed(self, interfaces: np.ndarray) -> float:
        """Speed of external gravity waves on the deepest column (m/s): sqrt(g H)."""
        return square_root(self.surface_gravity * float(interfaces[-1] - interfaces[0]))


class Atmosphere(NamedTuple):
    """A dry ideal gas, r = pressure (Pa) with the top at zero pressure."""

    buoyancy: Callable = dry_air
    scale: Callable = exner_scale
    gravity: float = 9.80616  # m/s2
    heat_capacity: float = 1004.5  # J/(kg K)
    kappa: float = 2.0 / 7.0  # no unit, gas constant over heat capacity
    reference_pressure: float = 1.0e5  # Pa
    reference_temperature: float = 300.0  # K, for the speed of external waves
    surface_gravity: float = 0.0  # m2/s2 per unit of r
    shifts: float = 0.0  # no unit: s is not shifted with the fixed boundary
    rest: Rest = Rest()

    def at_rest(self, interfaces: np.ndarray, potential_temperature: np.ndarray, tropopause: float = 0.0) -> Atmosphere:
        """Atmosphere with a state of rest: potential temperature (K) of the levels [k] between reference pressures (Pa) [k + 1].

        For steep mountains: the nearer the air is to it, the smaller the error of the pressure force over slopes. Above a
        `tropopause` (Pa) the state has one temperature; below, a polynomial of the fourth degree in the Exner function is
        fitted to what the profile has besides a uniform temperature, in which the force is all but exact as it is. It
        changes no equation, but how the force is discretised, and so the energy that this conserves by as little as
        the error that it removes. Raises ValueError for fewer than six levels below the tropopause, and values that are not finite.
        """
        interfaces, values = as_array("interfaces", interfaces), as_array("potential_temperature", potential_temperature)
        tropopause = check_number("tropopause", tropopause, "a pressure (Pa) that is not negative", lambda p: 0.0 <= p < np.inf)
        if interfaces.ndim != 1 or len(interfaces) < 2 or values.shape not in ((), (len(interfaces) - 1,)):
            raise ValueError(f"interfaces of shape {interfaces.shape} and potential_temperature of shape {values.shape} must be "
                             "[nz + 1] and [nz].")
        _, exner = self.reference_s(interfaces)
        b = -self.heat_capacity * np.broadcast_to(values, exner.shape)
        kink = (tropopause / self.reference_pressure) ** self.kappa
        below = exner > kink
        if below.sum() < 6 or not np.isfinite(b).all():
            raise ValueError("A state of rest is fitted to finite potential temperatures of six or more levels below the "
                             f"tropopause of {tropopause:g} Pa; given {below.sum()}: {(b[below] / -self.heat_capacity).tolist()}.")
        basis = np.stack([exner**n for n in range(5)] + [1.0 / exner] * (tropopause == 0.0), axis=1)
        fitted = np.linalg.lstsq(basis[below], b[below])[0][:5]
        above = 0.0 if below.all() else float((b * exner)[~below].mean())
        coefficients = {f"c{n}": float(c) for n, c in enumerate(fitted)}
        return self._replace(rest=Rest(buoyancy_about_rest, phi_about_rest, **coefficients, tropopause=kink, above=above))

    @property
    def gas_constant(self) -> float:
        """R = kappa cp (J/(kg K))."""
        return self.kappa * self.heat_capacity

    def reference_s(self, interfaces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Exner function at the interfaces and its mass mean in the layers (Arakawa and Suarez 1983)."""
        if interfaces[0] != 0.0:
            raise ValueError(f"The first interface of an atmosphere must be zero pressure; given {interfaces[0]} Pa.")
        empty = interfaces == 0.0  # at the top of the air, where a power has no finite slope
        exner = where(empty, 0.0, where(empty, 1.0, interfaces / self.reference_pressure) ** self.kappa)
        weighted = exner * interfaces
        return exner, (weighted[1:] - weighted[:-1]) / ((1.0 + self.kappa) * np.diff(interfaces))

    def wave_speed(self, interfaces: np.ndarray) -> float:
        """Speed of external waves (m/s): sqrt((1 + kappa) R T)."""
        return square_root((1.0 + self.kappa) * self.gas_constant * self.reference_temperature)


def shallow_water(gravity: float = 9.80616) -> Ocean:
    """A single layer of one density."""
    return Ocean(buoyancy=no_buoyancy, gravity=gravity, surface_gravity=gravity)


Fluid = Ocean | Atmosphere
