"""Scores of an emulator: forecasts against simple ones, an ensemble of them, and a long rollout against the climate of the core."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dycore.diagnostics.spectra import squares
from dycore.learning.emulator import PRESSURE, VECTORS, Emulator, damped, rollout
from dycore.learning.emulator_ensembles import ensemble_rollout
from dycore.learning.linear_forecast import linear_forecast, mean_state
from dycore.learning.run_samples import RunSamples
from dycore.learning.scores import (
    anomaly_correlation,
    continuous_ranked_probability,
    rank_histogram,
    root_mean_square_error,
    spread_over_error,
)
from dycore.tiles import Boundary

DAMPINGS = (0.0, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05, 0.07, 0.1)  # of a step; close by where waves begin to grow
MODES = (20, 40, 80, 160, 320)  # of the linear forecast; the best of these over what is held out


def stacked(emulator: Emulator, samples: RunSamples) -> np.ndarray:
    """All samples as states [n, c, j, i] without a unit."""
    return np.stack([emulator.packed(samples[number]) for number in range(len(samples))]).astype(np.float32)


class Forecasts(NamedTuple):
    """Scores [lead_time] by name of a forecast (emulator, persistence, climatology, linear), of leads of 1, 2, ... steps.

    error: root mean square over area, channels and forecasts, over the standard deviations of the channels; correlation: of
    anomalies from the climatology, but for climatology itself. modes: of the linear forecast.
    """

    error: dict[str, np.ndarray]
    correlation: dict[str, np.ndarray]
    modes: int


def forecasts(emulator: Emulator, training: np.ndarray, held_out: np.ndarray, test: np.ndarray, leads: int,
              stride: int) -> Forecasts:
    """Scores of forecasts from every `stride`th test state; the number of EOFs is the best over those held out, 5 steps ahead."""
    weights, all_leads = emulator.layout.weights, range(1, 1 + leads)
    numbers = np.arange(0, len(test) - leads, stride)
    starts, chosen = test[numbers], min(5, leads)
    outside = held_out[chosen:]
    most = len(training) - leads - 1
    best = min((number for number in MODES if number <= most) if most >= MODES[0] else (max(1, most),), key=lambda number:
               root_mean_square_error(linear_forecast(training, weights, [chosen], number).at(chosen, held_out[:-chosen], weights),
                                      outside, weights))
    linear, mean = linear_forecast(training, weights, all_leads, best), mean_state(training)
    found = np.asarray(jax.jit(jax.vmap(lambda state: rollout(emulator, state, leads)))(starts))
    error: dict[str, list[float]] = {name: [] for name in ("emulator", "linear", "persistence", "climatology")}
    correlation: dict[str, list[float]] = {name: [] for name in ("emulator", "linear", "persistence")}
    for lead_time in all_leads:
        there = test[numbers + lead_time]
        each = {"emulator": found[:, lead_time - 1], "linear": linear.at(lead_time, starts, weights), "persistence": starts,
                "climatology": np.broadcast_to(mean, starts.shape)}
        for name, forecast in each.items():
            error[name].append(root_mean_square_error(forecast, there, weights))
            if name in correlation:
                correlation[name].append(anomaly_correlation(forecast, there, mean, weights))
    return Forecasts({name: np.array(values) for name, values in error.items()},
                     {name: np.array(values) for name, values in correlation.items()}, best)


class EnsembleScores(NamedTuple):
    """Scores [lead_time] of an ensemble: CRPS and error of its mean without a unit, spread over error, and ranks [m + 1] at the
    last lead_time; size: of the errors of steps that members were given."""

    size: float
    probability: np.ndarray
    error: np.ndarray
    spread_over_error: np.ndarray
    ranks: np.ndarray


def ensemble(emulator: Emulator, errors: np.ndarray, size: float, test: np.ndarray, leads: int, stride: int, number: int,
             seed: int = 0) -> EnsembleScores:
    """Scores of forecasts by `number` members, which are given `size` times an error of a step after each step, from every
    `stride`th test state."""
    weights, numbers = emulator.layout.weights, np.arange(0, len(test) - leads, stride)
    found, scores = ensemble_rollout(emulator, errors, size, test[numbers], leads, number, seed), []
    for lead_time in range(leads):
        there, here = test[numbers + lead_time + 1], found[:, :, lead_time]
        scores.append(((weights * continuous_ranked_probability(here, there)).mean(),
                       root_mean_square_error(here.mean(axis=0), there, weights), spread_over_error(here, there, weights)))
    probability, error, ratio = np.array(scores).T
    return EnsembleScores(size, probability, error, ratio, rank_histogram(found[:, :, -1], test[numbers + leads], seed))


class ZonalClimate(NamedTuple):
    """Zonal velocity of a sequence of states: mean [k, j] (m/s) and standard deviation [k, j] (m/s) over time and along rows, and
    the kinetic energy [m] of its wavenumbers from 1 on (m2/s2), mean over levels and rows: from 30 to 60 degrees of a sphere, and
    all of a channel."""

    mean: np.ndarray
    deviation: np.ndarray
    spectrum: np.ndarray


def zonal_climate(emulator: Emulator, states: np.ndarray) -> ZonalClimate:
    """The zonal velocity of states [n, c, j, i]."""
    u, layout = emulator.unpacked(states)[VECTORS[0]], emulator.layout
    rows = np.flatnonzero((layout.boundary is Boundary.WALL) | (np.abs(np.abs(layout.places) - 45.0) <= 15.0))
    waves = 0.5 * squares(u[..., rows, :], u.shape[-1])[..., 1:]
    return ZonalClimate(u.mean(axis=(0, -1)), u.std(axis=(0, -1)), waves.mean(axis=(0, 1, 2)))


class Distances(NamedTuple):
    """Distances of two climates: root mean square, over area and levels, of mean and of deviation of zonal velocity (m/s), and of
    the logarithm of the spectrum."""

    mean: float
    deviation: float
    log_spectrum: float


def distances(emulator: Emulator, one: ZonalClimate, other: ZonalClimate) -> Distances:
    """Distances of two climates of zonal velocity."""
    weight = emulator.layout.weights[:, 0]
    mean, deviation = (float(np.sqrt((weight * (a - b) ** 2).mean())) for a, b in zip(one[:2], other[:2], strict=True))
    return Distances(mean, deviation, float(np.sqrt((np.log(one.spectrum / other.spectrum) ** 2).mean())))


def seconds_of(work: Callable[[], Any], times: int) -> float:
    """Processor time (s) of a call: the least of so many, after one that may compile."""
    work()
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def long_rollout(emulator: Emulator, start: np.ndarray, steps: int) -> np.ndarray:
    """States [n, c, j, i] after each of so many steps. Raises FloatingPointError where they do not stay finite."""
    states = np.asarray(jax.jit(partial(rollout, emulator, steps=steps))(start))
    finite = np.isfinite(states).all(axis=(1, 2, 3))
    if not finite.all():
        raise FloatingPointError(f"The rollout is no longer finite at step {int(finite.argmin()) + 1} of {steps}. Train longer, or "
                                 "on longer rollouts.")
    return states


def fitted_damping(emulator: Emulator, training: np.ndarray, start: np.ndarray, steps: int) -> Emulator:
    """The emulator with that of some dampings with which a rollout from a state has a mean and a standard deviation of zonal
    velocity that are nearest to those of training states."""
    climatology, core = mean_state(training)[..., :1], zonal_climate(emulator, training)
    program = jax.jit(lambda damping: rollout(damped(emulator, climatology, damping), start, steps))

    def distance(damping: float) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # of rollouts that do not stay finite
            found = distances(emulator, zonal_climate(emulator, np.asarray(program(jnp.float32(damping)))), core)
            off = found.mean**2 + found.deviation**2
        return off if np.isfinite(off) else np.inf

    return damped(emulator, climatology, min(DAMPINGS, key=distance))


def mass_change(emulator: Emulator, states: Sequence[Any]) -> float:
    """Largest change of the mean surface pressure in a sequence of states, over that of the first; or of the mean height of the
    sea's surface, which can be zero there, over the standard deviation of that height."""
    name = emulator.layout.surface
    assert name is not None  # settings see to it
    means = (emulator.layout.weights * emulator.unpacked(np.asarray(states, float))[name]).mean(axis=(1, 2))
    scale = means[0] if name == PRESSURE else emulator.deviation[emulator.layout.channels.index(f"{name} 0")]
    return float(np.abs(means - means[0]).max() / scale)
