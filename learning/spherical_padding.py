"""Halos of arrays on a sphere, for networks: periodic in longitude, and over the poles the rows across them, as grids have them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp


def padded_on_sphere(values: Any, signs: Any, rows: int, columns: int) -> Any:
    """Values [c, j, i] of all latitudes and longitudes with so many rows and columns on each side.

    Beyond a pole are the rows on this side of it, turned by half a circle, times signs [c]: -1 for components of a vector, which
    point the other way there, and 1 for scalars. There have to be an even number of columns.
    """
    across = jnp.roll(values, values.shape[-1] // 2, -1) * jnp.asarray(signs, values.dtype)[:, None, None]
    south, north = across[:, :rows][:, ::-1], across[:, values.shape[1] - rows:][:, ::-1]
    high = jnp.concatenate([south, values, north], 1)
    return jnp.concatenate([high[..., high.shape[-1] - columns:], high, high[..., :columns]], -1)
