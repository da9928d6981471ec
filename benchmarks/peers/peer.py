"""What a peer is: a model of other people that takes steps of a case that is nearly ours, and says how long a step took it."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.launching import environment, pinned
from dycore.benchmarks.problems import Failed

SECONDS = 3600.0
ANSWER = "seconds_per_step"


class Case(NamedTuple):
    """A case as a peer has it: the one of ours that comes nearest, and what a step of the peer includes that differs.

    cells [nz, ny, nx] and precision are the peer's and ours; `steps` those of a sample.
    """

    ours: str
    cells: tuple[int, int, int]
    work: str
    steps: int
    precision: str = "float64"


class Peer(NamedTuple):
    """missing: why it cannot run, and how to name it, or None. start: builds a case in a folder, and returns what samples it:

    a function that returns seconds of processor time per step. It raises Failed where that cannot be done, as sampling does.
    """

    name: str
    label: str
    missing: Callable[[], str | None]
    cases: Sequence[Case]
    start: Callable[[Case, Path], Callable[[], float]]


def ran(command: Sequence[str], folder: Path, what: str, variables: dict[str, str] | None = None) -> str:
    """What a command printed, run in a folder on one core and one thread. Raises Failed with its last words."""
    with pinned(1):
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False,
                                  timeout=SECONDS, env=environment(1, "cpu") | (variables or {}))
        except OSError as problem:
            raise Failed(f"{what} could not be started: {problem.strerror}") from problem
        except subprocess.TimeoutExpired:
            raise Failed(f"{what} took more than {SECONDS:.0f} s") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Failed(f"{what} failed: {lines[-1][:300] if lines else f'exit code {done.returncode}'}")
    return done.stdout


def answered(command: Sequence[str], folder: Path, what: str, variables: dict[str, str] | None = None) -> float:
    """The seconds of processor time per step that a program says. Raises Failed where it says none."""
    lines = ran(command, folder, what, variables).splitlines()
    said = [line.split()[1] for line in lines if line.startswith(ANSWER + " ")]
    try:
        return float(said[-1])
    except (IndexError, ValueError):
        raise Failed(f"{what} did not say '{ANSWER}'") from None


def python_with(module: str, variable: str) -> str | None:
    """Why no module can be imported by the Python that a variable of the environment names (else by this one), or None."""
    python = python_named(variable)
    program = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        found = subprocess.run([python, "-c", program], capture_output=True, check=False, cwd="/").returncode == 0
    except OSError as problem:
        return f"{variable} names '{python}', which cannot be started: {problem.strerror}"
    return None if found else (f"{module} is not installed where '{python}' looks: pip install {module} (in an environment "
                               f"of its own), and name its Python with {variable}=PATH/bin/python")


def python_named(variable: str) -> str:
    return os.environ.get(variable) or sys.executable
