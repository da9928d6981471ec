"""Column physics before it is trained, its offline training on rates by a forcing, and its online training through the solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from dycore.grid import Grid, interior
from dycore.inputs.given import check_list
from dycore.learning.column_network import random_network
from dycore.learning.column_physics import FASTEST, ColumnPhysics, column_physics, heated, latitudes, seen_speed, slowed
from dycore.learning.flow_scores import Flow, flow
from dycore.learning.forcing_rates import forcing_rates
from dycore.learning.hybrid import Window, in_batches, in_growing_rollouts, rollout_loss, with_module
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State

FIRST = 0.1  # of the fastest drag, before training


class ColumnSamples(NamedTuple):
    """Samples [n, ...] of a flow, the surface pressure under it [n, j, i] (Pa), and rates of the flow by a forcing (per s)."""

    flow: Flow
    surface: Any
    rates: Flow


def column_samples(grid: Grid, parameters: Parameters, states: Sequence[State]) -> ColumnSamples:
    """Samples of rates by the forcings of parameters, whose first tracer is potential temperature, at states."""
    rates_at, states = forcing_rates(grid, parameters), check_list("states", states, State)

    def sample(state: State) -> ColumnSamples:
        rates = rates_at(state)
        return ColumnSamples(flow(state), interior(state.surface), Flow(rates.u, rates.v, rates.tracers[0]))

    return jax.tree.map(lambda *values: np.stack(values), *map(sample, states))


def random_column_physics(seed: int, grid: Grid, samples: ColumnSamples, hidden: Sequence[int] = (16,)) -> ColumnPhysics:
    """Networks with random weights, normalised by samples; hidden: sizes of the layers between."""
    plane = np.broadcast_to(latitudes(grid).center, samples.surface.shape)[:, None]
    columns = np.concatenate([samples.flow.theta, samples.surface[:, None], plane], axis=1)
    winds = np.concatenate([seen_speed(samples.flow.u), plane], axis=1)
    sizes = np.sqrt((samples.rates.theta**2).mean(axis=(0, 2, 3)))
    drag = random_network(seed + 1, np.moveaxis(winds, 1, -1), np.full(len(sizes), FASTEST), hidden)
    drag.layers[-1][:, 0] = np.log(FIRST / (1.0 - FIRST))
    return ColumnPhysics(random_network(seed, np.moveaxis(columns, 1, -1), sizes, hidden), drag)


def rates_loss(grid: Grid, physics: ColumnPhysics, samples: ColumnSamples) -> Callable[[tuple, ColumnSamples], Any]:
    """The loss of layers and a batch of samples: the mean square error of their rates over the sphere.

    Errors of the heating are divided by its typical size on each level, those of the drag by its typical size on all levels.
    """
    where, weight = latitudes(grid), np.cos(np.radians(grid.latitude))
    weight = weight / weight.mean()
    heating = np.sqrt((samples.rates.theta**2).mean(axis=(0, 2, 3)))[:, None, None]
    drag = np.sqrt((samples.rates.u**2).mean())

    def loss(weights: tuple, batch: ColumnSamples) -> Any:
        now = physics.with_layers(weights)
        found = Flow(jax.vmap(lambda u: slowed(now.drag, u, where.center))(batch.flow.u),
                     jax.vmap(lambda v: slowed(now.drag, v, where.south))(batch.flow.v),
                     jax.vmap(lambda theta, surface: heated(now.heating, theta, surface, where.center))(batch.flow.theta,
                                                                                                        batch.surface))
        errors = ((a - b) / size for a, b, size in zip(found, batch.rates, (drag, drag, heating), strict=True))
        return sum((weight * each**2).mean() for each in errors)

    return loss


def fitted_to_rates(grid: Grid, physics: ColumnPhysics, samples: ColumnSamples, passes: int = 300, batches: int = 10,
                    rate: float = 5.0e-3) -> ColumnPhysics:
    """Networks after offline training on rates (`in_batches`)."""
    layers = in_batches(rates_loss(grid, physics, samples), physics.layers, samples, passes, batches, rate)
    return physics.with_layers(layers)


def fitted_in_rollouts(model: Model, physics: ColumnPhysics, kept: Sequence[Window], error: Callable[[Flow, Flow], Any],
                       passes: Mapping[int, int], every: int, rate: float = 1.0e-3) -> ColumnPhysics:
    """Networks after online training through a model on JAX, of whose forcings one is column physics.

    kept: windows of flows `every` so many steps; passes: through these, by the number of looks (`in_growing_rollouts`).
    """
    loss = rollout_loss(lambda layers: with_physics(model, physics.with_layers(layers)), error, every, flow)
    return physics.with_layers(in_growing_rollouts(loss, physics.layers, kept, passes, rate)[0])


def with_physics(model: Model, physics: ColumnPhysics) -> Model:
    """The model with other networks in place of those that are one of its forcings: nothing is compiled.

    Raises ValueError where none of its forcings, or more than one, are such networks.
    """
    return with_module(model, column_physics(model.grid, physics))
