"""Output in Icechunk repositories: one commit a record, so that readers see whole records and a killed run leaves nothing else.

The ranks write chunks into forks of one session, which rank 0 merges and commits (branch main). A run that goes on from an
earlier restart takes records back by a commit, too: they stay in the history. Two runs cannot both commit: the second is told.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from dycore.files import attempt, by_first, raise_on_all
from dycore.locations import NO_ICECHUNK, as_os_errors, is_here
from dycore.running.zarr_stores import TIMES, could_not, encoding

BRANCH = "main"
PARTS = {"chunks", "manifests", "refs", "snapshots", "transactions", "config.yaml"}  # of a repository


def load_icechunk() -> Any:
    """The library. Raises ValueError with what to install when it is missing."""
    try:
        import icechunk
    except ImportError:
        raise ValueError(NO_ICECHUNK) from None
    icechunk.set_logs_filter(os.environ.get("ICECHUNK_LOG", "error"))  # else it warns of two commits at once, which a lock prevents
    return icechunk


def storage_of(path: Any) -> Any:
    """Storage of Icechunk of a location; credentials of object stores are those of the environment.

    Raises ValueError for protocols that it does not know.
    """
    icechunk = load_icechunk()
    if is_here(path):
        return icechunk.local_filesystem_storage(str(path))
    protocol, (bucket, _, prefix) = path.protocol, path.path.partition("/")
    if protocol in ("s3", "s3a"):
        return icechunk.s3_storage(bucket=bucket, prefix=prefix, from_env=True, **endpoint())
    if protocol in ("gs", "gcs"):
        return icechunk.gcs_storage(bucket=bucket, prefix=prefix, from_env=True)
    raise ValueError(f"'{path}': Icechunk writes to disks of this machine, to s3:// and to gs://, not to {protocol}://. Name one "
                     "of these, or a path that ends in .zarr.")


def endpoint() -> dict[str, Any]:
    """Options for a store that speaks the protocol of S3 elsewhere (AWS_ENDPOINT_URL), as s3fs takes it."""
    url = os.environ.get("AWS_ENDPOINT_URL_S3", os.environ.get("AWS_ENDPOINT_URL"))
    return {} if url is None else {"endpoint_url": url, "allow_http": url.startswith("http:"), "force_path_style": True}


def read_store(path: Any) -> Any:
    """Zarr store of the newest commit, for reading alone. Raises OSError where there is no repository."""
    if is_here(path) and not path.is_dir():  # Icechunk would make a folder of that name before it looks
        raise FileNotFoundError("the repository doesn't exist")
    with as_os_errors():
        return load_icechunk().Repository.open(storage_of(path)).readonly_session(BRANCH).store


class Icechunk:
    """A repository to which a run commits record by record."""

    def __init__(self, path: Any, model: Any, chunks: dict[str, int] | None = None):
        self.path, self.tile, self.communication, self.chunks = path, model.tile, model.backend.communication, chunks
        self.storage = storage_of(path)

    @as_os_errors()
    def exists(self) -> bool:
        """Whether something is there but a repository that a run was killed in before its first commit."""
        import zarr

        if not load_icechunk().Repository.exists(self.storage):
            return is_here(self.path) and (self.path.is_file() or any(each.name not in PARTS for each in self.path.glob("*")))
        try:
            return bool(self._group())
        except zarr.errors.GroupNotFoundError:
            return False

    def _group(self) -> Any:
        """The group that readers see."""
        import zarr

        return zarr.open_group(read_store(self.path), mode="r")

    def _session(self) -> Any:
        return load_icechunk().Repository.open(self.storage).writable_session(BRANCH)

    @as_os_errors()
    def create(self, template: Any) -> None:
        """A repository without records."""
        session = load_icechunk().Repository.open_or_create(self.storage).writable_session(BRANCH)
        template.to_zarr(session.store, zarr_format=3, consolidated=False, mode="w-",
                         encoding=encoding(template, self.tile, self.chunks))
        session.commit("no records")

    def identity(self) -> str:
        """Identity of the run to which the repository belongs."""
        return self._group().attrs["identity"]

    def times(self) -> dict[str, np.ndarray]:
        """Times of the records."""
        group = self._group()
        return {name: group[name][:] for name in TIMES if name in group}

    @as_os_errors()
    def cut(self, records: int) -> None:
        """Leave so many records, by a commit if there are more."""
        import zarr

        session = self._session()
        arrays: Any = zarr.open_group(session.store, mode="r+").arrays()
        longer = [array for _, array in arrays if array.metadata.dimension_names[:1] == ("time",) and array.shape[0] > records]
        for array in longer:
            array.resize((records, *array.shape[1:]))
        if longer:
            session.commit(f"{records} records")

    def append(self, record: int, fields: dict[str, np.ndarray], times: dict[str, Any]) -> None:
        """Commit a record of the cells that every process keeps; all have to call it."""
        import zarr

        failing, sessions = could_not(self.path), []

        @as_os_errors()
        def begin() -> tuple[Any, Any]:
            """A fork for every process, and rows and columns of a chunk: two processes must not write to one."""
            sessions.append(self._session())
            group: Any = zarr.open_group(sessions[0].store, mode="r")
            return sessions[0].fork(), {name: group[name].chunks[-2:] for name in fields}

        @as_os_errors()
        def write() -> None:
            group: Any = zarr.open_group(fork.store, mode="r+")
            for name, (place, cells) in blocks.items():
                group[name].resize((record + 1, *group[name].shape[1:]))
                if cells.size:
                    group[name][(record, ..., *place)] = cells

        @as_os_errors()
        def count() -> None:
            sessions[0].merge(*forks)
            group: Any = zarr.open_group(sessions[0].store, mode="r+")
            for name, value in times.items():
                group[name].resize((record + 1, *group[name].shape[1:]))
                group[name][record] = value
            try:
                sessions[0].commit(f"record {record}")
            except load_icechunk().ConflictError:
                raise OSError("another run has written to it meanwhile") from None

        fork, chunks = by_first(self.communication, begin, failing)
        blocks = {name: self.communication.block(self.tile, cells, chunks[name]) for name, cells in fields.items()}
        raise_on_all(self.communication, attempt(write, failing)[1])
        forks = [self.communication.first(fork if rank == self.communication.rank else None)
                 for rank in range(self.communication.ranks)]
        by_first(self.communication, count, failing)
