"""Regions, indices and fields: where a stencil is applied, and how an array is read there as `q[k, j, i]`.

Every index counts the halo: `q[k, j, i]` is the element [k, j, i] of the padded array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

AXES = "kji"


class Region(NamedTuple):
    """The index ranges [start, stop) over which a stencil is applied; k is None for columns [j, i].

    `padded` is the shape [k, j, i] of a whole array, halo included.
    """

    k: tuple[int, int] | None
    j: tuple[int, int]
    i: tuple[int, int]
    padded: tuple[int, int, int]

    def grow(self, west: int = 0, east: int = 0, south: int = 0, north: int = 0) -> Region:
        """The region with so many more cells on each side."""
        return self._replace(j=(self.j[0] - south, self.j[1] + north), i=(self.i[0] - west, self.i[1] + east))

    @property
    def with_halo(self) -> Region:
        """The region in all levels that it has, halo included."""
        return self._replace(j=(0, self.padded[1]), i=(0, self.padded[2]))

    @property
    def columns(self) -> Region:
        """Region [j, i] of the same cells, without levels."""
        return self._replace(k=None)

    @property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, stop) of each axis that the region has."""
        return tuple(r for r in self[:3] if r is not None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each axis that the region has."""
        return tuple(stop - start for start, stop in self.ranges)

    def indices(self) -> tuple[Index, ...]:
        """The `Index` of each axis that the region has."""
        names = AXES if self.k is not None else AXES[1:]
        return tuple(Index(axis, *r) for axis, r in zip(names, self.ranges, strict=True))


class Index(NamedTuple):
    """A range of indices along one axis; `i - 1` is the range one cell to the west."""

    axis: str
    start: int
    stop: int

    def __add__(self, shift: int) -> Index:  # type: ignore[override]
        axis, start, stop = self
        return Index(axis, start + shift, stop + shift)

    def __sub__(self, shift: int) -> Index:
        axis, start, stop = self
        return Index(axis, start - shift, stop - shift)

    def positions(self) -> np.ndarray:
        """The indices as an array that broadcasts against [k, j, i]."""
        shape = [-1 if self.axis == axis else 1 for axis in AXES]
        return np.arange(self.start, self.stop, dtype=np.int32).reshape(shape)

    def __ge__(self, other: Any) -> Any:
        return self.positions() >= other

    def __gt__(self, other: Any) -> Any:
        return self.positions() > other

    def __lt__(self, other: Any) -> Any:
        return self.positions() < other

    def __le__(self, other: Any) -> Any:
        return self.positions() <= other

    def __eq__(self, other: object) -> Any:
        return self.positions() == other


class Field:
    """An array together with the region on which it holds values.

    `array[0, 0, 0]` is the point `origin`: a backend may keep just the region (NumPy, JAX) or the
    whole padded array (Numba, origin 0). Reading outside the region raises IndexError.
    """

    __slots__ = ("array", "name", "origin", "region")

    def __init__(self, array: Any, region: tuple[tuple[int, int], ...], origin: tuple[int, ...], name: str = "a field"):
        self.array, self.region, self.origin, self.name = array, region, origin, name

    @classmethod
    def whole(cls, array: Any, name: str = "a field") -> Field:
        """A padded array, halo included."""
        return cls(array, tuple((0, n) for n in array.shape), (0,) * array.ndim, name)

    def __getitem__(self, index: Any) -> Any:
        index = index if isinstance(index, tuple) and not isinstance(index, Index) else (index,)
        axes = len(self.region)
        if len(index) != axes:
            raise IndexError(f"{self.name} has {axes} axes but is read with {len(index)} indices.")
        slices: list[Any] = []
        known = True
        for axis in range(axes):
            at, (low, high) = index[axis], self.region[axis]
            if high == 1 and low == 0 and 1 < axes <= axis + 2:  # constant along this axis
                slices.append(slice(None) if isinstance(at, Index) else 0)
            elif isinstance(at, Index):
                name, start, stop = at
                if start < low or stop > high:
                    raise IndexError(
                        f"{self.name} is read at {name} = {start}..{stop - 1} but holds values only at "
                        f"{low}..{high - 1}. Apply the stencil on a smaller region or fill a wider halo."
                    )
                origin = self.origin[axis]
                slices.append(slice(start - origin, stop - origin))
            else:
                slices.append(at - self.origin[axis])
                known = known and isinstance(at, int)
        if known:
            values = self.array[tuple(slices)]
        else:  # a level number known only while the compiled program runs
            values = self.array[slices[0]][tuple(slices[1:])] if len(slices) > 1 else self.array[slices[0]]
        if axes == 1 and isinstance(index[0], Index):  # a profile in k stands across [j, i]
            values = values.reshape([-1 if axis == index[0].axis else 1 for axis in AXES])
        return values


def axes_of(value: Any) -> int:
    """Number of indices with which a value is read: 0 for a number, 1 for a profile [k], 2 for [j, i], 3 for [k, j, i]."""
    return int(np.ndim(value.array if isinstance(value, Field) else value))


def map_arguments(visit: Callable[[Any], Any], argument: Any) -> Any:
    """Rebuild an argument (nested named tuples and tuples) with `visit` applied to its leaves."""
    if isinstance(argument, tuple) and not isinstance(argument, Index):
        parts = [map_arguments(visit, part) for part in argument]
        return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
    return visit(argument)


def as_field(value: Any, name: str = "a field") -> Any:
    """Arrays become fields; numbers, fields and stencils stay what they are."""
    if isinstance(value, Field) or not hasattr(value, "shape") or np.ndim(value) == 0:
        return value
    return Field.whole(value, name)
