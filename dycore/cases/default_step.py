"""The time step of an experiment for which none was asked."""

from __future__ import annotations

from dataclasses import replace

from dycore.grid import Grid
from dycore.inputs.given import positive
from dycore.parameters import Parameters
from dycore.stability import shortest_limit

SHARE = 0.7  # of the longest step at rest where the usual one is too long: flows of the cases take up to a quarter of it


def with_time_step(grid: Grid, parameters: Parameters, given: float | None) -> Parameters:
    """The parameters with the time step (s) that was asked for or, without one, with their own, shorter where a grid needs it.

    Steps that are in proportion to the spacing are too long for the rotation on grids of a few cells.
    """
    if given is not None:
        positive("time_step", given, "s")
    longest = shortest_limit(grid, parameters).time_step
    usual = parameters.time_step if parameters.time_step <= longest else SHARE * longest
    return replace(parameters, time_step=usual if given is None else given)
