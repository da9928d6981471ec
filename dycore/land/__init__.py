"""Land: columns of carbon (DALEC2 with the photosynthesis ACM), water in two layers and energy, in the stencils of the core.

    from dycore import land
    from dycore.backends import on_numpy

    columns = land.Land((ny, nx), land.Parameters(land.Carbon(canopy_efficiency=efficiency)), on_numpy)
    year = land.weather((ny, nx), np.arange(365.0), latitude=45.0, minimum_temperature=..., ...)
    state, fluxes = columns.run(columns.start(), year)         # fluxes of each step [time, j, i]

Steps are of a day, or shorter. Any number of columns, on NumPy, Numba and JAX, on several processes; JAX differentiates runs by
parameters, pools and weather (`dycore.learning.land_trajectory`).
"""

from dycore.land.carbon import CarbonCoefficients, Pools
from dycore.land.model import Coefficients, Fluxes, Land, LandState, process_step
from dycore.land.observed import Observed, observe
from dycore.land.parameters import RANGES, Carbon, ParameterRange, Parameters, Water, by_name, with_values
from dycore.land.photosynthesis import acm
from dycore.land.water import Canopy, Reservoirs
from dycore.land.weather import Weather, day_length, weather

__all__ = ["RANGES", "Canopy", "Carbon", "CarbonCoefficients", "Coefficients", "Fluxes", "Land", "LandState", "Observed",
           "ParameterRange", "Parameters", "Pools", "Reservoirs", "Water", "Weather", "acm", "by_name", "day_length", "observe",
           "process_step", "weather", "with_values"]
