"""Processes that try one way of communication each, and are told how long they may take: a deadlock is a result like others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dycore.check import halos
from dycore.check.halos import WAYS, Result, Way
from dycore.check.machine import environment

RANKS = 2  # that are started
GRACE = 30.0  # s; for processes to start and to end beside the time that they may take
LAST_WORDS = 1.0  # s; for what a process that is about to end has printed to arrive


@contextlib.contextmanager
def deadline(limit: float, rank: int, act: Callable[[], None]) -> Iterator[None]:
    """End this process, after a last act, unless the block is left in time: a thread that waits for a message cannot be woken.

    The launcher ends all processes with the first one, so rank 0, which speaks, goes first and not at once.
    """
    def end() -> None:
        act()
        sys.stdout.flush()
        time.sleep(LAST_WORDS)
        os._exit(1)

    timer = threading.Timer(limit + (3.0 * LAST_WORDS if rank else 0.0), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def too_late(way: Way, ranks: int, limit: float) -> Result:
    return Result(way.backend, ranks, f"no end within {limit:g} s: the processes wait for each other (a deadlock), or the machine "
                                      "is very busy. Try again with more time: --timeout.")


def one_thread_each() -> None:
    """For libraries that are not loaded yet: processes must not take each other's cores."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def several_devices() -> None:
    """Of a CPU, for JAX not yet loaded; with few threads it can wait for ever for a device that has none to run on."""
    # first: what follows a word without dashes, as in `one_thread_each`, is not read
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={RANKS} {os.environ.get('XLA_FLAGS', '')}"
    os.environ.setdefault("NPROC", str(4 * RANKS))
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def as_rank(name: str, limit: float) -> int:
    """Work of a started process: it tries one way, and rank 0 prints the result as a line of JSON."""
    from dycore.backends import launchers, mpi

    if name == "devices":
        several_devices()
    else:
        one_thread_each()
    rank, ranks = launchers.launched()
    way = next(way for way in WAYS if way.backend == name)

    def answer(result: Result) -> None:
        if rank == 0:
            print(f"\n{json.dumps(result._asdict())}", flush=True)

    with deadline(limit, rank, lambda: answer(too_late(way, ranks, limit))):
        try:
            answer(halos.attempt(way, mpi.World()) if way.by_mpi else halos.try_devices(way))
        except (ImportError, RuntimeError) as problem:  # the MPI that was started is not that of mpi4py; JAX cannot start
            answer(Result(name, ranks, str(problem)))
    return 0


def start_ranks(way: Way, mpiexec: str | None, limit: float) -> Result:
    """Try a way with processes of their own, or one, so that no way can spoil another."""
    launcher = [mpiexec, "-n", str(RANKS), sys.executable, "-m", "mpi4py"] if way.by_mpi and mpiexec else [sys.executable]
    command = [*launcher, "-m", "dycore.check.processes", way.backend, str(limit)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                               env=environment(), start_new_session=True)
    start = time.perf_counter()
    try:
        out, err = process.communicate(timeout=limit + GRACE)
    except subprocess.TimeoutExpired:
        stop(process)
        return too_late(way, RANKS, limit + GRACE)
    except BaseException:
        stop(process)
        raise
    for line in out.splitlines():
        if line.startswith('{"backend"'):
            return Result(**json.loads(line))
    if process.returncode and time.perf_counter() - start >= limit:
        return too_late(way, RANKS, limit)
    said = [line.strip() for line in (err + out).splitlines() if line.strip()]
    errors = [line for line in said if "Error" in line] or said or ["nothing was printed"]
    return Result(way.backend, RANKS, f"'{Path(launcher[0]).name}' ended with {process.returncode}: {errors[0][:300]}. "
                                      + ("See whether mpiexec and mpi4py belong to the same MPI." if way.by_mpi else
                                         "Install JAX again."))


def stop(process: subprocess.Popen) -> None:
    """End mpiexec, which ends what it started; by force if it does not."""
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(as_rank(sys.argv[1], float(sys.argv[2])))
