"""A scaling study as SLURM jobs: what `dycore slurm` submits, watches and collects (slurm/README.md says how it is used).

A piece is one group of the suite (case, cells, precision, ranks, scaling), measured by `dycore bench`. All elements of an
array of jobs have as many nodes, so there is an array for each number of nodes, and element N measures piece N. The
folder of a study:

    study.json   what was asked for, and the jobs with the state in which each element was last seen
    site.toml    the site file as it was when jobs were last submitted
    logs/        JOB.sbatch, JOB_PIECE.log
    pieces/N/    the suite's records of piece N, of all jobs that measured it
    results/     what is collected: the suite's records, tables and pictures
"""

import argparse
import datetime
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import report, suite, tables
from benchmarks.competitor import ROOT, Competitor, Failed, Group, Launcher
from dycore.check.machine import processor
from dycore.commands.option_values import limit_of_time, no_such, positive_integer
from dycore.commands.problems import BadInput
from dycore.files import make_folder, read_text

TEMPLATE = ROOT / "slurm" / "job.sbatch"
EXAMPLES = "slurm/sites holds examples"
MOST_ON_A_NODE = 10**6  # cores or GPUs
# How an element ends: in SLURM's words, but STOPPED and UNKNOWN, which its log says when SLURM has forgotten it.
ENDED = {
    "COMPLETED": "ended without this measurement", "FAILED": "failed", "CANCELLED": "was cancelled",
    "TIMEOUT": "was past its time limit: submit again with a longer --time", "OUT_OF_MEMORY": "ran out of memory",
    "NODE_FAIL": "lost a node", "BOOT_FAIL": "got a node that did not start", "PREEMPTED": "was preempted",
    "DEADLINE": "was past its deadline", "STOPPED": "was stopped: cancelled, or past its time limit",
    "UNKNOWN": "never started: cancelled while it waited, or lost",
}


class CannotSubmit(Exception):
    """SLURM refuses a job; the message says why."""


# Sites


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
        given = tomllib.loads(read_text(path))
    except OSError as problem:
        raise suite.CannotStart(f"the site file '{path}' cannot be read: {problem.strerror}. {EXAMPLES}") from problem
    except (ValueError, RecursionError) as problem:
        raise suite.CannotStart(f"the site file '{path}' is not TOML: {problem}. {EXAMPLES}") from problem
    for name, value in given.items():
        if name not in Site._fields:
            raise suite.CannotStart(f"site file '{path}': {no_such('key', name, Site._fields)}")
        kind = Site.__annotations__[name]
        if kind is int and (type(value) is not int or not 0 <= value <= MOST_ON_A_NODE):
            raise suite.CannotStart(f"site file '{path}': {name} is {value!r} and has to be a whole number")
        if kind is str and not (isinstance(value, str) and value.isprintable()):
            raise suite.CannotStart(f"site file '{path}': {name} is {value!r} and has to be a text in quotes, on one line")
        if kind == tuple[str, ...] and not (isinstance(value, list) and all(
                isinstance(each, str) and each.isprintable() for each in value)):
            raise suite.CannotStart(f"site file '{path}': {name} is {value!r} and has to be a list of texts in quotes")
    for name in ("launcher", "cores_per_node"):
        if not given.get(name):
            raise suite.CannotStart(f"site file '{path}': {name} is missing. {EXAMPLES}")
    try:
        Launcher(given["launcher"]).start(1, 1)
    except Failed as problem:
        raise suite.CannotStart(f"site file '{path}': {problem}") from problem
    return Site(**given)


# Studies


class Job(NamedTuple):
    """An array of jobs, and the state of each of its elements when it was last seen."""

    id: str
    states: dict[int, str]


