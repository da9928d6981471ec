"""The machine: processor, cores, memory bandwidth, compilers, MPI, accelerators and versions, and what is missing of them."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PROBE = 60.0  # s; for a question to a library that may hang
WHEEL = "pip install 'dycore[bundled-mpi]'"
PACKAGES = ("numpy", "numba", "jax", "mpi4py", "mpi4jax")


def environment() -> dict[str, str]:
    """For mpiexec: no trace of a launcher of this process, and leave for Open MPI to run here, as root and on few cores too."""
    ours = ("PMI_", "PMIX_", "OMPI_COMM_WORLD_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept |= {"OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        kept |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return kept


def find(*names: str) -> str | None:
    """A program of this environment, whose MPI mpi4py takes before any other, or else one on the path."""
    beside = (Path(sys.executable).parent / name for name in names)
    return next((str(path) for path in beside if path.is_file()), None) or next(filter(None, map(shutil.which, names)), None)


def usable_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def ranges(numbers: list[int]) -> str:
    """0-3,8 for 0 1 2 3 8."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def processor() -> str:
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo") as file:
        return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    return platform.processor() or platform.machine()


def triad() -> tuple[Callable[..., None], int]:
    """(a pass of a = b + scalar * c, elements that it moves for each n), as the benchmarks measure their floor."""
    try:
        import numba
    except ImportError:  # two passes
        def two_passes(a: Any, b: Any, c: Any, scalar: float) -> None:
            np.multiply(c, scalar, out=a)
            np.add(a, b, out=a)

        return two_passes, 5

    @numba.njit(nogil=True)
    def one_pass(a, b, c, scalar):
        for n in range(a.size):
            a[n] = b[n] + scalar * c[n]

    return one_pass, 3


