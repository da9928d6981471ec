"""Settings of an experiment with posterior sampling, of a TOML file, each checked: python -m dycore.learning.sample_posterior."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dycore.files import read_toml
from dycore.inputs.given import check_number, positive
from dycore.learning.diffusion_settings import KINDS, NEEDED, DiffusionSettings
from dycore.learning.experiment_settings import checked, whole


@dataclass(frozen=True)
class PosteriorSettings(DiffusionSettings):
    """Settings of an experiment: those of `dycore.learning.diffusion_settings.DiffusionSettings`, with a window of the test for
    each of its `fields`, and records a whole number of time steps of the model apart.

    times: that are observed in a window, a record apart; stride: cells from one observed corner to the next; error: of an
    observation, over the standard deviation of vorticity. iterations, modes: of 4D-Var. filter_members, radius (m), inflation: of
    LETKF.
    """

    cells: int = 32
    record_every: float = 125000.0 / 86400.0
    coarsen: int = 1
    times: int = 5
    stride: int = 4
    error: float = 0.25
    iterations: int = 60
    modes: int = 60
    filter_members: int = 40
    radius: float = 4.0e5
    inflation: float = 1.05


OWN = {"times": whole(2, 1000), "stride": whole(1, 1000), "error": lambda name, value: positive(name, value, "no unit"),
       "iterations": whole(1, 10**5), "modes": whole(1, 10**5), "filter_members": whole(2, 10**4),
       "radius": lambda name, value: positive(name, value, "metres"),
       "inflation": lambda name, value: check_number(name, value, "a number of at least 1", lambda number: 1.0 <= number < 100.0)}


def read_settings(path: str | Path) -> PosteriorSettings:
    """The settings in a TOML file. Raises ValueError, in a sentence, for what cannot be read, keys that are not known, and
    values."""
    return checked(PosteriorSettings, KINDS | OWN, NEEDED, read_toml(path), str(path))
