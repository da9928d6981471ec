"""Files of output that grow along time, one record after the other: Zarr stores and NetCDF files.

A record counts from the moment that its time is in the file, which comes last. Zarr: every process writes its own chunks;
what readers find is said by the consolidated metadata, replaced at one stroke when a record is whole. NetCDF: rank 0 writes
the whole domain, in the classic format (CDF-5), whose header counts the records and is updated when a file is closed; HDF5
would not outlive a run that is killed. The room of a record is reserved first, so that a disk that is full changes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from dycore import output
from dycore.decomposition import block_shape
from dycore.files import attempt, by_first, raise_on_all, reserve, whole

CHUNK = 2**26  # bytes, at most, of a chunk in memory
FORMAT = "NETCDF3_64BIT_DATA"


class Zarr:
    """A store of which every process writes its own chunks."""

    def __init__(self, path: Path, model: Any):
        self.path, self.tile, self.communication = path, model.tile, model.backend.communication

    def create(self, template: Any) -> None:
        """A store without records."""
        chunks = {name: (1024, *template[name].shape[1:]) for name in TIMES if name in template.coords}
        chunks |= {name: (1, *self._chunk(variable.shape[1:])) for name, variable in template.data_vars.items()}
        with whole(self.path) as place:
            template.to_zarr(place, zarr_format=2, consolidated=True,
                             encoding={name: {"chunks": shape} for name, shape in chunks.items()})

    def _chunk(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The chunk of a field of this shape, [k, j, i] or [j, i]."""
        rows, columns = block_shape(self.tile)
        levels = (max(1, min(shape[0], CHUNK // (8 * rows * columns))),) if len(shape) == 3 else ()
        return *levels, rows, columns

    def _open(self) -> Any:
        import zarr

        return zarr.open_group(self.path, mode="r+", use_consolidated=False)

    def _consolidate(self) -> None:
        import zarr

        zarr.consolidate_metadata(str(self.path), zarr_format=2)

    def identity(self) -> str:
        """Identity of the run to which the store belongs."""
        return self._open().attrs["identity"]

    def times(self) -> dict[str, np.ndarray]:
        """Times of the records, NaN of one that is not whole."""
        group = self._open()
        return {name: group[name][:] for name in TIMES if name in group}

    def cut(self, records: int) -> None:
        """Leave so many records, and nothing of others: first for readers, at one stroke, then on the disk."""
        for left in (*self.path.glob("*.partial"), *self.path.glob("*/*.partial")):  # by zarr, of a run that was killed
            left.unlink()
        consolidated, group = self.path / ".zmetadata", self._open()
        along_time = {name for name, array in group.arrays() if array.attrs["_ARRAY_DIMENSIONS"][0] == "time"}
        if consolidated.exists():
            said = json.loads(consolidated.read_text())
            for name in along_time:
                shape = said["metadata"][f"{name}/.zarray"]["shape"]
                shape[0] = min(shape[0], records)
            with whole(consolidated) as place:
                place.write_text(json.dumps(said))
        for name in sorted(along_time, key=lambda name: name not in TIMES):
            if group[name].shape[0] > records:
                group[name].resize((records, *group[name].shape[1:]))
        self._consolidate()

    def append(self, record: int, fields: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        """Write a record from the cells that every process keeps; all have to call it."""
        failing = could_not(self.path)

        def grow(names: Any) -> tuple[int, int]:
            """Rows and columns of a chunk: two processes must not write to one, and others may have made the store."""
            group = self._open()
            for name in names:
                group[name].resize((record + 1, *group[name].shape[1:]))
            return group[name].chunks[-2:]

        def write() -> None:
            group = self._open()
            for name, (place, cells) in blocks.items():
                if cells.size:
                    group[name][(record, ..., *place)] = cells

        def count() -> None:
            grow(times)
            group = self._open()
            for name, value in times.items():
                group[name][record] = value
            self._consolidate()

        chunk = by_first(self.communication, lambda: grow(fields), failing)
        blocks = {name: self.communication.block(self.tile, cells, chunk) for name, cells in fields.items()}
        raise_on_all(self.communication, attempt(write, failing)[1])
        by_first(self.communication, count, failing)


class NetCDF:
    """A file that rank 0 writes."""

    def __init__(self, path: Path, model: Any):
        self.path, self.tile, self.communication = path, model.tile, model.backend.communication

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


KINDS: dict[str, type[Zarr] | type[NetCDF]] = {".zarr": Zarr, ".nc": NetCDF}
TIMES = ("time_bounds", "time")


def could_not(path: Path) -> str:
    return f"'{path}' could not be written; the records before this one are whole"


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
