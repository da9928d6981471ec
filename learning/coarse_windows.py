"""Windows of a fine run as a coarse grid sees it, and what a coarse model lacks to follow them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from dycore.grid import Grid
from dycore.inputs.given import shown
from dycore.learning.coarse_graining import coarse_grained
from dycore.learning.flow_scores import Flow, flow
from dycore.learning.hybrid import Window, arrays_of, at, check_windows, windows
from dycore.model import Model
from dycore.state import State


class RateSamples(NamedTuple):
    """Samples [n, ...]: states of a model, and the rates of their flow that it lacks (per s)."""

    start: State
    rates: Flow


def coarse_windows(truth: Model, state: State, coarse: Grid, number: int, looks: int, every: int,
                   stride: int) -> tuple[State, list[Window]]:
    """As `windows` of a fine model, of flows (`flow`) on a coarse grid, from states on it."""
    there = coarse_grained(truth.grid, coarse)
    end, kept = windows(truth, state, number, looks, every, stride, lambda state: flow(there(state)))
    return end, [window._replace(start=arrays_of(there(window.start))) for window in kept]


def lacking_rates(model: Model, kept: Sequence[Window]) -> RateSamples:
    """Rates that a model lacks to go from the beginning of each window, in one of its steps, to what was seen first.

    The first look has to be one step of the model after the beginning. Raises ValueError where there are no windows, and for those
    of other grids or functions.
    """
    kept = check_windows(kept)
    if not isinstance(kept[0].seen, Flow) or np.shape(kept[0].seen.u)[1:] != model.grid.cells:
        shapes = [np.shape(each) for each in jax.tree.leaves(kept[0].seen)]
        raise ValueError(f"The windows have looks of the shapes {shown(shapes)}, and must be of flows on the grid of the model, "
                         f"{model.grid.cells}. Give those of coarse_windows.")

    def sample(window: Window) -> RateSamples:
        there, here = at(window, 0), flow(model.step(window.start))
        return RateSamples(window.start, Flow(*((one - np.asarray(other)) / model.parameters.time_step
                                                for one, other in zip(there, here, strict=True))))

    return jax.tree.map(lambda *values: np.stack(values), *map(sample, kept))
