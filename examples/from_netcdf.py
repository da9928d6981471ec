"""Start from a NetCDF file: xarray brings the fields of a file of yours onto the grid, and the model begins with them."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import xarray as xr

from dycore import Model, Parameters, State, initial_state, pictures
from dycore.backends import on_numpy
from dycore.datasets import cell_places, covering, in_units
from dycore.fluid import Ocean
from dycore.grid import Grid, latitude_longitude
from dycore.vertical import stretched


def read(path: Path, grid: Grid) -> State:
    """A state at rest with `theta` and `salt` of a file on lon, lat and depth, in units that it says; NaN (land) is refused."""
    with xr.open_dataset(path) as file:
        data = covering(file, grid).assign_coords(depth=np.abs(in_units(file.depth, "m").values))
        # above the first level and below the last is what there is on them
        depth = np.clip(-0.5 * (grid.interfaces[1:] + grid.interfaces[:-1]), data.depth.values.min(), data.depth.values.max())
        here = data.interp(depth=depth, **cell_places(grid)).transpose("depth", "y", "x").load()
    return initial_state(grid, surface=0.0, tracers=(in_units(here.theta, "degree_C"), in_units(here.salt, "g kg-1")))


def write_stand_in(path: Path) -> None:
    """A file like those of an atlas, for a run without a file of your own."""
    lon, lat, depth = (xr.DataArray(values, {name: values}, name) for name, values in (
        ("lon", np.arange(0.0, 61.0, 5.0)), ("lat", np.arange(10.0, 61.0, 2.5)), ("depth", np.arange(0.0, 4001.0, 100.0))))
    theta = 2.0 + (26.0 - 0.35 * lat) * np.exp(-depth / 700.0) + 0.0 * lon
    xr.Dataset({"theta": theta, "salt": 35.0 + 0.0 * theta}).to_netcdf(path)


def main(path, backend=on_numpy, cells=(6, 16, 20), days=1.0, picture=None):
    """A box of ocean from 15 to 55 degrees north; returns its grid, the state that was read and that after some days."""
    grid = latitude_longitude(cells, interfaces=stretched(cells[0], 4000.0), latitudes=(15.0, 55.0), longitudes=(0.0, 60.0))
    parameters = Parameters(fluid=Ocean(), time_step=1500.0, substeps=40, tracer_names=("temperature", "salinity"))
    model, start = Model(grid, parameters, backend), read(path, grid)
    end = model.run(start, days=days)
    speed = 100.0 * np.abs(model.dataset(end).eastward_velocity).max().item()
    print(f"The temperature of {path.name} drives currents of up to {speed:.1f} cm/s after {days:g} days.")
    if picture:
        pictures.map_of(pictures.field(model.dataset(end), "speed")).savefig(picture)
    return grid, start, end


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        write_stand_in(stand_in := Path(folder) / "atlas.nc")
        given = {word.endswith(".png"): word for word in sys.argv[1:]}  # a file to read, a picture to draw, or both
        main(Path(given.get(False, stand_in)), picture=given.get(True))
