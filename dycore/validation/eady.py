"""Baroclinic instability of uniform shear in a channel: Eady's problem in an ocean and in an atmosphere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dycore.fluid import Atmosphere, Ocean
from dycore.grid import Grid, rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.validation.evidence import Evidence, close_to, within
from dycore.validation.measures import cells_of
from dycore.validation.wave_runs import record, thermal
from dycore.vertical import uniform

CORIOLIS = 1.0e-4  # 1/s
SHEAR = 0.05  # difference of u over the depth / speed of internal waves N H: one over the root of the Richardson number
WIDTH = 4.0  # of the channel, in radii of deformation N H / f


class Basic(NamedTuple):
    """A basic state on its grid, and what theory needs of it."""

    grid: Grid
    parameters: Parameters
    state: State
    speed: float  # N H (m/s); the square root of stability times (pressure thickness)^2 in an atmosphere
    freedom: float  # N^2 H / g: how far the moving boundary gives way


def growth_rate(k: Any, speed: float, freedom: float = 0.0, width: float = WIDTH) -> Any:
    """Quasi-geostrophic growth rate (1/s) of wave k (1/m) in the channel, wave sin(pi y / width) across.

    With r from the fixed to the moving boundary, scaled to 0 .. 1, U = shear (r - 1/2) and m = K N H / f,
    K^2 = k^2 + l^2, the wave is psi = A cosh(m r) + B sinh(m r) and the boundaries say

        r = 0:  (U - c) psi' - U' psi = 0,        r = 1:  (U - c) psi' - U' psi - freedom c psi = 0

    a quadratic in c. With freedom = 0 it is Eady's (1949, Tellus 1, 33):
    (k/K) (f U / N H) [ (m/2 - tanh(m/2)) (coth(m/2) - m/2) ]^(1/2).
    """
    k = np.asarray(k)
    m = np.hypot(k * speed / CORIOLIS, np.pi / width)
    sinh, cosh = np.sinh(m), np.cosh(m)
    # from the first boundary A = -(1/2 + c) m B; then second c^2 + first c + zeroth = 0
    second = m**2 * sinh + freedom * m * cosh
    first = freedom * (0.5 * m * cosh - sinh)
    zeroth = m * cosh - 0.25 * m**2 * sinh - sinh
    return k * SHEAR * speed * np.sqrt(np.maximum(4.0 * second * zeroth - first**2, 0.0)) / (2.0 * second)


def perturbation(grid: Grid, size: float) -> np.ndarray:
    """One wave along the channel, half a wave across it [j, i]."""
    return size * np.cos(2.0 * np.pi * grid.x / grid.x_face[-1]) * np.sin(np.pi * grid.y / grid.y_face[-1])[:, None]


def ocean(cells: tuple[int, int, int], number: float) -> Basic:
    """2000 m deep, N = 2e-3 1/s: temperature rises linearly upwards and to the south, u from -0.1 to 0.1 m/s.

    The channel is as long as the wave k N H / f = `number`.
    """
    depth, frequency = 2000.0, 2.0e-3
    speed = frequency * depth
    radius = speed / CORIOLIS
    fluid = Ocean(buoyancy=thermal)
    grid = rectilinear(cells, extent=(2.0 * np.pi / number * radius, WIDTH * radius), interfaces=uniform(cells[0], -depth, 0.0),
                       coriolis=CORIOLIS)
    y = (grid.y - 0.5 * grid.y_face[-1])[:, None]
    shear = SHEAR * speed / depth
    reference = (0.5 * (grid.interfaces[1:] + grid.interfaces[:-1]))[:, None, None]
    surface = -CORIOLIS * 0.5 * shear * depth / fluid.gravity * y
    z = reference + surface * (1.0 + reference / depth)
    buoyancy = frequency**2 * z - CORIOLIS * shear * y  # f du/dz = -db/dy
    temperature = fluid.reference_temperature + buoyancy / (fluid.gravity * fluid.thermal_expansion)
    u = shear * (reference + 0.5 * depth)
    dt = 0.09 * float(min(grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]))
    parameters = Parameters(fluid, time_step=dt, substeps=60, tracer_names=("temperature",))
    state = initial_state(grid, surface=np.broadcast_to(surface, cells[1:]), u=np.broadcast_to(u, cells),
                          tracers=(temperature + perturbation(grid, 1.0e-6) * (1.0 + 2.0 * reference / depth),))
    return Basic(grid, parameters, state, speed, frequency**2 * depth / fluid.surface_gravity)


def from_the_middle(y: np.ndarray, start: float, slope: Callable[[float, float], float]) -> np.ndarray:
    """p at places y (m) from dp/dy = slope(p, y) and its value where y is zero, by the midpoint rule from there outwards."""
    pressures = np.empty(len(y))
    for half in (range(len(y) // 2, len(y)), range(len(y) // 2 - 1, -1, -1)):
        p, at = start, 0.0
        for j in half:
            step = float(y[j]) - at
            p, at = p + step * slope(p + 0.5 * step * slope(p, at), at + 0.5 * step), float(y[j])
            pressures[j] = p
    return pressures


def atmosphere(cells: tuple[int, int, int], number: float) -> Basic:
    """Up to zero pressure, with the stability -(d alpha / d theta) (d theta / dp) the same at all pressures.

    theta = theta_0 - A p^(2 - kappa) + B y p^(1 - kappa): both alpha derivatives, along p (stability) and along y
    (thermal wind), are then uniform in pressure, as N^2 and the slope of buoyancy are in the ocean. The part in y makes
    the south less stable than the north, and air that is thinner than 1.4 SHEAR p_s unstable at the southern wall, so that
    the shear has to be weak and the first level below that.
    """
    speed = 40.0
    radius = speed / CORIOLIS
    fluid = Atmosphere()
    bottom, kappa, gas = fluid.reference_pressure, fluid.kappa, fluid.gas_constant
    interfaces = uniform(cells[0], 0.0, bottom)
    grid = rectilinear(cells, extent=(2.0 * np.pi / number * radius, WIDTH * radius), interfaces=interfaces, coriolis=CORIOLIS)
    y = (grid.y - 0.5 * grid.y_face[-1])[:, None]
    wind, warm = SHEAR * speed, 300.0
    stability = (speed / bottom) ** 2

    def theta(p: Any, y: Any) -> Any:
        """Potential temperature (K); f du/dp = d(alpha)/dy with du/dp = -wind / bottom."""
        return (warm - stability * bottom**kappa / (gas * (2.0 - kappa)) * p ** (2.0 - kappa)
                - CORIOLIS * wind / bottom * bottom**kappa / gas * y * p ** (1.0 - kappa))

    def slope(p: float, y: float) -> float:
        """d(p_s)/dy (Pa/m) that holds the wind at the ground, -wind (p_s / bottom - 1/2): -f u / alpha."""
        alpha = gas * float(theta(p, y)) * (p / bottom) ** kappa / p
        return CORIOLIS * wind * (p / bottom - 0.5) / alpha

    surface = from_the_middle(y[:, 0], bottom, slope)
    _, exner = fluid.reference_s(interfaces)
    pressure = (exner ** (1.0 / kappa))[:, None, None] * surface[:, None]
    u = -wind * (pressure / bottom - 0.5)
    spacing = np.hypot(1.0 / (grid.x[1] - grid.x[0]), 1.0 / (grid.y[1] - grid.y[0]))
    dt = 0.8 * 1.78 / (2.0 * 347.0 * float(spacing))
    parameters = Parameters(fluid, time_step=dt, tracer_names=("potential_temperature",))
    state = initial_state(grid, surface=np.broadcast_to(surface[:, None], cells[1:]), u=np.broadcast_to(u, cells), tracers=(
        theta(pressure, y) + perturbation(grid, 1.0e-5) * (2.0 * pressure / bottom - 1.0),))
    alpha = gas * float(theta(bottom, 0.0)) / bottom
    return Basic(grid, parameters, state, speed, stability * bottom / alpha)


def measured_growth(backend: Any, basic: Basic, seconds: float) -> float:
    """Growth rate (1/s) of the wave: the slope of the logarithm of v over the last 40 % of the run."""
    model = Model(basic.grid, basic.parameters, backend)
    across = np.sin(np.pi * basic.grid.y_face[:-1] / basic.grid.y_face[-1])
    every = max(1, round(seconds / 50.0 / basic.parameters.time_step))

    def look(state: State) -> float:
        wave = np.fft.rfft(np.einsum("j,kji->ki", across, cells_of(model, state.v)), axis=1)[:, 1]
        return float(np.log(np.linalg.norm(wave)))

    state = model.steps(basic.state, 30 * every)
    _, amplitude = record(model, state, 20, every, look)
    return float(np.polyfit(np.arange(21) * every * basic.parameters.time_step, amplitude, 1)[0])


def growth_curve(backend: Any, make: Callable[[tuple[int, int, int], float], Basic], cells: tuple[int, int, int],
                 numbers: Sequence[float]) -> dict[str, np.ndarray]:
    """Growth rates / (f U / N H) of waves k N H / f = `numbers`: measured, Eady's, and with the moving boundary."""
    rates: dict[str, list[float]] = {"measured": [], "eady": [], "moving": []}
    for number in numbers:
        basic = make(cells, number)
        k, unit = number * CORIOLIS / basic.speed, CORIOLIS * SHEAR
        rates["eady"].append(float(growth_rate(k, basic.speed)) / unit)
        rates["moving"].append(float(growth_rate(k, basic.speed, basic.freedom)) / unit)
        # eight e-foldings: five for the decaying partner of the wave and all that does not grow, three to measure
        rate = max(rates["moving"][-1], 0.12) * unit
        rates["measured"].append(measured_growth(backend, basic, 8.0 / rate) / unit)
    return {"number": np.array(numbers), **{name: np.array(values) for name, values in rates.items()}}


