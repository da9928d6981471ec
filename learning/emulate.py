"""Train an emulator of a run and hold it against the core, all from a TOML file: python -m dycore.learning.emulate FILE.toml

    run = "held_suarez.zarr"            # by `dycore run`, with output_every = 1
    case = "held_suarez.toml"           # the file of that run, for its speed; may be left out
                                        # (or channel = [3, 64, 128]: a run of the eddying channel, made where it is not there)
    output = "emulator"                 # a folder: model, card, checkpoints, learning curves, page
    training = [200, 1700]              # days
    held_out = [1720, 1880]
    test = [1900, 2399]
    coarsen = 4
    rollouts = [[1, 30], [2, 8], [4, 4]]   # steps and passes

Other keys are those of `dycore.learning.emulation_settings.EmulationSettings`. The same command again goes on where it was killed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dycore.learning import experiment_command
from dycore.learning.emulation import experiment
from dycore.learning.emulation_page import HEADING, evidence, write_card
from dycore.learning.emulation_settings import EmulationSettings, read_settings
from dycore.validation.evidence import Evidence


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 for what cannot be done, 1 where a verdict is not met."""
    return experiment_command.main("emulate", arguments, __doc__, read_settings, program, HEADING)


def program(settings: EmulationSettings) -> tuple[str, Evidence]:
    """The title of an experiment and its rows and figures; its card is written beside."""
    found = experiment(settings)
    write_card(settings.output / "model_card.md", settings, found)
    return f"The run {settings.run.name}, coarsened by {settings.coarsen}, and its emulator.", evidence(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
