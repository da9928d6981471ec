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
    gradient_steps               0; or of the run whose gradient was taken: a step is then one of such a run, and there is
                                 neither a floor nor simulated time
    over_forward                 time of the gradient over that of the forward run of XLA (`Model.steps`), median over the rounds
    forward_ms_per_step, forward_compile_seconds   of that run
    sampled_apart                not in the rounds of its group, for which memory was too small: only with a triad of its own
    others_cores                 that others used while this group was sampled (None: not known)
    triad_spread                 the slowest sample of the triad over the fastest
    busy                         why the machine was, as far as others_cores and the triads of the run tell (busy.py), or None
    joules_per_step              median over the samples, all together that energy_counters names
    energy_counters              what counts energy (see energy.py), and why nothing more does
    command                      that measures all of the run again
    versions, commit, machine {cpu, cores}, run, utc, error

The floor. Each step has to read and write every prognostic array and its history once: with n tracers it reads
7 + 3 n arrays (u, v, w; two earlier tendencies of u and of v; each tracer and two earlier ones) and writes 5 + n
(u, v, w; the tendencies of u and v; the tracers): (12 + 4 n) numbers per cell, and 2 for each field of a closure, which has no
history. Two-dimensional arrays are left out,
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
from typing import Any

import numpy

from dycore.benchmarks import tables
from dycore.benchmarks.busy import Others
from dycore.benchmarks.competitor import Competitor, Group
from dycore.benchmarks.groups import Settings, nodes_of, oversubscribed
from dycore.benchmarks.lineup import Beside, Lineup, sittings
from dycore.benchmarks.results_file import first_line
from dycore.check.machine import processor
from dycore.commands.bench import GRADIENTS

STEPPER, RIGHT_HAND_SIDES = "AB3 + forward-backward", 1
LIBRARIES = {"numpy": [], "numba": ["numba", "llvmlite"], "jax": ["jax", "jaxlib"],
             "jax-native": ["jax", "jaxlib", "numba", "llvmlite"], "fortran": []}
MPI_LIBRARIES = ["mpi4py", "mpi4jax"]
MEASURED = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells", "compile_seconds", "bandwidth_bytes_per_second",
            "floor_ms_per_million_cells", "floor_ratio", "simulated_years_per_day", "ms_per_step_silent", "message_share",
            "efficiency", "allowed_efficiency", "joules_per_step", "over_forward", "forward_ms_per_step",
            "forward_compile_seconds", "triad_spread")


NOBODY = Beside()


def measure(group: Group, settings: Settings, problems: dict[str, str | None], shown: Any,
            first: bool = False) -> Iterator[list[dict]]:
    """All competitors of one group, sampled in turn. Yields their records after every round.

    first: nothing was shown yet, so that the warm-ups are.
    """
    done: list[dict] = []
    found = sittings(group, settings, problems)
    for sitting in found:
        records: list[dict] = []
        for sampled in sampled_in_turn(sitting, tables.title(group._asdict()), settings.samples, shown, first):
            records = [record | {"sampled_apart": len(found) > 1} for record in sampled]
            yield done + records
        done += records


def sampled_in_turn(sitting: Lineup, title: str, samples: int, shown: Any, first: bool) -> Iterator[list[dict]]:
    """Those that sit together, started and sampled in turn: their records after every round."""
    yardsticks, competitors, beside, others = sitting
    everyone, rest = sitting.everyone, Others()

    def records() -> list[dict]:
        return [record(each, yardsticks[each.device], beside[each.name])
                | {"others_cores": rest.cores} for each in competitors if each.seconds or each.error]

    with contextlib.ExitStack() as stack:
        for each in everyone:
            stack.callback(each.stop)
            each.say_compiling = lambda words, name=each.name: shown.line(f"{title}: {name} {words}")  # type: ignore[misc]
        start_together([each for each in everyone if each.device == "gpu"])  # they leave the cores to others
        for each in everyone:
            shown.doing(f"{title}: {each.name} starts")
            if each in others and (usual := next((other for other in competitors if other.name == each.name), None)):
                each.error = usual.error  # no second search for the same fault
            if each.device != "gpu":
                each.attempt(Competitor.start)
            if first and each in competitors and not each.error:
                shown.line(f"{title}: {each.name} about {tables.figure(1e9 * each.warm_seconds / each.group.n_cells)} "
                           "ms per 1M cells in its warm-up")
            shown.advance()
        for _ in rounds(everyone, samples, shown, rest):
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


def rounds(everyone: list[Competitor], samples: int, shown: Any, rest: Others | None = None) -> Iterator[int]:
    """So many samples of all in turn, in an order that rotates; yields the number of each round. `rest`: sees to others."""
    rest = rest or Others()
    for turn in range(samples):
        first = turn % len(everyone)
        for each in everyone[first:] + everyone[:first]:
            shown.doing(f"{tables.title(each.group._asdict())}: {each.name}, sample {turn + 1}")
            rest.begin()
            each.attempt(Competitor.sample)
            if not each.error:
                rest.end(each.group.ranks * each.threads)
            shown.advance()
        yield turn


