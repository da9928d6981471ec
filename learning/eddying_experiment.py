"""Experiment with an eddying channel: a network of subgrid fluxes for cells of 40 km, trained on a run with cells of 10 km.

Measured by `python examples/eddying_channel.py PICTURE`, some six minutes of one core, of which 172 s to train.

None (the coarse model with its friction), offline and online against the truth, as the coarse grid sees it:

                                                       none    offline  online   (two more runs of the truth)
    forecasts, 12 hours (standard deviations)          0.101   0.055    0.049
               1 day                                   0.114   0.108    0.071
               5 days                                  0.302   0.386    0.207
    1000 days, mean u (m/s)                            0.036   0.041    0.031    (0.005, 0.013)
               mean temperature (K)                    0.107   1.47     0.099    (0.012, 0.041)
               logarithm of spectra                    0.41    2.56     0.15     (0.06, 0.13)

Online beats none by a factor of 1.5 in forecasts of 5 days and of 2.7 in spectra, but by 1.1 alone in the mean state. Offline
beats none for a day alone, though it has 86 % of the variance of the rates that it was trained on: it runs 1000 days too, with
waves of two or three cells of 40 times the energy of the truth. The friction of none is the best of 0.03, 0.1, 0.3, 1 and 3 times
the usual for spectra (2.06, 1.29, 0.41, 1.77, 5.16) and temperature; with the usual one its forecasts of 5 days are off by 0.292.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dycore import Model
from dycore.backends import on_jax, on_numba
from dycore.learning.coarse_graining import coarse_grained
from dycore.learning.coarse_windows import coarse_windows, lacking_rates
from dycore.learning.eddying_channels import eddying_channel
from dycore.learning.flow_scores import climate, error_between, flow
from dycore.learning.hybrid import forecast_errors, seen_in
from dycore.learning.subgrid_fluxes import subgrid_fluxes
from dycore.learning.subgrid_training import (
    fitted_to_lacking_rates,
    fluxes_fitted_in_rollouts,
    random_subgrid_fluxes,
    with_subgrid_fluxes,
)

STEP, DAY, LOOK = 2700.0, 32, 8  # s; coarse steps of a day, and from one look to the next
ROLLOUTS = {4: 2, 20: 2}  # passes through all windows, by their length in looks of 6 hours
FRICTION = 0.3  # of the coarse model, over the usual one


def experiment(runs_on: Any = None, cells: tuple[int, int, int] = (3, 16, 32), finer: int = 4, spin_up: int = 150,
               single: int = 200, windows: int = 60, passes: int = 60, rollouts: Mapping[int, int] = ROLLOUTS, gap: int = 20,
               tests: int = 12, long: int = 1000) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Errors of forecasts by lead time, climates of `long` days, and networks, each by name: truth, none, offline, online.

    runs_on: a backend for all runs that are not trained through; None for the fastest. cells: of the coarse grid, `finer` times as
    many in either direction of the fine one. spin_up, gap: days of the truth before windows for training and for tests. single:
    windows of a step, for rates; windows, tests: windows of rollouts to train on and to test with.
    """
    levels, rows, columns = cells
    grid, parameters, _ = eddying_channel(cells, STEP, FRICTION)
    substeps, looks = max(1, finer // 2), max(rollouts)  # fine steps in a coarse one
    fine, fine_parameters, state = eddying_channel((levels, finer * rows, finer * columns), STEP / substeps)
    truth = Model(fine, fine_parameters, runs_on or on_numba)
    state, ones = coarse_windows(truth, truth.steps(state, spin_up * DAY * substeps), grid, single, 1, substeps, 24)
    state, kept = coarse_windows(truth, state, grid, windows, looks, LOOK * substeps, max(1, looks // 2))
    samples = lacking_rates(Model(grid, parameters, truth.backend), ones)
    network, error = random_subgrid_fluxes(0, grid, samples), error_between(grid, seen_in(kept))
    closed = replace(parameters, forcing=(*parameters.forcing, subgrid_fluxes(grid, network)))
    model = Model(grid, closed, on_jax.create(native=False))
    run = Model(grid, closed, runs_on or model.backend)
    offline = fitted_to_lacking_rates(model, network, samples, passes)
    networks = {"offline": offline, "online": fluxes_fitted_in_rollouts(model, offline, kept, error, rollouts, LOOK)}
    models = {"none": Model(grid, parameters, truth.backend)} | {
        name: with_subgrid_fluxes(run, each) for name, each in networks.items()}
    state, held_out = coarse_windows(truth, truth.steps(state, gap * DAY * substeps), grid, tests, looks, LOOK * substeps,
                                              looks)
    errors = {name: forecast_errors(each, held_out, error, LOOK, flow) for name, each in models.items()}
    there = coarse_grained(fine, grid)
    climates = {"truth": climate(truth, state, long, DAY * substeps, lambda state: flow(there(state)))[1]} | {
        name: climate(each, held_out[0].start, long, DAY)[1] for name, each in models.items()}
    return errors, climates, networks
