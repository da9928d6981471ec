"""Filling halos and summing over the domain, for one process; `dycore.backends.mpi` does it for several.

A communication object says which part of the domain a process keeps (`tile`), completes the halos of
whole NumPy arrays in place (`fill`) or of JAX arrays as new values (`filled`), and knows the whole where
a process keeps only a part: sums over the domain, full rows for the polar filter, fields to write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.fields import Field
from dycore.halo_sources import StripCopy, copies_x, copies_y, copy_strips
from dycore.tiles import Boundary, Halo, HaloWidth, Tile, part_of


class Traffic(NamedTuple):
    """Messages and bytes that a process has sent."""

    messages: int
    bytes: int


def extent(cut: slice, n: int) -> tuple[int, int, bool]:
    """(first index, length, whether it runs backwards) of a slice of n elements."""
    indices = range(n)[cut]
    return min(indices), len(indices), indices.step < 0


def copied_strips(array: Any, copies: tuple[StripCopy, ...], write: Callable) -> Any:
    """A JAX array after copies within it: `write(array, strip, start)` puts a strip into an array."""
    for target, source, sign in copies:
        strip = 0.0 * array[(..., *target)] if source is None else array[(..., *source)]
        start = tuple(extent(t, n)[0] for t, n in zip(target, array.shape[-2:], strict=True))
        array = write(array, -strip if sign < 0.0 else strip, (0,) * (array.ndim - 2) + start)
    return array


def is_traced(value: Any) -> bool:
    """Whether JAX traces a value, without loading JAX."""
    return any(kind.__name__ == "Tracer" for kind in type(value).__mro__)


class Serial:
    """One process that keeps the whole domain."""

    ranks, rank = 1, 0
    several_devices = False  # whether arrays hold the parts of several devices of one JAX program

    @property
    def traffic(self) -> Traffic:
        """Messages that this process has sent so far."""
        return Traffic(0, 0)

    def in_one_thread(self) -> None:
        """Raise RuntimeError where messages of another thread of this process would be taken for those of the calling one."""

    def tile(self, whole: Tile) -> Tile:
        """The part of this process."""
        return whole

    def neighbours(self, tile: Tile) -> HaloWidth:
        """1 on each side of a part on which cells of other processes follow, else 0: at walls, at poles, where it has all.

        Beyond a fold they follow too, where any are kept by others.
        """
        flags = []
        for n, place, boundary in zip(reversed(tile.processes), reversed(tile.position), (tile.x, tile.y), strict=True):
            flags += [int(n > 1 and (boundary is Boundary.PERIODIC or place != last)) for last in (0, n - 1)]
        width = HaloWidth(*flags)
        return width._replace(north=int(tile.split[0])) if tile.y is Boundary.FOLD else width

    def substeps_per_exchange(self, tile: Tile, substeps: int) -> int:
        """How many barotropic substeps go without a message: all."""
        return substeps

    def padded(self, tile: Tile) -> tuple[int, ...]:
        """The shape of the arrays [k, j, i] that hold the fields of a tile."""
        return tile.region.padded

    def fill(self, placed: list[tuple[Halo, Any]]) -> tuple:
        """Complete the halos of NumPy arrays in place, as far as they are needed."""
        for halo, array in placed:
            copy_strips(array, copies_y(halo))
        arrays = [array for _, array in placed]
        self.fetcher(tuple((halo, array.ndim) for halo, array in placed), arrays[0].dtype)(arrays)
        for halo, array in placed:
            copy_strips(array, copies_x(halo))
        return tuple(arrays)

    def filled(self, placed: list[tuple[Halo, Any]], write: Callable) -> tuple:
        """Completed JAX arrays, as new values: `write(array, strip, start)` puts a strip into an array."""
        halos = [halo for halo, _ in placed]
        arrays = self.fetched(halos, [copied_strips(array, copies_y(halo), write) for halo, array in placed], write)
        return tuple(copied_strips(array, copies_x(halo), write) for halo, array in zip(halos, arrays, strict=True))

    def fetcher(self, fields: tuple[tuple[Halo, int], ...], dtype: np.dtype) -> Callable[[list], None]:
        """Function that fills, in place, what other processes keep of the halos of fields with so many axes: nothing."""
        return lambda arrays: None

    def fetched(self, halos: list[Halo], arrays: list, write: Callable) -> list:
        """JAX arrays with what other processes keep of their halos, as new values."""
        return arrays

    def scatter(self, tile: Tile, values: np.ndarray, asarray: Callable) -> Any:
        """Values of this process, of a padded array of the whole domain, as `asarray` makes it."""
        return asarray(part_of(values, tile))

    def program(self, function: Callable) -> Callable:
        """A function (constants, state, ...) -> state as JAX compiles it."""
        return function

    def own(self, tile: Tile, field: Field) -> Any:
        """The values of a field on the cells that this process keeps."""
        region = tile.region if field.array.ndim == 3 else tile.region.columns
        return field[region.indices()]

    def cells(self, tile: Tile, array: Any) -> np.ndarray:
        """The cells that this process keeps, without halo."""
        return interior(tile, np.asarray(array))

    def gather(self, tile: Tile, array: Any) -> np.ndarray | None:
        """On rank 0 the cells of the whole domain, without halo, from the whole padded arrays of all processes; else None."""
        return self.assembled(tile, self.cells(tile, array))

    def assembled(self, tile: Tile, cells: np.ndarray) -> np.ndarray | None:
        """On rank 0 the cells [..., j, i] of the whole domain from those that every process keeps; else None."""
        return cells

    def block(self, tile: Tile, cells: np.ndarray, chunk: tuple[int, int] = (1, 1)) -> tuple[tuple[slice, slice], np.ndarray]:
        """Rows and columns of the domain, and their cells, that this process writes, from those that it keeps.

        Blocks are of one size and of whole chunks (`dycore.decomposition.blocks`), as a file wants them that several processes
        write; parts of a domain need not be.
        """
        return (slice(0, tile.domain[1]), slice(0, tile.domain[2])), cells

    def total(self, tile: Tile, columns: Any) -> Any:
        """The sum of a 2-D array [j, i] without halo, in an order that does not depend on the number of processes.

        Cells of a fold row, which are images, do not count.
        """
        return counted(tile, columns).sum()

    def in_whole_rows(self, tile: Tile, rows: list[np.ndarray], work: Callable[[int, np.ndarray], None]) -> None:
        """Call `work(number, row)` on every row [..., i] with all its columns, which it changes in place."""
        for number, row in enumerate(rows):
            work(number, row)

    def whole_rows(self, tile: Tile, values: Any, response: Any) -> tuple[Any, Callable]:
        """Rows [..., i] of a JAX array with all their columns, and a function that cuts out one's own again, once filtered."""
        return values, lambda rows: rows

    def polar_bands(self, tile: Tile, response: Any) -> list[tuple[tuple[int, int], Any]]:
        """((first row, last row + 1), response) of the rows of a tile that the polar filter changes, for JAX arrays."""
        rows, ny, (south, north), halo = response.shape[0] // 2, tile.domain[1], tile.rows, tile.halo[0]
        bands = []
        for first, last, shift in ((south, min(north, rows), 0), (max(south, ny - rows), north, 2 * rows - ny)):
            if first < last:
                bands.append(((first - south + halo, last - south + halo), response[first + shift: last + shift]))
        return bands

    def shared(self, values: Any) -> Any:
        """An array of JAX that all processes hold alike, whose slopes are summed over them in reverse mode."""
        return values

    def barrier(self) -> None:
        """Wait for all processes."""

    def largest(self, value: float) -> float:
        """The largest of all processes' values."""
        return value

    def first(self, value: Any) -> Any:
        """The value of the first process whose value is not None."""
        return value


