"""Recorded steps: rows through the cache in any number, on any number of threads, give what NumPy gives."""


import numpy as np
import pytest
from tall_tile import REGION, TALL, all_round, far_north, far_south, mixed, north, shaken

from dycore.backends.operations import Recorded
from dycore.backends.planner import Planner
from dycore.backends.recording import Recording
from dycore.fields import Field
from dycore.stencils import stencil, where
from dycore.tiles import Halo, Place, Reach


def recorded(n):
    return tuple(Recorded(REGION.padded, np.float64) for _ in range(n))


def operate(noted, function, region, *arguments):
    """(the operation, its first result as a field that later ones can read)."""
    operation = noted.operate(function, None, region, 0, arguments)
    return operation, Field(operation.outputs[0], region.ranges, (0, 0, 0))


def plan(noted, inputs, kept, rows=2, threads=1, mine=()):
    """The planned statements."""
    planner = Planner(rows, threads)
    for array in inputs:
        array.buffer = planner.new_buffer(array.shape, array.dtype)
    return planner.plan(noted.statements, tuple(kept), set(mine))


# Leads, rings, places ----------------------------------------------------------------------------


def test_what_reads_rows_to_the_north_runs_that_many_rows_behind_its_producer():
    noted, (q,) = Recording(), recorded(1)
    first, a = operate(noted, mixed, REGION.grow(north=3), q, q)
    second, b = operate(noted, north, REGION.grow(north=2), a)
    third, c = operate(noted, far_north, REGION, b, a.array)
    plan(noted, (q,), (c.array,))
    assert (third.lead, second.lead, first.lead) == (0, 2, 3)
    assert (third.back, second.back, first.back) == (0, 0, 1)


def test_what_reads_rows_to_the_south_alone_runs_with_its_producer():
    noted, (q,) = Recording(), recorded(1)
    first, a = operate(noted, mixed, REGION.grow(south=2), q, q)
    second, b = operate(noted, far_south, REGION, a)
    plan(noted, (q,), (b.array,))
    assert (first.lead, second.lead) == (0, 0)
    assert first.back == 2


@pytest.mark.parametrize("rows", [1, 2, 4, 8])
def test_a_ring_holds_a_block_and_all_rows_that_are_read_behind_it(rows):
    noted, (q,) = Recording(), recorded(1)
    _, a = operate(noted, mixed, REGION.grow(north=2, south=2), q, q)
    _, b = operate(noted, all_round, REGION, a)
    plan(noted, (q,), (b.array,), rows=rows)
    assert a.array.ring >= rows + 4 and a.array.ring & (a.array.ring - 1) == 0
    assert b.array.ring == 0  # what is kept is a whole array


def test_an_array_is_written_over_where_it_is_read_at_its_own_point_alone():
    for function, threads, over in ((mixed, 1, True), (shaken, 1, False), (mixed, 2, True), (shaken, 2, False)):
        noted, (q, r) = Recording(), recorded(2)
        _, a = operate(noted, function, REGION, r, q)
        plan(noted, (q, r), (a.array, r), threads=threads, mine=(q,))
        assert (a.array.buffer == q.buffer) == over, (function.__name__, threads)


def test_an_array_that_is_needed_later_is_not_written_over():
    noted, (q,) = Recording(), recorded(1)
    _, a = operate(noted, mixed, REGION, q, q)
    _, b = operate(noted, mixed, REGION, q, a)
    plan(noted, (q,), (a.array, b.array), mine=(q,))
    assert a.array.buffer != q.buffer
    assert b.array.buffer == q.buffer


# How far halos are read --------------------------------------------------------------------------


@stencil
def hesitant(k, j, i, q, r):
    """Reads far to the north and the west, and makes nothing of it."""
    _ = q[k, j + 2, i - 3]
    return where(r[k, j, i] > 0.0, q[k, j, i - 1], 0.0 * r[k, j, i])


def test_a_step_says_how_far_it_reads_what_it_exchanges():
    noted, (q, r) = Recording(), recorded(2)
    near = noted.apply(hesitant, REGION.grow(north=1), q, r)
    new = noted.apply(north, REGION, near)
    a, b = noted.exchange((Halo(TALL, Place.CENTER), new), (Halo(TALL, Place.CENTER), noted.apply(mixed, REGION, new, r)))
    found = noted.reaches((q, r), (a, b))
    assert found[a] == Reach(west=1, east=0, south=0, north=1)  # q a step later: one to the west, in one row more
    assert found[b] == Reach(0, 0, 0, 1)


def test_what_histories_read_counts_for_the_field_that_they_once_were():
    noted, (q, before, earlier) = Recording(), recorded(3)
    (new,) = noted.exchange((Halo(TALL, Place.CENTER), noted.apply(far_north, REGION, earlier, q)))
    assert noted.reaches((q, before, earlier), (new, q, before)) == {new: Reach(0, 0, 1, 2)}
