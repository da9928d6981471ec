"""Carbon in six pools (DALEC2): what photosynthesis brings is respired, allocated, falls, is decomposed and respired.

    labile  += dt [ a_labile GPP - onset labile ]
    leaves  += dt [ a_leaves GPP + onset labile - fall leaves ]
    roots   += dt [ a_roots GPP - r_roots roots ]
    wood    += dt [ a_wood GPP - r_wood wood ]
    litter  += dt [ fall leaves + r_roots roots - (r_litter + d) f(T) litter ]
    soil    += dt [ r_wood wood + d f(T) litter - r_soil f(T) soil ]                 f(T) = exp(sensitivity T), T in degrees C

All rates are of the pools at the start of a step, of a day or shorter, and what one pool loses another gains, so that their sum
changes by GPP less both respirations, to round-off.

Bloom and Williams 2015, Biogeosciences 12, 1299 (A1 to A6, A9, A10).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.land.parameters import Carbon
from dycore.land.phenology import EMPTIED, Season, exponential, rate_of, season_of
from dycore.stencils import stencil


class CarbonCoefficients(NamedTuple):
    """Parameters of carbon as steps read them, arrays [j, i]."""

    to_leaves: Any  # shares of GPP
    to_labile: Any
    to_roots: Any
    to_wood: Any
    to_air: Any
    onset: Season
    fall: Season
    decomposition_rate: Any
    wood_turnover: Any
    root_turnover: Any
    litter_turnover: Any
    soil_turnover: Any
    temperature_sensitivity: Any
    canopy_efficiency: Any
    leaf_carbon_area: Any


def coefficients_of(xp: Any, carbon: Carbon) -> CarbonCoefficients:
    """Coefficients of parameters that are arrays [j, i] of the library `xp`."""
    net = 1.0 - carbon.autotrophic_fraction
    to_leaves = net * carbon.leaf_fraction
    to_labile = (net - to_leaves) * carbon.labile_fraction
    to_roots = (net - to_leaves - to_labile) * carbon.root_fraction
    labile = season_of(xp, carbon.onset_day, carbon.onset_period, EMPTIED + 0.0 * carbon.onset_day)
    leaves = season_of(xp, carbon.fall_day, carbon.fall_period, -0.5 * xp.log1p(-carbon.leaf_fall_fraction))
    return CarbonCoefficients(to_leaves, to_labile, to_roots, net - to_leaves - to_labile - to_roots, carbon.autotrophic_fraction,
                              labile, leaves, *(getattr(carbon, name) for name in CarbonCoefficients._fields[7:]))


class Pools(NamedTuple):
    """Carbon of the six pools [j, i] (g C/m2)."""

    labile: Any
    leaves: Any
    roots: Any
    wood: Any
    litter: Any
    soil: Any


@stencil
def carbon_step(j, i, pools, gpp, stress, weather, carbon, days):
    """The six pools after so many days, GPP with stress, and the respirations of plants and of litter and soil (g C/(m2 day))."""
    labile, leaves, roots, wood = pools.labile[j, i], pools.leaves[j, i], pools.roots[j, i], pools.wood[j, i]
    gained = gpp[j, i] * stress[j, i]
    warmth = exponential(carbon.temperature_sensitivity[j, i] * 0.5 * (weather.minimum_temperature[j, i]
                                                                       + weather.maximum_temperature[j, i]))
    sine, cosine = weather.season_sine[j, i], weather.season_cosine[j, i]
    unfolding = rate_of(j, i, carbon.onset, sine, cosine) * labile
    falling = rate_of(j, i, carbon.fall, sine, cosine) * leaves
    dying, rotting = carbon.root_turnover[j, i] * roots, carbon.wood_turnover[j, i] * wood
    decomposed = carbon.decomposition_rate[j, i] * warmth * pools.litter[j, i]
    of_litter = carbon.litter_turnover[j, i] * warmth * pools.litter[j, i]
    of_soil = carbon.soil_turnover[j, i] * warmth * pools.soil[j, i]
    return (labile + days * (carbon.to_labile[j, i] * gained - unfolding),
            leaves + days * (carbon.to_leaves[j, i] * gained + unfolding - falling),
            roots + days * (carbon.to_roots[j, i] * gained - dying),
            wood + days * (carbon.to_wood[j, i] * gained - rotting),
            pools.litter[j, i] + days * (falling + dying - decomposed - of_litter),
            pools.soil[j, i] + days * (rotting + decomposed - of_soil),
            gained, carbon.to_air[j, i] * gained, of_litter + of_soil)
