"""List the cases."""

import argparse
from typing import Any

from dycore.commands.shared import case_functions


def add(command: Any) -> None:
    """Register the command with its options."""
    command("cases", list_cases, "List the cases, each with a line that says what it is.", "  dycore cases")


def list_cases(options: argparse.Namespace) -> int:
    functions = case_functions()
    width = max(map(len, functions))
    for name, function in functions.items():
        print(f"{name:{width}}  {(function.__doc__ or '').splitlines()[0]}")
    return 0
