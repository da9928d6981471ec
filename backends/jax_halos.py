"""Fields with their halos made in one pass, as programs of a GPU like it: one kernel in the place of one for each strip.

The rows of a padded array are put together from runs of rows of the field, forwards or backwards, as they are or turned round; then
its columns. XLA computes such joined pieces where they are read. Strips that are written into an array in place, as
`dycore.backends.halos` has it, move less memory, which counts on a CPU; on a GPU the start of a kernel takes longer than that.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from dycore.backends.halos import extent
from dycore.fields import Field
from dycore.halo_sources import Run, runs
from dycore.tiles import Boundary, Halo, Place


def with_halo(halo: Halo, field: Field) -> Any:
    """The padded array [k, j, i] or [j, i] of a field that holds the cells of its tile, which is not split, with its halo."""
    tile = halo.tile
    _, rows, columns = tile.region.padded
    array = field.array
    (first_j, last_j), (first_i, last_i) = tile.region.columns.ranges
    origin_j, origin_i = field.origin[-2:]
    cells = array[..., first_j - origin_j: last_j - origin_j, first_i - origin_i: last_i - origin_i]
    if array.ndim == 3:
        levels, origin_k = tile.region.padded[0], field.origin[0]
        cells = jnp.pad(cells, ((origin_k, levels - origin_k - cells.shape[0]), (0, 0), (0, 0)))
    if tile.y is Boundary.FOLD and halo.place is Place.SOUTH_FACE:
        cells = with_images(halo, cells)
    array = joined(runs(halo, 0, range(rows)), tile.halo[0], -2, cells, across(halo, cells))
    return joined(runs(halo, 1, range(columns)), tile.halo[1], -1, array, array)


def across(halo: Halo, cells: Any) -> Any:
    """The cells with their columns as they stand beyond a pole (half of them on) or a fold (the other way round)."""
    tile, half = halo.tile, halo.tile.domain[2] // 2
    if tile.y is Boundary.POLE:
        return jnp.concatenate([cells[..., half:], cells[..., :half]], axis=-1)
    if tile.y is Boundary.FOLD:
        backwards = jnp.flip(cells, -1)
        return jnp.roll(backwards, 1, -1) if halo.place is Place.WEST_FACE else backwards
    return cells


def with_images(halo: Halo, cells: Any) -> Any:
    """South faces of cells, those on the eastern half of a fold as images of those on the western one."""
    _, ny, nx = halo.tile.domain
    image = (np.arange(ny)[:, None] == ny - 1) & (np.arange(nx) >= nx // 2)
    return jnp.where(image, (-1.0 if halo.turns else 1.0) * jnp.flip(cells, -1), cells)


def joined(sources: list[Run], first: int, axis: int, cells: Any, opposite: Any) -> Any:
    """The pieces of an array of cells, of which the first has the index `first`, one after the other along an axis (-2 or -1).

    Chosen among padded pieces: XLA makes a kernel of its own of every concatenation, and fuses padding with what it pads.
    """
    total = sources[-1].target.stop
    shape = list(cells.shape)
    shape[axis] = total
    index = np.arange(total, dtype=np.int32).reshape([-1, *[1] * (-axis - 1)])
    array = jnp.zeros(shape, cells.dtype)
    for run in sorted(sources, key=lambda run: run.target.start - run.target.stop):  # the cells themselves first
        if run.source is None:
            continue
        start, length, backwards = extent(run.source, first + cells.shape[axis])
        there = slice(start - first, start - first + length)
        piece = (opposite if run.crosses else cells)[..., *((there, slice(None)) if axis == -2 else (there,))]
        piece = jnp.flip(piece, axis) if backwards and length > 1 else piece
        widths = [(0, 0)] * cells.ndim
        widths[axis] = run.target.start, total - run.target.start - length
        piece = jnp.pad(-piece if run.sign < 0.0 else piece, widths)
        inside = (index >= run.target.start) & (index < run.target.start + length)
        array = piece if length > total // 2 else jnp.where(inside, piece, array)
    return array
