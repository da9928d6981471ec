"""Run by two ranks (tests/test_land.py): says whether their columns have the bits of one process."""

import numpy as np
from land_cases import parameters, seasons

from dycore import land
from dycore.backends import mpi, on_numpy

CELLS = 4, 7

if __name__ == "__main__":
    world = mpi.World()
    weather = seasons(CELLS, steps=5)
    columns = land.Land(CELLS, parameters(CELLS), on_numpy.create(communication=world))
    state, fluxes = columns.run(columns.start(), weather)
    whole = columns.gather((state, fluxes))
    if world.rank == 0:
        from dycore.backends.halos import Serial

        alone = land.Land(CELLS, parameters(CELLS), on_numpy.create(communication=Serial()))
        one = alone.gather(alone.run(alone.start(), weather))
        assert columns.tile.cells[1:] != CELLS
        same = [np.array_equal(a, b) for a, b in zip((*whole[0].pools, *whole[1]), (*one[0].pools, *one[1]), strict=True)]
        print("same bits" if all(same) else f"others: {same}")
