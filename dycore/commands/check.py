"""Say what a machine offers."""

import argparse
from typing import Any

from dycore.commands.option_values import seconds_to_wait
from dycore.commands.problems import BadInput


def add(command: Any) -> None:
    """Register the command with its options."""
    check = command("check", check_machine, "Say what this machine offers, and try whether halos come right between processes.",
                    "  dycore check\n  mpiexec -n 4 dycore check --timeout 300")
    check.add_argument("--timeout", type=seconds_to_wait, default=180.0, metavar="SECONDS",
                       help="that each way of communication may take (default: %(default)g)")


def check_machine(options: argparse.Namespace) -> int:
    from dycore.check import report

    try:
        return report.run(options.timeout)
    except ImportError as problem:
        raise BadInput(str(problem)) from problem
