"""Linear waves as the core runs them: each from rest or balance with a small amplitude, and what is measured of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.equations.advection import centred
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.grid import rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.stencils import stencil
from dycore.tiles import Boundary
from dycore.tracers import reads
from dycore.validation.measures import cells_of
from dycore.validation.wave_theory import (
    gravity_wave_factor,
    gravity_wave_step,
    inertial_factor,
    lamb_speed,
    ocean_mode_speeds,
    rossby_frequency,
    wavenumber,
)
from dycore.vertical import uniform

GRAVITY = 9.81  # m/s2


@stencil
@reads("temperature")
def thermal(k, j, i, fluid, s, tracers):
    """Buoyancy (m/s2) of the one tracer temperature: g alpha (T - T0)."""
    return fluid.gravity * fluid.thermal_expansion * (tracers[0][k, j, i] - fluid.reference_temperature)


def record(model: Model, state: State, samples: int, every: int, look: Any) -> tuple[State, np.ndarray]:
    """The last state, and what `look(state)` saw at the start and after each of so many times `every` steps."""
    seen = [look(state)]
    for _ in range(samples):
        state = model.steps(state, every)
        seen.append(look(state))
    return state, np.array(seen)


def factor_per_sample(signal: np.ndarray) -> complex:
    """z of a standing wave, x[n] = Re(A z^n) or complex: x[n+1] = 2 Re(z) x[n] - |z|^2 x[n-1], by least squares."""
    columns = [np.concatenate([part.real, part.imag]) for part in (signal[1:-1], -signal[:-2], signal[2:])]
    (twice, square), *_ = np.linalg.lstsq(np.stack(columns[:2], axis=1), columns[2], rcond=None)
    return complex(0.5 * twice, np.sqrt(max(square - 0.25 * twice**2, 0.0)))


def external_waves(backend: Any, cells: tuple[int, int, int], steps: int) -> dict[str, Any]:
    """All external waves of a doubly periodic plane at once, from a random surface at rest.

    Shallow water 4000 m deep, spacing 100 km, a step of half the stable one. Returns k and l [wave] (1/m), wave speed as
    timed (m/s), the theory's with time step and grid, and the measured factor per step beside that of the scheme.
    """
    depth, spacing = 4000.0, 1.0e5
    speed = np.sqrt(GRAVITY * depth)
    dt = 0.5 * 1.78 * spacing / (2.0 * speed * np.sqrt(2.0))
    grid = rectilinear(cells, extent=(cells[2] * spacing, cells[1] * spacing), interfaces=uniform(1, -depth, 0.0),
                       y_boundary=Boundary.PERIODIC)
    random = np.random.default_rng(1).standard_normal(cells[1:])
    model = Model(grid, Parameters(shallow_water(GRAVITY), time_step=dt), backend)
    # so low that products of waves are lost in round-off
    state = initial_state(grid, surface=1.0e-6 * (random - random.mean()))
    _, signal = record(model, state, steps, 1, lambda state: np.fft.rfft2(cells_of(model, state.surface)))
    l, k = np.meshgrid(2.0 * np.pi * np.fft.fftfreq(cells[1], spacing), 2.0 * np.pi * np.fft.rfftfreq(cells[2], spacing),
                       indexing="ij")
    some = np.hypot(k, l) > 0.0
    measured = np.array([factor_per_sample(wave[4:]) for wave in signal[:, some].T])  # after the first, Euler steps
    k, l = k[some], l[some]
    on_grid = np.hypot(wavenumber(k, spacing), wavenumber(l, spacing))
    scheme = np.array([gravity_wave_factor(speed * wave * dt) for wave in on_grid])
    return {"k": k, "l": l, "speed": np.angle(measured) / (np.hypot(k, l) * dt), "scheme_speed": np.angle(scheme) / (
        np.hypot(k, l) * dt), "measured": measured, "scheme": scheme, "exact": speed, "spacing": spacing}


def internal_waves(backend: Any, cells: tuple[int, int, int], modes: int, samples: int) -> dict[str, Any]:
    """Internal waves in a uniformly stratified ocean: standing wave m along x in vertical mode m, 1 <= m <= `modes`.

    N = 5e-3 1/s, 2000 m deep, 640 km long, starting from displaced isotherms. Returns speeds [mode] (m/s): as timed,
    freed of the errors of time step and grid, of these levels, and N H / (n pi).
    """
    nz, _, nx = cells
    depth, length, frequency, every = 2000.0, 6.4e5, 5.0e-3, 4
    dt = 0.075 * length / nx
    fluid = Ocean(buoyancy=thermal)
    grid = rectilinear(cells, extent=(length, length / nx * cells[1]), interfaces=uniform(nz, -depth, 0.0))
    z = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    number = np.arange(1, modes + 1)
    displacement = sum(1.0e-3 * np.sin(n * np.pi * z / depth) * np.cos(2.0 * np.pi * n * grid.x / length) for n in number)
    gradient = frequency**2 / (fluid.gravity * fluid.thermal_expansion)
    temperature = fluid.reference_temperature + gradient * (z - displacement)
    # centred, because upwind3 next to the surface and the floor is of first order and reads the sign of w
    parameters = Parameters(fluid, time_step=dt, substeps=40, tracer_names=("temperature",), tracer_face=centred,
                            vertical_face=centred)
    model = Model(grid, parameters, backend)
    state = initial_state(grid, surface=0.0, tracers=(np.broadcast_to(temperature, cells),))
    shapes = np.cos(number[:, None] * np.pi * z[:, 0, 0] / depth)

    def look(state: State) -> np.ndarray:
        waves = np.fft.rfft(cells_of(model, state.u).mean(axis=1), axis=1)
        return np.array([shape @ waves[:, n] for n, shape in zip(number, shapes, strict=True)])

    _, signal = record(model, state, samples, every, look)
    k = 2.0 * np.pi * number / length
    factors = [factor_per_sample(wave[2:]) ** (1.0 / every) for wave in signal.T]
    exact = frequency * depth / (number * np.pi)
    return {"number": number, "k": k, "timed": np.angle(factors) / (k * dt), "exact": exact,
            "speed": np.array([gravity_wave_step(z) for z in factors]) / (wavenumber(k, length / nx) * dt),
            "levels": ocean_mode_speeds(frequency, grid.interfaces, fluid.surface_gravity)[number]}


def inertial_oscillation(backend: Any, f: float = 1.0e-4, dt: float = 1200.0, steps: int = 400) -> tuple[complex, complex]:
    """The factor per step of u + i v on an f-plane, from uniform flow: measured, and that of AB3."""
    grid = rectilinear((1, 4, 5), extent=(5.0e5, 4.0e5), interfaces=uniform(1, -100.0, 0.0), y_boundary=Boundary.PERIODIC,
                       coriolis=f)
    model = Model(grid, Parameters(shallow_water(GRAVITY), time_step=dt), backend)
    _, flow = record(model, initial_state(grid, surface=0.0, u=0.1), steps, 1,
                     lambda state: cells_of(model, state.u).mean() + 1j * cells_of(model, state.v).mean())
    flow = flow[20:]  # after the first steps and what they excite
    return complex((flow[1:] * flow[:-1].conj()).sum() / (np.abs(flow[:-1]) ** 2).sum()), inertial_factor(f * dt)


def rossby_waves(backend: Any, cells: tuple[int, int, int], waves: int, days: float) -> dict[str, Any]:
    """Rossby waves in a channel, wave 1 across and 1 .. `waves` along, from geostrophic flow.

    Shallow water 400 m deep, 2000 x 1000 km, f = 1e-4 1/s, beta = 1e-11 1/(m s). Returns k (1/m), phase speeds (m/s).
    """
    _, ny, nx = cells
    depth, length, width, f, beta = 400.0, 2.0e6, 1.0e6, 1.0e-4, 1.0e-11
    dx, dy, speed = length / nx, width / ny, np.sqrt(GRAVITY * depth)
    dt = 0.5 * 1.78 / (2.0 * speed * np.hypot(1.0 / dx, 1.0 / dy))
    every = max(1, round(43200.0 / dt))
    grid = rectilinear(cells, extent=(length, width), interfaces=uniform(1, -depth, 0.0), coriolis=f, beta=beta)
    number = np.arange(1, waves + 1)
    k, wave_l = 2.0 * np.pi * number / length, np.pi / width

    def stream(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sum(np.cos(one * x) for one in k) * np.sin(wave_l * y)[:, None]

    at_corners = stream(grid.x_face, grid.y_face)
    u, v = -np.diff(at_corners, axis=0)[:, :-1] / dy, np.diff(at_corners, axis=1)[:-1] / dx
    at_centres = f / GRAVITY * stream(grid.x, grid.y)
    model = Model(grid, Parameters(shallow_water(GRAVITY), time_step=dt), backend)
    state = initial_state(grid, surface=1.0e-3 * at_centres, u=1.0e-3 * u[None], v=1.0e-3 * v[None])
    across = np.sin(wave_l * grid.y_face[:-1])
    _, signal = record(model, state, round(days * 86400.0 / (every * dt)), every,
                       lambda state: np.fft.rfft(across @ cells_of(model, state.v)[0])[number])
    time = np.arange(len(signal)) * every * dt
    slope = np.polyfit(time, np.unwrap(np.angle(signal), axis=0), 1)[0]  # exp(i k x) turns by -omega t
    return {"k": k, "l": wave_l, "speed": -slope / k, "exact": rossby_frequency(k, wave_l, beta, f, speed) / k,
            "scheme": rossby_frequency(k, wave_l, beta, f, speed, dx, dy) / k, "beta": beta, "f": f, "wave_speed": speed}


def adjustment(backend: Any, rows: int) -> dict[str, Any]:
    """Geostrophic adjustment of a step of the surface on an f-plane, 1000 m deep, walls 20 radii of deformation away.

    Returns y (m), mean surface (m) over the 4th to 6th inertial period, the exact one, and the share of the
    potential energy given up that the flow keeps.
    """
    depth, f, height = 1000.0, 1.0e-4, 0.1
    speed = np.sqrt(GRAVITY * depth)
    radius = speed / f
    width = 40.0 * radius
    dy = width / rows
    dt = 0.5 * 1.78 * dy / (2.0 * speed * np.sqrt(2.0))
    grid = rectilinear((1, rows, 4), extent=(4.0 * dy, width), interfaces=uniform(1, -depth, 0.0), coriolis=f)
    model = Model(grid, Parameters(shallow_water(GRAVITY), time_step=dt), backend)
    y = grid.y - 0.5 * width
    step = np.broadcast_to(height * np.sign(y)[:, None], (rows, 4))
    period = 2.0 * np.pi / f
    state = model.steps(initial_state(grid, surface=step), round(3.0 * period / dt))
    every = max(1, round(period / dt / 24.0))
    _, seen = record(model, state, round(3.0 * period / dt / every), every, lambda state: np.stack(
        [cells_of(model, state.surface)[:, 0], cells_of(model, state.u)[0, :, 0]]))
    surface, u = seen.mean(axis=0)
    near = np.abs(y) < 5.0 * radius
    exact = height * np.sign(y) * (1.0 - np.exp(-np.abs(y) / radius))
    kept = depth * (u[near] ** 2).sum() / (GRAVITY * (height**2 - surface[near] ** 2).sum())
    return {"y": y, "surface": surface, "exact": exact, "radius": radius, "height": height, "near": near, "kept": kept}


def lamb_wave(backend: Any, cells: tuple[int, int, int], steps: int) -> dict[str, Any]:
    """The external (Lamb) wave of an isothermal atmosphere at rest, from its flow u = sigma^-kappa sin(k x).

    300 K; levels of equal pressure thickness. Returns speeds (m/s): freed of the errors of time step and grid, of
    these levels, and sqrt(R T / (1 - kappa)).
    """
    nz, _, nx = cells
    fluid, temperature, length = Atmosphere(), 300.0, 8.0e6
    interfaces = uniform(nz, 0.0, fluid.reference_pressure)
    grid = rectilinear(cells, extent=(length, length / nx * cells[1]), interfaces=interfaces)
    exner = fluid.reference_s(interfaces)[1]
    theta = temperature / exner
    exact = float(np.sqrt(fluid.gas_constant * temperature / (1.0 - fluid.kappa)))
    dt = 0.4 * 1.78 * length / nx / (2.0 * exact * np.sqrt(2.0))
    parameters = Parameters(fluid, time_step=dt, tracer_names=("potential_temperature",), tracer_face=centred,
                            vertical_face=centred)
    model = Model(grid, parameters, backend)
    k = 2.0 * np.pi / length
    u = 1.0e-4 / exner[:, None, None] * np.sin(k * grid.x_face[:-1])
    state = initial_state(grid, surface=fluid.reference_pressure, u=np.broadcast_to(u, cells),
                          tracers=(np.broadcast_to(theta[:, None, None], cells),))
    _, signal = record(model, state, steps, 1, lambda state: np.fft.rfft(cells_of(model, state.surface)[0])[1].real)
    z = factor_per_sample(signal[4:])
    return {"timed": float(np.angle(z) / (k * dt)), "speed": gravity_wave_step(z) / (float(wavenumber(k, length / nx)) * dt),
            "levels": lamb_speed(nz, temperature), "exact": exact,
            "formula": fluid._replace(reference_temperature=temperature).wave_speed(interfaces)}
