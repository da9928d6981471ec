"""A region of your own: bathymetry of a file, a strait by name, smoothing that is said, a sponge in the west, and a picture."""

import sys
from dataclasses import replace

import numpy as np
import xarray as xr

from dycore import Model, pictures, regions
from dycore.backends import on_numpy
from dycore.physics import sponge

lon, lat = np.meshgrid(np.arange(-9.9, 10.0, 0.2), np.arange(30.1, 42.0, 0.2))  # in place of a file of yours, such as that of GEBCO
floor = -2500.0 + 3300.0 * np.exp(-(((lon + 2.0) / 0.8) ** 2)) + 3000.0 * ((lat - 36.0) / 5.5) ** 2  # two basins and a ridge
stand_in = xr.DataArray(floor, {"lat": lat[:, 0], "lon": lon[0]}, ("lat", "lon"), "elevation")


def main(data=stand_in, spacing=0.5, days=1.0, strait=(-4.0, 36.0, 0.0, 36.0, 300.0), picture="my_region.png"):
    """Two basins that a strait joins under a westerly wind; returns the region and the fields after some days."""
    region = regions.from_bathymetry(data, (-9.5, 9.5, 30.5, 41.5), spacing, 10, straits={"Gate": strait}, steepest=0.3)
    print(region.changes.in_words)
    damped = sponge(region.grid, (regions.Side.WEST,), width=3, seconds=21600.0)
    model = Model(region.grid, replace(region.parameters, surface_stress=(0.1, 0.0), forcing=(damped,)), on_numpy)
    end = model.dataset(model.run(region.state, days=days))
    pictures.map_of(pictures.field(end, "speed", level=0.0)).savefig(picture)
    return region, end


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else "my_region.png")
