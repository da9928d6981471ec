"""Compiled steps: the same bits for any blocks, threads and grids, and nothing read that was not written."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from conftest import create
from tall_tile import REGION, TALL, all_round, far_north, far_south, mixed, north, shaken

from dycore import Model, cases
from dycore.backends import on_numba, on_numpy
from dycore.backends.compiled import buffers, writer
from dycore.backends.compiled import program as compiled_program
from dycore.backends.compiled.calls import call_at
from dycore.backends.recorded import recording
from dycore.grid import interior
from dycore.state import map_state
from dycore.stencils import stencil
from dycore.tiles import HALO_LEVELS, Boundary, Halo, Place, Tile


@stencil
def both(k, j, i, q):
    """Two values."""
    return 0.5 * q[k, j, i], q[k, j, i] - q[k, j, i - 1]


def fields(random, n):
    return tuple(random.standard_normal(REGION.padded) for _ in range(n))


def cells(array):
    return np.asarray(array)[tuple(slice(*r) for r in REGION.ranges)]


# Compiled programs -------------------------------------------------------------------------------


def chained(backend):
    """A step of a chain of stencils that reach up to two rows either way, and of a halo at its end."""

    def step(_, state):
        q, r, old = state
        a = backend.apply(all_round, REGION.grow(north=1, south=1), q)
        b = backend.apply(north, REGION.grow(south=1), a)
        c, d = backend.apply(both, REGION.grow(north=2, south=2), r)
        e = backend.apply(far_north, REGION, c, b)
        f = backend.apply(far_south, REGION, d)
        new = backend.apply(mixed, REGION, e, f)
        other = backend.apply(shaken, REGION, old, r)
        (new, other) = backend.exchange((Halo(TALL, Place.CENTER), new), (Halo(TALL, Place.SOUTH_FACE), other))
        return new, other, q

    return step


def assert_numba_gives_what_numpy_gives(step_on, state, n, numpy_backend):
    """n steps of `step_on(backend)` from a state, the same under both to the bit; returns them."""
    backend = create("numba")
    expected = numpy_backend.loop(step_on(numpy_backend))((), state, n)
    result = backend.loop(step_on(backend))((), state, n)
    for one, other in zip(result, expected, strict=True):
        assert (cells(one) == cells(other)).all()
    return expected


@pytest.mark.parametrize("rows", [1, 2, 8, 256])
def test_blocks_of_any_height_give_bit_for_bit_what_numpy_gives(random, numpy_backend, monkeypatch, rows):
    monkeypatch.setattr(compiled_program, "ROWS", rows)
    state = fields(random, 3)
    expected = assert_numba_gives_what_numpy_gives(chained, state, 5, numpy_backend)
    assert np.abs(cells(expected[0])).max() > 1e-3


def rounds(backend):
    """A step that is a loop of the program: two fields carried and exchanged, one that only the loop reads."""

    def step(_, state):
        q, r = state
        push = backend.apply(mixed, REGION, q, r)

        def body(m, carried):
            q, r, total = carried
            q = backend.apply(shaken, REGION, push, r)
            (q,) = backend.exchange((Halo(TALL, Place.CENTER), q))
            new = backend.apply(shaken, REGION, r, q)
            (r,) = backend.exchange((Halo(TALL, Place.SOUTH_FACE), new))
            total = backend.apply(mixed, REGION, total, r)
            return q, r, backend.whole(TALL, total).array

        q, r, total = backend.iterate(body, (q, r, backend.zeros_like(q)), 4)
        (total,) = backend.exchange((Halo(TALL, Place.CENTER), total))
        return total, r

    return step


def test_a_loop_whose_carried_fields_are_exchanged_gives_what_numpy_gives(random, numpy_backend):
    state = fields(random, 2)
    assert_numba_gives_what_numpy_gives(rounds, state, 3, numpy_backend)


def test_a_loop_may_hand_on_its_fields_in_another_order(random, numpy_backend):
    def step_on(backend):
        def step(_, state):
            return backend.iterate(lambda m, carried: (carried[1], carried[2], carried[0]), state, 4)

        return step

    state = fields(random, 3)
    assert_numba_gives_what_numpy_gives(step_on, state, 1, numpy_backend)


def test_what_a_group_reads_of_a_field_is_not_yet_what_its_halo_is_filled_with(random, numpy_backend):
    walls = Tile((2, 37, 5), Boundary.WALL, Boundary.WALL)

    def step_on(backend):
        def step(_, state):
            a = backend.apply(mixed, REGION, *state)
            b = backend.apply(mixed, REGION, a, state[0])
            a, b = backend.exchange((Halo(walls, Place.WEST_FACE), a), (Halo(walls, Place.CENTER), b))
            return b, a

        return step

    state = fields(random, 2)
    assert_numba_gives_what_numpy_gives(step_on, state, 2, numpy_backend)


def test_the_given_fields_stay_and_two_results_share_no_memory(random):
    backend = create("numba")
    steps = backend.loop(chained(backend))
    state = fields(random, 3)
    copies = tuple(field.copy() for field in state)
    first = steps((), state, 3)
    kept = tuple(np.array(field) for field in first)
    second = steps((), state, 3)
    third = steps((), first, 2)
    assert all((field == copy).all() for field, copy in zip(state, copies, strict=True))
    assert all((cells(field) == cells(copy)).all() for field, copy in zip(first, kept, strict=True))
    assert all((cells(field) == cells(copy)).all() for field, copy in zip(second, kept, strict=True))
    results = [*state, *first, *second, *third]
    for n, one in enumerate(results):
        assert not any(np.shares_memory(one, other) for other in results[n + 1:])


def test_what_a_state_holds_in_its_halo_levels_has_no_weight(random, numpy_backend):
    grid, parameters, state = cases.baroclinic_wave(cells=(4, 12, 16))
    region = tuple(slice(*r) for r in grid.tile.region.ranges)

    def dirty(array):
        array = np.array(array)
        if array.ndim == 3:
            array[:HALO_LEVELS] = random.random(array[:HALO_LEVELS].shape)
            array[-HALO_LEVELS:] = random.random(array[-HALO_LEVELS:].shape)
        return array

    expected = leaves(Model(grid, parameters, numpy_backend).steps(state, 3))
    for backend in (numpy_backend, create("numba")):
        model = Model(grid, parameters, backend)
        for _ in range(3):  # nor has what this leaves behind
            everywhere = grid.tile.region.with_halo._replace(k=(0, grid.tile.region.padded[0]))
            backend.apply(mixed, everywhere, dirty(state.u), dirty(state.v))
        for one, two in zip(expected, leaves(model.steps(map_state(dirty, state)._replace(w=state.w), 3)), strict=True):
            at = region[-np.ndim(one):]
            assert np.abs(np.asarray(one)[at] - np.asarray(two)[at]).max() <= 1e-12 * np.abs(one).max(), backend.name


# Threads -----------------------------------------------------------------------------------------

THREADS = pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")


@pytest.fixture
def one_thread_afterwards():
    """Numba's number of threads is one for the whole process."""
    yield
    numba.set_num_threads(1)


