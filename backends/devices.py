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

import numpy as np

try:
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"JAX is not installed ({missing}): pip install 'dycore[jax]'.", name=missing.name) from None

from dycore.backends.device_strips import AXES, NORMAL, columns_last, corner, mirrored_high, mirrored_low, on_boundary, strip_of
from dycore.backends.halos import Serial, Traffic, interior, substeps_that_fit
from dycore.backends.jax_process import start
from dycore.decomposition import fits, least_part, shapes
from dycore.tiles import Boundary, Halo, HaloWidth, Tile, part_of


class Devices(Serial):
    """So many devices in j and in i, of those that are given or that JAX finds.

    Without `processes` all of them, in the shape with the smallest halo for the first grid, kept for any further one.
    Raises ValueError where there are too few. All parts have to be of the same size.
    """

    several_devices = True

    def __init__(self, processes: tuple[int, int] | None = None, devices: Any = None):
        self.available = start() if devices is None else list(devices)
        self._specs: dict[tuple[int, ...], PartitionSpec] = {}
        self._sent = [0, 0]
        if processes is not None:
            self._arrange(processes)

    def __reduce__(self) -> Any:
        """To pickle and to copy: the same shape, of the first devices that JAX finds there."""
        return type(self), (self.mesh.devices.shape if hasattr(self, "mesh") else None,)

    def _arrange(self, processes: tuple[int, int]) -> None:
        needed = processes[0] * processes[1]
        if needed > len(self.available):
            raise ValueError(f"processes={processes[0]},{processes[1]} need {needed} devices, but JAX finds {len(self.available)} "
                             f"({self.available[0].platform}). Use fewer, or on a CPU set "
                             f"XLA_FLAGS=--xla_force_host_platform_device_count={needed} before the start.")
        self.mesh = Mesh(np.array(self.available[:needed]).reshape(processes), AXES)

    @property
    def traffic(self) -> Traffic:
        """Messages that a device has been asked to send so far; messages count when a program is traced."""
        return Traffic(*self._sent)

    def tile(self, whole: Tile) -> Tile:
        """The part of the first device, the same as any other's but for its place. Raises ValueError where parts would differ."""
        if not hasattr(self, "mesh"):
            self._arrange(best_shape(whole, len(self.available)))
        tile = divided(whole, self.mesh.devices.shape)
        for shape in (self.padded(tile), self.padded(tile)[1:]):
            self._specs[shape] = PartitionSpec(*[None] * (len(shape) - 2), *AXES)
        return tile

    def neighbours(self, tile: Tile) -> HaloWidth:
        """As `Serial.neighbours`, of any device: they all run the same program."""
        along_y, along_x = (int(n > 1) for n in tile.processes)
        return HaloWidth(along_x, along_x, along_y, along_y)

    def substeps_per_exchange(self, tile: Tile, substeps: int) -> int:
        """As `Serial.substeps_per_exchange`: as many as the halo that they need fits into a part."""
        return substeps_that_fit(tile, substeps)

    def padded(self, tile: Tile) -> tuple[int, ...]:
        """The shape of the arrays of all parts, side by side."""
        (nk, nj, ni), (pj, pi) = tile.region.padded, tile.processes
        return nk, nj * pj, ni * pi

    def scatter(self, tile: Tile, values: np.ndarray, asarray: Callable) -> Any:
        """As `Serial.scatter`, for all devices; fields with levels go straight to them, as one may not hold the whole of one."""
        pj, pi = tile.processes
        blocks = [[part_of(np.asarray(values), tile._replace(rank=j * pi + i)) for i in range(pi)] for j in range(pj)]
        array: Any = np.concatenate([np.concatenate(row, axis=-1) for row in blocks], axis=-2)
        array = asarray(array) if array.ndim == 2 else array  # may be collapsed along an axis
        spec = PartitionSpec(*[None] * (array.ndim - 2), *(name if n == full else None for name, n, full in zip(
            AXES, array.shape[-2:], self.padded(tile)[1:], strict=True)))
        self._specs[array.shape] = spec
        return jax.device_put(array, NamedSharding(self.mesh, spec))

    def _spec(self, leaf: Any) -> PartitionSpec:
        """By the shape, because a value that is traced does not tell where it lies; tables and profiles are not divided."""
        return self._specs.get(np.shape(leaf), PartitionSpec())

    def program(self, function: Callable) -> Callable:
        """A function (constants, state, ...) -> state as a program of all devices."""
        def everywhere(constants: Any, state: Any, *others: Any) -> Any:
            specs = [jax.tree.map(self._spec, argument) for argument in (constants, state, *others)]
            return jax.shard_map(function, mesh=self.mesh, in_specs=tuple(specs), out_specs=specs[1], check_vma=False)(
                constants, state, *others)

        return everywhere

    def cells(self, tile: Tile, array: Any) -> Any:
        """The cells of the whole domain, without halo; of what JAX traces within its program."""
        (pj, pi), namespace = tile.processes, jnp if isinstance(array, jax.core.Tracer) else np
        rows = [[interior(tile, block) for block in namespace.split(row, pi, axis=-1)]
                for row in namespace.split(namespace.asarray(array), pj, axis=-2)]
        return namespace.concatenate([namespace.concatenate(row, axis=-1) for row in rows], axis=-2)

    def own(self, tile: Tile, field: Any) -> Any:
        """As `Serial.own`, of all devices."""
        return self.cells(tile, field.array)

    # Within a program ------------------------------------------------------------------------------

    def fetched(self, halos: list[Halo], arrays: list, write: Callable) -> list:
        """As `Serial.fetched`; whole halos, however much of them is needed."""
        for axis in (0, 1):
            if halos[0].tile.split[axis]:
                arrays = self._along(axis, halos, arrays, write)
        return arrays

    def _along(self, axis: int, halos: list[Halo], arrays: list, write: Callable) -> list:
        """Fill the halo along one axis (0: j, 1: i)."""
        tile = halos[0].tile
        n, widths = tile.cells[axis + 1], [halo.tile.halo[axis] for halo in halos]
        edges = [partial(strip_of, axis, halo.tile) for halo in halos]
        corners = [partial(corner, axis, halo.tile) for halo in halos]
        bounded = (tile.y, tile.x)[axis] is not Boundary.PERIODIC
        if bounded:  # before anything is sent: a narrow part sends these faces too
            arrays = [write(array, on_boundary(axis, edge(array, width, width + 1)), at(array, width))
                      if halo.place is NORMAL[axis] else array
                      for halo, array, width, edge, at in zip(halos, arrays, widths, edges, corners, strict=True)]
        of_each = list(zip(arrays, widths, edges, strict=True))
        low = self._passed(axis, tile, [edge(array, n, n + width) for array, width, edge in of_each], 1)
        high = self._passed(axis, tile, [edge(array, width, 2 * width) for array, width, edge in of_each], -1)
        if bounded:
            low, high = self._bounded(axis, halos, arrays, low, high)
        return [write(write(array, below, at(array, 0)), above, at(array, width + n))
                for array, below, above, width, at in zip(arrays, low, high, widths, corners, strict=True)]

    def _bounded(self, axis: int, halos: list[Halo], arrays: list, low: list, high: list) -> tuple[list, list]:
        """The strips of the halo with, on the first and the last devices, what lies beyond the boundary of the domain."""
        tile = halos[0].tile
        number, last = jax.lax.axis_index(AXES[axis]), tile.processes[axis] - 1
        pole = (tile.y, tile.x)[axis] is Boundary.POLE
        below = [mirrored_low(axis, *each) for each in zip(halos, arrays, high, strict=True)]
        above = [mirrored_high(axis, *each) for each in zip(halos, arrays, strict=True)]
        if pole:
            below, above = self._opposite(tile, below, 0), self._opposite(tile, above, last)
        signs = [-1.0 if halo.place.is_vector and (pole or halo.place is NORMAL[axis]) else 1.0 for halo in halos]
        return ([jnp.where(number == 0, sign * mirror, strip) for sign, mirror, strip in zip(signs, below, low, strict=True)],
                [jnp.where(number == last, sign * mirror, strip) for sign, mirror, strip in zip(signs, above, high, strict=True)])

    def _passed(self, axis: int, tile: Tile, strips: list, step: int) -> list:
        """The strips of the neighbour at number - step, as one message."""
        devices = tile.processes[axis]
        if devices == 1:
            return strips  # a pole: replaced by what comes across it
        pairs = [(number, number + step) for number in range(devices) if 0 <= number + step < devices]
        if (tile.y, tile.x)[axis] is Boundary.PERIODIC:
            pairs = [(number, (number + step) % devices) for number in range(devices)]
        return self._sent_along(AXES[axis], pairs, strips)

    def _sent_along(self, names: Any, pairs: list[tuple[int, int]], strips: list) -> list:
        packed = jnp.concatenate([strip.ravel() for strip in strips])
        self._count(1, packed)
        packed = jax.lax.ppermute(packed, names, pairs)
        ends = np.cumsum([strip.size for strip in strips])
        return [packed[end - strip.size: end].reshape(strip.shape) for strip, end in zip(strips, ends, strict=True)]

    def _count(self, messages: int, values: Any) -> None:
        """Note that these values are sent so many times."""
        self._sent[0] += messages
        self._sent[1] += messages * values.size * values.dtype.itemsize

    def _opposite(self, tile: Tile, strips: list, row: int) -> list:
        """Strips along a pole from the opposite meridian; `row` is that of the devices at the pole."""
        pi = tile.processes[1]
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

    def whole_rows(self, tile: Tile, values: Any, response: Any) -> tuple[Any, Callable]:
        """As `Serial.whole_rows`; rows whose response is one everywhere, filtered on other devices, stay what they are."""
        nx, several = tile.cells[2], tile.processes[1] > 1
        whole = values
        if several:
            self._count(tile.processes[1] - 1, values)
            whole = columns_last(jax.lax.all_gather(values, "i", axis=values.ndim - 1, tiled=True))

        def own(rows: Any) -> Any:
            if several:
                rows = jax.lax.dynamic_slice_in_dim(columns_last(rows), jax.lax.axis_index("i") * nx, nx, axis=-1)
            return jnp.where((response == 1.0).all(axis=-1, keepdims=True), values, rows)

        return whole, own


