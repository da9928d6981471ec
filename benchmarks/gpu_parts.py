"""Parts of the first run on a GPU that have a process of their own; what they find they print, a line of JSON for each result.

    python -m dycore.benchmarks.gpu_parts agreement --case baroclinic_channel --cells 20,50,100 --precision float64
    python -m dycore.benchmarks.gpu_parts kernels ...      # counted in the compiled program, and timed by jax.profiler
    python -m dycore.benchmarks.gpu_parts gradient ...     # of the steps, as a multiple of the steps themselves

With --compile they only compile, so that the same call finds all of it in JAX's cache later.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy

from dycore.benchmarks import kernels, programs
from dycore.benchmarks.gpu_processes import SAID
from dycore.benchmarks.gradient_run import gradient_of_a_run, outcome_of_a_run

STEPS = 10
SAMPLES = 3
# largest difference from NumPy after so many steps, of the largest value of a field: round-off and how it grows in a few steps
TOLERANCES = {"float64": 1e-9, "float32": 1e-2}
MOST_KERNELS = 60  # that are listed


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("agreement", "kernels", "gradient"))
    for name in ("--case", "--cells", "--precision"):
        parser.add_argument(name, required=True)
    parser.add_argument("--form")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    try:
        for result in {"agreement": agreement, "kernels": kernels_of_a_step, "gradient": gradient}[options.part](options):
            print(json.dumps(result), flush=True)
    except ImportError as problem:
        print(json.dumps({"error": f"{problem}; install it with: pip install 'dycore[jax]'"}), flush=True)
        return SAID
    except Exception as problem:
        print(json.dumps({"error": f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}"}), flush=True)
        return SAID
    return 0


def model_of(options: argparse.Namespace) -> tuple[Any, Any]:
    """The model of a case under JAX, and its first state."""
    from dycore import Model
    from dycore.benchmarks.forms import backend_of

    if options.precision == "float64":
        programs.use_double_precision()
    grid, parameters, state = programs.build_case(options)
    model = Model(grid, parameters, backend_of("jax", 1, None, options.form))
    return model, model.asarrays(state)


def agreement(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The steps of JAX on its device against those of NumPy."""
    from dycore import Model
    from dycore.backends import on_numpy

    model, state = model_of(options)
    there = model.steps(state, STEPS)
    model.backend.synchronize(there)
    if options.compile:
        return
    grid, parameters, first = programs.build_case(options)
    here = Model(grid, parameters, on_numpy.create()).steps(first, STEPS)
    names = ("u", "v", "w", "surface", *parameters.tracer_names)
    differences = {}
    for name, one, other in zip(names, (*there[:4], *there.tracers), (*here[:4], *here.tracers), strict=True):
        difference = numpy.abs(numpy.asarray(one, numpy.float64) - other).max()
        differences[name] = float(difference / max(float(numpy.abs(other).max()), 1e-300))
    worst = max(differences, key=lambda name: differences[name] if differences[name] == differences[name] else numpy.inf)
    yield about(options) | {"steps": STEPS, "device": device_kind(), "differences": differences, "worst": worst,
                            "agrees": bool(differences[worst] <= TOLERANCES[options.precision])}


def kernels_of_a_step(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Kernels a step and bytes that they move, counted in the compiled program; then the time in each, by the profiler."""
    import jax

    model, state = model_of(options)
    period = 3 if model.history else 1
    # the program that Model.steps runs, so that the cache has it
    program = model.backend.compiled_loop(model._step, period)
    text = program.lower(model.numbers, state, 2 * period).compile().as_text()
    counted = kernels.of_a_step(text, period)
    if options.compile:
        return
    moved = kernels.summary(counted, model.tile.cells, len(state.tracers), options.precision)
    result = about(options) | {"device": device_kind()} | moved
    yield result
    state = model.steps(state, 2 * period)
    model.backend.synchronize(state)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            model.backend.synchronize(model.steps(state, 4 * period))
        times = profiled(Path(folder), {each.name for each in counted})
    yield result | timed_kernels(times, 4 * period)


def profiled(folder: Path, names: set[str]) -> list[tuple[str, float]]:
    """(name, nanoseconds) of each kernel that the profiler saw: on streams of a GPU, or of these names on the host."""
    import jax

    found = []
    for path in folder.rglob("*.xplane.pb"):
        for plane in jax.profiler.ProfileData.from_file(str(path)).planes:
            on_gpu = plane.name.startswith("/device:GPU")
            for line in plane.lines:
                if on_gpu and not line.name.startswith("Stream"):
                    continue
                found += [(event.name, float(event.duration_ns)) for event in line.events if on_gpu or event.name in names]
    return found


def timed_kernels(times: list[tuple[str, float]], steps: int) -> dict[str, Any]:
    """Launches and microseconds a step, of all and of each kernel, the longest first."""
    of_each: dict[str, list[float]] = defaultdict(list)
    for name, nanoseconds in times:
        of_each[name].append(nanoseconds)
    listed = [{"name": name, "launches": len(each) / steps, "microseconds": sum(each) / steps / 1e3}
              for name, each in sorted(of_each.items(), key=lambda item: -sum(item[1]))]
    return {"profiled_launches": len(times) / steps, "profiled_microseconds": sum(time for _, time in times) / steps / 1e3,
            "profiled": listed[:MOST_KERNELS]}


def gradient(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Time of the gradient of the outcome of a run with respect to the state (gradient_run.py), and of the outcome itself."""
    from dycore.backends import on_jax

    model, state = model_of(options)
    fields = tuple(state[:-2])
    run: list[Any] = [on_jax.jit(outcome_of_a_run(model, state, STEPS)), gradient_of_a_run(model, state, STEPS)]
    begun = time.perf_counter()
    compiled = [each.lower(fields).compile() for each in run]
    compile_seconds = time.perf_counter() - begun
    if options.compile:
        return
    slopes = compiled[1](fields)
    seconds = [median_seconds(partial(ready, each, fields)) for each in compiled]
    yield about(options) | {"device": device_kind(), "steps": STEPS, "compile_seconds": compile_seconds,
                            "forward_ms_per_step": 1e3 * seconds[0] / STEPS, "gradient_ms_per_step": 1e3 * seconds[1] / STEPS,
                            "ratio": seconds[1] / seconds[0], "finite": programs.is_finite(model, slopes),
                            "temporary_bytes": getattr(compiled[1].memory_analysis(), "temp_size_in_bytes", None)}


def ready(program: Callable, argument: Any) -> None:
    """The program carried out to its end."""
    import jax

    jax.block_until_ready(program(argument))


def median_seconds(work: Callable[[], Any]) -> float:
    """Of some runs, after one that is not counted."""
    work()
    seconds = []
    for _ in range(SAMPLES):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def about(options: argparse.Namespace) -> dict[str, Any]:
    return {"case": options.case, "cells": [int(n) for n in options.cells.split(",")], "precision": options.precision,
            "form": options.form}


def device_kind() -> str:
    import jax

    return str(jax.devices()[0].device_kind)


if __name__ == "__main__":
    sys.exit(main())
