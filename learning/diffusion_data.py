"""Data of experiments with diffusion models: the vorticity of a run of Kolmogorov flow, which is made where it is not there."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.files import make_folder
from dycore.learning.diffusion_settings import DiffusionSettings
from dycore.learning.experiment_settings import data_of
from dycore.learning.kolmogorov_flows import kolmogorov_flow
from dycore.learning.made_runs import make_run
from dycore.learning.vorticity_samples import VELOCITY, VorticitySamples, vorticity_samples


def data(settings: DiffusionSettings, runs_on: Any, progress: bool) -> tuple[VorticitySamples, VorticitySamples, VorticitySamples]:
    """Vorticity for training, held out and of the test, of the run of settings. runs_on: the backend of a run that is made."""
    make_folder(settings.output)
    if not settings.run.exists():
        make_run(settings.run, kolmogorov_flow((1, settings.cells, settings.cells), settings.seed),
                 settings.test[1] + settings.record_every, settings.record_every, VELOCITY, runs_on, progress)
    training, held_out, test = (vorticity_samples(settings.run, first, last, settings.coarsen)
                                for first, last in (settings.training, settings.held_out, settings.test))
    return training, held_out, test


def training_options(settings: DiffusionSettings) -> dict[str, Any]:
    """Arguments of `train_diffusion` of settings."""
    return {"passes": settings.passes, "size": settings.batch, "rate": settings.rate, "seed": settings.seed,
            "patience": settings.patience, "every": settings.checkpoint_every, "case": data_of(settings)}


def spread_out(fields: Any, number: int) -> np.ndarray:
    """So many of fields [n, ...], evenly spread over them, or all where they are fewer."""
    return fields[:: max(1, len(fields) // number)][:number]
