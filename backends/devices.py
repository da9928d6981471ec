"""Several devices in one JAX program: a domain divided among the GPUs of a node, without MPI.

The arrays of all parts, halos included, lie side by side in one array that is sharded over a mesh of devices
(`jax.shard_map`): the same program runs on every part, and what depends on its place is chosen by `where`.
Halos travel as one message (`ppermute`) in each direction, first along j, then along i with the corners.
On CPUs devices are made by XLA_FLAGS=--xla_force_host_platform_device_count=4.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from dycore.backends.halos import Serial, Traffic, interior, substeps_that_fit
from dycore.tiles import HALO_LEVELS, Boundary, Place, Tile, divide, part_of

AXES = ("j", "i")


class Devices(Serial):
    """So many devices in j and in i, of those that are given or that JAX finds.

    Raises ValueError where there are too few. All parts have to be of the same size.
    """

    def __init__(self, processes: tuple[int, int], devices: Any = None):
        found = jax.devices() if devices is None else list(devices)
        needed = processes[0] * processes[1]
        if needed > len(found):
            raise ValueError(f"processes={processes[0]},{processes[1]} need {needed} devices, but JAX finds {len(found)} "
                             f"({found[0].platform}). Use fewer, or on a CPU set "
                             f"XLA_FLAGS=--xla_force_host_platform_device_count={needed} before the start.")
        self.processes = processes
        self.mesh = Mesh(np.array(found[:needed]).reshape(processes), AXES)
        self._scattered: set[tuple[int, ...]] = set()
        self._sent = [0, 0]

    @property
    def traffic(self) -> Traffic:
        """What a device has been asked to send so far; messages count when a program is traced."""
        return Traffic(*self._sent)

    def tile(self, whole: Tile) -> Tile:
        """The part of the first device, the same as any other's but for its place. Raises ValueError where parts would differ."""
        pj, pi = self.processes
        tile = divide(whole, pj * pi, self.processes, 0)
        for n, parts, what in ((whole.domain[1], pj, "rows"), (whole.domain[2], pi, "columns")):
            if n % parts:
                raise ValueError(f"{n} {what} cannot be divided evenly among {parts} devices, as one program for all needs. "
                                 f"Use a multiple of {parts} {what}, or MPI (dycore.backends.mpi).")
        if whole.y is Boundary.POLE and pi > 1 and pi % 2:
            raise ValueError(f"{pi} devices in i do not match across the pole. Use an even number.")
        return tile

    def substeps_together(self, tile: Tile, substeps: int) -> int:
        """As many as the halo that they need fits into a part."""
        return substeps_that_fit(tile, substeps)

    def padded(self, tile: Tile) -> tuple[int, ...]:
        """The shape of the arrays of all parts, side by side."""
        nk, nj, ni = tile.region.padded
        return nk, nj * self.processes[0], ni * self.processes[1]

    def scatter(self, tile: Tile, values: np.ndarray, asarray: Callable) -> Any:
        """As `Serial.scatter`, for all devices."""
        pj, pi = self.processes
        blocks = [[part_of(np.asarray(values), tile._replace(rank=j * pi + i)) for i in range(pi)] for j in range(pj)]
        array = np.concatenate([np.concatenate(row, axis=-1) for row in blocks], axis=-2)
        self._scattered.add(array.shape)
        return jax.device_put(array, NamedSharding(self.mesh, self._spec(array)))

    def _spec(self, leaf: Any) -> PartitionSpec:
        shape = np.shape(leaf)
        return PartitionSpec(*[None] * (len(shape) - 2), *AXES) if shape in self._scattered else PartitionSpec()

    def program(self, function: Callable) -> Callable:
        """A function (constants, state, ...) -> state as a program of all devices."""
        def everywhere(constants: Any, state: Any, *others: Any) -> Any:
            specs = [jax.tree.map(self._spec, argument) for argument in (constants, state, *others)]
            return jax.shard_map(function, mesh=self.mesh, in_specs=tuple(specs), out_specs=specs[1], check_vma=False)(
                constants, state, *others)

        return everywhere

    def cells(self, tile: Tile, array: Any) -> np.ndarray:
        """The cells of the whole domain, without halo."""
        pj, pi = self.processes
        rows = [[interior(tile, part) for part in np.split(row, pi, axis=-1)] for row in np.split(np.asarray(array), pj, axis=-2)]
        return np.concatenate([np.concatenate(row, axis=-1) for row in rows], axis=-2)

    def own(self, tile: Tile, field: Any) -> Any:
        """As `Serial.own`, of all devices."""
        return self.cells(tile, field.array)

    # Within a program ------------------------------------------------------------------------------

    def fetched(self, tile: Tile, places: list[Place], arrays: list, write: Callable) -> list:
        """As `Serial.fetched`."""
        for axis in (0, 1):
            if tile.split[axis]:
                arrays = self._along(axis, tile, places, arrays, write)
        return arrays

    def _along(self, axis: int, tile: Tile, places: list[Place], arrays: list, write: Callable) -> list:
        """Fill the halo along one axis (0: j, 1: i)."""
        n, halo = tile.cells[axis + 1], tile.halo[axis]
        boundary, last = (tile.y, tile.x)[axis], self.processes[axis] - 1
        number = jax.lax.axis_index(AXES[axis])
        normal = [place is (Place.SOUTH_FACE, Place.WEST_FACE)[axis] for place in places]
        edge = partial(part, axis, tile)
        low = self._passed(AXES[axis], boundary, [edge(array, n, n + halo) for array in arrays], 1)
        high = self._passed(AXES[axis], boundary, [edge(array, halo, 2 * halo) for array in arrays], -1)
        if boundary is not Boundary.PERIODIC:
            faces = list(zip(arrays, normal, strict=True))
            mirrors = [[mirrored(axis, edge(array, halo + face, 2 * halo + face)) for array, face in faces],
                       [mirrored(axis, edge(array, n + face, n + halo)) for array, face in faces]]
            if boundary is Boundary.POLE:
                mirrors = [self._opposite(tile, strips, row) for strips, row in zip(mirrors, (0, last), strict=True)]
                signs = [1.0 if place is Place.CENTER else -1.0 for place in places]
            else:
                signs = [-1.0 if face else 1.0 for face in normal]
            for m, (sign, face) in enumerate(zip(signs, normal, strict=True)):
                low[m] = jnp.where(number == 0, sign * mirrors[0][m], low[m])
                beyond = sign * mirrors[1][m]
                if face:  # on the boundary itself
                    shape = list(beyond.shape)
                    shape[axis - 2] = 1
                    beyond = jnp.concatenate([jnp.zeros(shape, beyond.dtype), beyond], axis=axis - 2)
                high[m] = jnp.where(number == last, beyond, high[m])
        filled = []
        for array, below, above, face in zip(arrays, low, high, normal, strict=True):
            if face and boundary is not Boundary.PERIODIC:
                on = edge(array, halo, halo + 1)
                array = write(array, jnp.where(number == 0, 0.0 * on, on), corner(axis, tile, array, halo))
            filled.append(write(write(array, below, corner(axis, tile, array, 0)), above, corner(axis, tile, array, halo + n)))
        return filled

    def _passed(self, name: str, boundary: Boundary, strips: list, step: int) -> list:
        """The strips of the neighbour at number - step, as one message."""
        parts = self.processes[AXES.index(name)]
        if parts == 1:
            return strips  # a pole: replaced by what comes across it
        pairs = [(number, number + step) for number in range(parts) if 0 <= number + step < parts]
        if boundary is Boundary.PERIODIC:
            pairs = [(number, (number + step) % parts) for number in range(parts)]
        return self._sent_along(name, pairs, strips)

    def _sent_along(self, names: Any, pairs: list[tuple[int, int]], strips: list) -> list:
        packed = jnp.concatenate([strip.ravel() for strip in strips])
        self._sent[0] += 1
        self._sent[1] += packed.size * packed.dtype.itemsize
        packed = jax.lax.ppermute(packed, names, pairs)
        ends = np.cumsum([strip.size for strip in strips])
        return [packed[end - strip.size: end].reshape(strip.shape) for strip, end in zip(strips, ends, strict=True)]

    def _opposite(self, tile: Tile, strips: list, row: int) -> list:
        """Strips along a pole from the opposite meridian; `row` is that of the devices at the pole."""
        pi = self.processes[1]
        if pi == 1:
            return [jnp.roll(strip, tile.cells[2] // 2, axis=-1) for strip in strips]
        pairs = [(row * pi + number, row * pi + (number + pi // 2) % pi) for number in range(pi)]
        return self._sent_along(AXES, pairs, strips)

    def polar_bands(self, tile: Tile, response: Any) -> list[tuple[tuple[int, int], Any]]:
        """As `Serial.polar_bands`: of the rows that are filtered on any device; the response is one on others."""
        rows, domain, ny, halo = response.shape[0] // 2, tile.domain[1], tile.cells[1], tile.halo[0]
        within = np.arange(domain)
        reached = sorted({int(row) % ny for row in within[(within < rows) | (within >= domain - rows)]})
        bands = []
        for band in np.split(reached, np.flatnonzero(np.diff(reached) > 1) + 1):
            row = jax.lax.axis_index("j") * ny + band
            chosen = jnp.where(row < rows, row, row - domain + 2 * rows)
            filtered = (row < rows) | (row >= domain - rows)
            scale = jnp.where(filtered[:, None], response[jnp.clip(chosen, 0, 2 * rows - 1)], 1.0)
            bands.append(((int(band[0]) + halo, int(band[-1]) + 1 + halo), scale))
        return bands

    def whole_rows(self, tile: Tile, values: Any) -> tuple[Any, Callable]:
        """As `Serial.whole_rows`."""
        if self.processes[1] == 1:
            return values, lambda rows: rows
        self._sent[0] += self.processes[1] - 1
        self._sent[1] += (self.processes[1] - 1) * values.size * values.dtype.itemsize
        nx = tile.cells[2]
        whole = jax.lax.all_gather(values, "i", axis=values.ndim - 1, tiled=True)
        return whole, lambda rows: jax.lax.dynamic_slice_in_dim(rows, jax.lax.axis_index("i") * nx, nx, axis=-1)


def mirrored(axis: int, strip: Any) -> Any:
    """A strip the other way round along an axis."""
    return jnp.flip(strip, axis - 2)


def part(axis: int, tile: Tile, array: Any, start: int, stop: int) -> Any:
    """Indices start .. stop - 1 along an axis, in the levels that are no halo: of rows their cells, of columns all."""
    cut: Any = (slice(start, stop), slice(*tile.region.i)) if axis == 0 else (slice(None), slice(start, stop))
    return array[(*[slice(HALO_LEVELS, -HALO_LEVELS)] * (array.ndim - 2), *cut)]


def corner(axis: int, tile: Tile, array: Any, start: int) -> tuple[int, ...]:
    """Where such a part begins."""
    return *[HALO_LEVELS] * (array.ndim - 2), *((start, tile.region.i[0]) if axis == 0 else (0, start))
