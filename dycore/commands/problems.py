"""How a command says what went wrong: exceptions that end it with a sentence, options that are not known, warnings."""

import argparse
import re
import sys
import warnings
from typing import Any, NoReturn, TextIO

from dycore.inputs.nearest_name import nearest_name
from dycore.running.progress import LOG, tell


class BadInput(Exception):
    """Request of a user that cannot be carried out; the message says what to do."""


class FailedRun(Exception):
    """A run, or the writing of its result, that failed after it had started."""


class FailedAlone(FailedRun):
    """A failure that need not have happened on all ranks."""


class Interrupted(Exception):
    """A run that ended on a signal; the message says where it goes on."""

    def __init__(self, message: str, number: int):
        self.number, self.code = number, 128 + number  # as shells have it
        super().__init__(message)

    def __reduce__(self) -> tuple:
        return type(self), (*self.args, self.number)


class Parser(argparse.ArgumentParser):
    def parse_known_args(self, *arguments: Any, **named: Any) -> Any:
        """Refuse an option that is not known here, where the nearest name is, and not one level up."""
        namespace, unknown = super().parse_known_args(*arguments, **named)
        options = [name for name in unknown if name.startswith("-")]
        if options:
            name = options[0].partition("=")[0]
            near = nearest_name(name, re.findall(r"--[a-z-]+", self.format_help()))
            self.error(f"there is no option '{name}'" + (f": did you mean '{near}'?" if near else ""))
        return namespace, unknown

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help or version, whose loss is an error, which argparse passes over."""
        if message and file is not None:
            file.write(message)

    def error(self, message: str) -> NoReturn:
        """One sentence instead of the usage and a sentence."""
        end = "" if message.endswith("?") else "."
        raise BadInput(f"{message.removeprefix('argument ')}{end} See '{self.prog} --help'.")


def say_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
                line: str | None = None, quiet: bool = False) -> None:
    """A warning as a line of its own; what Python warns of is for developers, and shown with its place."""
    ours = category.__module__.startswith("dycore")
    text = str(message) if ours else warnings.formatwarning(message, category, filename, lineno, line).rstrip()
    LOG.warning(text)
    if not quiet:
        tell(f"dycore: warning: {text}" if ours else text, sys.stderr)
