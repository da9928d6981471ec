"""Seasons: an ocean whose surface follows twelve months of observed temperatures, year after year, with a start date."""

import sys

import numpy as np

from dycore import Model, Parameters, pictures
from dycore.backends import on_numpy
from dycore.calendars import date, monthly
from dycore.fluid import Ocean
from dycore.grid import rectilinear
from dycore.physics import surface_relaxation
from dycore.state import initial_state
from dycore.vertical import stretched

MONTH = 30.0 * 86400.0  # s


def observed(y, shape):
    """Surface temperatures (degree C) of twelve months [12, j, i]: warm in the south, warmest in August."""
    seasonal = 5.0 * np.cos(2.0 * np.pi * (np.arange(12.0) - 7.0) / 12.0)
    south_to_north = 15.0 - 10.0 * y / y[-1]
    return seasonal[:, None, None] + np.broadcast_to(south_to_north[:, None], shape)


def main(backend=on_numpy, cells=(4, 6, 8), days=10.0, picture=None):
    """Returns (temperatures observed [12, j, i], xarray.Dataset at the end)."""
    grid = rectilinear(cells, extent=(1.6e6, 1.2e6), interfaces=stretched(cells[0], 400.0), coriolis=1.0e-4)
    start = date("2000-07-16", "360_day")
    months = observed(grid.y, cells[1:])  # or a variable of a file [time, lat, lon]: one month is read at a time

    parameters = Parameters(fluid=Ocean(), time_step=2400.0, substeps=24, tracer_names=("temperature", "salinity"), start=start,
                            forcing=(surface_relaxation(0, monthly(months, start), MONTH / 100.0),))
    model = Model(grid, parameters, backend)
    state = model.run(initial_state(grid, surface=0.0, tracers=(15.0, 35.0)), days=days)
    end = model.dataset(state)
    print(f"{end.time.item() / 86400.0:g} days {end.time.units.replace('seconds ', '')} ({end.time.calendar}) the surface has "
          f"{end.temperature.isel(height=-1).mean().item():.2f} degrees.")
    if picture:
        pictures.map_of(pictures.field(end, "temperature")).savefig(picture)
    return months, end


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
