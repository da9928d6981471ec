"""What a step asks of a backend, without saying where: a stencil is applied as far as its results are read.

A step is recorded once. Backwards from the cells of what it keeps follow the region of every operation, and how far halos are
read, which says what is exchanged (dycore.backends.inference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dycore.backend import Backend
from dycore.stencils import Field, Region
from dycore.tiles import Halo, Place, Tile


class Program:
    """A backend whose stencils are applied where they are needed: `on(stencil, *arguments)` reads as a line of the equations.

    regions: of the operations of a step in their order, as an earlier recording of it found them; None while it is recorded,
    when `issued` collects the operations and every result counts as known everywhere.
    """

    def __init__(self, backend: Backend, tile: Tile, regions: list[Region] | None = None):
        self.backend, self.tile = backend, tile
        self.regions: Iterator[Region] | None = None if regions is None else iter(regions)
        self.issued: list[Any] = []

    def __call__(self, stencil: Callable, *arguments: Any, beyond_levels: bool = False) -> Any:
        """A stencil of cells (k, j, i, ...) or columns (j, i, ...): a field, or as many as it returns values.

        beyond_levels: also on the halo levels above and below.
        """
        return self._noted(self.backend.apply(stencil, self._region(stencil, beyond_levels), *arguments))

    def upward(self, stencil: Callable, start: Callable, *arguments: Any) -> tuple:
        """A recurrence from the lowest level up: (2-D fields carried out of the last level, 3-D fields of its values)."""
        return self._noted(self.backend.sweep(stencil, start, self._region(stencil), 1, *arguments))

    def downward(self, stencil: Callable, start: Callable, *arguments: Any) -> tuple:
        """A recurrence from the highest level down, as `upward`."""
        return self._noted(self.backend.sweep(stencil, start, self._region(stencil), -1, *arguments))

    def columns(self, function: Callable, *arguments: Any) -> Any:
        """What a function of whole columns makes of them: a field, or as many as it returns arrays.

        `function(*arguments)` is written in the array API and given fields as arrays [k, j, i] or [j, i] of all levels of some
        columns, without halo, profiles as [k], and all else (numbers, weights, functions) as it is. It returns one array or a
        tuple of them, [k, j, i] or [j, i], and treats each column by itself: it is called for columns of the halo too, where
        results are read there. Raises ValueError where a result has another shape.
        """
        return self._noted(self.backend.call(function, self._region(function, columns=True), *arguments))

    def planes(self, function: Callable, *arguments: Any, place: Place = Place.CENTER) -> Any:
        """As `columns`, for a function that may mix the cells of a level: it is given all cells of this process, at once.

        What it returns stands at `place`, and gets its halo from there. Several processes give other results than one if it
        does mix cells.
        """
        fields = self.backend.call(function, self.tile.region, *arguments)
        several = fields if isinstance(fields, tuple) else (fields,)
        filled = self.backend.exchange(*((Halo(self.tile, place), field) for field in several))
        return filled if isinstance(fields, tuple) else filled[0]

    def whole(self, field: Any) -> Any:
        """The field on a whole padded array, zero where it holds no value."""
        return self.backend.whole(self.tile, field)

    def _region(self, stencil: Callable, beyond_levels: bool = False, columns: bool = False) -> Region:
        if self.regions is not None:
            return next(self.regions)
        cells = self.tile.region
        if beyond_levels:
            return cells._replace(k=(0, cells.padded[0]))
        return cells if columns or stencil.__code__.co_varnames[0] == "k" else cells.columns

    def _noted(self, fields: Any) -> Any:
        if self.regions is not None:
            return fields
        self.issued.append(self.backend.statements[-1])  # type: ignore[attr-defined]

        def known_everywhere(value: Any) -> Any:
            return tuple(map(known_everywhere, value)) if isinstance(value, tuple) else Field.whole(value.array)

        return known_everywhere(fields)
