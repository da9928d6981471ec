"""What competitors take of the memory of a machine, roughly, so that they sit together only where all have room."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy

from dycore.benchmarks.competitor import Competitor, Group

MEMINFO = Path("/proc/meminfo")
LEAST_LEFT = 1e9  # bytes, for everything else


class Needs(NamedTuple):
    """Bytes of a rank without cells; numbers that it keeps for each cell, and those it takes meanwhile for a step."""

    rank_bytes: float
    kept: float
    in_a_step: float = 0.0


# As the channel in float64 took it at 1e5 and 1e6 cells on one rank and two (peak_memory_bytes of records), rounded up.
NEEDS = {"fortran": Needs(25e6, 22), "numpy": Needs(130e6, 35, 40), "numba": Needs(250e6, 40), "jax-native": Needs(450e6, 75, 20),
         "jax": Needs(600e6, 45, 55), "triad": Needs(650e6, 0)}
CHECKPOINT_NUMBERS, WAY_BACK_NUMBERS = 15, 300  # of a gradient: for each step, and in one


def needs_of(each: Competitor) -> Needs:
    """Those of gradients grow with the steps of the run."""
    if each.name in NEEDS:
        return NEEDS[each.name]
    return Needs(NEEDS["jax"].rank_bytes, 45, CHECKPOINT_NUMBERS * each.group.gradient_steps + WAY_BACK_NUMBERS)


def needed(together: Iterable[Competitor]) -> float:
    """Bytes of competitors of which one computes at any time."""
    kept, in_a_step = 0.0, [0.0]
    for each in together:
        needs, cell_bytes = needs_of(each), each.group.n_cells * numpy.dtype(each.group.precision).itemsize
        kept += needs.rank_bytes * each.group.ranks + needs.kept * cell_bytes
        in_a_step.append(needs.in_a_step * cell_bytes)
    return kept + max(in_a_step)


def free(group: Group, meminfo: Path = MEMINFO) -> float:
    """Bytes that a group may take; infinity where that is not known, or where a launcher takes it to other nodes."""
    if group.launcher is None and meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1]) - LEAST_LEFT
    return float("inf")
