"""Eddying channel: a network of subgrid fluxes for cells of 40 km, trained on a run with cells of 10 km, and then in the solver.

Measured by the calls of `python examples/eddying_channel.py eddying_channel.png` in sequence, some 330 s of one core, of which 172
to train. None (the coarse model with its friction), offline and online against the truth, as the coarse grid sees it:

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

import sys
from dataclasses import replace

from dycore import Model, learning
from dycore.backends import on_jax, on_numba

STEP, DAY, LOOK = 2700.0, 32, 8  # s; coarse steps of a day, and from one look to the next
COLOURS = {"truth": "k", "none": "C0", "offline": "C1", "online": "C2"}
ROLLOUTS = {4: 2, 20: 2}  # passes through all windows, by their length in looks of 6 hours
FRICTION = 0.3  # of the coarse model, over the usual one


def draw(errors, climates, path):
    """Picture of the errors of forecasts, of spectra, and of the mean current and temperature of the uppermost level."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 4.0), layout="constrained")
    first, second, third, fourth = figure.subplots(1, 4)
    for name, each in errors.items():
        first.plot([look * LOOK / DAY for look in range(1, 1 + len(each))], each, COLOURS[name])
    first.set(xlabel="days", ylabel="error / standard deviation of the flow")
    for name, each in climates.items():
        second.loglog(range(1, 1 + len(each.spectrum)), each.spectrum, COLOURS[name], label=name)
        third.plot(each.u[-1], range(len(each.u[-1])), COLOURS[name])
        fourth.plot(each.theta[-1], range(len(each.u[-1])), COLOURS[name])
    second.legend(title="spectra of u (m2/s2) by wavenumber")
    third.set(xlabel="mean u at the surface (m/s)", ylabel="row")
    fourth.set(xlabel="mean temperature there (degree C)")
    figure.savefig(path)


def main(runs_on=None, cells=(3, 16, 32), finer=4, spin_up=150, single=200, windows=60, passes=60, rollouts=ROLLOUTS,
         gap=20, tests=12, long=1000, picture=None):
    """Returns errors of forecasts by lead time, climates of `long` days, and networks, each by name."""
    levels, rows, columns = cells
    grid, parameters, _ = learning.eddying_channel(cells, STEP, FRICTION)
    substeps, looks = max(1, finer // 2), max(rollouts)  # fine steps in a coarse one
    fine, fine_parameters, state = learning.eddying_channel((levels, finer * rows, finer * columns), STEP / substeps)
    truth = Model(fine, fine_parameters, runs_on or on_numba)
    state, ones = learning.coarse_windows(truth, truth.steps(state, spin_up * DAY * substeps), grid, single, 1, substeps, 24)
    state, kept = learning.coarse_windows(truth, state, grid, windows, looks, LOOK * substeps, max(1, looks // 2))
    samples = learning.lacking_rates(Model(grid, parameters, truth.backend), ones)
    network, error = learning.random_subgrid_fluxes(0, grid, samples), learning.error_between(grid, learning.seen_in(kept))
    closed = replace(parameters, forcing=(*parameters.forcing, learning.subgrid_fluxes(grid, network)))
    model = Model(grid, closed, on_jax.create(native=False))
    run = Model(grid, closed, runs_on or model.backend)
    offline = learning.fitted_to_lacking_rates(model, network, samples, passes)
    networks = {"offline": offline, "online": learning.fluxes_fitted_in_rollouts(model, offline, kept, error, rollouts, LOOK)}
    models = {"none": Model(grid, parameters, truth.backend)} | {
        name: learning.with_subgrid_fluxes(run, each) for name, each in networks.items()}
    state, held_out = learning.coarse_windows(truth, truth.steps(state, gap * DAY * substeps), grid, tests, looks, LOOK * substeps,
                                              looks)
    errors = {name: learning.forecast_errors(each, held_out, error, LOOK, learning.flow) for name, each in models.items()}
    there = learning.coarse_grained(fine, grid)
    climates = {"truth": learning.climate(truth, state, long, DAY * substeps, lambda state: learning.flow(there(state)))[1]} | {
        name: learning.climate(each, held_out[0].start, long, DAY)[1] for name, each in models.items()}
    for name, each in errors.items():
        print(f"{name}: error at the end {each[-1]:.3f}, {learning.departures(grid, climates[name], climates['truth'])}")
    if picture:
        draw(errors, climates, picture)
    return errors, climates, networks


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
