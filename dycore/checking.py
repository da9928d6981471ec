"""What this machine offers, and whether halos come right between processes: `dycore check`.

Started on its own it tries each way of communication with two processes of its own, which are told how long
they may take: a deadlock is a result like others. Under mpiexec the processes that there are try them all.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.tiles import HALO, HALO_LEVELS, Boundary, Halo, Place, Tile, fill_halo, part_of

RANKS = 2  # that are started
GRACE = 30.0  # s; for processes to start and to end beside the time that they may take
LAST_WORDS = 1.0  # s; for what a process that is about to end has printed to arrive
PROBE = 60.0  # s; for a question to a library that may hang
UNFILLED = -1.0  # where nothing has come; what may come is zero, or a number from 2 on, or less than -1
WHEEL = "pip install 'dycore[bundled-mpi]'"
PACKAGES = ("numpy", "numba", "jax", "mpi4py", "mpi4jax")


class Way(NamedTuple):
    """Of communication: the backend that uses it, and the packages that it needs."""

    backend: str
    title: str
    needs: tuple[str, ...]

    @property
    def by_mpi(self) -> bool:
        """Whether each part of a domain has a process of its own."""
        return "mpi4py" in self.needs


WAYS = (Way("numpy", "mpi4py with NumPy", ("mpi4py",)),
        Way("numba", "mpi4py with Numba", ("mpi4py", "numba")),
        Way("jax", "mpi4jax within JAX programs", ("mpi4py", "jax", "mpi4jax")),
        Way("devices", "devices of one JAX program", ("jax",)))


class Case(NamedTuple):
    """A kind of domain, and of exchange."""

    title: str
    x: Boundary
    y: Boundary
    wide: int = HALO
    precision: str = "float64"


CASES = (Case("a periodic domain", Boundary.PERIODIC, Boundary.PERIODIC),
         Case("a periodic domain in float32", Boundary.PERIODIC, Boundary.PERIODIC, precision="float32"),
         Case("a wide halo", Boundary.PERIODIC, Boundary.PERIODIC, wide=HALO + 1),
         Case("a channel", Boundary.PERIODIC, Boundary.WALL),
         Case("a sphere", Boundary.PERIODIC, Boundary.POLE),
         Case("a basin", Boundary.WALL, Boundary.WALL))
FIELDS = (*((place, 3) for place in Place), (Place.CENTER, 2))  # (place, number of axes) of what is exchanged at once


class Size(NamedTuple):
    """Of a field whose exchange is timed, for each part, and how many exchanges to time together."""

    levels: int
    rows: int
    columns: int
    ndim: int
    times: int


SMALL, LARGE = Size(1, 4, 8, 2, 200), Size(32, 8, 2048, 3, 10)


class Result(NamedTuple):
    """What came of a way: a `problem` is a sentence, a `note` one about something that need not be wrong."""

    backend: str
    ranks: int
    problem: str = ""
    exchanges: int = 0
    latency: float = 0.0  # s
    bandwidth: float = 0.0  # bytes/s that a process sends
    note: str = ""


# Halos ----------------------------------------------------------------------------------------------


def process_shapes(ranks: int, most: int = 6) -> list[tuple[int, int]]:
    """(processes in j, in i) for so many ranks, at most some of them, the long ones among them."""
    found = [(n, ranks // n) for n in range(1, ranks + 1) if ranks % n == 0]
    return [found[n] for n in sorted({round(n) for n in np.linspace(0, len(found) - 1, most)})]


def domain_of(case: Case, processes: tuple[int, int]) -> Tile:
    """A domain just large enough, of parts that are not all alike; the columns can be halved for a pole."""
    return Tile((3, 4 * processes[0] + 1, 4 * processes[1] + 2), case.x, case.y)


def part(case: Case, processes: tuple[int, int], rank: int) -> Tile:
    """Of the domain, for a process; the halo is wide where it comes from others."""
    tile = domain_of(case, processes)._replace(processes=processes, rank=rank)
    wide_y, wide_x = (case.wide if n > 1 else HALO for n in processes)
    return tile._replace(halo=(wide_y, wide_x))


def numbered(whole: Tile, place: Place, ndim: int, first: int, precision: str) -> np.ndarray:
    """A padded array of the whole domain in which each cell holds its number, with the halo that one process gives it."""
    cells = inner(whole, ndim)
    array = np.zeros(whole.region.padded[-ndim:], precision)
    array[cells] = first + np.arange(array[cells].size).reshape(array[cells].shape)
    return fill_halo(whole, place, array)


def inner(tile: Tile, ndim: int) -> tuple[slice, ...]:
    """The cells of a padded array, without halo."""
    return tuple(slice(*r) for r in (tile.region if ndim == 3 else tile.region.columns).ranges)


def check_case(backend: Any, case: Case, processes: tuple[int, int]) -> str | None:
    """Exchange the halos of fields with known values: None, or what this process got instead."""
    world = backend.communication
    tile = part(case, processes, world.rank)
    right, given = [], []
    for number, (place, ndim) in enumerate(FIELDS):
        belongs = part_of(numbered(domain_of(case, processes), place, ndim, 2 + 10 ** 5 * number, case.precision), tile)
        cells = inner(tile, ndim)
        mine = np.full(belongs.shape, UNFILLED, case.precision)
        mine[cells] = belongs[cells]
        right.append(belongs)
        given.append(mine)
    got = exchanging(backend, [Halo(tile, place) for place, _ in FIELDS])(given)
    return difference(f"with {processes[0]},{processes[1]} processes on {case.title}, rank {world.rank}", got, right)


def difference(who: str, got: Iterable, right: list[np.ndarray]) -> str | None:
    """In words; halo levels hold no sense."""
    for (place, ndim), there, belongs in zip(FIELDS, got, right, strict=True):
        levels = slice(HALO_LEVELS, -HALO_LEVELS) if ndim == 3 else slice(None)
        there, belongs = np.asarray(there)[levels], belongs[levels]
        if there.dtype != belongs.dtype:
            return f"{who} got numbers in {there.dtype} for {belongs.dtype}"
        places = np.argwhere(there != belongs)
        if places.size:
            at = tuple(map(int, places[0]))
            return (f"{who} got {there[at]:g} for {belongs[at]:g} at {list(at)} of a {ndim}-D field ({place.value}), and wrong "
                    f"values in {len(places)} places")
    return None


def exchanging(backend: Any, halos: list[Halo], times: int = 1) -> Callable:
    """A function of NumPy arrays that gives them back with complete halos, exchanged so many times in a row."""
    if backend.name == "numpy":  # `exchange` would copy them, which is not communication
        def in_place(arrays: Any) -> Any:
            for _ in range(times):
                backend.communication.fill(list(zip(halos, arrays, strict=True)))
            return arrays

        return in_place

    def exchange(_: Any, arrays: Any) -> Any:
        return backend.exchange(*zip(halos, arrays, strict=True))

    single = times == 1 and backend.name == "jax" and not hasattr(backend.communication, "mesh")  # a quarter of the compiling
    run = backend.compile(exchange) if single else backend.loop(exchange)

    def compiled(arrays: Any) -> Any:
        result = run((), tuple(map(backend.asarray, arrays)), *(() if single else (times,)))
        backend.synchronize(result)
        return result

    return compiled


def seconds(backend: Any, size: Size, parts: int) -> tuple[float, int]:
    """(time of an exchange, bytes that a process or device sends in it) on a periodic domain that is split in j."""
    world = backend.communication
    whole = Tile((size.levels, size.rows * parts, size.columns), Boundary.PERIODIC, Boundary.PERIODIC)
    tile = whole._replace(processes=(parts, 1), rank=world.rank)
    if world.ranks == parts:
        array = np.zeros(tile.region.padded[-size.ndim:])
    else:  # all parts are here
        array = world.scatter(tile, np.zeros(whole.region.padded[-size.ndim:]), np.asarray)
    exchange = exchanging(backend, [Halo(tile, Place.CENTER)], size.times)
    exchange([array])
    best = float("inf")
    for _ in range(5):
        world.barrier()
        start = time.perf_counter()
        exchange([array])
        best = min(best, world.largest(time.perf_counter() - start) / size.times)
    return best, (2 * HALO if parts > 1 else 0) * size.levels * size.columns * array.dtype.itemsize


def try_way(way: Way, world: Any) -> Result:
    """On all processes of a world together; the result is the same on all."""
    backend = importlib.import_module(f"dycore.backends.on_{way.backend}").create(communication=world)
    note = without_cuda() if way.backend == "jax" and world.ranks > 1 else ""
    if way.backend == "jax":
        use_double_precision()
    tries = [(case, processes) for processes in process_shapes(world.ranks) for case in CASES]
    for case, processes in tries:
        problem = world.first(check_case(backend, case, processes))
        if problem:
            return wrong(way, world.ranks, problem)
    latency, _ = seconds(backend, SMALL, world.ranks)
    duration, sent = seconds(backend, LARGE, world.ranks)
    return Result(way.backend, world.ranks, "", len(tries), latency, sent / duration, note)


def use_double_precision() -> None:
    """JAX has it where it is asked for, and this process is our own."""
    import jax

    jax.config.update("jax_enable_x64", True)


def wrong(way: Way, ranks: int, problem: str) -> Result:
    return Result(way.backend, ranks, f"{problem}. Do not run on several processes or devices here, and report this with all that "
                                      "'dycore check' prints.")


def try_devices(way: Way) -> Result:
    """In this process, on all GPUs that JAX finds, or on devices made of a CPU where these are fewer than two."""
    import jax

    from dycore.backends import devices, jax_process, on_jax

    use_double_precision()
    found = jax_process.start() if len(jax_process.start()) > 1 else jax.devices("cpu")
    tries = [(case, processes) for processes in process_shapes(len(found)) for case in CASES
             if case.y is not Boundary.POLE or processes[1] == 1 or processes[1] % 2 == 0]
    for case, processes in tries:
        problem = check_devices(on_jax.create(communication=devices.Devices(processes, found)), case)
        if problem:
            return wrong(way, len(found), problem)
    backend = on_jax.create(communication=devices.Devices((len(found), 1), found))
    latency, _ = seconds(backend, SMALL, len(found))
    duration, sent = seconds(backend, LARGE, len(found))
    return Result(way.backend, len(found), "", len(tries), latency, sent / duration)


def check_devices(backend: Any, case: Case) -> str | None:
    """As `check_case`, for all devices at once: their arrays lie side by side in one."""
    import jax

    world = backend.communication
    pj, pi = processes = world.mesh.devices.shape
    whole = domain_of(case, processes)._replace(domain=(3, 4 * pj, 4 * pi))
    tile = world.tile(whole)._replace(halo=part(case, processes, 0).halo)
    right, given = [], []
    for number, (place, ndim) in enumerate(FIELDS):
        belongs = world.scatter(tile, numbered(whole, place, ndim, 2 + 10 ** 5 * number, case.precision), np.asarray)
        cells = np.zeros(tile.region.padded[-ndim:], bool)
        cells[inner(tile, ndim)] = True
        everywhere = np.tile(cells, (1,) * (ndim - 2) + processes)
        mine = np.where(everywhere, np.asarray(belongs), np.asarray(UNFILLED, case.precision))
        given.append(jax.device_put(mine, belongs.sharding))
        right.append(np.asarray(belongs))
    got = exchanging(backend, [Halo(tile, place) for place, _ in FIELDS])(given)
    return difference(f"with {pj},{pi} devices on {case.title}, JAX", got, right)


def attempt(way: Way, world: Any) -> Result:
    """As `try_way`; a library that cannot be loaded is a result too."""
    try:
        return try_way(way, world)
    except ImportError as problem:
        return Result(way.backend, world.ranks, f"it cannot be loaded ({problem}). Install it again.")


def without_cuda() -> str:
    """Keep JAX on the CPU where mpi4jax cannot send from a GPU, and say so where there is one."""
    import jax
    import mpi4jax

    if mpi4jax.has_cuda_support():
        return ""
    jax.config.update("jax_platforms", "cpu")
    return ("mpi4jax was built without CUDA, so JAX was checked on the CPU: for messages from GPUs build it again with "
            "CUDA_PATH set to a CUDA toolkit.") if nvidia_devices() else ""


# Processes ------------------------------------------------------------------------------------------


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
    """What a started process does: try one way; rank 0 prints the result as a line of JSON."""
    from dycore.backends import mpi

    if name == "devices":
        several_devices()
    else:
        one_thread_each()
    rank, ranks = mpi.launched()
    way = next(way for way in WAYS if way.backend == name)

    def answer(result: Result) -> None:
        if rank == 0:
            print(f"\n{json.dumps(result._asdict())}", flush=True)

    with deadline(limit, rank, lambda: answer(too_late(way, ranks, limit))):
        try:
            answer(attempt(way, mpi.World()) if way.by_mpi else try_devices(way))
        except (ImportError, RuntimeError) as problem:  # the MPI that was started is not that of mpi4py; JAX cannot start
            answer(Result(name, ranks, str(problem)))
    return 0


def start_ranks(way: Way, mpiexec: str | None, limit: float) -> Result:
    """Try a way with processes of their own, or one, so that no way can spoil another."""
    launcher = [mpiexec, "-n", str(RANKS), sys.executable, "-m", "mpi4py"] if way.by_mpi and mpiexec else [sys.executable]
    command = [*launcher, "-m", "dycore.checking", way.backend, str(limit)]
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


# The machine ----------------------------------------------------------------------------------------


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
    together = threading.Barrier(threads + 1)

    def work() -> None:
        a, b, c = np.zeros(size), np.full(size, 1.0), np.full(size, 2.0)  # by the thread that uses them: near its core
        for _ in range(passes + 1):
            together.wait()
            one_pass(a, b, c, 0.5)
            together.wait()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    times = []
    for _ in range(passes + 1):
        together.wait()
        start = time.perf_counter()
        together.wait()
        times.append(time.perf_counter() - start)
    return moved * 8 * size * threads / min(times[1:])


def first_line(command: list[str]) -> str | None:
    """What a program says of itself; None if it is not there or does not work."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PROBE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def asked(program: str) -> Any:
    """What a Python program prints as JSON in a process of its own, where it may hang or die: None then."""
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PROBE, env=environment())
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError):
        return None