def bandwidths(threads: Iterable[int], array_bytes: int = 2 ** 27, passes: int = 5) -> list[float]:
    """Bytes/s of a triad on so many cores at once, the best of some passes, over arrays far larger than a cache."""
    one_pass, moved = triad()
    tiny = np.zeros(8)
    one_pass(tiny, tiny, tiny, 0.5)  # compiles
    return [bandwidth(one_pass, moved, n, max(array_bytes // n, array_bytes // 4) // 8, passes) for n in threads]


def bandwidth(one_pass: Callable, moved: int, threads: int, size: int, passes: int) -> float:
    barrier = threading.Barrier(threads + 1)

    def work() -> None:
        a, b, c = np.zeros(size), np.full(size, 1.0), np.full(size, 2.0)  # by the thread that uses them: near its core
        for _ in range(passes + 1):
            barrier.wait()
            one_pass(a, b, c, 0.5)
            barrier.wait()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    times = []
    for _ in range(passes + 1):
        barrier.wait()
        start = time.perf_counter()
        barrier.wait()
        times.append(time.perf_counter() - start)
    return moved * 8 * size * threads / min(times[1:])


def first_line(command: list[str]) -> str | None:
    """First line that a program says of itself; None if it is not there or does not work."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PROBE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def asked(program: str) -> Any:
    """Answer of a Python program: what it prints as JSON in a process of its own, where it may hang or die: None then."""
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PROBE, env=environment())
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError):
        return None


def mpi_library() -> str | None:
    """Its name and version; MPI is not initialised for it."""
    answer = asked("import json, mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI; "
                   "print(json.dumps(MPI.Get_library_version()))")
    return " ".join(answer.split(",")[0].splitlines()[0].replace("Version", "").replace(":", "").split()) if answer else None


def jax_devices() -> list[str] | None:
    """The accelerators that JAX sees; None where it does not answer."""
    return asked("import json, jax; print(json.dumps([d.device_kind for d in jax.devices() if d.platform != 'cpu']))")


def nvidia_devices() -> bool:
    return Path("/proc/driver/nvidia/gpus").is_dir() or Path("/dev/nvidia0").exists()


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package) if importlib.util.find_spec(package) else None
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


class Facts(NamedTuple):
    """Of the machine: (title, ((what, words), ...)) for each part, and a sentence for each thing that is missing."""

    parts: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    missing: tuple[str, ...]
    library: str | None


def facts() -> Facts:
    missing: list[str] = []

    def want(value: str | None, sentence: str) -> str:
        if value is None:
            missing.append(sentence)
        return value or "not found"

    library = mpi_library() if version("mpi4py") else None
    parts = (("Machine", (*cores_and_memory(), ("GPUs in JAX", accelerators(missing)))),
             ("Compilers", compilers(want)),
             ("MPI", (("library", want(library, "mpi4py finds no MPI library. Load the MPI of this machine, name its library with "
                                                f"MPI4PY_LIBMPI, or: {WHEEL}.") if version("mpi4py") else "not found"),
                      ("mpiexec", want(find("mpiexec", "mpirun"), "Several processes cannot be started: there is no mpiexec. "
                                                                  f"Load the MPI of this machine, or: {WHEEL}.")))),
             ("Versions", (("Python", platform.python_version()),
                           *((name, want(version(name), how_to_install(name))) for name in PACKAGES))))
    return Facts(parts, tuple(missing), library)


def cores_and_memory() -> tuple[tuple[str, str], ...]:
    cores = usable_cores()
    counts = sorted({1, len(cores)})
    triads = (f"{value / 1e9:.1f} GB/s on {n} core{'s at once' if n > 1 else ''}"
              for n, value in zip(counts, bandwidths(counts), strict=True))
    return (("processor", processor()),
            ("cores", f"{os.cpu_count()}, of which this process may use {len(cores)} ({ranges(cores)})"),
            ("memory, triad", ", ".join(triads)))


def compilers(want: Callable[[str | None, str], str]) -> tuple[tuple[str, str], ...]:
    fortran, c, mpicc = os.environ.get("FC", "gfortran"), os.environ.get("CC", "cc"), find("mpicc")
    wrapped = mpicc and first_line([mpicc, "--version"])
    return (("Fortran", want(first_line([fortran, "--version"]), f"The Fortran reference cannot be built: '{fortran}' does not "
                             "work. Install gfortran and FFTW (apt-get install gfortran libfftw3-dev), or set FC.")),
            ("C", want(first_line([c, "--version"]), f"mpi4jax cannot be built: the C compiler '{c}' does not work. "
                       "Install one (apt-get install g++), or set CC.")),
            ("mpicc", want(wrapped and f"{mpicc}: {wrapped}", "mpi4jax cannot be built: there is no mpicc that works. "
                           f"Load the MPI of this machine, or: {WHEEL}.")))


def accelerators(missing: list[str]) -> str:
    """In words."""
    devices = jax_devices() if version("jax") else []
    if devices is None:
        asked_for = os.environ.get("JAX_PLATFORMS")
        hint = f"JAX_PLATFORMS={asked_for} is set: set it to cpu or to what is here, or unset it, and see " if asked_for else "See "
        missing.append(f"JAX did not tell its devices. {hint}what 'python -c \"import jax; print(jax.devices())\"' says.")
    elif nvidia_devices() and not devices:
        missing.append("There is an NVIDIA GPU that JAX does not see. Install JAX for it: pip install 'jax[cuda13]', or "
                       "'jax[cuda12]' for an older driver.")
    names = devices or []
    return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "none"


def how_to_install(package: str) -> str:
    """How to get a package that is missing."""
    if package == "mpi4jax":
        return ("JAX runs on one process: there is no mpi4jax. In a clone './bootstrap.sh' builds it; else, with mpicc on the "
                "path: pip install nanobind wheel 'setuptools>=82.0.1', then "
                "CUDA_PATH=$(mktemp -d) pip install --no-cache-dir --no-build-isolation mpi4jax.")
    return f"There is no {package}: pip install 'dycore[{'mpi' if package == 'mpi4py' else package}]'."
