"""Parameters of the land: the 23 of DALEC2 for carbon, and those of water and energy, each with unit, meaning and range.

    Bloom and Williams 2015, Biogeosciences 12, 1299 (Table 1: the 23 parameters and ranges of their prior)

The four fractions of allocation share out one after the other, so that none can become negative: leaves take theirs of the net
primary production, labile carbon of what is left, roots of what is left then, and wood has the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from dycore.assembly.values import is_traced
from dycore.inputs.given import NUMBER, PLANE, check_kind, given, integer, points, shown


class Carbon(NamedTuple):
    """Parameters of carbon (DALEC2), numbers or planes [j, i]; the last six are the pools at the start. See `RANGES`."""

    decomposition_rate: Any = 1.0e-3
    autotrophic_fraction: Any = 0.45
    leaf_fraction: Any = 0.2
    labile_fraction: Any = 0.2
    root_fraction: Any = 0.4
    leaf_fall_fraction: Any = 0.8
    wood_turnover: Any = 1.0e-4
    root_turnover: Any = 3.0e-3
    litter_turnover: Any = 3.0e-3
    soil_turnover: Any = 3.0e-5
    temperature_sensitivity: Any = 0.05
    canopy_efficiency: Any = 20.0
    onset_day: Any = 110.0
    onset_period: Any = 30.0
    fall_day: Any = 280.0
    fall_period: Any = 60.0
    leaf_carbon_area: Any = 60.0
    initial_labile: Any = 150.0
    initial_leaves: Any = 60.0
    initial_roots: Any = 200.0
    initial_wood: Any = 8000.0
    initial_litter: Any = 200.0
    initial_soil: Any = 10000.0


class Water(NamedTuple):
    """Parameters of water and energy, numbers or planes [j, i]; the last two are the water at the start. See `RANGES`."""

    root_zone_capacity: Any = 200.0
    stress_threshold: Any = 0.5
    percolation_rate: Any = 0.03
    drainage_rate: Any = 0.01
    leaf_conductance: Any = 3.0e-3
    soil_conductance: Any = 1.0e-3
    aerodynamic_conductance: Any = 2.0e-2
    albedo: Any = 0.18
    heat_capacity: Any = 1.0e6
    initial_root_zone: Any = 150.0
    initial_deep: Any = 100.0


class Parameters(NamedTuple):
    """All parameters of the land."""

    carbon: Carbon = Carbon()
    water: Water = Water()


class Kind(NamedTuple):
    """Kind of number that a parameter is: in words, and whether numbers fit."""

    words: str
    fits: Callable[[Any], Any]


FRACTION = Kind("numbers from 0 to 1", lambda values: (values >= 0.0) & (values <= 1.0))
BELOW_ONE = Kind("numbers above 0 and below 1", lambda values: (values > 0.0) & (values < 1.0))
POSITIVE = Kind("positive numbers, from 1e-12 to 1e12", lambda values: (values >= 1e-12) & (values <= 1e12))
AMOUNT = Kind("numbers that are not negative, up to 1e12", lambda values: (values >= 0.0) & (values <= 1e12))
NUMBERS = Kind("numbers from -1e12 to 1e12", lambda values: abs(values) <= 1e12)


class ParameterRange(NamedTuple):
    """Range of a parameter beforehand, which an estimation keeps to, its unit and meaning, and the kind of number it is."""

    least: float
    greatest: float
    unit: str
    meaning: str
    kind: Kind


RANGES = {
    "decomposition_rate": ParameterRange(1e-5, 1e-2, "1/day", "of litter to soil at 0 degrees C", FRACTION),
    "autotrophic_fraction": ParameterRange(0.3, 0.7, "1", "of GPP that plants respire", FRACTION),
    "leaf_fraction": ParameterRange(0.01, 0.5, "1", "of net primary production to leaves at once", FRACTION),
    "labile_fraction": ParameterRange(0.01, 0.5, "1", "of what is left, to labile carbon", FRACTION),
    "root_fraction": ParameterRange(0.01, 0.99, "1", "of what is left then, to fine roots; wood has the rest", FRACTION),
    "leaf_fall_fraction": ParameterRange(0.125, 0.999, "1", "of leaves that fall in a year", BELOW_ONE),
    "wood_turnover": ParameterRange(2.5e-5, 1e-3, "1/day", "of wood to soil", FRACTION),
    "root_turnover": ParameterRange(1e-4, 1e-2, "1/day", "of roots to litter", FRACTION),
    "litter_turnover": ParameterRange(1e-4, 1e-2, "1/day", "of litter to the air at 0 degrees C", FRACTION),
    "soil_turnover": ParameterRange(1e-7, 1e-3, "1/day", "of soil to the air at 0 degrees C", FRACTION),
    "temperature_sensitivity": ParameterRange(0.018, 0.08, "1/K", "of litter and soil, in the exponent", AMOUNT),
    "canopy_efficiency": ParameterRange(10.0, 100.0, "g C/(m2 leaf day)", "of photosynthesis, of which ACM takes it", AMOUNT),
    "onset_day": ParameterRange(1.0, 365.25, "day of the year", "when most labile carbon becomes leaves", NUMBERS),
    "onset_period": ParameterRange(10.0, 100.0, "days", "in which labile carbon becomes leaves", POSITIVE),
    "fall_day": ParameterRange(1.0, 365.25, "day of the year", "when most leaves fall", NUMBERS),
    "fall_period": ParameterRange(20.0, 150.0, "days", "in which leaves fall", POSITIVE),
    "leaf_carbon_area": ParameterRange(10.0, 400.0, "g C/m2 leaf", "of leaves, the carbon of their area", POSITIVE),
    "initial_labile": ParameterRange(20.0, 2000.0, "g C/m2", "labile carbon at the start", AMOUNT),
    "initial_leaves": ParameterRange(20.0, 2000.0, "g C/m2", "leaves at the start", AMOUNT),
    "initial_roots": ParameterRange(20.0, 2000.0, "g C/m2", "fine roots at the start", AMOUNT),
    "initial_wood": ParameterRange(100.0, 1e5, "g C/m2", "wood at the start", AMOUNT),
    "initial_litter": ParameterRange(20.0, 2000.0, "g C/m2", "litter at the start", AMOUNT),
    "initial_soil": ParameterRange(100.0, 2e5, "g C/m2", "soil organic matter at the start", AMOUNT),
    "root_zone_capacity": ParameterRange(30.0, 600.0, "mm", "of water that plants can take, where more runs off", POSITIVE),
    "stress_threshold": ParameterRange(0.1, 0.9, "1", "of that capacity, below which plants lack water", POSITIVE),
    "percolation_rate": ParameterRange(1e-3, 0.3, "1/day", "from the root zone to deep water, of a full root zone", FRACTION),
    "drainage_rate": ParameterRange(1e-3, 0.1, "1/day", "of deep water to rivers", FRACTION),
    "leaf_conductance": ParameterRange(5e-4, 1e-2, "m/s", "of water vapour through leaves without stress, per leaf area", AMOUNT),
    "soil_conductance": ParameterRange(1e-4, 5e-3, "m/s", "of water vapour through wet soil", AMOUNT),
    "aerodynamic_conductance": ParameterRange(5e-3, 0.1, "m/s", "of heat and water vapour through the air", POSITIVE),
    "albedo": ParameterRange(0.05, 0.4, "1", "of short-wave radiation", FRACTION),
    "heat_capacity": ParameterRange(1e5, 1e7, "J/(m2 K)", "of the layer that has the surface's temperature", POSITIVE),
    "initial_root_zone": ParameterRange(5.0, 600.0, "mm", "water in the root zone at the start", AMOUNT),
    "initial_deep": ParameterRange(5.0, 600.0, "mm", "deep water at the start", AMOUNT),
}


def with_values(parameters: Parameters, values: Mapping[str, Any]) -> Parameters:
    """The parameters with other values, by name, numbers or planes [j, i]. Raises ValueError for a name that does not exist."""
    check_kind("parameters", parameters, Parameters)
    check_kind("values", values, Mapping)
    for name in values:
        if name not in RANGES:
            raise ValueError(f"The land has no parameter {shown(name)}. Its parameters are {', '.join(RANGES)}.")
    own = {name: value for name, value in values.items() if name in Carbon._fields}
    rest = {name: value for name, value in values.items() if name in Water._fields}
    return Parameters(parameters.carbon._replace(**own), parameters.water._replace(**rest))


def by_name(parameters: Parameters) -> dict[str, Any]:
    """All parameters by name, those of carbon first."""
    return parameters.carbon._asdict() | parameters.water._asdict()


def checked_cells(cells: Any) -> tuple[int, int]:
    """Numbers of columns (ny, nx). Raises ValueError for what is none."""
    if not isinstance(cells, (tuple, list)) or len(cells) != 2:
        raise ValueError(f"cells={shown(cells)} must be the numbers of columns (ny, nx).")
    return integer("ny of cells", cells[0], 1, 10**9), integer("nx of cells", cells[1], 1, 10**9)


def checked(parameters: Parameters, cells: tuple[int, int], precision: np.dtype) -> Parameters:
    """The parameters as arrays [j, i], of length 1 where they do not vary. Raises ValueError for numbers that make no sense."""
    check_kind("parameters", parameters, Parameters)
    check_kind("parameters.carbon", parameters.carbon, Carbon)
    check_kind("parameters.water", parameters.water, Water)
    found = {name: as_plane(name, value, cells, precision) for name, value in by_name(parameters).items()}
    return with_values(parameters, found)


def as_plane(name: str, value: Any, cells: tuple[int, int], precision: np.dtype) -> Any:
    """A parameter [j, i], or [1, 1] where it is a number."""
    array = given(name, value, (1, *cells), NUMBER, PLANE, precision=precision)
    if not is_traced(array):
        kind = RANGES[name].kind
        strange = ~kind.fits(array)
        if strange.any():
            form = PLANE if array.ndim else NUMBER
            raise ValueError(f"{name} must be {kind.words} ({RANGES[name].unit}), and has others, {points(form, strange, array)}.")
    return array if array.ndim else array.reshape(1, 1)
