"""Pictures of datasets, with matplotlib alone: maps, sections, time series, animations.

    field = pictures.field(model.dataset(state), "temperature", level=100.0)     # at a depth of 100 m
    pictures.map_of(field, pictures.mollweide).savefig("temperature.png")

Datasets are those of `model.dataset` or files of them, with or without a time dimension. Whatever is asked or shown here is
in degrees (km on a plane), hPa or metres of depth, and days since the start. Land is grey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dycore.grid import EARTH_RADIUS

UNITS = {"Pa": ("hPa", 0.01), "degree_C": ("\N{DEGREE SIGN}C", 1.0), "m s-1": ("m/s", 1.0), "Pa s-1": ("Pa/s", 1.0),
         "g kg-1": ("g/kg", 1.0), "s-1": ("$10^{-5}$/s", 1e5)}
IN_A_DAY = {"s": 86400.0, "seconds": 86400.0, "minutes": 1440.0, "hours": 24.0, "days": 1.0}
WANTED = ("surface_pressure", "temperature", "sea_surface_height", "eastward_velocity")  # what a user looks at first
STILLS = (".png", ".pdf", ".svg", ".jpg")
PLACES = {"longitude": "X", "latitude": "Y", "x": "X", "y": "Y"}
MOVIES = (".gif", ".mp4")
LAND = "0.75"


# Fields


def opened(path: Path) -> Any:
    """The dataset in a NetCDF file or a Zarr store; ValueError says what is wrong with it."""
    import xarray as xr

    if not path.exists():
        raise ValueError(f"there is no file '{path}'.")
    try:
        dataset = xr.open_dataset(path, engine="zarr" if path.is_dir() else "netcdf4", decode_times=False)
    except (OSError, ValueError) as problem:
        raise ValueError(f"'{path}' is neither a NetCDF file nor a Zarr store.") from problem
    if not fields(dataset):
        raise ValueError(f"'{path}' holds no field on longitude and latitude, or x and y, as dycore writes them.")
    return dataset


def along(data: Any, axis: str) -> Any:
    """The name of a field's coordinate along X, Y, Z (the attribute axis of CF) or T, a dimension or one place; None without."""
    return next((name for name, coordinate in data.coords.items()
                 if axis == ("T" if name == "time" else coordinate.attrs.get("axis"))), None)


def extends(data: Any, axes: str) -> bool:
    """Whether a field has all these dimensions."""
    return all(along(data, axis) in data.dims for axis in axes)


def fields(dataset: Any) -> tuple[str, ...]:
    """Names of what can be drawn: what the dataset holds, and what follows from it."""
    held = tuple(name for name, data in dataset.data_vars.items() if extends(data, "XY"))
    return (*held, *DERIVED) if {"eastward_velocity", "northward_velocity"} <= set(held) else held


def first_wanted(dataset: Any, levels: bool) -> str:
    """The field that is drawn where none is named, one with levels if so wanted."""
    axes = "XYZ" if levels else "XY"
    return next((name for name in (*WANTED, *fields(dataset)) if name in dataset and extends(dataset[name], axes)),
                fields(dataset)[0])


def field(dataset: Any, name: str, level: float | None = None, time: float | None = None) -> Any:
    """A field as it is shown: in the units of pictures, NaN on land.

    `level` (hPa, or m of depth) and `time` (days) take the nearest there is, None keeps all. ValueError beyond them.
    """
    dataset = shown_coordinates(dataset)
    dataset = dataset.assign(wet=wet_cells(dataset))
    source = source_of(dataset, name)
    for axis, value, what in (("Z", level, "level"), ("T", time, "time")):
        if value is not None:
            if along(source, axis) is None:
                raise ValueError(f"{name} has no {what}.")
            dataset = nearest(dataset, along(source, axis), value)
    found = DERIVED[name](dataset) if name in DERIVED else dataset[name]
    units, factor = UNITS.get(found.attrs["units"], (found.attrs["units"], 1.0))
    found = found.where(wet_places(dataset, found)) * factor
    return found.rename(name).assign_attrs(units=units, long_name=name.replace("_", " "))


