"""Settings of an experiment with ensemble forecasts, of a TOML file, each checked: python -m dycore.learning.forecast FILE.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dycore.files import read_toml
from dycore.learning.diffusion_settings import KINDS, NEEDED, DiffusionSettings
from dycore.learning.experiment_settings import checked


@dataclass(frozen=True)
class ForecastingSettings(DiffusionSettings):
    """Settings of an experiment: those of `dycore.learning.diffusion_settings.DiffusionSettings`, of smaller planes. Forecasts are
    of the next record, `record_every` days later.
    """

    cells: int = 64
    coarsen: int = 4
    patch: int = 1
    width: int = 48


def read_settings(path: str | Path) -> ForecastingSettings:
    """The settings in a TOML file. Raises ValueError, in a sentence, for what cannot be read, keys that are not known, and
    values."""
    return checked(ForecastingSettings, KINDS, NEEDED, read_toml(path), str(path))