def mpi_library() -> str | None:
    """Its name and version; MPI is not initialised for it."""
    found = asked("import json, mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI; "
                  "print(json.dumps(MPI.Get_library_version()))")
    return " ".join(found.split(",")[0].splitlines()[0].replace("Version", "").replace(":", "").split()) if found else None


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

    def want(found: str | None, sentence: str) -> str:
        if found is None:
            missing.append(sentence)
        return found or "not found"

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
        asked = os.environ.get("JAX_PLATFORMS")
        hint = f"JAX_PLATFORMS={asked} is set: set it to cpu or to what is here, or unset it, and see " if asked else "See "
        missing.append(f"JAX did not tell its devices. {hint}what 'python -c \"import jax; print(jax.devices())\"' says.")
    elif nvidia_devices() and not devices:
        missing.append("There is an NVIDIA GPU that JAX does not see. Install JAX for it: pip install 'jax[cuda13]', or "
                       "'jax[cuda12]' for an older driver.")
    found = devices or []
    return ", ".join(f"{found.count(name)} x {name}" for name in dict.fromkeys(found)) or "none"


def how_to_install(package: str) -> str:
    """How to get a package that is missing."""
    if package == "mpi4jax":
        return ("JAX runs on one process: there is no mpi4jax. In a clone './bootstrap.sh' builds it; else, with mpicc on the "
                "path: pip install nanobind wheel 'setuptools>=82.0.1', then "
                "CUDA_PATH=$(mktemp -d) pip install --no-cache-dir --no-build-isolation mpi4jax.")
    return f"There is no {package}: pip install 'dycore[{'mpi' if package == 'mpi4py' else package}]'."


