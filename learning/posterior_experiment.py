"""Experiment with posterior sampling: a twin analysed by it, by 4D-Var and by LETKF, from the same observations.

`python -m dycore.learning.sample_posterior FILE.toml` makes it with a page; benchmarks/posterior_sampling has the settings of one.
Each window is analysed on its own; all three know the climate of the flow beforehand and nothing else, and are judged at the last
time, when all that was observed is before them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore.backends import on_jax
from dycore.learning.diffusion_data import data, spread_out, training_options
from dycore.learning.diffusion_scores import DrawnScores, drawn_scores
from dycore.learning.diffusion_training import train_diffusion
from dycore.learning.fitting import Fit
from dycore.learning.observations import steps_between
from dycore.learning.posterior_sampling import posterior_samples
from dycore.learning.posterior_settings import PosteriorSettings
from dycore.learning.run_samples import Windows
from dycore.learning.sequence_diffusion import SequenceDiffusion, random_sequence_diffusion, save_sequence_diffusion
from dycore.learning.vorticity_twin import VorticityTwin, flow_of, kalman_filtered, variational, vorticity_twin
from dycore.running.progress import DAY

SAMPLED, VARIATIONAL, FILTERED = "posterior sampling", "4D-Var", "LETKF"


class PosteriorExperiment(NamedTuple):
    """Result of an experiment: the prior, how it was trained, observed values [n, t, b, a] and the truth at the last time [n, j,
    i]; by the name of each analysis its members there [m, n, j, i] (1/s), scores and seconds of processor time a window. The scores
    of 4D-Var have the analysis itself as "analysis", beside the mean of members."""

    prior: SequenceDiffusion
    fit: Fit
    observed: np.ndarray
    truth: np.ndarray
    members: dict[str, np.ndarray]
    scores: dict[str, DrawnScores]
    seconds: dict[str, float]


def experiment(settings: PosteriorSettings, progress: bool = True, runs_on: Any = None) -> PosteriorExperiment:
    """The experiment of settings, whose training goes on where it was killed; files are written to the folder of the output.

    runs_on: the backend of runs and of the filter; None for Numba. Raises ValueError where the run does not fit the settings,
    FloatingPointError where something does not stay finite, and dycore.files.WritingFailed.
    """
    runs_on = runs_on or numba()
    training, held_out, test = data(settings, runs_on, progress)
    windows, left = (Windows(samples, settings.times) for samples in (training, held_out))
    planes, outside = (np.stack([part[number]["vorticity"] for number in range(len(part))]) for part in (windows, left))
    first = random_sequence_diffusion(settings.seed, planes, 0, settings.times, settings.patch, settings.width, settings.blocks)
    prior, fit = train_diffusion(first, windows, left, settings.output / "training", progress=progress,
                                 **training_options(settings))
    save_sequence_diffusion(settings.output / "posterior_sampling.safetensors", prior)
    size, climate = float(prior.deviation), planes[:, 0]
    twin = twin_of(settings, runs_on, size)
    starts = spread_out(test.all()[: -settings.times], settings.fields)
    true = np.stack([twin.trajectory(flow_of(twin.model, start)) for start in starts])
    noise = np.random.default_rng(settings.seed).standard_normal(twin.seen(true).shape)
    observed = (twin.seen(true) + twin.error * noise).astype(np.float32)
    members, analysis, seconds = analyses(settings, twin, prior, observed, outside, climate)
    scores = {name: drawn_scores(each, true[:, -1], {"analysis": analysis} if name == VARIATIONAL else {}, size, settings.seed)
              for name, each in members.items()}
    return PosteriorExperiment(prior, fit, observed, true[:, -1], members, scores, seconds)


def numba() -> Any:
    from dycore.backends import on_numba

    return on_numba


def twin_of(settings: PosteriorSettings, backend: Any, size: float) -> VorticityTwin:
    """The twin of settings on a backend. size: deviation of vorticity (1/s). Raises ValueError for records between steps."""
    twin = vorticity_twin(backend, settings.cells, 1, settings.times, settings.stride, settings.error * size)
    return replace(twin, steps=steps_between(settings.record_every * DAY, twin.model.parameters.time_step))


def analyses(settings: PosteriorSettings, twin: VorticityTwin, prior: SequenceDiffusion, observed: np.ndarray, outside: np.ndarray,
             climate: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, float]]:
    """Members [m, n, j, i] at the last time by the name of their analysis, 4D-Var's own [n, j, i], and seconds a window."""
    seed, clock = settings.seed, [time.process_time()]
    drawn = posterior_samples(prior, observed, twin.error, outside, settings.members, seed, settings.steps)[:, :, -1]
    clock.append(time.process_time())
    kalman = [kalman_filtered(twin, each, climate, settings.filter_members, settings.radius, settings.inflation, seed + number)
              for number, each in enumerate(observed)]
    clock.append(time.process_time())
    on_slopes = twin_of(settings, on_jax, twin.error / settings.error)
    found = [variational(on_slopes, each, climate, settings.members, settings.iterations, settings.modes, seed)
             for each in observed]
    clock.append(time.process_time())
    members = {SAMPLED: drawn, VARIATIONAL: np.stack([each for _, each in found], axis=1), FILTERED: np.stack(kalman, axis=1)}
    used = dict(zip((SAMPLED, FILTERED, VARIATIONAL), np.diff(clock) / len(observed), strict=True))
    return members, np.stack([each for each, _ in found]), used
