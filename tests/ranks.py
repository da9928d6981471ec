"""Run by several ranks (tests/test_ranks.py): prints, as JSON, how much their results differ from those of one process."""

import dataclasses
import importlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from rank_cases import CASES, channel

from dycore import Model
from dycore import restart as restarting
from dycore.backends import by_name, launchers, mpi
from dycore.backends.halos import Serial
from dycore.grid import interior
from dycore.physics import surface_relaxation
from dycore.restart import Restarts
from dycore.running.progress import DAY
from dycore.state import State
from dycore.stopping import Stopped
from dycore.tiles import Halo, Place
from dycore.time_series import TimeSeries
from dycore.writing import Callback, Means, Snapshots


def backend(name, communication=None):
    return by_name.create(name, communication=communication or Serial())


def leaves(state):
    """The fields of a state and their histories; tendencies on closed faces have no meaning, and are left out."""
    def flat(part):
        return [leaf for each in part for leaf in flat(each)] if isinstance(part, tuple) else [part]

    return flat(tuple(state._replace(history=tuple(past[:2] for past in state.history), step=(), time=())))


def everywhere(state, world):
    """What rank 0 gathered, on all ranks."""
    return State(*world.comm.bcast(state))


def difference(ones, others):
    """The largest difference of any field, relative to its range."""
    worst = 0.0
    for one, other in zip(leaves(ones), leaves(others), strict=True):
        one, other = interior(np.asarray(one)).astype(float), interior(np.asarray(other)).astype(float)
        worst = max(worst, float(np.abs(one - other).max() / (np.ptp(other) or 1.0)))
    return worst


@cache
def on_one(case, name, precision, steps):
    """The state after so many steps in one process."""
    grid, parameters, state = CASES[case](precision)
    return Model(grid, parameters, backend(name)).steps(state, steps)


def difference_from_one(world, gathered, *one):
    """The difference between what rank 0 gathered and `on_one`; the other ranks sleep meanwhile, where MPI waits at full speed."""
    apart = difference(gathered, on_one(*one)) if world.rank == 0 else None
    done = world.comm.Ibarrier()
    while not done.Test():
        time.sleep(0.01)
    return apart


def same_answer(case, name, precision, processes, steps, **options):
    """How far the states are apart after so many steps. XLA optimises single precision alone as for users: it takes long."""
    if name == "jax":
        importlib.import_module("jax").config.update("jax_disable_most_optimizations", precision != "float32")
    world = mpi.World(processes, **options)
    grid, parameters, state = CASES[case](precision)
    model = Model(grid, parameters, backend(name, world))
    return difference_from_one(world, model.gather(model.steps(state, steps)), case, name, precision, steps)


def seasons(name, processes, steps):
    """How far states are apart where the wind and the temperature of the air are series of records, two periods long."""
    world = mpi.World(processes)
    grid, parameters, state = channel("float64")
    times, random = np.array([0.3, 2.0, 3.5]) * parameters.time_step, np.random.default_rng(4)

    def series(factor):
        return TimeSeries(times, factor * random.standard_normal((3, *grid.cells[1:])), period=6.0 * parameters.time_step)

    parameters = dataclasses.replace(parameters, surface_stress=(series(0.1), 0.0),
                                     forcing=(surface_relaxation(0, series(5.0), 86400.0),))
    model = Model(grid, parameters, backend(name, world))
    gathered = model.gather(model.steps(state, steps))
    if world.rank == 0:
        return difference(gathered, Model(grid, parameters, backend(name)).steps(state, steps))


def file_forced(name, processes, steps, path):
    """How far states are apart where forcings are records of a file, which every rank reads."""
    from file_forced import case

    world = mpi.World(processes)
    grid, parameters, state = case(path)
    model = Model(grid, parameters, backend(name, world))
    gathered = model.gather(model.steps(state, steps))
    if world.rank == 0:
        return difference(gathered, Model(grid, parameters, backend(name)).steps(state, steps))