def in_rounds(one: Competitor | None, other: Competitor) -> float | None:
    """The time of a step of one as a multiple of the other's: the median over the rounds; None where one has no samples."""
    if one is None or one.error or other.error or not (one.seconds and other.seconds):
        return None
    return statistics.median(a / b for a, b in zip(one.seconds, other.seconds, strict=False)) * other.steps / one.steps


def figures(each: Competitor, yardstick: Competitor, beside: Beside) -> dict[str, Any]:
    """What was measured of a competitor, None for each value that was not."""
    measured: dict[str, Any] = dict.fromkeys(MEASURED)
    if each.error is not None:
        return measured
    per_step = [seconds / each.steps for seconds in each.seconds]
    median = statistics.median(per_step)
    measured |= {"ms_per_step": 1e3 * median, "ms_min": 1e3 * min(per_step), "ms_max": 1e3 * max(per_step),
                 "ms_per_million_cells": 1e9 * median / each.group.n_cells, "compile_seconds": compile_seconds(each)}
    if counted := [joules for joules in each.joules if joules is not None]:
        measured["joules_per_step"] = statistics.median(counted) / each.steps
    measured |= against_others(each, yardstick, beside)
    if yardstick.error is None and yardstick.seconds:
        measured["bandwidth_bytes_per_second"] = (
            yardstick.about["bytes_per_pass"] * yardstick.steps / statistics.median(yardstick.seconds))
        measured["triad_spread"] = max(yardstick.seconds) / min(yardstick.seconds)
    if each.group.gradient_steps:
        return measured
    if yardstick.about:
        measured["simulated_years_per_day"] = yardstick.about["time_step"] / median / 365.25
    if measured["bandwidth_bytes_per_second"]:
        floor = floor_ms_per_million_cells(yardstick.about["tracers"], each.group.precision,
                                           measured["bandwidth_bytes_per_second"], yardstick.about.get("closure_fields", 0))
        measured |= {"floor_ms_per_million_cells": floor, "floor_ratio": measured["ms_per_million_cells"] / floor}
    return measured


def compile_seconds(each: Competitor) -> float:
    """What the first step, or run, took longer than the others."""
    at_once = max(1, each.group.gradient_steps)
    return max(0.0, each.first_seconds - at_once * statistics.median(each.seconds) / each.steps)


def against_others(each: Competitor, yardstick: Competitor, beside: Beside) -> dict[str, Any]:
    """What comes of samples in the same rounds."""
    found: dict[str, Any] = {}
    silent, forward = beside.silent, beside.forward
    if silent is not None and (share := in_rounds(silent, each)) is not None:
        found |= {"ms_per_step_silent": 1e3 * statistics.median(silent.seconds) / silent.steps,
                  "message_share": max(0.0, 1.0 - share)}
    if beside.alone is not None and (ratio := in_rounds(beside.alone, each)) is not None:
        found["efficiency"] = ratio * each.group.n_cells / (each.group.ranks * beside.alone.group.n_cells)
    if beside.yardstick is not None and (ratio := in_rounds(beside.yardstick, yardstick)) is not None:
        found["allowed_efficiency"] = ratio * yardstick.about["bytes_per_pass"] / (
            each.group.ranks * beside.yardstick.about["bytes_per_pass"])
    if forward is not None and (ratio := in_rounds(each, forward)) is not None:
        found |= {"over_forward": ratio, "forward_ms_per_step": 1e3 * statistics.median(forward.seconds) / forward.steps,
                  "forward_compile_seconds": compile_seconds(forward)}
    return found


def record(each: Competitor, yardstick: Competitor, beside: Beside = NOBODY) -> dict[str, Any]:
    """One entry of results.json; without one rank beside it its efficiency comes from the others of the run."""
    facts, silent = yardstick.about, beside.silent
    return {
        "case": each.group.case, "competitor": each.name, "backend": GRADIENTS.get(each.name, each.name),
        "gradient_steps": each.group.gradient_steps, "others_cores": None, "busy": None,
        "sampled_apart": False,
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


def floor_ms_per_million_cells(tracers: int, precision: str, bandwidth: float, closure_fields: int = 0) -> float:
    """Compulsory traffic of one step of 1M cells (see above) at a bandwidth in bytes per second."""
    return (12 + 4 * tracers + 2 * closure_fields) * numpy.dtype(precision).itemsize / bandwidth * 1e9


@functools.cache
def versions(name: str, several: bool = False) -> dict[str, str]:
    if name == "fortran":
        compiler = os.environ.get("FC", "gfortran")
        return {compiler: first_line([compiler, "--version"])}
    found = {"python": platform.python_version()}
    for library in ["dycore", "numpy", *LIBRARIES[GRADIENTS.get(name, name)], *(MPI_LIBRARIES if several else [])]:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found
