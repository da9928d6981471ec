"""Assimilate by posterior sampling, beside 4D-Var and LETKF: python -m dycore.learning.sample_posterior FILE.toml

    run = "kolmogorov.zarr"             # made where it is not there: dycore.learning.kolmogorov_flow
    output = "posterior_sampling"       # a folder: model, card, checkpoints, learning curve, page
    training = [60, 3600]               # days
    held_out = [3630, 3830]
    test = [3860, 4200]

Other keys are those of `dycore.learning.posterior_settings.PosteriorSettings`. The same command again goes on with the training
where it was killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dycore.learning import experiment_command
from dycore.learning.posterior_experiment import experiment
from dycore.learning.posterior_page import HEADING, evidence, write_card
from dycore.learning.posterior_settings import PosteriorSettings, read_settings
from dycore.validation.evidence import Evidence


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 for what cannot be done, 1 where a verdict is not met."""
    return experiment_command.main("sample_posterior", arguments, __doc__, read_settings, program, HEADING)


def program(settings: PosteriorSettings) -> tuple[str, Evidence]:
    """The title of an experiment and its rows and figures; its card is written beside."""
    found = experiment(settings)
    write_card(settings.output / "model_card.md", settings, found)
    return (f"Vorticity at the last of {settings.times} times, observed at one corner in {settings.stride} each way, with errors "
            f"of {settings.error:g} standard deviations, in {settings.fields} windows of {settings.run.name}.", evidence(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
