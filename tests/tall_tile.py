"""Stencils that read north, south or all round, on a tall tile."""

from dycore.stencils import stencil
from dycore.tiles import Boundary, Tile

TALL = Tile((2, 37, 5), Boundary.PERIODIC, Boundary.WALL)
REGION = TALL.region


@stencil
def north(k, j, i, q):
    """Reads the row to the north."""
    return q[k, j + 1, i] - 0.25 * q[k, j, i]


@stencil
def far_south(k, j, i, q):
    """Reads two rows to the south."""
    return q[k, j - 2, i] + 0.5 * q[k, j, i]


@stencil
def far_north(k, j, i, q, r):
    """Reads one field two rows to the north and another one to the south."""
    return 0.3 * q[k, j + 2, i] - 0.7 * r[k, j - 1, i]


@stencil
def all_round(k, j, i, q):
    """Reads two rows either way."""
    return 0.1 * (q[k, j - 2, i] + q[k, j - 1, i] + q[k, j, i] + q[k, j + 1, i] + q[k, j + 2, i])


@stencil
def mixed(k, j, i, q, r):
    """Two fields at their own point."""
    return 0.5 * q[k, j, i] - 0.25 * r[k, j, i]


@stencil
def shaken(k, j, i, q, r):
    """One field at its own point, another beside it."""
    return 0.5 * q[k, j, i] - 0.25 * (r[k, j + 1, i] + r[k, j - 1, i] + r[k, j, i + 1])
