"""Assimilation: the state at first, wind and bottom drag of a channel together, from a run that another backend and scheme made."""

import sys
from dataclasses import replace

import numpy as np

from dycore import Model, cases
from dycore.backends import on_jax, on_numba
from dycore.equations import advection, momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.learning import Observations, UncertainParameter, assimilate, at_cells, background_covariance, observed_twin
from dycore.learning.balances import geostrophic
from dycore.learning.state_fields import field, incremented, open_points

DRAG, NAME = 2.0e-3, "vertical_mixing.linear_drag"  # m/s, the truth
UNCERTAIN = UncertainParameter("surface_stress", 0.6, error=0.5, factor=True), UncertainParameter(NAME, 2.0 * DRAG, error=0.7)
ERRORS = {"u": 0.02, "v": 0.02, "surface": 0.03, "temperature": 0.3}  # of the background
SEEN = {"u": (0.2, 0.01), "v": (0.2, 0.01), "surface": (0.4, 0.01), "temperature": (0.2, 0.1)}  # share of points, error


def draw(levels, path):
    """Picture of the sea level at first: the truth, and the errors of background and analysis [j, i], from all three (m)."""
    from matplotlib.figure import Figure

    figure, truth = Figure(figsize=(9.0, 6.0), layout="constrained"), levels[0]
    shown = {"truth": truth, "background less truth": levels[1], "analysis less truth": levels[2]}
    for axes, (title, level) in zip(figure.subplots(3, 1), shown.items(), strict=True):
        options = {} if level is truth else {"vmin": -0.1, "vmax": 0.1, "cmap": "RdBu_r"}
        figure.colorbar(axes.pcolormesh(level - (0.0 if level is truth else truth), **options), ax=axes, label=f"{title} (m)")
    figure.savefig(path)


def main(truth_on=on_numba, cells=(3, 16, 24), days=6.0, spin_up=40.0, iterations=100, uncertain=UNCERTAIN, picture=None):
    """Returns errors of the background and of the analysis by field (root mean square), and the analysis."""
    grid, parameters, start = cases.baroclinic_channel(cells)
    parameters = replace(parameters, time_step=2160.0, substeps=12, vertical_mixing=VerticalMixing(linear_drag=DRAG))
    truth = Model(grid, replace(parameters, tracer_face=advection.weno5, vertical_face=advection.weno3,
                                advection=momentum_weno.weno), truth_on)
    start, is_open = truth.steps(start, round(spin_up * 40)), {name: open_points(grid, name) for name in ERRORS}
    rng, kinds = np.random.default_rng(3), []
    for name, (share, error) in SEEN.items():
        index = np.nonzero(is_open[name] & (rng.random(is_open[name].shape) < share))
        kinds.append(Observations(at_cells(truth, name, *index), np.zeros((round(5 * days), len(index[0]))), error, 17280.0))
    model = Model(grid, parameters, on_jax.create(native=False))
    covariance = background_covariance(model, ERRORS, length=4.0e5, depth=2000.0, balance=geostrophic(model))
    background = incremented(truth, start, covariance.sample(rng))

    found = assimilate(model, background, observed_twin(truth, start, kinds), covariance, uncertain, iterations=iterations)
    before, after = ({name: float(np.sqrt(((field(truth, state, name) - field(truth, start, name))[is_open[name]] ** 2).mean()))
                      for name in ERRORS} for state in (background, found.state))
    print(f"{len(found.cost)} gradients: {found.estimates}; the truth: 1, {DRAG}",
          *(f"error of {name} {before[name]:.3f} to {after[name]:.3f}" for name in ERRORS), sep="\n")
    if picture:
        draw([np.asarray(field(truth, state, "surface")) for state in (start, background, found.state)], picture)
    return before, after, found


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
