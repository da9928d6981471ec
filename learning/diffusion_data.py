"""Data of experiments with diffusion models: the vorticity of a run of Kolmogorov flow, which is made where it is not there."""

from __future__ import annotations

import os
import shutil
from typing import Any

import numpy as np

from dycore import Model
from dycore.files import make_folder
from dycore.learning.diffusion_settings import DiffusionSettings
from dycore.learning.experiment_settings import data_of
from dycore.learning.kolmogorov_flows import kolmogorov_flow
from dycore.learning.vorticity_samples import VELOCITY, VorticitySamples, vorticity_samples
from dycore.writing import Snapshots


def data(settings: DiffusionSettings, runs_on: Any, progress: bool) -> tuple[VorticitySamples, VorticitySamples, VorticitySamples]:
    """Vorticity for training, held out and of the test, of the run of settings. runs_on: the backend of a run that is made."""
    make_folder(settings.output)
    if not settings.run.exists():
        make_run(settings, runs_on, progress)
    training, held_out, test = (vorticity_samples(settings.run, first, last, settings.coarsen)
                                for first, last in (settings.training, settings.held_out, settings.test))
    return training, held_out, test


def make_run(settings: DiffusionSettings, runs_on: Any, progress: bool) -> None:
    """Write the run of settings, under another name until it is whole."""
    from dycore.backends import on_numba

    partial = settings.run.with_name(f"unfinished_{settings.run.name}")
    shutil.rmtree(partial, ignore_errors=True)
    grid, parameters, state = kolmogorov_flow((1, settings.cells, settings.cells), settings.seed)
    Model(grid, parameters, runs_on or on_numba).run(state, days=settings.test[1] + settings.record_every, progress=progress,
                                                     write=(Snapshots(partial, settings.record_every, VELOCITY),))
    os.replace(partial, settings.run)


def training_options(settings: DiffusionSettings) -> dict[str, Any]:
    """Arguments of `train_diffusion` of settings."""
    return {"passes": settings.passes, "size": settings.batch, "rate": settings.rate, "seed": settings.seed,
            "patience": settings.patience, "every": settings.checkpoint_every, "case": data_of(settings)}


def spread_out(fields: Any, number: int) -> np.ndarray:
    """So many of fields [n, ...], evenly spread over them, or all where they are fewer."""
    return fields[:: max(1, len(fields) // number)][:number]
