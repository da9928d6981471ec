"""Recorded steps: rows through the cache in any number, on any number of threads, give what NumPy gives."""


import numpy as np
import pytest
from tall_tile import REGION, TALL, all_round, far_north, far_south, mixed, north, shaken

from dycore.backends.compiled.planner import Planner
from dycore.backends.recorded.operations import TracedArray
from dycore.backends.recorded.recording import Recording
from dycore.fields import Field
from dycore.stencils import stencil, where
from dycore.tiles import Halo, HaloWidth, Place


def recorded(n):
    return tuple(TracedArray(REGION.padded, np.float64) for _ in range(n))


def operate(recording, function, region, *arguments):
    """(the operation, its first result as a field that later ones can read)."""
    operation = recording.operate(function, None, region, 0, arguments)
    return operation, Field(operation.outputs[0], region.ranges, (0, 0, 0))


def plan(recording, inputs, kept, rows=2, threads=1, mine=()):
    """The planned statements."""
    planner = Planner(rows, threads)
    for array in inputs:
        array.buffer = planner.new_buffer(array.shape, array.dtype)
    return planner.plan(recording.statements, tuple(kept), set(mine))


# Lookahead, rolling buffers, places ----------------------------------------------------------------------------


def test_what_reads_rows_to_the_north_runs_that_many_rows_behind_its_producer():
    recording, (q,) = Recording(), recorded(1)
    first, a = operate(recording, mixed, REGION.grow(north=3), q, q)
    second, b = operate(recording, north, REGION.grow(north=2), a)
    third, c = operate(recording, far_north, REGION, b, a.array)
    plan(recording, (q,), (c.array,))
    assert (third.lookahead, second.lookahead, first.lookahead) == (0, 2, 3)
    assert (third.lookbehind, second.lookbehind, first.lookbehind) == (0, 0, 1)


def test_what_reads_rows_to_the_south_alone_runs_with_its_producer():
    recording, (q,) = Recording(), recorded(1)
    first, a = operate(recording, mixed, REGION.grow(south=2), q, q)
    second, b = operate(recording, far_south, REGION, a)
    plan(recording, (q,), (b.array,))
    assert (first.lookahead, second.lookahead) == (0, 0)
    assert first.lookbehind == 2


@pytest.mark.parametrize("rows", [1, 2, 4, 8])
def test_a_rolling_buffer_holds_a_block_and_all_rows_that_are_read_behind_it(rows):
    recording, (q,) = Recording(), recorded(1)
    _, a = operate(recording, mixed, REGION.grow(north=2, south=2), q, q)
    _, b = operate(recording, all_round, REGION, a)
    plan(recording, (q,), (b.array,), rows=rows)
    assert a.array.rolling_rows >= rows + 4 and a.array.rolling_rows & (a.array.rolling_rows - 1) == 0
    assert b.array.rolling_rows == 0  # what is kept is a whole array


def test_an_array_is_written_over_where_it_is_read_at_its_own_point_alone():
    for function, threads, over in ((mixed, 1, True), (shaken, 1, False), (mixed, 2, True), (shaken, 2, False)):
        recording, (q, r) = Recording(), recorded(2)
        _, a = operate(recording, function, REGION, r, q)
        plan(recording, (q, r), (a.array, r), threads=threads, mine=(q,))
        assert (a.array.buffer == q.buffer) == over, (function.__name__, threads)


def test_an_array_that_is_needed_later_is_not_written_over():
    recording, (q,) = Recording(), recorded(1)
    _, a = operate(recording, mixed, REGION, q, q)
    _, b = operate(recording, mixed, REGION, q, a)
    plan(recording, (q,), (a.array, b.array), mine=(q,))
    assert a.array.buffer != q.buffer
    assert b.array.buffer == q.buffer


# How far halos are read --------------------------------------------------------------------------


@stencil
def hesitant(k, j, i, q, r):
    """Reads far to the north and the west, and makes nothing of it."""
    _ = q[k, j + 2, i - 3]
    return where(r[k, j, i] > 0.0, q[k, j, i - 1], 0.0 * r[k, j, i])


def test_a_step_says_how_far_it_reads_what_it_exchanges():
    recording, (q, r) = Recording(), recorded(2)
    near = recording.apply(hesitant, REGION.grow(north=1), q, r)
    new = recording.apply(north, REGION, near)
    a, b = recording.exchange((Halo(TALL, Place.CENTER), new), (Halo(TALL, Place.CENTER), recording.apply(mixed, REGION, new, r)))
    found = recording.halo_widths((q, r), (a, b))
    assert found[a] == HaloWidth(west=1, east=0, south=0, north=1)  # q a step later: one to the west, in one row more
    assert found[b] == HaloWidth(0, 0, 0, 1)


def test_what_histories_read_counts_for_the_field_that_they_once_were():
    recording, (q, before, earlier) = Recording(), recorded(3)
    (new,) = recording.exchange((Halo(TALL, Place.CENTER), recording.apply(far_north, REGION, earlier, q)))
    assert recording.halo_widths((q, before, earlier), (new, q, before)) == {new: HaloWidth(0, 0, 1, 2)}
