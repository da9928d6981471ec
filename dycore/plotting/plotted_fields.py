"""The fields of a dataset as pictures show them: in the units of pictures, at a level or a time, NaN on land.

Datasets are those of `model.dataset` or files of them, with or without a time dimension, and parts of them, as one level.
Whatever is asked here is in degrees (km on a plane), hPa or metres of depth, and days since the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.diagnostics.cells import along, moved, velocity_of
from dycore.diagnostics.times import days_of
from dycore.diagnostics.velocities import relative_vorticity, speed
from dycore.inputs.given import check_labelled, check_switch, check_text, finite, shown
from dycore.inputs.nearest_name import instead_of
from dycore.locations import check_libraries, is_here, location
from dycore.plotting.curved_cells import VERTICES, areas, is_geographic
from dycore.running.reading import open_dataset

UNITS = {"Pa": ("hPa", 0.01), "degree_C": ("\N{DEGREE SIGN}C", 1.0), "m s-1": ("m/s", 1.0), "Pa s-1": ("Pa/s", 1.0),
         "g kg-1": ("g/kg", 1.0), "sverdrup": ("Sv", 1.0), "s-1": ("$10^{-5}$/s", 1e5)}
# by the unit of levels: unit and factor as they are shown, what they are, and where they increase
LEVELS = {"Pa": ("hPa", 0.01, "pressure", "down"), "m": ("m", -1.0, "depth", "up")}
WANTED = ("surface_pressure", "temperature", "sea_surface_height", "eastward_velocity", "x_velocity")  # what a user looks at first
ENDS = ("_first_end", "_second_end")  # of a level: names of coordinates beside it
PLACES = {"longitude": "X", "latitude": "Y", "x": "X", "y": "Y", "grid_longitude": "X", "grid_latitude": "Y"}


def opened(path: Any) -> Any:
    """The dataset in a NetCDF file or a store, here or at an address; ValueError says what is wrong with it."""
    path = location(path)
    try:
        if is_here(path):
            path.stat()
    except (FileNotFoundError, ValueError) as problem:  # ValueError: of a name that no file can have
        raise ValueError(f"there is no file '{path}'.") from problem
    except OSError as problem:
        raise ValueError(f"'{path}' cannot be read: {problem.strerror}.") from problem
    check_libraries(path)
    try:
        dataset = open_dataset(path, decode_times=False)
    except Exception as problem:  # whatever netCDF4, zarr and json say of something else
        raise ValueError(f"'{path}' is neither a NetCDF file nor a Zarr store that can be read.") from problem
    if not fields(dataset):
        raise ValueError(f"'{path}' holds no field on longitude and latitude, or x and y, as dycore writes them.")
    return dataset


def extends(data: Any, axes: str) -> bool:
    """Whether a field has all these dimensions."""
    return all(along(data, axis) in data.dims for axis in axes)


def drawable(data: Any) -> bool:
    """Whether a variable holds numbers on two of longitude, latitude (or x, y) and levels, and on no other axes but time."""
    axes = [axis for axis in "XY" if extends(data, axis)]
    if data.dtype.kind not in "fiu" or not axes or not (len(axes) == 2 or extends(data, "Z")):
        return False
    named = all(centre_of(along(data, axis)) in PLACES for axis in axes)
    return named and {*data.dims} <= {along(data, axis) for axis in "XYZT"}


def centre_of(name: str) -> str:
    """The dimension of cell centres that goes with one of faces, or of all edges between cells."""
    return name.removesuffix("_face").removesuffix("_edge")


def check_dataset(dataset: Any) -> None:
    """Raise TypeError unless something is a dataset."""
    check_labelled("dataset", dataset)
    if not hasattr(dataset, "data_vars"):
        raise TypeError(f"dataset={shown(dataset)} must be an xarray.Dataset, as Model.dataset makes one.")


def fields(dataset: Any) -> tuple[str, ...]:
    """Names of what can be drawn: what the dataset holds, and what follows from it."""
    check_dataset(dataset)
    held = tuple(name for name, data in dataset.data_vars.items() if drawable(data))
    on_faces = all(name in held and along(dataset[name], axis).endswith("_face")
                   for name, axis in zip(velocity_of(dataset), "XY", strict=True))
    return (*held, *DERIVED) if on_faces else held


def first_wanted(dataset: Any, levels: bool) -> str:
    """The field that is drawn where none is named, one with levels if so wanted."""
    check_switch("levels", levels)
    axes = "XYZ" if levels else "XY"
    return next((name for name in (*WANTED, *fields(dataset)) if name in dataset and extends(dataset[name], axes)),
                fields(dataset)[0])


def field(dataset: Any, name: str, level: float | None = None, time: float | None = None) -> Any:
    """A field as it is shown: in the units of pictures, NaN on land.

    `level` (hPa, or m of depth) and `time` (days) take the nearest there is, None keeps all. Raises ValueError beyond them, and
    for a name that is no field.
    """
    check_dataset(dataset)
    check_text("name", name, "temperature")
    for what, value in (("level", level), ("time", time)):
        if value is not None:
            finite(what, value, "as pictures show it")
    if name not in fields(dataset):
        raise ValueError(f"there is no field {name!r} that can be drawn: {instead_of(name, fields(dataset))}")
    dataset = shown_coordinates(dataset)
    curved = {name: data for name, data in dataset.coords.items() if is_geographic(data)}
    dataset = dataset.drop_vars([*curved])  # they stand where they stand, whatever is moved to other places of a cell
    dataset = dataset.assign(wet=wet_cells(dataset))
    source = source_of(dataset, name)
    for axis, value, what in (("Z", level, "level"), ("T", time, "time")):
        if value is not None:
            if along(source, axis) is None:
                raise ValueError(f"{name} has no {what}.")
            dataset = nearest(dataset, along(source, axis), value)
    drawn = derived(dataset, name) if name in DERIVED else dataset[name]
    units, factor = UNITS.get(drawn.attrs.get("units", ""), (drawn.attrs.get("units", ""), 1.0))
    drawn = drawn.where(wet_places(dataset, drawn)) * factor
    drawn = drawn.assign_coords({name: data.sel({dim: drawn[dim].values for dim in data.dims})
                                 for name, data in curved.items() if {*data.dims} <= {*drawn.dims}})
    return drawn.rename(name).assign_attrs(units=units, long_name=name.replace("_", " "))


def derived(dataset: Any, name: str) -> Any:
    """A field that follows from others, with the coordinates of a dataset beside its dimensions."""
    found = DERIVED[name](dataset)
    beside = {name: data for name, data in dataset.coords.items() if name not in found.dims and {*data.dims} <= {*found.dims}}
    return found.assign_coords({name: data.sel({dim: found[dim].values for dim in data.dims}) for name, data in beside.items()})


def check_field(name: str, field: Any) -> None:
    """Raise TypeError unless something is a field as `field` makes them."""
    if not hasattr(field, "dims") or not {"units", "long_name"} <= {*getattr(field, "attrs", ())} or sum(
            along(field, axis) is not None for axis in "XYZ") < 2:
        raise TypeError(f"{name}={shown(field)} must be a field that dycore.pictures.field makes of a dataset.")


def check_fields(fields: Any) -> None:
    """Raise TypeError unless something is one field, or several."""
    if not isinstance(fields, (list, tuple)) or not fields:
        raise TypeError(f"fields={shown(fields)} must be a list of fields that dycore.pictures.field makes.")
    for number, each in enumerate(fields):
        check_field(f"fields[{number}]", each)


def source_of(dataset: Any, name: str) -> Any:
    """The variable that a field is, or the one that it follows from."""
    return dataset[velocity_of(dataset)[0] if name in DERIVED else name]


def shown_coordinates(dataset: Any) -> Any:
    """The dataset with coordinates in km, hPa, m of depth and days; where levels and curved cells end, if known, beside them.

    So they stay with the levels, or the one level, that are taken of a dataset before or after. Raises ValueError for units
    that are not those in which dycore writes.
    """
    changed: dict[str, tuple] = {}
    for name, data in dataset.coords.items():
        axis, attributes, values = data.attrs.get("axis"), dict(data.attrs), data.variable
        if name == "time":
            (factor, values), attributes = days_of(values), {"units": "days"}
        elif axis == "Z":
            units, factor, shown, positive = LEVELS.get(data.attrs.get("units"), ("", 0.0, "", ""))
            if not units or data.attrs.get("positive", positive) != positive:
                raise ValueError(f"{name} is not a pressure in Pa or a height upward in m, as dycore writes it.")
            attributes |= {"units": units, "long_name": shown}
            bounds = data.attrs.get("bounds", data.encoding.get("bounds"))
            if bounds in dataset:
                for n, end in enumerate(ENDS):
                    of_end = dataset[bounds].isel({dataset[bounds].dims[-1]: n})
                    changed[f"{name}{end}"] = (data.dims, factor * np.asarray(of_end, float), {})
        elif axis in ("X", "Y"):
            units, factor = ("km", 1e-3) if attributes.get("units") == "m" else ("degrees", 1.0)
            attributes |= {"units": units, "long_name": centre_of(name).replace("_", " ")}
        elif is_geographic(data):
            bounds, factor = data.attrs.get("bounds", data.encoding.get("bounds")), 1.0
            for n, end in enumerate(VERTICES if bounds in dataset else ()):
                changed[f"{name}{end}"] = (data.dims, dataset[bounds].transpose(*data.dims, ...).values[..., n],
                                           {"standard_name": attributes["standard_name"]})
        else:
            continue
        changed[name] = (data.dims, factor * np.asarray(values, float), attributes)
    return dataset.drop_vars([*dataset.coords]).assign_coords(changed)


def edges(coordinate: Any) -> np.ndarray:
    """Where the cells of a coordinate end: as given, else in the middle between their centres."""
    values = np.atleast_1d(coordinate.values)
    if f"{coordinate.name}{ENDS[0]}" in coordinate.coords:
        low, high = (np.atleast_1d(coordinate.coords[f"{coordinate.name}{end}"].values) for end in ENDS)
        return np.append(low, high[-1])
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([[2.0 * values[0] - middle[0]], middle, [2.0 * values[-1] - middle[-1]]])


def nearest(data: Any, name: str, value: float) -> Any:
    """Data at the place on a coordinate that is nearest to a value; ValueError beyond its cells."""
    coordinate, ends = data[name], edges(data[name])
    if goes_round(coordinate):
        value = ends.min() + (value - ends.min()) % 360.0
    if not ends.min() <= value <= ends.max():
        raise ValueError(f"the {coordinate.attrs.get('long_name', name)} {value:g} is not there: it goes from "
                         f"{coordinate.values.min():.5g} to {coordinate.values.max():.5g} {coordinate.attrs['units']}.")
    return data.isel({name: int(np.abs(coordinate.values - value).argmin())}) if coordinate.ndim else data


def goes_round(coordinate: Any) -> bool:
    """Whether a coordinate is a full circle of longitudes."""
    return coordinate.name.startswith(("longitude", "grid_longitude")) and bool(np.isclose(np.ptp(edges(coordinate)), 360.0))


def wet_cells(dataset: Any) -> Any:
    """Where cells are not land, as the tracers say, which are NaN there; True where there is none to say it."""
    centred = [data for data in dataset.data_vars.values()
               if extends(data, "XY") and not any(name.endswith("_face") for name in data.dims)]
    if not centred:
        return True
    tracer = max(centred, key=lambda data: data.ndim)
    return (tracer.isel(time=0, drop=True) if "time" in tracer.dims else tracer).notnull()


def wet_places(dataset: Any, like: Any) -> Any:
    """Where a field is not on land: a face or corner is wet where all cells about it are, an edge where one of them is."""
    wet = dataset.wet
    if extends(wet, "Z") and not extends(like, "Z"):
        wet = wet.isel({along(wet, "Z"): -1}, drop=True)  # next to the moving boundary
    for name in like.dims:
        if name.endswith("_face") and name.removesuffix("_face") in wet.dims:
            centre = name.removesuffix("_face")
            both = wet if name == along(like, "Z") else wet & wet.roll({centre: 1})
            wet = moved(dataset, both, centre, name)
        elif name.endswith("_edge") and centre_of(name) in wet.dims:
            around = wet.drop_vars(centre_of(name)).rename({centre_of(name): name}).pad({name: 1}, constant_values=False)
            wet = around.isel({name: slice(1, None)}) | around.isel({name: slice(-1)})
    across = [along(wet, axis) for axis in "XY" if extends(wet, axis) and not extends(like, axis)]
    return wet.any(across) if across else wet  # of what was summed or averaged along them


def mean(field: Any) -> Any:
    """The mean over all but time, weighted by area and, across levels, by their thickness at rest."""
    import xarray as xr

    weights = xr.ones_like(field[along(field, "Y") or along(field, "X")])
    if weights.name.startswith("grid_latitude") and "standard_name" not in weights.attrs:  # nominal, of a tripolar grid
        weights = areas(field, (weights.name, along(field, "X")))
    elif weights.name.startswith(("latitude", "grid_latitude")):
        weights = np.cos(np.radians(field[weights.name]))
    if extends(field, "Z"):
        z = along(field, "Z")
        weights = weights * field[z].copy(data=np.abs(np.diff(edges(field[z]))))
    return field.weighted(weights).mean([name for name in field.dims if name != "time"])


DERIVED: dict[str, Callable] = {"speed": speed, "relative_vorticity": relative_vorticity}
