"""Rows near the poles whose short zonal waves are slowed down: which these are, and the Fourier transforms, on NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import ducc0  # convolves a row in the cache: twice as fast as two transforms
except ImportError:
    ducc0 = None
try:
    import scipy.fft as fft  # keeps single precision
except ImportError:
    import numpy.fft as fft

from dycore.tiles import Tile


def filtered_rows(tile: Tile, response: np.ndarray) -> list[tuple[list[int], Any]]:
    """(rows j, what scales them) of the rows of a tile that the polar filter changes: one row, or two that mirror each other.

    What scales them is a kernel to convolve with, or the response itself where there is no ducc0.
    """
    rows, ny, (south, north) = len(response) // 2, tile.domain[1], tile.rows
    alike: dict[bytes, tuple[list[int], np.ndarray]] = {}
    for row, scale in zip((*range(rows), *range(ny - rows, ny)), response, strict=True):
        if south <= row < north and (scale != 1.0).any():
            alike.setdefault(scale.tobytes(), ([], scale))[0].append(row - south + tile.halo[0])
    if ducc0 is None:
        return list(alike.values())
    return [(own, fft.irfft(scale, n=tile.domain[2]).astype(response.dtype)) for own, scale in alike.values()]


def indices_of(rows: list[int], tile: Tile, cut: list[slice], dtype: np.dtype) -> list[tuple]:
    """Indices of rows in an array of which `cut` are the cells; two rows have one where that changes no bit.

    Two at once are a call less, and fill the vectors of the FFT better. It takes as many levels at a time as a vector holds, and
    one by one those for which even the shortest, of 16 bytes, is too long: these it rounds in another way. None may be left over,
    as it is to make no difference whether two rows are on one process.
    """
    *levels, _, i = cut
    depth = sum(level.stop - level.start for level in levels)
    if len(rows) == 2 and depth and depth * dtype.itemsize % 16 == 0 and tile.processes[1] == 1:
        return [(*levels, slice(rows[0], rows[1] + 1, rows[1] - rows[0]), i)]
    return [(*levels, row, i) for row in rows]


def filter_row(row: np.ndarray, scale: np.ndarray) -> None:
    """Scale the zonal wavenumbers of a row [k, i], or [i], or of two rows [k, row, i], in place."""
    if ducc0 is None:
        row[...] = fft.irfft(fft.rfft(row, axis=-1) * scale, n=row.shape[-1], axis=-1)
    else:
        ducc0.fft.convolve_axis(row, row, row.ndim - 1, scale)
