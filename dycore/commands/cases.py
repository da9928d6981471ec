"""List the cases, or what one of them takes."""

import argparse
import inspect
from typing import Any

from dycore.commands.loading import case_functions
from dycore.commands.option_values import no_such
from dycore.commands.problems import BadInput
from dycore.commands.settings import as_toml, case_parameters, model_parameters


def add(command: Any) -> None:
    """Register the command with its options."""
    cases = command("cases", list_cases, "List the cases, each with a line that says what it is; or say all about one.",
                    "  dycore cases\n  dycore cases held_suarez")
    cases.add_argument("case", nargs="?", metavar="CASE", help="a case, of which source and parameters are said")


def list_cases(options: argparse.Namespace) -> int:
    functions = case_functions()
    if options.case is None:
        print_table([(name, (function.__doc__ or "").splitlines()[0]) for name, function in functions.items()])
        return 0
    if options.case not in functions:
        raise BadInput(no_such("case", options.case, tuple(functions)))
    function = functions[options.case]
    print(inspect.getdoc(function))
    cells = inspect.signature(function).parameters["cells"].default
    print(f"\nCells (--cells NZ,NY,NX): {','.join(map(str, cells))} by default.\n\nParameters (--set NAME=VALUE):")
    print_table([*((f"  {name}", f"{kind.words}, {as_toml(default)} by default")
                   for name, (kind, default) in case_parameters(function).items()),
                 *((f"  {name}", f"{kind.words}, of the model") for name, kind in model_parameters().items()
                   if name not in case_parameters(function))])
    print(f"\nThose of the model are explained in dycore.parameters.Parameters; what this case has for them says\n"
          f"  dycore run {options.case} --days 1 --dry-run")
    return 0


def print_table(rows: list[tuple[str, str]]) -> None:
    """Print two columns, a line each: not by rich, which breaks lines at the width of a terminal, and programs read these."""
    width = max(len(name) for name, _ in rows)
    for name, words in rows:
        print(f"{name:{width}}  {words}")
