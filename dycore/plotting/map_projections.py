"""Projections of a sphere for maps, and the globe that is drawn with them: its edge, meridians and parallels.

A projection is a function of longitude and latitude (radians) from the middle of a map. One of cartopy becomes such a function.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from dycore.inputs.given import check_function, check_number, finite, shown

LAND = "0.75"
EDGE = 180.0 - 1e-6  # degrees from the middle of a map of cartopy
ROUND = ("stere", "aeqd", "laea", "ortho", "nsper", "gnom", "geos")  # PROJ's names of maps about a point


def mollweide(longitude: Any, latitude: Any) -> tuple[Any, Any, Any]:
    """x, y and whether it is seen, of places in radians: the whole sphere, areas as they are."""
    from matplotlib.projections.geo import MollweideAxes

    flat = MollweideAxes.MollweideTransform(1).transform(np.column_stack([np.ravel(longitude), np.ravel(latitude)]))
    return *flat.T.reshape(2, *np.shape(longitude)), np.ones(np.shape(longitude), bool)


def orthographic(centre: float = 40.0) -> Callable:
    """The projection of a sphere seen from far above a latitude (degrees)."""
    centre = check_number("centre", centre, "a latitude from -90 to 90 (degrees)", lambda value: abs(value) <= 90.0)

    def project(longitude: Any, latitude: Any) -> tuple[Any, Any, Any]:
        middle = np.radians(centre)
        x = np.cos(latitude) * np.sin(longitude)
        y = np.cos(middle) * np.sin(latitude) - np.sin(middle) * np.cos(latitude) * np.cos(longitude)
        seen = np.sin(middle) * np.sin(latitude) + np.cos(middle) * np.cos(latitude) * np.cos(longitude) >= 0.0
        limb = np.where(seen, 1.0, np.maximum(np.hypot(x, y), 1e-9))  # what is not seen is put on the edge
        return x / limb, y / limb, seen

    return project


def is_of_cartopy(projection: Any) -> bool:
    """Whether something is a projection of cartopy, such as cartopy.crs.Robinson()."""
    return not isinstance(projection, type) and hasattr(projection, "transform_points") and hasattr(projection, "boundary")


def of_cartopy(crs: Any) -> tuple[Callable, float]:
    """A projection of cartopy as a function, with `crs` among its attributes, and the longitude in its middle (degrees)."""
    middle = float(crs.proj4_params.get("lon_0", 0.0))

    def project(longitude: Any, latitude: Any) -> tuple[Any, Any, Any]:
        inside = np.degrees(longitude)
        if ends_opposite(project):
            inside = np.clip(inside, -EDGE, EDGE)  # beyond it a point is on the other side of the map
        points = crs.transform_points(crs.as_geodetic(), np.ravel(inside) + middle, np.degrees(np.ravel(latitude)))
        points = points.reshape(*np.shape(longitude), 3)
        seen = np.isfinite(points[..., :2]).all(axis=-1)
        x, y = np.moveaxis(np.where(seen[..., None], points[..., :2], 0.0), -1, 0)
        return x, y, seen

    project.__dict__["crs"] = crs
    return project, middle


def viewed(projection: Any, longitude: Any) -> tuple[Callable | None, float]:
    """A projection as a function, or None, and the longitude in its middle (degrees).

    Raises ValueError for what is no projection, and for another longitude than that of a projection of cartopy.
    """
    longitude = finite("longitude", longitude, "degrees")
    if is_of_cartopy(projection):
        projection, middle = of_cartopy(projection)
        if longitude not in (0.0, middle):
            raise ValueError(f"longitude={longitude:g} is not the middle of the projection of cartopy, which is at {middle:g} "
                             f"degrees. Choose it there, as in cartopy.crs.Robinson(central_longitude={longitude:g}).")
        longitude = middle
    check_projection(projection)
    return projection, longitude


def check_projection(projection: Any) -> None:
    """Raise ValueError unless a projection is None, or a function (longitude, latitude) that returns what it should."""
    if projection is None:
        return
    if isinstance(projection, type) or not callable(projection):
        raise ValueError(f"projection={shown(projection)} is none. Give mollweide or orthographic(40.0) of dycore.pictures, "
                         "one of cartopy such as cartopy.crs.Robinson(), or a function of (longitude, latitude).")
    check_function("projection", projection, "longitude", "latitude")
    origin, made = np.zeros((1, 1)), None
    with suppress(Exception):  # whatever a function says that is meant for something else
        made = projection(origin, origin)
    if not isinstance(made, tuple) or [np.shape(part) for part in made] != [origin.shape] * 3:
        raise ValueError(f"projection={shown(projection)} must return x, y and what is seen, three arrays, as "
                         "dycore.pictures.mollweide does.")


def ends_opposite(projection: Callable | None) -> bool:
    """Whether a map ends 180 degrees from its middle, so that cells there are cut in two."""
    crs = getattr(projection, "crs", None)
    return projection in (None, mollweide) or (crs is not None and crs.proj4_params["proj"] not in ROUND)


def map_axes(figure: Any, projection: Callable | None) -> Any:
    """Axes for a map; those of cartopy, with meridians and parallels, for a projection of cartopy."""
    crs = getattr(projection, "crs", None)
    if crs is None:
        return figure.subplots()
    axes = figure.add_subplot(projection=crs)
    axes.set_global()
    axes.gridlines(color="k", alpha=0.3, linewidth=0.5)
    return axes


def half_sizes(projection: Callable) -> tuple[float, float]:
    """Half the width and the height of the globe on a map."""
    crs = getattr(projection, "crs", None)
    if crs is not None:
        return 0.5 * float(np.ptp(crs.x_limits)), 0.5 * float(np.ptp(crs.y_limits))
    line = np.radians(np.linspace(-90.0, 90.0, 181))
    x, y, _ = projection(*np.meshgrid(2.0 * line, line))
    return float(x.max()), float(y.max())


def draw_globe(axes: Any, meshes: tuple[Any, ...], projection: Callable, longitude: float) -> None:
    """The edge of the globe, meridians and parallels. What is not on the grid stays white, so that it does not look like land."""
    from matplotlib.patches import Ellipse

    if hasattr(projection, "crs"):
        return  # axes of cartopy have drawn it
    line = np.radians(np.linspace(-90.0, 90.0, 181))
    width, height = half_sizes(projection)
    axes.set(xlim=(-1.02 * width, 1.02 * width), ylim=(-1.02 * height, 1.02 * height), aspect="equal")
    axes.axis("off")
    edge = axes.add_patch(Ellipse((0.0, 0.0), 2.0 * width, 2.0 * height, fill=False, edgecolor="k", zorder=4))
    for mesh in meshes:
        mesh.set_clip_path(edge)
    for meridian in np.arange(0.0, 360.0, 30.0):
        draw_line(axes, projection, np.full(line.shape, np.radians((meridian - longitude + 180.0) % 360.0 - 180.0)), line)
    for parallel in np.arange(-60.0, 61.0, 30.0):
        draw_line(axes, projection, 2.0 * line, np.full(line.shape, np.radians(parallel)))
        if projection is mollweide:
            left, high, _ = projection(-np.pi, np.radians(parallel))
            axes.annotate(degrees(parallel, "NS"), (left, high), (-3, 0), textcoords="offset points", ha="right",
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