# The report -----------------------------------------------------------------------------------------


class Printer:
    """Lines with colours on a terminal where rich is installed, plain ones elsewhere."""

    def __init__(self) -> None:
        self.console: Any = None
        if sys.stdout.isatty() and importlib.util.find_spec("rich"):
            from rich.console import Console

            self.console = Console(highlight=False)

    def title(self, text: str) -> None:
        if self.console:
            self.console.print(f"\n[bold cyan]{text}[/]")
        else:
            print(f"\n{text}", flush=True)

    def line(self, label: str, text: str, style: str = "") -> None:
        if not self.console:
            print(f"  {label:<14} {text}", flush=True)
            return
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))  # a long text goes on below its own beginning
        row.add_column(width=16)
        row.add_column()
        row.add_row(Text(f"  {label}", style=style or "dim"), Text(text, style="yellow" if text == "not found" else ""))
        self.console.print(row)

    def busy(self, text: str) -> Any:
        """While something takes its time."""
        return self.console.status(f"[dim]{text}[/]") if self.console else contextlib.nullcontext()


def show_facts(printer: Printer, found: Facts) -> None:
    for title, lines in found.parts:
        printer.title(title)
        for label, text in lines:
            printer.line(label, text)


def halos_title(ranks: int) -> str:
    return f"Halos, {ranks} parts: exchanges checked, time of a small one, rate of a large one"


