"""Train a diffusion model that downscales vorticity, all from a TOML file: python -m dycore.learning.downscale FILE.toml

    run = "kolmogorov.zarr"             # made where it is not there: dycore.learning.kolmogorov_flow
    output = "downscaling"              # a folder: model, card, checkpoints, learning curve, page
    training = [60, 1500]               # days
    held_out = [1520, 1600]
    test = [1620, 2100]
    coarsen = 2                         # cells of the run in a fine one
    factor = 4                          # fine cells in a coarse one

Other keys are those of `dycore.learning.downscaling_settings.DownscalingSettings`. The same command again goes on where it was
killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dycore.learning import experiment_command
from dycore.learning.downscaling import experiment
from dycore.learning.downscaling_page import HEADING, evidence, write_card
from dycore.learning.downscaling_settings import DownscalingSettings, read_settings
from dycore.validation.evidence import Evidence


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 for what cannot be done, 1 where a verdict is not met."""
    return experiment_command.main("downscale", arguments, __doc__, read_settings, program, HEADING)


def program(settings: DownscalingSettings) -> tuple[str, Evidence]:
    """The title of an experiment and its rows and figures; its card is written beside."""
    found = experiment(settings)
    write_card(settings.output / "model_card.md", settings, found)
    return (f"Vorticity of the run {settings.run.name}, coarsened by {settings.coarsen}, from its means over {settings.factor} x "
            f"{settings.factor} cells.", evidence(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
