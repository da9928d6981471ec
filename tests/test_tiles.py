"""Dividing a domain: every cell belongs to one process, and every halo cell comes from the process that keeps it."""

from itertools import product

import numpy as np
import pytest

from dycore.backends.messages import plan
from dycore.decomposition import divide, shapes
from dycore.halo_sources import copies_x, copies_y, fill_halo, pieces
from dycore.tiles import HALO, Boundary, Halo, HaloWidth, Place, Tile, part_of

DOMAIN = (2, 26, 22)
BOUNDARIES = [(Boundary.PERIODIC, Boundary.WALL), (Boundary.WALL, Boundary.WALL), (Boundary.PERIODIC, Boundary.PERIODIC),
              (Boundary.WALL, Boundary.PERIODIC), (Boundary.PERIODIC, Boundary.POLE), (Boundary.PERIODIC, Boundary.FOLD)]
SHAPES = [(1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2), (4, 3), (1, 6), (6, 1), (5, 7)]


def parts(whole, processes):
    return [whole._replace(processes=processes, rank=rank) for rank in range(processes[0] * processes[1])]


@pytest.mark.parametrize("processes", SHAPES, ids=str)
def test_every_cell_belongs_to_one_process_and_parts_are_even(processes):
    kept = np.zeros(DOMAIN[1:], int)
    sizes = []
    for tile in parts(Tile(DOMAIN, *BOUNDARIES[0]), processes):
        kept[slice(*tile.rows), slice(*tile.columns)] += 1
        sizes.append(tile.cells[1:])
    assert (kept == 1).all()
    assert (np.ptp(sizes, axis=0) <= 1).all()


@pytest.mark.parametrize("x, y", BOUNDARIES, ids=str)
def test_halos_filled_from_other_processes_are_those_of_a_single_one(x, y, random):
    """As far as they are wanted, and no further."""
    whole = Tile(DOMAIN, x, y)
    for processes, place, width in product(SHAPES, Place, (None, HaloWidth(0, 1, 1, 2), HaloWidth(3, 2, 0, 0))):
        field = np.zeros(whole.region.padded[1:])
        field[HALO:-HALO, HALO:-HALO] = random.standard_normal(DOMAIN[1:])
        fill_halo(whole, place, field)
        for halo, array in filled_parts([Halo(tile, place, width) for tile in parts(whole, processes)], field):
            wanted = tuple(slice(*bounds) for bounds in halo.bounds)
            assert (array[wanted] == part_of(field, halo.tile)[wanted]).all(), halo
            for piece in pieces(halo):
                for cut, bounds, split in zip(piece.target, halo.bounds, halo.tile.split, strict=True):
                    assert not split or bounds[0] <= cut.start < cut.stop <= bounds[1], halo


def filled_parts(halos, field):
    """(halo, array) of every process: its part of a field, whose halo is filled from those of the others."""
    arrays = []
    for halo in halos:
        array = np.full(halo.tile.region.padded[1:], np.nan)
        array[HALO:-HALO, HALO:-HALO] = part_of(field, halo.tile)[HALO:-HALO, HALO:-HALO]
        arrays.append(array)
    for halo, array in zip(halos, arrays, strict=True):
        carry_out(copies_y(halo), array)
    for halo, array in zip(halos, arrays, strict=True):
        for target, rank, source, sign in pieces(halo):
            array[target] = 0.0 if source is None else sign * arrays[rank][source]
    for halo, array in zip(halos, arrays, strict=True):
        carry_out(copies_x(halo), array)
    return zip(halos, arrays, strict=True)


def carry_out(copies, array):
    for target, source, sign in copies:
        array[target] = 0.0 if source is None else sign * array[source]


@pytest.mark.parametrize("x, y", BOUNDARIES[:4], ids=str)
@pytest.mark.parametrize("halo", [4, 5])
def test_a_wide_halo_holds_what_its_owners_hold(x, y, halo, random):
    values = random.standard_normal(DOMAIN[1:])
    for tile in parts(Tile(DOMAIN, x, y), (3, 2)):
        tile = tile._replace(halo=(halo, halo))
        for target, rank, source, sign in pieces(Halo(tile, Place.CENTER)):
            owner = tile._replace(rank=rank)
            rows, columns = (np.arange(start - halo, stop + halo) for start, stop in (owner.rows, owner.columns))
            there = values[rows[source[0]][:, None], columns[source[1]]]
            mine = [np.arange(start - halo, stop + halo)[cut]
                    for (start, stop), cut in zip((tile.rows, tile.columns), target, strict=True)]
            for index, n, boundary in zip(mine, DOMAIN[1:], (y, x), strict=True):
                index[...] = index % n if boundary is Boundary.PERIODIC else np.where(index < 0, -1 - index, np.where(
                    index >= n, 2 * n - 1 - index, index))
            assert sign == 1.0 and (there == values[mine[0][:, None], mine[1]]).all()


@pytest.mark.parametrize("x, y", BOUNDARIES, ids=str)
def test_who_sends_to_a_process_receives_from_it_and_both_know_how_much(x, y):
    def fields(tile):
        some = Halo(tile, Place.SOUTH_FACE, HaloWidth(1, 0, 0, 2))
        return (Halo(tile, Place.WEST_FACE), 3), (some, 3), (Halo(tile, Place.CENTER), 2)

    for processes in SHAPES[1:]:
        told = {(tile.rank, message.rank): [sum(strip.size for strip in strips) for strips in (message.outgoing, message.incoming)]
                for tile in parts(Tile(DOMAIN, x, y), processes) for message in plan(fields(tile)).messages}
        assert told, processes
        for (here, there), (outgoing, incoming) in told.items():
            assert told[there, here] == [incoming, outgoing], (processes, here, there)


def test_pairs_of_processes_meet_in_the_same_rounds():
    """Else a send that waits for its partner, as within JAX, could wait for ever."""
    tiles = parts(Tile(DOMAIN, Boundary.PERIODIC, Boundary.POLE), (4, 3))
    waiting = {tile.rank: [message.rank for message in plan(((Halo(tile, Place.CENTER), 2),)).messages] for tile in tiles}
    while any(waiting.values()):
        met = [(one, others[0]) for one, others in waiting.items() if others and waiting[others[0]][:1] == [one]]
        assert met, f"all wait: {waiting}"
        for one, _ in met:
            waiting[one].pop(0)


def test_the_shape_with_the_smallest_halo_is_chosen():
    square = Tile((1, 64, 64), Boundary.PERIODIC, Boundary.PERIODIC)
    assert divide(square, 2, None, 0).processes == (2, 1)  # rows are contiguous in memory
    assert divide(square, 16, None, 0).processes == (4, 4)
    assert divide(Tile((1, 8, 512), Boundary.PERIODIC, Boundary.WALL), 8, None, 0).processes == (1, 8)
    assert shapes(square, 64)[0] == (8, 8)


def test_a_domain_that_is_too_small_for_its_processes_is_refused_with_what_would_work():
    small = Tile((1, 8, 8), Boundary.PERIODIC, Boundary.POLE)
    with pytest.raises(ValueError, match=r"8 x 8 columns cannot be divided among 7 processes.*Use at most 4 processes\."):
        divide(small, 7, None, 0)
    with pytest.raises(ValueError, match=r"processes=4,1 leave 2 rows and 8 columns.*at least 4 and 3 where they are split. Use"):
        divide(small, 4, (4, 1), 0)
