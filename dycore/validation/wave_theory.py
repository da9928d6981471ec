"""Linear waves in theory: the scheme's own dispersion relation, and speeds of vertical modes on given levels.

A wave of the fast kind, w = c K dt per step, obeys

    (z - 1)^2 + w^2 z [ (1 - a) + a (23 - 16 / z + 5 / z^2) / 12 ] = 0

with the factor z per step and the extrapolated share a of the pressure (dycore.equations.steppers). Solved for w it
says what speed a measured z belongs to, free of the error of the time step; K is that of the C grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.equations.steppers import ADAMS_BASHFORTH
from dycore.fluid import Atmosphere
from dycore.vertical import uniform

SHARE = 0.1  # of the pressure force that is extrapolated


def wavenumber(k: Any, spacing: float) -> Any:
    """Of a difference over one cell of the C grid (1/m): 2 sin(k dx / 2) / dx."""
    return 2.0 * np.sin(0.5 * np.asarray(k) * spacing) / spacing


def gravity_wave_factor(w: float, share: float = SHARE) -> complex:
    """The factor z per step of a gravity wave w = c K dt; the root that is nearest to the true wave exp(i w)."""
    first, second, third = share * ADAMS_BASHFORTH[2]
    # times z^2: z^4 - 2 z^3 + z^2 + w^2 [ (1 - a + a0) z^3 + a1 z^2 + a2 z ]
    roots = np.roots([1.0, -2.0 + w**2 * (1.0 - share + first), 1.0 + w**2 * second, w**2 * third, 0.0])
    return complex(roots[np.argmin(np.abs(roots - np.exp(1j * w)))])


def gravity_wave_step(z: complex, share: float = SHARE) -> float:
    """w = c K dt of a wave that was seen to change by z a step."""
    first, second, third = ADAMS_BASHFORTH[2]
    return float(np.sqrt(-((z - 1.0) ** 2) / (z * (1.0 - share + share * (first + second / z + third / z**2)))).real)


def inertial_factor(rotation: float) -> complex:
    """The factor per step of u + i v on an f-plane under AB3, f dt = `rotation`: z^3 = z^2 - i f dt (23 z^2 - 16 z + 5) / 12."""
    turn = 1j * rotation * ADAMS_BASHFORTH[2]
    roots = np.roots([1.0, -1.0 + turn[0], turn[1], turn[2]])
    return complex(roots[np.argmin(np.abs(roots - np.exp(-1j * rotation)))])


def ocean_mode_speeds(buoyancy_frequency: float, interfaces: np.ndarray, gravity: float) -> np.ndarray:
    """Speeds of all vertical modes (m/s), fastest first, of uniform stratification on these levels under a free surface.

    Layers hold velocity, b and phi, interfaces w: w falls by the divergence of the layers below it, b of a
    layer changes by N^2 times the mean of its two w, and phi follows from the mean b of two layers.
    """
    dr = np.diff(interfaces)
    nz = len(dr)
    w = np.concatenate([np.zeros((1, nz)), -np.cumsum(np.diag(dr), axis=0)])  # of the divergence, at nz + 1 interfaces
    b = -buoyancy_frequency**2 * 0.5 * (w[1:] + w[:-1])  # db/dt
    phi = np.empty((nz, nz))  # d(phi)/dt
    phi[-1] = gravity * w[-1] - 0.5 * dr[-1] * b[-1]
    for k in range(nz - 2, -1, -1):
        phi[k] = phi[k + 1] - 0.5 * (dr[k + 1] * b[k + 1] + dr[k] * b[k])
    return np.sqrt(np.sort(np.linalg.eigvals(-phi).real)[::-1])


def atmosphere_mode_speeds(theta: np.ndarray, interfaces: np.ndarray, fluid: Atmosphere) -> np.ndarray:
    """Speeds of all vertical modes (m/s), fastest first, of an atmosphere at rest in sigma with theta [k] (K).

    Linear in the divergence of the layers: surface pressure and W follow from continuity, theta from
    vertical advection with the mean of two layers at an interface, phi from d(phi) = -cp theta d(Exner).
    """
    dp, bottom = np.diff(interfaces), interfaces[-1]
    nz = len(dp)
    face, layer = fluid.reference_s(interfaces)
    surface = -dp  # dp_s/dt of the divergence
    w = np.zeros((nz + 1, nz))
    for k in range(nz):
        w[k + 1] = w[k] - dp[k] * np.eye(nz)[k] - dp[k] / bottom * surface
    at_face = np.concatenate([theta[:1], 0.5 * (theta[1:] + theta[:-1]), theta[-1:]])
    change = -(w[1:] * (at_face[1:] - theta)[:, None] + w[:-1] * (theta - at_face[:-1])[:, None]) / dp[:, None]
    scale = fluid.kappa * surface / bottom  # of s, which is proportional to p_s^kappa
    phi, pressure = np.zeros(nz), np.empty((nz, nz))
    for k in range(nz - 1, -1, -1):
        b, change_b = -fluid.heat_capacity * theta[k], -fluid.heat_capacity * change[k]
        pressure[k] = phi + (change_b + b * scale) * (layer[k] - face[k + 1]) - b * layer[k] * scale
        phi = phi + (change_b + b * scale) * (face[k] - face[k + 1])
    return np.sqrt(np.sort(np.linalg.eigvals(-pressure).real)[::-1])


def rossby_frequency(k: Any, wave_l: float, beta: float, f: float, speed: float, dx: float = 0.0, dy: float = 0.0) -> Any:
    """Quasi-geostrophic frequency (1/s) of exp(i (k x - omega t)) sin(l y): -beta k / (k^2 + l^2 + (f / c)^2).

    With spacings, that of the C grid with the energy-conserving Coriolis force: the planetary vorticity
    gradient acts on v averaged over two faces in x and two cells in y, stretching on the mean of four cells.
    """
    k = np.asarray(k)
    if not dx:
        return -beta * k / (k**2 + wave_l**2 + (f / speed) ** 2)
    stretching = (f / speed * np.cos(0.5 * k * dx) * np.cos(0.5 * wave_l * dy)) ** 2
    return (-beta * np.sin(k * dx) / dx * np.cos(wave_l * dy)
            / (wavenumber(k, dx) ** 2 + wavenumber(wave_l, dy) ** 2 + stretching))


def lamb_speed(nz: int, temperature: float = 300.0) -> float:
    """Speed (m/s) of the external wave of an isothermal atmosphere on so many levels of equal pressure thickness."""
    fluid = Atmosphere()
    interfaces = uniform(nz, 0.0, fluid.reference_pressure)
    return float(atmosphere_mode_speeds(temperature / fluid.reference_s(interfaces)[1], interfaces, fluid)[0])
