"""What a step asks of a backend, without saying where: a stencil is applied as far as its results are read.

A step is recorded once. Backwards from the cells of what it keeps follow the region of every operation, and how far halos are
read, which says what is exchanged (dycore.backends.inference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dycore.backend import Backend
from dycore.stencils import Field, Region, of_columns
from dycore.terms import Term, Vector, as_term, column_values_at, extent, values_at
from dycore.tiles import Tile


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

    def store(self, *terms: Any, beyond_levels: bool = False) -> Any:
        """Terms as stored fields, in one pass: one for a term, a `Vector` for a vector, a tuple for several of them.

        A term that is zero stays so, and needs no array. Raises ValueError where terms of cells [k, j, i] and of columns [j, i]
        are stored together, or a term has no field in it.
        """
        wanted = [as_term(part) for term in terms for part in (term if isinstance(term, Vector) else (term,))]
        stored = iter(self._stored(tuple(term for term in wanted if term.parts), beyond_levels))
        values = iter([next(stored) if term.parts else term for term in wanted])
        made = tuple(Vector(next(values), next(values)) if isinstance(term, Vector) else next(values) for term in terms)
        return made[0] if len(made) == 1 else made

    def _stored(self, terms: tuple[Term, ...], beyond_levels: bool) -> tuple:
        extents = {extent(term) for term in terms}
        if 0 in extents:
            raise ValueError(f"A term to store has no field in it, only numbers: {next(t for t in terms if extent(t) == 0)}. "
                             "Give the number itself where the term is read.")
        if len(extents) > 1:
            raise ValueError(f"Terms of cells [k, j, i] and of columns [j, i] are stored together: {'; '.join(map(repr, terms))}. "
                             "Store them apart.")
        return self(column_values_at if extents == {2} else values_at, terms, beyond_levels=beyond_levels) if terms else ()

    def upward(self, stencil: Callable, start: Callable, *arguments: Any) -> tuple:
        """A recurrence from the lowest level up: (2-D fields carried out of the last level, 3-D fields of its values)."""
        return self._noted(self.backend.sweep(stencil, start, self._region(stencil), 1, *arguments))

    def downward(self, stencil: Callable, start: Callable, *arguments: Any) -> tuple:
        """A recurrence from the highest level down, as `upward`."""
        return self._noted(self.backend.sweep(stencil, start, self._region(stencil), -1, *arguments))

    def whole(self, field: Any) -> Any:
        """The field on a whole padded array, zero where it holds no value."""
        return self.backend.whole(self.tile, field)

    def _region(self, stencil: Callable, beyond_levels: bool = False) -> Region:
        if self.regions is not None:
            return next(self.regions)
        cells = self.tile.region
        if beyond_levels:
            return cells._replace(k=(0, cells.padded[0]))
        return cells.columns if of_columns(stencil) else cells

    def _noted(self, fields: Any) -> Any:
        if self.regions is not None:
            return fields
        self.issued.append(self.backend.statements[-1])  # type: ignore[attr-defined]

        def known_everywhere(value: Any) -> Any:
            return tuple(map(known_everywhere, value)) if isinstance(value, tuple) else Field.whole(value.array)

        return known_everywhere(fields)
