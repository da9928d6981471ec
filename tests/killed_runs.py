"""A run that is killed at random times and submitted again until it is done, as a chain of jobs is: nothing is lost.

    python tests/killed_runs.py 100              # so many kills; the tests have 20
    mpiexec -n 2 python -m mpi4py tests/killed_runs.py FOLDER numba    # the same run, on other ranks and another backend
"""

import importlib
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from dycore import Model, cases, restart
from dycore.restart import Restarts
from dycore.running.diagnosed import Alone
from dycore.running.icechunk_repositories import Icechunk
from dycore.running.progress import DAY
from dycore.running.reading import open_dataset
from dycore.writing import Means, Snapshots

STEP, STEPS, FIELDS = 1800.0 / DAY, 6, ("eastward_velocity",)
OUTPUT = ("s.zarr", "m.zarr", "s.nc", "m.nc", "s.icechunk")
HERE = SimpleNamespace(tile=None, backend=SimpleNamespace(communication=Alone()))
CONTEXT = multiprocessing.get_context("forkserver")  # one that has loaded the libraries and no thread
CONTEXT.set_forkserver_preload(["xarray", "zarr", "netCDF4", "icechunk", "dycore.writing", "dycore.backends.on_numpy"])


def submitted(folder, backend="numpy", communication=None):
    """The run: from the beginning, or from the newest restart in the folder; a restart every three steps."""
    grid, parameters, start = cases.baroclinic_wave((3, 8, 12), time_step=1800.0)
    made = importlib.import_module(f"dycore.backends.on_{backend}").create(communication=communication)
    model = Model(grid, parameters, made)
    if restart.all_in(folder):
        start = restart.read(restart.latest(folder), model)
    write = (Snapshots(folder / "s.zarr", STEP, FIELDS), Means(folder / "m.zarr", 2 * STEP, FIELDS),
             Snapshots(folder / "s.nc", STEP, FIELDS), Means(folder / "m.nc", 2 * STEP, FIELDS),
             Snapshots(folder / "s.icechunk", STEP, FIELDS))
    model.run(start, steps=STEPS - start.step, write=write, restarts=Restarts(folder, 3 * STEP), progress=False)


def killed_after(seconds, folder):
    """Whether the run was killed, so long after its start (None: never), before it had ended."""
    process = CONTEXT.Process(target=submitted, args=(folder,))
    process.start()
    process.join(seconds)
    if process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join(300.0)
    assert process.exitcode in (0, -signal.SIGKILL), f"the run was refused: exit code {process.exitcode}"
    return process.exitcode != 0


def records(path):
    """What a store or file holds."""
    with open_dataset(path, decode_times=False) as found:
        return found.drop_attrs().load()


def has_been_made(path):
    """Whether there is something to read: a repository counts from its first commit."""
    return Icechunk(path, HERE).exists() if path.suffix == ".icechunk" else path.exists()


def held(path, folder):
    """The arrays of a restart, by names without the folder of the run."""
    with np.load(path) as file:
        return {name.replace(str(folder), ""): file[name] for name in file.files if name != "about"}


def check_what_is_left(folder, undisturbed):
    """The records of a killed run are the first of those of a run that was not killed."""
    for name in OUTPUT:
        if has_been_made(folder / name):
            left = records(folder / name)
            assert left.equals(undisturbed[name].isel(time=slice(left.sizes["time"]))), (name, left.sizes)


def same(one, two, tolerance):
    """Whether arrays by name are the same, but for a part of the largest value."""
    def near(here, there):
        size = np.nanmax(np.abs(there), initial=0.0)
        return np.allclose(here, there, rtol=0.0, atol=tolerance * size, equal_nan=True)

    return {*one} == {*two} and all(one[name].shape == two[name].shape and near(one[name], two[name]) for name in one)


def check_the_end(folder, undisturbed, other, tolerance=0.0):
    """The records, and the state, are those of a run that was not killed, and nothing half written is left."""
    for name in OUTPUT:
        one, two = ({key: found[key].values for key in found.variables} for found in (records(folder / name), undisturbed[name]))
        assert same(one, two, tolerance), name
    assert same(*(held(restart.latest(where), where) for where in (folder, other)), tolerance)
    assert not list(folder.rglob("*.partial"))


def kill(times, folder, seed):
    """Kill so many times, at random; (runs that came to their end, kills before the first restart of the schedule)."""
    def finished(run):
        began = time.monotonic()
        killed_after(None, run)
        return time.monotonic() - began

    chance, whole = random.Random(seed), folder / "whole"
    finished(whole)  # starts the server
    seconds = finished(folder / "timed")
    undisturbed = {name: records(whole / name) for name in OUTPUT}
    done = kills = early = 0
    while kills < times:
        run = folder / f"run {done}"
        while kills < times and killed_after(chance.uniform(0.0, seconds), run):
            kills, seconds = kills + 1, 1.1 * seconds  # the machine may have become slower
            check_what_is_left(run, undisturbed)
            early += max(restart.all_in(run), default=0) == 0
        finished(run)
        check_the_end(run, undisturbed, whole)
        seconds, done = finished(folder / f"timed {done}"), done + 1
    return done, early


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        with tempfile.TemporaryDirectory() as temporary:
            done, early = kill(int(sys.argv[1]), Path(temporary), seed=time.time_ns())
            print(f"{done} runs came to their end; {early} kills were before the first restart of the schedule")
    else:
        from dycore.backends import mpi

        submitted(Path(sys.argv[1]), sys.argv[2], mpi.World())
