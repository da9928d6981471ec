"""A closure by subgrid fluxes before it is trained, its offline training on rates, and its online training through the solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from dycore.backends import on_numpy
from dycore.grid import Grid
from dycore.learning.coarse_windows import RateSamples
from dycore.learning.column_network import ColumnNetwork, random_network
from dycore.learning.flow_scores import Flow, flow, row_weights
from dycore.learning.forcing_rates import rates_at
from dycore.learning.hybrid import Window, in_batches, in_growing_rollouts, rollout_loss, with_module
from dycore.learning.subgrid_fluxes import seen, subgrid_fluxes
from dycore.model import Model
from dycore.state import State
from dycore.stencils import of_columns


def random_subgrid_fluxes(seed: int, grid: Grid, samples: RateSamples, hidden: Sequence[int] = (32,)) -> ColumnNetwork:
    """A network of subgrid fluxes of one tracer with random weights, normalised by samples; hidden: sizes of the layers between.

    Inputs are divided by their root mean square in the samples, and nothing is subtracted: zero stays zero. Outputs are as large as
    the rates of the samples times the spacing.
    """
    inputs = np.stack([inputs_at(grid, jax.tree.map(lambda values, n=n: values[n], samples.start))
                       for n in range(len(samples.rates.u))])
    spacing = float(min(grid.metrics.dx_u.min(), grid.metrics.dy_v.min()))
    u, v, tracer = (spacing * np.sqrt((rates**2).mean(axis=(0, 2, 3))) for rates in samples.rates)
    speed = np.sqrt(0.5 * (u**2 + v**2))
    network = random_network(seed, np.moveaxis(inputs, 1, -1), np.concatenate([speed, speed, speed, tracer, tracer]), hidden)
    size = np.sqrt((inputs**2).mean(axis=(0, 2, 3)))
    return network._replace(inputs=np.stack([np.zeros_like(size), np.where(size > 0.0, size, 1.0)]))


def inputs_at(grid: Grid, state: State) -> np.ndarray:
    """All that a network of subgrid fluxes of one tracer sees of a state [m, j, i]."""
    backend, region = on_numpy.create(), grid.tile.region

    def on(stencil: Callable, *arguments: Any) -> Any:
        return backend.apply(stencil, region.columns if of_columns(stencil) else region, *arguments)

    fields = [field[(region if field.array.ndim == 3 else region.columns).indices()]
              for field in seen(on, grid.metrics, state.u, state.v, state.tracers[:1])]
    return np.concatenate([field if field.ndim == 3 else field[None] for field in fields])


def with_subgrid_fluxes(model: Model, network: ColumnNetwork) -> Model:
    """The model with another network in place of that which is one of its forcings: nothing is compiled.

    Raises ValueError where none of its forcings, or more than one, are such networks.
    """
    return with_module(model, subgrid_fluxes(model.grid, network))


def lacking_rates_loss(model: Model, network: ColumnNetwork, samples: RateSamples) -> Callable[[tuple, RateSamples], Any]:
    """The loss of layers and a batch of samples: the mean square error of the rates by the network alone, over the area.

    Errors are divided by the typical size of the rates on each level. model: on JAX.
    """
    alone = Model(model.grid, replace(model.parameters, surface_stress=None, forcing=(subgrid_fluxes(model.grid, network),)),
                  model.backend)
    weight = row_weights(model.grid)[:, None]
    sizes = [np.sqrt((rates**2).mean(axis=(0, 2, 3)))[:, None, None] for rates in samples.rates]

    def loss(layers: tuple, batch: RateSamples) -> Any:
        now = with_subgrid_fluxes(alone, network._replace(layers=layers))

        def flow_rates(state: State) -> Flow:
            rates = rates_at(now, state)
            return Flow(rates.u, rates.v, rates.tracers[0])

        errors = ((a - b) / size for a, b, size in zip(jax.vmap(flow_rates)(batch.start), batch.rates, sizes, strict=True))
        return sum((weight * each**2).mean() for each in errors) / len(sizes)

    return loss


def fitted_to_lacking_rates(model: Model, network: ColumnNetwork, samples: RateSamples, passes: int = 100, batches: int = 10,
                            rate: float = 5.0e-3) -> ColumnNetwork:
    """The network after offline training on the rates that a model on JAX lacks (`in_batches`)."""
    layers = in_batches(lacking_rates_loss(model, network, samples), network.layers, samples, passes, batches, rate)
    return network._replace(layers=layers)


def fluxes_fitted_in_rollouts(model: Model, network: ColumnNetwork, kept: Sequence[Window], error: Callable[[Flow, Flow], Any],
                              passes: Mapping[int, int], every: int, rate: float = 1.0e-3) -> ColumnNetwork:
    """The network after online training through a model on JAX, of whose forcings one is such a network.

    kept: windows of flows `every` so many steps; passes: through these, by the number of looks (`in_growing_rollouts`).
    """
    loss = rollout_loss(lambda layers: with_subgrid_fluxes(model, network._replace(layers=layers)), error, every, flow)
    return network._replace(layers=in_growing_rollouts(loss, network.layers, kept, passes, rate)[0])
