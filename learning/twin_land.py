"""Twin land: a region whose parameters are known functions of static maps, with noise, and what is seen of it, with gaps.

Maps are of climate (mean temperature, its range over a year, precipitation), plant type (shares of evergreen plants and of grass),
soil (share of sand) and age of stands, all smooth and at random from a seed; weather follows from those of climate. The truth of
every parameter is a smooth function of all maps that is not linear, at random, and something for each column that no map tells.
Half of the columns are seen: leaf area every eight days but where there are clouds, fluorescence every sixteen days, water storage
once a month, biomass once, and at every third of them a tower that sees GPP, net exchange and evaporation on most days.

Measured by `python examples/land.py PICTURE` (120 columns, two years, eight members): in the 60 columns that were not seen the
correlation of daily GPP with the truth is 0.972 with parameters from maps and 0.874 with the best that are the same everywhere,
that of respiration 0.969 and 0.866; the net exchange of the region is -0.065 with a spread of 0.034 g C/(m2 day), in truth -0.074.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dycore import land
from dycore.backends import on_numpy
from dycore.inputs.given import integer
from dycore.land import acm
from dycore.land.parameters import checked_cells
from dycore.learning.parameters_from_maps import Range, bounded, unbounded
from dycore.learning.seeds import random_numbers
from dycore.stencils import maximum, minimum, stencil

ERRORS = land.Observed(leaf_area=0.4, gpp=1.0, respiration=1.0, net_exchange=0.8, water_storage=15.0, fluorescence=0.25,
                       evaporation=0.5, biomass=400.0)  # standard errors, in their units
NARROWER = {"onset_day": (60.0, 170.0), "fall_day": (230.0, 330.0), "onset_period": (15.0, 60.0), "fall_period": (30.0, 120.0),
            "canopy_efficiency": (8.0, 60.0), "leaf_carbon_area": (25.0, 200.0), "initial_soil": (2000.0, 30000.0),
            "soil_turnover": (1e-5, 2e-4), "initial_wood": (1000.0, 20000.0), "root_zone_capacity": (60.0, 500.0),
            "initial_labile": (30.0, 500.0), "initial_leaves": (20.0, 300.0), "initial_litter": (50.0, 1000.0)}
RANGES = {name: Range(*NARROWER.get(name, bounds[:2]), first) for (name, bounds), first in zip(
    land.RANGES.items(), land.by_name(land.Parameters()).values(), strict=True)}  # between which truth and estimates are
RAW_SPREAD, RAW_NOISE = 0.9, 0.15  # of raw values (dycore.learning.bounded): by maps, and by what no map tells


class TwinLand(NamedTuple):
    """A region: maps [j, i] by name, its weather, true parameters and what is true of each day [time, j, i], what is seen of it
    (NaN where nothing is), and which columns [j, i] are seen at all."""

    maps: dict[str, np.ndarray]
    weather: land.Weather
    truth: dict[str, np.ndarray]
    true: land.Observed
    seen: land.Observed
    known: np.ndarray

    @property
    def cells(self) -> tuple[int, int]:
        """(ny, nx) columns."""
        return self.known.shape


def twin_land(seed: int, cells: tuple[int, int] = (10, 12), days: int = 730, photosynthesis: Any = land.acm) -> TwinLand:
    """A region of so many columns, and days of it, in which plants have a photosynthesis: `dycore.land.acm` or `limited_acm`.

    Raises ValueError for numbers that make no sense.
    """
    days, cells = integer("days", days, 1, 10**6), checked_cells(cells)
    random = random_numbers(seed)
    maps = maps_at_random(random, cells)
    weather = weather_of(random, maps, cells, days)
    truth = truth_of(random, maps)
    columns = land.Land(cells, land.with_values(land.Parameters(), truth), on_numpy, photosynthesis=photosynthesis)
    _, true = columns.run(columns.start(), weather, land.observe)
    known = random.permutation(np.arange(cells[0] * cells[1]) % 2 == 0).reshape(cells)
    return TwinLand(maps, weather, truth, true, seen_of(random, true, known), known)


@stencil
def limited_acm(j, i, canopy, weather, carbon):
    """ACM (g C/(m2 day)), less in frost and in dry air, of which it knows nothing: a process that a model may lack."""
    frost = minimum(maximum((weather.minimum_temperature[j, i] + 4.0) / 10.0, 0.05), 1.0)
    dry = 1.0 / (1.0 + weather.vapour_pressure_deficit[j, i] * weather.vapour_pressure_deficit[j, i] / 150.0)
    return frost * dry * acm(j, i, canopy, weather, carbon)


def waves(random: np.random.Generator, cells: tuple[int, int]) -> np.ndarray:
    """A smooth field [j, i] at random, from -1 to 1."""
    y, x = (np.indices(cells) + 0.5) * np.pi / max(cells)
    field = sum(random.normal() * np.cos(p * y + random.uniform(0.0, 6.0)) * np.cos(q * x + random.uniform(0.0, 6.0))
                for p, q in ((1, 1), (1, 2), (2, 1), (2, 3), (3, 2)))
    return 2.0 * (field - field.min()) / np.ptp(field) - 1.0 if np.ptp(field) > 0.0 else 0.0 * field


def maps_at_random(random: np.random.Generator, cells: tuple[int, int]) -> dict[str, np.ndarray]:
    """Maps [j, i] by name, from 35 to 60 degrees north."""
    latitude = np.linspace(35.0, 60.0, cells[0])[:, None] + np.zeros(cells)
    evergreen, grass = 0.5 + 0.5 * waves(random, cells), 0.25 + 0.25 * waves(random, cells)
    return {"latitude": latitude, "mean_temperature": 9.0 - 0.3 * (latitude - 47.5) + 3.0 * waves(random, cells),
            "temperature_range": 22.0 + 6.0 * waves(random, cells), "precipitation": 800.0 + 350.0 * waves(random, cells),
            "evergreen": evergreen * (1.0 - grass), "grass": grass, "sand": 0.5 + 0.4 * waves(random, cells),
            "age": 80.0 + 70.0 * waves(random, cells)}


def weather_of(random: np.random.Generator, maps: Mapping[str, np.ndarray], cells: tuple[int, int], days: int) -> land.Weather:
    """Weather by chance of the climate of maps: spells of warmth over the whole region, and rain in each column."""
    times = np.arange(float(days))
    summer = -np.cos(2.0 * np.pi * (times - 20.0) / 365.25)[:, None, None]
    spells = np.zeros(days)
    for day in range(1, days):
        spells[day] = 0.8 * spells[day - 1] + 1.8 * random.standard_normal()
    air = maps["mean_temperature"] + 0.5 * maps["temperature_range"] * summer + spells[:, None, None]
    rain = random.gamma(0.25, 4.0 * maps["precipitation"] / 365.25, (days, *cells))
    clear = np.where(rain > 1.0, 0.3, 0.6)  # of the sun's radiation, what comes through the air
    span = 4.0 + 12.0 * (clear - 0.2)
    dry = np.clip(0.55 - 0.25 * (maps["precipitation"] - 800.0) / 800.0, 0.2, 0.8) * 6.1 * np.exp(17.27 * air / (air + 237.3))
    return land.weather(
        cells, times, latitude=maps["latitude"], minimum_temperature=air - 0.5 * span, maximum_temperature=air + 0.5 * span,
        shortwave=clear * above_the_air(maps["latitude"], times), precipitation=rain, vapour_pressure_deficit=np.minimum(dry, 40.0))


def above_the_air(latitude: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Radiation of the sun (MJ/(m2 day)) above the air [time, j, i], of latitudes [j, i] and days of a year [time]."""
    declination = np.radians(-23.4 * np.cos(2.0 * np.pi * (times + 10.0) / 365.0))[:, None, None]
    angle, north = land.day_length(latitude, times) * np.pi / 24.0, np.radians(latitude)
    return 118.1 / np.pi * (angle * np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.sin(angle))


