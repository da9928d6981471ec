"""The Fortran reference solves the same equations: same state as the core after 20 steps."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dycore.backends import on_numpy
from dycore.cases.baroclinic_channel import baroclinic_channel
from dycore.cases.baroclinic_wave import baroclinic_wave
from dycore.grid import interior
from dycore.model import Model

FORTRAN = Path(__file__).resolve().parent.parent / "benchmarks" / "fortran"
COMPILER = os.environ.get("FC", "gfortran")
STEPS = 20
# Sides of different length; the channel has a ridge, the sphere filtered rows.
CASES = {baroclinic_channel: (8, 24, 48), baroclinic_wave: (10, 24, 48)}
SMALL = ["--case", "baroclinic_wave", "--cells", "4,12,24"]

pytestmark = pytest.mark.skipif(shutil.which(COMPILER.split()[0]) is None or shutil.which("make") is None,
                                reason=f"no Fortran compiler: {COMPILER} or make was not found")


def make(*arguments):
    return subprocess.run(["make", "-C", FORTRAN, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", params=["with FFTW", "without FFTW"])
def build(request, tmp_path_factory):
    """The folder of the executables, with FFTW where it is installed and with the program's own filter."""
    folder = tmp_path_factory.mktemp("fortran")
    options = [] if request.param == "with FFTW" else ["FFTW=no"]
    made = make(f"BUILD={folder}", *options)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fortran")
    assert make(f"BUILD={folder}", f"{folder}/dycore_reference_float64").returncode == 0
    return folder / "dycore_reference_float64"


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def core(request):
    """A case, and its state after 20 steps of the core."""
    grid, parameters, state = request.param(CASES[request.param])
    return request.param, fields_of(Model(grid, parameters, on_numpy).steps(state, STEPS))


def fields_of(state):
    fields = {name: getattr(state, name) for name in ("u", "v", "w", "surface")}
    fields |= {f"tracer {m}": tracer for m, tracer in enumerate(state.tracers)}
    return {name: np.asarray(interior(field)) for name, field in fields.items()}


def run(program, *arguments, **options):
    command = [program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def fields_of_fortran(build, precision, case, tmp_path):
    sys.path.insert(0, str(FORTRAN))
    from read_state import read_state

    sys.path.remove(str(FORTRAN))
    file = tmp_path / "state"
    cells = ",".join(map(str, CASES[case]))
    ran = run(build / f"dycore_reference_{precision}", "--case", case.__name__, "--cells", cells,
              "--steps", STEPS, "--state-out", file)
    assert ran.returncode == 0, ran.stderr
    state = read_state(file)
    assert state["steps"] == STEPS
    assert state["u"].dtype == precision
    fields = {name: state[name] for name in ("u", "v", "w", "surface")}
    return fields | {f"tracer {m}": tracer for m, tracer in enumerate(state["tracers"])}


def differences(fields, reference):
    """The largest difference of each field, relative to its range."""
    assert fields.keys() == reference.keys()
    return {name: np.abs(fields[name] - values).max() / np.ptp(values) for name, values in reference.items()}


def test_fortran_and_the_core_agree_after_20_steps(build, core, tmp_path):
    case, reference = core
    for name, difference in differences(fields_of_fortran(build, "float64", case, tmp_path), reference).items():
        assert difference < 1e-10, name  # another order of sums, grown through 20 steps


def test_single_precision_is_the_same_model(build, core, tmp_path):
    case, reference = core
    for name, difference in differences(fields_of_fortran(build, "float32", case, tmp_path), reference).items():
        # Twenty steps of rounding errors of 6e-8 of phi, whose gradient is the small rest of large numbers; w is
        # the divergence of a flow that is all but free of divergence, and so loses a digit more.
        assert difference < (1e-2 if name == "w" else 1e-3), name


def test_samples_follow_the_protocol_of_the_suite(program):
    ran = run(program, *SMALL, "--warmup", 1, "--samples", input="sample 3\nquit\n")
    ready, seconds, memory = (line.split() for line in ran.stdout.splitlines())
    assert ready == ["ready", "0"]
    assert seconds[0] == "seconds" and float(seconds[1]) > 0.0
    assert memory[0] == "peak_memory_bytes" and int(memory[1]) > 1e6


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--case", "wave", "--cells", "4,12,24", "--steps", "1"], "is neither baroclinic_channel nor baroclinic_wave."),
    (["--case", "baroclinic_wave", "--cells", "4,12", "--steps", "1"], "are not three whole numbers NZ,NY,NX"),
    (["--case", "baroclinic_wave", "--cells", "4,12,25", "--steps", "1"], "does not match across the pole"),
    ([*SMALL, "--steps", "-1"], "--steps '-1' is not a whole number"),
    ([*SMALL, "--steps", "1", "--time-step", "-5"], "is not a positive number"),
    ([*SMALL, "--steps", "1", "--time-step", "1e5"], "is unstable"),
    (SMALL, "give --steps N"),
    (["--speed", "2"], "unknown option '--speed'"),
])
def test_bad_arguments_get_one_sentence(program, arguments, sentence):
    ran = run(program, *arguments)
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert sentence in ran.stderr


def test_a_file_that_cannot_be_written_is_an_error(program, tmp_path):
    ran = run(program, *SMALL, "--steps", 1, "--state-out", tmp_path / "no" / "state")
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "could not write" in ran.stderr


def test_a_missing_compiler_is_one_line(tmp_path):
    made = make(f"BUILD={tmp_path}", "FC=no-such-compiler")
    assert made.returncode != 0
    assert "'no-such-compiler' was not found: apt-get install gfortran libfftw3-dev" in made.stderr
