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
from dycore.tiles import Boundary, Halo


def with_halo(halo: Halo, field: Field) -> Any:
    """The padded array [k, j, i] or [j, i] of a field that holds the cells of its tile, which is not split, with its halo."""
    tile, place, _ = halo
    _, rows, columns = tile.region.padded
    array = field.array
    (first_j, last_j), (first_i, last_i) = tile.region.columns.ranges
    origin_j, origin_i = field.origin[-2:]
    cells = array[..., first_j - origin_j: last_j - origin_j, first_i - origin_i: last_i - origin_i]
    if array.ndim == 3:
        levels, origin_k = tile.region.padded[0], field.origin[0]
        cells = jnp.pad(cells, ((origin_k, levels - origin_k - cells.shape[0]), (0, 0), (0, 0)))
    opposite = cells
    if tile.y is Boundary.POLE:
        half = tile.domain[2] // 2
        opposite = jnp.concatenate([cells[..., half:], cells[..., :half]], axis=-1)
    array = joined(runs(tile, 0, place, range(rows)), tile.halo[0], -2, cells, opposite)
    return joined(runs(tile, 1, place, range(columns)), tile.halo[1], -1, array, array)


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