def truth_of(random: np.random.Generator, maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """True parameters [j, i] by name: within their ranges about what they are anywhere, by a random network of the maps."""
    stacked = np.stack([(each - each.mean()) / (each.std() or 1.0) for each in maps.values()])
    found = {}
    for name, (least, greatest, first) in RANGES.items():
        hidden = np.tanh(np.tensordot(random.standard_normal((6, len(stacked))) / len(stacked) ** 0.5, stacked, axes=1)
                         + 0.5 * random.standard_normal((6, 1, 1)))
        raw = unbounded(first, least, greatest) + RAW_SPREAD * np.tensordot(random.standard_normal(6) / 6**0.5, hidden, axes=1)
        found[name] = bounded(raw + RAW_NOISE * random.standard_normal(raw.shape), least, greatest)
    return found


def seen_of(random: np.random.Generator, true: land.Observed, known: np.ndarray) -> land.Observed:
    """Observations of the truth [time, j, i], with errors; NaN where nothing is seen."""
    days = np.arange(len(true.gpp))[:, None, None]
    tower = known & (np.cumsum(known).reshape(known.shape) % 3 == 0) & (random.random(true.gpp.shape) < 0.7)
    places = land.Observed(
        leaf_area=known & (days % 8 == 0) & (random.random(true.gpp.shape) < 0.6), gpp=tower, respiration=np.zeros_like(tower),
        net_exchange=tower, water_storage=known & (days % 30 == 15), fluorescence=known & (days % 16 == 0), evaporation=tower,
        biomass=known & (days == min(200, len(days) - 1)))
    return land.Observed(*(np.where(where, values + error * random.standard_normal(values.shape), np.nan)
                           for values, error, where in zip(true, ERRORS, places, strict=True)))
