"""Veros and dinosaur: found where a Python has them installed, which runs a program of ours that steps them."""

from collections.abc import Callable
from pathlib import Path

from dycore.benchmarks.peers.peer import Case, Peer, answered, python_named, python_with

HERE = Path(__file__).resolve().parent
VEROS_PYTHON, DINOSAUR_PYTHON = "VEROS_PYTHON", "DINOSAUR_PYTHON"
VARIABLES = {"VEROS_BACKEND": "jax", "VEROS_LOGLEVEL": "error"}
CHANNEL = Case("baroclinic_channel", (20, 64, 128), "JAX (XLA); Adams-Bashforth 2; rigid lid, streamfunction by an iterative "
               "solver of SciPy; flux-form momentum, superbee tracers; temperature and salinity; harmonic friction and diffusion, "
               "vertical mixing; flat z levels", 20)
HELD_SUAREZ = Case("held_suarez", (20, 64, 128), "JAX (XLA); spectral T42 on a Gaussian grid; three-stage Runge-Kutta, "
                   "implicit gravity waves; vorticity, divergence, temperature; exponential filter", 20, "float32")


def program(file: str, variable: str, label: str) -> Callable[[Case, Path], Callable[[], float]]:
    """`start` of a peer that is one program: nothing is built."""
    def start(case: Case, folder: Path) -> Callable[[], float]:
        command = [python_named(variable), str(HERE / "programs" / file), *map(str, case.cells), str(case.steps)]
        return lambda: answered(command, folder, label, VARIABLES)

    return start


VEROS = Peer("veros", "Veros", lambda: python_with("veros", VEROS_PYTHON), (CHANNEL,),
             program("veros_channel.py", VEROS_PYTHON, "Veros"))
DINOSAUR = Peer("dinosaur", "dinosaur", lambda: python_with("dinosaur", DINOSAUR_PYTHON), (HELD_SUAREZ,),
                program("dinosaur_held_suarez.py", DINOSAUR_PYTHON, "dinosaur"))
