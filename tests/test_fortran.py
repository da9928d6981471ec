"""The Fortran reference solves the same equations: same state as the core after 20 steps."""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dycore.backends import on_numpy
from dycore.benchmarks.fortran_reference import build_fortran
from dycore.benchmarks.programs import OPTIONS
from dycore.cases.baroclinic_channel import baroclinic_channel
from dycore.cases.baroclinic_wave import baroclinic_wave
from dycore.cases.held_suarez import held_suarez
from dycore.cases.southern_channel import southern_channel
from dycore.grid import interior
from dycore.model import Model

FORTRAN = Path(__file__).resolve().parent.parent / "benchmarks" / "fortran"
COMPILER = os.environ.get("FC", "gfortran")
STEPS = 20
# Beside the Python that runs this, where `pip install mpich` puts it, or on PATH.
PLACES = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
MPI = shutil.which(os.environ.get("MPICC", "mpicc").split()[0], path=PLACES)
# Sides of different length; the channel has a ridge, the spheres filtered rows, the southern channel a coast.
CASES = {baroclinic_channel: (8, 24, 48), baroclinic_wave: (10, 24, 48), held_suarez: (10, 24, 48), southern_channel: (15, 21, 16)}
SMALL = ["--case", "baroclinic_wave", "--cells", "4,12,24"]

pytestmark = pytest.mark.skipif(shutil.which(COMPILER.split()[0]) is None or shutil.which("make") is None,
                                reason=f"no Fortran compiler: {COMPILER} or make was not found")


