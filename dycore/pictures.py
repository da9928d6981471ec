"""Pictures of datasets, with matplotlib alone: maps, sections, time series, animations.

    field = pictures.field(model.dataset(state), "temperature", level=100.0)     # at a depth of 100 m
    pictures.map_of(field, pictures.mollweide).savefig("temperature.png")

Fields are those of `dycore.plotting.plotted_fields`, in degrees (km on a plane), hPa or metres of depth, and days. Land is grey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dycore.files import at_home
from dycore.inputs.given import finite, positive
from dycore.plotting.curved_cells import curved_cells, geographic_of
from dycore.plotting.map_projections import LAND, degrees, draw_globe, mollweide, orthographic
from dycore.plotting.plotted_fields import (
    PLACES,
    UNITS,
    along,
    check_field,
    check_fields,
    check_view,
    edges,
    extends,
    field,
    fields,
    first_wanted,
    goes_round,
    mean,
    nearest,
    opened,
    source_of,
)

__all__ = ["PLACES", "along", "animation", "degrees", "field", "fields", "first_wanted", "map_of", "mollweide", "opened",
           "orthographic", "section", "series", "source_of"]
STILLS = (".png", ".pdf", ".svg", ".jpg")
MOVIES = (".gif", ".mp4")


def map_of(field: Any, projection: Callable | None = None, longitude: float = 0.0) -> Any:
    """A map (matplotlib's Figure) at the last time of a field and its level next to the moving boundary.

    `projection` is `mollweide`, `orthographic(latitude)` or None; `longitude` (degrees) is in its middle.
    """
    check_field("field", field)
    check_view(projection, longitude)
    field = at_last(one_level(field, field))
    return drawn_map(field, colours(field), projection, longitude)[0]


def drawn_map(field: Any, colours: tuple, projection: Callable | None, longitude: float) -> tuple[Any, Any, Any]:
    """The figure, its axes and the mesh in them."""
    from matplotlib.figure import Figure

    x, y = along(field, "X"), along(field, "Y")
    if not extends(field, "XY"):
        raise ValueError(f"{field.attrs['long_name']} is on one horizontal axis alone: draw a section.")
    if projection is not None and x.startswith("x"):
        raise ValueError("a projection is of a sphere, and this grid is a plane.")
    across, up, values = cells(field, projection, longitude)
    shape = np.ptp(up) / np.ptp(across)
    figure = Figure(figsize=(9.0, 0.8 + 7.4 * shape) if shape < 0.8 else (1.8 + 6.0 / shape, 6.8), dpi=120, layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(across, up, values, rasterized=True, **colours[0])
    if projection is None:
        axes.set(facecolor=LAND, aspect="equal")
        curved = geographic_of(field)
        name_axis(axes.xaxis, curved.get("longitude", field[x]))
        name_axis(axes.yaxis, curved.get("latitude", field[y]))
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
    if geographic_of(field):
        middle = longitude if projection else middle_of(geographic_of(field)["longitude"].values)
        return curved_cells(field, (y, x), projection, projection in (None, mollweide), middle)
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


def middle_of(longitudes: np.ndarray) -> float:
    """The longitude about which others (degrees) lie."""
    return float(np.degrees(np.angle(np.exp(1j * np.radians(longitudes)).mean())))


def colours(field: Any) -> tuple[dict[str, Any], str]:
    """The colour map and its limits, which leave out what lies far out, and which ends of it are left open."""
    values = field.values[np.isfinite(field.values)]
    if not values.size:
        raise ValueError(f"{field.attrs['long_name']} has no values there: all of it is land.")
    moments = field.transpose("time", ...).values if extends(field, "T") else field.values[None]
    finite = (moment[np.isfinite(moment)] for moment in moments)
    ranges = np.array([np.percentile(moment, (1.0, 99.0)) for moment in finite if moment.size])
    low, high = ranges[:, 0].min(), ranges[:, 1].max()  # an animation shows what has grown by its end
    low, high = max(values.min(), low - 0.25 * (high - low)), min(values.max(), high + 0.25 * (high - low))
    units = field.attrs["units"]
    signed = field.name != "speed" and (units in ("m/s", "Pa/s", "Sv", UNITS["s-1"][0]) or (units == "m" and low < 0.0 < high))
    if signed:
        high = max(abs(low), abs(high))
        low = -high
    low, high = widened(values, low, high)
    ends = ("neither", "min", "max", "both")[int(values.min() < low) + 2 * int(values.max() > high)]
    name = "RdBu_r" if signed else "plasma" if units in ("K", UNITS["degree_C"][0]) else "viridis"
    return {"cmap": name, "vmin": low, "vmax": high}, ends


def widened(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Two limits, pulled apart where there is but a constant and its round-off between them."""
    alike = high - low <= 1e3 * np.finfo(values.dtype).eps * max(abs(low), abs(high))
    return (low - 1.0, high + 1.0) if alike else (low, high)


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


def cut(field: Any, at: dict[str, float]) -> tuple[Any, str, str]:
    """A field at one place, or its zonal mean; the axis that is left beside the levels; and words for the place."""
    if not extends(field, "XY"):
        if at:
            raise ValueError(f"{field.attrs['long_name']} is on one horizontal axis alone: leave out the place of the section.")
        return field, "Y" if extends(field, "Y") else "X", "section"
    if not at:
        x = along(field, "X")
        return field.mean(x, keep_attrs=True), "Y", "mean along rows of the grid" if x.startswith("grid_") else "zonal mean"
    if len(at) > 1:
        raise ValueError(f"a section is at one place, not at {' and '.join(at)}.")
    (name, value), = at.items()
    if name not in PLACES:
        raise ValueError(f"a section is at one of {', '.join(PLACES)}, not at {name}.")
    finite(name, value, "as the axes of pictures")
    gone = along(field, PLACES[name])
    if gone.removesuffix("_face") != name:
        there = " and ".join(field[along(field, axis)].attrs["long_name"] for axis in "XY")
        raise ValueError(f"there is no {name} on this grid, but {there}.")
    shown = nearest(field, gone, value)
    return shown, "Y" if PLACES[name] == "X" else "X", "at " + place(shown[gone], float(shown[gone]))


def section(field: Any, **at: float) -> Any:
    """A section (matplotlib's Figure) at one longitude, latitude, x or y, with depth or pressure downward.

    Without a place it is the zonal mean. It shows the last time of the field. ValueError where there is no such place.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    check_field("field", field)
    field = at_last(field)
    z = along(field, "Z")
    if z is None or not extends(field, "Z") or field.sizes[z] == 1:
        raise ValueError(f"{field.attrs['long_name']} has not the levels that a section needs: draw a map.")
    shown, axis, words = cut(field, at)
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

    check_fields(fields)
    if not extends(fields[0], "T") or fields[0].sizes["time"] == 1:
        raise ValueError("there is one time only: a series needs several.")
    figure = Figure(figsize=(9.0, 0.8 + 2.0 * len(fields)), dpi=120, layout="constrained")
    panels = figure.subplots(len(fields), sharex=True, squeeze=False)[:, 0]
    for axes, drawn in zip(panels, fields, strict=True):
        over = [name for name in drawn.dims if name != "time"]
        low, high = drawn.min(over), drawn.max(over)
        axes.fill_between(drawn.time, low, high, alpha=0.25, linewidth=0.0, label="lowest to highest")
        axes.plot(drawn.time, mean(drawn), label="mean")
        axes.set(ylabel=drawn.attrs["units"])
        axes.set_title(drawn.attrs["long_name"], loc="left")
        axes.grid(alpha=0.3)
        axes.margins(x=0.0)
        if (limits := widened(drawn.values, float(low.min()), float(high.max())))[0] < low.min():
            axes.set_ylim(limits)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", frameon=False, ncols=2)
    panels[-1].set_xlabel("day")
    return figure


def animation(field: Any, path: Path, projection: Callable | None = None, longitude: float = 0.0,
              frames_per_second: int = 5) -> None:
    """Maps of all times of a field, written as a GIF or, where there is ffmpeg, an MP4."""
    from matplotlib.animation import FFMpegWriter, PillowWriter

    check_field("field", field)
    check_view(projection, longitude)
    path = at_home(path)
    positive("frames_per_second", frames_per_second, "1/s")
    if path.suffix not in MOVIES:
        raise ValueError(f"'{path}' ends neither in {' nor in '.join(MOVIES)}, the formats of animations that there are.")
    if not extends(field, "T") or field.sizes["time"] == 1:
        raise ValueError("there is one time only: an animation needs several.")
    if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
        raise ValueError("an MP4 needs ffmpeg, which is not found: install it, or write a .gif.")
    figure, frames = frames_of(field, projection, longitude)
    writer = (FFMpegWriter if path.suffix == ".mp4" else PillowWriter)(fps=frames_per_second)
    with writer.saving(figure, path, figure.dpi):
        for _ in frames:
            writer.grab_frame()


def frames_of(field: Any, projection: Callable | None, longitude: float) -> tuple[Any, Iterator[Any]]:
    """A figure and, one after the other, the mesh in it as it is at each time, at the level next to the moving boundary."""
    field = one_level(field, field)
    figure, axes, mesh = drawn_map(at_last(field), colours(field), projection, longitude)

    def frames() -> Iterator[Any]:
        for n in range(field.sizes["time"]):
            moment = field.isel(time=n)
            mesh.set_array(cells(moment, projection, longitude)[2])
            describe(axes, moment)
            yield mesh

    return figure, frames()