@THREADS
@pytest.mark.parametrize("rows, step_on, n", [(1, chained, 3), (256, rounds, 2)])  # many blocks; one, so that a thread has none
def test_two_threads_give_bit_for_bit_what_one_gives(random, monkeypatch, one_thread_afterwards, rows, step_on, n):
    monkeypatch.setattr(compiled_program, "ROWS", rows)
    state, results = fields(random, n), []
    for threads in (1, 2):
        backend = on_numba.create(threads)
        results.append(backend.loop(step_on(backend))((), state, 5))
    for one, other in zip(*results, strict=True):
        assert (cells(one) == cells(other)).all()


CASES = {"baroclinic_channel": ((4, 12, 16), {"time_step": 2000.0}), "baroclinic_wave": ((4, 12, 16), {}),
         "barotropic_gyre": ((1, 12, 16), {}), "steady_zonal_flow": ((1, 12, 16), {"angle": 45.0})}


@THREADS
@pytest.mark.parametrize("name", ["barotropic_gyre", "baroclinic_wave"])  # substeps; columns and filtered rows
def test_two_threads_give_bit_for_bit_the_states_that_one_gives(one_thread_afterwards, name):
    shape, options = CASES[name]
    grid, parameters, state = cases.CASES[name](cells=shape, **options)
    results = [Model(grid, parameters, on_numba.create(threads)).steps(state, 5) for threads in (1, 2)]
    region = tuple(slice(*r) for r in grid.tile.region.ranges)
    for one, other in zip(*(leaves(result) for result in results), strict=True):
        at = region[-np.ndim(one):]
        assert (np.asarray(one)[at] == np.asarray(other)[at]).all()


