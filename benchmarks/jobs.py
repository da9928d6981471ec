"""A scaling study as SLURM jobs: what `dycore slurm` submits, watches and collects (slurm/README.md says how it is used).

A piece of a study is measured by `dycore bench`. All elements of an array of jobs have as many nodes, so there is an array
for each number of nodes, and element N measures piece N.
"""

import datetime
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from dycore.benchmarks import measuring, report, results_file, tables
from dycore.benchmarks.competitor import Competitor, Group
from dycore.benchmarks.launching import ROOT
from dycore.benchmarks.problems import CannotStart, CannotSubmit
from dycore.benchmarks.results_file import write_json, writing
from dycore.benchmarks.sites import Site
from dycore.benchmarks.slurm_queue import ENDED, last_job, looked_at, why
from dycore.benchmarks.studies import Job, Piece, Study, complete, counted, load, measured, pieces
from dycore.check.machine import processor
from dycore.files import make_folder

TEMPLATE = Path(__file__).with_name("slurm") / "job.sbatch"  # slurm is a tracked link to ../slurm


# Submitting


def submit(study: Study, site: Site, site_file: Path, dry_run: bool) -> int:
    """Jobs for what is neither measured nor in the queue. With `dry_run` their scripts are shown and nothing is done."""
    if not dry_run and shutil.which("sbatch") is None:
        raise CannotStart("sbatch was not found: submit on a login node of a SLURM cluster, or see the script with --dry-run")
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
    with writing(study.folder):
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


# Showing


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
    write_json(study.settings.output / "results.json", records)
    with writing(study.settings.output):
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
    here = {"commit": results_file.commit(), "machine": {"cpu": processor(), "cores": os.cpu_count()}, "utc": now,
            "device": processor()}
    origin = {name: found[0][name] for name in here} if found else here
    threads, device = study.settings.threads, study.settings.device
    records = found + [measuring.record(Competitor(name, group, threads, device, reason),
                                        Competitor("triad", group, threads, device, reason))
                       | origin for name, group, reason in failed]
    records = [record | {"run": study.folder.name, "command": f"dycore slurm submit {study.folder.name}"} for record in records]
    return [record | {"efficiency": results_file.efficiency(record, records)} for record in records]


def draw(folder: Path) -> int:
    """Tables and pictures of what was collected, again."""
    results = load(folder).settings.output
    if not (results / "results.json").exists():
        raise CannotStart(f"nothing was collected in '{folder}' yet: use 'dycore slurm collect {folder}'")
    report.again(results)
    return 0
