"""Output in Zarr stores, on disks and object stores: every process writes its own chunks.

What readers find is said by the consolidated metadata, replaced at one stroke when a record is whole. Chunks hold one record, so
that nothing is written twice, the rows and columns of a rank, and as many levels as make 64 MiB; `chunks` says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from dycore.decomposition import block_shape
from dycore.files import attempt, by_first, raise_on_all
from dycore.inputs.given import shown
from dycore.locations import as_os_errors, is_here, whole

CHUNK = 2**26  # bytes, at most, of a chunk in memory
TIMES = ("time_bounds", "time")
CONSOLIDATED = ".zmetadata"


def could_not(path: Any) -> str:
    return f"'{path}' could not be written; the records before this one are whole"


def default_chunk(shape: tuple[int, ...], tile: Any) -> tuple[int, ...]:
    """Chunk of a field of this shape, [k, j, i] or [j, i]; all of it where it is not divided among processes (no tile)."""
    if tile is None:
        return tuple(max(1, n) for n in shape)
    rows, columns = block_shape(tile)
    levels = (max(1, min(shape[0], CHUNK // (8 * rows * columns))),) if len(shape) == 3 else ()
    return *levels, rows, columns


def encoding(template: Any, tile: Any, chunks: Mapping[str, int] | None) -> dict[str, dict[str, Any]]:
    """Chunks of the variables of a dataset without records: those that a user names by dimensions, and else the usual ones."""
    found = {name: (1024, *template[name].shape[1:]) for name in TIMES if name in template.coords}
    for name, variable in template.data_vars.items():
        usual = dict(zip(variable.dims, (1, *default_chunk(variable.shape[1:], tile)), strict=True))
        found[name] = tuple(int(min((chunks or {}).get(dim, size), max(1, variable.sizes[dim]) if dim != "time" else np.inf))
                            for dim, size in usual.items())
    return {name: {"chunks": shape} for name, shape in found.items()}


def check_chunks(chunks: Any, path: Any, template: Any) -> None:
    """Raise ValueError for chunks that are no numbers of cells by dimensions of the variables of a dataset without records."""
    if chunks is None:
        return
    dims = sorted({str(dim) for variable in template.data_vars.values() for dim in variable.dims})
    if not isinstance(chunks, Mapping):
        raise ValueError(f"chunks={shown(chunks)} of '{path}' must be numbers of records, levels, rows or columns by dimension, "
                         f"for example {{'time': 10}}; there are {', '.join(dims)}.")
    for dim, size in chunks.items():
        if dim not in dims or isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"chunks={shown(chunks)} of '{path}': {shown(dim)}: {shown(size)} must be a dimension of what is "
                             f"written ({', '.join(dims)}) and a whole number, at least 1.")


class Zarr:
    """A store of which every process writes its own chunks."""

    def __init__(self, path: Any, model: Any, chunks: Mapping[str, int] | None = None):
        self.path, self.tile, self.communication, self.chunks = path, model.tile, model.backend.communication, chunks

    def exists(self) -> bool:
        """Whether something is there but a store that a run was killed in before it was made, as it can be at an address."""
        with as_os_errors():
            if is_here(self.path) or (self.path / CONSOLIDATED).exists():
                return self.path.exists()
            begun = self.path / ".zattrs"  # what is put there first
            return self.path.exists() and not (begun.exists() and "identity" in json.loads(begun.read_text()))

    def create(self, template: Any) -> None:
        """A store without records."""
        options = {"zarr_format": 2, "consolidated": True, "encoding": encoding(template, self.tile, self.chunks)}
        if is_here(self.path):
            with whole(self.path) as place:
                template.to_zarr(place, **options)
            return
        from zarr.storage import MemoryStore

        held: dict[str, Any] = {}
        template.to_zarr(MemoryStore(held), **options)
        with as_os_errors():
            for name in sorted(held, key=lambda name: (name == CONSOLIDATED, name != ".zattrs")):  # the first tells whose it is
                (self.path / name).write_bytes(held[name].to_bytes())

    def _open(self) -> Any:
        import zarr

        return zarr.open_group(zarr_store(self.path), mode="r+", zarr_format=2, use_consolidated=False)

    def _consolidate(self, records: int) -> None:
        """Show readers so many records."""
        import zarr

        consolidated = self.path / CONSOLIDATED
        if not consolidated.exists():
            zarr.consolidate_metadata(zarr_store(self.path), zarr_format=2)
        said = json.loads(consolidated.read_text())
        for name, about in said["metadata"].items():
            array = name.removesuffix("/.zarray")
            if array != name and said["metadata"][f"{array}/.zattrs"]["_ARRAY_DIMENSIONS"][:1] == ["time"]:
                about["shape"][0] = records
        with whole(consolidated) as place:
            place.write_text(json.dumps(said))

    @as_os_errors()
    def identity(self) -> str:
        """Identity of the run to which the store belongs."""
        return self._open().attrs["identity"]

    @as_os_errors()
    def times(self) -> dict[str, np.ndarray]:
        """Times of the records, NaN of one that is not whole."""
        group = self._open()
        return {name: group[name][:] for name in TIMES if name in group}

    @as_os_errors()
    def cut(self, records: int) -> None:
        """Leave so many records, and nothing of others: first for readers, at one stroke, then in the store."""
        if is_here(self.path):
            for left in (*self.path.glob("*.partial"), *self.path.glob("*/*.partial")):  # by zarr, of a run that was killed
                left.unlink()
        self._consolidate(records)
        group = self._open()
        along_time = {name for name, array in group.arrays() if array.attrs["_ARRAY_DIMENSIONS"][:1] == ["time"]}
        for name in sorted(along_time, key=lambda name: name not in TIMES):
            if group[name].shape[0] > records:
                group[name].resize((records, *group[name].shape[1:]))

    def append(self, record: int, fields: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        """Write a record from the cells that every process keeps; all have to call it."""
        failing = could_not(self.path)

        @as_os_errors()
        def grow() -> dict[str, tuple[int, int]]:
            """Rows and columns of a chunk: two processes must not write to one, and others may have made the store."""
            group = self._open()
            arrays = {name: group[name] for name in fields}
            for array in arrays.values():
                array.resize((record + 1, *array.shape[1:]))
            return {name: array.chunks[-2:] for name, array in arrays.items()}

        @as_os_errors()
        def write() -> None:
            group = self._open()
            for name, (place, cells) in blocks.items():
                if cells.size:
                    group[name][(record, ..., *place)] = cells

        @as_os_errors()
        def count() -> None:
            group = self._open()
            for name, value in times.items():
                array = group[name]
                array.resize((record + 1, *array.shape[1:]))
                array[record] = value
            self._consolidate(record + 1)

        chunks = by_first(self.communication, grow, failing)
        blocks = {name: self.communication.block(self.tile, cells, chunks[name]) for name, cells in fields.items()}
        raise_on_all(self.communication, attempt(write, failing)[1])
        by_first(self.communication, count, failing)


def zarr_store(path: Any) -> Any:
    """Store for zarr and xarray of a location."""
    if is_here(path):
        return path
    from zarr.storage import FsspecStore

    return FsspecStore.from_url(str(path), storage_options=dict(path.storage_options))
