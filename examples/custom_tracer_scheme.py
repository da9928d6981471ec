"""Custom tracer scheme: face values of one's own, passed as functions, carry a square patch of dye once around a plane."""

import sys
from dataclasses import replace

import numpy as np

from dycore import Model, Parameters
from dycore.backends import on_numpy
from dycore.equations.advection import upwind3
from dycore.equations.steppers import WickerSkamarock
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.state import initial_state
from dycore.stencils import maximum, minimum, stencil, where
from dycore.tiles import Boundary


@stencil
def upwind1(velocity, c3, c2, c1, d1, d2, d3):
    """First-order face value: of three values on either side of a face, the nearest one upstream."""
    return where(velocity > 0.0, c1, d1)


@stencil
def limited(velocity, c3, c2, c1, d1, d2, d3):
    """Second-order face value, first-order at an extremum: half the smaller of two differences (minmod) is added."""
    upstream, difference = where(velocity > 0.0, c1, d1), where(velocity > 0.0, d1 - c1, c1 - d1)
    before = where(velocity > 0.0, c1 - c2, d1 - d2)
    return upstream + 0.5 * (maximum(0.0, minimum(before, difference)) + minimum(0.0, maximum(before, difference)))


def draw(patch, dye, path):
    """Picture of the dye at the beginning, and at the end by each scheme."""
    from matplotlib.figure import Figure
    figure, named = Figure(figsize=(12.0, 2.8), layout="constrained"), {"start": patch} | {each.__name__: dye[each] for each in dye}
    for place, (name, values) in enumerate(named.items(), start=1):
        words = {"title": f"{name}: {values.min():.2f} to {values.max():.2f}", "xlabel": "x (m)", "ylabel": "y (m)"}
        figure.add_subplot(1, len(named), place, **words).pcolormesh(values, vmin=-0.2, vmax=1.2)
    figure.savefig(path)


def main(backend=on_numpy, cells=(1, 24, 32), schemes=(upwind1, limited, upwind3), picture=None):
    """Returns the dye [j, i] at the beginning, and a dictionary of scheme and dye at the end."""
    grid = rectilinear(cells, extent=(32.0, 24.0), interfaces=np.array([-1.0, 0.0]), y_boundary=Boundary.PERIODIC)
    patch = (abs(grid.x - 16.0) < 6.0) & (abs(grid.y - 12.0) < 5.0)[:, None]
    parameters = Parameters(fluid=shallow_water(gravity=0.05), time_step=0.32, tracer_names=("dye",), stepper=WickerSkamarock())
    start, dye = initial_state(grid, surface=0.0, u=1.0, v=0.75, tracers=(patch[None],)), {}
    for scheme in schemes:
        model = Model(grid, replace(parameters, tracer_face=scheme), backend)
        dye[scheme] = model.dataset(model.run(start, steps=100, progress=False)).dye.values[0]
        kept = dye[scheme].var() / patch.var()
        print(f"{scheme.__name__:8} dye from {dye[scheme].min():6.3f} to {dye[scheme].max():.3f}, {kept:4.0%} of its variance kept")
    if picture:
        draw(patch, dye, picture)
    return patch, dye


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
