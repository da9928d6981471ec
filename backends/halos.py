"""Filling halos and summing over the domain: on one process here.

A communication object has two verbs, `fill(tile, [(place, array), ...])`, which completes the halos of
whole arrays and returns them, and `total(tile, columns)`, the sum of a 2-D array over the domain.
"""

from __future__ import annotations

from typing import Any

from dycore.tiles import Place, Tile, fill_halo


class Serial:
    """One process that owns the whole domain."""

    ranks = 1

    def fill(self, tile: Tile, placed: list[tuple[Place, Any]]) -> tuple:
        """Complete the halos; NumPy arrays in place, JAX arrays as new values."""
        return tuple(fill_halo(tile, place, array) for place, array in placed)

    def total(self, tile: Tile, columns: Any) -> Any:
        """The sum of a 2-D array [j, i] without halo."""
        return columns.sum()
