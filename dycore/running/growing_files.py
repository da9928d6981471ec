"""Files of output that grow along time, one record after the other: NetCDF files, Zarr stores and Icechunk repositories.

A record counts from the moment that its time is in the file, which comes last. NetCDF: rank 0 writes the whole domain, in the
classic format (CDF-5), whose header counts the records and is updated when a file is closed; HDF5 would not outlive a run that
is killed. The room of a record is reserved first, so that a disk that is full changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dycore import output
from dycore.files import by_first, reserve, whole
from dycore.inputs.given import shown
from dycore.locations import ENDINGS, check_libraries, is_here
from dycore.running.icechunk_repositories import Icechunk
from dycore.running.zarr_stores import TIMES, Zarr, could_not

FORMAT = "NETCDF3_64BIT_DATA"


class NetCDF:
    """A file that rank 0 writes."""

    def __init__(self, path: Path, model: Any, chunks: Any = None):
        if not is_here(path):
            raise ValueError(f"'{path}': a NetCDF file grows in its place, which only a disk of this machine allows. Name a path "
                             "there, or one that ends in .zarr or .icechunk.")
        if chunks is not None:
            raise ValueError(f"chunks={shown(chunks)} of '{path}': a NetCDF file of the classic format has none. Leave them out, "
                             "or name a path that ends in .zarr or .icechunk.")
        self.path, self.tile, self.communication = path, model.tile, model.backend.communication

    def exists(self) -> bool:
        """Whether something is there."""
        return self.path.exists()

    def create(self, template: Any) -> None:
        """A file without records."""
        with whole(self.path) as place:
            template.to_netcdf(place, format=FORMAT, engine="netcdf4", unlimited_dims=["time"])

    def identity(self) -> str:
        """Identity of the run to which the file belongs."""
        import netCDF4

        with netCDF4.Dataset(self.path) as file:
            return file.getncattr("identity")

    def times(self) -> dict[str, np.ndarray]:
        """Times of the records."""
        import netCDF4

        with netCDF4.Dataset(self.path) as file:
            return {name: np.asarray(file[name][:]) for name in TIMES if name in file.variables}

    def cut(self, records: int) -> None:
        """Leave so many records: in a copy, which takes the place of the file."""
        with output.load_xarray().open_dataset(self.path, engine="netcdf4", decode_cf=False) as found, whole(self.path) as place:
            found.isel(time=slice(records)).to_netcdf(place, format=FORMAT, engine="netcdf4", unlimited_dims=["time"])

    def append(self, record: int, fields: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        """Write a record from the cells that every process keeps; all have to call it."""
        import netCDF4

        gathered = {name: self.communication.assembled(self.tile, cells) for name, cells in fields.items()}

        def write() -> None:
            reserve(self.path, sum(np.asarray(values).nbytes + 4 for values in (gathered | times).values()))
            with netCDF4.Dataset(self.path, "a") as file:
                file.set_fill_off()
                for name, values in (gathered | times).items():
                    file[name][record] = values

        by_first(self.communication, write, could_not(self.path))


KINDS: dict[str, Any] = {".zarr": Zarr, ".nc": NetCDF, ".icechunk": Icechunk}  # dycore.locations.ENDINGS


def check_format(path: Any) -> None:
    """Raise ValueError for an ending of no format, and where a library of the format is missing."""
    if path.suffix not in KINDS:
        raise ValueError(f"'{path}' does not end {ENDINGS}, the formats that there are.")
    check_libraries(path)


def file_at(path: Any, model: Any, chunks: Any = None) -> Any:
    """The file that grows at a path, be it there or not. Raises ValueError as `check_format`."""
    check_format(path)
    return KINDS[path.suffix](path, model, chunks)


def template(model: Any, variables: dict[str, output.Variable], mean: bool, identity: str) -> Any:
    """A dataset without records."""
    methods = {"cell_methods": "time: mean"} if mean else {}
    fields = {name: (("time", *dims), np.zeros((0, *fluid.shape), model.grid.dtype), attributes | methods)
              for name, (_, dims, attributes, fluid) in variables.items()}
    coordinates = output.coordinates(model)
    times: dict[str, tuple] = {"time": ("time", np.zeros(0), output.time_attributes(model))}
    if mean:
        times = {"time": ("time", np.zeros(0), output.time_attributes(model) | {"bounds": "time_bounds"}),
                 "time_bounds": (("time", "bound"), np.zeros((0, 2)), {})}
    made = output.load_xarray().Dataset(fields, coordinates | times, output.attributes(model) | {"identity": identity})
    for name in coordinates:
        made[name].encoding["_FillValue"] = None
    return made