def show_result(printer: Printer, result: Result) -> None:
    title = next(way.title for way in WAYS if way.backend == result.backend)
    if result.problem:
        printer.line("WRONG", f"{title}: {result.problem}", "bold red")
        return
    printer.line("right", f"{title:<27} {result.exchanges:>3} checked {result.latency * 1e6:>6.0f} us "
                          f"{result.bandwidth / 1e9:>5.2f} GB/s", "bold green")


def show_remarks(printer: Printer, sentences: list[str]) -> None:
    if sentences:
        printer.title("Remarks")
        for sentence in sentences:
            printer.line("-", sentence, "yellow")


def run(limit: float) -> int:
    """Print everything: 0 where all that is installed is right, 1 where something is wrong."""
    from dycore.backends import mpi

    rank, ranks = mpi.launched()
    return alone(limit) if ranks == 1 else together(limit, rank, ranks)


def alone(limit: float) -> int:
    """Start processes for each way."""
    printer = Printer()
    with printer.busy("looking at the machine"):
        found = facts()
    show_facts(printer, found)
    missing = list(found.missing)
    mpiexec = find("mpiexec", "mpirun")
    results = []
    printer.title(halos_title(RANKS))
    for way in WAYS:
        lacking = [name for name in way.needs if version(name) is None]
        if way.by_mpi:
            lacking += [name for name, there in (("an MPI library", found.library), ("mpiexec", mpiexec)) if there is None]
        if lacking:
            printer.line("not checked", f"{way.title} needs {', '.join(lacking)}", "yellow")
            continue
        with printer.busy(f"{way.title}: exchanging halos"):
            results.append(start_ranks(way, mpiexec, limit))
        show_result(printer, results[-1])
    return conclude(printer, results, missing)


