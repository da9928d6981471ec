"""Operators of observation: what is seen of the land, from its state and the fluxes of a step; arrays of any library and shape."""

from __future__ import annotations

from typing import Any, NamedTuple

from dycore.inputs.checked_arguments import checked
from dycore.land.model import Fluxes, LandState


class Observed(NamedTuple):
    """Observed quantities [j, i] of one step, or [time, j, i]."""

    leaf_area: Any  # m2/m2
    gpp: Any  # g C/(m2 day)
    respiration: Any  # of the ecosystem, g C/(m2 day)
    net_exchange: Any  # NEE, upwards: respiration less GPP, g C/(m2 day)
    water_storage: Any  # mm
    fluorescence: Any  # W/(m2 um sr)
    evaporation: Any  # mm/day
    biomass: Any  # g C/m2


YIELD = 0.15  # W/(m2 um sr) of fluorescence per g C/(m2 day) of GPP


@checked
def observe(state: LandState, fluxes: Fluxes) -> Observed:
    """All that is observed of a step."""
    return Observed(leaf_area_index(fluxes), gpp(fluxes), respiration(fluxes), net_exchange(fluxes), water_storage(state),
                    fluorescence(fluxes), evaporation(fluxes), biomass(state))


def leaf_area_index(fluxes: Fluxes) -> Any:
    """Leaf area index (m2/m2)."""
    return fluxes.leaf_area


def gpp(fluxes: Fluxes) -> Any:
    """Gross primary production (g C/(m2 day))."""
    return fluxes.gpp


def respiration(fluxes: Fluxes) -> Any:
    """Respiration of the ecosystem: of plants, litter and soil (g C/(m2 day))."""
    return fluxes.autotrophic + fluxes.heterotrophic


def net_exchange(fluxes: Fluxes) -> Any:
    """Net exchange of the ecosystem (NEE), upwards positive (g C/(m2 day)); without fires also that of the biome (NBE)."""
    return respiration(fluxes) - fluxes.gpp


def water_storage(state: LandState) -> Any:
    """Water in the root zone and below (mm), of which satellites of gravity see the anomaly."""
    return state.reservoirs.root_zone + state.reservoirs.deep


def fluorescence(fluxes: Fluxes, per_gpp: float = YIELD) -> Any:
    """Sun-induced fluorescence of chlorophyll, in proportion to GPP (W/(m2 um sr))."""
    return per_gpp * fluxes.gpp


def evaporation(fluxes: Fluxes) -> Any:
    """Evaporation of plants and soil (mm/day)."""
    return fluxes.evaporation


def biomass(state: LandState) -> Any:
    """Carbon of living plants (g C/m2)."""
    return state.pools.labile + state.pools.leaves + state.pools.roots + state.pools.wood


def carbon(state: LandState) -> Any:
    """Carbon of all pools (g C/m2)."""
    return biomass(state) + state.pools.litter + state.pools.soil