def source_of(dataset: Any, name: str) -> Any:
    """The variable that a field is, or the one that it follows from."""
    return dataset["eastward_velocity" if name in DERIVED else name]


def shown_coordinates(dataset: Any) -> Any:
    """The dataset with coordinates in km, hPa, m of depth and days; where levels end, if known, as their attribute."""
    from xarray.conventions import encode_cf_variable

    changed = {}
    for name, data in dataset.coords.items():
        attributes, values = dict(data.attrs), data.variable
        if name == "time":
            values = encode_cf_variable(values)  # numbers, whether xarray has decoded them or not
            factor, attributes = 1.0 / IN_A_DAY[values.attrs["units"].split()[0]], {"units": "days"}
        elif attributes.get("axis") == "Z":
            factor, units, shown = (0.01, "hPa", "pressure") if attributes["units"] == "Pa" else (-1.0, "m", "depth")
            attributes |= {"units": units, "long_name": shown}
            if attributes.get("bounds") in dataset:
                bounds = dataset[attributes["bounds"]].values.reshape(-1, 2)  # of one level or more
                attributes["edges"] = factor * np.append(bounds[:, 0], bounds[-1, 1])
        elif attributes.get("axis") in ("X", "Y"):
            factor, units = (1e-3, "km") if attributes["units"] == "m" else (1.0, "degrees")
            attributes |= {"units": units, "long_name": name.removesuffix("_face")}
        else:
            continue
        changed[name] = (data.dims, factor * np.asarray(values, float), attributes)
    return dataset.drop_vars([*dataset.coords]).assign_coords(changed)


def edges(coordinate: Any) -> np.ndarray:
    """Where the cells of a coordinate end: as given, else in the middle between their centres."""
    if "edges" in coordinate.attrs:
        return np.asarray(coordinate.attrs["edges"])
    values = np.atleast_1d(coordinate.values)
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
    return coordinate.name.startswith("longitude") and bool(np.isclose(np.ptp(edges(coordinate)), 360.0))


def wet_cells(dataset: Any) -> Any:
    """Where cells are not land, as the tracers say, which are NaN there; True where there is none to say it."""
    centred = [data for data in dataset.data_vars.values()
               if extends(data, "XY") and not any(name.endswith("_face") for name in data.dims)]
    if not centred:
        return True
    tracer = max(centred, key=lambda data: data.ndim)
    return (tracer.isel(time=0, drop=True) if "time" in tracer.dims else tracer).notnull()


def wet_places(dataset: Any, like: Any) -> Any:
    """Where a field is not on land: a face or corner is wet where all cells about it are."""
    wet = dataset.wet
    if extends(wet, "Z") and not extends(like, "Z"):
        wet = wet.isel({along(wet, "Z"): -1}, drop=True)  # next to the moving boundary
    for name in like.dims:
        if name.endswith("_face") and name.removesuffix("_face") in wet.dims:
            centre = name.removesuffix("_face")
            both = wet if name == along(like, "Z") else wet & wet.roll({centre: 1})
            wet = moved(dataset, both, centre, name)
    return wet


def moved(dataset: Any, data: Any, here: str, there: str) -> Any:
    """Data on another place of the cell along one dimension."""
    return data.rename({here: there}).assign_coords({there: dataset[there]})


# What follows from the velocity; beyond a wall there is none, so that going round does no harm there


def speed(dataset: Any) -> Any:
    """Speed at cell centres (m/s)."""
    squares: Any = 0.0
    for name, axis in (("eastward_velocity", "X"), ("northward_velocity", "Y")):
        face, velocity = along(dataset[name], axis), dataset[name].fillna(0.0)  # of a wall, which may be NaN as land is
        mean = 0.5 * (velocity + velocity.roll({face: -1}))
        squares = squares + moved(dataset, mean, face, face.removesuffix("_face")) ** 2
    return np.sqrt(squares).assign_attrs(units="m s-1")


