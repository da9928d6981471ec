"""Train a diffusion model that draws next states of a flow, all from a TOML file: python -m dycore.learning.forecast FILE.toml

    run = "kolmogorov.zarr"             # made where it is not there: dycore.learning.kolmogorov_flow
    output = "forecasting"              # a folder: model, card, checkpoints, learning curves, page
    training = [60, 3000]               # days
    held_out = [3030, 3200]
    test = [3230, 3860]
    record_every = 3.0                  # days of the run, and of a forecast
    coarsen = 4                         # cells of the run in one of the model's

Other keys are those of `dycore.learning.forecasting_settings.ForecastingSettings`. The same command again goes on where it was
killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dycore.learning import experiment_command
from dycore.learning.forecasting import experiment
from dycore.learning.forecasting_page import HEADING, evidence, write_card
from dycore.learning.forecasting_settings import ForecastingSettings, read_settings
from dycore.validation.evidence import Evidence


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 for what cannot be done, 1 where a verdict is not met."""
    return experiment_command.main("forecast", arguments, __doc__, read_settings, program, HEADING)


def program(settings: ForecastingSettings) -> tuple[str, Evidence]:
    """The title of an experiment and its rows and figures; its card is written beside."""
    found = experiment(settings)
    write_card(settings.output / "model_card.md", settings, found)
    return (f"Vorticity of the run {settings.run.name}, coarsened by {settings.coarsen}, {settings.record_every:g} days after "
            "states that are given.", evidence(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