def eady(backend: Any, short: bool = False) -> Evidence:
    """Growth of baroclinic waves on uniform shear, in an ocean and in an atmosphere: Eady's curve twice.

    Eady (1949), Tellus 1, 33; Gill (1982), Atmosphere-Ocean Dynamics, section 13.3. A channel on an f-plane with
    walls, one wave long and half a wave wide; Richardson number 400. The ocean has uniform N in height, the atmosphere
    uniform stability in pressure: by the isomorphism of both fluids the same problem and the same curve.
    """
    numbers = (1.4,) if short else (0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.2, 2.7)
    cells = (8, 8, 12) if short else (12, 20, 24)
    curves = {make.__name__: growth_curve(backend, make, cells, numbers) for make in (ocean, atmosphere)}
    rows = []
    infinite = float(growth_rate(1.606 * CORIOLIS, 1.0, width=1.0e9)) / (CORIOLIS * SHEAR)
    rows.append(close_to("largest growth rate of the theory used, wide channel / (f U / N H)", infinite, 0.3098, 1.0e-4,
                         "as many digits as are given, at k N H / f = 1.606", "Eady 1949"))
    tolerance = 0.1 if short else 0.05
    reason = ("10 % of the maximum: 8 levels and 12 points a wave" if short else
              "5 % of the maximum: 12 levels and 24 points a wave; close to the short-wave limit both count most")
    for name, curve in curves.items():
        growing = curve["eady"] > 0.1
        for number, ours, theory in zip(curve["number"][growing], curve["measured"][growing], curve["eady"][growing], strict=True):
            rows.append(close_to(f"{name}: growth rate / (f U / N H) at k N H / f = {number:g}", ours, theory, tolerance * 0.31,
                                 reason, "Eady 1949, wave in a channel"))
        rows += [within(f"{name}: growth rate / (f U / N H) at k N H / f = {number:g}, beyond the short-wave limit", ours, None,
                        0.0155, "0", "5 % of the maximum: a wave that neither grows nor decays beats with others", "Eady 1949")
                 for number, ours, theory in zip(curve["number"], curve["measured"], curve["eady"], strict=True) if theory == 0.0]
    growing = curves["ocean"]["eady"] > 0.0
    both = np.abs(curves["ocean"]["measured"] - curves["atmosphere"]["measured"])[growing].max()
    rows.append(within("ocean and atmosphere: largest difference of growth rates / (f U / N H), growing waves", float(both), None,
                       0.015, "0",
                       "5 % of the maximum: levels and the moving boundary differ (N^2 H / g = 0.001 and 0.02)",
                       "Marshall et al. 2004, the isomorphism"))
    return Evidence(rows, {"growth": growth_figure(curves)})


def growth_figure(curves: dict[str, dict[str, np.ndarray]]) -> Any:
    """Figure of the two fluids on Eady's curve."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axis = figure.subplots()
    number = np.linspace(0.01, 3.0, 400)
    unit = CORIOLIS * SHEAR
    axis.plot(number, growth_rate(number * CORIOLIS, 1.0, width=1.0e9) / unit, color="0.7", ls="--",
              label="Eady, channel of infinite width")
    axis.plot(number, growth_rate(number * CORIOLIS, 1.0) / unit, color="k", lw=1.2, label="Eady, this channel")
    for (name, curve), marker, colour in zip(curves.items(), "os", ("C0", "C3"), strict=True):
        axis.plot(curve["number"], curve["measured"], marker, ms=8 if marker == "o" else 4, mfc="none" if marker == "o" else colour,
                  color=colour, label=f"{name}, run")
    axis.set(xlabel="k N H / f", ylabel="growth rate / (f U / N H)", xlim=(0.0, 3.0), ylim=(-0.01, 0.34),
             title="Growth of baroclinic waves in an ocean and in an atmosphere")
    axis.legend(fontsize=8)
    return figure
