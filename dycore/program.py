"""A step's requests to a backend, without saying where: a stencil is applied as far as its results are read.

A step is recorded once. Backwards from the cells of what it keeps follow the region of every operation, and how far halos are
read, which says what is exchanged (dycore.backends.recorded.inference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

from dycore.backend import Backend
from dycore.fields import Field, Region, as_field, map_arguments
from dycore.stencils import maximum, of_columns, stencil
from dycore.terms import Term, Vector, as_term, column_values_at, extent, values_at
from dycore.tiles import Halo, HaloWidth, Place, Tile


class Plan(NamedTuple):
    """Of the operations of a step in their order, as a recording of it has them: where each is needed, and of every field
    that is exchanged how far beyond the cells it is read (None: all of the halo is filled)."""

    regions: list[Region]
    halo_widths: list[HaloWidth | None]
    kept: tuple[HaloWidth | None, ...] = ()  # of the arrays that the step returns, in their order: how far their halos are filled


class Program:
    """A backend whose stencils are applied where they are needed: `on(stencil, *arguments)` reads as a line of the equations.

    plan: None while a step is recorded, when `issued` collects the operations, `exchanged` what is exchanged, and every
    result counts as known everywhere.
    """

    def __init__(self, backend: Backend, tile: Tile, plan: Plan | None = None):
        self.backend, self.tile, self.recording = backend, tile, plan is None
        self.regions: Iterator[Region] = iter(plan.regions if plan else ())
        self.halo_widths: Iterator[HaloWidth | None] = iter(plan.halo_widths if plan else ())
        self.issued: list[Any] = []
        self.exchanged: list[Any] = []  # arrays whose halos this step has filled, in the order in which it says how far
        self.complete: list[Any] = []  # these, and those that came with their halos
        self.weights: list[Any] = []  # arrays that functions are given as they are

    def __call__(self, stencil: Callable, *arguments: Any, beyond_levels: bool = False) -> Any:
        """A stencil of cells (k, j, i, ...) or columns (j, i, ...): a field, or as many as it returns values.

        beyond_levels: also on the halo levels above and below.
        """
        return self._traced(self.backend.apply(stencil, self._region(stencil, beyond_levels), *arguments))

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
        return self._traced(self.backend.sweep(stencil, start, self._region(stencil), 1, *arguments))

    def downward(self, stencil: Callable, start: Callable, *arguments: Any) -> tuple:
        """A recurrence from the highest level down, as `upward`."""
        return self._traced(self.backend.sweep(stencil, start, self._region(stencil), -1, *arguments))

    def at_least(self, field: Any, minimum: float) -> Any:
        """The field with what is less than a minimum raised to it."""
        if minimum == -inf:
            return field
        return self(at_least if as_field(field).array.ndim == 3 else at_least_in_columns, minimum, field)

    def columns(self, function: Callable, *arguments: Any) -> Any:
        """Results of a function of whole columns: a field, or as many as it returns arrays.

        `function(*arguments)` is written in the array API and given fields as arrays [k, j, i] or [j, i] of all levels of some
        columns, without halo, profiles as [k], and all else (numbers, weights, functions) as it is. It returns one array or a
        tuple of them, [k, j, i] or [j, i], and treats each column by itself: it is called for columns of the halo too, where
        results are read there. Raises ValueError where a result has another shape.
        """
        return self._traced(self.backend.call(function, self._region(function, columns=True), *self._with_weights(arguments)))

    def planes(self, function: Callable, *arguments: Any, place: Place = Place.CENTER) -> Any:
        """Results of a function that may mix the cells of a level: as `columns`, but given all cells of this process at once.

        What it returns stands at `place`, and gets its halo from there. Several processes give other results than one if it
        does mix cells.
        """
        fields = self.backend.call(function, self.tile.region, *self._with_weights(arguments))
        several = fields if isinstance(fields, tuple) else (fields,)
        filled = self.exchange(*((place, field) for field in several))
        return filled if isinstance(fields, tuple) else filled[0]

    def as_they_are(self, weights: Any) -> None:
        """These arrays are no fields, whatever their shapes: `columns` and `planes` hand them on as they are."""
        map_arguments(lambda leaf: self.weights.append(leaf) if getattr(leaf, "shape", None) else None, weights)

    def _with_weights(self, arguments: tuple) -> Any:
        """Arguments with weights as fields of no axis."""
        def marked(leaf: Any) -> Any:
            return Field(leaf, (), ()) if any(leaf is weight for weight in self.weights) else leaf

        return map_arguments(marked, arguments) if self.weights else arguments

    def whole(self, field: Any) -> Any:
        """The field on a whole padded array, zero where it holds no value."""
        return self.backend.whole(self.tile, field)

    def filtered(self, *pairs: tuple) -> tuple:
        """Fields through the polar filter, each with its response."""
        return self.backend.filter_rows(self.tile, *pairs)

    def exchange(self, *placed: tuple[Place | Halo, Any]) -> tuple:
        """Fields with their halos filled as far as they are read, of which it is said where they stand."""
        halos = [place if isinstance(place, Halo) else Halo(self.tile, place, None if self.recording else next(self.halo_widths))
                 for place, _ in placed]
        filled = self.backend.exchange(*((halo, field) for halo, (_, field) in zip(halos, placed, strict=True)))
        arrays = [as_field(field).array for field, (place, _) in zip(filled, placed, strict=True) if not isinstance(place, Halo)]
        self.exchanged += arrays
        self.given(*arrays)
        return filled

    def given(self, *arrays: Any) -> None:
        """These arrays have their halos: `completed` leaves them alone."""
        self.complete += arrays

    def completed(self, *placed: tuple[Place, Any]) -> tuple:
        """Whole arrays of fields with their halos; those that have them already are left alone."""
        arrays = [as_field(field).array for _, field in placed]
        left = [number for number, array in enumerate(arrays) if not any(array is filled for filled in self.complete)]
        for number, field in zip(left, self.exchange(*(placed[number] for number in left)), strict=True):
            arrays[number] = as_field(field).array
        return tuple(arrays)

    def _region(self, stencil: Callable, beyond_levels: bool = False, columns: bool = False) -> Region:
        if not self.recording:
            return next(self.regions)
        cells = self.tile.region
        if beyond_levels:
            return cells._replace(k=(0, cells.padded[0]))
        return cells if columns or not of_columns(stencil) else cells.columns

    def _traced(self, fields: Any) -> Any:
        if not self.recording:
            return fields
        self.issued.append(self.backend.statements[-1])  # type: ignore[attr-defined]

        def known_everywhere(value: Any) -> Any:
            return tuple(map(known_everywhere, value)) if isinstance(value, tuple) else Field.whole(value.array)

        return known_everywhere(fields)


@stencil
def at_least(k, j, i, minimum, field):
    """The larger of a value and a minimum."""
    return maximum(field[k, j, i], minimum)


@stencil
def at_least_in_columns(j, i, minimum, field):
    """The larger of a value of a column and a minimum."""
    return maximum(field[j, i], minimum)


def planned(recorder: Any, tile: Tile, step: Callable[[Program], tuple], start: tuple, alone: bool) -> Plan:
    """The plan of a step from the statements that `recorder` has of it, from the arrays of its `start` to those that it returns.

    alone: one process fills all of its halos. Raises IndexError where the step reads further than the halo is wide.
    """
    on = Program(recorder, tile)
    result = step(on)
    regions = recorder.regions(on.issued, result, tile)
    halo_widths = {} if alone else recorder.halo_widths(start, result)
    kept: list[HaloWidth | None] = []
    map_arguments(lambda array: kept.append(halo_widths.get(array)), result)
    return Plan(regions, [halo_widths.get(array) for array in on.exchanged], tuple(kept))
