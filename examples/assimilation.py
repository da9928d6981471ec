"""Assimilation: the state at first, wind and bottom drag of a channel together, from a run that another backend and scheme made."""

import sys
from dataclasses import replace

import numpy as np

from dycore import Model, cases
from dycore.backends import on_jax, on_numba
from dycore.equations import advection, momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.learning import Observations, UncertainParameter, assimilate, at_cells, background_covariance, observed_twin
from dycore.learning.state_fields import field, incremented, open_points

DRAG = 2.0e-3  # m/s, the truth
UNCERTAIN = (UncertainParameter("surface_stress", 0.6, error=0.5, factor=True),
             UncertainParameter("vertical_mixing.linear_drag", 2.0 * DRAG, error=0.7))
ERRORS = {"u": 0.04, "v": 0.04, "surface": 0.05, "temperature": 0.3}  # of the background, and in the next line of observations
SEEN = {"u": (0.1, 0.02), "v": (0.1, 0.02), "surface": (0.25, 0.02), "temperature": (0.1, 0.1)}  # share of points, error


def draw(truth, background, analysis, path):
    """Picture of the sea level at first: the truth, and the errors of background and analysis [j, i] (m)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    titles = ("truth (m)", "background less truth (m)", "analysis less truth (m)")
    values = (truth - truth.mean(), background - truth, analysis - truth)
    for axes, title, shown, largest in zip(figure.subplots(3, 1), titles, values, (None, 0.1, 0.1), strict=True):
        figure.colorbar(axes.pcolormesh(shown, cmap="RdBu_r", vmin=largest and -largest, vmax=largest), ax=axes, label=title)
    figure.savefig(path)


def main(truth_on=on_numba, cells=(4, 20, 32), days=5.0, spin_up=20.0, iterations=30, picture=None):
    """Returns errors of the background and of the analysis by field (root mean square), and the analysis."""
    grid, parameters, start = cases.baroclinic_channel(cells)
    parameters = replace(parameters, time_step=2160.0, substeps=12, vertical_mixing=VerticalMixing(linear_drag=DRAG))
    truth = Model(grid, replace(parameters, tracer_face=advection.weno5, vertical_face=advection.weno3,
                                advection=momentum_weno.weno), truth_on)
    start, rng, kinds = truth.steps(start, round(spin_up * 40)), np.random.default_rng(3), []
    is_open = {name: open_points(grid, name) for name in ERRORS}
    for name, (share, error) in SEEN.items():
        index = np.nonzero(is_open[name] & (rng.random(is_open[name].shape) < share))
        kinds.append(Observations(at_cells(truth, name, *index), np.zeros((round(4 * days), len(index[0]))), error, 21600.0))
    model = Model(grid, parameters, on_jax.create(native=False))
    covariance = background_covariance(model, ERRORS, length=2.5e5, depth=1000.0)
    background = incremented(truth, start, covariance.sample(rng))

    found = assimilate(model, background, observed_twin(truth, start, kinds), covariance, UNCERTAIN, iterations=iterations)
    before, after = ({name: float(np.sqrt(((field(truth, state, name) - field(truth, start, name))[is_open[name]] ** 2).mean()))
                      for name in ERRORS} for state in (background, found.state))
    print(f"{len(found.cost)} gradients: {found.estimates}; the truth: 1, {DRAG}")
    print(", ".join(f"error of {name} {before[name]:.3f} to {after[name]:.3f}" for name in ERRORS))
    if picture:
        draw(*(np.asarray(field(truth, state, "surface")) for state in (start, background, found.state)), picture)
    return before, after, found


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
