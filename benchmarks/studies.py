"""Scaling studies: what was asked for, the pieces that it consists of, and what of them is measured.

A piece is one group of the suite (case, cells, precision, ranks, scaling). The folder of a study:

    study.json   what was asked for, and the jobs with the state in which each element was last seen
    site.toml    the site file as it was when jobs were last submitted
    logs/        JOB.sbatch, JOB_PIECE.log
    pieces/N/    the suite's records of piece N, of all jobs that measured it
    results/     what is collected: the suite's records, tables and pictures
"""

import argparse
import json
import math
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from dycore.benchmarks.competitor import Group
from dycore.benchmarks.groups import Settings, command_line, groups
from dycore.benchmarks.problems import CannotStart
from dycore.benchmarks.results_file import all_records, write_json
from dycore.benchmarks.sites import Site
from dycore.commands import bench
from dycore.commands.option_values import limit_of_time, positive_integer
from dycore.commands.problems import BadInput


class Job(NamedTuple):
    """An array of jobs, and the state of each of its elements when it was last seen."""

    id: str
    states: dict[int, str]


class Study(NamedTuple):
    """What was asked for: `ranks_per_node` at most, and at least one node for each piece; `time` is the limit of a job."""

    folder: Path
    settings: Settings
    ranks_per_node: int
    time: str
    jobs: list[Job]

    def save(self) -> None:
        asked = {name: value for name, value in self.settings._asdict().items() if name not in ("output", "launcher")}
        write_json(self.folder / "study.json", {
            "asked": asked, "ranks_per_node": self.ranks_per_node, "time": self.time, "jobs": [job._asdict() for job in self.jobs]})


class Piece(NamedTuple):
    """What one element of an array measures."""

    number: int
    n_cells: int
    group: Group
    nodes: int


def exists(folder: Path) -> bool:
    return (folder / "study.json").exists()


def load(folder: Path) -> Study:
    """Raises CannotStart where there is no study."""
    path = folder.resolve() / "study.json"
    try:
        known = json.loads(path.read_text())
        settings = asked_again(known["asked"])._replace(output=path.parent / "results")
        jobs = [Job(str(job["id"]), {int(number): str(state) for number, state in job["states"].items()}) for job in known["jobs"]]
        return Study(path.parent, settings, positive_integer(str(known["ranks_per_node"])), limit_of_time(known["time"]), jobs)
    except OSError as problem:
        raise CannotStart(f"'{folder}' holds no study.json ({problem.strerror}): 'dycore slurm submit' makes it") from problem
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadInput, argparse.ArgumentTypeError) as problem:
        raise CannotStart(f"'{path}' cannot be read ({problem}): name another folder") from problem


def asked_again(asked: dict[str, Any]) -> Settings:
    """What a study measures, as `dycore bench` takes it. Raises BadInput where it does not."""
    from dycore import cli

    words = shlex.split(command_line(Settings(**asked, output=Path())))
    options = cli.command_line().parse_args(words[1:])
    return Settings(**bench.measured(options), ranks=options.ranks, processes=options.processes, output=options.output)


def new(folder: Path, site: Site, asked: dict[str, Any], time: str, nodes: list[int], ranks: list[int] | None,
        ranks_per_node: int | None) -> Study:
    """A study of one rank, and of these, or of all ranks of so many nodes. Raises CannotStart where the site has too few cores.

    `asked` are the fields of the suite's settings; threads of None are the cores of a node for each GPU, or one.
    """
    folder = folder.resolve()
    if re.search(r"[\s%\"'$`\\;&|<>()\[\]{}*?!#~@]", str(folder)) or not str(folder).isprintable():
        raise CannotStart(f"'{folder}' holds a blank, a quote, a percent sign or another character that means something "
                                "in a job script: name another")
    on_gpu = asked["device"] == "gpu"
    if on_gpu and not site.gpus_per_node:
        raise CannotStart("--device gpu needs gpus_per_node in the site file")
    threads = asked["threads"] or (max(1, site.cores_per_node // site.gpus_per_node) if on_gpu else 1)
    each = ranks_per_node or (site.gpus_per_node if on_gpu else site.cores_per_node // threads)
    if threads > site.cores_per_node or each * threads > site.cores_per_node:
        raise CannotStart(f"a node of {site.cores_per_node} cores is too small for {counted(max(each, 1), 'rank')} of "
                                f"{counted(threads, 'thread')}: give fewer --ranks-per-node or --threads")
    if on_gpu and each > site.gpus_per_node:
        raise CannotStart(f"{each} ranks would share the {site.gpus_per_node} GPUs of a node: give fewer --ranks-per-node")
    wanted = sorted({1, *(ranks or [number * each for number in nodes])})
    settings = Settings(**{**asked, "threads": threads}, ranks=wanted, output=folder / "results")
    return Study(folder, settings, each, time, [])


def pieces(study: Study) -> list[Piece]:
    """In the order of the suite."""
    found = [(n_cells, group) for n_cells in study.settings.cells
             for group in groups(study.settings._replace(cells=[n_cells]))]
    return [Piece(number, n_cells, group, math.ceil(group.ranks / study.ranks_per_node))
            for number, (n_cells, group) in enumerate(found)]


def measured(study: Study, piece: Piece) -> dict[str, dict[str, Any]]:
    """The newest record of each competitor; one with a measurement before one with an error."""
    path = study.folder / "pieces" / str(piece.number) / "results.json"
    found: dict[str, dict[str, Any]] = {}
    for record in all_records(path.parent) if path.exists() else []:
        if complete(record) or not complete(found.get(record["competitor"])):
            found[record["competitor"]] = record
    return found


def complete(record: dict[str, Any] | None) -> bool:
    """Not those of a run that was stopped on its way: memory is the last thing that is measured."""
    return record is not None and record["error"] is None and record["peak_memory_bytes"] is not None


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
