"""Clusters, as their site files describe them."""

from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.launching import Launcher
from dycore.benchmarks.problems import CannotStart, Failed
from dycore.commands.option_values import no_such
from dycore.files import read_toml

EXAMPLES = "slurm/sites holds examples"
MOST_ON_A_NODE = 10**6  # cores or GPUs


class Site(NamedTuple):
    """A cluster, as its site file describes it."""

    launcher: str
    cores_per_node: int
    gpus_per_node: int = 0
    partition: str = ""
    account: str = ""
    modules: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()  # lines of shell
    sbatch: tuple[str, ...] = ()  # further options


def read_site(path: Path) -> Site:
    """Raises CannotStart with the key that is wrong."""
    try:
        given = read_toml(path)
    except ValueError as problem:
        raise CannotStart(f"the site file {problem} {EXAMPLES}") from problem
    for name, value in given.items():
        if name not in Site._fields:
            raise CannotStart(f"site file '{path}': {no_such('key', name, Site._fields)}")
        kind = Site.__annotations__[name]
        if kind is int and (type(value) is not int or not 0 <= value <= MOST_ON_A_NODE):
            raise CannotStart(f"site file '{path}': {name} is {value!r} and has to be a whole number")
        if kind is str and not (isinstance(value, str) and value.isprintable()):
            raise CannotStart(f"site file '{path}': {name} is {value!r} and has to be a text in quotes, on one line")
        if kind == tuple[str, ...] and not (isinstance(value, list) and all(
                isinstance(each, str) and each.isprintable() for each in value)):
            raise CannotStart(f"site file '{path}': {name} is {value!r} and has to be a list of texts in quotes")
    for name in ("launcher", "cores_per_node"):
        if not given.get(name):
            raise CannotStart(f"site file '{path}': {name} is missing. {EXAMPLES}")
    try:
        Launcher(given["launcher"]).start(1, 1)
    except Failed as problem:
        raise CannotStart(f"site file '{path}': {problem}") from problem
    return Site(**given)
