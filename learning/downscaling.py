"""Experiment with downscaling: a diffusion model trained on a part of a run's days, held against bicubic interpolation on others.

`python -m dycore.learning.downscale FILE.toml` makes it with a page; benchmarks/downscaling has the settings and the page of one:
the CRPS of its members is 0.51 of the error of bicubic interpolation, their spectrum is within 12 % of the truth's. On 8 fields of
the test it is 28 % off without gains (`calibrated`), 14 % with them. On days of the training and held out, neither 40 steps instead
of 18, levels down to 0.002, nor noise added in each step (Karras et al. 2022, algorithm 2) brought the missing variance back, and
networks with a lower loss lacked as much of it.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from dycore.learning.coarse_graining import block_means
from dycore.learning.diffusion_data import data, spread_out, training_options
from dycore.learning.diffusion_scores import DrawnScores, drawn_scores
from dycore.learning.diffusion_training import train_diffusion
from dycore.learning.downscaler import Downscaler, calibrated, drawn, interpolated, random_downscaler, save_downscaler
from dycore.learning.downscaling_settings import DownscalingSettings
from dycore.learning.fitting import Fit
from dycore.learning.scores import anomaly_correlation

CALIBRATED = 64  # fields of the training for which members are drawn to find gains


class Downscaling(NamedTuple):
    """Result of an experiment: the downscaler, how it was trained, its scores beside "bicubic" interpolation and the same
    "corrected", with its means restored, anomaly correlations of both and of the mean of members, "drawn" (from the mean over time
    and rows of the training), true fields [n, j, i] of the test with members [m, n, j, i] drawn for them (1/s), the largest
    difference of a block's mean from what was given, over the standard deviation, and seconds of processor time to draw a field."""

    downscaler: Downscaler
    fit: Fit
    scores: DrawnScores
    correlations: dict[str, float]
    truth: np.ndarray
    members: np.ndarray
    means: float
    seconds: float


def experiment(settings: DownscalingSettings, progress: bool = True, runs_on: Any = None) -> Downscaling:
    """The experiment of settings, which goes on where it was killed; files are written to the folder of the output.

    runs_on: the backend of a run that is made; None for Numba. Raises ValueError where the run does not fit the settings,
    FloatingPointError where training does not stay finite, and dycore.files.WritingFailed.
    """
    training, held_out, test = data(settings, runs_on, progress)
    first = random_downscaler(settings.seed, training.all(), settings.factor, settings.patch, settings.width, settings.blocks)
    downscaler, fit = train_diffusion(first, training, held_out, settings.output / "training", progress=progress,
                                      **training_options(settings))
    downscaler = calibrated(downscaler, spread_out(training.all(), CALIBRATED), seed=settings.seed, steps=settings.steps)
    save_downscaler(settings.output / "downscaling.safetensors", downscaler)
    truth = spread_out(test.all(), settings.fields)
    coarse, begun = block_means(truth, settings.factor), time.process_time()
    members = drawn(downscaler, coarse, settings.members, settings.seed, settings.steps)
    seconds = (time.process_time() - begun) / (len(members) * len(truth))
    smooth = {"bicubic": np.stack([np.asarray(interpolated(each, settings.factor)) for each in coarse]),
              "corrected": np.stack([np.asarray(downscaler.background(each)) for each in coarse])}
    size = float(downscaler.deviation)
    scores = drawn_scores(members, truth, smooth, size, settings.seed)
    climatology = training.all().mean(axis=(0, 2), dtype=float)[:, None]
    correlations = {name: anomaly_correlation(each, truth, climatology)
                    for name, each in ({"drawn": members.mean(axis=0)} | smooth).items()}
    means = float(np.abs(block_means(members.astype(float), settings.factor) - coarse).max()) / size
    return Downscaling(downscaler, fit, scores, correlations, truth, members, means, seconds)
