"""A small model of the time of a step on many ranks, calibrated by the records of a run: prediction, not measurement.

    seconds = compute(cells of a part) * contention + redundant substeps + messages * latency + bytes / bandwidth

compute      of one rank, from the records of one rank, between the measured sizes in a line.
contention   what a rank takes longer where all cores compute and no message is sent (median of the silent runs).
redundant    barotropic substeps in the wide halo, which goes M substeps deep where the part is as wide, else in chunks:
             each further chunk costs three 2-D fields once more. Only directions that are split have it.
messages     one to each neighbour and exchange, 8 neighbours where both directions are split.
bytes        numbers in the frame about a part, for all fields of an exchange. The polar filter, where rows are split,
             moves all its rows to whole rows and back. Both scaled so that they agree with the records.

What it leaves out: other imbalance than that of uneven parts, messages that overlap with computing, ranks of a node that
talk through its memory, congestion, noise of operating systems. A rank at a pole does the filter's share: it counts.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy

from dycore.decomposition import shapes
from dycore.tiles import HALO, Boundary, Tile

FILTERED_ROWS = 1 / 3  # of the rows of a sphere lie poleward of 60 degrees


@dataclass(frozen=True)
class Network:
    """What a message costs: `latency_seconds` and its bytes at the share of one rank of a link."""

    name: str
    latency_seconds: float
    bandwidth_bytes_per_second: float
    ranks_per_link: int = 1
    source: str = "assumed"

    def seconds(self, messages: float, size: float) -> float:
        return messages * self.latency_seconds + size * self.ranks_per_link / self.bandwidth_bytes_per_second


IDEAL = Network("ideal", 0.0, math.inf)
# Nominal rates of the standards (100, 200, 400 Gb/s); latencies between MPI ranks and 64 ranks to a link are assumed.
NETWORKS = (
    Network("Ethernet, 100 Gb/s", 10e-6, 12.5e9, 64, "nominal rate; 10 us and 64 ranks to a link assumed"),
    Network("InfiniBand HDR, 200 Gb/s", 1.5e-6, 25e9, 64, "nominal rate; 1.5 us and 64 ranks to a link assumed"),
    Network("InfiniBand NDR, 400 Gb/s", 1.5e-6, 50e9, 64, "nominal rate; 1.5 us and 64 ranks to a link assumed"),
)


class Layout(NamedTuple):
    """A grid among ranks: cells (nz, ny, nx) of all, processes (south to north, west to east)."""

    cells: tuple[int, int, int]
    processes: tuple[int, int]

    @property
    def part(self) -> tuple[int, int, int]:
        """The cells of the largest part."""
        nz, ny, nx = self.cells
        return nz, math.ceil(ny / self.processes[0]), math.ceil(nx / self.processes[1])

    @property
    def neighbours(self) -> int:
        """That a rank sends to: two of two ranks in a direction are one and the same."""
        along_y, along_x = (min(n, 3) for n in self.processes)
        return along_y * along_x - 1

    @property
    def split(self) -> tuple[int, int]:
        """The sides of a part in a direction: two where it is split, else none."""
        along_y, along_x = (2 if n > 1 else 0 for n in self.processes)
        return along_y, along_x

    def frame(self, width: int, sides: tuple[int, int]) -> int:
        """Columns in a frame of this width about a part, on so many sides in y and in x; rows that are not split go with halo."""
        _, ny, nx = self.part
        ny += 2 * HALO * (sides[0] == 0 and self.processes[0] == 1)
        return (ny + sides[0] * width) * (nx + sides[1] * width) - ny * nx


@dataclass(frozen=True)
class Work:
    """What of a case decides about its messages. `substeps` are those executed: 1 for none."""

    tracers: int
    substeps: int
    filtered: bool
    itemsize: int

    def layout(self, cells: tuple[int, int, int], ranks: int) -> Layout:
        """The shape that the core takes. Raises ValueError where there is none."""
        possible = shapes(Tile(cells, Boundary.PERIODIC, Boundary.POLE if self.filtered else Boundary.WALL), ranks)
        if not possible:
            raise ValueError(f"{cells[1]} x {cells[2]} columns cannot be divided among {ranks} ranks: give fewer ranks.")
        return Layout(cells, possible[0])

    def sides(self, among: Layout) -> tuple[int, int]:
        """Those that messages cross: not a wall, but a pole where another rank has the opposite meridian."""
        along_y, along_x = among.processes
        return 2 if self.filtered and along_x > 1 else min(2, along_y - 1), among.split[1]

    def together(self, among: Layout) -> int:
        """Substeps between two exchanges: as many as fit into the part."""
        widths = [n for n, processes in zip(among.part[1:], among.processes, strict=True) if processes > 1]
        chunks = math.ceil(self.substeps / min([self.substeps, *widths]))
        return math.ceil(self.substeps / chunks)

    def chunks(self, among: Layout) -> int:
        return math.ceil(self.substeps / self.together(among))

    def exchanges(self, among: Layout) -> int:
        """After the force and after the step; and between chunks of substeps."""
        return 2 + self.chunks(among) - 1

    def messages(self, among: Layout) -> float:
        transposes = 4 * (among.processes[1] - 1) if self.filtered else 0
        return among.neighbours * self.exchanges(among) + transposes

    def size(self, among: Layout) -> float:
        """Bytes that the busiest rank sends in a step."""
        nz, ny, nx = among.part
        sides = self.sides(among)
        near, far = among.frame(1, sides), among.frame(2, sides)
        # as far as upwind3 and vector-invariant momentum read: u, v, W (towards one side), tracers, surface; column sums
        numbers: float = near * (2.5 * nz + 2) + far * (self.tracers * nz + 1)
        if self.substeps > 1:  # faces of the predicted velocity; depth means before and after, widths
            numbers += near * nz + among.frame(max(HALO, self.together(among)), sides) * (6 + 3 * (self.chunks(among) - 1))
        if self.filtered and among.processes[1] > 1:
            rows = min(ny, math.ceil(FILTERED_ROWS / 2 * among.cells[1]) if among.processes[0] > 1 else FILTERED_ROWS * ny)
            there_and_back = 2 * (among.processes[1] - 1) / among.processes[1]
            numbers += there_and_back * rows * nx * (nz * (3 + self.tracers) + 1)
        return numbers * self.itemsize

    def redundant_substeps(self, among: Layout) -> int:
        """Columns times substeps that are computed in halos, for a neighbour computes them too."""
        if self.substeps == 1:
            return 0
        together = self.together(among)
        done = [min(together, self.substeps - first) for first in range(0, self.substeps, together)]
        return sum(among.frame(together - 1 - m, among.split) for steps in done for m in range(steps))


@dataclass(frozen=True)
class Compute:
    """Seconds of a step of one rank by number of cells: measured points, and what lies between and beyond them."""

    points: tuple[tuple[float, float], ...]
    contention: float = 1.0
    column_substep_seconds: float = 0.0

    def seconds(self, cells: float) -> float:
        """Below the least point on in the line of the first two, if that leaves a time for no cells; above in proportion."""
        sizes, times = zip(*self.points, strict=True)
        if cells >= sizes[-1]:
            return self.contention * times[-1] * cells / sizes[-1]
        if cells > sizes[0]:
            return self.contention * float(numpy.interp(cells, sizes, times))
        at_rest = 0.0
        if len(self.points) > 1:
            at_rest = max(0.0, times[0] - sizes[0] * (times[1] - times[0]) / (sizes[1] - sizes[0]))
        return self.contention * (at_rest + (times[0] - at_rest) * cells / sizes[0])


@dataclass(frozen=True)
class Model:
    """Everything about a competitor on a case; the factors are measured over derived."""

    compute: Compute
    work: Work
    message_factor: float = 1.0
    byte_factor: float = 1.0

    def seconds(self, among: Layout, network: Network) -> float:
        """Of one step."""
        computed = self.compute.seconds(math.prod(among.part))
        if among.processes == (1, 1):
            return computed
        redundant = self.work.redundant_substeps(among) * self.compute.column_substep_seconds
        return computed + redundant + network.seconds(self.message_factor * self.work.messages(among),
                                                      self.byte_factor * self.work.size(among))

    def efficiency(self, among: Layout, network: Network, weak: bool = False) -> float:
        """What messages, halos and uneven parts leave of one rank with all cells (weak: with its share of them)."""
        ranks, n_cells = math.prod(among.processes), math.prod(among.cells)
        ideal = self.compute.seconds(n_cells / ranks) if weak else self.compute.seconds(n_cells) / ranks
        return ideal / self.seconds(among, network)
