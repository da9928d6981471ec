"""Custom forcing: sunlight that an ocean absorbs over its upper tens of metres, written as a stencil of one's own."""

import sys
from typing import NamedTuple

import numpy as np

from dycore import Model, Parameters, pictures
from dycore.backends import on_numpy
from dycore.fluid import Ocean
from dycore.forcing import Forcing
from dycore.grid import rectilinear
from dycore.physics.surface import HEAT_CAPACITY
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.vertical import stretched

DENSITY, CLEARNESS = 1025.0, 23.0  # kg/m3, and m over which sunlight falls by a factor of e


class Sunlight(NamedTuple):
    """What the forcing is made of."""

    flux: np.ndarray  # into the sea [j, i] (W/m2)
    absorbed: np.ndarray  # share of it that stays in a level [k]


@stencil
def warming(k, j, i, grid, column, values, now):
    """Rate of temperature by the sunlight that stays in a level (K/s)."""
    heat = values.flux[j, i] * values.absorbed[k] / (DENSITY * HEAT_CAPACITY)
    return heat * grid.inverse_dr[k] / column.stretching[j, i]


def main(backend=on_numpy, cells=(8, 12, 16), days=2.0, picture=None):
    """Returns (flux [j, i] in W/m2, xarray.Dataset before, and after)."""
    grid = rectilinear(cells, extent=(8.0e5, 6.0e5), interfaces=stretched(cells[0], 400.0), coriolis=1.0e-4)
    flux = 200.0 * np.sin(np.pi * grid.y / 6.0e5)[:, None] * np.ones(cells[2])
    light = np.exp(grid.interfaces / CLEARNESS)
    sunlight = Forcing(tracers=(warming, None), values=Sunlight(flux, np.diff(light)))

    parameters = Parameters(fluid=Ocean(), time_step=1200.0, substeps=24, tracer_names=("temperature", "salinity"),
                            forcing=(sunlight,))
    start = initial_state(grid, surface=0.0, tracers=(15.0, 35.0))
    model = Model(grid, parameters, backend)
    before, after = model.dataset(start), model.dataset(model.run(start, days=days))
    warmer = (after.temperature - before.temperature).isel(height=-1)
    print(f"The uppermost {-grid.interfaces[-2]:.0f} m are {warmer.max().item():.2f} K warmer after {days:g} days.")
    if picture:
        pictures.section(pictures.field(after, "temperature")).savefig(picture)
    return flux, before, after


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