def leaves(state):
    """All arrays of a state."""
    return [leaf for leaf in recording.leaves_of(tuple(state)) if np.ndim(leaf)]


@pytest.mark.parametrize("name", ["baroclinic_channel", "baroclinic_wave", "steady_zonal_flow"])
def test_grids_of_all_sizes_share_their_programs(monkeypatch, name):
    """Compiled programs are kept on disk under their source: it must not depend on the grid, nor on chance."""
    def sources(cells):
        written = []
        build = writer.build
        monkeypatch.setattr(writer, "build", lambda source, *rest, **more: written.append(source) or build(source, *rest, **more))
        grid, parameters, state = cases.CASES[name](cells=cells)
        model = Model(grid, parameters, on_numba.create())
        traced = compiled_program.traced_step(model.backend, model._step, model.numbers, state)
        compiled_program.Program(model.backend, traced, model.numbers, state)
        monkeypatch.setattr(writer, "build", build)
        return written

    nz = 1 if name == "steady_zonal_flow" else 4
    assert sources((nz, 12, 16)) == sources((nz, 18, 40)) != []


def test_a_kernel_is_called_with_arguments_of_other_types_than_its_own_by_no_program():
    kinds = numba.types.Tuple((numba.types.int64, numba.types.float64))

    @numba.njit
    def program(address):
        call_at(address, (1, 2), kinds)

    with pytest.raises(numba.TypingError, match=r"A kernel for Tuple\(int64, float64\) is called with UniTuple\(int64 x 2\)"):
        program(0)


def test_a_compiled_step_reads_nothing_that_it_has_not_written(monkeypatch):
    """With arrays that begin as NaN, but for the halo levels, a sphere with poles and a channel come out as they do under NumPy."""
    made = buffers.aligned

    def not_numbers(shape, dtype, number, copies=1):
        array = made(shape, dtype, number, copies)
        if array.dtype.kind == "f" and array.ndim > 1 and copies == 1:
            array[(slice(None), slice(HALO_LEVELS, -HALO_LEVELS)) if array.ndim == 3 else ...] = np.nan
        return array

    monkeypatch.setattr(buffers, "aligned", not_numbers)
    for case in (cases.baroclinic_wave, cases.baroclinic_channel):
        grid, parameters, state = case((4, 14, 22))
        ours, reference = (Model(grid, parameters, backend.create()).steps(state, 6) for backend in (on_numba, on_numpy))
        for name in ("u", "v", "w", "surface"):
            assert (interior(np.asarray(getattr(ours, name))) == interior(getattr(reference, name))).all(), name


def test_rows_that_end_within_a_vector_have_the_bits_of_numpy():
    """Loops go on to the end of a vector where arrays have room: nobody reads what they leave there."""
    for columns in (5, 9, 16, 18):
        grid, parameters, state = cases.baroclinic_channel((3, 6, columns))
        ours, reference = (Model(grid, parameters, backend.create()).steps(state, 3) for backend in (on_numba, on_numpy))
        for one, other in zip(leaves(ours), leaves(reference), strict=True):
            assert (interior(np.asarray(one)) == interior(other)).all(), columns


APART = """
import sys
import numpy as np
from dycore.backends import on_numba
from dycore.stencils import stencil
from dycore.tiles import Boundary, Tile

@stencil
def doubled(k, j, i, q):
    return 2.0 * q[k, j, i]

@stencil
def tripled(k, j, i, q):
    return 3.0 * q[k, j, i]

tile, backend = Tile((2, 4, 5), Boundary.PERIODIC, Boundary.WALL), on_numba.create()
for name in sys.argv[1:]:
    print(backend.apply({"doubled": doubled, "tripled": tripled}[name], tile.region, np.ones(tile.region.padded)).array.max())
"""


def test_what_several_processes_compiled_is_told_apart(tmp_path):
    """A kernel and a program from either process, the first that each compiles; a third reads all of them from the disk."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    said = [subprocess.check_output([sys.executable, "-c", APART, *names], text=True, env=environment) for names in (
        ["doubled"], ["tripled"], ["doubled", "tripled"], ["tripled", "doubled"])]
    assert said == ["2.0\n", "3.0\n", "2.0\n3.0\n", "3.0\n2.0\n"]
