"""Weather that drives the land: records of days, or of shorter steps, at each column.

    year = weather(cells, np.arange(365.0), latitude=45.0, minimum_temperature=coldest, maximum_temperature=warmest, ...)

What is given is a number, a series [time], planes [time, j, i] or, of the latitude, a plane [j, i]. The length of the day follows
from latitude and season; long-wave radiation, where it is not given, from temperature and vapour as under a clear sky.

    Williams et al. 1997, Ecol. Appl. 7, 882 (declination of the sun); Brutsaert 1975, Water Resour. Res. 11, 742 (clear sky)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.inputs.given import NUMBER, PLANE, as_array, given, shown
from dycore.inputs.units import TEMPERATURE, in_unit
from dycore.land.parameters import checked_cells
from dycore.land.phenology import YEAR
from dycore.tiles import Tile

FREEZING, BOLTZMANN = 273.15, 5.670374e-8  # K, W/(m2 K4)


class Weather(NamedTuple):
    """Weather of one step [j, i] or of several [time, j, i]; axes along which it does not vary have length 1."""

    minimum_temperature: Any  # degrees C, of the day
    maximum_temperature: Any  # degrees C
    shortwave: Any  # MJ/(m2 day), at the ground
    carbon_dioxide: Any  # ppm
    vapour_pressure_deficit: Any  # hPa
    precipitation: Any  # mm/day
    longwave: Any  # W/m2, downward
    day_length: Any  # hours
    season_sine: Any  # of pi times the time of the year over its length
    season_cosine: Any

    def at(self, step: int) -> Weather:
        """Weather of one step, by its number."""
        return Weather(*(values[step if len(values) > 1 else 0] for values in self))

    @property
    def steps(self) -> int:
        """Number of steps."""
        return max(map(len, self))


LIMITS = {  # least and greatest that make sense
    "minimum_temperature": (-100.0, 70.0, "degrees C"), "maximum_temperature": (-100.0, 70.0, "degrees C"),
    "shortwave": (0.0, 100.0, "MJ/(m2 day)"), "carbon_dioxide": (10.0, 1e5, "ppm"),
    "vapour_pressure_deficit": (0.0, 200.0, "hPa"), "precipitation": (0.0, 5000.0, "mm/day"), "longwave": (0.0, 1000.0, "W/m2"),
    "day_length": (0.0, 24.0, "hours")}
UNITS = {  # as UDUNITS spells them
    "minimum_temperature": TEMPERATURE, "maximum_temperature": TEMPERATURE, "shortwave": ("MJ m-2 day-1",),
    "carbon_dioxide": ("ppm",), "vapour_pressure_deficit": ("hPa",), "precipitation": ("mm day-1",), "longwave": ("W m-2",)}


def weather(cells: tuple[int, int], days: ArrayLike, *, latitude: ArrayLike, minimum_temperature: ArrayLike,
            maximum_temperature: ArrayLike, shortwave: ArrayLike, vapour_pressure_deficit: ArrayLike, precipitation: ArrayLike,
            carbon_dioxide: ArrayLike = 400.0, longwave: ArrayLike | None = None) -> Weather:
    """Weather of steps at so many times [time] in days since the beginning of a year, for (ny, nx) columns.

    Units are those of `Weather`, into which arrays of xarray are converted that have others in an attribute `units`; latitude:
    degrees north, a number or a plane [j, i]. Raises ValueError for other shapes and units, for numbers that are not finite or
    make no sense in these units, and where a day's minimum is above its maximum.
    """
    cells, times = checked_cells(cells), as_array("days", days)
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all():
        raise ValueError(f"days={shown(days)} must be the times of the steps, finite numbers [time] in days since the beginning of "
                         "a year.")
    given_ones = {"minimum_temperature": minimum_temperature, "maximum_temperature": maximum_temperature, "shortwave": shortwave,
                  "carbon_dioxide": carbon_dioxide, "vapour_pressure_deficit": vapour_pressure_deficit,
                  "precipitation": precipitation}
    found = {name: series(name, values, len(times), cells) for name, values in given_ones.items()}
    if (found["minimum_temperature"] > found["maximum_temperature"]).any():
        raise ValueError("minimum_temperature is above maximum_temperature in some of the steps. Give both of the same day.")
    found["longwave"] = clear_sky(found) if longwave is None else series("longwave", longwave, len(times), cells)
    phase = (np.pi / YEAR) * times[:, None, None]
    found["day_length"] = day_length(latitudes(latitude, cells), times)
    return Weather(**found, season_sine=np.sin(phase), season_cosine=np.cos(phase))


def series(name: str, values: ArrayLike, steps: int, cells: tuple[int, int]) -> np.ndarray:
    """Values [time, j, i], of length 1 where they do not vary. Raises ValueError where they do not fit."""
    array = in_unit(name, as_array(name, values), values, UNITS[name])
    if array.ndim == 0:
        array = array.reshape(1, 1, 1)
    elif array.shape == (steps,):
        array = array[:, None, None]
    elif array.ndim != 3 or any(n not in (1, whole) for n, whole in zip(array.shape, (steps, *cells), strict=True)):
        raise ValueError(f"{name} has shape {array.shape}. Give a number, a series [time] of shape ({steps},) or planes "
                         f"[time, j, i] of shape {(steps, *cells)}.")
    least, greatest, unit = LIMITS[name]
    strange = ~((array >= least) & (array <= greatest))
    if strange.any():
        place = np.argwhere(strange)[0].tolist()
        raise ValueError(f"{name} has values that are not within {least:g} to {greatest:g} {unit}, at {int(strange.sum())} of "
                         f"{array.size} points, first {array[tuple(place)]:g} at [time, j, i] = {place}. Give it in {unit}.")
    return array


def latitudes(latitude: ArrayLike, cells: tuple[int, int]) -> np.ndarray:
    """Latitudes [j, i] (degrees north), [1, 1] of a number. Raises ValueError beyond the poles."""
    array = np.atleast_2d(given("latitude", latitude, (1, *cells), NUMBER, PLANE))
    if (abs(array) > 90.0).any():
        raise ValueError(f"latitude={shown(latitude)} goes beyond the poles. Give degrees north, from -90 to 90.")
    return array


def day_length(latitude: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Hours of daylight [time, j, i] at latitudes [j, i] (degrees) and times [time] (days since the beginning of a year)."""
    declination = np.radians(-23.4 * np.cos(2.0 * np.pi * (times + 10.0) / 365.0))[:, None, None]
    hour_angle = np.arccos(np.clip(-np.tan(np.radians(np.clip(latitude, -89.99, 89.99))) * np.tan(declination), -1.0, 1.0))
    return hour_angle * (24.0 / np.pi)


def clear_sky(found: dict[str, np.ndarray]) -> np.ndarray:
    """Long-wave radiation (W/m2) from a sky without clouds: 1.24 (e / T)^(1/7) sigma T^4, of the vapour pressure e in hPa."""
    air = 0.5 * (found["minimum_temperature"] + found["maximum_temperature"])
    vapour = np.maximum(6.108 * np.exp(17.27 * air / (air + 237.3)) - found["vapour_pressure_deficit"], 0.1)
    kelvin = air + FREEZING
    return 1.24 * (vapour / kelvin) ** (1.0 / 7.0) * BOLTZMANN * kelvin**4


def part_of(values: Any, tile: Tile) -> Any:
    """The columns [..., j, i] of the whole domain that a process keeps."""
    (south, north), (west, east) = tile.rows, tile.columns
    values = values if values.shape[-2] == 1 and tile.domain[1] > 1 else values[..., south:north, :]
    return values if values.shape[-1] == 1 and tile.domain[2] > 1 else values[..., west:east]
