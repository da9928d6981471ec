"""Coastlines of the Earth: those of Natural Earth where cartopy and its data are on this machine, else of global-land-mask.

Nothing is downloaded. The data of cartopy are there once they have been used with a network, or where cartopy's setting
`pre_existing_data_dir` says they are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dycore.geometry.land_fraction import land_fraction

ROWS = 360  # of half a degree, on which the mask is averaged


def coastlines() -> tuple[list[np.ndarray], str]:
    """Lines [n, 2] of longitude and latitude (degrees), and words for where they are from.

    Raises ValueError where there is neither cartopy with its data nor global-land-mask.
    """
    path = natural_earth()
    if path is not None:
        from cartopy.io.shapereader import Reader

        shapes = [part for shape in Reader(path).geometries() for part in getattr(shape, "geoms", [shape])]
        return [np.asarray(part.coords)[:, :2] for part in shapes], f"coasts: Natural Earth, {path.stem.split('_')[1]}"
    if importlib.util.find_spec("global_land_mask") is None:
        raise ValueError("coastlines are those of cartopy, if its data of Natural Earth are on this machine, or of a package that "
                         "is not installed: pip install global-land-mask.")
    return of_land_mask(), "coasts: global-land-mask"


def natural_earth() -> Path | None:
    """The file of coastlines that cartopy has on this machine, the finest but one first; None where there is none."""
    if importlib.util.find_spec("cartopy") is None:
        return None
    from cartopy import config
    from cartopy.io import Downloader

    loader = Downloader.from_config(("shapefiles", "natural_earth"))
    for resolution in ("50m", "110m", "10m"):
        names = {"config": config, "category": "physical", "name": "coastline", "resolution": resolution}
        for path in (loader.pre_downloaded_path(names), loader.target_path(names)):
            if path is not None and Path(path).exists():
                return Path(path)
    return None


def of_land_mask() -> list[np.ndarray]:
    """Outlines of land on half degrees."""
    from contourpy import contour_generator

    land = land_fraction(ROWS, 2 * ROWS, (-90.0, 90.0))
    land = np.concatenate([land[:, -1:], land, land[:, :1]], axis=1)  # round the Earth
    longitude = (np.arange(2 * ROWS + 2) - 0.5) * 180.0 / ROWS
    latitude = (np.arange(ROWS) + 0.5) * 180.0 / ROWS - 90.0
    return [np.asarray(line) for line in contour_generator(longitude, latitude, land).lines(0.5)]


def draw_coastlines(figure: Any, axes: Any, projection: Callable | None, longitude: float) -> None:
    """Coastlines on a map with a longitude (degrees) in its middle, and words below it for where they are from."""
    lines, source = coastlines()
    joined = np.concatenate([np.append(line, [[np.nan, np.nan]], axis=0) for line in lines])
    offset, latitude = (joined[:, 0] - longitude + 180.0) % 360.0 - 180.0, joined[:, 1]
    if projection is None:
        x, y = offset + longitude, latitude
        seen = np.ones(x.shape, bool)
    else:
        x, y, seen = projection(np.radians(offset), np.radians(latitude))
    cut = np.abs(np.diff(offset, prepend=offset[0])) > 180.0  # from one side of the map to the other
    limits = axes.get_xlim(), axes.get_ylim()
    axes.plot(np.where(seen & ~cut, x, np.nan), y, color="k", linewidth=0.6)
    axes.set(xlim=limits[0], ylim=limits[1])
    figure.supxlabel(source, x=0.99, ha="right", fontsize="x-small", color="0.35")
