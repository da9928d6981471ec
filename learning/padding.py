"""Halos of arrays at centres of cells, for networks, as grids have them: periodic along rows, and rows across a pole or a wall."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from dycore.tiles import Boundary


def padded(values: Any, signs: Any, rows: int, columns: int, boundary: Boundary) -> Any:
    """Values [c, j, i] that are periodic along i, with so many rows and columns on each side.

    Beyond a wall (Boundary.WALL) are the rows on this side of it, mirrored, times signs [c]: -1 for the component of a vector
    across the wall, and 1 for all others. Beyond a pole (Boundary.POLE) they are turned by half a circle too, and both components
    of a vector have the sign -1. There have to be an even number of columns then.
    """
    across = jnp.roll(values, values.shape[-1] // 2, -1) if boundary is Boundary.POLE else values
    across = across * jnp.asarray(signs, values.dtype)[:, None, None]
    south, north = across[:, :rows][:, ::-1], across[:, values.shape[1] - rows:][:, ::-1]
    high = jnp.concatenate([south, values, north], 1)
    return jnp.concatenate([high[..., high.shape[-1] - columns:], high, high[..., :columns]], -1)