def interior(tile: Tile, array: np.ndarray) -> np.ndarray:
    """The cells of a padded array of a tile, without halo."""
    region = tile.region if array.ndim == 3 else tile.region.columns
    return array[tuple(slice(*r) for r in region.ranges)]


def counted(tile: Tile, columns: Any) -> Any:
    """Rows of an array [..., j, i] of the cells of a tile that count in sums: all but a fold row, whose cells are images."""
    images = tile.fold_rows if tile.rows[1] == tile.domain[1] else 0
    return columns[..., : columns.shape[-2] - images, :]


def substeps_that_fit(tile: Tile, substeps: int, wished: int | None = None) -> int:
    """How many barotropic substeps go without a message: as many as the halo that they need fits into the smallest part.

    They go in portions of about the same number. Raises ValueError where `wished` is given and does not fit.
    """
    smallest = min((tile.domain[axis + 1] // n - (axis == 0) * 2 * tile.fold_rows
                    for axis, n in enumerate(tile.processes) if n > 1 or (tile.fold_rows and tile.split[axis])), default=substeps)
    if wished is not None and wished > smallest:
        raise ValueError(f"substeps_together={wished} barotropic substeps without a message need a halo of {wished} cells, but "
                         f"the smallest part is {smallest} cells wide with processes={tile.processes}. Use "
                         f"substeps_together={smallest} or less, or fewer processes.")
    portions = -(-substeps // (wished or smallest))
    return -(-substeps // portions)
