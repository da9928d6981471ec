"""Pictures of datasets with matplotlib: maps, sections, time series, animations.

    field = pictures.field(model.dataset(state), "temperature", level=100.0)     # at a depth of 100 m
    pictures.map_of(field, pictures.mollweide).savefig("temperature.png")

Fields are those of `dycore.plotting.plotted_fields`, in degrees (km on a plane), hPa or metres of depth, and days. Land is grey,
and what is not on the grid is white. Projections of cartopy, and coastlines, are drawn where they are installed.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dycore.files import at_home
from dycore.inputs.given import check_switch, finite, positive
from dycore.plotting.coastlines import draw_coastlines
from dycore.plotting.colour_limits import alike, colour_bar, colours, extremes
from dycore.plotting.curved_cells import geographic_of
from dycore.plotting.map_cells import cells, land_of
from dycore.plotting.map_projections import (
    LAND,
    degrees,
    draw_globe,
    half_sizes,
    map_axes,
    mollweide,
    orthographic,
    viewed,
)
from dycore.plotting.plotted_fields import (
    PLACES,
    along,
    check_field,
    check_fields,
    edges,
    extends,
    field,
    fields,
    first_wanted,
    mean,
    nearest,
    opened,
    source_of,
)

__all__ = ["PLACES", "along", "animation", "degrees", "field", "fields", "first_wanted", "map_of", "mollweide", "opened",
           "orthographic", "section", "series", "source_of"]
STILLS = (".png", ".pdf", ".svg", ".jpg")
MOVIES = (".gif", ".mp4")
SHAPES = (0.15, 3.0)  # least and greatest height of a map by its width; what is thinner is stretched


def map_of(field: Any, projection: Any = None, longitude: float = 0.0, coastlines: bool = False) -> Any:
    """A map (matplotlib's Figure) at the last time of a field and its level next to the moving boundary.

    `projection` is `mollweide`, `orthographic(latitude)`, one of cartopy such as `cartopy.crs.Robinson()`, or None; `longitude`
    (degrees) is in its middle; one of cartopy says its own, and no other is taken. `coastlines` of the Earth come from
    dycore.plotting.coastlines. Raises ValueError where there are none, and on a plane.
    """
    check_field("field", field)
    check_switch("coastlines", coastlines)
    projection, longitude = viewed(projection, longitude)
    field = at_last(one_level(field, field))
    return drawn_map(field, colours(field), projection, longitude, coastlines)[0]


def drawn_map(field: Any, colours: tuple, projection: Callable | None, longitude: float, coastlines: bool) -> tuple[Any, Any, Any]:
    """The figure, its axes and the mesh in them."""
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    x, y = along(field, "X"), along(field, "Y")
    if not extends(field, "XY"):
        raise ValueError(f"{field.attrs['long_name']} is on one horizontal axis alone: draw a section.")
    if (projection is not None or coastlines) and x.startswith("x"):
        raise ValueError(f"{'coastlines are' if coastlines else 'a projection is'} of a sphere, and this grid is a plane.")
    across, up, values = cells(field, projection, longitude)
    width, height = (np.ptp(across), np.ptp(up)) if projection is None else half_sizes(projection)
    shape = float(np.clip(height / width, *SHAPES))
    figure = Figure(figsize=(9.0, 0.8 + 7.4 * shape) if shape < 0.8 else (1.8 + 6.0 / shape, 6.8), dpi=120, layout="constrained")
    axes = map_axes(figure, projection)
    shown = (across, up, values), cells(land_of(field), projection, longitude)
    styles: tuple[dict[str, Any], ...] = (colours[0] | {"zorder": 0.5}, {"cmap": ListedColormap([LAND]), "zorder": 0.0})
    # not the method of axes of cartopy, which would cut cells once more
    mesh, land = (Axes.pcolormesh(axes, *each, rasterized=True, **style) for each, style in zip(shown, styles, strict=True))
    if projection is None:
        axes.set_aspect("equal" if SHAPES[0] < height / width < SHAPES[1] else "auto")
        curved = geographic_of(field)
        name_axis(axes.xaxis, curved.get("longitude", field[x]))
        name_axis(axes.yaxis, curved.get("latitude", field[y]))
    else:
        draw_globe(axes, (mesh, land), projection, longitude)
    if coastlines:
        draw_coastlines(figure, axes, projection, longitude if projection else 0.5 * (across.min() + across.max()))
    colour_bar(figure, axes, mesh, field, colours[1], aspect=30)
    describe(axes, field)
    return figure, axes, mesh


def at_last(data: Any) -> Any:
    """A field or a dataset at its last time."""
    return data.isel(time=-1) if extends(data, "T") else data


def one_level(data: Any, like: Any) -> Any:
    """A field, or a dataset as a field in it needs, at the level next to the moving boundary."""
    z = along(like, "Z")
    return data.isel({z: -1}, drop=like.sizes[z] == 1) if extends(like, "Z") else data


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
    title = ", ".join([field.attrs["long_name"], *words])
    if axes.figure.get_figwidth() < 7.0:  # too narrow for both side by side
        axes.set_title(f"{title}\n{extremes(field)}", loc="left")
        return
    axes.set_title(title, loc="left")
    axes.set_title(extremes(field), loc="right", fontsize="small", color="0.35")


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
    if "latitude" in across:
        axes.set_xlim(*(min(max(end, -90.0), 90.0) for end in axes.get_xlim()))  # a tripolar grid has a row beyond its fold
    name_axis(axes.xaxis, shown[across])
    name_axis(axes.yaxis, shown[z])
    colour_bar(figure, axes, mesh, shown, extend)
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
        if alike(drawn.values[np.isfinite(drawn.values)]):
            axes.set_ylim(float(low.min()) - 1.0, float(high.max()) + 1.0)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", frameon=False, ncols=2)
    panels[-1].set_xlabel("day")
    return figure


def animation(field: Any, path: Path, projection: Any = None, longitude: float = 0.0, frames_per_second: int = 5,
              coastlines: bool = False) -> None:
    """Maps of all times of a field, as `map_of` draws them, written as a GIF or, where there is ffmpeg, an MP4.

    ffmpeg is that of the machine, or of the package imageio-ffmpeg. Raises ValueError where there is neither, for other endings
    of `path`, and for a field at one time.
    """
    from matplotlib import rc_context
    from matplotlib.animation import FFMpegWriter, PillowWriter

    check_field("field", field)
    check_switch("coastlines", coastlines)
    projection, longitude = viewed(projection, longitude)
    path = at_home(path)
    positive("frames_per_second", frames_per_second, "1/s")
    if path.suffix not in MOVIES:
        raise ValueError(f"'{path}' ends neither in {' nor in '.join(MOVIES)}, the formats of animations that there are.")
    if not extends(field, "T") or field.sizes["time"] == 1:
        raise ValueError("there is one time only: an animation needs several.")
    with rc_context({"animation.ffmpeg_path": ffmpeg()}):
        if path.suffix == ".mp4" and not FFMpegWriter.isAvailable():
            raise ValueError("an MP4 needs ffmpeg, which is not found: install it, or pip install imageio-ffmpeg, or write a .gif.")
        figure, frames = frames_of(field, projection, longitude, coastlines)
        writer = (FFMpegWriter if path.suffix == ".mp4" else PillowWriter)(fps=frames_per_second)
        with writer.saving(figure, path, figure.dpi):
            for _ in frames:
                writer.grab_frame()


def ffmpeg() -> str:
    """The program ffmpeg: of matplotlib's settings if it is found, else that of the package imageio-ffmpeg."""
    from matplotlib import rcParams

    program = str(rcParams["animation.ffmpeg_path"])
    if shutil.which(program) is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
        with suppress(RuntimeError):  # of a package without a program
            return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    return program


def frames_of(field: Any, projection: Callable | None, longitude: float, coastlines: bool = False) -> tuple[Any, Iterator[Any]]:
    """A figure and, one after the other, the mesh in it as it is at each time, at the level next to the moving boundary."""
    field = one_level(field, field)
    figure, axes, mesh = drawn_map(at_last(field), colours(field), projection, longitude, coastlines)

    def frames() -> Iterator[Any]:
        for n in range(field.sizes["time"]):
            moment = field.isel(time=n)
            mesh.set_array(cells(moment, projection, longitude)[2])
            describe(axes, moment)
            yield mesh

    return figure, frames()
