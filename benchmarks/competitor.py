"""One competitor as the suite sees it: a process that is started, warmed up, asked for samples and stopped."""

import contextlib
import fcntl
import importlib.util
import json
import math
import os
import select
import shlex
import shutil
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import energy

ROOT = Path(__file__).resolve().parent.parent
FORTRAN = ROOT / "benchmarks" / "fortran"
ANSWER_SECONDS = 600.0  # no answer for so long is a failure
WARM_UP_STEPS = 10
LEAST_STEPS = 20
LEAST_SAMPLE_SECONDS = 0.3
MOST_STEPS = 50  # a coarse case without dissipation must not run for weeks of simulated time
SLOW_STEP_SECONDS = 0.5
SLOW_SAMPLE_SECONDS = 5.0
STOP_SECONDS = 5.0  # that mpiexec has to take its ranks down before it is killed
# How lines begin that a launcher adds to what a rank has said before it died.
LAUNCHER_WORDS = ("=", "-----", "Abort(", "application called MPI_Abort", "[mpiexec", "[proxy", "MPI_ABORT was", "with errorcode",
                  "YOUR APPLICATION", "This typically refers", "Please see the FAQ", "NOTE: invoking", "You may or may not",
                  "exactly when Open MPI", "Primary job", "a non-zero exit code", "mpiexec", "mpirun", "prterun", "Proc: [[",
                  "Errorcode:", "srun:", "slurmstepd:", "In: PMI_Abort(")

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


class Group(NamedTuple):
    """What is compared with each other. `base_cells` are those of the one rank that more are measured against.

    A launcher of None is the mpiexec of this machine.
    """

    case: str
    cells: tuple[int, int, int]
    precision: str
    ranks: int = 1
    scaling: str = "strong"
    base_cells: tuple[int, int, int] | None = None
    processes: tuple[int, int] | None = None
    launcher: Launcher | None = None

    @property
    def n_cells(self) -> int:
        return math.prod(self.cells)

    @property
    def alone(self) -> "Group":
        """The one rank."""
        return Group(self.case, self.base_cells or self.cells, self.precision)


class Failed(Exception):
    """A competitor that cannot run, and why."""


class Competitor:
    """After an error it says no more: `error` says why, and every further attempt does nothing.

    One that is `silent` sends no messages between its ranks: it computes as much, and not the same. Python runs what is
    in `root`, which may be another checkout.
    """

    def __init__(self, name: str, group: Group, threads: int, device: str, error: str | None = None,
                 silent: bool = False, counters: energy.Counters = energy.NONE, root: Path = ROOT) -> None:
        self.name, self.group, self.threads, self.device, self.error = name, group, threads, device, error
        self.silent, self.counters, self.root = silent, counters, root
        self.process: Any = None
        self.complaints: Any = None
        self.unread = b""
        self.about: dict[str, Any] = {}
        self.first_seconds = 0.0
        self.steps = 0
        self.seconds: list[float] = []
        self.joules: list[float | None] = []
        self.peak_memory_bytes: int | None = None

    def attempt(self, action: Callable[["Competitor"], None]) -> None:
        if self.error is None:
            try:
                action(self)
            except Failed as problem:
                self.error = str(problem)
                self.stop()

    def start(self) -> None:
        """Until the steps of a sample are known."""
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115
        with pinned(self.threads * self.group.ranks):
            try:
                # A session of its own: Ctrl-C reaches the suite alone, which stops its workers itself.
                self.process = subprocess.Popen(
                    command(self.name, self.group, self.threads, self.device, self.silent), cwd=self.root, stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=self.complaints, start_new_session=True,
                    env=environment(self.threads, self.device, self.root))
            except OSError as problem:
                raise Failed(f"could not be started: {problem.strerror}") from problem
        self.first_seconds = float(self.answer("ready"))
        seconds_per_step = self.take(1)
        if seconds_per_step < SLOW_STEP_SECONDS:
            seconds_per_step = self.take(WARM_UP_STEPS - 2) / (WARM_UP_STEPS - 2)
        self.steps = steps_of_a_sample(seconds_per_step)

    def sample(self) -> None:
        before = self.counters.read()
        self.seconds.append(self.take(self.steps))
        self.joules.append(self.counters.used(before))

    def finish(self) -> None:
        self.say("quit")
        self.peak_memory_bytes = int(float(self.answer("peak_memory_bytes")))

    def stop(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None and self.group.ranks > 1:
            self.process.terminate()  # mpiexec takes its ranks with it
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=STOP_SECONDS)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.complaints):
            with contextlib.suppress(OSError):  # closing may flush into a broken pipe
                pipe.close()
        self.process = None

    def take(self, steps: int) -> float:
        """Wall time of so many steps (s)."""
        self.say(f"sample {steps}")
        return float(self.answer("seconds"))

    def say(self, line: str) -> None:
        try:
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()
        except OSError as problem:
            raise Failed(self.last_words()) from problem

    def answer(self, word: str) -> str:
        """What follows this word, once a line that begins with it has come."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            line, newline, rest = self.unread.partition(b"\n")
            if newline:
                self.unread = rest
                first, _, text = line.decode(errors="replace").strip().partition(" ")
                if first == word:
                    return text
                if first == "error":
                    raise Failed(text)
                if first == "about":
                    self.about |= json.loads(text)
                continue
            if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Failed(f"gave no answer for {ANSWER_SECONDS:.0f} s")
            received = os.read(self.process.stdout.fileno(), 65536)
            if not received:
                raise Failed(self.last_words())
            self.unread += received

    def last_words(self) -> str:
        """Why the process is no more."""
        try:
            code = self.process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:
            return "closed its output and went on"
        if code == -9 or (self.group.ranks > 1 and code in (9, 137)):
            return "was killed (signal 9), most likely for want of memory"
        self.complaints.seek(0)
        lines = own_words(self.complaints.read().decode(errors="replace"))
        how = f"crashed (signal {-code})" if code < 0 else f"ended early (exit code {code})"
        return f"{how}: {lines[-1][:300]}" if lines else how


def own_words(text: str) -> list[str]:
    """The lines of a program, without those that a launcher adds about its end."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(LAUNCHER_WORDS)]


