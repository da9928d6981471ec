"""One competitor on one case in a process of its own; the suite speaks to it in lines.

    out  about JSON                what it computes, once
    out  ready SECONDS             the first step is done; it took so long, compiling included
    in   sample N                  take N steps ...
    out  seconds X                 ... which took X seconds, device synchronised
    in   quit, or end of file
    out  peak_memory_bytes B
    out  error SENTENCE            at any time, and the end

The Fortran reference speaks the same lines less the first. Backend `triad` is no model: its step is one pass of
a[n] = b[n] + scalar * c[n] over arrays far larger than a cache, 3 array elements moved for each n (what a cache
reads only in order to write it is not counted). It measures the bandwidth that the floor is made of.
"""

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import numpy

TRIAD_ARRAY_BYTES = 2**27


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    # What a library prints must not be taken for an answer: it goes to stderr.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        serve(options, answers)
    except ImportError as problem:
        print(f"error {problem}; install it with: pip install 'dycore[{options.backend}]'", file=answers)
        return 1
    except MemoryError:
        print("error out of memory", file=answers)
        return 1
    except Exception as problem:
        kind = "" if isinstance(problem, (ValueError, ArithmeticError)) else f"{type(problem).__name__}: "
        print(f"error {kind}{' '.join(str(problem).split())[:300]}", file=answers)
        return 1
    return 0


def serve(options: argparse.Namespace, answers: TextIO) -> None:
    advance, about, check = (triad if options.backend == "triad" else model)(options)
    about["device"] = device_name(options)
    print("about", json.dumps(about), file=answers)
    print("ready", timed(advance, 1), file=answers)
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["quit"]:
            break
        print("seconds", timed(advance, int(words[1])), file=answers)
    peak = peak_memory_bytes(options)
    check()
    print("peak_memory_bytes", peak, file=answers)


def timed(advance: Callable[[int], None], steps: int) -> float:
    start = time.perf_counter()
    advance(steps)
    return time.perf_counter() - start


def build_case(options: argparse.Namespace) -> Any:
    from dycore import cases

    cells = tuple(int(number) for number in options.cells.split(","))
    return getattr(cases, options.case)(cells=cells, precision=options.precision)


def model(options: argparse.Namespace) -> tuple[Callable[[int], None], dict[str, Any], Callable[[], None]]:
    from dycore import Model

    backend = importlib.import_module(f"dycore.backends.on_{options.backend}").create(threads=options.threads)
    grid, parameters, state = build_case(options)
    program = Model(grid, parameters, backend)
    steps_done = 0

    def advance(steps: int) -> None:
        nonlocal state, steps_done
        state = program.steps(state, steps)
        backend.synchronize(state)
        steps_done += steps

    def check() -> None:
        if not all(numpy.isfinite(numpy.asarray(field)).all() for field in fields_of(state)):
            raise ArithmeticError(f"the state was no longer finite after {steps_done} steps")

    return advance, {}, check


def fields_of(state: Any) -> list[Any]:
    return [field for part in state for field in fields_of(part)] if isinstance(state, tuple) else [state]


def triad(options: argparse.Namespace) -> tuple[Callable[[int], None], dict[str, Any], Callable[[], None]]:
    """The yardstick, and what all competitors compute alike: read once from the case itself."""
    _, parameters, _ = build_case(options)
    itemsize = numpy.dtype(options.precision).itemsize
    size = TRIAD_ARRAY_BYTES // itemsize
    scalar = numpy.dtype(options.precision).type(0.5)
    b, c = numpy.full(size, 1.0, options.precision), numpy.full(size, 2.0, options.precision)
    about = {"time_step": float(parameters.time_step), "substeps": int(parameters.substeps),
             "tracers": len(parameters.tracer_names), "tracer_scheme": parameters.tracer_face.__name__,
             "bytes_per_pass": 3 * size * itemsize}

    if options.device == "gpu":
        import jax

        if options.precision == "float64":
            jax.config.update("jax_enable_x64", True)
        # The carry is what is written, so that no pass can be left out.
        passes = jax.jit(lambda a, c, n: jax.lax.fori_loop(0, n, lambda _, a: c + scalar * a, a), donate_argnums=0)
        a, c_there = jax.device_put(b), jax.device_put(c)

        def advance(steps: int) -> None:
            nonlocal a
            a = passes(a, c_there, steps).block_until_ready()

        return advance, about, lambda: None

    a_here = numpy.zeros_like(b)
    try:
        one_pass = compiled_triad(options.threads)
    except ImportError:  # NumPy needs two passes and moves five elements
        about["bytes_per_pass"] = 5 * size * itemsize

        def one_pass(a: Any, b: Any, c: Any, scalar: Any) -> None:
            numpy.multiply(c, scalar, out=a)
            numpy.add(a, b, out=a)

    def advance_here(steps: int) -> None:
        for _ in range(steps):
            one_pass(a_here, b, c, scalar)

    return advance_here, about, lambda: None


def compiled_triad(threads: int) -> Callable[..., None]:
    import numba

    @numba.njit(parallel=threads > 1, cache=True)
    def one_pass(a, b, c, scalar):
        for n in numba.prange(a.size):
            a[n] = b[n] + scalar * c[n]

    return one_pass


def peak_memory_bytes(options: argparse.Namespace) -> int:
    if options.device == "gpu":
        import jax

        return int((jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
    try:  # getrusage would also count the parent before exec
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def device_name(options: argparse.Namespace) -> str:
    if options.device == "gpu":
        import jax

        return str(jax.devices()[0].device_kind)
    return "cpu"


if __name__ == "__main__":
    sys.exit(main())
