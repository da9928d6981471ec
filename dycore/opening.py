"""Output of runs as users open it: a lazy dataset, and the xgcm grid of its cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dycore.diagnostics.xgcm_grids import xgcm_grid
from dycore.files import why
from dycore.inputs.given import shown
from dycore.locations import check_libraries, location
from dycore.running.reading import open_dataset

CHUNK = "128 MiB"  # of Dask, about: smaller ones cost more to schedule than to work on


def open(path: Any, chunks: Any = "auto") -> tuple[Any, Any]:
    """(xarray.Dataset, xgcm.Grid) of what a run has written: Zarr, Icechunk or NetCDF, here or at an address.

        ocean, grid = dycore.open("s3://bucket/ocean.icechunk")
        grid.integrate(ocean.sea_surface_height.fillna(0.0), ("X", "Y"))

    Nothing is read until it is needed. chunks: those of Dask, as xarray.open_dataset takes them: "auto" joins the stored ones to
    about 128 MiB, {} takes them as they are; None, and where Dask is missing, leaves it out. Raises ValueError where nothing that
    can be read is there, or the cells of it are not, or chunks are of no dimension of it, and ImportError with what to install
    where xgcm is missing.
    """
    if chunks is not None and chunks != "auto" and not isinstance(chunks, (int, Mapping)):
        raise ValueError(f"chunks={shown(chunks)} are no chunks. Give lengths by dimension, as in {{'time': 24}}, 'auto' or None.")
    try:
        import dask.config
    except ImportError:
        if chunks not in (None, "auto"):
            raise ValueError(f"chunks={shown(chunks)} are those of Dask: pip install dask, or leave them out.") from None
        return with_grid(path, None)
    with dask.config.set({"array.chunk-size": CHUNK}):
        return with_grid(path, chunks)


def with_grid(path: Any, chunks: Any) -> tuple[Any, Any]:
    """The dataset of a path and its grid."""
    check_libraries(location(path))
    try:
        dataset = open_dataset(path, chunks=chunks)
    except ImportError:
        raise
    except Exception as problem:  # whatever netCDF4, zarr, Icechunk and fsspec say of something else
        raise ValueError(f"'{path}' cannot be opened ({why(problem).partition('. ')[0]}). Name a NetCDF file, a Zarr store or an "
                         "Icechunk repository that a run has written.") from None
    for name in chunks if isinstance(chunks, Mapping) else ():
        if name not in dataset.sizes:
            raise ValueError(f"chunks={shown(chunks)}: '{path}' has no dimension {shown(name)}. There are "
                             f"{', '.join(map(str, dataset.sizes))}.")
    return dataset, xgcm_grid(dataset)