def halves(first, second):
    """The same of two cases, each on half of the ranks, at once."""
    everyone = mpi.World()
    mine = 2 * everyone.rank // everyone.ranks
    world = mpi.World(everyone.comm.Split(mine, everyone.rank))
    grid, parameters, state = CASES[(first, second)[mine]]("float64")
    model = Model(grid, parameters, backend("numpy", world))
    gathered = model.gather(model.steps(state, 10))
    apart = None
    if world.rank == 0:
        apart = difference(gathered, Model(grid, parameters, backend("numpy", Serial())).steps(state, 10))
    return [each for each in everyone.comm.allgather(apart) if each is not None]


def not_among():
    """What a rank is told that gives a communicator in which it is not."""
    everyone = mpi.World()
    part = everyone.comm.Split(everyone.mpi.UNDEFINED if everyone.rank == 0 else 0)
    try:
        mpi.World(part)
    except ValueError as problem:
        return str(problem)


def spoilt(case, name, precision, processes, steps):
    """The same where all of the halo that is not filled from other processes is no number before each step."""
    world = mpi.World(processes)
    grid, parameters, state = CASES[case](precision)
    model = Model(grid, parameters, backend(name, world))

    def spoil(array, width, place):
        array = np.array(array)
        kept = Halo(model.tile, place, width).bounds
        for axis, (split, (start, stop)) in enumerate(zip(model.tile.split, kept, strict=True)):
            if split:
                np.moveaxis(array, axis - 2, 0)[np.r_[0:start, stop:array.shape[axis - 2]]] = np.nan
        return array

    def spoil_all(state):
        places = Place.WEST_FACE, Place.SOUTH_FACE, *[Place.CENTER] * (2 + len(state.tracers))
        u, v, w, surface, *tracers = (spoil(field, width, place) for field, width, place in zip(
            (*state[:4], *state.tracers), model.plan.kept, places, strict=False))
        return state._replace(u=u, v=v, w=w, surface=surface, tracers=tuple(tracers))

    reached = model.asarrays(state)
    for _ in range(steps):
        reached = model.step(spoil_all(reached))
    return difference_from_one(world, model.gather(reached), case, name, precision, steps)


def restart(case, name, precision, first, second, steps):
    """The same for a run that goes on in another shape of processes half way."""
    worlds = mpi.World(first), mpi.World(second)
    grid, parameters, start = CASES[case](precision)
    state = start
    for world in worlds:
        model = Model(grid, parameters, backend(name, world))
        state = everywhere(model.gather(model.steps(state, steps)), world)
    return difference(state, Model(grid, parameters, backend(name)).steps(start, 2 * steps))


def written(case, name, precision, processes, folder):
    """Whether what ranks write, stopped half way and gone on with, is what one process writes, and restarts are of any ranks."""
    import xarray

    world = mpi.World(processes)
    grid, parameters, start = CASES[case](precision)
    day = parameters.time_step / DAY
    folder = Path(folder)

    def options(where):
        outputs = (Snapshots(where / "s.zarr", 2 * day), Means(where / "m.zarr", 4 * day), Snapshots(where / "s.nc", 4 * day))
        return {"write": outputs, "restarts": Restarts(where, 3 * day), "progress": False}

    model = Model(grid, parameters, backend(name, world))
    asked = iter([False] * 3 + [world.rank == world.ranks - 1])  # by one of them
    try:
        model.run(start, steps=8, stop=lambda: next(asked), **options(folder / "many"))
    except Stopped as stopped:
        state = restarting.read(stopped.path, model)
    reached = model.gather(model.run(state, steps=8 - state.step, **options(folder / "many")))
    if world.rank:
        return None
    alone = Model(grid, parameters, backend(name))
    whole = alone.run(start, steps=8, **options(folder / "one"))
    again = alone.steps(restarting.read(restarting.path_of(folder / "many", 6), alone), 2)
    same = []
    for file in ("s.zarr", "m.zarr", "s.nc"):
        ones, others = (xarray.open_dataset(folder / which / file).load() for which in ("many", "one"))
        same.append(bool(ones.drop_attrs().equals(others.drop_attrs()) and ones.sizes["time"] > 1))
    return [*same, difference(reached, whole) == 0.0, difference(again, whole) == 0.0]


