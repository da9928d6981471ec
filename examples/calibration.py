"""Calibration: wind and bottom drag of a channel from its currents, with the cost along each and the error of the estimates."""

import sys
from dataclasses import replace

import numpy as np

from dycore import Model, cases
from dycore.backends import on_jax, on_numba
from dycore.equations import advection, momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.learning import Observations, UncertainParameter, at_cells, calibrate, cost_along, observed_twin
from dycore.learning.state_fields import open_points

WIND, DRAG = "surface_stress", "vertical_mixing.linear_drag"
TRUTH = {WIND: 1.0, DRAG: 2.0e-3}
LABELS = {WIND: "wind stress over the true one", DRAG: "linear bottom drag (m/s)"}
UNCERTAIN = (UncertainParameter(WIND, 0.6, error=0.5, factor=True), UncertainParameter(DRAG, 4.0e-3, error=0.7))


def draw(curves, found, path):
    """Picture of the cost along each parameter, with the truth and the estimate."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    for axes, curve in zip(np.atleast_1d(figure.subplots(1, len(curves))), curves, strict=True):
        axes.semilogx(curve.values, curve.costs, "o-", label="cost, the other at its background")
        axes.axvline(TRUTH[curve.name], color="black", label="truth")
        axes.axvspan(*found.estimates.interval(curve.name), color="tab:orange", alpha=0.5, label="estimate, two deviations")
        axes.set(xlabel=LABELS[curve.name], ylabel="cost (no unit)")
    axes.legend()
    figure.savefig(path)


def main(truth_on=on_numba, cells=(3, 16, 24), days=6.0, spin_up=40.0, picture=None):
    """Returns the cost curves and the calibration of two parameters from `days` of velocities, seen five times a day."""
    grid, parameters, start = cases.baroclinic_channel(cells)
    parameters = replace(parameters, time_step=2160.0, substeps=12, vertical_mixing=VerticalMixing(linear_drag=TRUTH[DRAG]))
    truth = Model(grid, replace(parameters, tracer_face=advection.weno5, vertical_face=advection.weno3,
                                advection=momentum_weno.weno), truth_on)
    start = truth.steps(start, round(spin_up * 40))
    rng, kinds = np.random.default_rng(3), []
    for name in ("u", "v"):
        index = np.nonzero(open_points(grid, name) & (rng.random(cells) < 0.2))
        kinds.append(Observations(at_cells(truth, name, *index), np.zeros((round(5 * days), len(index[0]))), 0.01, 17280.0))
    observations = observed_twin(truth, start, kinds)

    curves = cost_along(Model(grid, parameters, truth_on), start, observations, UNCERTAIN)
    found = calibrate(Model(grid, parameters, on_jax.create(native=False)), start, observations, UNCERTAIN)
    print(f"{len(found.cost)} runs with slopes: {found.estimates} with two deviations; the truth: {TRUTH}")
    if picture:
        draw(curves, found, picture)
    return curves, found


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
