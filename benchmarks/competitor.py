"""One competitor as the suite sees it: a process that is started, warmed up, asked for samples and stopped."""

import contextlib
import importlib.util
import json
import math
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from dycore.benchmarks import energy
from dycore.benchmarks.fortran_reference import fortran_program
from dycore.benchmarks.launching import ROOT, Launcher, environment, launched, launcher, pinned
from dycore.benchmarks.problems import Failed
from dycore.commands.bench import GRADIENTS

ANSWER_SECONDS = 600.0  # no answer for so long is a failure
WARM_UP_STEPS = 10
LEAST_STEPS = 20
LEAST_SAMPLE_SECONDS = 0.3
MOST_STEPS = 50  # a coarse case without dissipation must not run for weeks of simulated time
MOST_WARM_UP_SECONDS = 4.0
MOST_SAMPLE_SECONDS = 10.0
SAID_AFTER_SECONDS = 2.0  # of compiling
# What compiling takes about on one core where nothing is cached (benchmarks/NOTEBOOK.md); of others it is not worth a word.
COMPILING_SECONDS = {"numba": 20, "jax-native": 20, "jax": 10, **dict.fromkeys(GRADIENTS, 25)}
STOP_SECONDS = 5.0  # that mpiexec has to take its ranks down before it is killed
# How lines begin that a launcher adds to what a rank has said before it died.
LAUNCHER_WORDS = ("=", "-----", "Abort(", "application called MPI_Abort", "[mpiexec", "[proxy", "MPI_ABORT was", "with errorcode",
                  "YOUR APPLICATION", "This typically refers", "Please see the FAQ", "NOTE: invoking", "You may or may not",
                  "exactly when Open MPI", "Primary job", "a non-zero exit code", "mpiexec", "mpirun", "prterun", "Proc: [[",
                  "Errorcode:", "srun:", "slurmstepd:", "In: PMI_Abort(")


class Group(NamedTuple):
    """What is compared with each other. `base_cells` are those of the one rank that more are measured against.

    A launcher of None is the mpiexec of this machine. With `gradient_steps` everything takes runs of so many steps, all from
    the same state, in place of steps: gradients, and the forward run that they are held against.
    """

    case: str
    cells: tuple[int, int, int]
    precision: str
    ranks: int = 1
    scaling: str = "strong"
    base_cells: tuple[int, int, int] | None = None
    processes: tuple[int, int] | None = None
    launcher: Launcher | None = None
    gradient_steps: int = 0

    @property
    def n_cells(self) -> int:
        return math.prod(self.cells)

    @property
    def alone(self) -> "Group":
        """The one rank."""
        return Group(self.case, self.base_cells or self.cells, self.precision)


