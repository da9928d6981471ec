"""The main job: wall time per step per 1M cells of the same case on every backend and on the Fortran reference.

Protocol. Each competitor on each case, size and precision is a process of its own (worker.py), pinned to the first
cores that this process may use. After ten warm-up steps all competitors of one case, size and precision, and a
STREAM-like triad, are asked for samples in turn, in an order that rotates, so that the drift of the machine hits
all alike; only one computes at any time. A sample is 20 steps or more; where a step takes above half a second it
is fewer (and so is the warm-up), and the record says how many.

Several ranks are as many processes, each on the next cores, started by mpiexec, or by the launcher that was given, which
is checked first (launch_check.py); a second competitor that sends no messages (`silent`) shows what they cost, and the
triad runs on all ranks at once. One rank, and a triad on one, are sampled in the same rounds where the run measures one
rank at all: ratios of samples of one round know little of how the machine drifts.

A record (one per competitor, case, size, precision, ranks and scaling; `error` says why where there is no measurement):
    case, competitor, backend, device, ranks, threads, precision, cells [nz, ny, nx], n_cells
    stepper, right_hand_sides (per step), substeps (barotropic), tracers, tracer_scheme, time_step (s)
    steps (measured, in all), samples, steps_per_sample
    ms_per_step                  median over the samples
    ms_min, ms_max               the least and the greatest over the samples, per step like the median
    ms_per_million_cells         ms_per_step * 1e6 / n_cells: the figure of merit
    compile_seconds              the first step less a steady one
    peak_memory_bytes            of the process (of the device, on a GPU)
    bandwidth_bytes_per_second   of the triads of all ranks at once, median over the same rounds, same precision,
                                 threads and device
    floor_ms_per_million_cells   the compulsory traffic at that bandwidth
    floor_ratio                  ms_per_million_cells / floor_ms_per_million_cells
    scaling                      strong: the cells of one rank; weak: about as many cells for each rank
    base_cells                   the cells that one rank is measured with, for the efficiency
    processes                    [south to north, west to east]
    nodes                        that the ranks are spread over
    oversubscribed               more ranks times threads than cores
    messages_per_step, bytes_per_step   that the busiest rank sends
    ms_per_step_silent           the median with the messages switched off
    message_share                1 - silent / normal, median over the rounds, 0 at least
    efficiency                   against one rank, t1 / (R tR) with t per cell: for strong scaling, where the cells are the
                                 same, t1 / (R tR); for weak scaling t1 / tR per cell of a rank. Median over the rounds
    allowed_efficiency           what the bandwidth of memory leaves of it: that of the triads on all ranks over R times
                                 that of the triad on one, median over the same rounds
    silent_error                 why there is no ms_per_step_silent
    simulated_years_per_day      at the time step of the case
    joules_per_step              median over the samples, all together that energy_counters names
    energy_counters              what counts energy (see energy.py), and why nothing more does
    command                      that measures all of the run again
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
import math
import os
import platform
import shlex
import signal
import statistics
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy

from benchmarks import energy, launch_check, report, tables
from benchmarks import records as records_of_runs
from benchmarks.competitor import ROOT, Competitor, Group, Launcher, allowed_cores, build_fortran, launcher, missing_mpi
from dycore.check.machine import processor
from dycore.files import end_of_links, make_folder

STEPPER, RIGHT_HAND_SIDES = "AB3 + forward-backward", 1
LIBRARIES = {"numpy": [], "numba": ["numba", "llvmlite"], "jax": ["jax", "jaxlib"], "fortran": []}
MPI_LIBRARIES = ["mpi4py", "mpi4jax"]
MEASURED = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells", "compile_seconds", "bandwidth_bytes_per_second",
            "floor_ms_per_million_cells", "floor_ratio", "simulated_years_per_day", "ms_per_step_silent", "message_share",
            "efficiency", "allowed_efficiency", "joules_per_step")


class Settings(NamedTuple):
    """What `dycore bench` was asked for. `ranks` of None: one, and two in the first precision where that can be."""

    cases: list[str]
    cells: list[int]
    backends: list[str]
    precisions: list[str]
    threads: int
    samples: int
    device: str
    output: Path
    ranks: list[int] | None = None
    processes: tuple[int, int] | None = None
    scaling: tuple[str, ...] | list[str] = ("strong",)
    launcher: Launcher | None = None


class CannotStart(Exception):
    """The suite cannot do what is asked; the message says what to do."""


class CannotWrite(Exception):
    """A result could not be written; the message says which and why."""


def run(settings: Settings) -> int:
    """Measure, write, show. The exit code: 0, or 1 if nothing could be measured, or 130 after an interruption."""
    results = Results(settings.output, command_line(settings))
    wanted = groups(settings)
    check_launcher(settings, wanted)
    problems: dict[str, str | None] = {}
    interrupted = False
    with terminated_like_interrupted(), report.progress(total_work(settings, wanted)) as shown:
        for line in warnings(settings, wanted):
            shown.line(line)
        try:
            if "fortran" in settings.backends:
                shown.doing("building the Fortran reference")
                problems["fortran"] = build_fortran()
            for group in wanted:
                for records in measure(group, settings, problems, shown):
                    results.keep(records)
                for record in results.of_last_group:
                    shown.line(tables.sentence(record))
        except KeyboardInterrupt:
            interrupted = True
            shown.line("Interrupted: what was measured is kept.")
    with writing(settings.output):
        notes = report.write(settings.output, results.of_this_run)
    report.show(results.of_this_run, notes)
    if interrupted:
        return 130
    return 0 if any(record["error"] is None for record in results.of_this_run) else 1


def check_launcher(settings: Settings, wanted: list[Group]) -> None:
    """Raises CannotStart where the launcher that was given does not do as it is told."""
    if settings.launcher is None:
        return
    for ranks in sorted({group.ranks for group in wanted if group.ranks > 1}):
        problem = launch_check.problem(settings.launcher, ranks, settings.threads, settings.device)
        if problem is not None:
            raise CannotStart(problem)


def command_line(settings: Settings) -> str:
    """The command that measures the same again."""
    options = {name: value for name, value in settings._asdict().items()
               if name not in ("output", "launcher") and value is not None}
    if settings.launcher is not None:
        options |= {"launcher": settings.launcher.words, "nodes": settings.launcher.nodes}
    words = [word for name, value in options.items()
             for word in (f"--{name}", ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))]
    return shlex.join(["dycore", "bench", *words])


def groups(settings: Settings) -> list[Group]:
    """Small sizes first, so that an early interruption leaves the most; one rank before several."""
    from dycore import cases

    return [group for n_cells in settings.cells for case in settings.cases for precision in settings.precisions
            for group in groups_of_ranks(Group(case, cases.cells_for(case, n_cells), precision), settings)]


def groups_of_ranks(alone: Group, settings: Settings) -> Iterator[Group]:
    for ranks in ranks_wanted(settings, alone.precision):
        several = alone._replace(ranks=ranks, base_cells=alone.cells, processes=settings.processes, launcher=settings.launcher)
        if ranks == 1:
            yield alone
        elif "strong" in settings.scaling:
            yield several
        if ranks > 1 and "weak" in settings.scaling:
            yield several._replace(scaling="weak", cells=weak_cells(alone.cells, ranks))


def ranks_wanted(settings: Settings, precision: str) -> list[int]:
    if settings.ranks is not None:
        return sorted(settings.ranks)
    two = (len(allowed_cores()) >= 2 * settings.threads and launcher() is not None and settings.device == "cpu"
           and precision == settings.precisions[0])
    return [1, 2] if two else [1]


def weak_cells(cells: tuple[int, int, int], ranks: int) -> tuple[int, int, int]:
    """So many times the cells: each rank keeps its rows and columns where ranks are laid as square as they go."""
    nz, ny, nx = cells
    along_x = max(n for n in range(1, math.isqrt(ranks) + 1) if ranks % n == 0)
    return nz, ny * (ranks // along_x), nx * along_x


def warnings(settings: Settings, wanted: list[Group]) -> Iterator[str]:
    """What is to be known before the first result."""
    for ranks in sorted({group.ranks for group in wanted if oversubscribed(group, settings.threads)}):
        each = f" of {settings.threads} threads" if settings.threads > 1 else ""
        yield (f"{ranks} ranks{each} are more than the {cores_for(wanted[-1])} cores: they share cores, and their records say "
               "oversubscribed.")


def oversubscribed(group: Group, threads: int) -> bool:
    return group.ranks * threads > cores_for(group)


def cores_for(group: Group) -> int:
    """On all nodes together, which are alike."""
    return len(allowed_cores()) * nodes_of(group)


def nodes_of(group: Group) -> int:
    return group.launcher.nodes if group.launcher else 1


def total_work(settings: Settings, wanted: list[Group]) -> int:
    """Starts and samples, for the progress bar."""
    competitors, yardsticks = len(settings.backends), len(devices(settings))
    several = 2 * (competitors + yardsticks) if 1 in {group.ranks for group in wanted} else competitors + yardsticks
    return sum((1 + settings.samples) * (competitors + yardsticks if group.ranks == 1 else several + competitors)
               for group in wanted)


def devices(settings: Settings) -> list[str]:
    return list(dict.fromkeys(device_of(name, settings) for name in settings.backends))


def device_of(name: str, settings: Settings) -> str:
    return settings.device if name == "jax" else "cpu"


def measure(group: Group, settings: Settings, problems: dict[str, str | None], shown: Any) -> Iterator[list[dict]]:
    """All competitors of one group, sampled in turn. Yields their records after every round."""
    counters = {device: energy.find(device) for device in devices(settings)}

    def competitor(name: str, device: str, silent: bool = False, group: Group = group) -> Competitor:
        problem = problems.get(name) or (missing_mpi(name, group, device) if group.ranks > 1 else None)
        return Competitor(name, group, settings.threads, device, problem, silent, counters[device])

    yardsticks = {device: competitor("triad", device) for device in devices(settings)}
    competitors = [competitor(name, device_of(name, settings)) for name in settings.backends]
    beside = dict.fromkeys(settings.backends, NOBODY)
    others: list[Competitor] = []
    if group.ranks > 1:
        bases = {}
        if 1 in ranks_wanted(settings, group.precision):
            bases = {device: competitor("triad", device, group=group.alone) for device in yardsticks}
        for each in competitors:
            beside[each.name] = Beside(competitor(each.name, each.device, silent=True),
                                       competitor(each.name, each.device, group=group.alone) if bases else None,
                                       bases.get(each.device))
        others = [*bases.values(), *(other for each in beside.values() for other in each[:2] if other)]
    everyone = [*yardsticks.values(), *competitors, *others]

    def records() -> list[dict]:
        return [record(each, yardsticks[each.device], beside[each.name]) for each in competitors if each.seconds or each.error]

    with contextlib.ExitStack() as stack:
        for each in everyone:
            shown.doing(f"{tables.title(group._asdict())}: {each.name} starts")
            stack.callback(each.stop)
            if each in others and (usual := next((other for other in competitors if other.name == each.name), None)):
                each.error = usual.error  # no second search for the same fault
            each.attempt(Competitor.start)
            shown.advance()
        for turn in range(settings.samples):
            first = turn % len(everyone)
            for each in everyone[first:] + everyone[:first]:
                shown.doing(f"{tables.title(group._asdict())}: {each.name}, sample {turn + 1}")
                each.attempt(Competitor.sample)
                shown.advance()
            yield records()
        for each in everyone:
            each.attempt(Competitor.finish)
        yield records()


class Beside(NamedTuple):
    """What is sampled in the same rounds as a competitor on several ranks: itself without messages and on one rank, a triad."""

    silent: Competitor | None
    alone: Competitor | None
    yardstick: Competitor | None


NOBODY = Beside(None, None, None)


def in_rounds(one: Competitor | None, other: Competitor) -> float | None:
    """The time of a step of one as a multiple of the other's: the median over the rounds; None where one has no samples."""
    if one is None or one.error or other.error or not (one.seconds and other.seconds):
        return None
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=False)) * other.steps / one.steps


