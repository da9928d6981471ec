"""Linear waves: what they should do, from continuous theory and from the scheme's own dispersion relation.

A wave of the fast kind, w = c K dt per step, obeys

    (z - 1)^2 + w^2 z [ (1 - a) + a (23 - 16 / z + 5 / z^2) / 12 ] = 0

with the factor z per step and the extrapolated share a of the pressure (dycore.equations.steppers). Solved for w it
says what speed a measured z belongs to, free of the error of the time step; K is that of the C grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.equations.advection import centred
from dycore.equations.steppers import ADAMS_BASHFORTH
from dycore.fluid import Atmosphere, Ocean, shallow_water
from dycore.grid import rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.stencils import stencil
from dycore.tiles import Boundary
from dycore.tracers import reads
from dycore.validation.evidence import Evidence, close_to, within
from dycore.validation.measures import cells_of
from dycore.vertical import uniform

GRAVITY, SHARE = 9.81, 0.1  # m/s2; of the pressure force that is extrapolated
SCHEME = "dispersion relation of the scheme"


@stencil
@reads("temperature")
def thermal(k, j, i, fluid, s, tracers):
    """Buoyancy (m/s2) of the one tracer temperature: g alpha (T - T0)."""
    return fluid.gravity * fluid.thermal_expansion * (tracers[0][k, j, i] - fluid.reference_temperature)


# What theory says --------------------------------------------------------------------------------


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


# How it is measured ------------------------------------------------------------------------------


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


def lamb_speed(nz: int, temperature: float = 300.0) -> float:
    """Speed (m/s) of the external wave of an isothermal atmosphere on so many levels of equal pressure thickness."""
    fluid = Atmosphere()
    interfaces = uniform(nz, 0.0, fluid.reference_pressure)
    return float(atmosphere_mode_speeds(temperature / fluid.reference_s(interfaces)[1], interfaces, fluid)[0])


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


# The program -------------------------------------------------------------------------------------


def linear_waves(backend: Any, short: bool = False) -> Evidence:
    """Linear waves on the dispersion curves: external, internal, inertial, Rossby, Lamb; geostrophic adjustment.

    Gill (1982), Atmosphere-Ocean Dynamics, sections 5.6 (external waves), 6.11 (vertical modes), 6.14 (Lamb wave), 7.2
    (adjustment), 8.2 (inertial oscillation) and 12.3 (Rossby waves). Every wave is compared with continuous theory and,
    much more tightly, with the dispersion relation of the scheme. All run from rest or balance, with small amplitudes.
    """
    external = external_waves(backend, (1, 12, 16) if short else (1, 24, 48), 120 if short else 400)
    internal = internal_waves(backend, (12, 3, 24) if short else (40, 3, 96), 3 if short else 6, 100)
    measured, adams_bashforth = inertial_oscillation(backend)
    rossby = rossby_waves(backend, (1, 10, 20) if short else (1, 32, 64), 2 if short else 6, 8.0 if short else 40.0)
    step = adjustment(backend, 200 if short else 800)
    lamb = {nz: lamb_wave(backend, (nz, 3, 16 if short else 32), 150 if short else 300)
            for nz in ((5, 10) if short else (10, 20, 40))}
    half, whole = (lamb[nz] for nz in sorted(lamb)[-2:])
    kappa = Atmosphere().kappa
    limit = whole["speed"] + (whole["speed"] - half["speed"]) / (2.0 ** (1.0 - 2.0 * kappa) - 1.0)

    longest = np.argmin(np.hypot(external["k"], external["l"]))
    off = np.abs(external["measured"] - external["scheme"]).max()
    turned, rotation = -np.angle(measured), 1.0e-4 * 1200.0
    error = np.sqrt(((step["surface"] - step["exact"])[step["near"]] ** 2).mean()) / step["height"]
    theory = "Gill 1982"
    rows = [
        close_to("external wave, longest: speed (m/s)", external["speed"][longest], external["exact"], 0.01 * external["exact"],
                 "1 %: (k dx)^2 / 24 of the grid and of the step", f"sqrt(g H); {theory}, 5.6"),
        within("all external waves of the grid: largest error of the factor per step", float(off), None, 1.0e-7, "0",
               "products of waves 1e-6 m high in 4000 m, and round-off", SCHEME),
        close_to("internal wave, mode 1: speed (m/s)", internal["timed"][0], internal["exact"][0], 0.01 * internal["exact"][0],
                 "1 %: (pi / 2 nz)^2 / 3 of the levels, 0.05 % of the free surface, and the grid", f"N H / pi; {theory}, 6.11"),
        within("internal modes: largest relative error of speed on these levels", float(
            np.abs(internal["speed"] / internal["levels"] - 1.0).max()), None, 1.0e-4, "0",
            "levels stretch with the surface (z*), which the relation leaves out", SCHEME),
        close_to("inertial oscillation: period / (2 pi / f)", rotation / turned, 1.0, 0.01,
                 "AB3 at f dt = 0.12 errs by 3 (f dt)^4 / 8 at most", f"2 pi / f; {theory}, 8.2"),
        within("inertial oscillation: error of the factor per step", abs(measured - adams_bashforth), None, 1.0e-12, "0",
               "round-off: uniform flow leaves nothing else to do", "root of the AB3 polynomial"),
        within("inertial oscillation: amplitude after one period", abs(measured) ** (2.0 * np.pi / rotation), 0.99, 1.0,
               "1, never above", "AB3 damps by 3 (f dt)^4 / 8 a step: 0.4 % in a period of 52 steps", f"{theory}, 8.2"),
        within("Rossby waves: largest relative error of phase speed, waves " + f"1 to {len(rossby['k'])}", float(
            np.abs(rossby["speed"] / rossby["exact"] - 1.0).max()), None, 0.1 if short else 0.05, "0",
            "1 - cos(l dy) sin(k dx) / (k dx) of the grid, as the next row shows",
            f"-beta / (k^2 + l^2 + (f/c)^2); {theory}, 12.3"),
        within("Rossby waves: largest relative error on this grid", float(
            np.abs(rossby["speed"] / rossby["scheme"] - 1.0).max()), None, 5.0e-3,
            "0", "quasi-geostrophy errs by (beta L / f)^2 / 12 and by what f varies in (f/c)^2", SCHEME),
        within("geostrophic adjustment: rms error of mean surface within 5 radii / step", float(error), None, 0.02, "0",
               "the wave of frequency f fades as t^(-1/2) and has not quite been averaged away", f"1 - exp(-|y|/a); {theory}, 7.2"),
        close_to("geostrophic adjustment: kinetic / released potential energy", step["kept"], 1.0 / 3.0, 0.02,
                 "as the row before, squared and over both fields", f"1/3; {theory}, 7.2"),
        close_to(f"Lamb wave on {max(lamb)} levels: speed (m/s)", whole["timed"], whole["exact"],
                 (0.03 if short else 0.015) * whole["exact"], "u = sigma^-kappa has its energy up to the top: the error falls as "
                 "levels^-(1 - 2 kappa), 1.5 % at 10 and 0.8 % at 40; the grid adds 0.6 % at 16 and 0.2 % at 32 points a wave",
                 f"sqrt(cp/cv R T); {theory}, 6.14"),
        close_to("Lamb wave, extrapolated to infinitely many levels: speed (m/s)", limit, whole["exact"], 0.003 * whole["exact"],
                 "with the exponent 1 - 2 kappa; what is left is of higher order in the levels",
                 f"sqrt(cp/cv R T); {theory}, 6.14"),
        within("Lamb wave: largest relative error of speed on its levels", max(
            abs(wave["speed"] / wave["levels"] - 1.0) for wave in lamb.values()), None, 2.0e-3, "0",
            "the first flow holds a little of the slower modes too", SCHEME),
    ]
    return Evidence(rows, {"dispersion": dispersion_figure(external, internal, rossby, lamb),
                           "adjustment": adjustment_figure(step)})


def dispersion_figure(external: dict, internal: dict, rossby: dict, lamb: dict) -> Any:
    """Four panels of speeds: theory as lines, the scheme's relation dashed, our runs as points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.8), layout="constrained")
    axes = figure.subplots(2, 2)

    axis, spacing, c = axes[0, 0], external["spacing"], external["exact"]
    size = np.hypot(external["k"], external["l"]) * spacing / np.pi
    direction = np.degrees(np.arctan2(np.abs(external["l"]), external["k"]))
    points = axis.scatter(size, external["speed"] / c, c=direction, s=9, cmap="viridis", vmin=0.0, vmax=90.0)
    figure.colorbar(points, ax=axis, label="direction of the wave (degrees)")
    axis.axhline(1.0, color="0.4")
    order = np.argsort(size)
    for chosen, style in ((external["l"] == 0.0, "--"), (np.isclose(np.abs(external["l"]), external["k"]), ":")):
        some = order[chosen[order]]
        axis.plot(size[some], external["scheme_speed"][some] / c, style, color="k", lw=1.0)
    axis.set(title="External waves: all waves of the grid", xlabel="wavenumber x spacing / pi", ylabel="speed / sqrt(g H)")
    axis.text(0.03, 0.13, "line: continuous theory\ndashed: scheme, along x\ndotted: scheme, along the diagonal",
              transform=axis.transAxes, fontsize=8)

    axis = axes[0, 1]
    many = np.linspace(1.0, internal["number"][-1] + 0.2, 100)
    axis.plot(many, internal["exact"][0] / many, color="0.4", label="N H / (n pi)")
    axis.plot(internal["number"], internal["levels"], "k+", ms=11, label="these levels, exact in x and t")
    axis.plot(internal["number"], internal["timed"], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="Internal waves", xlabel="vertical mode n", ylabel="speed (m/s)", ylim=(0.0, None))
    axis.legend(fontsize=8)

    axis = axes[1, 0]
    k = np.linspace(0.6 * rossby["k"][0], 1.1 * rossby["k"][-1], 200)
    axis.plot(k * 1e6, rossby_frequency(k, rossby["l"], rossby["beta"], rossby["f"], rossby["wave_speed"]) / k, color="0.4",
              label="-beta / (k^2 + l^2 + (f/c)^2)")
    axis.plot(rossby["k"] * 1e6, rossby["scheme"], "k+", ms=11, label="scheme")
    axis.plot(rossby["k"] * 1e6, rossby["speed"], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="Rossby waves in a channel", xlabel="k (1e-6 / m)", ylabel="phase speed (m/s), eastward")
    axis.legend(fontsize=8)

    axis = axes[1, 1]
    levels = np.array(sorted(lamb))
    wave = lamb[levels[-1]]
    axis.axhline(wave["exact"], color="0.4", label="sqrt(cp/cv R T), Lamb wave")
    axis.axhline(wave["formula"], color="0.4", ls="--", label="sqrt((1 + kappa) R T), neutral stratification")
    many_levels = np.array([10, 20, 40, 80, 160, 320])
    axis.plot(many_levels, [lamb_speed(nz) for nz in many_levels], "k+", ms=11, label="these levels, exact in x and t")
    axis.plot(levels, [lamb[nz]["timed"] for nz in levels], "o", ms=5, mfc="none", color="C0", label="run")
    axis.set(title="External wave of an isothermal atmosphere", xlabel="levels", ylabel="speed (m/s)", xscale="log")
    axis.legend(fontsize=8, loc="center right")
    return figure


def adjustment_figure(step: dict) -> Any:
    """Surface after adjustment, time mean and theory."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axis = figure.subplots()
    y = step["y"] / step["radius"]
    axis.plot(y, step["height"] * np.sign(y), color="0.7", label="at first")
    axis.plot(y, step["exact"], color="k", lw=1.0, label="1 - exp(-|y| / a)")
    axis.plot(y, step["surface"], ".", ms=5, color="C0", label="run, mean of three inertial periods")
    axis.set(xlim=(-6.0, 6.0), xlabel="y / radius of deformation", ylabel="surface (m)", title="Geostrophic adjustment of a step")
    axis.legend(fontsize=8)
    return figure
