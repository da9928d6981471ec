"""Equations of state of seawater for Boussinesq oceans: TEOS-10, and one of three terms (`quadratic_seawater`).

    rho(S, T, Z) = r0(Z) + r(S, T, Z)                  (kg/m3)
    r = sum of R_nml s^n t^m z^l,   s = sqrt((S + 32) / 40.18861714),  t = T / 40,  z = Z / 10000

S is absolute salinity (g/kg), T conservative temperature (degree C), Z depth (m), which stands for the
pressure in dbar. The polynomial of 55 terms is that of Roquet, Madec, McDougall and Barker (2015, Ocean
Modelling 90, 29; polyTEOS10-bsq), fitted to TEOS-10 in the range of waters that are found in the ocean.

A part of the density that depends on Z alone moves nothing. So r0 and r(S_r, T_r, Z) of the water S_r,
T_r are left out of the buoyancy: the polynomial is written in the differences from s_r and t_r, and its
terms in z alone are dropped. Single precision then keeps density to 1e-6 kg/m3 (7e-6 in fresh water), where
the polynomial as published loses 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np

from dycore.stencils import square_root, stencil
from dycore.tracers import reads

SALINITY_SHIFT, SALINITY_UNIT = 32.0, 40.0 * 35.16504 / 35.0  # g/kg
TEMPERATURE_UNIT, DEPTH_UNIT = 40.0, 1.0e4  # degree C, m
SALINITY, TEMPERATURE = 35.16504, 4.0  # g/kg, degree C: the water of no buoyancy, that of the deep ocean

# R_nml by (l, m), in rising powers n of s, and the profile r0 in rising powers of z (both in kg/m3)
_TERMS = {
    (0, 0): (8.0189615746e2, 8.6672408165e2, -1.7864682637e3, 2.0375295546e3, -1.2849161071e3, 4.3227585684e2,
             -6.0579916612e1),
    (0, 1): (2.6010145068e1, -6.5281885265e1, 8.1770425108e1, -5.6888046321e1, 1.7681814114e1, -1.9193502195),
    (0, 2): (-3.7074170417e1, 6.1548258127e1, -6.0362551501e1, 2.9130021253e1, -5.4723692739),
    (0, 3): (2.1661789529e1, -3.3449108469e1, 1.9717078466e1, -3.1742946532),
    (0, 4): (-8.3627885467, 1.1311538584e1, -5.3563304045),
    (0, 5): (5.4048723791e-1, 4.8169980163e-1),
    (0, 6): (-1.9083568888e-1,),
    (1, 0): (1.9681925209e1, -4.2549998214e1, 5.0774768218e1, -3.0938076334e1, 6.6051753097),
    (1, 1): (-1.3336301113e1, -4.4870114575, 5.0042598061, -6.5399043664e-1),
    (1, 2): (6.7080479603, 3.5063081279, -1.8795372996),
    (1, 3): (-2.4649669534, -5.5077101279e-1),
    (1, 4): (5.5927935970e-1,),
    (2, 0): (2.0660924175, -4.9527603989, 2.5019633244),
    (2, 1): (2.0564311499, -2.1311365518e-1),
    (2, 2): (-1.2419983026,),
    (3, 0): (-2.3342758797e-2, -1.8507636718e-2),
    (3, 1): (3.7969820455e-1,),
}
_PROFILE = (0.0, 4.6494977072e1, -5.2099962525, 2.2601900708e-1, 6.4326772569e-2, 1.5616995503e-2, -1.7243708991e-3)
_ANOMALY = np.zeros((4, 7, 7))  # [power of z, of t, of s]
for (_l, _m), _row in _TERMS.items():
    _ANOMALY[_l, _m, : len(_row)] = _row


def density(salinity: Any, temperature: Any, depth: Any) -> tuple[Any, Any]:
    """(r0, r) whose sum is the density (kg/m3), of absolute salinity (g/kg), conservative temperature (degree C) and depth (m)."""
    s = np.sqrt((np.asarray(salinity) + SALINITY_SHIFT) / SALINITY_UNIT)
    t, z = np.asarray(temperature) / TEMPERATURE_UNIT, np.asarray(depth) / DEPTH_UNIT
    s, t, z = np.broadcast_arrays(s, t, z)
    return np.polynomial.polynomial.polyval(z, _PROFILE), np.polynomial.polynomial.polyval3d(z, t, s, _ANOMALY)


def _about(value: float) -> np.ndarray:
    """The matrix [n, m] that turns coefficients of x^m into those of (x - value)^n."""
    return np.array([[comb(m, n) * value ** (m - n) if m >= n else 0.0 for m in range(7)] for n in range(7)])


def _horner(coefficients: np.ndarray, variables: Sequence[Callable]) -> Callable:
    """The polynomial with coefficients [l, m, n] as a stencil of (s, t, z); one variable for each axis.

    Horner's rule: what stands before a variable plus the variable times the rest; terms that are zero cost nothing.
    """
    variable, *others = variables
    if others:
        first = _horner(coefficients[0], others)
    else:
        number = float(coefficients[0])

        @stencil
        def first(s, t, z):
            return number

    if not coefficients[1:].any():
        return first
    rest = _horner(coefficients[1:], variables)

    @stencil
    def value(s, t, z):
        return first(s, t, z) + variable(s, t, z) * rest(s, t, z)

    return value


@stencil
def _of_salinity(s, t, z):
    return s


@stencil
def _of_temperature(s, t, z):
    return t


@stencil
def _of_depth(s, t, z):
    return z


ROOT = float(np.sqrt((SALINITY + SALINITY_SHIFT) / SALINITY_UNIT))
_DIFFERENCE = np.einsum("zts,mt,ns->zmn", _ANOMALY, _about(TEMPERATURE / TEMPERATURE_UNIT), _about(ROOT))
_DIFFERENCE[:, 0, 0] = 0.0
_difference = _horner(_DIFFERENCE, (_of_depth, _of_temperature, _of_salinity))


@stencil
def heaviness(salinity, temperature, depth):
    """r(S, T, Z) - r(S_r, T_r, Z): density less that of the reference water at the same depth (kg/m3)."""
    root = square_root((salinity + SALINITY_SHIFT) / SALINITY_UNIT)
    s = (salinity - SALINITY) / (SALINITY_UNIT * (root + ROOT))  # root - ROOT, without the loss of digits
    return _difference(s, (temperature - TEMPERATURE) / TEMPERATURE_UNIT, depth / DEPTH_UNIT)


@stencil
@reads("temperature", "salinity")
def teos10(k, j, i, fluid, s, tracers):
    """-g (rho - rho of the reference water) / rho_0: buoyancy (m/s2) of the tracers conservative temperature, absolute salinity."""
    temperature, salinity = tracers[0], tracers[1]
    return -(fluid.gravity / fluid.reference_density) * heaviness(salinity[k, j, i], temperature[k, j, i], -s)


CABBELING, THERMOBARICITY = 1.0e-5, 1.1e-8  # 1/K2 and 1/Pa: of the thermal expansion, by temperature and by pressure


@stencil
@reads("temperature", "salinity")
def quadratic_seawater(k, j, i, fluid, s, tracers):
    """Buoyancy (m/s2) of a simple nonlinear seawater: g (alpha (1 - gamma rho_0 g z) T' + alpha' T'^2 / 2 - beta S').

    T' and S' are differences from the reference temperature (degree C) and salinity (g/kg) of the fluid, and alpha and beta its
    expansion and contraction; water that is warmer or deeper expands more (Vallis 2006, Atmospheric and Oceanic Fluid Dynamics,
    chapter 1, with his alpha' and gamma).
    """
    warmer = tracers[0][k, j, i] - fluid.reference_temperature
    saltier = tracers[1][k, j, i] - fluid.reference_salinity
    deeper = 1.0 - THERMOBARICITY * fluid.reference_density * fluid.gravity * s
    expansion = fluid.thermal_expansion * deeper + 0.5 * CABBELING * warmer
    return fluid.gravity * (expansion * warmer - fluid.haline_contraction * saltier)