def failing(case, name, precision, processes, folder):
    """What every rank says where one cannot write its chunk, and where rank 0 cannot hold a folder."""
    import zarr

    world = mpi.World(processes)
    grid, parameters, start = CASES[case](precision)
    model = Model(grid, parameters, backend(name, world))
    said = []

    def run(path):
        try:
            model.run(start, steps=2, write=(Snapshots(path, parameters.time_step / DAY),), progress=False)
        except (ValueError, RuntimeError) as problem:
            said.extend(world.comm.allgather(str(problem)))

    def full(*_):
        raise OSError(28, "No space left on device")

    usual = zarr.Array.__setitem__
    if world.rank == 1:
        zarr.Array.__setitem__ = full
    run(Path(folder) / "failing.zarr")
    zarr.Array.__setitem__ = usual
    run(Path(__file__) / "x.zarr")
    return [*said, *called_back(world, model, start)]


def called_back(world, model, start):
    """What every rank says where a callback fails on one of them."""
    def fail(state):
        if world.rank == 1:
            raise RuntimeError(f"Rank 1 has seen enough at step {int(state.step)}.")

    try:
        model.run(start, steps=3, progress=False, callbacks=(Callback(fail, times=(model.parameters.time_step,)),))
    except RuntimeError as problem:
        return world.comm.allgather(str(problem))


def traffic(case, name, precision, processes):
    """Messages and bytes of a step, of the rank that sends most."""
    world = mpi.World(processes)
    grid, parameters, state = CASES[case](precision)
    sent = Model(grid, parameters, backend(name, world)).traffic(state)
    return [world.largest(sent.messages), world.largest(sent.bytes)]


def total(case, name, precision, processes):
    """The sum of a field over the domain less that of one process."""
    world = mpi.World(processes)
    grid, parameters, state = CASES[case](precision)
    totals = []
    for communication in (world, None):
        model = Model(grid, parameters, backend(name, communication))
        totals.append(float(model.backend.total(model.tile, model.asarrays(state).tracers[0])))
    return totals[0] - totals[1]


def first_that_is_not_finite(case, name, precision, processes):
    """What every rank says of a value that is not a number in the part of one."""
    world = mpi.World(processes)
    grid, parameters, state = CASES[case](precision)
    state.surface[3 + 11, 3 + 20] = np.nan
    try:
        Model(grid, parameters, backend(name, world)).run(state, steps=2, progress=False)
    except FloatingPointError as problem:
        return world.comm.allgather(str(problem))


def from_two_threads(case, name, precision, processes):
    """What every rank says where a second thread steps a model of this one, and how far the state of a model of its own is off."""
    worlds = [mpi.World(processes) for _ in range(2)]
    grid, parameters, state = CASES[case](precision)
    models = [Model(grid, parameters, backend(name, world)) for world in worlds]
    first = models[0].steps(state, 3)
    with ThreadPoolExecutor(1) as pool:
        problem = pool.submit(models[0].steps, state, 3).exception()
        second = pool.submit(models[1].steps, state, 3).result()
    gathered = [model.gather(each) for model, each in zip((models[0], models[0]), (first, second), strict=True)]
    said = worlds[0].comm.allgather(str(problem))
    return said, difference(*gathered) if worlds[0].rank == 0 else None


def refused(case, processes, **options):
    """The sentence with which a division is refused."""
    grid, parameters, _ = CASES[case]("float64")
    try:
        Model(grid, parameters, backend("numpy", mpi.World(processes, **options)))
    except ValueError as problem:
        return str(problem)


def main():
    results = []
    for function, arguments, options in json.loads(sys.argv[1]):
        arguments = [tuple(argument) if isinstance(argument, list) else argument for argument in arguments]
        results.append(globals()[function](*arguments, **options))
    if launchers.launched()[0] == 0:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
