"""Sensitivity: from where the sea level on a coast comes, as its gradient by the wind and by the sea level of a day before."""

import sys
from dataclasses import replace

import jax
import numpy as np

from dycore import Model, Parameters, initial_state, learning
from dycore.backends import on_jax
from dycore.fluid import Ocean, no_buoyancy
from dycore.grid import interior, rectilinear
from dycore.tiles import Boundary

SLOPES = "by the eastward stress (m per N/m2)", "by the northward stress (m per N/m2)", "by the sea level before (m per m)"


def draw(grid, slopes, coast, path):
    """Picture of the slopes: what comes along the coasts are Kelvin waves, which keep them to their right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 3.6), layout="constrained")
    for axes, (name, slope) in zip(figure.subplots(1, len(slopes)), slopes.items(), strict=True):
        largest = np.quantile(np.abs(slope), 0.99)
        shown = axes.pcolormesh(1e-3 * grid.x, 1e-3 * grid.y, slope, cmap="RdBu_r", vmin=-largest, vmax=largest)
        figure.colorbar(shown, label=name)
        axes.vlines(1e-3 * grid.x[coast[1]], *(1e-3 * grid.y[coast[0][[0, -1]]]), "k", linewidth=4.0, label="asked of here")
        axes.set(xlabel="km", ylabel="km", aspect="equal")
    axes.legend()
    figure.savefig(path)


def main(cells=(1, 48, 64), days=1.0, picture=None):
    """Returns the mean sea level on 500 km of the eastern coast of a basin (a function of wind and sea level, m), and its slopes.

    Wind: eastward and northward stress (N/m2) [j, i], constant for `days`. The basin is 100 m deep and at rest at first.
    """
    grid = rectilinear(cells, extent=(3.2e6, 2.4e6), interfaces=np.array([-100.0, 0.0]), x_boundary=Boundary.WALL,
                       y_boundary=Boundary.WALL, coriolis=1.0e-4)
    calm, coast = np.zeros(cells[1:]), (np.flatnonzero(np.abs(grid.y - grid.y.mean()) < 2.5e5), cells[2] - 1)
    parameters = Parameters(Ocean(buoyancy=no_buoyancy), time_step=600.0, substeps=10, surface_stress=(calm, calm))
    model = Model(grid, parameters, on_jax.create(native=False))
    rest = model.asarrays(initial_state(grid, surface=0.0))

    def sea_level(eastward, northward, before=rest.surface):
        blown = model.with_parameters(replace(parameters, surface_stress=(eastward, northward)))
        end, _ = learning.trajectory(blown, rest._replace(surface=before), round(days * 144))
        return interior(end.surface)[coast].mean()

    eastward, northward, before = on_jax.jit(jax.grad(sea_level, argnums=(0, 1, 2)))(calm, calm, rest.surface)
    slopes = dict(zip(SLOPES, map(np.asarray, (eastward, northward, interior(before))), strict=True))
    for name, slope in slopes.items():
        print(f"slope of the sea level {name}: from {slope.min():.2g} to {slope.max():.2g} a cell")
    if picture:
        draw(grid, slopes, coast, picture)
    return sea_level, slopes


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