def make(*arguments):
    return subprocess.run(["make", "-C", FORTRAN, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def everything():
    """The folder of all executables, with FFTW where it is installed and those for MPI where that is: built where they are not."""
    assert build_fortran() is None, build_fortran()
    return FORTRAN / "build"


@pytest.fixture(scope="module")
def without_fftw(tmp_path_factory):
    """The folder of the serial executables with the program's own filter, built once."""
    folder = tmp_path_factory.mktemp("fortran")
    made = make("--jobs=2", f"BUILD={folder}", "MPICC=none", "FFTW=no", "FFLAGS=-O1")  # -O1: quickly
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(params=["everything", "without_fftw"], ids=["with FFTW", "without FFTW"])
def build(request):
    """The folder of the serial executables, with FFTW where it is installed and without."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def program(everything):
    return everything / "dycore_reference_float64"


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def core(request):
    """A case, and its state after 20 steps of the core."""
    return request.param, core_after(request.param)


@cache
def core_after(case):
    """The fields of a case after 20 steps of the core."""
    grid, parameters, state = case(CASES[case], **OPTIONS.get(case.__name__, {}))
    return fields_of(Model(grid, parameters, on_numpy).steps(state, STEPS))


def fields_of(state):
    fields = {name: getattr(state, name) for name in ("u", "v", "w", "surface")}
    fields |= {f"tracer {m}": tracer for m, tracer in enumerate(state.tracers)}
    fields |= {f"closure {m}": field for m, field in enumerate(state.closure)}
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
    fields |= {f"tracer {m}": tracer for m, tracer in enumerate(state["tracers"])}
    return fields | {f"closure {m}": field for m, field in enumerate(state["closure"])}


def differences(fields, reference):
    """The largest difference of each field, relative to its range, or to its size where it is the same everywhere (salinity)."""
    assert fields.keys() == reference.keys()

    def scale(values):
        size = np.abs(values).max()
        return np.ptp(values) if np.ptp(values) > 1e-9 * size else size

    return {name: np.abs(fields[name] - values).max() / scale(values) for name, values in reference.items()}


def test_fortran_and_the_core_agree_after_20_steps(build, core, tmp_path):
    case, reference = core
    for name, difference in differences(fields_of_fortran(build, "float64", case, tmp_path), reference).items():
        # another order of sums, grown through 20 steps; in columns that overturn energy follows a small difference of large numbers
        assert difference < (1e-8 if name == "closure 0" else 1e-10), name


def test_single_precision_is_the_same_model(build, core, tmp_path):
    case, reference = core
    for name, difference in differences(fields_of_fortran(build, "float32", case, tmp_path), reference).items():
        # Twenty steps of rounding errors of 6e-8 of phi, whose gradient is the small rest of large numbers; w is
        # the divergence of a flow that is all but free of divergence, and so loses a digit more; energy as above.
        assert difference < {"w": 1e-2, "closure 0": 5e-2}.get(name, 1e-3), name


def test_samples_follow_the_protocol_of_the_suite(program):
    ran = run(program, *SMALL, "--warmup", 1, "--samples", input="sample 3\nquit\n")
    about, ready, seconds, memory = (line.split(maxsplit=1) for line in ran.stdout.splitlines())
    assert about[0] == "about"
    assert json.loads(about[1]) == {"ranks": 1, "processes": [1, 1], "messages_per_step": 0, "bytes_per_step": 0}
    assert ready == ["ready", "0"]
    assert seconds[0] == "seconds" and float(seconds[1]) > 0.0
    assert memory[0] == "peak_memory_bytes" and int(memory[1]) > 1e6


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--case", "wave", "--cells", "4,12,24", "--steps", "1"],
     "is none of baroclinic_channel, baroclinic_wave, held_suarez and southern_channel."),
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


needs_mpi = pytest.mark.skipif(MPI is None, reason="no MPI: mpicc was not found (pip install mpich)")
# Neither rows nor columns divide evenly by any of the shapes; some parts are smaller than the number of substeps.
UNEVEN = {"baroclinic_channel": "4,41,46", "baroclinic_wave": "4,23,50", "held_suarez": "4,23,50",
          "southern_channel": "4,23,26"}
SHAPES = ["2,1", "1,2", "3,1", "2,2", "1,4", "1,3"]


def run_parallel(folder, precision, processes, *arguments, **options):
    launcher = shutil.which("mpiexec", path=PLACES)
    environment = os.environ | {  # OpenMPI: as root, and more processes than cores
        "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    program = folder / f"dycore_reference_mpi_{precision}"
    return run(launcher, "-n", processes, program, *arguments, env=environment, **options)


def ranks_of(shape):
    return int(np.prod([int(n) for n in shape.split(",")]))


@pytest.fixture(scope="module", params=[(case, precision) for case in UNEVEN for precision in ("float64", "float32")],
                ids="-".join)
def alone(request, everything, tmp_path_factory):
    """A case, its precision and the bytes of its state after 20 steps of the serial program."""
    case, precision = request.param
    file = tmp_path_factory.mktemp("serial") / "state"
    ran = run(everything / f"dycore_reference_{precision}", "--case", case, "--cells", UNEVEN[case], "--steps", STEPS,
              "--state-out", file)
    assert ran.returncode == 0, ran.stderr
    return case, precision, file.read_bytes()


@needs_mpi
@pytest.mark.parametrize("shape", SHAPES)
def test_all_shapes_give_the_bits_of_the_serial_program(everything, alone, shape, tmp_path):
    case, precision, expected = alone
    ran = run_parallel(everything, precision, ranks_of(shape), "--case", case, "--cells", UNEVEN[case],
                       "--processes", shape, "--steps", STEPS, "--state-out", tmp_path / "state")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "state").read_bytes() == expected


@needs_mpi
@pytest.mark.parametrize("cells", ["3,15,17", "3,9,11"])  # 17 substeps on at most 5 and 3 rows: 3 and 6 exchanges more
def test_substeps_between_messages_do_not_change_bits(everything, cells, tmp_path):
    arguments = ["--case", "baroclinic_channel", "--cells", cells, "--steps", 5, "--state-out"]
    assert run(everything / "dycore_reference_float64", *arguments, tmp_path / "serial").returncode == 0
    for shape in ("3,1", "2,2"):
        ran = run_parallel(everything, "float64", ranks_of(shape), "--processes", shape, *arguments, tmp_path / "state")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert (tmp_path / "state").read_bytes() == (tmp_path / "serial").read_bytes()


@needs_mpi
@pytest.mark.parametrize(("case", "cells", "shape", "messages"), [
    ("baroclinic_channel", "4,40,40", "2,1", 2),      # one neighbour, two exchanges
    ("baroclinic_channel", "4,60,40", "3,1", 4),
    ("baroclinic_channel", "4,20,40", "2,1", 3),      # 17 substeps on 10 rows: one exchange more
    ("baroclinic_channel", "4,40,40", "1,2", 2),      # east and west of it is the same process
    ("baroclinic_channel", "4,40,40", "2,2", 6),
    ("baroclinic_wave", "4,40,40", "2,1", 2),
    ("baroclinic_wave", "4,40,40", "1,2", 6),         # and two transposes there and back
    ("held_suarez", "4,40,40", "2,1", 2),             # a wider halo of velocity, no message more
    ("southern_channel", "4,40,40", "2,2", 6),        # nor for turbulence and eddies
])
def test_a_step_takes_few_messages(everything, case, cells, shape, messages):
    ran = run_parallel(everything, "float64", ranks_of(shape), "--case", case, "--cells", cells, "--processes", shape,
                       "--warmup", 1, "--samples", input="sample 2\nquit\n")
    assert ran.returncode == 0, ran.stderr
    about, ready, seconds, memory = (line.split(maxsplit=1) for line in ran.stdout.splitlines())
    found = json.loads(about[1])
    assert found["ranks"] == ranks_of(shape)
    assert found["processes"] == [int(n) for n in shape.split(",")]
    assert found["messages_per_step"] == messages  # the program stops if it sends others
    assert found["bytes_per_step"] > 0
    assert (ready[0], seconds[0], memory[0]) == ("ready", "seconds", "peak_memory_bytes")


@needs_mpi
def test_silent_processes_compute_without_messages(everything):
    ran = run_parallel(everything, "float64", 4, "--case", "baroclinic_channel", "--cells", "4,24,48",
                       "--processes", "2,2", "--silent", "--samples", input="sample 100\nquit\n")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[0].split(maxsplit=1)[1])["messages_per_step"] == 0


@needs_mpi
@pytest.mark.parametrize(("ranks", "arguments", "code", "sentence"), [
    (2, [*SMALL, "--steps", "1", "--processes", "3,1"], 2, "3,1 are 3 processes, but there are 2; start 3, or use"),
    (2, [*SMALL, "--steps", "1", "--processes", "two"], 2, "are not two whole numbers PJ,PI"),
    (4, ["--case", "baroclinic_wave", "--cells", "4,6,24", "--steps", "1", "--processes", "4,1"], 2,
     "leaves a process 1 of 6 rows, fewer than the halo of 2; at most 3 can share y"),
    (3, ["--case", "baroclinic_wave", "--cells", "4,4,4", "--steps", "1"], 2, "no shape of 3 processes"),
    (2, [*SMALL, "--steps", "1", "--state-out", "no/such/folder/state"], 1, "could not write"),
])
def test_errors_come_once_and_end_all_processes(everything, ranks, arguments, code, sentence):
    ran = run_parallel(everything, "float64", ranks, *arguments)
    assert ran.returncode == code
    assert (ran.stdout + ran.stderr).count("dycore reference: ") == 1
    assert sentence in ran.stderr


def test_without_mpi_there_are_the_serial_programs(tmp_path):
    made = make("--dry-run", f"BUILD={tmp_path}", "MPICC=no-such-compiler")
    assert made.returncode == 0, made.stderr
    assert "'no-such-compiler' was not found: name one with MPICC" in made.stdout
    assert "dycore_reference_mpi" not in made.stdout