def record(each: Competitor, yardstick: Competitor, beside: Beside = NOBODY) -> dict[str, Any]:
    """One entry of results.json; without one rank beside it its efficiency comes from the others of the run."""
    facts, silent = yardstick.about, beside.silent
    measured: dict[str, Any] = dict.fromkeys(MEASURED)
    if each.error is None:
        per_step = [seconds / each.steps for seconds in each.seconds]
        median = statistics.median(per_step)
        measured |= {"ms_per_step": 1e3 * median, "ms_min": 1e3 * min(per_step), "ms_max": 1e3 * max(per_step),
                     "ms_per_million_cells": 1e9 * median / each.group.n_cells,
                     "compile_seconds": max(0.0, each.first_seconds - median)}
        if counted := [joules for joules in each.joules if joules is not None]:
            measured["joules_per_step"] = statistics.median(counted) / each.steps
        if silent is not None and (share := in_rounds(silent, each)) is not None:
            measured |= {"ms_per_step_silent": 1e3 * statistics.median(silent.seconds) / silent.steps,
                         "message_share": max(0.0, 1.0 - share)}
        if beside.alone is not None and (ratio := in_rounds(beside.alone, each)) is not None:
            measured["efficiency"] = ratio * each.group.n_cells / (each.group.ranks * beside.alone.group.n_cells)
        if beside.yardstick is not None and (ratio := in_rounds(beside.yardstick, yardstick)) is not None:
            measured["allowed_efficiency"] = ratio * facts["bytes_per_pass"] / (
                each.group.ranks * beside.yardstick.about["bytes_per_pass"])
        if facts:
            measured["simulated_years_per_day"] = facts["time_step"] / median / 365.25
        if yardstick.error is None and yardstick.seconds:
            bandwidth = facts["bytes_per_pass"] * yardstick.steps / statistics.median(yardstick.seconds)
            floor = floor_ms_per_million_cells(facts["tracers"], each.group.precision, bandwidth)
            measured |= {"bandwidth_bytes_per_second": bandwidth, "floor_ms_per_million_cells": floor,
                         "floor_ratio": measured["ms_per_million_cells"] / floor}
    return {
        "case": each.group.case, "competitor": each.name, "backend": each.name,
        "device": processor() if each.device == "cpu" else each.about.get("device", "gpu"),
        "ranks": each.group.ranks, "threads": each.threads, "scaling": each.group.scaling,
        "processes": each.about.get("processes", [1, 1] if each.group.ranks == 1 else None),
        "nodes": nodes_of(each.group), "oversubscribed": oversubscribed(each.group, each.threads),
        "precision": each.group.precision,
        "base_cells": list(each.group.base_cells or each.group.cells),
        "messages_per_step": each.about.get("messages_per_step", 0 if each.group.ranks == 1 else None),
        "bytes_per_step": each.about.get("bytes_per_step", 0 if each.group.ranks == 1 else None),
        "cells": list(each.group.cells), "n_cells": each.group.n_cells,
        "stepper": STEPPER, "right_hand_sides": RIGHT_HAND_SIDES, "substeps": facts.get("substeps"),
        "tracers": facts.get("tracers"), "tracer_scheme": facts.get("tracer_scheme"),
        "time_step": facts.get("time_step"),
        "steps": each.steps * len(each.seconds), "samples": len(each.seconds), "steps_per_sample": each.steps,
        **measured, "peak_memory_bytes": each.peak_memory_bytes, "versions": versions(each.name, each.group.ranks > 1),
        "energy_counters": each.counters.words,
        "error": each.error, "silent_error": silent.error if silent is not None and each.error is None else None}


