"""Settings of an experiment with downscaling, of a TOML file, each checked: python -m dycore.learning.downscale FILE.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dycore.files import read_toml
from dycore.learning.diffusion_settings import KINDS, NEEDED, DiffusionSettings
from dycore.learning.experiment_settings import checked, whole


@dataclass(frozen=True)
class DownscalingSettings(DiffusionSettings):
    """Settings of an experiment: those of `dycore.learning.diffusion_settings.DiffusionSettings`, with cells of the model the fine
    ones, and factor: fine cells in a coarse one along j and i.
    """

    factor: int = 4
    patch: int = 2
    width: int = 32


def read_settings(path: str | Path) -> DownscalingSettings:
    """The settings in a TOML file. Raises ValueError, in a sentence, for what cannot be read, keys that are not known, and
    values."""
    return checked(DownscalingSettings, KINDS | {"factor": whole(2, 1000)}, NEEDED, read_toml(path), str(path))
