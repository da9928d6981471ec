"""Common ground of the backends: precision, the check of a stencil, and fields of which not all is filled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dycore.abstract import Abstract, AccessPattern, check
from dycore.fields import Field, Region, map_arguments
from dycore.tiles import Halo, Tile


def precision_of(arguments: tuple) -> np.dtype:
    """The floating-point type of the first array that has one."""
    for argument in arguments:
        if isinstance(argument, tuple):
            precision = precision_of(argument)
            if precision.kind == "f":
                return precision
        array = argument.array if isinstance(argument, Field) else argument
        if hasattr(array, "dtype") and np.ndim(array) > 0 and array.dtype.kind == "f":
            return np.dtype(array.dtype)
    return np.dtype(bool)


def check_all(stencil: Callable, start: Callable | None, region: Region, arguments: tuple,
              pattern: AccessPattern | None = None) -> tuple[tuple, Any]:
    """Check a stencil or, with `start`, a sweep: the types that it carries and those of its values."""
    arguments = tuple(map_arguments(plain_number, argument) for argument in arguments)
    if start is None:
        return (), check(stencil, region, arguments, pattern=pattern)
    dtype = precision_of(arguments)
    carried = tuple(Abstract(dtype) for _ in check(start, region.columns, arguments, pattern=pattern))
    return check(stencil, region, arguments, (carried,), pattern)


def plain_number(leaf: Any) -> Any:
    """A Python number instead of what stands for one: in a check only how it meets other precisions matters."""
    return 0.75 if getattr(leaf, "weak_type", False) and np.ndim(leaf) == 0 and leaf.dtype.kind == "f" else leaf


def collapsed(values: np.ndarray) -> np.ndarray:
    """A 2-D field with length 1 along the axes on which it does not change."""
    for axis in (0, 1) if values.ndim == 2 else ():
        first = values.take([0], axis)
        values = first if (values == first).all() else values
    return values


def within(halos: list[Halo], arrays: Iterable) -> tuple:
    """Arrays of which no more than a part of the halo is filled, as fields that hold values there alone."""
    return tuple(array if halo.width is None else
                 Field(array, (*((0, n) for n in array.shape[:-2]), *halo.bounds), (0,) * array.ndim)
                 for halo, array in zip(halos, arrays, strict=True))


def moved(region: tuple, tile: Tile, to: Tile) -> tuple[tuple, tuple]:
    """Ranges of a region [j, i] of a tile that the same tile with another halo has too: there, and here."""
    there, here = [], []
    for (start, stop), n, halo, wide in zip(region, to.region.padded[1:], tile.halo, to.halo, strict=True):
        first, last = max(0, start + wide - halo), min(n, stop + wide - halo)
        there.append((first - wide + halo, last - wide + halo))
        here.append((first, last))
    return tuple(there), tuple(here)
