"""Air at rest over the mountain of Schaer et al.: how far the pressure force is from balance over steep ground."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.fluid import Atmosphere
from dycore.grid import rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.tiles import Boundary
from dycore.validation.evidence import Row, within
from dycore.validation.measures import cells_of
from dycore.vertical import uniform

GROUND = 288.0  # K, at height zero and the reference pressure
HEIGHT, HALF_WIDTH, WAVELENGTH = 250.0, 5.0e3, 4.0e3  # m: Schaer et al. 2002, Mon. Wea. Rev. 130, 2459, equation (13)
LAPSE_RATE, STRATOSPHERE = 6.5e-3, 216.65  # K/m, K
PAPER = "Schaer et al. 2002 (mountain); exact rest"


class Profile(NamedTuple):
    """A resting atmosphere: stratified with a buoyancy frequency (1/s), or `None` for the standard atmosphere."""

    frequency: float | None

    def theta(self, exner: np.ndarray, fluid: Atmosphere) -> np.ndarray:
        """Potential temperature (K) at an Exner function."""
        if self.frequency is None:
            temperature = GROUND * exner ** (fluid.heat_capacity * LAPSE_RATE / fluid.gravity)
            return np.maximum(temperature, STRATOSPHERE) / exner
        return GROUND / (1.0 - (1.0 - exner) * self._steepness(fluid))

    def exner(self, height: np.ndarray, fluid: Atmosphere) -> np.ndarray:
        """Exner function at a height (m) in the troposphere."""
        if self.frequency is None:
            return (1.0 - LAPSE_RATE * height / GROUND) ** (fluid.gravity / (fluid.heat_capacity * LAPSE_RATE))
        if self.frequency == 0.0:
            return 1.0 - fluid.gravity * height / (fluid.heat_capacity * GROUND)
        return 1.0 + np.expm1(-self.frequency**2 * height / fluid.gravity) / self._steepness(fluid)

    def tropopause(self, fluid: Atmosphere) -> float:
        """Pressure (Pa) above which the temperature is uniform; zero for none."""
        if self.frequency is not None:
            return 0.0
        exner = (STRATOSPHERE / GROUND) ** (fluid.gravity / (fluid.heat_capacity * LAPSE_RATE))
        return float(fluid.reference_pressure * exner ** (1.0 / fluid.kappa))

    def _steepness(self, fluid: Atmosphere) -> float:
        """N2 cp T0 / g2."""
        assert self.frequency is not None
        return self.frequency**2 * fluid.heat_capacity * GROUND / fluid.gravity**2


NEUTRAL, STRATIFIED, STANDARD = Profile(0.0), Profile(0.01), Profile(None)


def at_rest(model: Model, state: State) -> float:
    """The largest speed of a component (m/s)."""
    return max(float(np.abs(cells_of(model, part)).max()) for part in (state.u, state.v))


def schaer(profile: Profile, dx: float, rest: Profile | None, backend: Any, u: float = 0.0, fluid: Atmosphere | None = None,
           levels: int = 20) -> tuple[Model, State]:
    """Air over five hills of up to 250 m, 4 km apart, in a plane of 30 km, in balance with gravity; eastward at u (m/s) if given.

    `rest`: the profile whose state of rest is taken out of the pressure force.
    """
    columns = round(3.0e4 / dx)
    interfaces = uniform(levels, 0.0, 1.0e5)
    fluid = Atmosphere() if fluid is None else fluid
    _, exner = fluid.reference_s(interfaces)
    if rest is not None:
        fluid = fluid.at_rest(interfaces, rest.theta(exner, fluid), rest.tropopause(fluid))
    grid = rectilinear((levels, 3, columns), extent=(columns * dx, 3.0 * dx), interfaces=interfaces, y_boundary=Boundary.PERIODIC)
    x = grid.x - 0.5 * columns * dx
    height = np.broadcast_to(HEIGHT * np.exp(-((x / HALF_WIDTH) ** 2)) * np.cos(np.pi * x / WAVELENGTH) ** 2, grid.cells[1:])
    ground = profile.exner(height, fluid)
    grid = grid.with_surface_geopotential(fluid.gravity * height)
    theta = profile.theta(exner[:, None, None] * ground, fluid)
    parameters = Parameters(fluid, time_step=1.4e-3 * dx, tracer_names=("potential_temperature",))
    state = initial_state(grid, surface=fluid.reference_pressure * ground ** (1.0 / fluid.kappa), u=u, tracers=(theta,))
    return Model(grid, parameters, backend), state


def rows(backend: Any) -> list[Row]:
    """Rows of air at rest over a quarter of an hour, with and without a state of rest, at several widths of cells."""
    still = []
    for name, profile, most in (("N = 0.01 / s", STRATIFIED, 1e-3), ("standard atmosphere", STANDARD, 0.01)):
        for dx in (2800.0, 1400.0, 700.0):
            before, after = (at_rest(model, model.steps(state, round(900.0 / model.parameters.time_step))) for model, state in (
                schaer(profile, dx, rest, backend) for rest in (None, profile)))
            still.append(within(f"air at rest ({name}) over Schaer's mountain, {dx:g} m a cell, a state of rest taken out: largest "
                                "speed after 15 minutes (m/s)", after, None, most, f"0 ({before:.2g} where none is taken out)",
                                "what the fitted profile leaves of the truncation error of the pressure force over slopes", PAPER))
    return still