def together(limit: float, rank: int, ranks: int) -> int:
    """Try all ways with the processes that there are; the first one prints."""
    from dycore.backends import mpi

    one_thread_each()
    printer = Printer() if rank == 0 else None
    found = facts() if rank == 0 else None  # the others wait in MPI's start
    if printer and found:
        show_facts(printer, found)
        printer.title(halos_title(ranks))
    world = mpi.World()
    results = []
    for way in (way for way in WAYS if way.by_mpi):
        lacking = world.first(", ".join(name for name in way.needs if version(name) is None) or None)
        if lacking:
            if printer:
                printer.line("not checked", f"{way.title} needs {lacking}", "yellow")
            continue

        def late(way: Way = way) -> None:
            if printer:
                show_result(printer, too_late(way, ranks, limit))

        with deadline(limit, rank, late):
            results.append(attempt(way, world))
        if printer:
            show_result(printer, results[-1])
    if printer and found:
        return conclude(printer, results, list(found.missing))
    return 1 if any(result.problem for result in results) else 0


def conclude(printer: Printer, results: list[Result], missing: list[str]) -> int:
    here = max((result.ranks for result in results), default=0)
    if here > len(usable_cores()):
        missing.append(f"{here} processes shared {len(usable_cores())} core(s): their times are those of taking turns.")
    show_remarks(printer, missing + [result.note for result in results if result.note])
    return 1 if any(result.problem for result in results) else 0


if __name__ == "__main__":
    sys.exit(as_rank(sys.argv[1], float(sys.argv[2])))
