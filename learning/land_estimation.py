"""Estimation of the land end to end: networks make parameters and pools of static maps, with which runs come near observations.

    weights = first_weights(names, ranges, members=6, seed=0)
    batch = Batch(columns, weather, maps, observations, errors)
    found = fit(misfit, weights, [batch], optax.adam(0.05), passes=150)
    regional = run_members(found.weights, batch).net_exchange.mean(axis=-1)          # [time, member]

The network is trained through the process model (Tsai et al. 2021, Nat. Commun. 12, 5988; of the land DifferLand, Fang et al.
2024), on what is seen of few places, of several kinds and with gaps, and holds wherever there are maps. Members of an ensemble
begin with other weights and parameters and see observations with other errors added (randomised maximum likelihood: Kitanidis
1995, Water Resour. Res. 31, 2411), so that their spread is that of what observations leave open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import check_kind, integer, not_negative, shown
from dycore.land.model import Land
from dycore.land.observed import Observed, observe
from dycore.land.parameters import RANGES, with_values
from dycore.land.weather import Weather
from dycore.learning.land_modules import PROCESS, LandModule
from dycore.learning.land_trajectories import land_trajectory
from dycore.learning.parameters_from_maps import MapNetwork, Range
from dycore.learning.seeds import random_numbers


class LandWeights(NamedTuple):
    """Weights: networks from maps to parameters, stacked, one for each member, and those of a module that all members share."""

    networks: MapNetwork
    module: Any = None


class Batch(NamedTuple):
    """Columns in a row for each member, cells (members, n), with weather and maps [map, column] of them, and what is seen."""

    columns: Land
    weather: Weather  # [time, 1, column]
    maps: Any  # [map, column], normalised
    seen: Observed  # [time, member, column], NaN where nothing is
    errors: Observed  # standard errors, in their units
    module: LandModule = PROCESS


def first_weights(maps: Sequence[str], ranges: Mapping[str, Range], members: int = 1, *, seed: int = 0, spread: float = 0.5,
                  width: int = 12, module: LandModule = PROCESS) -> LandWeights:
    """Weights to begin with; each member of several begins with parameters of its own.

    maps: their names. ranges: of each parameter that is estimated, by name (`dycore.land.RANGES` has what is published). spread:
    the standard deviation of raw values (dycore.learning.bounded) of parameters among members. Raises ValueError for a parameter
    that the land does not have.
    """
    members, seed, width = (integer(*each) for each in (("members", members, 1, 10**4), ("seed", seed, 0), ("width", width, 1)))
    check_kind("module", module, LandModule, "dycore.learning.land_modules has PROCESS, HYBRID and NETWORK.")
    check_kind("ranges", ranges, Mapping)
    for name in ranges:
        if name not in RANGES:
            raise ValueError(f"ranges has {shown(name)}, which is no parameter of the land. These are {', '.join(RANGES)}.")
    key, spread = jax.random.key(integer("seed", seed, 0)), not_negative("spread", spread, "of raw values") if members > 1 else 0.0
    networks = equinox.filter_vmap(lambda key: MapNetwork(maps, ranges, key=key, width=width))(jax.random.split(key, members))

    def bias(networks: MapNetwork) -> Any:
        return networks.layers.layers[-1].bias

    drawn = bias(networks) + spread * jax.random.normal(jax.random.fold_in(key, members), bias(networks).shape)
    return LandWeights(equinox.tree_at(bias, networks, drawn), module.first(seed, len(maps)))


def parameters_of_members(networks: MapNetwork, maps: Any) -> dict[str, Any]:
    """Parameters [member, column] by name, of maps [map, column]."""
    fields = equinox.filter_vmap(lambda network: network(maps[:, None, :]))(networks)
    return {name: values[:, 0, :] for name, values in fields.items()}


def columns_of(weights: LandWeights, batch: Batch) -> Land:
    """The land of a batch with its parameters from maps, and its module."""
    own = batch.columns.with_parameters(with_values(batch.columns.parameters, parameters_of_members(weights.networks, batch.maps)))
    return batch.module.columns(own, weights.module, batch.maps)


def run_members(weights: LandWeights, batch: Batch) -> Observed:
    """Observed quantities [time, member, column] of runs from the weights, which JAX differentiates."""
    own = columns_of(weights, batch)
    return land_trajectory(own, own.start(), batch.weather, observe)[1]


def misfit(weights: LandWeights, batch: Batch) -> Any:
    """The mean over kinds of observations of the mean square of their departures over their errors."""
    return distance(run_members(weights, batch), batch.seen, batch.errors)


def distance(values: Observed, seen: Observed, errors: Observed) -> Any:
    """The mean over kinds of the mean square of departures over errors, of what is seen; of storage of water its anomaly alone."""
    squares, kinds = [], []
    for name, value, observed, error in zip(Observed._fields, values, seen, errors, strict=True):
        present = jnp.isfinite(observed)
        count = present.sum()
        departure = jnp.where(present, (value - jnp.where(present, observed, 0.0)) / error, 0.0)
        if name == "water_storage":  # satellites of gravity see no more than changes
            mean = departure.sum(axis=0) / jnp.maximum(present.sum(axis=0), 1)
            departure = jnp.where(present, departure - mean, 0.0)
        squares.append((departure**2).sum() / jnp.maximum(count, 1))
        kinds.append(count > 0)
    return sum(squares) / jnp.maximum(sum(each.astype(int) for each in kinds), 1)


def perturbed(seen: Observed, errors: Observed, members: int, seed: int) -> Observed:
    """Observations [time, member, column] with errors added for each member but the first, of observations [time, 1, column]."""
    random = random_numbers(seed)

    def of(values: Any, error: float) -> np.ndarray:
        added = error * random.standard_normal((len(values), members, values.shape[-1]))
        added[:, 0] = 0.0
        return np.asarray(values) + added

    return Observed(*map(of, seen, errors))


def in_row(values: Any, where: np.ndarray) -> np.ndarray:
    """The columns [..., 1, column] of planes [..., j, i] for which `where` [j, i] is True; an axis of length 1 stays."""
    values = np.asarray(values)
    if values.shape[-2:] == (1, 1):
        return values
    return np.broadcast_to(values, (*values.shape[:-2], *where.shape))[..., where][..., None, :]
