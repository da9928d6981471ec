"""Records of datasets as time series on a grid: stresses, fluxes and surface values of any CF NetCDF file or Zarr store.

    heat = records("fluxes.nc", grid, "W m-2", "qnet", start=start)
    stress = stress_records("wind.zarr", grid, names=("taux", "tauy"), start=start)
    Parameters(..., start=start, surface_stress=stress, forcing=(heat_flux(0, heat), ...))

Records are read one at a time when a run comes to the one before (dycore.time_series), and brought to the grid by weights that are
found once (dycore.regridding), by every process for the whole domain, so that runs on any number of ranks and from a restart have
the same bits. Longitudes may be of any convention, latitudes in either order, missing values on land take those of the nearest
water, units are converted, and dates are counted in the calendar of the run. Where a dataset has values on land that are not for
the ocean, such as the stress of a reanalysis, take them out first: data.taux.where(sea).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dycore.calendars import check_start, dated, dates_of, in_calendar, monthly, yearly
from dycore.datasets import dimensions, variable
from dycore.directions import along_grid
from dycore.grid import Grid
from dycore.inputs.given import check_function, check_kind, check_switch, check_text, not_negative, shown
from dycore.inputs.units import converted, is_convertible, units_of
from dycore.regridding import NEAR, Gaps, Source, Target, bilinear, gaps_of, source_of, target_of
from dycore.tiles import Place
from dycore.time_series import TimeSeries

FRESH_WATER, DENSITY = "kg m-2 s-1", 1000.0  # kg/m3: a depth of fresh water is a mass
FACES = Place.WEST_FACE, Place.SOUTH_FACE


def records(data: Any, grid: Grid, unit: str, name: str | None = None, *, start: Any = None, repeat: bool = False,
            extend: bool = False, place: Place = Place.CENTER, method: Callable = bilinear,
            fill: float | None = None) -> TimeSeries:
    """Records of a variable on a grid of the sphere [n, ny, nx], in a unit, as a time series that is read while a run goes on.

    data: the path of a file or a store, an xarray.Dataset, or an xarray.DataArray [time, latitude, longitude] in any order; with
    `name`, the variable of it. Files stay open for as long as the series is there; records with bounds of time stand in the middle
    of these, others at their dates. unit: the one in which values are wanted, into which those with an attribute `units` are
    converted (mm/day of fresh water to kg m-2 s-1, too).
    start: that of the run (Parameters.start); dates of another calendar are taken for the same dates in that of the run.
    repeat: records of one year come again every year; twelve, one of each month, stand in the middle of their months
    (dycore.calendars.yearly, monthly). extend: hold the first and the last record (dycore.time_series).
    place: cell centres, or faces. method: dycore.regridding.bilinear, or conservative for fluxes.
    fill: the distance (degrees of a great circle) over which points without a value take that of the nearest point with one; three
    times the wider spacing of dataset and grid if None. Raises ValueError where a wet place has no value, where the dataset
    does not cover the grid, for units of something else and for dates that do not increase; ImportError for a library that lacks.
    """
    field = regridded(variable(data, name), grid, unit, place, method, fill)
    return series_of(field, field.field, field.dims[0], start, repeat, extend)


def stress_records(data: Any, grid: Grid, names: tuple[str, str] | None = None, unit: str = "N m-2", *, start: Any = None,
                   repeat: bool = False, extend: bool = False, method: Callable = bilinear,
                   fill: float | None = None) -> tuple[Any, Any]:
    """Records of an eastward and a northward stress, for Parameters.surface_stress: on west and on south faces, along the grid.

    data: as in `records`, with the two `names`, or a pair of xarray.DataArray. Where the grid is rotated both are read for
    either face and turned there (dycore.directions.along_grid). The others are as in `records`; raises as it does, and for
    components that their standard names call other ones, or upward.
    """
    if names is None and isinstance(data, (tuple, list)) and len(data) == 2:
        pair = [variable(each, None) for each in data]
    elif isinstance(names, (tuple, list)) and len(names) == 2:
        pair = [variable(data, name) for name in names]
    else:
        raise ValueError(f"names={shown(names)} must be those of the eastward and the northward component, or data a pair of "
                         "variables.")
    check_components(pair)
    rotated, found = getattr(grid, "supergrid", None) is not None, []
    if rotated:
        check_same_times(*pair)
    for number, place in enumerate(FACES):
        own = regridded(pair[number], grid, unit, place, method, fill)
        other = regridded(pair[1 - number], grid, unit, place, method, fill) if rotated else None
        values: Any = own if other is None else Turned(*((own, other) if number == 0 else (other, own)), grid, number)
        found.append(series_of(values, own.field, own.dims[0], start, repeat, extend))
    return found[0], found[1]


def check_components(pair: list) -> None:
    """Raise ValueError where standard names say that a component is another one, or upward: that of the ocean on the air."""
    for field, own, other in zip(pair, ("eastward", "northward"), ("northward", "eastward"), strict=True):
        words = str(field.attrs.get("standard_name", "")).split("_")
        if other in words or "upward" in words:
            raise ValueError(f"{field.name} has the standard name {'_'.join(words)!r}, and the stress wanted is {own} and "
                             "downward, of the wind on the ocean. Give the other variable, or its negative with its standard name.")


# Records on the grid


def regridded(field: Any, grid: Grid, unit: str, place: Place, method: Callable, fill: float | None) -> Regridded:
    """The records of a field (xarray.DataArray) on a grid; the first is read, so that what will not do is refused at once."""
    check_kind("grid", grid, Grid, "Make one with dycore.grid.latitude_longitude.")
    check_kind("place", place, Place)
    check_text("unit", unit, "N m-2")
    check_function("method", method, "source", "target")
    if not grid.spherical:
        raise ValueError("The grid is a plane: it has no longitudes and latitudes. Interpolate the records to it, and give them to "
                         "a dycore.time_series.TimeSeries.")
    name = str(field.name)
    time, rows, columns = dimensions(name, field)
    field = field.isel({dim: 0 for dim in field.dims if dim not in (time, rows, columns)})
    source, target = source_of(name, field, rows, columns), target_of(grid, place)
    spacing = max(source.spacing, float(np.diff(grid.x_face)[0]), float(np.diff(grid.y_face)[0]))
    distance = NEAR * spacing if fill is None else not_negative("fill", fill, "degrees")
    made = Regridded(name, field, (time, rows, columns), unit, source, target._replace(grid=None), method(source, target), distance)
    first = made.read(0)
    made = replace(made, gaps=gaps_of(source, ~np.isfinite(first), distance))
    made.on_grid(0, first)
    return made


@dataclass(frozen=True, eq=False)
class Regridded:
    """Records of a field [n, ny, nx] in a unit, read and brought to a grid when they are asked for by their number; NaN on land."""

    name: str
    field: Any  # xarray.DataArray
    dims: tuple[Any, Any, Any]  # of it: time, latitude, longitude
    unit: str
    source: Source
    target: Target
    regrid: Callable[[np.ndarray], np.ndarray]
    distance: float  # over which gaps are filled (degrees)
    gaps: Gaps | None = None  # of the first record: mostly those of all

    def __len__(self) -> int:
        return int(self.field.sizes[self.dims[0]])

    def __getitem__(self, number: int) -> np.ndarray:
        return self.on_grid(number, self.read(number))

    @property
    def in_words(self) -> str:
        """Words about how records come to the grid."""
        method = getattr(self.regrid, "in_words", getattr(self.regrid, "__name__", type(self.regrid).__name__))
        return f"{self.name} in {self.unit}, {method} from {len(self.source.latitude)} x {len(self.source.longitude)} points"

    @property
    def attrs(self) -> dict[str, str]:
        """The unit of the records and how they come to the grid, as attributes after CF."""
        return {"units": self.unit, "regridding": self.in_words}

    def read(self, number: int) -> np.ndarray:
        """A record in its unit on the points of the dataset, rows northward and columns eastward."""
        time, *places = self.dims
        record = np.asarray(self.field.isel({time: number}).transpose(*places), float)
        return self.source.ordered(in_unit_of_forcing(self.name, record, units_of(self.field), self.unit))

    def on_grid(self, number: int, record: np.ndarray) -> np.ndarray:
        """A record on the grid [ny, nx]. Raises ValueError where a place that is needed has no value."""
        target, missing = self.target, ~np.isfinite(record)
        gaps = self.gaps if self.gaps is not None and np.array_equal(missing, self.gaps.missing) else gaps_of(
            self.source, missing, self.distance)
        found = np.full(target.needed.shape, np.nan)
        found[target.needed] = self.regrid(gaps.filled(record))
        lacking = np.argwhere(target.needed & ~np.isfinite(found))
        if len(lacking):
            j, i = lacking[0].tolist()
            raise ValueError(f"Record {number} of {self.name} has no value within {self.distance:g} degrees of {len(lacking)} of "
                             f"the {target.needed.sum()} wet places of the grid, first at [j, i] = [{j}, {i}], "
                             f"{target.latitude[j, i]:g} degrees north, {target.longitude[j, i]:g} east. Make land of them, give "
                             "values there, or a larger fill=... (degrees).")
        return found


@dataclass(frozen=True, eq=False)
class Turned:
    """Records of one component of a vector along a grid, of an eastward and a northward one at the same places."""

    eastward: Regridded
    northward: Regridded
    grid: Grid
    component: int  # 0 along the grid's i, on west faces; 1 along j, on south faces

    @property
    def target(self) -> Target:
        """The places for which records are made."""
        return self.eastward.target

    def __len__(self) -> int:
        return len(self.eastward)

    def __getitem__(self, number: int) -> np.ndarray:
        return along_grid(self.grid, self.eastward[number], self.northward[number], FACES[self.component])[self.component]

    @property
    def in_words(self) -> str:
        """Words about how records come to the grid."""
        return f"{self.eastward.in_words}, with {self.northward.name} turned along the grid"


def in_unit_of_forcing(name: str, values: np.ndarray, own: Any, unit: str) -> np.ndarray:
    """Values in a unit; a depth of fresh water in a time is a mass of it where that is wanted. Raises as `converted`."""
    if is_convertible(FRESH_WATER, unit) and is_convertible(own, "m s-1"):
        mass = DENSITY * np.asarray(converted(values, own, "m s-1", name))
        return np.asarray(converted(mass, FRESH_WATER, unit, name))
    return np.asarray(converted(values, own, unit, name), float)


# Times


def series_of(values: Any, field: Any, time: Any, start: Any, repeat: bool, extend: bool) -> TimeSeries:
    """The time series of records whose dates a field has along `time`."""
    check_start(start)
    check_switch("repeat", repeat)
    check_switch("extend", extend)
    name = str(field.name)
    coordinate = field[time] if time in field.coords else None  # which .get would make up
    if repeat and len(values) == 12 and is_undated(coordinate):
        return monthly(values, start)
    if is_undated(coordinate):
        raise ValueError(f"{name} has no dates along {time}: without them only twelve records, of months, are taken, which come "
                         "again (repeat=True). Give it dates, or make a dycore.time_series.TimeSeries of times of your own.")
    dates = dates_of(name, coordinate)
    if repeat:
        return yearly(values, dates, start)
    if start is None:
        raise ValueError(f"The records of {name} have dates, from {dates[0]} to {dates[-1]}, and the run has none. Give "
                         "start=dycore.calendars.date('2000-01-01') here and to Parameters, or repeat=True for a year that comes "
                         "again.")
    return dated(values, [in_calendar(each, start.calendar) for each in dates], start, extend)


def is_undated(coordinate: Any) -> bool:
    """Whether records have no dates but an order: none at all, increasing numbers, or counted in months, which have no length."""
    if coordinate is None:
        return True
    numbers, units = np.asarray(coordinate), str(coordinate.attrs.get("units", ""))
    ordered = numbers.dtype.kind in "iuf" and bool((np.diff(numbers) > 0).all())
    return ordered and (" since " not in units or units.startswith("month"))


def check_same_times(eastward: Any, northward: Any) -> None:
    """Raise ValueError where two components are not of the same times."""
    times = [each.coords[dimensions(str(each.name), each)[0]] for each in (eastward, northward)]
    if times[0].size != times[1].size or not (np.asarray(times[0]) == np.asarray(times[1])).all():
        raise ValueError(f"{eastward.name} and {northward.name} have records of other times: a vector is turned to a rotated grid "
                         "by both of its components at once. Choose the times that they share, for example with xarray.align.")
