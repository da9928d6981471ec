"""Experiment with ensemble forecasts: a diffusion model draws next states, held against one that knows their mean alone.

`python -m dycore.learning.forecast FILE.toml` makes it with a page; benchmarks/forecasting has the settings and the page of one:
the spread of its members is 1.04 of their error, each rank of the truth among them is within 19 % of as frequent as all, and their
CRPS is 0.72 of the mean absolute error of a network that knows the mean.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from dycore.learning.diffusion import LARGEST
from dycore.learning.diffusion_data import data, spread_out, training_options
from dycore.learning.diffusion_scores import DrawnScores, drawn_scores
from dycore.learning.diffusion_training import train_diffusion
from dycore.learning.fitting import Fit
from dycore.learning.forecasting_settings import ForecastingSettings
from dycore.learning.run_samples import Windows
from dycore.learning.sequence_diffusion import (
    SequenceDiffusion,
    denoiser_after,
    drawn_sequences,
    random_sequence_diffusion,
    save_sequence_diffusion,
    with_base,
)

PAIR = 2  # records: the present state and the next
SHARE = 4  # of the passes, one in so many goes on at the largest noise level alone


class Forecasting(NamedTuple):
    """Result of an experiment: the model, how it and the deterministic network were trained, scores beside "deterministic",
    "persistence" and "climatology", present and next states [n, j, i] of the test, members [m, n, j, i] and the deterministic
    forecasts [n, j, i] (1/s), and seconds of processor time to draw a state."""

    model: SequenceDiffusion
    fit: Fit
    deterministic_fit: Fit
    scores: DrawnScores
    present: np.ndarray
    truth: np.ndarray
    members: np.ndarray
    deterministic: np.ndarray
    seconds: float


def experiment(settings: ForecastingSettings, progress: bool = True, runs_on: Any = None) -> Forecasting:
    """The experiment of settings, which goes on where it was killed; files are written to the folder of the output.

    runs_on: the backend of a run that is made; None for Numba. Raises ValueError where the run does not fit the settings,
    FloatingPointError where training does not stay finite, and dycore.files.WritingFailed.
    """
    training, held_out, test = (Windows(samples, PAIR) for samples in data(settings, runs_on, progress))
    planes = np.stack([training[number]["vorticity"] for number in range(len(training))])
    first = random_sequence_diffusion(settings.seed, planes, 1, 1, settings.patch, settings.width, settings.blocks)
    options = training_options(settings) | {"progress": progress}
    model, fit = train_diffusion(first, training, held_out, settings.output / "training", **options)
    options |= {"passes": max(1, settings.passes // SHARE), "level": LARGEST}  # from what the model has learnt of the mean
    single, deterministic_fit = train_diffusion(model, training, held_out, settings.output / "training_deterministic", **options)
    save_sequence_diffusion(settings.output / "forecasting.safetensors", model)
    pairs = spread_out(np.stack([test[number]["vorticity"] for number in range(len(test))]), settings.fields)
    before, truth, begun = pairs[:, :1], pairs[:, 1], time.process_time()
    members = drawn_sequences(model, before, settings.members, settings.seed, settings.steps)[:, :, 0]
    seconds = (time.process_time() - begun) / (len(members) * len(truth))
    mean = mean_next(single, before)
    others = {"deterministic": mean, "persistence": before[:, 0], "climatology": np.broadcast_to(model.climatology, truth.shape)}
    scores = drawn_scores(members, truth, others, float(model.deviation), settings.seed)
    return Forecasting(model, fit, deterministic_fit, scores, before[:, 0], truth, members, mean, seconds)


def mean_next(model: SequenceDiffusion, before: np.ndarray) -> np.ndarray:
    """Next states [n, j, i] of a model that was trained on at the largest noise level: their mean."""
    nothing = np.zeros(before.shape, np.float32)  # in place of the noise, of which it knows nothing
    return np.asarray(with_base(model, before, denoiser_after(model, before)(nothing, np.float32(LARGEST)))[:, 0])
