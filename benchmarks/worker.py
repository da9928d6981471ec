"""One competitor on one case in a process of its own; the suite speaks to it in lines.

    out  about JSON                what it computes, once
    out  compiling                 the first step begins
    out  ready SECONDS             the first step is done; it took so long, compiling included
    in   sample N                  take N steps ...
    out  seconds X                 ... which took X seconds, device synchronised
    in   quit, or end of file
    out  peak_memory_bytes B
    out  error SENTENCE            at any time, and the end

A second line `about` may follow the first step. With several ranks the first one alone speaks, and tells the others
what it hears; times run from a barrier to the slowest rank, memory is that of all ranks together, and an error of any
rank ends all (`python -m mpi4py` sees to that). Ranks that wait sleep, so that they take no core from what is measured
meanwhile. The Fortran reference speaks the same lines, but `compiling`. What is run: programs.py and gradient_run.py.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

WAIT_SECONDS = 1e-3


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
    parser.add_argument("--gradient-steps", type=int, default=0)
    parser.add_argument("--form")
    options = parser.parse_args()

    # What a library prints must not be taken for an answer: it goes to stderr.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        serve(options, answers)
    except ImportError as problem:
        extras = {"mpi4py": "mpi", "mpi4jax": "mpi", "jax": "jax", "numba": "numba"}
        extra = extras.get(problem.name or "", options.backend)
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

    from dycore.benchmarks import gradient_run, programs  # here, so that it is an answer if these cannot be imported

    if options.backend == "triad":
        program = programs.triad(options)
    elif options.gradient_steps:
        program = gradient_run.program(options)
    else:
        program = programs.model(options, ranks)
    tell("about", json.dumps(program.about | {"device": device_name(options)}))
    tell("compiling")
    first_seconds = timed(program.advance, max(1, options.gradient_steps), ranks)
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
