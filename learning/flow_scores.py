"""Forecasts and climates of a flow against those of another: errors by lead time, zonal means and spectra."""

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
    """Flow without halo [..., k, j, i]: velocity on west and south faces (m/s), and the first tracer.

    That is potential temperature (K) in an atmosphere, and temperature (degree C) as usual in an ocean.
    """

    u: Any
    v: Any
    theta: Any


def flow(state: State) -> Flow:
    """The flow of a state. Raises ValueError where that has no tracer."""
    if not state.tracers:
        raise ValueError("The state has no tracers, of which a flow holds the first. Give one of a model that has a tracer.")
    return Flow(interior(state.u), interior(state.v), interior(state.tracers[0]))


def row_weights(grid: Grid) -> np.ndarray:
    """Weights of rows [j], of mean 1: cosines of latitude on a sphere, even on a plane."""
    weight = np.cos(np.radians(np.asarray(grid.latitude)[:, 0])) if grid.spherical else np.ones(grid.cells[1])
    return weight / weight.mean()


def error_between(grid: Grid, typical: Flow) -> Callable[[Flow, Flow], Any]:
    """The function of two flows that gives the mean square of their difference, over the area, the levels and the fields.

    typical: flows [n, k, j, i]. Differences are divided by the standard deviations of these on each level, by time and longitude,
    so that there is no unit.
    """
    weight = row_weights(grid)[:, None]
    deviations = [np.sqrt(np.var(field, axis=(0, -1)).mean(axis=-1))[:, None, None] for field in typical]

    def error(one: Flow, other: Flow) -> Any:
        squares = [weight * ((a - b) / deviation) ** 2 for a, b, deviation in zip(one, other, deviations, strict=True)]
        return sum(square.mean() for square in squares) / len(squares)

    return error


class Climate(NamedTuple):
    """Time means: u (m/s) and the first tracer along rows [k, j], and the kinetic energy of wavenumbers along these.

    spectrum [m]: from wavenumber 1 on (m2/s2), of u, mean over levels and over rows: those from 30 to 60 degrees, on a plane all.
    """

    u: np.ndarray
    theta: np.ndarray
    spectrum: np.ndarray


def climate(model: Model, state: State, samples: int, every: int, see: Callable[[State], Flow] = flow) -> tuple[State, Climate]:
    """The state after a run of a model, and means over so many samples of it, one after each `every` steps.

    see: the function of a state that gives its flow, such as one on a coarser grid (dycore.learning.coarse_graining).

    Raises FloatingPointError, with the number of the sample, where the run does not stay finite.
    """
    samples, every = integer("samples", samples, 1), integer("every", every, 1)
    rows: Any = slice(None)
    if model.grid.spherical:
        latitude = np.abs(np.asarray(model.grid.latitude)[:, 0])
        rows = np.flatnonzero((latitude >= 30.0) & (latitude <= 60.0))
    totals: list[Any] = [0.0, 0.0, 0.0]
    for sample in range(samples):
        state = model.steps(state, every)
        u, _, theta = map(np.asarray, see(state))
        if not np.isfinite(u).all() or not np.isfinite(theta).all():
            raise FloatingPointError(f"The run is no longer finite at sample {sample + 1} of {samples}.")
        waves = 0.5 * squares(u[:, rows], u.shape[-1])[..., 1:]
        found = u.mean(axis=-1), theta.mean(axis=-1), waves.mean(axis=(0, 1))
        totals = [total + value for total, value in zip(totals, found, strict=True)]
    return state, Climate(*(total / samples for total in totals))


class Departures(NamedTuple):
    """Root mean square differences of two climates: of mean u (m/s) and the first tracer, and of log(spectrum)."""

    u: float
    theta: float
    log_spectrum: float


def departures(grid: Grid, one: Climate, other: Climate) -> Departures:
    """Differences of two climates, over the area and the levels."""
    weight = row_weights(grid)

    def mean(square: np.ndarray) -> float:
        return float(np.sqrt((weight * square).mean()))

    return Departures(mean((one.u - other.u) ** 2), mean((one.theta - other.theta) ** 2),
                      float(np.sqrt((np.log(one.spectrum / other.spectrum) ** 2).mean())))
