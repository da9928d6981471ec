"""The main job: wall time per step per 1M cells of the same case on every backend and on the Fortran reference.

Protocol. Each competitor on each case, size and precision is a process of its own (worker.py), pinned to the first
cores that this process may use. After ten warm-up steps all competitors of one case, size and precision, and a
STREAM-like triad, are asked for samples in turn, in an order that rotates, so that the drift of the machine hits
all alike; only one computes at any time. A sample is 20 steps or more; where a step takes above half a second it
is fewer (and so is the warm-up), and the record says how many.

A record (one per competitor, case, size and precision; `error` says why where there is no measurement):
    case, competitor, backend, device, ranks, threads, precision, cells [nz, ny, nx], n_cells
    stepper, right_hand_sides (per step), substeps (barotropic), tracers, tracer_scheme, time_step (s)
    steps (measured, in all), samples, steps_per_sample
    ms_per_step                  median over the samples
    ms_min, ms_max               the least and the greatest over the samples, per step like the median
    ms_per_million_cells         ms_per_step * 1e6 / n_cells: the figure of merit
    compile_seconds              the first step less a steady one
    peak_memory_bytes            of the process (of the device, on a GPU)
    bandwidth_bytes_per_second   of the triad, median over the same rounds, same precision, threads and device
    floor_ms_per_million_cells   the compulsory traffic at that bandwidth
    floor_ratio                  ms_per_million_cells / floor_ms_per_million_cells
    simulated_years_per_day      at the time step of the case
    versions, commit, machine {cpu, cores}, run, utc, error

The floor. Each step has to read and write every prognostic array and its history once: with n tracers it reads
7 + 3 n arrays (u, v, w; two earlier tendencies of u and of v; each tracer and two earlier ones) and writes 5 + n
(u, v, w; the tendencies of u and v; the tracers): (12 + 4 n) numbers per cell. Two-dimensional arrays are left out,
and so is what a cache reads only in order to write it. Small cases fit in a cache and may pass below the floor.
"""

import contextlib
import datetime
import functools
import importlib.metadata
import json
import os
import platform
import signal
import statistics
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from benchmarks import report
from benchmarks.competitor import ROOT, Competitor, Group, build_fortran

STEPPER, RIGHT_HAND_SIDES = "AB3 + forward-backward", 1
LIBRARIES = {"numpy": [], "numba": ["numba", "llvmlite"], "jax": ["jax", "jaxlib"], "fortran": []}


class Settings(NamedTuple):
    """What `dycore bench` was asked for."""

    cases: list[str]
    cells: list[int]
    backends: list[str]
    precisions: list[str]
    threads: int
    samples: int
    device: str
    output: Path


class CannotStart(Exception):
    """The suite cannot do what is asked; the message says what to do."""


class CannotWrite(Exception):
    """A result could not be written; the message says which and why."""


def run(settings: Settings) -> int:
    """Measure, write, show. The exit code: 0, or 1 if nothing could be measured, or 130 after an interruption."""
    results = Results(settings.output)
    wanted = groups(settings)
    problems: dict[str, str | None] = {}
    interrupted = False
    with terminated_like_interrupted(), report.progress(total_work(settings, wanted)) as shown:
        try:
            if "fortran" in settings.backends:
                shown.doing("building the Fortran reference")
                problems["fortran"] = build_fortran()
            for group in wanted:
                for records in measure(group, settings, problems, shown):
                    results.keep(records)
                for record in results.of_last_group:
                    shown.line(report.sentence(record))
        except KeyboardInterrupt:
            interrupted = True
            shown.line("Interrupted: what was measured is kept.")
    with writing(settings.output):
        notes = report.write(settings.output, results.of_this_run)
    report.show(results.of_this_run, notes)
    if interrupted:
        return 130
    return 0 if any(record["error"] is None for record in results.of_this_run) else 1


def groups(settings: Settings) -> list[Group]:
    """Small sizes first, so that an early interruption leaves the most."""
    from dycore import cases

    return [Group(case, cases.cells_for(case, n_cells), precision)
            for n_cells in settings.cells for case in settings.cases for precision in settings.precisions]


def total_work(settings: Settings, wanted: list[Group]) -> int:
    """Starts and samples, for the progress bar."""
    return len(wanted) * (1 + settings.samples) * (len(settings.backends) + len(devices(settings)))


def devices(settings: Settings) -> list[str]:
    return list(dict.fromkeys(device_of(name, settings) for name in settings.backends))


def device_of(name: str, settings: Settings) -> str:
    return settings.device if name == "jax" else "cpu"


def measure(group: Group, settings: Settings, problems: dict[str, str | None], shown: Any) -> Iterator[list[dict]]:
    """All competitors of one group, sampled in turn. Yields their records after every round."""
    yardsticks = {device: Competitor("triad", group, settings.threads, device) for device in devices(settings)}
    competitors = [Competitor(name, group, settings.threads, device_of(name, settings), problems.get(name))
                   for name in settings.backends]
    everyone = [*yardsticks.values(), *competitors]

    def records() -> list[dict]:
        return [record(each, yardsticks[each.device]) for each in competitors if each.seconds or each.error]

    with contextlib.ExitStack() as stack:
        for each in everyone:
            shown.doing(f"{report.title(group._asdict())}: {each.name} starts")
            stack.callback(each.stop)
            each.attempt(Competitor.start)
            shown.advance()
        for turn in range(settings.samples):
            first = turn % len(everyone)
            for each in everyone[first:] + everyone[:first]:
                shown.doing(f"{report.title(group._asdict())}: {each.name}, sample {turn + 1}")
                each.attempt(Competitor.sample)
                shown.advance()
            yield records()
        for each in everyone:
            each.attempt(Competitor.finish)
        yield records()


