"""The measurement of one group: its competitors sampled in turn, and the record of each.

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

import concurrent.futures
import contextlib
import functools
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy

from benchmarks import energy, tables
from benchmarks.competitor import Competitor, Group, missing_mpi
from benchmarks.groups import Settings, device_of, devices, nodes_of, oversubscribed, ranks_wanted
from benchmarks.results_file import first_line
from dycore.check.machine import processor

STEPPER, RIGHT_HAND_SIDES = "AB3 + forward-backward", 1
LIBRARIES = {"numpy": [], "numba": ["numba", "llvmlite"], "jax": ["jax", "jaxlib"],
             "jax-native": ["jax", "jaxlib", "numba", "llvmlite"], "fortran": []}
MPI_LIBRARIES = ["mpi4py", "mpi4jax"]
MEASURED = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells", "compile_seconds", "bandwidth_bytes_per_second",
            "floor_ms_per_million_cells", "floor_ratio", "simulated_years_per_day", "ms_per_step_silent", "message_share",
            "efficiency", "allowed_efficiency", "joules_per_step")


class Beside(NamedTuple):
    """What is sampled in the same rounds as a competitor on several ranks: itself without messages and on one rank, a triad."""

    silent: Competitor | None
    alone: Competitor | None
    yardstick: Competitor | None


NOBODY = Beside(None, None, None)


class Lineup(NamedTuple):
    """All that is sampled of a group in turn: `others` are those beside the competitors; yardsticks by device, `beside` by name."""

    yardsticks: dict[str, Competitor]
    competitors: list[Competitor]
    beside: dict[str, Beside]
    others: list[Competitor]


def lineup(group: Group, settings: Settings, problems: dict[str, str | None]) -> Lineup:
    """The competitors of a group, not yet started."""
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
    return Lineup(yardsticks, competitors, beside, others)


def measure(group: Group, settings: Settings, problems: dict[str, str | None], shown: Any) -> Iterator[list[dict]]:
    """All competitors of one group, sampled in turn. Yields their records after every round."""
    yardsticks, competitors, beside, others = lineup(group, settings, problems)
    everyone = [*yardsticks.values(), *competitors, *others]

    def records() -> list[dict]:
        return [record(each, yardsticks[each.device], beside[each.name]) for each in competitors if each.seconds or each.error]

    with contextlib.ExitStack() as stack:
        for each in everyone:
            stack.callback(each.stop)
        start_together([each for each in everyone if each.device == "gpu"])  # they leave the cores to others
        for each in everyone:
            shown.doing(f"{tables.title(group._asdict())}: {each.name} starts")
            if each in others and (usual := next((other for other in competitors if other.name == each.name), None)):
                each.error = usual.error  # no second search for the same fault
            if each.device != "gpu":
                each.attempt(Competitor.start)
            shown.advance()
        for _ in rounds(everyone, settings.samples, shown):
            yield records()
        for each in everyone:
            each.attempt(Competitor.finish)
        yield records()


def start_together(everyone: list[Competitor]) -> None:
    """Start competitors that do not disturb each other's start, all at once."""
    pool = concurrent.futures.ThreadPoolExecutor(max(1, len(everyone)))
    try:
        for started in [pool.submit(each.attempt, Competitor.start) for each in everyone]:
            started.result()
    except BaseException:
        for each in everyone:  # those that wait for one that is no more find its end
            each.error = each.error or "its start was broken off"
            if each.process is not None:
                each.process.kill()
        raise
    finally:
        pool.shutdown()


def rounds(everyone: list[Competitor], samples: int, shown: Any) -> Iterator[int]:
    """So many samples of all in turn, in an order that rotates; yields the number of each round."""
    for turn in range(samples):
        first = turn % len(everyone)
        for each in everyone[first:] + everyone[:first]:
            shown.doing(f"{tables.title(each.group._asdict())}: {each.name}, sample {turn + 1}")
            each.attempt(Competitor.sample)
            shown.advance()
        yield turn


def in_rounds(one: Competitor | None, other: Competitor) -> float | None:
    """The time of a step of one as a multiple of the other's: the median over the rounds; None where one has no samples."""
    if one is None or one.error or other.error or not (one.seconds and other.seconds):
        return None
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=False)) * other.steps / one.steps


def figures(each: Competitor, yardstick: Competitor, beside: Beside) -> dict[str, Any]:
    """What was measured of a competitor, None for each value that was not."""
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
    return measured


def record(each: Competitor, yardstick: Competitor, beside: Beside = NOBODY) -> dict[str, Any]:
    """One entry of results.json; without one rank beside it its efficiency comes from the others of the run."""
    facts, silent = yardstick.about, beside.silent
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
        **figures(each, yardstick, beside),
        "peak_memory_bytes": each.peak_memory_bytes, "versions": versions(each.name, each.group.ranks > 1),
        "energy_counters": each.counters.words,
        "error": each.error, "silent_error": silent.error if silent is not None and each.error is None else None}


def floor_ms_per_million_cells(tracers: int, precision: str, bandwidth: float) -> float:
    """Compulsory traffic of one step of 1M cells (see above) at a bandwidth in bytes per second."""
    return (12 + 4 * tracers) * numpy.dtype(precision).itemsize / bandwidth * 1e9


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