def floor_ms_per_million_cells(tracers: int, precision: str, bandwidth: float) -> float:
    """Compulsory traffic of one step of 1M cells (see above) at a bandwidth in bytes per second."""
    return (12 + 4 * tracers) * numpy.dtype(precision).itemsize / bandwidth * 1e9


def efficiency(record: dict[str, Any], records: list[dict[str, Any]]) -> float | None:
    """Against the record of one rank among these (of the same cells, or for weak scaling of the base cells)."""
    base = tables.alone(record, records)
    if base is None or base["error"] or record["error"]:
        return None
    return base["ms_per_million_cells"] / (record["ranks"] * record["ms_per_million_cells"])


class Results:
    """results.json: read, added to, replaced whole after every round, so that nothing measured is ever lost."""

    def __init__(self, folder: Path, command: str) -> None:
        self.path = folder / "results.json"
        self.origin = {"commit": commit(), "machine": {"cpu": processor(), "cores": os.cpu_count()},
                       "run": uuid.uuid4().hex[:12], "command": command}
        try:
            make_folder(folder)
            self.of_other_runs()
        except OSError as problem:
            raise CannotStart(f"results cannot be written in '{folder}': {problem.strerror}. "
                              "Name another folder with --output.") from problem
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
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
        group = [tuple(record[name] for name in ("case", "cells", "precision", "ranks", "scaling")) for record in records[:1]]
        if group != self.group:
            self.finished, self.group = self.of_this_run, group
        utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.of_last_group = [record | self.origin | {"utc": utc} for record in records]
        for record in self.of_last_group:
            record["efficiency"] = record["efficiency"] or efficiency(record, self.of_this_run)
        self.save()

    def of_other_runs(self) -> list[dict]:
        records = json.loads(self.path.read_text()) if self.path.exists() else []
        return [record for record in records if record["run"] != self.origin["run"]]

    def save(self) -> None:
        write_json(self.path, self.of_other_runs() + self.of_this_run)


