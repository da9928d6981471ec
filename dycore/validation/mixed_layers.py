"""Mixed layers of one column under vertical mixing by turbulent kinetic energy: deepened by wind, and by cooling."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.closures import TurbulentKineticEnergy
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import interior, rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.physics import surface_flux
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.validation.evidence import Evidence, Kind, close_to, within
from dycore.vertical import uniform

SIDE = 1.0e6  # m, of the column: external waves cross it in half a day
HOUR = 3600.0


class Deepening(NamedTuple):
    """Depth of a mixed layer (m) at times (s), and the profile at the end: middle of levels (m), temperature (degree C)."""

    times: np.ndarray
    depths: np.ndarray
    heights: np.ndarray
    temperature: np.ndarray


def of_largest_stratification(height: np.ndarray, n2: np.ndarray, initial: float) -> float:
    """Depth (m) of the largest N2 [k] at heights [k] (m) between levels: the base of a layer that entrains."""
    return -float(height[np.argmax(n2)])


def of_half_stratification(height: np.ndarray, n2: np.ndarray, initial: float) -> float:
    """Depth (m) where N2 comes to half of what it was at the beginning: the kink below a layer that does not entrain."""
    below = int(np.flatnonzero(n2 < 0.5 * initial).min(initial=len(n2) - 1))  # the lowest level of the mixed layer
    if below == 0:
        return -float(height[0])
    return -float(np.interp(0.5 * initial, n2[[below, below - 1]], height[[below, below - 1]]))


def deepening(backend: Any, spacing: float, depth: float, time_step: float, hours: float, n2: float,
              friction_velocity: float = 0.0, buoyancy_loss: float = 0.0, closure: Any = None) -> Deepening:
    """A column at rest with uniform N2 (1/s2) under a wind of u* (m/s) or a loss of buoyancy (m2/s3), without rotation.

    The depth is that of the largest N2 under wind, of half of the initial one without.
    """
    fluid, levels = Ocean(), round(depth / spacing)
    grid = rectilinear((levels, 1, 1), extent=(SIDE, SIDE), interfaces=uniform(levels, -depth, 0.0),
                       y_boundary=Boundary.PERIODIC)
    per_degree = fluid.gravity * fluid.thermal_expansion
    heights = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    parameters = Parameters(
        fluid, time_step=time_step, tracer_names=("temperature", "salinity"),
        vertical_mixing=VerticalMixing(TurbulentKineticEnergy() if closure is None else closure),
        surface_stress=(fluid.reference_density * friction_velocity**2, 0.0) if friction_velocity else None,
        forcing=(surface_flux(0, -buoyancy_loss / per_degree),) if buoyancy_loss else ())
    model = Model(grid, parameters, backend)
    state = model.asarrays(initial_state(grid, surface=0.0, tracers=(10.0 + n2 / per_degree * heights, 35.0)))
    times, depths, depth_of = [], [], of_largest_stratification if friction_velocity else of_half_stratification
    for _ in range(round(hours / 2.0)):
        state = model.steps(state, round(2.0 * HOUR / time_step))
        temperature = interior(np.asarray(state.tracers[0]))[:, 0, 0]
        times.append(float(state.time))
        depths.append(depth_of(grid.interfaces[1:-1], per_degree * np.diff(temperature) / spacing, n2))
    return Deepening(np.array(times), np.array(depths), heights, temperature.copy())


def kato_phillips(backend: Any, short: bool = False) -> Evidence:
    """A wind deepens the mixed layer of a column of uniform stratification, without rotation, for 30 hours.

    Kato and Phillips (1969, J. Fluid Mech. 37, 643) measured it in a tank; Price (1979, J. Fluid Mech. 95, 509) gives a depth of
    1.05 u* sqrt(t / N), which models of turbulence are held against: u* = 0.01 m/s, N = 0.01 1/s, levels of 0.5 to 2.5 m.
    Background mixing is that of a tank, 1e-6 m2/s, where there are no internal waves.
    """
    u, n, closure = 0.01, 0.01, TurbulentKineticEnergy(viscosity=1.0e-6, diffusivity=1.0e-6)
    setups = ((2.5, 1800.0), (1.0, 1800.0)) if short else ((0.5, 60.0), (1.0, 60.0), (2.5, 600.0))
    runs = {f"{spacing:g} m": deepening(backend, spacing, 50.0, step, 30.0, n * n, friction_velocity=u, closure=closure)
            for spacing, step in setups}
    rows = [within(f"depth after 30 hours over 1.05 u* sqrt(t / N), levels of {name}",
                   run.depths[-1] / (1.05 * u * np.sqrt(30.0 * HOUR / n)), 0.92, 1.08, "1",
                   "8 %, of which a level of 2.5 m is 7: the law is a fit to scattered measurements",
                   "Kato and Phillips 1969; Price 1979", Kind.FIGURE) for name, run in runs.items()]
    return Evidence(rows, {"depth": _picture(runs, lambda times: 1.05 * u * np.sqrt(times / n), "1.05 u* sqrt(t / N)")})


def free_convection(backend: Any, short: bool = False) -> Evidence:
    """Cooling deepens the mixed layer of a column of uniform stratification, without wind, for 48 hours.

    Without entrainment the layer encroaches on the stratification, to sqrt(2 B t) / N after a loss of buoyancy B over t (Turner
    1973, Buoyancy Effects in Fluids, section 9.2). The closure has no entrainment by convection, which deepens layers by up to a
    fifth more. B = 1e-7 m2/s3, N2 = 1e-5 1/s2.
    """
    loss, n2 = 1.0e-7, 1.0e-5
    setups = ((5.0, 1800.0),) if short else ((2.5, 600.0), (5.0, 600.0), (5.0, 3600.0))
    runs = {f"{spacing:g} m, steps of {step:g} s": deepening(backend, spacing, 100.0, step, 48.0, n2, buoyancy_loss=loss)
            for spacing, step in setups}
    rows = [close_to(f"depth after 48 hours (m), levels of {name}", run.depths[-1], np.sqrt(2.0 * loss * 48.0 * HOUR / n2), 2.5,
                     "half a level of 5 m", "Turner 1973") for name, run in runs.items()]
    return Evidence(rows, {"depth": _picture(runs, lambda times: np.sqrt(2.0 * loss * times / n2), "sqrt(2 B t) / N")})


def _picture(runs: dict[str, Deepening], law: Any, law_name: str) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, run in runs.items():
        left.step(run.times / HOUR, run.depths, where="mid", label=name)
        right.plot(run.temperature, run.heights, label=name)
        times = run.times
    left.plot(times / HOUR, law(times), color="black", linewidth=0.9, label=law_name)
    left.set(xlabel="time (hours)", ylabel="depth of the mixed layer (m)")
    left.invert_yaxis()
    right.set(xlabel="temperature at the end (degrees C)", ylabel="height (m)")
    left.legend(title="levels")
    return figure
