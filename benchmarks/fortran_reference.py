"""The Fortran reference: where its sources and its programs are, and how they are built.

A checkout builds in `benchmarks/fortran/build`. An installed package may belong to another user, or to an environment that is
not to be written: its sources stay where they are, and the programs go into the user's cache folder (dycore.backends.user_cache),
one folder for each state of the sources, compiler, options and machine.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

from dycore.backends.user_cache import in_turn, user_cache
from dycore.benchmarks.launching import is_checkout, mpi_compiler

FORTRAN = Path(__file__).resolve().with_name("fortran")


def build_folder() -> Path:
    """Where the programs are, built or not."""
    return FORTRAN / "build" if is_checkout() else user_cache() / "fortran" / key_of_build(FORTRAN)


@cache
def key_of_build(sources: Path) -> str:
    """A name for what is built: another for other sources, compiler, options or processor (-march=native)."""
    digest = hashlib.sha256()
    for path in sorted(path for path in sources.glob("*") if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    chosen = [os.environ.get(name, "") for name in ("FC", "FFLAGS", "FFTW", "MPICC")]
    digest.update("\0".join([*chosen, *platform.uname()[::3]]).encode())
    digest.update(processor_flags())
    return digest.hexdigest()[:16]


def processor_flags() -> bytes:
    """The instructions that this machine has, as Linux lists them; empty where it does not."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", "rb") as lines:
        return next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")
    return b""


def fortran_program(precision: str, ranks: int = 1) -> Path:
    return build_folder() / f"dycore_reference_{'mpi_' if ranks > 1 else ''}{precision}"


def build_fortran() -> str | None:
    """None when the reference can run, else why not and what to do."""
    compiler = os.environ.get("FC", "gfortran")
    if shutil.which(compiler) is None:
        if fortran_program("float64").exists():  # built elsewhere, statically linked
            return None
        return f"{compiler} was not found: apt-get install gfortran libfftw3-dev, or name a compiler with FC"
    if shutil.which("make") is None:
        return "make was not found: apt-get install make"
    try:
        folder = build_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with in_turn(folder / "lock"):  # jobs on several nodes may build at once
            program = ["make", "-j4", "-C", str(FORTRAN), f"BUILD={folder}"]
            built = subprocess.run(program, capture_output=True, text=True, check=False, env=mpi_compiler())
    except ImportError as problem:
        return f"did not build ({problem}): pip install 'dycore[bench]'"
    except OSError as problem:
        return (f"did not build: '{folder}' cannot be written ({problem.strerror}); name a folder that can with XDG_CACHE_HOME")
    if built.returncode == 0:
        return None
    lines = (built.stdout + built.stderr).splitlines()
    reason = next((line for line in lines if "Error" in line), lines[-1] if lines else "make failed")
    return f"did not build: {reason[:300]} (make -C {FORTRAN} BUILD={folder} shows all)"
