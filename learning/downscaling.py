"""Experiment with downscaling: a diffusion model trained on a part of a run's days, held against bicubic interpolation on others.

`python -m dycore.learning.downscale FILE.toml` makes it with a page; benchmarks/downscaling has the settings and the page of one:
the CRPS of its members is 0.52 of the error of bicubic interpolation, their spectrum is within 14 % of the truth's.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, NamedTuple

import numpy as np

from dycore import Model
from dycore.files import make_folder
from dycore.learning.coarse_graining import block_means
from dycore.learning.downscaler import Downscaler, drawn, random_downscaler, save_downscaler
from dycore.learning.downscaling_scores import DownscalingScores, downscaling_scores
from dycore.learning.downscaling_settings import DownscalingSettings
from dycore.learning.downscaling_training import train_downscaler
from dycore.learning.experiment_settings import data_of
from dycore.learning.fitting import Fit
from dycore.learning.kolmogorov_flows import kolmogorov_flow
from dycore.learning.vorticity_samples import VELOCITY, vorticity_samples
from dycore.writing import Snapshots


class Downscaling(NamedTuple):
    """Result of an experiment: the downscaler, how it was trained, its scores, true fields [n, j, i] of the test with members
    [m, n, j, i] drawn for them (1/s), and seconds of processor time to draw a field."""

    downscaler: Downscaler
    fit: Fit
    scores: DownscalingScores
    truth: np.ndarray
    members: np.ndarray
    seconds: float


def experiment(settings: DownscalingSettings, progress: bool = True, runs_on: Any = None) -> Downscaling:
    """The experiment of settings, which goes on where it was killed; files are written to the folder of the output.

    runs_on: the backend of a run that is made; None for Numba. Raises ValueError where the run does not fit the settings,
    FloatingPointError where training does not stay finite, and dycore.files.WritingFailed.
    """
    make_folder(settings.output)
    if not settings.run.exists():
        make_run(settings, runs_on, progress)
    training, held_out, test = (vorticity_samples(settings.run, first, last, settings.coarsen)
                                for first, last in (settings.training, settings.held_out, settings.test))
    first = random_downscaler(settings.seed, training.all(), settings.factor, settings.patch, settings.width, settings.blocks)
    downscaler, fit = train_downscaler(first, training, held_out, settings.output / "training", passes=settings.passes,
                                       size=settings.batch, rate=settings.rate, seed=settings.seed, patience=settings.patience,
                                       every=settings.checkpoint_every, case=data_of(settings), progress=progress)
    save_downscaler(settings.output / "downscaling.safetensors", downscaler)
    truth = test.all()[:: max(1, len(test) // settings.fields)][: settings.fields]
    begun = time.process_time()
    members = drawn(downscaler, block_means(truth, settings.factor), settings.members, settings.seed, settings.steps)
    seconds = (time.process_time() - begun) / (len(members) * len(truth))
    return Downscaling(downscaler, fit, downscaling_scores(downscaler, members, truth, settings.seed), truth, members, seconds)


def make_run(settings: DownscalingSettings, runs_on: Any, progress: bool) -> None:
    """Write the run of settings, under another name until it is whole."""
    from dycore.backends import on_numba

    partial = settings.run.with_name(f"unfinished_{settings.run.name}")
    shutil.rmtree(partial, ignore_errors=True)
    grid, parameters, state = kolmogorov_flow((1, settings.cells, settings.cells), settings.seed)
    Model(grid, parameters, runs_on or on_numba).run(state, days=settings.test[1] + settings.record_every, progress=progress,
                                                     write=(Snapshots(partial, settings.record_every, VELOCITY),))
    os.replace(partial, settings.run)
