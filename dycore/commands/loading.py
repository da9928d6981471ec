"""Modules that commands load when they run: cases, the backend that was asked for, and the way in which ranks communicate."""

import importlib.util
import os
from typing import Any

from dycore.commands.option_values import BY_ITSELF
from dycore.commands.problems import BadInput

WORTH_COMPILING = 2e7  # cells times steps: NumPy takes some 10 s for them, as long as to compile a step


def launched() -> tuple[int, int]:
    """(rank, ranks) as the launcher says; loads no MPI."""
    from dycore.backends import launchers

    return launchers.launched()


def world(processes: tuple[int, int] | str | None) -> Any:
    """How the ranks speak to each other; None for a single one."""
    from dycore.backends import launchers, mpi

    if processes == BY_ITSELF:
        launchers.forget_launcher()
        return None
    if launched()[1] == 1 and processes in (None, (1, 1)):
        return None
    if launched()[1] == 1:
        assert isinstance(processes, tuple)
        parts = processes[0] * processes[1]
        raise BadInput(f"--processes {processes[0]},{processes[1]} are {parts} parts, but there is one process: start it with "
                       f"'mpiexec -n {parts} dycore run ...'.")
    try:
        return mpi.World(processes=processes)  # type: ignore[arg-type]
    except ImportError as problem:
        raise BadInput(str(problem)) from problem


def create_backend(name: str, threads: int, communication: Any = None) -> Any:
    """The backend, its libraries told how many threads they have before they are loaded."""
    check_threads(threads)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    if threads == 1:
        os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    if name.startswith("jax"):
        os.environ.setdefault("JAX_ENABLE_X64", "1")  # nothing else in this process uses JAX
    if name == "jax" and launched()[1] > 1 and importlib.util.find_spec("mpi4jax") is None:
        raise BadInput("JAX needs mpi4jax for several processes, and it is not installed: 'dycore check' says how to get it. "
                       "Or use one process, or another backend.")
    from dycore.backends import by_name

    backend, problem = None, None
    try:
        backend = by_name.create(name, threads, communication)
    except ImportError as missing:
        problem = (f"the {name} backend cannot be loaded ({str(missing).partition(':')[0]}). Install what it needs with: "
                   f"pip install 'dycore[{by_name.EXTRAS[name]}]'.")
    except RuntimeError as unable:
        problem = str(unable)
    if communication is not None:
        problem = communication.first(problem)  # nodes need not have the same
    if problem is not None:
        raise BadInput(problem)
    return backend


def fastest_backend(cells: float, steps: float) -> tuple[str, str]:
    """(name, why) of the installed backend with which a run of so many cells a process, and steps, is first at its end."""
    if cells * steps < WORTH_COMPILING:
        return "numpy", "a run so short that to compile would take longer"
    if importlib.util.find_spec("numba") is not None:
        return "numba", "the fastest that is installed"
    if importlib.util.find_spec("jax") is not None and (launched()[1] == 1 or importlib.util.find_spec("mpi4jax") is not None):
        return "jax", "the fastest that is installed"
    return "numpy", "the only one that is installed: pip install 'dycore[numba]' for one that is ten times as fast"


def check_threads(threads: int) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads > cores:
        raise BadInput(f"{threads} threads were asked for, and this process may use {cores} cores: "
                       f"give --threads {cores} or fewer.")


def case_functions() -> dict[str, Any]:
    from dycore import cases

    return cases.CASES
