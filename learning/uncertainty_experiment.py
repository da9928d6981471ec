"""Experiment with uncertainty: how far off 4D-Var and an ensemble filter say that they are, and how far off they are, on one twin.

A wind-driven channel of one layer, whose truth NumPy runs with another advection of momentum, is seen twelve times in a day.
Measured by `python examples/uncertainty.py` (about 65 s of one core a seed), estimates with two deviations on either side:

    seed    wind (truth: 1)                          drag (1e-4 m/s; truth: 5)
            4D-Var               filter              4D-Var             filter
    0       1.03 (0.96, 1.10)    1.02 (0.78, 1.34)   6.5 (4.1, 10.2)    9.7 (4.3, 21.6)
    1       0.98 (0.91, 1.05)    1.10 (0.75, 1.60)   3.8 (1.9, 8.0)     8.7 (3.1, 24.7)
    2       1.04 (0.98, 1.10)    1.09 (0.79, 1.49)   6.7 (4.8, 9.4)     11.6 (5.2, 25.4)

The state of all three: errors are 1.07 (4D-Var) and 0.90 (filter) of the deviations that were given for them; 65 and 76 percent are
within one of these, 93 and 97 within two.

Beforehand wind is 0.7 (0.26, 1.9) and drag 10 (2.5, 41): of drag twenty members learn little, and say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dycore import Model, Parameters, initial_state
from dycore.backends import on_jax, on_numpy
from dycore.equations import momentum, momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.learning.assimilation import assimilate
from dycore.learning.covariance import background_covariance
from dycore.learning.letkf import filtered
from dycore.learning.observations import Observations, at_cells, observed_twin
from dycore.learning.seeds import random_numbers
from dycore.learning.state_fields import field, incremented, open_points
from dycore.learning.uncertain_parameters import UncertainParameter
from dycore.state import State

WIND, DRAG = "surface_stress", "vertical_mixing.linear_drag"
TRUTH = {WIND: 1.0, DRAG: 5e-4}  # a factor, m/s
UNCERTAIN = UncertainParameter(WIND, 0.7, 0.5, factor=True), UncertainParameter(DRAG, 1e-3, 0.7)
ERRORS, SEEN = {"u": 0.003, "v": 0.003, "surface": 0.01}, {"u": 0.001, "v": 0.001, "surface": 0.003}  # of background, observations


def channel(backend: Any, advection: Any = momentum.energy_conserving) -> Model:
    """A model of 8 x 12 cells, 400 m deep, under a westerly wind that is strongest in the middle."""
    grid = rectilinear((1, 8, 12), extent=(1.8e6, 1.2e6), interfaces=np.array([-400.0, 0.0]), coriolis=1e-4, beta=1.5e-11)
    stress = np.broadcast_to(0.1 * np.sin(np.pi * grid.y / 1.2e6)[:, None], (8, 12))
    return Model(grid, Parameters(fluid=shallow_water(), time_step=1200.0, surface_stress=(stress, 0.0), advection=advection,
                                  vertical_mixing=VerticalMixing(linear_drag=TRUTH[DRAG])), backend)


def off(model: Model, estimate: State, deviations: Mapping[str, Any], truth: State) -> tuple[np.ndarray, np.ndarray]:
    """Errors of a state, and deviations of its fields that are given for them, [n] of all fields."""
    errors, expected = [], []
    for name in ERRORS:
        is_open = open_points(model.grid, name)
        errors.append((np.asarray(field(model, truth, name)) - np.asarray(field(model, estimate, name)))[is_open])
        expected.append(np.asarray(deviations[name])[is_open])
    return np.concatenate(errors), np.concatenate(expected)


def twin(truth: Model, seed: int, times: int) -> tuple[Any, ...]:
    """(the truth at first, a background, its covariance, observations, random numbers) of a twin of this seed."""
    grid, rng, kinds = truth.grid, random_numbers(seed), []
    eddy = 0.3 * np.exp(-(((grid.x - 6e5) / 2.5e5) ** 2) - (((grid.y - 6e5) / 2.5e5) ** 2)[:, None])
    start = truth.steps(initial_state(grid, surface=eddy), 72)
    for name, error in SEEN.items():
        is_open = open_points(grid, name)
        index = np.nonzero(is_open & (rng.random(is_open.shape) < 0.4))
        kinds.append(Observations(at_cells(truth, name, *index), np.zeros((times, len(index[0]))), error, 7200.0, index[-2:]))
    covariance = background_covariance(truth, ERRORS, length=2.5e5)
    background = incremented(truth, start, covariance.sample(rng))
    return start, background, covariance, observed_twin(truth, start, kinds, seed), rng


def experiment(seeds: Sequence[int], members: int, times: int, iterations: int, modes: int) -> tuple[dict, dict, np.ndarray]:
    """By method, errors of states over their deviations [n] and distances [seed, parameter] of the truth from estimates in
    deviations, and the filter's rank histogram [m + 1]; estimates are printed as they are found."""
    truth, model, traced = channel(on_numpy, momentum_weno.weno), channel(on_numpy), channel(on_jax.create(native=False))
    errors: dict = {"4D-Var": [], "filter": []}  # over their deviations
    distances: dict = {method: [] for method in errors}
    ranks = np.zeros(members + 1)
    for seed in seeds:
        start, background, covariance, observations, rng = twin(truth, seed, times)
        states = [incremented(model, background, covariance.sample(rng)) for _ in range(members)]
        ensemble = filtered(model, states, observations, UNCERTAIN, radius=6e5, seed=seed)
        analysis = assimilate(traced, background, observations, covariance, UNCERTAIN, iterations=iterations, modes=modes)
        spread = {name: field(model, ensemble.ensemble.spread(), name) for name in ERRORS}
        pairs = (off(model, analysis.state, analysis.posterior.deviations(), start),
                 off(model, ensemble.ensemble.mean(), spread, truth.steps(start, 6 * times)))
        for method, estimates, pair in zip(errors, (analysis.estimates, ensemble.estimates), pairs, strict=True):
            errors[method].append(pair[0] / pair[1])
            distances[method].append([estimates.distance(name, value) for name, value in TRUTH.items()])
            print(f"{seed}, {method}: {estimates}; the truth: {TRUTH}", flush=True)
        ranks += ensemble.rank_histogram
    return ({method: np.concatenate(each) for method, each in errors.items()},
            {method: np.array(each) for method, each in distances.items()}, ranks)
