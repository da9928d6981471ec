"""Filling halos and summing over the domain: on one process here.

A communication object has three verbs: `fill(tile, [(place, array), ...])` completes the halos of whole NumPy
arrays in place and returns them, `filled` does so for JAX arrays as new values, and `total(tile, columns)`
is the sum of a 2-D array over the domain.
"""

from __future__ import annotations

from typing import Any

from dycore.tiles import Place, Tile, fill_halo, halo_copies


def extent(cut: slice, n: int) -> tuple[int, int, bool]:
    """(first index, length, whether it runs backwards) of a slice of n elements."""
    indices = range(n)[cut]
    return min(indices), len(indices), indices.step < 0


class Serial:
    """One process that owns the whole domain."""

    ranks = 1

    def fill(self, tile: Tile, placed: list[tuple[Place, Any]]) -> tuple:
        """Complete the halos of NumPy arrays in place."""
        return tuple(fill_halo(tile, place, array) for place, array in placed)

    def filled(self, tile: Tile, placed: list[tuple[Place, Any]], write: Any) -> tuple:
        """The same for JAX arrays, as new values: `write(array, strip, start)` puts a strip into an array."""
        arrays = []
        for place, array in placed:
            for target, source, sign in halo_copies(tile, place):
                starts, sizes, flips = zip(*(extent(t, n) for t, n in zip(target, array.shape[-2:], strict=True)), strict=True)
                if source is None:
                    strip = 0.0 * array[(..., *(slice(s, s + n) for s, n in zip(starts, sizes, strict=True)))]
                else:
                    strip = array[(..., *source)][(..., *(slice(None, None, -1 if flip else 1) for flip in flips))]
                array = write(array, -strip if sign < 0.0 else strip, (0,) * (array.ndim - 2) + starts)
            arrays.append(array)
        return tuple(arrays)

    def total(self, tile: Tile, columns: Any) -> Any:
        """The sum of a 2-D array [j, i] without halo."""
        return columns.sum()
