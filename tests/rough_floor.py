"""A rough sea floor of partial cells."""

import numpy as np
from conftest import channel

from dycore.grid import interior

LEAST = 0.2


def rough(random, cells=(4, 7, 10), **options):
    """The channel of the other tests over a sea floor of random depth."""
    return channel(cells, **({"bottom": random.uniform(-4300.0, -300.0, cells[1:]), "partial_cells": LEAST} | options))


def levels_of(grid):
    return np.arange(*grid.tile.region.k)[:, None, None]


def fractions(grid, floor, fraction):
    """What is open of every level, interior [k, j, i], from a floor and the fraction there."""
    levels, floor = levels_of(grid), interior(floor)
    return np.where(levels > floor, 1.0, np.where(levels == floor, interior(fraction), 0.0))
