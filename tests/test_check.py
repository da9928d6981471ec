"""`dycore check`: a wrong halo and a deadlock are found, what is missing is a sentence, and a machine is described."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dycore import cli
from dycore.backends.halos import Serial
from dycore.check import halos, machine, processes
from dycore.check.halos import CASES, WAYS, Result
from dycore.check.machine import Facts

ROOT = Path(__file__).resolve().parent.parent
NUMPY = WAYS[0]
BARE = Facts((("Machine", (("cores", "2"),)),), (), "MPICH 5.0.2")


class Swapped(Serial):
    """Gives the outermost column of the halo in the west what belongs in the east."""

    def fill(self, placed):
        filled = super().fill(placed)
        for array in filled:
            array[..., [0, -1]] = array[..., [-1, 0]]
        return filled


class Forgetful(Serial):
    """Leaves the halo as it is."""

    def fill(self, placed):
        return tuple(array for _, array in placed)


@pytest.fixture
def bare(monkeypatch):
    """A machine that is described at once, with an mpiexec that nothing is started with."""
    monkeypatch.setattr(machine, "facts", lambda: BARE)
    monkeypatch.setattr(machine, "find", lambda *names: names[0])
    monkeypatch.setattr(machine, "version", lambda package: "1.0")


def check(capsys):
    code = cli.main(["check"])
    captured = capsys.readouterr()
    assert not captured.err
    return code, captured.out


@functools.cache
def mpiexec_here():
    """The mpiexec of this machine; skips the test where there is no MPI."""
    mpiexec = machine.find("mpiexec", "mpirun")
    if mpiexec is None or machine.version("mpi4py") is None or machine.mpi_library() is None:
        pytest.skip("there is no MPI")
    return mpiexec


def with_mpi(program, *, ranks=2, timeout=60):
    """The output of a program on several ranks."""
    done = subprocess.run([mpiexec_here(), "-n", str(ranks), sys.executable, "-m", "mpi4py", "-c", program], capture_output=True,
                          text=True, timeout=timeout, cwd=ROOT, env=machine.environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_right_halos_are_right(backend, monkeypatch):
    cases = CASES if backend.name == "numpy" else CASES[1::4]  # what is compiled takes seconds a case
    monkeypatch.setattr(halos, "CASES", cases)
    result = halos.try_way(next(way for way in WAYS if way.backend == backend.name), Serial())
    assert result.problem == ""
    assert result.exchanges == len(cases)
    assert result.latency > 0.0


@pytest.mark.parametrize("world", [Swapped(), Forgetful()], ids=["swapped", "forgetful"])
def test_a_wrong_halo_is_found(world):
    problem = halos.try_way(NUMPY, world).problem
    assert problem.startswith("with 1,1 processes on a periodic domain, rank 0 got ")
    assert problem.endswith("prints.")


def test_messages_come_right_and_two_swapped_strips_are_found():
    program = """
from dycore.backends import mpi
from dycore.check import halos

class Swapped(mpi.World):
    def _speaking(self, todo, dtype):
        messages = []
        for message in todo.messages:
            strips = list(message.incoming)
            alike = [n for n, strip in enumerate(strips) if strip.shape == strips[0].shape]
            strips[alike[0]], strips[alike[-1]] = strips[alike[-1]], strips[alike[0]]
            messages.append(message._replace(incoming=tuple(strips)))
        return super()._speaking(todo._replace(messages=tuple(messages)), dtype)

for world in (mpi.World(), Swapped()):
    result = halos.try_way(halos.WAYS[0], world)
    if world.rank == 0:
        print("found" if result.problem else f"right {result.exchanges}", flush=True)
