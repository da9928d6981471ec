"""Spectra along rows that go round, by the fast Fourier transform of NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.diagnostics.cells import alone, along, described, goes_round, in_one_chunk, need
from dycore.diagnostics.velocities import components
from dycore.inputs.given import check_text


def zonal_spectrum(dataset: Any, name: str) -> Any:
    """Variance of a variable along rows by wavenumber (its unit squared) [wavenumber, ...].

    Wavenumbers are zonal ones, waves a circle (1), on a sphere, and waves per metre (m-1) on a plane. All wavenumbers together are
    the mean of the square along a row (Parseval), wavenumber 0 is the square of the zonal mean. Rows with land are NaN. Raises
    ValueError where rows do not go round: what is cut off there is no sum of waves.
    """
    check_text("name", name, "surface_pressure")
    need(dataset, name)
    unit = dataset[name].attrs.get("units", "1")
    return spectrum(dataset, alone(dataset[name]), f"spectrum_of_{name}",
                    f"variance of {name.replace('_', ' ')} by zonal wavenumber", f"({unit})2" if unit != "1" else "1")


def kinetic_energy_spectrum(dataset: Any) -> Any:
    """Kinetic energy per mass (m2 s-2) along rows by wavenumber [wavenumber, ...], of both components of the velocity, as
    `zonal_spectrum`; that across south faces is the mean of both faces, squared after the transform, of either row.
    """
    (u, x), (v, y) = components(dataset)
    of_u = power(dataset, u, f"{x}_face")
    of_v = power(dataset, v, x)
    of_v = 0.5 * (of_v + of_v.roll({f"{y}_face": -1}))
    of_v = of_v.drop_vars(f"{y}_face").rename({f"{y}_face": y}).assign_coords({y: dataset[y].variable})
    return described(0.5 * (of_u + of_v), "kinetic_energy_spectrum", "kinetic energy per mass by zonal wavenumber", "m2 s-2")


def spectrum(dataset: Any, values: Any, name: str, long_name: str, units: str) -> Any:
    """The spectrum of a variable with a dimension along x."""
    dim = along(values, "X")
    if dim not in values.dims:
        raise ValueError(f"{name.removeprefix('spectrum_of_')} has no dimension along x: its dimensions are "
                         f"{', '.join(map(str, values.dims))}.")
    return described(power(dataset, values, dim), name, long_name, units)


def power(dataset: Any, values: Any, dim: str) -> Any:
    """Variance by wavenumber along a dimension of a row that goes round, the wavenumber in front."""
    import xarray

    x = dim.removesuffix("_face")
    if not goes_round(dataset, x):
        raise ValueError(f"The rows do not go round (x_boundary='{dataset.attrs.get('x_boundary', 'wall')}'): a spectrum is of "
                         "rows of a whole circle of longitudes, or of a periodic channel.")
    if x.startswith("grid_"):
        raise ValueError("Zonal wavenumbers are along parallels, and the rows of this rotated grid are none.")
    n = values.sizes[dim]
    found = xarray.apply_ufunc(lambda array: squares(array, n), in_one_chunk(values, dim), input_core_dims=[[dim]],
                               output_core_dims=[["wavenumber"]],
                               dask="parallelized", output_dtypes=[float],
                               dask_gufunc_kwargs={"output_sizes": {"wavenumber": n // 2 + 1}})
    on_sphere = x == "longitude"
    scale = 1.0 if on_sphere else 1.0 / (n * float(dataset[x][1] - dataset[x][0]) if n > 1 else 1.0)
    about = {"long_name": "zonal wavenumber" if on_sphere else "wavenumber along x", "units": "1" if on_sphere else "m-1"}
    return found.transpose("wavenumber", ...).assign_coords(
        wavenumber=("wavenumber", scale * np.arange(n // 2 + 1), about))


def squares(values: np.ndarray, n: int) -> np.ndarray:
    """Mean squares of the waves of rows [..., n]: twice that of either sign, but for the mean and the shortest wave."""
    found = np.abs(np.fft.rfft(values, axis=-1) / n) ** 2
    both = np.full(n // 2 + 1, 2.0)
    both[0] = 1.0
    if n % 2 == 0:
        both[-1] = 1.0
    return both * found
