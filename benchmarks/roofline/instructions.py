"""Instructions, loads and stores of a step, and what it asks of the memory beyond the second cache, counted by valgrind.

Cachegrind runs a competitor twice, with more steps the second time: the difference is steps alone, without start and set-up.
It knows no vectors of 512 bits, so that what is counted is compiled for AVX2 (the Fortran reference is built once more, Numba
is told of another processor), and caches as large as those of this core. A load or store is one instruction that reads or
writes, whatever its width.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dycore.benchmarks.competitor import Group, command
from dycore.benchmarks.fortran_reference import FORTRAN
from dycore.benchmarks.launching import ROOT, environment
from dycore.benchmarks.problems import Failed
from dycore.benchmarks.roofline.ceilings import Cache

FEW, MANY = 1, 4  # steps after the first
COUNTED = ("fortran", "numba")
AVX2 = {"NUMBA_CPU_NAME": "haswell", "PYTHONHASHSEED": "0",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt,+sse4.2"}
FLAGS_OF_AVX2 = "-O3 -march=x86-64-v3 -fno-math-errno -fno-trapping-math"
SECONDS = 7200.0


class Counts(NamedTuple):
    """Of a cell in one step; `bytes_beyond_l2` are whole lines that the second cache has to fetch."""

    instructions: float
    loads: float
    stores: float
    bytes_beyond_l2: float


def missing() -> str | None:
    """Why nothing can be counted here, and what to do; None where it can."""
    if shutil.which("valgrind") is None:
        return "instructions, loads and stores were not counted: valgrind was not found (apt-get install valgrind)"
    if os.uname().machine != "x86_64":
        return f"instructions, loads and stores were not counted: that is tried on x86_64 alone, and this is {os.uname().machine}"
    return None


def counted(name: str, group: Group, l1: Cache, l2: Cache) -> Counts:
    """Counts of one of COUNTED. Raises Failed with the reason."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        program = command(name, group, 1, "cpu")
        if name == "fortran":
            program[0] = str(built_for_avx2(folder, group.precision))
        else:
            answers(program, FEW)  # compiles, which would take an hour under valgrind
        few, many = (events(program, steps, l1, l2, folder / f"counts{steps}") for steps in (FEW, MANY))
    per_cell = {event: (many[event] - few[event]) / ((MANY - FEW) * group.n_cells) for event in few}
    return Counts(per_cell["Ir"], per_cell["Dr"], per_cell["Dw"], (per_cell["DLmr"] + per_cell["DLmw"]) * l2.line)


def built_for_avx2(folder: Path, precision: str) -> Path:
    """The Fortran reference, without vectors of 512 bits."""
    program = folder / f"dycore_reference_{precision}"
    built = subprocess.run(["make", "-C", str(FORTRAN), f"BUILD={folder}", f"FFLAGS={FLAGS_OF_AVX2}", "MPICC=none", str(program)],
                           capture_output=True, text=True, check=False)
    if built.returncode:
        raise Failed(f"the Fortran reference did not build for AVX2: {last_line(built.stdout + built.stderr)}")
    return program


def events(program: Sequence[str], steps: int, l1: Cache, l2: Cache, file: Path) -> dict[str, int]:
    """What cachegrind counts of a program that takes one step and then so many, by the names of its manual."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=yes", f"--D1={','.join(map(str, l1))}",
                f"--LL={','.join(map(str, l2))}", f"--cachegrind-out-file={file}"]
    answers([*valgrind, *program], steps)
    return summary(file.read_text())


def summary(text: str) -> dict[str, int]:
    """The sums in a file of cachegrind. Raises Failed where there are none."""
    lines = {line.partition(":")[0]: line.partition(":")[2].split() for line in text.splitlines()
             if line.startswith(("events:", "summary:"))}
    if len(lines) < 2 or len(lines["events"]) != len(lines["summary"]):
        raise Failed("valgrind left no sums of what it counted")
    return dict(zip(lines["events"], map(int, lines["summary"]), strict=True))


def answers(program: Sequence[str], steps: int) -> None:
    """Run a competitor for one step and then so many (see benchmarks/worker.py for what is said). Raises Failed."""
    try:
        ran = subprocess.run(program, input=f"sample {steps}\nquit\n", capture_output=True, text=True, check=False, cwd=ROOT,
                             timeout=SECONDS, env=environment(1, "cpu") | AVX2)
    except subprocess.TimeoutExpired:
        raise Failed(f"{Path(program[0]).name} gave no answer for {SECONDS:.0f} s") from None
    said = [line.removeprefix("error ") for line in ran.stdout.splitlines() if line.startswith("error ")]
    if ran.returncode or said or "seconds " not in ran.stdout:
        raise Failed(said[0] if said else f"{Path(program[0]).name} ended early: {last_line(ran.stderr)}")


def last_line(text: str) -> str:
    return next((line.strip()[:300] for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