"""
    assert with_mpi(program).split() == ["right", str(2 * len(CASES)), "found"]


def test_ranks_that_are_started_answer(monkeypatch):
    monkeypatch.chdir(ROOT)
    result = processes.start_ranks(NUMPY, mpiexec_here(), 60.0)
    assert (result.problem, result.ranks, result.exchanges) == ("", 2, 2 * len(CASES))
    assert result.bandwidth > 0.0


@pytest.mark.slow
def test_devices_of_one_program_answer(monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.chdir(ROOT)
    result = processes.start_ranks(next(way for way in WAYS if not way.by_mpi), None, 120.0)
    assert (result.problem, result.ranks, result.exchanges) == ("", 2, 2 * (len(CASES) - 1))  # a fold is not divided among devices


def test_a_deadlock_is_a_result_and_ends_the_process():
    program = ("import time; from dycore.check import halos, processes; halos.try_way = lambda way, world: time.sleep(60); "
               "from dycore.backends import mpi; mpi.World = lambda: None; processes.as_rank('numpy', 0.2)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert done.returncode == 1
    assert "a deadlock" in done.stdout and "--timeout" in done.stdout


def test_two_processes_that_wait_for_each_other_are_ended(monkeypatch, tmp_path):
    program = tmp_path / "waiting.py"
    program.write_text("import numpy; from dycore.check import halos, processes\n"
                       "halos.try_way = lambda way, world: world.comm.Recv(numpy.zeros(1), 1 - world.rank)\n"
                       "processes.as_rank('numpy', 4.0)\n")
    mpiexec = tmp_path / "mpiexec"  # the one that there is, given another program
    mpiexec.write_text(f"#!/bin/sh\nexec {mpiexec_here()} -n 2 {sys.executable} -m mpi4py {program}\n")
    mpiexec.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = processes.start_ranks(NUMPY, str(mpiexec), 4.0)
    assert "no end within 4 s" in result.problem


def test_processes_that_neither_answer_nor_end_are_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "GRACE", 0.0)
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text("#!/bin/sh\nexec sleep 60\n")
    mpiexec.chmod(0o755)
    assert "a deadlock" in processes.start_ranks(NUMPY, str(mpiexec), 0.2).problem


def test_processes_that_fail_are_a_sentence(tmp_path):
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text("#!/bin/sh\necho 'OSError: no network' >&2\nexit 7\n")
    mpiexec.chmod(0o755)
    assert "'mpiexec' ended with 7: OSError: no network." in processes.start_ranks(NUMPY, str(mpiexec), 5.0).problem


@pytest.mark.parametrize("problem, code, word", [("", 0, "right"), ("rank 1 holds 3 where 4 belongs.", 1, "WRONG")])
def test_the_exit_code_says_whether_all_is_right(bare, capsys, monkeypatch, problem, code, word):
    monkeypatch.setattr(processes, "start_ranks", lambda way, *_: Result(way.backend, 1, problem, 12, 1e-5, 1e9))
    found, out = check(capsys)
    assert found == code
    assert out.count(f"\n  {word} ") == len(WAYS)
    assert problem in out


def test_what_is_missing_is_no_failure(bare, capsys, monkeypatch):
    monkeypatch.setattr(machine, "facts", lambda: BARE._replace(library=None, missing=("There is no mpi4jax: get it.",)))
    monkeypatch.setattr(machine, "version", lambda package: None if package == "mpi4jax" else "1.0")
    monkeypatch.setattr(processes, "start_ranks", lambda way, *_: Result(way.backend, 2, "", 12, 1e-5, 1e9))
    code, out = check(capsys)
    assert code == 0
    assert "mpi4py with NumPy needs an MPI library" in out
    assert "mpi4jax within JAX programs needs mpi4jax, an MPI library" in out
    assert "right          devices of one JAX program" in out
    assert "Remarks\n  -              There is no mpi4jax: get it." in out


def test_the_machine_is_described_and_each_missing_thing_has_a_sentence(monkeypatch):
    monkeypatch.setattr(machine, "bandwidths", lambda counts: [1e10 for _ in counts])
    monkeypatch.setattr(machine, "mpi_library", lambda: None)
    monkeypatch.setattr(machine, "jax_devices", lambda: None)
    monkeypatch.setattr(machine, "find", lambda *names: None)
    monkeypatch.setattr(machine, "version", lambda package: "4.1" if package in ("numpy", "jax", "mpi4py") else None)
    monkeypatch.setenv("FC", "no-such-compiler")
    found = machine.facts()
    assert [title for title, _ in found.parts] == ["Machine", "Compilers", "MPI", "Versions"]
    sentences = "\n".join(found.missing)
    for words in ("'no-such-compiler'", "no mpicc", "no mpiexec", "no MPI library", "dycore[numba]", "CUDA_PATH", "its devices"):
        assert words in sentences
    assert all(sentence.endswith((".", "says.")) for sentence in found.missing)


def test_bandwidth_is_that_of_arrays_that_were_moved():
    one, two = machine.bandwidths([1, 2], array_bytes=2 ** 20, passes=2)
    assert 1e8 < one < 1e13 and 1e8 < two < 1e13


@pytest.mark.parametrize("numbers, text", [([0], "0"), ([0, 1, 2, 8], "0-2,8"), ([3, 5], "3,5")])
def test_cores_are_ranges(numbers, text):
    assert machine.ranges(numbers) == text


def test_all_shapes_of_few_processes_and_the_long_ones_of_many():
    assert halos.process_shapes(1) == [(1, 1)]
    assert halos.process_shapes(4) == [(1, 4), (2, 2), (4, 1)]
    many = halos.process_shapes(5040)
    assert len(many) == 6 and {(1, 5040), (5040, 1)} <= set(many)


def test_a_question_that_dies_has_no_answer():
    assert machine.asked("import os; os._exit(3)") is None
    assert machine.asked("print('[1, 2]')") == [1, 2]


def test_a_field_holds_a_number_of_its_own_in_every_cell():
    whole = halos.domain_of(CASES[0], (2, 1))
    place, ndim = halos.FIELDS[0]
    array = halos.numbered(whole, place, ndim, 2, "float64")
    cells = array[halos.inner(whole, ndim)]
    assert len(np.unique(cells)) == cells.size and cells.min() > 0.0


@pytest.mark.skipif(shutil.which("script") is None, reason="there is no script to make a terminal")
def test_on_a_terminal_there_are_colours():
    pytest.importorskip("rich")
    program = ("from dycore.check import report; p = report.Printer(); p.title('MPI'); "
               "p.line('mpiexec', 'not found'); p.line('-', 'a [b] c', 'yellow')")
    done = subprocess.run(["script", "-qec", f'{sys.executable} -c "{program}"', "/dev/null"], capture_output=True, text=True,
                          cwd=ROOT, env=machine.environment() | {"TERM": "xterm-256color"}, timeout=30, stdin=subprocess.DEVNULL)
    assert "\x1b[" in done.stdout and "a [b] c" in done.stdout
