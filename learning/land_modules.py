"""Modules of the land: the process model, the process model with a network for photosynthesis, and a network for all of it.

    experiment(twin, PROCESS)    experiment(twin, HYBRID)    experiment(twin, NETWORK)         (dycore.learning.land_experiment)

The same parameters from maps, the same observations and the same training: what differs is this one argument. Networks are
functions in the array API (dycore.learning.column_network), so that they run under NumPy, Numba and JAX; their weights are trained
with those of the network of maps.

Measured by `python examples/land_modules.py`, where frost and dry air slow the true photosynthesis, which ACM does not know of:
correlation and error (root mean square, in units of `dycore.land.Observed`) of daily values in the 60 columns that were not seen

    |                                                 | GPP        | respiration | net exchange | evaporation | leaf area  |
    | process model                                   | 0.936 0.72 | 0.912 0.55  | 0.922 0.45   | 0.986 0.18  | 0.956 0.46 |
    | process model with a network for photosynthesis | 0.972 0.48 | 0.957 0.38  | 0.942 0.40   | 0.987 0.17  | 0.966 0.40 |
    | network                                         | 0.842 1.11 | 0.792 0.80  | 0.792 0.73   | 0.913 0.44  | 0.834 0.85 |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dycore.land.carbon import Pools
from dycore.land.model import Coefficients, Fluxes, Land, LandState
from dycore.land.water import Canopy, Reservoirs
from dycore.land.weather import Weather
from dycore.learning.column_network import ColumnNetwork, of_columns, share
from dycore.learning.seeds import random_numbers

WEATHER = {"minimum_temperature": (5.0, 10.0), "maximum_temperature": (14.0, 10.0), "shortwave": (10.0, 6.0),
           "vapour_pressure_deficit": (7.0, 5.0), "day_length": (12.0, 3.0)}  # typical mean and deviation, in their units
POOLS = {"labile": 150.0, "leaves": 100.0, "roots": 300.0, "wood": 5000.0, "litter": 300.0, "soil": 8000.0, "root_zone": 150.0,
         "deep": 80.0}  # typical amounts
SEEN = {"gpp": 15.0, "autotrophic": 7.0, "heterotrophic": 6.0, "evaporation": 6.0}  # fluxes of a network: twice what is usual
HIDDEN = 24
MEMORY = 0.05  # 1/day: by which logarithms of pools approach what a network says
WIDEST = 2.5  # of the logarithm of a pool about what is typical
GREATEST = 40.0  # g C/(m2 day), that a network gives as GPP at most


class LandModule(NamedTuple):
    """Module of the land: a function (columns, weights, maps [map, column]) -> columns, and one (key, maps) -> first weights."""

    name: str
    columns: Callable[[Land, Any, Any], Land]
    first: Callable[[int, int], Any]
    rate: float = 0.05  # of the optimiser


def as_it_is(columns: Land, weights: Any, maps: Any) -> Land:
    """The process model."""
    return columns


def no_weights(seed: int, maps: int) -> None:
    """Weights of a module that has none."""


def layers_at_random(seed: int, inputs: int, outputs: int) -> tuple:
    """Layers of a network of two hidden layers, the last of them small."""
    random, sizes = random_numbers(seed), (inputs, HIDDEN, HIDDEN, outputs)
    layers = [np.concatenate([np.zeros((n, 1)), random.standard_normal((n, m)) / m**0.5], axis=1)
              for m, n in pairwise(sizes)]
    return (*layers[:-1], 0.1 * layers[-1])


def answer(layers: tuple, inputs: list[tuple[Any, float, float]], outputs: int) -> Any:
    """Outputs [n, j, i] without unit of a network, of planes [j, i] each with its typical mean and deviation."""
    planes, means, deviations = zip(*inputs, strict=True)
    typical = np.array([means, deviations], planes[0].dtype)
    return of_columns(ColumnNetwork(layers, typical, np.array([[0.0] * outputs, [1.0] * outputs], planes[0].dtype)), *planes)


def of_weather(weather: Weather) -> list[tuple[Any, float, float]]:
    """Planes of the weather that a network is given."""
    return [(getattr(weather, name), mean, deviation) for name, (mean, deviation) in WEATHER.items()]


# Photosynthesis by a network


def first_photosynthesis(seed: int, maps: int) -> tuple:
    """First layers of a photosynthesis: of the weather, leaf area and canopy efficiency."""
    return layers_at_random(seed, len(WEATHER) + 2, 1)


def with_photosynthesis(columns: Land, layers: tuple, maps: Any) -> Land:
    """The process model with a network in the place of ACM, which takes nothing where there are no leaves."""
    def photosynthesis(canopy: Canopy, weather: Weather, carbon: Any) -> Any:
        given = [(canopy.leaf_area, 2.5, 2.0), (carbon.canopy_efficiency, 20.0, 10.0), *of_weather(weather)]
        library = canopy.leaf_area.__array_namespace__()
        covered = 1.0 - library.exp(-0.5 * canopy.leaf_area)
        return GREATEST * covered * share(answer(layers, given, 1)[0] - 2.0)

    return replace(columns, photosynthesis=photosynthesis)


# All of it by a network


def first_network(seed: int, maps: int) -> tuple:
    """First layers of a land: of pools, the weather, the rain of the day and maps."""
    return layers_at_random(seed, len(POOLS) + len(WEATHER) + 2 + maps, len(POOLS) + len(SEEN))


def with_network(columns: Land, layers: tuple, maps: Any) -> Land:
    """A network in the place of the process model: it says whither logarithms of pools go, which are its memory, and gives fluxes.

    Nothing is conserved; runoff, drainage and the fluxes of energy, which it does not give, are no numbers (NaN).
    """
    def changes(state: LandState, weather: Weather) -> tuple:
        library, (pools, reservoirs) = state.pools.labile.__array_namespace__(), state
        held = (*pools, reservoirs.root_zone, reservoirs.deep)
        logarithms = [(library.log(library.maximum(values, 1.0e-3)), float(np.log(typical)), 1.0)
                      for values, typical in zip(held, POOLS.values(), strict=True)]
        rain = library.log(1.0 + library.maximum(weather.precipitation, 0.0))
        own = [(library.broadcast_to(library.asarray(row, dtype=pools.labile.dtype), rain.shape), 0.0, 1.0) for row in maps]
        season = (weather.season_sine * weather.season_cosine, 0.0, 0.3)
        given = [*logarithms, *of_weather(weather), (rain, 0.5, 0.8), season, *own]
        found = answer(layers, given, len(POOLS) + len(SEEN))
        grown = [library.exp(typical + (1.0 - MEMORY) * (logarithm - typical) + MEMORY * WIDEST * library.tanh(row))
                 for (logarithm, typical, _), row in zip(logarithms, found, strict=False)]
        fluxes = [most * share(row - 1.0) for row, most in zip(found[len(POOLS):], SEEN.values(), strict=True)]
        return *grown, *fluxes

    def process(apply: Callable, photosynthesis: Callable, coefficients: Coefficients, state: LandState, weather: Weather,
                days: Any) -> tuple[LandState, Fluxes]:
        *held, gpp, plants, soil, evaporated = apply(changes, state, weather)
        leaf_area, none = apply(leaves_of, state.pools.leaves, coefficients.carbon.leaf_carbon_area)
        root_zone, deep = held[6:]
        return LandState(Pools(*held[:6]), Reservoirs(root_zone, deep, state.reservoirs.temperature)), Fluxes(
            gpp, plants, soil, evaporated, none, none, none, none, none, leaf_area, none)

    return replace(columns, process=process)


def leaves_of(leaves: Any, leaf_carbon_area: Any) -> tuple:
    """Leaf area index, and no number for what a network does not say."""
    return leaves / leaf_carbon_area, leaves * np.nan


PROCESS = LandModule("process model", as_it_is, no_weights)
HYBRID = LandModule("process model with a network for photosynthesis", with_photosynthesis, first_photosynthesis)
NETWORK = LandModule("network", with_network, first_network, rate=0.01)
