"""The division of a domain among processes: shapes that fit, the part of each, and equal blocks for files.

Integer arithmetic, no MPI.
"""

from __future__ import annotations

from dycore.tiles import HALO, Boundary, Tile


def block_shape(tile: Tile, chunk: tuple[int, int] = (1, 1)) -> tuple[int, int]:
    """Rows and columns of the equal blocks, one to a process, that cover a domain; the last may be smaller, or empty.

    Blocks consist of whole chunks of so many rows and columns: those of a file may be of another number of processes.
    """
    rows, columns = (-(-n // (parts * size)) * size for n, parts, size in zip(tile.domain[1:], tile.processes, chunk, strict=True))
    return rows, columns


def blocks(tile: Tile, number: int, chunk: tuple[int, int] = (1, 1)) -> tuple[tuple[int, int], tuple[int, int]]:
    """(start, stop) of the rows and of the columns of such a block."""
    first, second = ((min(n, place * size), min(n, (place + 1) * size)) for n, size, place in zip(
        tile.domain[1:], block_shape(tile, chunk), divmod(number, tile.processes[1]), strict=True))
    return first, second


def least_part(whole: Tile, axis: int) -> int:
    """Rows (axis 0) or columns (1) that a process needs where they are split: the halo has to come from its neighbours."""
    if axis == 1:
        return HALO
    return HALO + {Boundary.POLE: 1, Boundary.FOLD: 2}.get(whole.y, 0)  # faces beyond skip that on a pole or fold; the fold row


def shapes(whole: Tile, ranks: int) -> list[tuple[int, int]]:
    """Every (processes in j, in i) that divides the domain among so many, the one with the smallest halo first."""
    _, ny, nx = whole.domain
    fitting = [(pj, ranks // pj) for pj in range(1, ranks + 1) if ranks % pj == 0 and fits(whole, (pj, ranks // pj))]

    def cost(shape: tuple[int, int]) -> float:
        """Lines of the halo, columns dearer because they are not contiguous, and what the polar filter moves of split rows."""
        pj, pi = shape
        sides_y, sides_x = (2 if boundary is Boundary.PERIODIC and n > 1 else min(n - 1, 2)
                            for n, boundary in zip(shape, (whole.y, whole.x), strict=True))
        filtered = min(ny / pj, ny / 3 if pj == 1 else ny / 6) if whole.y is Boundary.POLE else 0.0
        # a cell of the halo moves three deep for some eight fields, a filtered one there and back for four
        return sides_y * nx / pi + 1.5 * sides_x * ny / pj + filtered * nx / pi * (1.0 - 1.0 / pi) * 8 / 24

    return sorted(fitting, key=cost)


def fits(whole: Tile, processes: tuple[int, int]) -> bool:
    """Whether every process gets enough rows and columns."""
    return all(n == 1 or cells // n >= least_part(whole, axis)
               for axis, (n, cells) in enumerate(zip(processes, whole.domain[1:], strict=True)))


def divide(whole: Tile, ranks: int, processes: tuple[int, int] | None, rank: int) -> Tile:
    """The part of a process; without `processes` (in j, in i), in the shape with the smallest halo.

    Raises ValueError with what would work where the domain cannot be divided so.
    """
    possible = shapes(whole, ranks)
    _, ny, nx = whole.domain
    if possible and processes in (None, *possible):
        return whole._replace(processes=processes or possible[0], rank=rank)
    hint = f"Use {' or '.join(f'{pj},{pi}' for pj, pi in possible[:4])}."
    if not possible:
        most = next(n for n in range(ranks, 0, -1) if shapes(whole, n))
        hint = f"Use at most {most} processes." if most > 1 else "Use one process."
    if processes is not None and processes[0] * processes[1] != ranks:
        raise ValueError(f"processes={processes[0]},{processes[1]} are {processes[0] * processes[1]} parts, but there are {ranks} "
                         f"ranks. {hint}")
    if processes is not None:
        raise ValueError(f"processes={processes[0]},{processes[1]} leave {ny // processes[0]} rows and {nx // processes[1]} "
                         f"columns of {ny} x {nx} to a process; it needs at least {least_part(whole, 0)} and "
                         f"{least_part(whole, 1)} where they are split. {hint}")
    raise ValueError(f"{ny} x {nx} columns cannot be divided among {ranks} processes: each needs at least "
                     f"{least_part(whole, 0)} rows and {least_part(whole, 1)} columns where they are split. {hint}")
