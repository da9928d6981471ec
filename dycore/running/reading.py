"""Datasets in files and stores, of which nothing is read yet: NetCDF, Zarr and Icechunk, here or at an address."""

from __future__ import annotations

from typing import Any

from dycore.locations import as_os_errors, is_here, location
from dycore.running.icechunk_repositories import read_store
from dycore.running.zarr_stores import zarr_store


def open_dataset(path: Any, **options: Any) -> Any:
    """The xarray.Dataset of a path or an address, with options of xarray.open_dataset.

    What ends in .zarr or .icechunk, and a folder, is a store; other addresses are read whole. Raises what xarray, zarr, Icechunk
    and fsspec raise.
    """
    import xarray

    place = location(path)
    with as_os_errors():
        if place.suffix == ".icechunk":
            return xarray.open_dataset(read_store(place), engine="zarr", consolidated=False, **options)
        if place.suffix == ".zarr" or (is_here(place) and place.is_dir()):
            return xarray.open_dataset(zarr_store(place), engine="zarr", **options)
        if is_here(place):
            return xarray.open_dataset(place, **options)
        with place.open("rb") as file:  # libraries of NetCDF know no addresses
            return xarray.open_dataset(file.read(), **options).load()
