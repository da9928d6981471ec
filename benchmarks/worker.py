"""One competitor on one case in a process of its own; the suite speaks to it in lines.

    out  about JSON                what it computes, once
    out  ready SECONDS             the first step is done; it took so long, compiling included
    in   sample N                  take N steps ...
    out  seconds X                 ... which took X seconds, device synchronised
    in   quit, or end of file
    out  peak_memory_bytes B
    out  error SENTENCE            at any time, and the end

A second line `about` may follow the first step. With several ranks the first one alone speaks, and tells the others
what it hears; times run from a barrier to the slowest rank, memory is that of all ranks together, and an error of any
rank ends all (`python -m mpi4py` sees to that). Ranks that wait sleep, so that they take no core from what is measured
meanwhile. The Fortran reference speaks the same lines. Backend `triad` is no model: its step is one pass of
a[n] = b[n] + scalar * c[n] over arrays far larger than a cache, 3 array elements moved for each n (what a cache
reads only in order to write it is not counted). It measures the bandwidth that the floor is made of.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO

import numpy

TRIAD_ARRAY_BYTES = 2**27
WAIT_SECONDS = 1e-3


class Program(NamedTuple):
    """What a worker runs: n steps, whether all is well after them, and what a step sends once one is done."""

    advance: Callable[[int], None]
    about: dict[str, Any]
    check: Callable[[], None] = lambda: None
    traffic: Callable[[], dict[str, Any]] = dict


class Alone:
    """The one rank of a program that knows no MPI."""

    rank = 0

    def hear(self) -> str:
        return sys.stdin.readline()

    def barrier(self) -> None:
        pass

    def largest(self, number: float) -> float:
        return number

    def total(self, number: int) -> int:
        return number


class Together(Alone):
    """One of several ranks. Raises ValueError where there are not so many as were asked for."""

    def __init__(self, ranks: int) -> None:
        from mpi4py import MPI

        self.mpi, self.world = MPI, MPI.COMM_WORLD.Dup()
        self.rank = self.world.rank
        if self.world.size != ranks:
            raise ValueError(f"{ranks} ranks were asked for and mpi4py sees {self.world.size}: mpiexec belongs to another MPI "
                             f"library than mpi4py ({MPI.Get_library_version().split(',')[0].strip()[:60]}). "
                             "Put the one of that library first on the PATH, or reinstall mpi4py")

    def hear(self) -> str:
        if self.rank == 0:
            line = sys.stdin.readline()
            for other in range(1, self.world.size):
                self.world.send(line, other)
            return line
        while not self.world.iprobe(source=0):
            time.sleep(WAIT_SECONDS)
        return self.world.recv(source=0)

    def barrier(self) -> None:
        self.world.barrier()

    def largest(self, number: float) -> float:
        return self.world.allreduce(number, self.mpi.MAX)

    def total(self, number: int) -> int:
        return self.world.allreduce(number, self.mpi.SUM)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--processes")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--form")
    options = parser.parse_args()

    # What a library prints must not be taken for an answer: it goes to stderr.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        serve(options, answers)
    except ImportError as problem:
        extra = "mpi" if problem.name in ("mpi4py", "mpi4jax") else "jax" if problem.name == "jax" else options.backend
        print(f"error {problem}; install it with: pip install 'dycore[{extra}]'", file=answers)
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
    ranks = Together(options.ranks) if options.ranks > 1 else Alone()

    def tell(*words: Any) -> None:
        if ranks.rank == 0:
            print(*words, file=answers)

    program = (triad if options.backend == "triad" else model)(options, ranks)
    tell("about", json.dumps(program.about | {"device": device_name(options)}))
    first_seconds = timed(program.advance, 1, ranks)
    tell("about", json.dumps(program.traffic()))
    tell("ready", first_seconds)
    while (words := ranks.hear().split()) and words != ["quit"]:
        tell("seconds", timed(program.advance, int(words[1]), ranks))
    peak = ranks.total(peak_memory_bytes(options))
    program.check()
    tell("peak_memory_bytes", peak)


def timed(advance: Callable[[int], None], steps: int, ranks: Alone) -> float:
    """Of the slowest rank, from the moment when all are there."""
    ranks.barrier()
    start = time.perf_counter()
    advance(steps)
    return ranks.largest(time.perf_counter() - start)


def build_case(options: argparse.Namespace) -> Any:
    from dycore import cases

    cells = tuple(int(number) for number in options.cells.split(","))
    return getattr(cases, options.case)(cells=cells, precision=options.precision)


def model(options: argparse.Namespace, ranks: Alone) -> Program:
    from benchmarks.forms import backend_of
    from dycore import Model

    communication = world(options) if options.ranks > 1 else None
    if options.backend.startswith("jax") and options.precision == "float64":
        use_double_precision()
    backend = backend_of(options.backend, options.threads, communication, options.form)
    grid, parameters, state = build_case(options)
    program = Model(grid, parameters, backend)
    steps_done = 0

    def advance(steps: int) -> None:
        nonlocal state, steps_done
        state = program.steps(state, steps)
        backend.synchronize(state)
        steps_done += steps

    def check() -> None:
        finite = all(numpy.isfinite(numpy.asarray(field)).all() for field in fields_of(state))
        if ranks.largest(0.0 if finite or options.silent else 1.0):
            raise ArithmeticError(f"the state was no longer finite after {steps_done} steps")

    def traffic() -> dict[str, Any]:
        if communication is None:
            return {}
        sent = (0, 0) if options.silent else program.traffic(state)
        return {"ranks": options.ranks, "processes": list(program.tile.processes),
                "messages_per_step": int(ranks.largest(sent[0])), "bytes_per_step": int(ranks.largest(sent[1]))}

    return Program(advance, {}, check, traffic)


def use_double_precision() -> None:
    """JAX has it where it is asked for, and this process is our own."""
    import jax

    jax.config.update("jax_enable_x64", True)


def world(options: argparse.Namespace) -> Any:
    """The communication between ranks of the core."""
    from dycore.backends import mpi

    if options.processes is None:
        return mpi.World(silent=options.silent)
    along_y, along_x = (int(number) for number in options.processes.split(","))
    return mpi.World(processes=(along_y, along_x), silent=options.silent)


def fields_of(state: Any) -> list[Any]:
    return [field for part in state for field in fields_of(part)] if isinstance(state, tuple) else [state]


def triad(options: argparse.Namespace, ranks: Alone) -> Program:
    """The yardstick, and what all competitors compute alike: read once from the case itself.

    Each rank has arrays of its own; `bytes_per_pass` are those of all ranks.
    """
    _, parameters, _ = build_case(options)
    itemsize = numpy.dtype(options.precision).itemsize
    size = TRIAD_ARRAY_BYTES // itemsize
    scalar = numpy.dtype(options.precision).type(0.5)
    b, c = numpy.full(size, 1.0, options.precision), numpy.full(size, 2.0, options.precision)
    about = {"time_step": float(parameters.time_step), "substeps": int(parameters.substeps),
             "tracers": len(parameters.tracer_names), "tracer_scheme": parameters.tracer_face.__name__,
             "bytes_per_pass": 3 * size * itemsize * options.ranks}

    if options.device == "gpu":
        return Program(triad_on_gpu(b, c, scalar, options.precision), about)

    a = numpy.zeros_like(b)
    try:
        one_pass = compiled_triad(options.threads)
    except ImportError:  # NumPy needs two passes and moves five elements
        about["bytes_per_pass"] = 5 * size * itemsize * options.ranks

        def one_pass(a: Any, b: Any, c: Any, scalar: Any) -> None:
            numpy.multiply(c, scalar, out=a)
            numpy.add(a, b, out=a)

    def advance(steps: int) -> None:
        for _ in range(steps):
            one_pass(a, b, c, scalar)

    return Program(advance, about)


def triad_on_gpu(b: numpy.ndarray, c: numpy.ndarray, scalar: Any, precision: str) -> Callable[[int], None]:
    """So many passes of the triad on the GPU, as a function of their number."""
    import jax

    if precision == "float64":
        use_double_precision()
    # The carry is what is written, so that no pass can be left out.
    passes = jax.jit(lambda a, c, n: jax.lax.fori_loop(0, n, lambda _, a: c + scalar * a, a), donate_argnums=0)
    a, c_there = jax.device_put(b), jax.device_put(c)

    def advance(steps: int) -> None:
        nonlocal a
        a = passes(a, c_there, steps).block_until_ready()

    return advance


def compiled_triad(threads: int) -> Callable[..., None]:
    import numba

    from dycore.backends.compiled.cache import kept

    def one_pass(a, b, c, scalar):
        for n in numba.prange(a.size):
            a[n] = b[n] + scalar * c[n]

    return kept(one_pass, parallel=threads > 1)


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
