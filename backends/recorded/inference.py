"""Regions and halo widths of a recorded step: backwards, from what is wanted of its result to what that is made of."""

from __future__ import annotations

from typing import Any

from dycore.backends.recorded.operations import Box, Operation, TracedArray, Wanted, arrays_of, cells_of
from dycore.fields import Region
from dycore.tiles import HaloWidth, Tile


def regions(statements: list, issued: list[Operation], result: tuple, tile: Tile) -> list[Region]:
    """The regions that the operations `issued` need, in order, for the cells of a result; they take them.

    Raises IndexError where a step reads further than the halo is wide.
    """
    wanted: Wanted = {array: cells_of(tile) for array in arrays_of(result)}
    sought = set(issued)
    for statement in reversed(statements):
        if statement in sought:
            box = statement.wanted_of(wanted)
            if box is None:  # nothing reads what it gives, but backends that compute at once do it all the same
                box = cells_of(tile)
                wanted |= dict.fromkeys(statement.results, box)
            fits(statement, box)
            statement.region = statement.region._replace(j=(box.south, box.north), i=(box.west, box.east))
        statement.trace(wanted, all_reads=True)
    return [operation.region for operation in issued]


def fits(operation: Operation, box: Box) -> None:
    """Raise IndexError where an operation would read beyond the arrays that it is given."""
    _, rows, columns = operation.region.padded
    for array, reads in operation.reads.items():
        if array.shape[-2:] != (rows, columns):  # a table, or constant along an axis
            continue
        missing = max(-(box.south + reads.low), -(box.west + reads.west), box.north + reads.high - rows,
                      box.east + reads.east - columns)
        if missing > 0:
            raise IndexError(f"{operation.name} reads {missing} more cells than the halo of its "
                             "arrays is wide. Read nearer to the point.")


def halo_widths(statements: list, state: tuple, result: tuple) -> dict[TracedArray, HaloWidth]:
    """Halo width to which each array that is exchanged is read, here and in the steps that follow.

    The statements are those of a step from a state to its result; what the next step reads of its state is wanted of the result.
    """
    pairs: list[tuple[Any, Any]] = list(zip(arrays_of(state), arrays_of(result), strict=True))
    wanted: Wanted = {}
    while True:
        boxes, tiles, before = dict(wanted), {}, {}
        for statement in reversed(statements):
            for halo, array in statement.filled():
                tiles[array] = halo.tile
                before[array] = boxes.get(array, cells_of(halo.tile))
            statement.trace(boxes, all_reads=False)
        following = {after: boxes[start].union(wanted.get(after, boxes[start])) for start, after in pairs if start in boxes}
        if following == wanted:
            return {array: box.halo_width(tiles[array]) for array, box in before.items()}
        wanted = following
