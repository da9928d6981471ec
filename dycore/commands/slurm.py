"""Scaling studies on a SLURM cluster: submit, watch, collect, draw."""

import argparse
from typing import Any

from dycore.commands.bench import FORWARD, add_measured, benchmarks
from dycore.commands.option_values import file_name, limit_of_time, positive_integer, rank_numbers
from dycore.commands.problems import BadInput, FailedRun, Parser

MEASURED: dict[str, Any] = {"cases": ["baroclinic_channel"], "cells": [10**6], "backends": ["numba", "jax", "fortran"],
                            "precisions": ["float64"], "scaling": ["strong", "weak"], "threads": None, "samples": 3,
                            "device": "cpu"}
EXAMPLES = """  dycore slurm submit ocean --site slurm/sites/cpu.toml --nodes 1,2,4 --cells 1e6
  dycore slurm submit gpus --site slurm/sites/gpu.toml --device gpu --ranks 2,4,8 --dry-run
  dycore slurm status ocean
  dycore slurm collect ocean
  dycore slurm submit ocean --time 02:00:00
  dycore slurm plot ocean
"""


def add(command: Any) -> None:
    """Register the command with its options."""
    slurm = command("slurm", None, "Strong and weak scaling on the nodes of a SLURM cluster.", EXAMPLES)
    actions = slurm.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=Parser)

    def action(name: str, run: Any, purpose: str) -> argparse.ArgumentParser:
        own = [line for line in EXAMPLES.splitlines() if line.startswith(f"  dycore slurm {name} ")]
        added = actions.add_parser(name, help=purpose, description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   epilog="\n".join(["examples:", *own]))
        added.set_defaults(command=run)
        added.add_argument("study", type=file_name, metavar="STUDY", help="folder of the study, on a disk that all nodes see")
        return added

    submitted = action("submit", submit, "Submit a new study, or what is missing of one.")
    submitted.add_argument("--site", type=file_name, metavar="FILE.toml", help="the cluster (default: as before)")
    size = submitted.add_mutually_exclusive_group()
    size.add_argument("--nodes", type=rank_numbers, metavar="N,N", help="whole nodes, and one rank (default: 1)")
    size.add_argument("--ranks", type=rank_numbers, metavar="N,N", help="MPI ranks, and one, on as few nodes as hold them")
    submitted.add_argument("--ranks-per-node", type=positive_integer, metavar="N", help="(default: one for each GPU, or core)")
    add_measured(submitted, MEASURED, FORWARD)
    submitted.set_defaults(**dict.fromkeys(MEASURED))  # so that a study that exists can tell what is asked for anew
    submitted.add_argument("--time", type=limit_of_time, metavar="LIMIT",
                           help="of a job, as sbatch takes it (default: 00:30:00, or as before)")
    submitted.add_argument("--dry-run", action="store_true", help="print the job scripts, and do nothing")
    action("status", lambda options: calling("jobs", "show", options.study), "The state of every job, and what is measured.")
    action("collect", lambda options: calling("jobs", "collect", options.study),
           "Records, tables and pictures of what is measured, and why the rest is not.")
    action("plot", lambda options: calling("jobs", "draw", options.study), "Draw what was collected again.")


def calling(module: str, name: str, *arguments: Any) -> Any:
    """A function of a module of the benchmarks, with its problems as those of the command line."""
    problems = benchmarks("problems")
    try:
        return getattr(benchmarks(module), name)(*arguments)
    except problems.CannotStart as problem:
        raise BadInput(str(problem)) from problem
    except (problems.CannotWrite, problems.CannotSubmit) as problem:
        raise FailedRun(str(problem)) from problem


def submit(options: argparse.Namespace) -> int:
    """A study that exists keeps what it measures; site and time limit may change."""
    given = {name: value for name in (*MEASURED, "nodes", "ranks", "ranks_per_node")
             if (value := getattr(options, name)) is not None}
    old = calling("studies", "exists", options.study)
    if old and given:
        raise BadInput(f"'{options.study}' is a study already, and keeps what it measures: name another folder, or leave out "
                       f"{', '.join('--' + name.replace('_', '-') for name in given)}")
    if not old and options.site is None:
        raise BadInput("--site is missing: a file that describes the cluster, as those in slurm/sites")
    site_file = options.site or options.study.resolve() / "site.toml"
    site = calling("sites", "read_site", site_file)
    if old:
        study = calling("studies", "load", options.study)
        study = study._replace(time=options.time or study.time)
    else:
        standard = MEASURED | ({"backends": ["jax"]} if given.get("device") == "gpu" else {})
        asked = standard | {name: given[name] for name in MEASURED if name in given}
        study = calling("studies", "new", options.study, site, asked, options.time or "00:30:00", options.nodes or [1],
                        options.ranks, options.ranks_per_node)
    return calling("jobs", "submit", study, site, site_file, options.dry_run)