def steps_of_a_sample(seconds_per_step: float) -> int:
    """At least 20 steps and 0.3 s; of a slow step what fits in 5 s, two at least."""
    if seconds_per_step < SLOW_STEP_SECONDS:
        return min(MOST_STEPS, max(LEAST_STEPS, math.ceil(LEAST_SAMPLE_SECONDS / max(seconds_per_step, 1e-9))))
    return max(2, min(LEAST_STEPS, int(SLOW_SAMPLE_SECONDS / seconds_per_step)))


def command(name: str, group: Group, threads: int, device: str, silent: bool = False) -> list[str]:
    """What starts a competitor: its program, or mpiexec that starts it on each rank."""
    cells = ",".join(map(str, group.cells))
    several = ["--processes", ",".join(map(str, group.processes))] if group.ranks > 1 and group.processes else []
    several += ["--silent"] if silent else []
    if name == "fortran":
        program = [str(fortran_program(group.precision, group.ranks)), "--case", group.case, "--cells", cells, "--warmup", "1",
                   "--samples", *several]
    else:
        program = [sys.executable, *(["-m", "mpi4py"] if group.ranks > 1 else []), "-m", "benchmarks.worker", "--case", group.case,
                   "--cells", cells, "--precision", group.precision, "--backend", name, "--threads", str(threads),
                   "--device", device, "--ranks", str(group.ranks), *several]
    return program if group.ranks == 1 else launched(program, group.ranks, threads, group.launcher)


def launched(program: list[str], ranks: int, threads: int, given: Launcher | None = None) -> list[str]:
    """The program on so many ranks, each on cores of its own."""
    start = given.start(ranks, threads) if given else [launcher() or "mpiexec", "-n", str(ranks)]
    return [*start, sys.executable, "-m", "benchmarks.on_cores", str(threads), *program]


def mpi_compiler() -> dict[str, str]:
    """The environment, in which MPICC is the compiler of the MPI library that the launcher belongs to."""
    beside = Path(launcher() or "").parent / "mpicc"
    return {"MPICC": str(beside), **os.environ} if launcher() and beside.exists() else dict(os.environ)


def launcher() -> str | None:
    """The mpiexec that belongs to this Python, else the one on the PATH, else None."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def allowed_cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def missing_mpi(name: str, group: Group, device: str) -> str | None:
    """Why a competitor cannot run on several ranks, and what to do; None where it can."""
    if device == "gpu" and group.launcher is None:
        return "several ranks share one GPU: give --ranks 1 with --device gpu, or a --launcher that gives each a GPU of its own"
    if group.launcher is None and launcher() is None:
        return "MPI is missing (there is no mpiexec): apt-get install mpich, or pip install mpich, then pip install 'dycore[mpi]'"
    if name == "fortran":
        program = fortran_program(group.precision, group.ranks)
        return None if program.exists() else f"MPI is missing for Fortran ({program.name} was not built): apt-get install mpich"
    if importlib.util.find_spec("mpi4py") is None:
        return "MPI is missing for Python (there is no mpi4py): pip install 'dycore[mpi]'"
    return None


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


def fortran_program(precision: str, ranks: int = 1) -> Path:
    return FORTRAN / "build" / f"dycore_reference_{'mpi_' if ranks > 1 else ''}{precision}"


def build_fortran() -> str | None:
    """None when the reference can run, else why not and what to do."""
    compiler = os.environ.get("FC", "gfortran")
    if shutil.which(compiler) is None:
        if fortran_program("float64").exists():  # built elsewhere, statically linked
            return None
        return f"{compiler} was not found: apt-get install gfortran libfftw3-dev, or name a compiler with FC"
    if shutil.which("make") is None:
        return "make was not found: apt-get install make"
    (FORTRAN / "build").mkdir(exist_ok=True)
    with open(FORTRAN / "build" / "lock", "w") as lock:  # jobs on several nodes may build at once
        with contextlib.suppress(OSError):  # some disks have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        built = subprocess.run(["make", "-C", str(FORTRAN)], capture_output=True, text=True, check=False, env=mpi_compiler())
    if built.returncode == 0:
        return None
    lines = (built.stdout + built.stderr).splitlines()
    reason = next((line for line in lines if "Error" in line), lines[-1] if lines else "make failed")
    return f"did not build: {reason[:300]} (make -C benchmarks/fortran shows all)"
