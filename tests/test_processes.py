"""Models in other processes: pickled, on parts of the MPI ranks, in children of ranks, and where nobody was told of the others."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import warnings

import pytest
from test_restart import ocean, same, wave

from dycore import Model
from dycore.backends import halos, launchers, on_numpy
from dycore.backends.launchers import ProcessesWarning

RUN = ["run", "baroclinic_channel", "--cells", "4,8,6", "--steps", "1", "--time-step", "600"]


def as_rank(rank, size, arguments):
    """`dycore` where the environment is that of a rank, and no launcher is."""
    environment = os.environ | {"PMI_RANK": str(rank), "PMI_SIZE": str(size)}
    return subprocess.run([sys.executable, "-m", "dycore", *arguments], env=environment, capture_output=True, text=True,
                          check=False)


@pytest.mark.parametrize("make", [wave, ocean])
@pytest.mark.parametrize("again", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy, copy.copy],
                         ids=["pickle", "deepcopy", "copy"])
def test_a_model_is_made_anew_and_gives_the_same_bits(numpy_backend, make, again):
    model, start = make(numpy_backend)
    assert same(again(model).steps(start, 3), model.steps(start, 3))


def steps(model, state):
    return model.gather(model.steps(state, 3))


def test_a_model_and_its_state_go_to_a_spawned_process():
    pytest.importorskip("numba")
    model, start = wave(pytest.importorskip("dycore.backends.on_numba").create())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert same(pool.apply(steps, (model, start)), steps(model, start))


def test_a_function_without_a_name_is_refused_by_pickle_with_its_name(numpy_backend):
    model, _ = wave(numpy_backend, tracer_face=lambda *_: 0.0)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)


def test_several_processes_that_were_told_nothing_of_each_other_are_warned_of(monkeypatch, numpy_backend):
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    model, _ = wave(numpy_backend)
    with pytest.warns(ProcessesWarning, match=r"2 processes were started.*mpi\.World\(\).*halos\.Serial\(\)"):
        Model(model.grid, model.parameters, on_numpy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Model(model.grid, model.parameters, on_numpy.create(communication=halos.Serial()))
        monkeypatch.setenv("PMI_RANK", "1")  # the first speaks for all
        Model(model.grid, model.parameters, on_numpy)


def test_a_child_of_a_rank_says_what_is_wrong_on_every_rank_or_runs_by_itself():
    for rank in (0, 1):
        ran = as_rank(rank, 4, RUN)
        assert ran.returncode == 2 and not ran.stdout
        assert ran.stderr.startswith("dycore: ") and ran.stderr.count("\n") == 1 and "--processes none" in ran.stderr
        assert "started 4 processes, but MPI sees 1" in ran.stderr or "MPI cannot be used" in ran.stderr
    ran = as_rank(1, 4, [*RUN, "--processes", "none", "--backend", "numpy"])
    assert ran.returncode == 0 and not ran.stderr
    assert ran.stdout == "baroclinic_channel: 4 x 8 x 6 cells, float64, numpy, time step 600 s, from the beginning\n"
    assert "there is no case 'x'" in as_rank(1, 4, ["run", "x"]).stderr


def test_a_run_by_itself_is_asked_for_in_a_file_too(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("case = 'baroclinic_channel'\ncells = [4, 8, 6]\nsteps = 1\ntime_step = 600\nprocesses = 'none'")
    ran = as_rank(2, 4, ["run", str(file), "--dry-run"])
    assert ran.returncode == 0 and 'processes = "none"' in ran.stdout


def test_a_closed_way_to_the_launcher_tells_a_child(monkeypatch):
    assert not launchers.is_child_of_rank()
    reading, writing = os.pipe()
    monkeypatch.setenv("PMI_FD", str(reading))  # open, but no socket: another file has its number now
    assert launchers.is_child_of_rank()
    os.close(reading)
    os.close(writing)
    assert launchers.is_child_of_rank()


def test_a_model_among_ranks_is_not_pickled():
    mpi = pytest.importorskip("dycore.backends.mpi")
    world = object.__new__(mpi.World)
    with pytest.raises(TypeError, match="divided among MPI ranks cannot be pickled"):
        pickle.dumps(world)


def test_numba_that_is_told_to_compile_nothing_runs_interpreted_with_the_same_results_and_says_so():
    pytest.importorskip("numba")
    program = ("import hashlib, sys, numpy as np; from dycore import Model, cases; from dycore.backends import on_numba, on_numpy\n"
               "grid, parameters, state = cases.baroclinic_wave((3, 8, 12))\n"
               "ones, others = (Model(grid, parameters, backend).steps(state, 3) for backend in (on_numba, on_numpy))\n"
               "assert all((np.asarray(one) == np.asarray(other)).all() for one, other in zip(ones[:4], others[:4]))")
    ran = subprocess.run([sys.executable, "-c", program], env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, text=True,
                         capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "InterpretedWarning: NUMBA_DISABLE_JIT is set" in ran.stderr