# Which shapes are possible ----------------------------------------------------------------------------


def obstacle(whole: Tile, processes: tuple[int, int]) -> str | None:
    """Why parts of a domain would not be of the same size and in the same situation, if they would not."""
    if whole.y is Boundary.FOLD and processes != (1, 1):
        return "The fold of a tripolar grid cannot be divided among the devices of one JAX program"
    for n, devices, what in zip(whole.domain[1:], processes, ("rows", "columns"), strict=True):
        if n % devices:
            return f"{n} {what} cannot be divided evenly among {devices} devices, as one program for all needs"
    if whole.y is Boundary.POLE and processes[1] > 1 and processes[1] % 2:
        return f"{processes[1]} devices in i do not match across the pole: their number has to be even"
    return None


def even_shapes(whole: Tile, devices: int) -> list[tuple[int, int]]:
    """Every (devices in j, in i) that divides a domain among exactly so many, the one with the smallest halo first."""
    return [shape for shape in shapes(whole, devices) if not obstacle(whole, shape)]


def advice(whole: Tile, devices: int) -> str:
    """Advice on what to use instead: other shapes of so many devices or else of the next smaller number that goes."""
    number = next(n for n in range(devices, 0, -1) if even_shapes(whole, n))
    return f"Use processes={' or '.join(f'{pj},{pi}' for pj, pi in even_shapes(whole, number)[:4])}, or MPI (dycore.backends.mpi)."


def best_shape(whole: Tile, devices: int) -> tuple[int, int]:
    """The shape of so many devices with the smallest halo. Raises ValueError with what would work where there is none."""
    possible = even_shapes(whole, devices)
    if not possible:
        raise ValueError(f"{whole.domain[1]} x {whole.domain[2]} columns cannot be divided evenly among {devices} devices. "
                         f"{advice(whole, devices)}")
    return possible[0]


def divided(whole: Tile, processes: tuple[int, int]) -> Tile:
    """The part of the first device. Raises ValueError with what would work where the domain cannot be divided so."""
    (_, ny, nx), (pj, pi) = whole.domain, processes
    problem = obstacle(whole, processes)
    if not problem and not fits(whole, processes):
        problem = (f"processes={pj},{pi} leave {ny // pj} rows and {nx // pi} columns of {ny} x {nx} to a device; it needs at "
                   f"least {least_part(whole, 0)} and {least_part(whole, 1)} where they are split")
    if problem:
        raise ValueError(f"{problem}. {advice(whole, pj * pi)}")
    return whole._replace(processes=processes)
