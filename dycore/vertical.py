"""Reference levels: the interfaces r[k], k = 0 .. nz, that the coordinate r* stretches with the column.

r increases with k from the fixed boundary (sea floor, top of the atmosphere) to the moving one (sea
surface, ground). Interfaces are metres of height (negative below the sea surface) for an ocean, Pa for
an atmosphere, both increasing.
"""

from __future__ import annotations

import numpy as np

from dycore.inputs.given import finite, integer, positive


def uniform(nz: int, first: float, last: float) -> np.ndarray:
    """nz layers of equal thickness: interfaces [k], k = 0 .. nz, in the unit of `first` and `last`."""
    return np.linspace(finite("first", first, "m or Pa"), finite("last", last, "m or Pa"), integer("nz", nz, 1) + 1)


def stretched(nz: int, depth: float, ratio: float = 8.0) -> np.ndarray:
    """Interfaces [k] (m) of an ocean whose lowest layer is `ratio` times as thick as its uppermost one.

    Thickness grows by a constant factor from layer to layer downwards.
    """
    nz, depth = integer("nz", nz, 1), positive("depth", depth, "m")
    growth = positive("ratio", ratio, "no unit") ** (1.0 / max(nz - 1, 1))
    thickness = growth ** np.arange(nz)[::-1]
    height = np.concatenate([[0.0], np.cumsum(thickness)])
    return depth * (height / height[-1] - 1.0)
