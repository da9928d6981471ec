"""The page of the command line, made from its parser."""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from docs.interface import cell, code, table, write_if_new
from dycore.cli import command_line


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser by name."""
    return {name: command for action in parser._actions if isinstance(action, argparse._SubParsersAction)
            for name, command in action.choices.items()}


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Lines that say what a command takes: a table for each group of options."""
    formatter = parser._get_formatter()
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.help != argparse.SUPPRESS
                   and not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)]
        if actions:
            yield from table((cell(str(group.title)), ""), [
                (code(formatter._format_action_invocation(action)), cell(formatter._expand_help(action)) if action.help else "")
                for action in actions])


def section(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """A command with its options and examples, and its own commands after it."""
    parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=100)
    yield from ("#" * level + " " + (f"`{parser.prog}`" if level > 1 else "Command line"), "", parser.description or "", "")
    if level > 1:
        yield from ("```text", parser.format_usage().removeprefix("usage: ").strip(), "```", "")
    yield from options(parser)
    if parser.epilog:
        yield from ("```text", parser.epilog, "```", "")
    for command in subcommands(parser).values():
        yield from section(command, level + 1)


def write_page(path: Path) -> None:
    """Write the page."""
    write_if_new(path, "\n".join(section(command_line(), 1)))