class Study(NamedTuple):
    """What was asked for: `ranks_per_node` at most, and at least one node for each piece; `time` is the limit of a job."""

    folder: Path
    settings: suite.Settings
    ranks_per_node: int
    time: str
    jobs: list[Job]

    def save(self) -> None:
        asked = {name: value for name, value in self.settings._asdict().items() if name not in ("output", "launcher")}
        suite.write_json(self.folder / "study.json", {
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
        raise suite.CannotStart(f"'{folder}' holds no study.json ({problem.strerror}): 'dycore slurm submit' makes it") from problem
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadInput, argparse.ArgumentTypeError) as problem:
        raise suite.CannotStart(f"'{path}' cannot be read ({problem}): name another folder") from problem


def asked_again(asked: dict[str, Any]) -> suite.Settings:
    """What a study measures, as `dycore bench` takes it. Raises BadInput where it does not."""
    from dycore.cli import command_line

    words = shlex.split(suite.command_line(suite.Settings(**asked, output=Path())))
    options = vars(command_line().parse_args(words[1:]))
    return suite.Settings(**{name: options[name] for name in suite.Settings._fields if name != "launcher"})


def new(folder: Path, site: Site, asked: dict[str, Any], time: str, nodes: list[int], ranks: list[int] | None,
        ranks_per_node: int | None) -> Study:
    """A study of one rank, and of these, or of all ranks of so many nodes. Raises CannotStart where the site has too few cores.

    `asked` are the fields of the suite's settings; threads of None are the cores of a node for each GPU, or one.
    """
    folder = folder.resolve()
    if re.search(r"[\s%\"'$`\\;&|<>()\[\]{}*?!#~@]", str(folder)) or not str(folder).isprintable():
        raise suite.CannotStart(f"'{folder}' holds a blank, a quote, a percent sign or another character that means something "
                                "in a job script: name another")
    on_gpu = asked["device"] == "gpu"
    if on_gpu and not site.gpus_per_node:
        raise suite.CannotStart("--device gpu needs gpus_per_node in the site file")
    threads = asked["threads"] or (max(1, site.cores_per_node // site.gpus_per_node) if on_gpu else 1)
    each = ranks_per_node or (site.gpus_per_node if on_gpu else site.cores_per_node // threads)
    if threads > site.cores_per_node or each * threads > site.cores_per_node:
        raise suite.CannotStart(f"a node of {site.cores_per_node} cores is too small for {counted(max(each, 1), 'rank')} of "
                                f"{counted(threads, 'thread')}: give fewer --ranks-per-node or --threads")
    if on_gpu and each > site.gpus_per_node:
        raise suite.CannotStart(f"{each} ranks would share the {site.gpus_per_node} GPUs of a node: give fewer --ranks-per-node")
    wanted = sorted({1, *(ranks or [number * each for number in nodes])})
    settings = suite.Settings(**{**asked, "threads": threads}, ranks=wanted, output=folder / "results")
    return Study(folder, settings, each, time, [])


def pieces(study: Study) -> list[Piece]:
    """In the order of the suite."""
    found = [(n_cells, group) for n_cells in study.settings.cells
             for group in suite.groups(study.settings._replace(cells=[n_cells]))]
    return [Piece(number, n_cells, group, math.ceil(group.ranks / study.ranks_per_node))
            for number, (n_cells, group) in enumerate(found)]


def measured(study: Study, piece: Piece) -> dict[str, dict[str, Any]]:
    """The newest record of each competitor; one with a measurement before one with an error."""
    path = study.folder / "pieces" / str(piece.number) / "results.json"
    found: dict[str, dict[str, Any]] = {}
    for record in suite.all_records(path.parent) if path.exists() else []:
        if complete(record) or not complete(found.get(record["competitor"])):
            found[record["competitor"]] = record
    return found


def complete(record: dict[str, Any] | None) -> bool:
    """Not those of a run that was stopped on its way: memory is the last thing that is measured."""
    return record is not None and record["error"] is None and record["peak_memory_bytes"] is not None


# Submitting


def submit(study: Study, site: Site, site_file: Path, dry_run: bool) -> int:
    """Jobs for what is neither measured nor in the queue. With `dry_run` their scripts are shown and nothing is done."""
    if not dry_run and shutil.which("sbatch") is None:
        raise suite.CannotStart("sbatch was not found: submit on a login node of a SLURM cluster, or see the script with --dry-run")
    study = study if dry_run else looked_at(study)
    wanted: dict[int, dict[Piece, list[str]]] = {}
    for piece in pieces(study):
        missing = [name for name in study.settings.backends if not complete(measured(study, piece).get(name))]
        job, state = last_job(study, piece)
        if missing and (job is None or state in ENDED):
            wanted.setdefault(piece.nodes, {})[piece] = missing
    if not wanted:
        print("Nothing to submit: all is measured or in the queue.")
    scripts = {nodes: script(study, site, nodes, missing) for nodes, missing in sorted(wanted.items())}
    if dry_run:
        print("\n".join(scripts.values()))
        return 0
    with suite.writing(study.folder):
        make_folder(study.folder / "logs")
        if site_file.resolve() != study.folder / "site.toml":
            shutil.copyfile(site_file, study.folder / "site.toml")
    study.save()
    for nodes, text in scripts.items():
        told = subprocess.run(["sbatch", "--parsable"], input=text, capture_output=True, text=True, check=False)
        if told.returncode:
            raise CannotSubmit(f"sbatch refuses the job on {nodes} nodes: {' '.join(told.stderr.split())}")
        job = told.stdout.strip().partition(";")[0]  # ID;CLUSTER
        (study.folder / "logs" / f"{job}.sbatch").write_text(text)
        study.jobs.append(Job(job, {piece.number: "PENDING" for piece in wanted[nodes]}))
        study.save()
        print(f"job {job}: {counted(len(wanted[nodes]), 'piece')} on {counted(nodes, 'node')}")
    return 0


def script(study: Study, site: Site, nodes: int, missing: dict[Piece, list[str]]) -> str:
    """The template in slurm/, filled in."""
    settings = study.settings
    options = [f"--job-name={study.folder.name}", f"--array={','.join(str(piece.number) for piece in missing)}",
               f"--nodes={nodes}", f"--ntasks-per-node={study.ranks_per_node}", f"--cpus-per-task={settings.threads}",
               *([f"--gpus-per-node={site.gpus_per_node}"] if settings.device == "gpu" else []),
               f"--time={study.time}", f"--output={study.folder}/logs/%A_%a.log",
               *([f"--partition={site.partition}"] if site.partition else []),
               *([f"--account={site.account}"] if site.account else []), *site.sbatch]
    cases = [f"  {piece.number}) piece=(--cases {piece.group.case} --cells {piece.n_cells} --precisions {piece.group.precision} "
             f"--ranks {piece.group.ranks} --scaling {piece.group.scaling} --backends {','.join(names)}) ;;"
             for piece, names in missing.items()]
    values = {
        "STUDY": study.folder.name, "NODES": str(nodes), "OPTIONS": "\n".join(f"#SBATCH {option}" for option in options),
        "ROOT": shlex.quote(str(ROOT)), "PYTHON": shlex.quote(sys.executable), "FOLDER": str(study.folder),
        "SETUP": "\n".join([*(f"module load {name}" for name in site.modules), *site.setup]),
        "PIECES": "\n".join(cases), "LAUNCHER": shlex.quote(site.launcher), "THREADS": str(settings.threads),
        "SAMPLES": str(settings.samples), "DEVICE": settings.device}
    return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], TEMPLATE.read_text())


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# Watching


def looked_at(study: Study) -> Study:
    """With the present state of each job, which is kept: SLURM forgets them after minutes where it has no accounting."""
    queued = in_queue()
    accounts = accounted([job.id for job in study.jobs])

    def state(job: Job, piece: int, before: str) -> str:
        element = f"{job.id}_{piece}"
        if before in ENDED and before not in ("STOPPED", "UNKNOWN"):
            return before
        together = f"{job.id}_N/A"  # all elements of an array that was cancelled while it waited
        known = next((where[name] for where in (queued or {}, accounts) for name in (element, together) if name in where), None)
        return known or (before if queued is None else said_by_log(study.folder / "logs" / f"{element}.log"))

    jobs = [job._replace(states={piece: state(job, piece, before) for piece, before in job.states.items()}) for job in study.jobs]
    if jobs != study.jobs:
        study = study._replace(jobs=jobs)
        study.save()
    return study


def in_queue() -> dict[str, str] | None:
    """State of every element that SLURM has in mind; None where it does not answer."""
    told = answer("squeue", "--me", "--array", "--noheader", "--states=all", "--format=%F_%K %T")
    return None if told is None else dict(line.split() for line in told.splitlines() if line.strip())


def accounted(jobs: list[str]) -> dict[str, str]:
    """As `in_queue`, from the accounts of a cluster that keeps them."""
    told = answer("sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State", f"--jobs={','.join(jobs)}")
    states = (line.split("|") for line in (told or "").splitlines())
    return {re.sub(r"_\[.*", "_N/A", element): state.split()[0] for element, state in states if state}  # CANCELLED by 1000


def answer(*program: str) -> str | None:
    try:
        told = subprocess.run(program, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return None if told.returncode else told.stdout


def said_by_log(log: Path) -> str:
    """The state of a job that SLURM knows no more."""
    if not log.exists():
        return "UNKNOWN"
    code = re.search(r"^ended (\d+)$", log.read_text(), re.MULTILINE)
    if code is None or code[1] == "130":  # what the suite returns when it was interrupted
        return "STOPPED"
    return "FAILED" if int(code[1]) else "COMPLETED"


def last_job(study: Study, piece: Piece) -> tuple[str | None, str]:
    """The element that was last submitted for a piece, and its state."""
    number = piece.number
    return next(((f"{job.id}_{number}", job.states[number]) for job in reversed(study.jobs) if number in job.states),
                (None, "not submitted"))


def why(study: Study, piece: Piece, name: str) -> str | None:
    """Why there is no measurement of a competitor; None while it may still come."""
    job, state = last_job(study, piece)
    if job is None or state not in ENDED:
        return None
    log = study.folder / "logs" / f"{job}.log"
    lines = log.read_text().splitlines() if log.exists() else []
    sentence = next((line.removeprefix("dycore: ") for line in lines if line.startswith("dycore: ")), None)
    error = measured(study, piece).get(name, {}).get("error")
    if state == "FAILED" and (sentence or not error):
        words = [line for line in lines if line.strip() and not re.match(r"(started|ended) ", line)]
        return f"job {job} failed: {sentence or (words[-1][:300] if words else f'{log} says nothing')}"
    return error if state in ("COMPLETED", "FAILED") and error else f"job {job} {ENDED[state]}"


def show(folder: Path) -> int:
    """The state of every piece."""
    study = looked_at(load(folder))
    columns = ["piece", "case", "cells", "precision", "ranks", "nodes", "scaling", "job", "state", "measured"]
    rows, remarks = [], []
    for piece in pieces(study):
        job, state = last_job(study, piece)
        found = measured(study, piece)
        missing = [name for name in study.settings.backends if not complete(found.get(name))]
        group = piece.group
        rows.append([str(piece.number), group.case, tables.size(group.n_cells), group.precision, str(group.ranks), str(piece.nodes),
                     group.scaling, job or "", state, ", ".join(name for name in study.settings.backends if name not in missing)])
        reasons = dict.fromkeys(why(study, piece, name) for name in missing)
        remarks += [f"piece {piece.number}: {reason}" for reason in reasons if reason]
    report.show_tables([(study.folder.name, columns, rows)], remarks)
    return 0


# Collecting


def collect(folder: Path) -> int:
    """Records, tables and pictures of all that is measured, and what is not. The exit code: 0 if nothing is missing."""
    study = looked_at(load(folder))
    found, failed, to_come = [], [], 0
    for piece in pieces(study):
        known = measured(study, piece)
        for name in study.settings.backends:
            record = known.get(name)
            if complete(record):
                found.append(record)
            elif reason := why(study, piece, name):
                failed.append((name, piece.group, reason))
            else:
                to_come += 1
    records = together(study, found, failed)
    make_folder(study.settings.output)
    suite.write_json(study.settings.output / "results.json", records)
    with suite.writing(study.settings.output):
        notes = report.write(study.settings.output, records)
    report.show(records, notes)
    if to_come:
        print(f"{counted(to_come, 'measurement')} not submitted, waiting or running.")
    if failed:
        print(f"{counted(len(failed), 'measurement')} failed: 'dycore slurm submit {folder}' submits what is missing.")
    return 1 if to_come or failed else 0


def together(study: Study, found: list, failed: list[tuple[str, Group, str]]) -> list[dict[str, Any]]:
    """Records of many jobs as those of one run, so that all are held against the same measurement on one rank."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    here = {"commit": suite.commit(), "machine": {"cpu": processor(), "cores": os.cpu_count()}, "utc": now, "device": processor()}
    origin = {name: found[0][name] for name in here} if found else here
    threads, device = study.settings.threads, study.settings.device
    records = found + [suite.record(Competitor(name, group, threads, device, why), Competitor("triad", group, threads, device, why))
                       | origin for name, group, why in failed]
    records = [record | {"run": study.folder.name, "command": f"dycore slurm submit {study.folder.name}"} for record in records]
    return [record | {"efficiency": suite.efficiency(record, records)} for record in records]


def draw(folder: Path) -> int:
    """Tables and pictures of what was collected, again."""
    results = load(folder).settings.output
    if not (results / "results.json").exists():
        raise suite.CannotStart(f"nothing was collected in '{folder}' yet: use 'dycore slurm collect {folder}'")
    report.again(results)
    return 0