def write_json(path: Path, content: Any) -> None:
    """Written aside and moved into place. Raises CannotWrite."""
    with writing(path):
        end = end_of_links(path)  # a link stays
        aside = end.with_name(f".{end.name}.{os.getpid()}")
        try:
            aside.write_text(json.dumps(content, indent=1) + "\n")
            os.replace(aside, end)
        finally:
            aside.unlink(missing_ok=True)


def newest_run(folder: Path) -> list[dict]:
    """The records in a folder of results that were measured last."""
    records = all_records(folder)
    if not records:
        raise CannotStart(f"'{folder / 'results.json'}' holds no records: measure with 'dycore bench --output {folder}'.")
    return [record for record in records if record["run"] == records[-1]["run"]]


def all_records(folder: Path) -> list[dict]:
    """The records in a folder of results. Raises CannotStart where they cannot be shown."""
    path = folder / "results.json"
    try:
        records = json.loads(path.read_text())
        records_of_runs.check(records, tables.LABELS)
    except OSError as problem:
        raise CannotStart(f"'{path}' cannot be read: {problem.strerror}. "
                          "Name a folder that 'dycore bench' has written.") from problem
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise CannotStart(f"'{path}' is not a list of records ({problem}).") from problem
    return records


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
def versions(name: str, several: bool = False) -> dict[str, str]:
    if name == "fortran":
        compiler = os.environ.get("FC", "gfortran")
        return {compiler: first_line([compiler, "--version"])}
    found = {"python": platform.python_version()}
    for library in ["dycore", "numpy", *LIBRARIES[name], *(MPI_LIBRARIES if several else [])]:
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
