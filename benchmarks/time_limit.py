"""How long a group of measurements will take, by those that were measured, so that a run ends when it was told to."""

import math
import time
from typing import NamedTuple

from dycore.benchmarks.competitor import Group

DRAWING_SECONDS = 10.0  # of tables and pictures, in the end
# how much longer than the most alike one measured so far: of more cells, on another number of ranks, gradients after steps
LARGER, OTHER_RANKS, OTHER_KIND = 1.5, 1.3, 3.0


class Taken(NamedTuple):
    """A group, and how long it took."""

    group: Group
    seconds: float


class Limit:
    """So many minutes from now on."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60.0 * minutes - DRAWING_SECONDS
        self.taken: list[Taken] = []

    def leaves_time_for(self, group: Group) -> bool:
        """The first group is measured in any case."""
        return not self.taken or time.monotonic() + expected(group, self.taken) <= self.end


def expected(group: Group, taken: list[Taken]) -> float:
    """Seconds, by the longest of those that are most like it: of its kind, on as many ranks, nearest in size."""
    factor, alike = 1.0, taken
    for times, wanted in ((OTHER_KIND, lambda other: bool(other.gradient_steps) == bool(group.gradient_steps)),
                          (OTHER_RANKS, lambda other: other.ranks == group.ranks)):
        found = [each for each in alike if wanted(each.group)]
        factor, alike = (factor, found) if found else (factor * times, alike)
    distance = min(abs(math.log(group.n_cells / each.group.n_cells)) for each in alike)
    nearest = [each for each in alike if abs(math.log(group.n_cells / each.group.n_cells)) <= distance + 0.5]
    larger = group.n_cells > 3 * max(each.group.n_cells for each in nearest)
    return factor * (LARGER if larger else 1.0) * max(each.seconds for each in nearest)
