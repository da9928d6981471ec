"""Water in two layers, and the energy of the surface.

    d root zone/dt = P - quick runoff - E - percolation,     d deep/dt = percolation - drainage                (mm)
    C dT/dt = R_n - lambda E - H                                                                               (W/m2)

Evaporation E is that of Penman and Monteith, of one conductance G = stress (g_leaf L + g_soil), leaves and wet soil side by side,
in series with that of the air g_a, and of the net radiation R that the surface would have at the temperature of the air:

    lambda E = G (s R + rho c_p g_a D) / (G (s + gamma) + gamma g_a)                 (D: vapour pressure deficit, s = d e_sat/dT)
    R_n = R - 4 eps sigma T_a^3 (T - T_a),      H = rho c_p g_a (T - T_a)            (implicit in T)

never below zero (there is no dew), and no more than the root zone holds. stress = min(1, root zone / (threshold capacity)) slows
photosynthesis too. Of rain the square of the root zone's filling runs off quickly, and so does what goes beyond the capacity;
percolation goes with the square of the filling. There is no snow: what falls is water.

    Monteith 1965, Symp. Soc. Exp. Biol. 19, 205; Allen, Pereira, Raes and Smith 1998, FAO Irrigation and Drainage Paper 56
    Manabe 1969, Mon. Wea. Rev. 97, 739 (a bucket that runs over); Bergstrom 1992, SMHI RH 4 (HBV: runoff of a power of the filling)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.land.phenology import exponential
from dycore.stencils import maximum, minimum, stencil

DAY = 86400.0  # s
VAPORISATION = 2.45e6  # J/kg
HEAT_OF_AIR = 1.2 * 1005.0  # rho c_p, J/(m3 K)
PSYCHROMETRIC = 66.0  # gamma, Pa/K, at 1000 hPa
RADIATION = 0.97 * 5.670374e-8  # eps sigma, W/(m2 K4)
FREEZING = 273.15  # K
EMISSIVITY = 0.97


class Reservoirs(NamedTuple):
    """Water [j, i] (mm) and the surface's temperature [j, i] (degrees C)."""

    root_zone: Any
    deep: Any
    temperature: Any


class Canopy(NamedTuple):
    """Leaf area index [j, i] (m2 of leaves per m2) and stress [j, i], from 0 without water to 1."""

    leaf_area: Any
    stress: Any


@stencil
def canopy_of(j, i, leaves, root_zone, carbon, water):
    """Leaf area index and stress."""
    return (leaves[j, i] / carbon.leaf_carbon_area[j, i],
            minimum(root_zone[j, i] / (water.stress_threshold[j, i] * water.root_zone_capacity[j, i]), 1.0))


@stencil
def water_step(j, i, reservoirs, canopy, weather, water, days):
    """Water and temperature after so many days; evaporation, runoff and drainage (mm/day), and net radiation, latent and sensible
    heat (W/m2)."""
    held, deep = reservoirs.root_zone[j, i], reservoirs.deep[j, i]
    air = 0.5 * (weather.minimum_temperature[j, i] + weather.maximum_temperature[j, i])
    deficit = 100.0 * weather.vapour_pressure_deficit[j, i]
    slope = 4098.0 * 610.8 * exponential(17.27 * air / (air + 237.3)) / ((air + 237.3) * (air + 237.3))
    kelvin = air + FREEZING
    received = (1.0 - water.albedo[j, i]) * weather.shortwave[j, i] * (1.0e6 / DAY) + EMISSIVITY * weather.longwave[j, i]
    isothermal = received - RADIATION * kelvin * kelvin * kelvin * kelvin
    through_air = water.aerodynamic_conductance[j, i]
    conductance = canopy.stress[j, i] * (water.leaf_conductance[j, i] * canopy.leaf_area[j, i] + water.soil_conductance[j, i])
    wanted = conductance * (slope * isothermal + HEAT_OF_AIR * through_air * deficit) / (
        conductance * (slope + PSYCHROMETRIC) + PSYCHROMETRIC * through_air)
    evaporated = minimum(maximum(wanted, 0.0) * (DAY / VAPORISATION), held / days)
    filling = minimum(held / water.root_zone_capacity[j, i], 1.0)
    left = held - days * evaporated
    percolated = water.percolation_rate[j, i] * filling * filling * left
    entered = left - days * percolated + days * (1.0 - filling * filling) * weather.precipitation[j, i]
    kept = minimum(entered, water.root_zone_capacity[j, i])
    runoff = filling * filling * weather.precipitation[j, i] + (entered - kept) / days
    drained = water.drainage_rate[j, i] * deep
    latent = evaporated * (VAPORISATION / DAY)
    radiated, inertia = 4.0 * RADIATION * kelvin * kelvin * kelvin, water.heat_capacity[j, i] / (days * DAY)
    sensible_rate = HEAT_OF_AIR * through_air
    warmer = (inertia * (reservoirs.temperature[j, i] - air) + isothermal - latent) / (inertia + radiated + sensible_rate)
    return (kept, deep + days * (percolated - drained), air + warmer, evaporated, runoff, drained,
            isothermal - radiated * warmer, latent, sensible_rate * warmer)
