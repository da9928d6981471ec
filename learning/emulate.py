"""Train an emulator of a run and hold it against the core, all from a TOML file: python -m dycore.learning.emulate FILE.toml

    run = "held_suarez.zarr"            # by `dycore run`, with output_every = 1
    case = "held_suarez.toml"           # the file of that run, for its speed; may be left out
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

from dycore.files import WritingFailed
from dycore.learning.emulation import experiment
from dycore.learning.emulation_page import HEADING, evidence, write_card
from dycore.learning.emulation_settings import read_settings
from dycore.validation.evidence import Evidence, gather


class Machine:
    """A machine by the name that the page has for it."""

    def __init__(self) -> None:
        import jax

        self.name = f"JAX {jax.__version__} on {jax.devices()[0].device_kind}"


def main(arguments: Sequence[str]) -> int:
    """The exit code: 2 for what cannot be done, 1 where a verdict is not met."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__ if arguments and arguments[0] in ("-h", "--help") else
              "Give one file of settings: python -m dycore.learning.emulate FILE.toml", file=sys.stderr)
        return 0 if arguments and arguments[0] in ("-h", "--help") else 2
    try:
        settings = read_settings(arguments[0])

        def program(machine: object, short: bool) -> Evidence:
            found = experiment(settings)
            write_card(settings.output / "model_card.md", settings, found)
            return evidence(found)

        program.__doc__ = f"The run {settings.run.name}, coarsened by {settings.coarsen}, and its emulator."
        gathered = gather("emulator", program, Machine(), False, f"python -m dycore.learning.emulate {arguments[0]}",
                          settings.output, HEADING)
    except (ValueError, TypeError, FloatingPointError, WritingFailed, OSError) as problem:
        print(f"dycore: {problem}", file=sys.stderr)
        return 2
    for row in gathered.rows:
        print(f"{'met    ' if row.met else 'NOT MET'}  {row.quantity}: {row.ours:.6g}; {row.tolerance}; reference {row.published}")
    print(f"Wrote {settings.output}/results.md, model_card.md, emulator.safetensors and the figures.")
    return 0 if all(row.met for row in gathered.rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
