"""Projections of a sphere for maps, and the globe that is drawn with them: its edge, meridians and parallels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

LAND = "0.75"


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