def record(each: Competitor, yardstick: Competitor) -> dict[str, Any]:
    """One entry of results.json."""
    facts = yardstick.about
    measured: dict[str, Any] = dict.fromkeys(("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells",
                                              "compile_seconds", "bandwidth_bytes_per_second",
                                              "floor_ms_per_million_cells", "floor_ratio", "simulated_years_per_day"))
    if each.error is None:
        per_step = [seconds / each.steps for seconds in each.seconds]
        median = statistics.median(per_step)
        measured |= {"ms_per_step": 1e3 * median, "ms_min": 1e3 * min(per_step), "ms_max": 1e3 * max(per_step),
                     "ms_per_million_cells": 1e9 * median / each.group.n_cells,
                     "compile_seconds": max(0.0, each.first_seconds - median)}
        if facts:
            measured["simulated_years_per_day"] = facts["time_step"] / median / 365.25
        if yardstick.error is None and yardstick.seconds:
            bandwidth = facts["bytes_per_pass"] * yardstick.steps / statistics.median(yardstick.seconds)
            floor = floor_ms_per_million_cells(facts["tracers"], each.group.precision, bandwidth)
            measured |= {"bandwidth_bytes_per_second": bandwidth, "floor_ms_per_million_cells": floor,
                         "floor_ratio": measured["ms_per_million_cells"] / floor}
    return {
        "case": each.group.case, "competitor": each.name, "backend": each.name,
        "device": cpu_name() if each.device == "cpu" else each.about.get("device", "gpu"),
        "ranks": 1, "threads": each.threads, "precision": each.group.precision,
        "cells": list(each.group.cells), "n_cells": each.group.n_cells,
        "stepper": STEPPER, "right_hand_sides": RIGHT_HAND_SIDES, "substeps": facts.get("substeps"),
        "tracers": facts.get("tracers"), "tracer_scheme": facts.get("tracer_scheme"),
        "time_step": facts.get("time_step"),
        "steps": each.steps * len(each.seconds), "samples": len(each.seconds), "steps_per_sample": each.steps,
        **measured, "peak_memory_bytes": each.peak_memory_bytes, "versions": versions(each.name), "error": each.error}


def floor_ms_per_million_cells(tracers: int, precision: str, bandwidth: float) -> float:
    """Compulsory traffic of one step of 1M cells (see above) at a bandwidth in bytes per second."""
    return (12 + 4 * tracers) * numpy.dtype(precision).itemsize / bandwidth * 1e9


class Results:
    """results.json: read, added to, replaced whole after every round, so that nothing measured is ever lost."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "results.json"
        self.origin = {"commit": commit(), "machine": {"cpu": cpu_name(), "cores": os.cpu_count()},
                       "run": uuid.uuid4().hex[:12]}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.of_other_runs()
        except OSError as problem:
            raise CannotStart(f"results cannot be written in '{folder}': {problem.strerror}. "
                              "Name another folder with --output.") from problem
        except (ValueError, TypeError, KeyError) as problem:
            raise CannotStart(f"'{self.path}' is not a list of records ({problem}). "
                              "Move it away, or name another folder with --output.") from problem
        self.finished: list[dict] = []
        self.of_last_group: list[dict] = []
        self.group: Any = None
        self.save()

    @property
    def of_this_run(self) -> list[dict]:
        return self.finished + self.of_last_group

    def keep(self, records: list[dict]) -> None:
        """Records of the group measured last take the place of those of an earlier round."""
        group = [(record["case"], record["cells"], record["precision"]) for record in records[:1]]
        if group != self.group:
            self.finished, self.group = self.of_this_run, group
        utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.of_last_group = [record | self.origin | {"utc": utc} for record in records]
        self.save()

    def of_other_runs(self) -> list[dict]:
        records = json.loads(self.path.read_text()) if self.path.exists() else []
        return [record for record in records if record["run"] != self.origin["run"]]

    def save(self) -> None:
        with writing(self.path):
            aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            try:
                aside.write_text(json.dumps(self.of_other_runs() + self.of_this_run, indent=1) + "\n")
                os.replace(aside, self.path)
            finally:
                aside.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise CannotWrite(f"'{path}' could not be written: {problem.strerror}. "
                          "What was written before is untouched.") from problem


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM ends the suite as Ctrl-C does: workers stopped, records kept."""
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@functools.cache
def versions(name: str) -> dict[str, str]:
    if name == "fortran":
        compiler = os.environ.get("FC", "gfortran")
        return {compiler: first_line([compiler, "--version"])}
    found = {"python": platform.python_version()}
    for library in ["dycore", "numpy", *LIBRARIES[name]]:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found


def commit() -> str:
    changed = first_line(["git", "status", "--porcelain", "--untracked-files=no"])
    return (first_line(["git", "rev-parse", "HEAD"]) or "unknown") + ("-changed" if changed else "")


def first_line(program: list[str]) -> str:
    try:
        told = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.partition("\n")[0]


@functools.cache
def cpu_name() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
