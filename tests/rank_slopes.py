"""Run by several ranks (tests/test_rank_slopes.py): prints, as JSON, how slopes of runs differ from those of one process."""

import json
import sys

import jax
import numpy as np
from rank_cases import CASES

from dycore import Model, learning
from dycore.backends import launchers, mpi, on_jax
from dycore.backends.halos import Serial
from dycore.state import padded
from dycore.tiles import Place

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)


def slopes_of(case, communication):
    """(loss, slopes by the arrays of a state, those by coefficients) of a run, and its model."""
    grid, parameters, start = CASES[case]("float64")
    names = ("time_step", "fluid.surface_gravity", "friction.vorticity", "diffusivity")
    coefficients = {name: value for name, value in learning.numbers(parameters).items() if name in names}
    model, random = Model(grid, parameters, on_jax.create(communication=communication, native=False)), np.random.default_rng(3)
    weights = [model.backend.scatter(model.tile, padded(grid, place, random.standard_normal(grid.cells)))
               for place in (Place.WEST_FACE, Place.SOUTH_FACE)]
    state = model.asarrays(start)

    def outcome(fields, coefficients):
        run = model.with_parameters(learning.with_numbers(parameters, learning.shared(model, coefficients)))
        end, seen = learning.trajectory(run, learning.with_numbers(state, fields), 3, 1,
                                        lambda now: learning.total(model, now.surface**2))
        return sum(learning.total(model, weight * field) for weight, field in zip(weights, end[:2], strict=True)) + seen.sum()

    program = on_jax.jit(jax.value_and_grad(outcome, argnums=(0, 1)))
    return model, *program(learning.numbers(state), coefficients)


def on_cells(model, name, slope):
    """Slopes by a field of scalars, halos included, summed for each cell of the domain [..., j, i]; zero where others have it."""
    _, ny, nx = model.grid.cells
    ids = model.backend.scatter(model.tile, padded(model.grid, Place.CENTER, np.arange(float(ny * nx)).reshape(ny, nx)))
    summed = np.zeros((*slope.shape[:-2], ny * nx))
    np.add.at(summed, (..., np.asarray(ids).astype(int)), np.asarray(slope))
    return summed


def apart(case, processes):
    """The largest differences, of the range of each, on the first rank."""
    world = mpi.World(processes)
    model, value, (fields, coefficients) = slopes_of(case, world)
    names = [name for name in fields if name == "surface" or name.startswith("tracers")]
    found = {name: world.comm.allreduce(on_cells(model, name, fields[name])) for name in names}
    found |= {"value": value, **coefficients}
    every = world.comm.allgather({name: float(each) for name, each in coefficients.items()})
    same = all(each == every[0] for each in every)
    if world.rank:
        return None
    alone, value, (fields, coefficients) = slopes_of(case, Serial())
    expected = {name: on_cells(alone, name, fields[name]) for name in names} | {"value": value, **coefficients}
    return {"same": same} | {name: float(np.abs(np.asarray(found[name]) - np.asarray(other)).max() / np.abs(other).max())
                             for name, other in expected.items()}


if __name__ == "__main__":
    results = [apart(case, tuple(processes)) for case, processes in json.loads(sys.argv[1])]
    if launchers.launched()[0] == 0:
        print(json.dumps(results))
