"""Forcing from a file: monthly wind, sunlight and surface temperature, on points of their own, drive an ocean for a few days."""

import sys
from tempfile import mkdtemp

import numpy as np
import xarray as xr

from dycore import Model, Parameters, initial_state, pictures
from dycore.backends import on_numpy
from dycore.calendars import date
from dycore.fluid import Ocean
from dycore.grid import latitude_longitude
from dycore.physics import short_wave, surface_relaxation
from dycore.records import records, stress_records


def main(path, days=2.0, picture=None):
    """Makes a file of months with rows southward, kelvin and land (NaN); returns (grid, parameters, xarray.Dataset at the end)."""
    lon, lat, month = (xr.DataArray(values, {name: values}, name) for name, values in (
        ("lon", np.arange(-177.5, 180.0, 5.0)), ("lat", np.arange(87.5, -90.0, -5.0)), ("month", np.arange(1.0, 13.0))))
    warmth = (0.0 * lon + np.cos(np.radians(lat + 10.0 * np.cos(np.pi * (month - 1.0) / 6.0)))).where((lon < 50.0) | (lat > 20.0))
    fields = {"taux": (-0.1, "N m-2"), "tauy": (0.0, "N m-2"), "sun": (250.0, "W m-2"), "sst": (300.0, "K")}
    xr.Dataset({name: (size * warmth).assign_attrs(units=unit) for name, (size, unit) in fields.items()}).to_netcdf(path)

    grid = latitude_longitude((3, 8, 10), interfaces=np.array([-900.0, -200.0, -50.0, 0.0]), latitudes=(10, 50), longitudes=(0, 60))
    months = {"start": date("2000-07-01", "360_day"), "repeat": True}
    wind = stress_records(path, grid, ("taux", "tauy"), **months)
    sun, sst = records(path, grid, "W m-2", "sun", **months), records(path, grid, "degree_C", "sst", **months)
    parameters = Parameters(Ocean(), time_step=2000.0, substeps=30, tracer_names=("temperature", "salinity"), start=months["start"],
                            surface_stress=wind, forcing=(short_wave(grid, 0, sun), surface_relaxation(0, sst, 30.0 * 86400.0)))
    model = Model(grid, parameters, on_numpy)
    end = model.dataset(model.run(initial_state(grid, surface=0.0, tracers=(15.0, 35.0)), days=days))
    print(f"{sst.in_words}\nAfter {days:g} days the surface has {end.temperature.isel(height=-1).mean().item():.2f} degrees.")
    if picture:
        pictures.map_of(pictures.field(end, "temperature")).savefig(picture)
    return grid, parameters, end


if __name__ == "__main__":
    main(f"{mkdtemp()}/climatology.nc", picture=sys.argv[1] if len(sys.argv) > 1 else None)
