"""Hybrid: networks of columns in place of the forcing of Held and Suarez, trained on its rates, and then through the solver."""

import sys
from dataclasses import replace

from dycore import Model, cases, learning
from dycore.backends import on_jax

DAY, LOOK = 80, 20  # steps of 1080 s
COLOURS = {"truth": "k", "none": "C0", "offline": "C1", "online": "C2"}
ROLLOUTS = {1: 3, 4: 2, 20: 1}  # passes through all windows, by their length in looks of 6 hours


def draw(grid, errors, climates, path):
    """Picture of the errors of forecasts, of spectra, and of the mean wind of the truth and of the online networks."""
    from matplotlib.figure import Figure
    figure, levels = Figure(figsize=(9.0, 7.0), layout="constrained"), 0.005 * (grid.interfaces[1:] + grid.interfaces[:-1])  # hPa
    (first, second), others = figure.subplots(2, 2)
    for name, each in errors.items():
        first.semilogy([look * LOOK / DAY for look in range(1, 1 + len(each))], each, COLOURS[name])
    first.set(xlabel="days of a forecast", ylabel="error / standard deviation of the flow")
    for name, each in climates.items():
        second.semilogy(range(1, 1 + len(each.spectrum)), each.spectrum, COLOURS[name], label=name)
    second.set(xlabel="zonal wavenumber", ylabel="kinetic energy of u (m2/s2)")
    second.legend()
    for axes, name in zip(others, ("truth", "online"), strict=True):
        figure.colorbar(axes.contourf(grid.y, levels, climates[name].u, range(-40, 41, 5), cmap="RdBu_r", extend="both"), ax=axes)
        axes.set(title=f"mean zonal wind (m/s), {name}", xlabel="latitude (degrees)", ylabel="pressure (hPa)", ylim=levels[[-1, 0]])
    figure.savefig(path)


def main(runs_on=None, cells=(8, 16, 32), spin_up=200, days=40, passes=300, rollouts=ROLLOUTS, long=1000, picture=None):
    """Returns errors of forecasts by lead time, climates of `long` days, and networks, each by name.

    `python examples/hybrid.py hybrid.png`: 346 s of one core, 175 of them to train. None, offline and online against the truth:
    forecasts of 5 days 0.79, 0.045, 0.029 standard deviations of the flow; 1000 days: mean u 6.8, 0.83, 0.42 m/s (another run of
    the truth: 0.19), potential temperature 13.0, 0.61, 0.36 K (0.16), logarithm of spectra 3.7, 0.20, 0.10 (0.08).
    """
    grid, parameters, state = cases.held_suarez(cells, time_step=86400.0 / DAY)
    truth, looks, see = Model(grid, parameters, runs_on or on_jax.create(native=False)), max(rollouts), learning.flow
    state, kept = learning.windows(truth, truth.steps(state, spin_up * DAY), days, looks, LOOK, DAY // LOOK, see)
    samples = learning.column_samples(grid, parameters, [window.start for window in kept])
    physics, error = learning.random_column_physics(0, grid, samples), learning.error_between(grid, samples.flow)
    trained = Model(grid, replace(parameters, forcing=(learning.column_physics(grid, physics),)), on_jax.create(native=False))
    run, offline = Model(grid, trained.parameters, truth.backend), learning.fitted_to_rates(grid, physics, samples, passes)
    networks = {"offline": offline, "online": learning.fitted_in_rollouts(trained, offline, kept, error, rollouts, LOOK)}
    models = {"truth": truth, "none": Model(grid, replace(parameters, forcing=()), truth.backend)} | {
        name: learning.with_physics(run, each) for name, each in networks.items()}
    end, tests = learning.windows(truth, truth.steps(state, days // 2 * DAY), max(1, days // 4), looks, LOOK, 3 * DAY // LOOK, see)
    errors = {name: learning.forecast_errors(each, tests, error, LOOK, see) for name, each in models.items() if each is not truth}
    climates = {name: learning.climate(each, end, long, DAY)[1] for name, each in models.items()}
    for name, each in errors.items():
        print(f"{name}: error at the end {each[-1]:.3f}, {learning.departures(grid, climates[name], climates['truth'])}")
    if picture:
        draw(grid, errors, climates, picture)
    return errors, climates, networks


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
