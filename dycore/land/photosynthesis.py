"""Photosynthesis of a canopy in a day by the Aggregated Canopy Model (ACM).

    g   = |psi|^a10 / (a6 R + (T_max - T_min) / 2)            conductance of the canopy
    p   = L e exp(a8 T_max) / g                               L: leaf area index, e: canopy efficiency
    c_i = 1/2 [c_a + q - p + sqrt((c_a + q - p)^2 - 4 (c_a q - a3 p))],    q = a3 - a4
    E0  = a7 L^2 / (L^2 + a9)
    GPP = E0 S g (c_a - c_i) / (E0 S + g (c_a - c_i)) (a2 D + a5)           S: short-wave radiation, D: length of the day

    Williams, Rastetter, Fernandes, Goulden, Shaver and Johnson 1997, Ecol. Appl. 7, 882: the model
    Fox et al. 2009, Agric. For. Meteorol. 149, 1597 (REFLEX), and Bloom and Williams 2015, Biogeosciences 12, 1299: these constants
"""

from __future__ import annotations

from typing import Any

from dycore.land.phenology import exponential
from dycore.stencils import square_root, stencil, where

A2, A3, A4, A5, A6 = 0.0156935, 4.22273, 208.868, 0.0453194, 0.37836
A7, A8, A9, A10 = 7.19298, 0.011136, 2.1001, 0.789798
CONDUCTANCE = 2.0**A10  # of a difference of water potential between soil and leaf of 2 MPa, and a resistance R of 1


@stencil
def acm(j, i, canopy, weather, carbon):
    """GPP without lack of water [j, i] (g C/(m2 day)); none without leaves, radiation or carbon dioxide above a3.

    c_a - c_i is written without the difference: 2 p (c_a - a3) / (c_a - q + p + sqrt((c_a - q - p)^2 + 4 a4 p)).
    """
    leaf_area, warmest, outside = canopy.leaf_area[j, i], weather.maximum_temperature[j, i], weather.carbon_dioxide[j, i]
    conductance = CONDUCTANCE / (A6 + 0.5 * (warmest - weather.minimum_temperature[j, i]))
    p = leaf_area * carbon.canopy_efficiency[j, i] * exponential(A8 * warmest) / conductance
    room = outside - (A3 - A4)
    inside = room + p + square_root((room - p) * (room - p) + 4.0 * A4 * p)
    diffused = conductance * where(outside > A3, 2.0 * p * (outside - A3) / inside, 0.0)
    absorbed = A7 * leaf_area * leaf_area / (leaf_area * leaf_area + A9) * weather.shortwave[j, i]
    both = absorbed + diffused
    return absorbed * diffused / where(both > 0.0, both, 1.0) * (A2 * weather.day_length[j, i] + A5)


def is_stencil(function: Any) -> bool:
    """Whether a photosynthesis is a stencil; otherwise it is a function of arrays."""
    return bool(getattr(function, "is_stencil", False))
