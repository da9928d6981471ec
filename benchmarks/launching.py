"""How programs are started for a measurement: on so many ranks, each on cores of its own, with threads and device settled."""

import contextlib
import math
import os
import shlex
import shutil
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dycore
from dycore.benchmarks.problems import Failed

ROOT = Path(dycore.__file__).resolve().parents[1]  # the checkout, or the folder in which the package is installed

# Open MPI neither refuses more ranks than cores nor binds them (on_cores.py does); MPICH does as it is told.
OPEN_MPI = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
            "OMPI_MCA_hwloc_base_binding_policy": "none", "PRTE_MCA_hwloc_default_binding_policy": "none"}
OPEN_MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


class Launcher(NamedTuple):
    """What starts ranks on so many nodes: words, with {ranks}, {threads}, {nodes} and {ranks_per_node} for the numbers."""

    words: str
    nodes: int = 1

    def start(self, ranks: int, threads: int) -> list[str]:
        """The words as a command. Raises Failed where they are not one."""
        numbers = {"ranks": ranks, "threads": threads, "nodes": self.nodes, "ranks_per_node": math.ceil(ranks / self.nodes)}
        known = ", ".join(f"{{{name}}}" for name in numbers)
        try:
            for _, name, width, conversion in string.Formatter().parse(self.words):
                if name is not None and (name not in numbers or width or conversion):
                    raise ValueError(f"{name!r} is none of {known}")
            words = shlex.split(self.words.format(**numbers))
        except ValueError as problem:
            raise Failed(f"the launcher '{self.words}' cannot be read ({problem}): in braces it may have {known}") from problem
        if "\0" in self.words or not words or "{ranks}" not in self.words:
            raise Failed(f"the launcher '{self.words}' does not say how many ranks to start: it needs {{ranks}}")
        return words


def launched(program: list[str], ranks: int, threads: int, given: Launcher | None = None) -> list[str]:
    """The program on so many ranks, each on cores of its own."""
    start = given.start(ranks, threads) if given else [launcher() or "mpiexec", "-n", str(ranks)]
    return [*start, sys.executable, "-m", "dycore.benchmarks.on_cores", str(threads), *program]


def mpi_compiler() -> dict[str, str]:
    """The environment, in which MPICC is the compiler of the MPI library that the launcher belongs to."""
    beside = Path(launcher() or "").parent / "mpicc"
    return {"MPICC": str(beside), **os.environ} if launcher() and beside.exists() else dict(os.environ)


def launcher() -> str | None:
    """The mpiexec that belongs to this Python, else the one on the PATH, else None."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def is_checkout(root: Path = ROOT) -> bool:
    """Whether this is a checkout, or an unpacked source archive, and not a folder of installed packages."""
    return (root / "pyproject.toml").is_file() and (root / "benchmarks").is_dir()


def allowed_cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def environment(threads: int, device: str, root: Path = ROOT) -> dict[str, str]:
    """Threads and device are settled before a library is loaded."""
    variables = dict(os.environ)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        variables[name] = str(threads)
    if threads == 1:
        variables["XLA_FLAGS"] = (os.environ.get("XLA_FLAGS", "")
                                  + " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1").strip()
    variables |= OPEN_MPI
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        variables |= OPEN_MPI_AS_ROOT
    variables["JAX_PLATFORMS"] = "cpu" if device == "cpu" else "cuda"
    variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # several workers share the GPU
    return variables


@contextlib.contextmanager
def pinned(cores: int) -> Iterator[None]:
    """What is started meanwhile may use the first cores only; the thread that starts it gets its own back."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
