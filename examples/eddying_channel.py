"""Eddying channel: a network of subgrid fluxes for cells of 40 km, trained on a run with cells of 10 km, and then in the solver.

`python examples/eddying_channel.py PICTURE` takes some six minutes of a core; `dycore.learning.eddying_experiment` says what it
trains and what it finds.
"""

import sys

from dycore import learning
from dycore.learning.eddying_experiment import DAY, LOOK, STEP, experiment

COLOURS = {"truth": "k", "none": "C0", "offline": "C1", "online": "C2"}


def draw(grid, errors, climates, path):
    """Picture of the errors of forecasts, of spectra, and of the mean current and temperature of the uppermost level."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    (first, second), (third, fourth) = figure.subplots(2, 2)
    for name, each in errors.items():
        first.plot([look * LOOK / DAY for look in range(1, 1 + len(each))], each, COLOURS[name])
    first.set(xlabel="days of a forecast", ylabel="error / standard deviation of the flow")
    for name, each in climates.items():
        second.semilogy(range(1, 1 + len(each.spectrum)), each.spectrum, COLOURS[name], label=name)
        third.plot(each.u[-1], grid.y / 1000.0, COLOURS[name])
        fourth.plot(each.theta[-1], grid.y / 1000.0, COLOURS[name])
    second.set(xlabel="zonal wavenumber", ylabel="kinetic energy of u (m2/s2)")
    second.legend()
    third.set(xlabel="mean zonal current at the surface (m/s)", ylabel="y (km)")
    fourth.set(xlabel="mean temperature there (degrees C)", ylabel="y (km)")
    figure.savefig(path)


def main(runs_on=None, cells=(3, 16, 32), picture=None, **sizes):
    """Returns errors of forecasts by lead time, climates, and networks, each by name. sizes: those of `experiment`."""
    errors, climates, networks = experiment(runs_on, cells, **sizes)
    grid, *_ = learning.eddying_channel(cells, STEP)
    for name, each in errors.items():
        print(f"{name}: error at the end {each[-1]:.3f}, {learning.departures(grid, climates[name], climates['truth'])}")
    if picture:
        draw(grid, errors, climates, picture)
    return errors, climates, networks


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
