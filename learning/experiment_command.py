"""Command of an experiment of TOML settings, which keeps a page: of `dycore.learning.emulate`, `downscale`, `forecast` and
`sample_posterior`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from dycore.files import WritingFailed
from dycore.validation.evidence import Evidence, gather

# of commands, and of what their pages and figures are called
NAMES = {"emulate": "emulator", "downscale": "downscaling", "forecast": "forecasting", "sample_posterior": "posterior_sampling"}


class Machine:
    """A machine by the name that the page has for it."""

    def __init__(self) -> None:
        import jax

        self.name = f"JAX {jax.__version__} on {jax.devices()[0].device_kind}"


def main(command: str, arguments: Sequence[str], description: str | None, read: Callable[[str], Any],
         program: Callable[[Any], tuple[str, Evidence]], heading: str) -> int:
    """The exit code of a command: 2 for what cannot be done, 1 where a verdict is not met.

    read: settings of a file, with the folder `output`; program: the title and the evidence of an experiment of settings.
    """
    if len(arguments) != 1 or arguments[0].startswith("-"):
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print(description if asked else f"Give one file of settings: python -m dycore.learning.{command} FILE.toml",
              file=sys.stderr)
        return 0 if asked else 2
    try:
        settings = read(arguments[0])

        def titled(machine: object, short: bool) -> Evidence:
            titled.__doc__, evidence = program(settings)
            return evidence

        gathered = gather(NAMES[command], titled, Machine(), False, f"python -m dycore.learning.{command} {arguments[0]}",
                          settings.output, heading)
    except (ValueError, TypeError, FloatingPointError, WritingFailed, OSError) as problem:
        print(f"dycore: {problem}", file=sys.stderr)
        return 2
    for row in gathered.rows:
        print(f"{'met    ' if row.met else 'NOT MET'}  {row.quantity}: {row.ours:.6g}; {row.tolerance}; reference {row.published}")
    print(f"Wrote {settings.output}/results.md, model_card.md, {NAMES[command]}.safetensors and the figures.")
    return 0 if all(row.met for row in gathered.rows) else 1
