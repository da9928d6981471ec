"""Land and sea of the Earth, of the package global-land-mask."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import numpy as np


def land_fraction(ny: int, nx: int, latitudes: tuple[float, float]) -> np.ndarray:
    """Share of land in cells [j, i] of equal size in degrees, eastward from Greenwich.

    From the mask of the package global-land-mask (made of GLOBE, NOAA; 1/120 degree), of which every cell
    takes points on a grid of 1/12 degree. Raises ValueError where it is not installed.
    """
    package = importlib.util.find_spec("global_land_mask")
    if package is None or package.origin is None:
        raise ValueError("The coastlines come with a package that is not installed. Install it with: pip install global-land-mask.")
    every, rows, columns = 10, 21600, 43200
    points = np.empty((rows // every, columns // every), bool)
    with zipfile.ZipFile(Path(package.origin).parent / "globe_combined_mask_compressed.npz") as archive, \
            archive.open("mask.npy") as stream:  # nearly 1 GB as a whole: read row by row, from the north
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        for row in range(rows // every):
            block = stream.read(every * columns)
            points[row] = np.frombuffer(block[every // 2 * columns: (every // 2 + 1) * columns], bool)[every // 2:: every]
    land = ~np.roll(points[::-1], -columns // every // 2, axis=1)  # the mask is true on water, and begins at 180 degrees west
    latitude = -90.0 + (np.arange(land.shape[0]) + 0.5) * 180.0 / land.shape[0]
    j = np.floor((latitude - latitudes[0]) / (latitudes[1] - latitudes[0]) * ny).astype(int)
    i = np.arange(land.shape[1]) * nx // land.shape[1]
    inside = (j >= 0) & (j < ny)
    cell = (j[inside, None] * nx + i).ravel()
    return np.divide(np.bincount(cell, land[inside].ravel(), ny * nx), np.bincount(cell, minlength=ny * nx)).reshape(ny, nx)