def relative_vorticity(dataset: Any) -> Any:
    """Vorticity of the velocity along levels at corners (1/s), on a sphere of the Earth's radius or a plane."""
    u, v = dataset["eastward_velocity"], dataset["northward_velocity"]
    y, x = along(u, "Y"), along(v, "X")
    if min(dataset.sizes[y], dataset.sizes[x]) < 2:
        raise ValueError(f"vorticity needs two cells or more along {x} and along {y}, and there are {dataset.sizes[x]} and "
                         f"{dataset.sizes[y]}: draw another field.")
    row, corner, metres = 1.0, 1.0, 1e3
    if y == "latitude":
        row, corner = np.cos(np.radians(dataset[y])), np.cos(np.radians(dataset[f"{y}_face"]))
        metres = np.radians(EARTH_RADIUS)
    dx, dy = (metres * float(dataset[name][1] - dataset[name][0]) for name in (x, y))
    across = moved(dataset, v - v.roll({x: 1}), x, f"{x}_face") / (dx * corner)
    along_rows = moved(dataset, u * row - (u * row).roll({y: 1}), y, f"{y}_face") / (dy * corner)
    inside = {f"{y}_face": slice(1, None)} | ({} if goes_round(dataset[x]) else {f"{x}_face": slice(1, None)})
    return (across - along_rows).transpose(*across.dims).isel(inside).assign_attrs(units="s-1")


DERIVED: dict[str, Callable] = {"speed": speed, "relative_vorticity": relative_vorticity}


# How they are drawn


def mollweide(longitude: Any, latitude: Any) -> tuple[Any, Any, Any]:
    """x, y and whether it is seen, of places in radians: the whole sphere, areas as they are."""
    from matplotlib.projections.geo import MollweideAxes

    flat = MollweideAxes.MollweideTransform(1).transform(np.column_stack([np.ravel(longitude), np.ravel(latitude)]))
    return *flat.T.reshape(2, *np.shape(longitude)), np.ones(np.shape(longitude), bool)


def orthographic(centre: float = 40.0) -> Callable:
    """The projection of a sphere seen from far above a latitude (degrees)."""
    def project(longitude: Any, latitude: Any) -> tuple[Any, Any, Any]:
        middle = np.radians(centre)
        x = np.cos(latitude) * np.sin(longitude)
        y = np.cos(middle) * np.sin(latitude) - np.sin(middle) * np.cos(latitude) * np.cos(longitude)
        seen = np.sin(middle) * np.sin(latitude) + np.cos(middle) * np.cos(latitude) * np.cos(longitude) >= 0.0
        limb = np.where(seen, 1.0, np.maximum(np.hypot(x, y), 1e-9))  # what is not seen is put on the edge
        return x / limb, y / limb, seen

    return project


def map_of(field: Any, projection: Callable | None = None, longitude: float = 0.0) -> Any:
    """A map (matplotlib's Figure) at the last time of a field and its level next to the moving boundary.

    `projection` is `mollweide`, `orthographic(latitude)` or None; `longitude` (degrees) is in its middle.
    """
    field = at_last(one_level(field, field))
    return drawn_map(field, colours(field), projection, longitude)[0]