class Competitor:
    """After an error it says no more: `error` says why, and every further attempt does nothing.

    One that is `silent` sends no messages between its ranks: it computes as much, and not the same. Python runs what is
    in `root`, which may be another checkout. `say_compiling` is told where it compiles for long. `form` is that of the kernels
    of JAX (forms.py), where it is not the usual one.
    """

    def __init__(self, name: str, group: Group, threads: int, device: str, error: str | None = None, silent: bool = False,
                 counters: energy.Counters = energy.NONE, root: Path = ROOT, form: str | None = None) -> None:
        self.name, self.group, self.threads, self.device, self.error = name, group, threads, device, error
        self.silent, self.counters, self.root, self.form = silent, counters, root, form
        self.most_sample_seconds = MOST_SAMPLE_SECONDS
        self.say_compiling: Callable[[str], None] = lambda _: None
        self.process: Any = None
        self.complaints: Any = None
        self.unread = b""
        self.about: dict[str, Any] = {}
        self.first_seconds = self.warm_seconds = 0.0
        self.steps = 0
        self.seconds: list[float] = []
        self.joules: list[float | None] = []
        self.peak_memory_bytes: int | None = None

    def attempt(self, action: Callable[["Competitor"], None]) -> None:
        if self.error is None:
            try:
                action(self)
            except Failed as problem:
                self.error = self.error or str(problem)  # one that was broken off knows better why
                self.stop()

    def start(self) -> None:
        """Until the steps of a sample are known."""
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115
        with pinned(self.threads * self.group.ranks):
            try:
                # A session of its own: Ctrl-C reaches the suite alone, which stops its workers itself.
                self.process = subprocess.Popen(
                    command(self.name, self.group, self.threads, self.device, self.silent, self.form, self.root),
                    cwd=self.root,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, start_new_session=True,
                    env=environment(self.threads, self.device, self.root))
            except OSError as problem:
                raise Failed(f"could not be started: {problem.strerror}") from problem
        self.first_seconds = float(self.answer("ready"))
        at_once = self.group.gradient_steps if self.name != "triad" else 0  # steps of a run
        self.warm_seconds = self.take(max(1, at_once)) / max(1, at_once)
        warm_up = at_once or WARM_UP_STEPS - 2
        if self.warm_seconds * warm_up < min(self.most_sample_seconds, MOST_WARM_UP_SECONDS):
            self.warm_seconds = self.take(warm_up) / warm_up
        self.steps = steps_of_a_sample(self.warm_seconds, self.most_sample_seconds, at_once)

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
        said_at = math.inf  # when it is told that this compiles
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
                if first == "compiling" and self.name in COMPILING_SECONDS:
                    said_at = time.monotonic() + SAID_AFTER_SECONDS
                continue
            if not select.select([self.process.stdout], [], [], max(0.0, min(deadline, said_at) - time.monotonic()))[0]:
                if time.monotonic() >= deadline:
                    raise Failed(f"gave no answer for {ANSWER_SECONDS:.0f} s")
                self.say_compiling(f"compiling (about {COMPILING_SECONDS[self.name]} s)")
                said_at = math.inf
                continue
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


def steps_of_a_sample(seconds_per_step: float, most_seconds: float = MOST_SAMPLE_SECONDS, at_once: int = 0) -> int:
    """At least 20 steps and 0.3 s; of slow steps what fits into `most_seconds`, two at least. `at_once`: in runs of so many."""
    wanted = max(LEAST_STEPS, math.ceil(LEAST_SAMPLE_SECONDS / max(seconds_per_step, 1e-9)))
    if at_once:
        return at_once * math.ceil(wanted / at_once)
    return max(2, min(wanted, MOST_STEPS, int(most_seconds / max(seconds_per_step, 1e-9))))


def command(name: str, group: Group, threads: int, device: str, silent: bool = False, form: str | None = None,
            root: Path = ROOT) -> list[str]:
    """What starts a competitor: its program, or mpiexec that starts it on each rank. `root` is as in Competitor."""
    cells = ",".join(map(str, group.cells))
    several = ["--processes", ",".join(map(str, group.processes))] if group.ranks > 1 and group.processes else []
    several += ["--silent"] if silent else []
    several += ["--gradient-steps", str(group.gradient_steps)] if group.gradient_steps and name != "triad" else []
    if name == "fortran":
        program = [str(fortran_program(group.precision, group.ranks)), "--case", group.case, "--cells", cells, "--warmup", "1",
                   "--samples", *several]
    else:
        # an earlier checkout has its suite beside the package alone
        worker = "dycore.benchmarks.worker" if (root / "dycore" / "benchmarks").is_dir() else "benchmarks.worker"
        program = [sys.executable, *(["-m", "mpi4py"] if group.ranks > 1 else []), "-m", worker, "--case", group.case,
                   "--cells", cells, "--precision", group.precision, "--backend", name, "--threads", str(threads),
                   "--device", device, "--ranks", str(group.ranks), *several, *(["--form", form] if form else [])]
    return program if group.ranks == 1 else launched(program, group.ranks, threads, group.launcher)


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
