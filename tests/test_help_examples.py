"""The help of every command shows examples, and each example is a command line that is understood."""

import argparse
import shlex

import pytest

from dycore import cli


def subcommands(parser, words=()):
    """(words, parser) of a parser and of all below it."""
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from subcommands(below, (*words, name))


COMMANDS = dict(subcommands(cli.command_line()))
EXAMPLES = [line.strip() for parser in COMMANDS.values() for line in (parser.epilog or "").splitlines()
            if line.startswith("  ") and "dycore " in line]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_shows_an_example_of_it(capsys, words):
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    assert "examples:" in help_text
    shown = help_text.split("examples:")[1]
    assert " ".join(["dycore", *words]) in shown


@pytest.mark.parametrize("example", dict.fromkeys(EXAMPLES))
def test_the_examples_of_the_help_are_understood(example):
    arguments = shlex.split(example, comments=True)
    arguments = arguments[arguments.index("dycore") + 1:]
    stop = next((n for n, word in enumerate(arguments) if word in ("|", ">", "&&", ";")), len(arguments))
    options = cli.command_line().parse_args(arguments[:stop])
    assert callable(options.command)
