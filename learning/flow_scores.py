"""Forecasts and climates of an atmosphere against those of another: errors by lead time, zonal means and spectra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.diagnostics.spectra import squares
from dycore.grid import Grid, interior
from dycore.inputs.given import integer
from dycore.model import Model
from dycore.state import State


class Flow(NamedTuple):
    """Flow of an atmosphere without halo [..., k, j, i]: wind on west and south faces (m/s), potential temperature (K)."""

    u: Any
    v: Any
    theta: Any


def flow(state: State) -> Flow:
    """The flow of a state whose first tracer is potential temperature."""
    return Flow(interior(state.u), interior(state.v), interior(state.tracers[0]))


def error_between(grid: Grid, typical: Flow) -> Callable[[Flow, Flow], Any]:
    """The function of two flows that gives the mean square of their difference, over the sphere, the levels and the fields.

    typical: flows [n, k, j, i]. Differences are divided by the standard deviations of these on each level, by time and longitude,
    so that there is no unit.
    """
    weight = np.cos(np.radians(grid.latitude))
    weight, deviations = weight / weight.mean(), [np.sqrt(np.var(field, axis=(0, -1)).mean(axis=-1))[:, None, None]
                                                  for field in typical]

    def error(one: Flow, other: Flow) -> Any:
        squares = [weight * ((a - b) / deviation) ** 2 for a, b, deviation in zip(one, other, deviations, strict=True)]
        return sum(square.mean() for square in squares) / len(squares)

    return error


class Climate(NamedTuple):
    """Time means: u (m/s) and potential temperature (K) along latitudes [k, j], and the kinetic energy of zonal wavenumbers.

    spectrum [m]: from wavenumber 1 on (m2/s2), of u, mean over levels and over rows from 30 to 60 degrees.
    """

    u: np.ndarray
    theta: np.ndarray
    spectrum: np.ndarray


def climate(model: Model, state: State, samples: int, every: int) -> tuple[State, Climate]:
    """The state after a run of a model, and means over so many samples of it, one after each `every` steps.

    Raises FloatingPointError, with the number of the sample, where the run does not stay finite.
    """
    samples, every = integer("samples", samples, 1), integer("every", every, 1)
    latitude = np.abs(np.asarray(model.grid.latitude)[:, 0])
    rows = np.flatnonzero((latitude >= 30.0) & (latitude <= 60.0))
    totals: list[Any] = [0.0, 0.0, 0.0]
    for sample in range(samples):
        state = model.steps(state, every)
        u, _, theta = map(np.asarray, flow(state))
        if not np.isfinite(u).all() or not np.isfinite(theta).all():
            raise FloatingPointError(f"The run is no longer finite at sample {sample + 1} of {samples}.")
        waves = 0.5 * squares(u[:, rows], u.shape[-1])[..., 1:]
        found = u.mean(axis=-1), theta.mean(axis=-1), waves.mean(axis=(0, 1))
        totals = [total + value for total, value in zip(totals, found, strict=True)]
    return state, Climate(*(total / samples for total in totals))


class Departures(NamedTuple):
    """Root mean square differences of two climates: of mean u (m/s) and potential temperature (K), and of log(spectrum)."""

    u: float
    theta: float
    log_spectrum: float


def departures(grid: Grid, one: Climate, other: Climate) -> Departures:
    """Differences of two climates, over the sphere and the levels."""
    weight = np.cos(np.radians(np.asarray(grid.latitude)[:, 0]))

    def mean(square: np.ndarray) -> float:
        return float(np.sqrt((weight * square).mean() / weight.mean()))

    return Departures(mean((one.u - other.u) ** 2), mean((one.theta - other.theta) ** 2),
                      float(np.sqrt((np.log(one.spectrum / other.spectrum) ** 2).mean())))
