"""The Fortran reference: where its programs are, and how they are built."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.launching import ROOT, mpi_compiler

FORTRAN = ROOT / "benchmarks" / "fortran"


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
        built = subprocess.run(["make", "-j4", "-C", str(FORTRAN)], capture_output=True, text=True, check=False, env=mpi_compiler())
    if built.returncode == 0:
        return None
    lines = (built.stdout + built.stderr).splitlines()
    reason = next((line for line in lines if "Error" in line), lines[-1] if lines else "make failed")
    return f"did not build: {reason[:300]} (make -C benchmarks/fortran shows all)"
