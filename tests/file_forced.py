"""An ocean with all forcings from a file, for tests of backends, restarts and ranks."""

import numpy as np
import xarray as xr

from dycore.calendars import date
from dycore.fluid import Ocean
from dycore.grid import latitude_longitude
from dycore.parameters import Parameters
from dycore.physics import fresh_water_flux, heat_flux, short_wave, surface_relaxation
from dycore.records import records, stress_records
from dycore.state import initial_state

UNITS = {"taux": "N m-2", "tauy": "dyn cm-2", "qnet": "W m-2", "sun": "W m-2", "rain": "mm/day", "sst": "K"}
SIZES = {"taux": 0.2, "tauy": 1.0, "qnet": 100.0, "sun": 200.0, "rain": 5.0, "sst": 5.0}


def write(path):
    """Hourly records of noise on a region that is wider than the grid, southward, of which a part is land."""
    random, lon, lat = np.random.default_rng(5), np.arange(-60.0, 21.0, 5.0), np.arange(35.0, -36.0, -5.0)
    hours = ("time", np.arange(5.0), {"units": "hours since 2000-01-01", "calendar": "noleap"})
    values = {name: SIZES[name] * random.standard_normal((5, len(lat), len(lon))) for name in UNITS}
    values["sst"] += 283.0
    for field in values.values():
        field[:, 4:8, 3:6] = np.nan
    xr.Dataset({name: (("time", "lat", "lon"), field, {"units": UNITS[name]}) for name, field in values.items()},
               {"time": hours, "lat": lat, "lon": lon}).to_netcdf(path)


def case(path):
    """(grid, parameters, state) of a rotated region; records change in the middle of steps."""
    grid = latitude_longitude((3, 7, 9), interfaces=np.array([-400.0, -150.0, -40.0, 0.0]), latitudes=(-20.0, 20.0),
                              longitudes=(-25.0, 25.0), pole=(160.0, 85.0))
    start = date("2000-01-01", "noleap")

    def of(name, unit):
        return records(path, grid, unit, name, start=start)

    forcing = (heat_flux(0, of("qnet", "W m-2")), short_wave(grid, 0, of("sun", "W m-2")),
               fresh_water_flux(1, of("rain", "kg m-2 s-1")), surface_relaxation(0, of("sst", "degree_C"), 86400.0))
    parameters = Parameters(Ocean(), time_step=1000.0, substeps=24, tracer_names=("temperature", "salinity"), start=start,
                            forcing=forcing, surface_stress=stress_records(path, grid, ("taux", "tauy"), start=start))
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(10.0, 35.0))
