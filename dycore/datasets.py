"""Datasets of others brought to the units and places of a model: units, orders, directions, conventions of longitude.

Units are what UDUNITS makes of the attribute `units`, as CF has it, by way of the library cf-units; a variable without that
attribute is taken to be in the units that are wanted. Records of forcings in time come to a grid by dycore.records.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dycore.calendars import dates_of
from dycore.grid import Grid
from dycore.inputs.given import check_kind, check_labelled, check_text, shown
from dycore.inputs.named_axes import axis_of
from dycore.inputs.units import converted
from dycore.running.reading import open_dataset

SAME_PLACE = 1e-4  # degrees: coordinates may have been kept in single precision


def in_units(field: Any, wanted: str) -> Any:
    """A variable (xarray.DataArray) in the units `wanted`, converted from those that its attribute `units` says it has.

    It is as it was where it has none, or those. Raises ValueError for units that are unknown or of something else and for
    what is not of real numbers, and ImportError where cf-units is missing and needed.
    """
    check_labelled("field", field)
    check_text("wanted", wanted, "m s-1")
    values = converted(numbers(field), field.attrs.get("units", ""), wanted, str(field.name))
    return field.copy(data=values).assign_attrs(units=wanted)


def check_places(grid: Any, longitude: Any, latitude: Any) -> None:
    """Raise TypeError or ValueError unless something is a grid on a sphere, and names are text."""
    check_kind("grid", grid, Grid, "Make one with dycore.grid.latitude_longitude.")
    check_text("longitude", longitude, "lon")
    check_text("latitude", latitude, "lat")
    if not grid.spherical:
        raise ValueError("The grid is a plane: it has no longitudes and latitudes.")


def numbers(data: Any) -> np.ndarray:
    """The values of a variable or a coordinate, in double precision. Raises ValueError for those that are not real numbers."""
    if data.dtype.kind not in "fiu":
        raise ValueError(f"{data.name} is of the type {data.dtype}. Give real numbers.")
    return np.asarray(data, float)


def on_places(field: Any, places: Mapping[str, tuple[np.ndarray, Mapping[str, Any]]]) -> np.ndarray:
    """The values of a variable (xarray.DataArray) on the coordinates of a grid: by dimension their values, which increase, and
    attributes, in the order that the result has.

    A variable may have its dimensions in any order and its coordinates in another order or convention (downward; longitudes that
    differ by 360 degrees) or in other units; where it has none, the places are taken to be the same. Raises ValueError where they
    are not.
    """
    if {*field.dims} != {*places}:
        raise ValueError(f"{field.name} has the dimensions {', '.join(map(str, field.dims))}; this model needs "
                         f"{', '.join(places)}.")
    for dim, (here, attributes) in places.items():
        if field.sizes[dim] != len(here):
            raise ValueError(f"{field.name} has {field.sizes[dim]} values along {dim}; this grid has {len(here)}.")
        if dim in field.coords:
            field = field.isel({dim: order_of(field[dim], here, attributes, f"of {field.name}")})
    return numbers(field.transpose(*places))


def order_of(coordinate: Any, here: np.ndarray, attributes: Mapping[str, Any], of_what: str) -> np.ndarray:
    """The indices in which the values of a coordinate are those of `here`. Raises ValueError where they are others."""
    name = coordinate.name
    there = converted(numbers(coordinate), coordinate.attrs.get("units", ""), attributes["units"], f"{name} {of_what}")
    if (coordinate.attrs.get("positive"), attributes.get("positive")) == ("down", "up"):  # a depth
        there = -there
    if attributes["units"] == "degrees_east":
        there = eastward(there, here[0] - 0.5 * (here[1] - here[0] if len(here) > 1 else 360.0))
    order = np.argsort(there, kind="stable")
    distance = np.abs(there[order] - here)
    # coordinates may have been kept in single precision
    if not distance.max() <= 1e-5 * max(np.ptp(here), np.abs(here).max()):
        n = int(np.argmax(distance))
        raise ValueError(f"{name}[{order[n]}] {of_what} is {there[order[n]]:g}; that of this grid is {here[n]:g}. Interpolate the "
                         "dataset to the grid first.")
    return order


def eastward(longitudes: np.ndarray, west: float) -> np.ndarray:
    """Longitudes (degrees) as they are counted eastward from `west`, which is the smallest that they can be."""
    return west + (longitudes - west) % 360.0


def covering(data: Any, grid: Grid, longitude: str = "lon", latitude: str = "lat") -> Any:
    """A dataset (xarray.Dataset) ready to be interpolated to the cells of a grid of longitudes and latitudes, also a rotated one:

        here = covering(data, grid).interp(**cell_places(grid)).transpose(..., "y", "x")

    Longitudes become those of the grid's convention, in order, and go on beyond both ends, so that there are values on either
    side of the seam. `longitude` and `latitude` are names of its coordinates, in degrees or other units of angles, each of one
    dimension. Vectors stay eastward and northward: dycore.directions.along_grid turns them. Raises ValueError where a cell of the
    grid is not between points of the dataset.
    """
    check_labelled("data", data)
    check_places(grid, longitude, latitude)
    found = {}
    for name, units in ((longitude, "degrees_east"), (latitude, "degrees_north")):
        if name not in data.coords or data[name].dims != (name,):
            raise ValueError(f"The dataset has no coordinate {name} of one dimension: it has {', '.join(map(str, data.coords))}. "
                             "One on a curvilinear grid must be regridded first, for example with xESMF or CDO.")
        found[name] = converted(numbers(data[name]), data[name].attrs.get("units", ""), units, name)
        if not np.isfinite(found[name]).all():
            raise ValueError(f"{name} has values that are not finite numbers.")
    south, north = found[latitude].min(), found[latitude].max()
    lowest, highest = grid.latitude.min(), grid.latitude.max()
    if lowest < south or highest > north:
        raise ValueError(f"The cells of the grid are from {lowest:g} to {highest:g} degrees north, and the dataset is from "
                         f"{south:g} to {north:g}: choose a grid within, or a dataset that covers it.")
    # a rotated grid may lie on both sides of any seam: its longitudes are from -180 to 180
    turned = eastward(found[longitude], -180.0 if grid.supergrid is not None else 0.5 * (grid.x[0] + grid.x[-1]) - 180.0)
    order = np.argsort(turned)
    order = order[np.diff(turned[order], append=turned.min() + 360.0) > SAME_PLACE]  # 0 and 360 degrees are one place
    check_longitudes(turned[order], grid.x if grid.supergrid is None else grid.longitude.ravel())
    index = np.concatenate([order[-1:], order, order[:1]])
    turns = np.concatenate([[-360.0], np.zeros(len(order)), [360.0]])
    return data.isel({longitude: index}).assign_coords({
        longitude: (longitude, turned[index] + turns, {"units": "degrees_east"}),
        latitude: (latitude, found[latitude], {"units": "degrees_north"})})


def cell_places(grid: Grid, longitude: str = "lon", latitude: str = "lat") -> dict[str, Any]:
    """Places of the cells of a grid for xarray's `interp`: longitudes [x] and latitudes [y], or both [y, x] if rotated.

    The dimensions of what is interpolated are y and x in place of `latitude` and `longitude`. Raises ValueError on a plane.
    """
    from xarray import DataArray

    check_places(grid, longitude, latitude)
    if grid.supergrid is not None:
        return {longitude: DataArray(grid.longitude, dims=("y", "x")), latitude: DataArray(grid.latitude, dims=("y", "x"))}
    return {longitude: DataArray(grid.x, dims="x"), latitude: DataArray(grid.y, dims="y")}


def check_longitudes(there: np.ndarray, wanted: np.ndarray) -> None:
    """Raise ValueError for a longitude (degrees) that is not between neighbours `there`, which increase within 360 degrees.

    Points are neighbours where they are no further apart than all but the widest of the gaps round the sphere, which is the
    part that a dataset of a region leaves out.
    """
    gaps = np.diff(there, append=there[:1] + 360.0)
    usual = np.sort(gaps)[-2] if len(gaps) > 1 else 0.0
    after = np.searchsorted(there, wanted) % len(there)  # the point to the east, or the same
    outside = (gaps[after - 1] > 1.01 * usual) & (np.abs((there[after] - wanted + 180.0) % 360.0 - 180.0) > SAME_PLACE)
    if outside.any():
        west = there[(int(np.argmax(gaps)) + 1) % len(there)]
        east = eastward(there[[int(np.argmax(gaps))]], west)[0]
        raise ValueError(f"The cells of the grid reach {wanted[outside][0]:g} degrees east, and the dataset is from {west:g} to "
                         f"{east:g}: choose a grid within, or a dataset that covers it.")


# Variables of files


def opened(path: str | Path) -> Any:
    """The xarray.Dataset of a path, times as they are there. Raises ValueError where none can be opened."""
    try:
        return open_dataset(path, decode_times=False)
    except ImportError:
        raise
    except Exception as problem:  # whatever a library says of a file
        raise ValueError(f"data='{path}' cannot be opened as a file of NetCDF or a store of Zarr "
                         f"({type(problem).__name__}). Give the path of one, or an xarray.Dataset.") from None


def variable(data: Any, name: str | None) -> Any:
    """The variable of a path, a dataset or itself (xarray.DataArray), with its missing values as NaN; nothing is read.

    Raises ValueError or TypeError where there is none of that name.
    """
    import xarray

    if isinstance(data, (str, Path)):
        check_text("name", name, "taux")
        data = opened(data)
    if isinstance(data, xarray.Dataset):
        if name not in data.data_vars:
            raise ValueError(f"The dataset has no variable {shown(name)}: it has {', '.join(map(str, data.data_vars))}.")
        data = in_the_middle(data, data[name])
    if not isinstance(data, xarray.DataArray):
        raise TypeError(f"data={shown(data)} must be the path of a file, an xarray.Dataset or an xarray.DataArray.")
    if data.dtype.kind not in "fiu":
        raise ValueError(f"{data.name} is of the type {data.dtype}. Give real numbers.")
    name = "values" if data.name is None else str(data.name)
    return xarray.decode_cf(data.to_dataset(name=name), decode_times=False)[name]  # packed, or a number for what is missing


def in_the_middle(dataset: Any, field: Any) -> Any:
    """A field of a dataset whose records stand in the middle of the bounds of their times, where there are such.

    Files have a mean at the beginning of its month or at the end, which would move a season by half a month.
    """
    for dim in set(field.dims) & set(field.coords):
        coordinate = field.coords[dim]
        bounds = coordinate.attrs.get("bounds", coordinate.encoding.get("bounds"))
        units = str(coordinate.attrs.get("units", ""))
        is_time = coordinate.dtype.kind in "MO" or (" since " in units and not units.startswith("month"))
        if bounds in dataset.variables and is_time and dataset[bounds].dims[0] == dim and dataset[bounds].shape[1:] == (2,):
            first, last = (dates_of(f"{bounds} of {field.name}", dataset[bounds][:, n].assign_attrs(coordinate.attrs))
                           for n in (0, 1))
            middle = np.array([begin + (end - begin) / 2 for begin, end in zip(first, last, strict=True)])
            field = field.assign_coords({dim: (dim, middle.astype("datetime64[ns]") if coordinate.dtype.kind == "M" else middle)})
    return field


def dimensions(name: str, field: Any) -> tuple[Any, Any, Any]:
    """The dimensions of time, latitude and longitude of a field [..], by the names and attributes of its coordinates.

    Raises ValueError where one of them is missing, or there are others.
    """
    axes = {dim: axis_of(field, dim) for dim in field.dims}
    found = {axis: dim for dim, axis in axes.items() if axis in ("j", "i")}
    others = [dim for dim in field.dims if dim not in found.values()]
    others = [dim for dim in others if field.sizes[dim] > 1] or others
    if len(found) < 2 or len(others) != 1 or axes[others[0]] == "k":
        raise ValueError(f"{name} has the dimensions {', '.join(f'{dim} ({n})' for dim, n in field.sizes.items())}; records need "
                         "time, latitude and longitude, known by axis, standard_name, units or name. Choose one of the others, for "
                         "example with .isel(depth=0), or rename them.")
    return others[0], found["j"], found["i"]