def drawn_map(field: Any, colours: tuple[dict[str, Any], str], projection: Callable | None,
              longitude: float) -> tuple[Any, Any, Any]:
    """The figure, its axes and the mesh in them."""
    from matplotlib.figure import Figure

    x, y = along(field, "X"), along(field, "Y")
    if projection is not None and x.startswith("x"):
        raise ValueError("a projection is of a sphere, and this grid is a plane.")
    across, up, values = cells(field, projection, longitude)
    shape = np.ptp(up) / np.ptp(across)
    figure = Figure(figsize=(9.0, 0.8 + 7.4 * shape) if shape < 0.8 else (1.8 + 6.0 / shape, 6.8), dpi=120, layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(across, up, values, rasterized=True, **colours[0])
    if projection is None:
        axes.set(facecolor=LAND, aspect="equal")
        name_axis(axes.xaxis, field[x])
        name_axis(axes.yaxis, field[y])
    else:
        draw_globe(axes, mesh, projection, longitude)
    figure.colorbar(mesh, ax=axes, extend=colours[1], label=field.attrs["units"], aspect=30, pad=0.02)
    describe(axes, field)
    return figure, axes, mesh


def at_last(data: Any) -> Any:
    """A field or a dataset at its last time."""
    return data.isel(time=-1) if extends(data, "T") else data


def one_level(data: Any, like: Any) -> Any:
    """A field, or a dataset as a field in it needs, at the level next to the moving boundary."""
    z = along(like, "Z")
    return data.isel({z: -1}, drop=like.sizes[z] == 1) if extends(like, "Z") else data


def cells(field: Any, projection: Callable | None, longitude: float) -> tuple[Any, Any, Any]:
    """x and y of the edges or corners of cells, and their values, the hidden ones masked."""
    x, y = along(field, "X"), along(field, "Y")
    across, up, values = edges(field[x]), edges(field[y]), np.ma.masked_invalid(field.transpose(y, x).values)
    if projection is None:
        return across, up, values
    if goes_round(field[x]):  # from 180 degrees west of the middle; a cell there is cut in two
        first = int(np.argmax((across[:-1] - longitude + 180.0) % 360.0))
        start = (across[first] - longitude + 180.0) % 360.0 - 540.0
        across = np.clip(np.append(start + across - across[0], 180.0), -180.0, 180.0)
        values = np.ma.concatenate([np.roll(values, -first, axis=1), values[:, first:first + 1]], axis=1)
    else:
        across = across - longitude
    flat_x, flat_y, seen = projection(*np.meshgrid(np.radians(across), np.radians(np.clip(up, -90.0, 90.0))))
    hidden = ~(seen[1:, 1:] | seen[1:, :-1] | seen[:-1, 1:] | seen[:-1, :-1])
    return flat_x, flat_y, np.ma.masked_where(hidden | np.ma.getmaskarray(values), values)


def colours(field: Any) -> tuple[dict[str, Any], str]:
    """The colour map and its limits, which leave out what lies far out, and which ends of it are left open."""
    values = field.values[np.isfinite(field.values)]
    if not values.size:
        raise ValueError(f"{field.attrs['long_name']} has no values there: all of it is land.")
    moments = field.transpose("time", ...).values if extends(field, "T") else field.values[None]
    ranges = np.array([np.nanpercentile(moment, (1.0, 99.0)) for moment in moments])
    low, high = ranges[:, 0].min(), ranges[:, 1].max()  # an animation shows what has grown by its end
    low, high = max(values.min(), low - 0.25 * (high - low)), min(values.max(), high + 0.25 * (high - low))
    units = field.attrs["units"]
    signed = field.name != "speed" and (units in ("m/s", "Pa/s", UNITS["s-1"][0]) or (units == "m" and low < 0.0 < high))
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    low, high = apart(values, low, high)
    ends = ("neither", "min", "max", "both")[int(values.min() < low) + 2 * int(values.max() > high)]
    name = "RdBu_r" if signed else "plasma" if units in ("K", UNITS["degree_C"][0]) else "viridis"
    return {"cmap": name, "vmin": low, "vmax": high}, ends


def apart(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Two limits, pulled apart where there is but a constant and its round-off between them."""
    alike = high - low <= 1e3 * np.finfo(values.dtype).eps * max(abs(low), abs(high))
    return (low - 1.0, high + 1.0) if alike else (low, high)


def draw_globe(axes: Any, mesh: Any, projection: Callable, longitude: float) -> None:
    """The edge of the globe, land beneath the mesh, meridians and parallels."""
    from matplotlib.patches import Ellipse

    line = np.radians(np.linspace(-90.0, 90.0, 181))
    x, y, _ = projection(*np.meshgrid(2.0 * line, line))
    axes.set(xlim=1.02 * np.array([-x.max(), x.max()]), ylim=1.02 * np.array([-y.max(), y.max()]), aspect="equal")
    axes.axis("off")
    styles: tuple[dict[str, Any], ...] = ({"facecolor": LAND, "zorder": 0}, {"fill": False, "edgecolor": "k", "zorder": 4})
    for options in styles:
        mesh.set_clip_path(axes.add_patch(Ellipse((0.0, 0.0), 2.0 * x.max(), 2.0 * y.max(), **options)))
    for meridian in np.arange(0.0, 360.0, 30.0):
        draw_line(axes, projection, np.full(line.shape, np.radians((meridian - longitude + 180.0) % 360.0 - 180.0)), line)
    for parallel in np.arange(-60.0, 61.0, 30.0):
        draw_line(axes, projection, 2.0 * line, np.full(line.shape, np.radians(parallel)))
        if projection is mollweide:
            left, height, _ = projection(-np.pi, np.radians(parallel))
            axes.annotate(degrees(parallel, "NS"), (left, height), (-3, 0), textcoords="offset points", ha="right",
                          va="center" if parallel == 0.0 else "bottom" if parallel > 0.0 else "top")


def draw_line(axes: Any, projection: Callable, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """A meridian or a parallel, where it is seen."""
    x, y, seen = projection(longitude, latitude)
    axes.plot(np.where(seen, x, np.nan), y, color="k", alpha=0.3, linewidth=0.5)


def degrees(value: float, names: str) -> str:
    """An angle as 30 degrees N; names are those of the positive and of the negative side."""
    value = (value + 180.0) % 360.0 - 180.0
    side = "" if value in (0.0, -180.0) else names[int(value < 0.0)]
    return f"{abs(value):g}\N{DEGREE SIGN}{side}"


def place(coordinate: Any, value: float) -> str:
    """A value of a coordinate in words."""
    if coordinate.name.startswith(("longitude", "latitude")):
        return degrees(round(value, 2), "NS" if coordinate.name.startswith("latitude") else "EW")
    return f"{coordinate.attrs['long_name']} = {value:.5g} km"


def name_axis(axis: Any, coordinate: Any) -> None:
    """Ticks in degrees, or a label with the unit."""
    from matplotlib.ticker import MaxNLocator

    if coordinate.name.startswith(("longitude", "latitude")):
        axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 1.5, 2, 3, 4.5, 6, 9, 10]))
        axis.set_major_formatter(lambda value, _: place(coordinate, value))
    else:
        axis.set_label_text(f"{coordinate.attrs['long_name']} ({coordinate.attrs['units']})")


def describe(axes: Any, field: Any, *more: str) -> None:
    """The title: what, where and when, and the extremes."""
    words = [*more]
    level = along(field, "Z")
    if level and not field[level].ndim:
        units = field[level].attrs["units"]
        words.append(f"{'depth ' if units == 'm' else ''}{float(field[level]):.3g} {units}")
    if along(field, "T"):
        words.append(f"day {float(field.time):.1f}")
    axes.set_title(", ".join([field.attrs["long_name"], *words]), loc="left")
    axes.set_title(f"{float(field.min()):.4g} to {float(field.max()):.4g} {field.attrs['units']}", loc="right",
                   fontsize="small", color="0.35")


def section(field: Any, **at: float) -> Any:
    """A section (matplotlib's Figure) at one longitude, latitude, x or y, with depth or pressure downward.

    Without a place it is the zonal mean. It shows the last time of the field. ValueError where there is no such place.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    field = at_last(field)
    z = along(field, "Z")
    if z is None or not extends(field, "Z") or field.sizes[z] == 1:
        raise ValueError(f"{field.attrs['long_name']} has not the levels that a section needs: draw a map.")
    if not at:
        x = along(field, "X")
        shown = field.mean(x, keep_attrs=True)
        words, axis = "zonal mean", "Y"
    else:
        if len(at) > 1:
            raise ValueError(f"a section is at one place, not at {' and '.join(at)}.")
        (name, value), = at.items()
        gone = along(field, PLACES[name])
        if gone.removesuffix("_face") != name:
            there = " and ".join(field[along(field, axis)].attrs["long_name"] for axis in "XY")
            raise ValueError(f"there is no {name} on this grid, but {there}.")
        shown = nearest(field, gone, value)
        words, axis = "at " + place(shown[gone], float(shown[gone])), "Y" if PLACES[name] == "X" else "X"
    across = along(shown, axis)
    figure = Figure(figsize=(9.0, 4.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    options, extend = colours(shown)
    values = shown.transpose(z, across)
    mesh = axes.pcolormesh(edges(shown[across]), edges(shown[z]), np.ma.masked_invalid(values), rasterized=True, **options)
    lines = np.asarray(MaxNLocator(10).tick_values(options["vmin"], options["vmax"]))
    lines = lines[(lines > float(shown.min())) & (lines < float(shown.max())) & (lines != 0.0)]
    if lines.size > 1 and shown.sizes[across] > 1:
        axes.contour(shown[across], shown[z], values, levels=lines, colors="k", alpha=0.5, linewidths=0.5)
    ends = edges(shown[z])
    axes.set(facecolor=LAND, ylim=(ends.max(), max(ends.min(), 0.0)))
    name_axis(axes.xaxis, shown[across])
    name_axis(axes.yaxis, shown[z])
    figure.colorbar(mesh, ax=axes, extend=extend, label=shown.attrs["units"], pad=0.02)
    describe(axes, shown, words)
    return figure


def series(fields: Sequence[Any]) -> Any:
    """Mean, lowest and highest value of fields by time (matplotlib's Figure), one panel each."""
    from matplotlib.figure import Figure

    if not extends(fields[0], "T") or fields[0].sizes["time"] == 1:
        raise ValueError("there is one time only: a series needs several.")
    figure = Figure(figsize=(9.0, 0.8 + 2.0 * len(fields)), dpi=120, layout="constrained")
    panels = figure.subplots(len(fields), sharex=True, squeeze=False)[:, 0]
    for axes, field in zip(panels, fields, strict=True):
        over = [name for name in field.dims if name != "time"]
        low, high = field.min(over), field.max(over)
        axes.fill_between(field.time, low, high, alpha=0.25, linewidth=0.0, label="lowest to highest")
        axes.plot(field.time, mean(field), label="mean")
        axes.set(ylabel=field.attrs["units"])
        axes.set_title(field.attrs["long_name"], loc="left")
        axes.grid(alpha=0.3)
        axes.margins(x=0.0)
        if (limits := apart(field.values, float(low.min()), float(high.max())))[0] < low.min():
            axes.set_ylim(limits)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", frameon=False, ncols=2)
    panels[-1].set_xlabel("day")
    return figure


def mean(field: Any) -> Any:
    """The mean over all but time, weighted by area and, across levels, by their thickness at rest."""
    import xarray as xr

    weights = xr.ones_like(field[along(field, "Y")])
    if weights.name.startswith("latitude"):
        weights = np.cos(np.radians(field[weights.name]))
    if extends(field, "Z"):
        z = along(field, "Z")
        weights = weights * field[z].copy(data=np.abs(np.diff(edges(field[z]))))
    return field.weighted(weights).mean([name for name in field.dims if name != "time"])


def animation(field: Any, path: Path, projection: Callable | None = None, longitude: float = 0.0,
              frames_per_second: int = 5) -> None:
    """Maps of all times of a field, written as a GIF or, where there is ffmpeg, an MP4."""
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if not extends(field, "T") or field.sizes["time"] == 1:
        raise ValueError("there is one time only: an animation needs several.")
    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("an MP4 needs ffmpeg, which is not found: install it, or write a .gif.")
    field = one_level(field, field)
    figure, axes, mesh = drawn_map(at_last(field), colours(field), projection, longitude)
    writer = (FFMpegWriter if path.suffix == ".mp4" else PillowWriter)(fps=frames_per_second)
    with writer.saving(figure, path, figure.dpi):
        for n in range(field.sizes["time"]):
            moment = field.isel(time=n)
            mesh.set_array(cells(moment, projection, longitude)[2])
            describe(axes, moment)
            writer.grab_frame()
