"""Strips of the arrays of a device: those beside its boundaries, those that belong beyond them, and whole rows."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint

from dycore.tiles import HALO_LEVELS, Halo, Place, Tile

AXES = ("j", "i")
NORMAL = (Place.SOUTH_FACE, Place.WEST_FACE)  # where the velocity across a boundary stands, of each axis


def mirrored_low(axis: int, halo: Halo, array: Any, above: Any) -> Any:
    """The strip inside the first boundary, the other way round; faces skip the boundary itself.

    Of a part that is no wider than its halo the last of these faces is the first one of the neighbour (`above`).
    """
    tile, face = halo.tile, halo.place is NORMAL[axis]
    n, width = tile.cells[axis + 1], tile.halo[axis]
    strip = strip_of(axis, tile, array, width + face, min(2 * width + face, width + n))
    if strip.shape[axis - 2] < width:
        strip = jnp.concatenate([strip, jax.lax.slice_in_dim(above, 0, 1, axis=axis - 2)], axis=axis - 2)
    return jnp.flip(strip, axis - 2)


def mirrored_high(axis: int, halo: Halo, array: Any) -> Any:
    """The strip inside the last boundary, the other way round; faces begin with the zero on the boundary itself."""
    tile, face = halo.tile, halo.place is NORMAL[axis]
    n, width = tile.cells[axis + 1], tile.halo[axis]
    strip = jnp.flip(strip_of(axis, tile, array, n + face, n + width), axis - 2)
    if not face:
        return strip
    on = jnp.zeros_like(strip_of(axis, tile, array, n, n + 1))
    return jnp.concatenate([on, strip], axis=axis - 2)


def on_boundary(axis: int, first: Any) -> Any:
    """The first normal faces of a part: zero where they are on the boundary of the domain."""
    return jnp.where(jax.lax.axis_index(AXES[axis]) == 0, 0.0 * first, first)


def strip_of(axis: int, tile: Tile, array: Any, start: int, stop: int) -> Any:
    """Strip of indices start .. stop - 1 along an axis, in the levels that are no halo: of rows their cells, of columns all."""
    cut: Any = (slice(start, stop), slice(*tile.region.i)) if axis == 0 else (slice(None), slice(start, stop))
    return array[(*[slice(HALO_LEVELS, -HALO_LEVELS)] * (array.ndim - 2), *cut)]


def corner(axis: int, tile: Tile, array: Any, start: int) -> tuple[int, ...]:
    """Where such a strip begins."""
    return *[HALO_LEVELS] * (array.ndim - 2), *((start, tile.region.i[0]) if axis == 0 else (0, start))


def columns_last(rows: Any) -> Any:
    """Rows [..., i] that lie one after the other in memory, also where slopes of them are taken.

    What XLA gathers along i it may keep in another order, which its Fourier transform refuses on CPUs.
    """
    return with_layout_constraint(rows, Layout(major_to_minor=tuple(range(rows.ndim))))
