"""Experiments with twin land: parameters from maps, trained on what is seen of some columns, and their skill in the others.

    twin = twin_land(1)
    result = experiment(twin, PROCESS, members=8)          # or HYBRID, NETWORK: one argument
    result.scores["gpp"].correlation                       # of all days in columns that were not seen
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import equinox
import jax
import numpy as np
import optax

from dycore import land
from dycore.backends import on_jax, on_numpy
from dycore.backends.halos import Serial
from dycore.backends.jax_kernels import Kernels
from dycore.inputs.given import check_kind, check_switch, integer
from dycore.learning.fitting import Fit, fit
from dycore.learning.land_estimation import Batch, LandWeights, columns_of, first_weights, in_row, misfit, perturbed
from dycore.learning.land_modules import PROCESS, LandModule
from dycore.learning.normalisation import normalisation_of
from dycore.learning.twin_land import ERRORS, RANGES, TwinLand


class Score(NamedTuple):
    """Score of the mean of members against the truth, over all days of columns that were not seen."""

    correlation: float
    error: float  # root mean square, in the unit of the quantity


@dataclass(frozen=True, eq=False)
class LandExperiment:
    """Result of an experiment: how weights were found, runs of all columns, and scores by name where nothing was seen.

    runs: [time, member, column], of all columns in a row.
    """

    fit: Fit
    runs: land.Observed
    scores: dict[str, Score]

    @property
    def regional(self) -> np.ndarray:
        """Net exchange of the biome, the mean of all columns [time, member] (g C/(m2 day)): its posterior, member by member."""
        return self.runs.net_exchange.mean(axis=-1)


def experiment(twin: TwinLand, module: LandModule = PROCESS, *, members: int = 1, passes: int = 150, blind: bool = False,
               seed: int = 0) -> LandExperiment:
    """An experiment with a module of the land, an ensemble of so many members, and so many passes of training.

    blind: without maps, which makes the best parameters that are the same everywhere.
    """
    check_kind("twin", twin, TwinLand, "dycore.learning.twin_land.twin_land makes one.")
    check_switch("blind", blind)
    members, passes = integer("members", members, 1, 1000), integer("passes", passes, 1, 10**6)
    first = first_weights(tuple(twin.maps), RANGES, members, seed=seed, module=module)
    batch = batch_of(twin, twin.known, members, module, blind, seed, differentiable())
    found = fit(misfit, first, [batch], adam(module.rate, passes), passes=passes)
    everywhere = batch_of(twin, np.ones_like(twin.known), members, module, blind, seed, plain())
    values, unseen = runs(found.weights, everywhere), ~twin.known.ravel()
    scores = {name: score(one[..., unseen], in_row(true, ~twin.known)[:, 0]) for name, one, true in zip(
        land.Observed._fields, values, twin.true, strict=True)}
    return LandExperiment(found, values, scores)


@cache
def adam(rate: float, passes: int) -> optax.GradientTransformation:
    """Optimiser whose rate falls to 0.16 of the first over the passes."""
    return optax.adam(optax.exponential_decay(rate, max(1, passes // 2), 0.4))


@cache
def differentiable() -> Any:
    """JAX, which is free to fuse the stencils: a step of columns is small."""
    return on_jax.create(native=False, kernels=Kernels(barriers=False))


@cache
def plain() -> Any:
    """NumPy, for which nothing is compiled."""
    return on_numpy.create(communication=Serial())


def batch_of(twin: TwinLand, where: np.ndarray, members: int, module: LandModule, blind: bool, seed: int,
             backend: Any) -> Batch:
    """The batch of some columns [j, i], of which maps are normalised as those of the columns seen."""
    normalisation = normalisation_of([{name: values[twin.known] for name, values in twin.maps.items()}])
    maps = normalisation.normalised(twin.maps)[:, where] * (0.0 if blind else 1.0)
    columns = even_columns((members, int(where.sum())), backend)
    seen = land.Observed(*(in_row(values, where) for values in twin.seen))
    return Batch(columns, land.Weather(*(in_row(values, where) for values in twin.weather)), maps,
                 perturbed(seen, ERRORS, members, seed), ERRORS, module)


@cache
def even_columns(cells: tuple[int, int], backend: Any) -> land.Land:
    """Columns with parameters as they are anywhere; the same object again, for which nothing is compiled anew."""
    return land.Land(cells, land.Parameters(), backend)


def runs(weights: LandWeights, batch: Batch) -> land.Observed:
    """Observed quantities [time, member, column] of runs on NumPy, with the same weights."""
    weights = jax.tree.map(lambda leaf: np.asarray(leaf) if equinox.is_array(leaf) else leaf, weights)
    columns = columns_of(weights, batch)
    _, seen = columns.run(columns.start(), batch.weather, land.observe)
    return seen


def score(values: np.ndarray, true: np.ndarray) -> Score:
    """The score of the mean of members, of values [time, member, column], against the truth [time, column]."""
    mean = values.mean(axis=1)
    return Score(float(np.corrcoef(mean.ravel(), true.ravel())[0, 1]), float(np.sqrt(((mean - true) ** 2).mean())))


def table_of(results: dict[str, LandExperiment], names: tuple[str, ...] = ("gpp", "respiration", "net_exchange", "evaporation",
                                                                           "leaf_area", "water_storage")) -> str:
    """A table of skill: correlation and error in columns that were not seen, a row for each result by name."""
    width = max(map(len, results))
    lines = ["  ".join([" " * width, *(f"{name:>15}" for name in names)])]
    for who, result in results.items():
        cells = (f"{result.scores[name].correlation:7.3f} {result.scores[name].error:7.2f}" for name in names)
        lines.append("  ".join([f"{who:{width}}", *cells]))
    return "\n".join(lines)
