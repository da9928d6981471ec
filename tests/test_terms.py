"""Terms: what is bound, added and multiplied is read like a field, and has the bits of the same expression within one stencil."""

from typing import NamedTuple

import numpy as np
import pytest
from conftest import create

from dycore.backends.compiled.kernels import make_kernel
from dycore.backends.recorded.recording import Recording
from dycore.program import Plan, Program
from dycore.stencils import coefficient_at, stencil
from dycore.terms import Subtracted, Term, Vector, as_term, bound, column_values_at, total, values_at
from dycore.tiles import Boundary, Tile

TILE = Tile((4, 5, 7), Boundary.PERIODIC, Boundary.WALL)
REGION = TILE.region
PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


class Fields(NamedTuple):
    """A volume [k, j, i], a plane [j, i] and a profile [k]."""

    q: np.ndarray
    area: np.ndarray
    thickness: np.ndarray


@stencil
def slope(k, j, i, fields):
    """Difference in x."""
    return fields.q[k, j, i] - fields.q[k, j, i - 1]


@stencil
def mean(k, j, i, q, weight):
    """Mean in y of a field that may be a term."""
    return weight * (q[k, j, i] + q[k, j + 1, i])


@stencil
def inverse(j, i, area):
    """One over a plane."""
    return 1.0 / area[j, i]


@stencil
def in_one(k, j, i, fields, factor, q):
    """What `written` is, as one stencil."""
    return (-slope(k, j, i, fields) - mean(k, j, i, q, 0.3) + factor * slope(k, j, i, fields)
            - (q[k, j, i] + slope(k, j, i, fields)) * inverse(j, i, fields.area) + fields.thickness[k] * (0.7 * q[k, j, i]))


@stencil
def mean_in_one(k, j, i, fields, factor, q):
    """The mean of what `written` is, as one stencil."""
    return 0.5 * (in_one(k, j, i, fields, factor, q) + in_one(k, j + 1, i, fields, factor, q))


@stencil
def scaled(k, j, i, coefficient, q):
    """A coefficient of any extent times a field, at a point and one to the west."""
    return coefficient_at(k, j, i, coefficient) * q[k, j, i] - coefficient_at(k, j, i - 1, coefficient) * q[k, j, i - 1]


@stencil
def sum_below(j, i, term, below):
    """What a sum upwards begins with."""
    return (below[j, i],)


@stencil
def sum_upwards(k, j, i, carried, term, below):
    """The sum of a term up to a level."""
    reached = carried[0] + term[k, j, i]
    return (reached,), (reached,)


def written(fields, factor, q):
    """A sum of every kind of part."""
    return (-bound(slope, fields) - bound(mean, q, 0.3) + factor * bound(slope, fields)
            - (q + bound(slope, fields)) * bound(inverse, fields.area) + fields.thickness * (0.7 * as_term(q)))


@pytest.fixture
def fields(random):
    return Fields(random.standard_normal(REGION.padded), 1.0 + random.random(REGION.padded[1:]), random.random(REGION.padded[0]))


def on_backend(backend, fields, dtype):
    return Fields(*(backend.asarray(field.astype(dtype)) for field in fields))


def cells(field):
    """The values of a field on REGION."""
    return np.asarray(field[REGION.indices()[-field.array.ndim:]])


@PRECISIONS
def test_a_sum_of_terms_has_the_bits_of_the_same_expression_in_one_stencil(backend, fields, dtype):
    mine = on_backend(backend, fields, dtype)
    stored, = backend.apply(values_at, REGION, (written(mine, dtype(0.6), mine.q),))
    expected = backend.apply(in_one, REGION, mine, dtype(0.6), mine.q)
    assert cells(stored).dtype == dtype
    assert (cells(stored) == cells(expected)).all()
    q, area, thickness = fields
    point = REGION.padded[0] // 2, 4, 5
    k, j, i = point
    difference = q[k, j, i] - q[k, j, i - 1]
    by_hand = (-difference - 0.3 * (q[k, j, i] + q[k, j + 1, i]) + 0.6 * difference - (q[k, j, i] + difference) / area[j, i]
               + thickness[k] * 0.7 * q[k, j, i])
    assert cells(stored)[tuple(at - low for at, (low, _) in zip(point, REGION.ranges, strict=True))] == pytest.approx(
        by_hand, rel=50.0 * float(np.finfo(dtype).eps))


@PRECISIONS
def test_a_stencil_reads_a_term_as_it_reads_a_field_at_its_own_and_at_other_points(backend, fields, dtype):
    mine = on_backend(backend, fields, dtype)
    result = backend.apply(mean, REGION, written(mine, dtype(0.6), mine.q), 0.5)
    assert (cells(result) == cells(backend.apply(mean_in_one, REGION, mine, dtype(0.6), mine.q))).all()


@PRECISIONS
def test_a_coefficient_is_a_number_a_profile_a_plane_a_volume_or_a_term(backend, fields, dtype):
    mine, (q, area, thickness) = on_backend(backend, fields, dtype), fields
    kinds = ((dtype(0.3), 0.3), (mine.thickness, thickness[:, None, None]), (mine.area, area), (mine.q, q),
             (bound(slope, mine), q - np.roll(q, 1, axis=-1)), (bound(inverse, mine.area), 1.0 / area), (Term(), 0.0))
    results = backend.apply(values_at, REGION, tuple(bound(scaled, coefficient, mine.q) for coefficient, _ in kinds))
    for result, (_, values) in zip(results, kinds, strict=True):
        product = np.broadcast_to(values, q.shape) * q
        expected = (product - np.roll(product, 1, axis=-1))[tuple(slice(*r) for r in REGION.ranges)]
        assert cells(result).dtype == dtype
        assert np.abs(cells(result) - expected).max() <= 50.0 * np.finfo(dtype).eps


def test_terms_of_columns_are_stored_as_planes(backend, fields):
    mine = on_backend(backend, fields, np.float64)
    stored, = backend.apply(column_values_at, REGION.columns, (2.0 * bound(inverse, mine.area) - mine.area,))
    inner = fields.area[tuple(slice(*r) for r in REGION.columns.ranges)]
    assert np.allclose(cells(stored), 2.0 / inner - inner, rtol=1e-15, atol=1e-15)


def test_a_sweep_reads_terms(backend, fields):
    mine = on_backend(backend, fields, np.float64)
    (last,), (sums,) = backend.sweep(sum_upwards, sum_below, REGION, 1, 0.5 * bound(slope, mine), bound(inverse, mine.area))
    difference = (fields.q - np.roll(fields.q, 1, axis=-1))[tuple(slice(*r) for r in REGION.ranges)]
    below = 1.0 / fields.area[tuple(slice(*r) for r in REGION.columns.ranges)]
    assert np.allclose(cells(sums), below + np.cumsum(0.5 * difference, axis=0), rtol=1e-13, atol=1e-13)
    assert (cells(last) == cells(sums)[-1]).all()


def test_a_factor_known_only_while_jax_runs_is_an_argument_of_its_program(fields):
    jax = pytest.importorskip("jax")
    backend = create("jax")
    backend.use_precision(np.dtype(float))
    mine = on_backend(backend, fields, float)

    def largest(factor):
        return cells_of_jax(backend.apply(values_at, REGION, (factor * bound(slope, mine) - mine.q,))[0]).sum()

    def cells_of_jax(field):
        return field[REGION.indices()]

    q = fields.q[tuple(slice(*r) for r in REGION.ranges)]
    difference = (fields.q - np.roll(fields.q, 1, axis=-1))[tuple(slice(*r) for r in REGION.ranges)]
    compiled = jax.jit(jax.value_and_grad(largest))
    for factor in (0.0, 3.0):
        value, derivative = compiled(factor)
        assert value == pytest.approx((factor * difference - q).sum(), rel=1e-12)
        assert derivative == pytest.approx(difference.sum(), rel=1e-12)


def test_a_sum_is_a_flat_list_in_the_order_in_which_it_is_written(fields):
    a, b = bound(slope, fields), bound(mean, fields.q, 1.0)
    assert repr(a - b + 0.5 * a - fields.q) == "slope - mean + 0.5 * slope - a field"
    assert len((a - b + 0.5 * a - fields.q).parts) == 4
    assert repr(a - (b + 2 * a)) == "slope - (mean + 2.0 * slope)"
    assert repr(3.0 - a) == "3.0 - slope" and repr(-(a - b) * b) == "- (slope - mean) * mean"
    assert repr(fields.q * a) == "a field * slope" and repr(np.float64(2.0) * a) == "2.0 * slope"
    assert repr(0.5 * (0.1 * a)) == "0.5 * (0.1 * slope)" and repr(a * b * b) == "slope * mean * mean"


def test_what_is_zero_costs_nothing(fields):
    a = bound(slope, fields)
    zero = total(())
    assert zero == Term() and zero[1, 1, 1] == 0.0 and zero[1, 1] == 0.0
    for same in (a + zero, zero + a, a + 0, 0 + a, a - zero, total([a]), total([zero, a]), sum([a]), 1.0 * a, a + 0.0 * a):
        assert same.parts is a.parts or same == a
    (part,) = (zero - a).parts
    assert isinstance(part, Subtracted) and not (0.0 * a).parts and not (-zero).parts
    assert repr(total(iter([a, a, fields.q]))) == "slope + slope + a field"


def test_vectors_add_by_component(fields):
    a, b = bound(slope, fields), bound(mean, fields.q, 1.0)
    vector = Vector(a, fields.q)
    assert repr(tuple(vector - 0.5 * Vector(b, a) + total(()))) == "(slope - 0.5 * mean, a field - 0.5 * slope)"
    assert repr(tuple(total([vector, -vector], Vector()))) == "(slope - slope, a field - a field)"
    assert repr(tuple(0.0 - vector)) == "(- slope, - a field)" and tuple(total((), Vector())) == (Term(), Term())
    with pytest.raises(TypeError, match=r"slope is no vector.*Vector\(u, v\)"):
        vector + a


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda f: bound(inverse, f.area)[1, 1, 1], IndexError, r"The term inverse is one of columns \[j, i\] but is read with 3 ind"),
    (lambda f: (bound(slope, f) + 1.0)[1, 1], IndexError, r"The term slope \+ 1.0 is one of cells \[k, j, i\] but is read with 2"),
    (lambda f: bound(mean, f.q), TypeError, r"Stencil mean takes 2 arguments after the point \(q, weight\) but is bound to 1"),
    (lambda f: bound(lambda k, j, i: 0.0), TypeError, "'<lambda>' is not a stencil"),
    (lambda f: bound(slope, f) + "q", TypeError, "unsupported operand"),
    (lambda f: total(["q"]), TypeError, "unsupported operand"),
])
def test_what_makes_no_sense_is_refused_in_a_sentence(fields, make, error, message):
    with pytest.raises(error, match=message):
        make(fields)


def recorded(step, fields):
    """(regions of the operations of a step, found from a recording of it; the program that recorded it)."""
    recording = Recording()
    on = Program(recording, TILE)
    result = step(on, Fields(*map(recording.placeholder, fields)))
    return recording.regions(on.issued, result, TILE), on


def two_passes(on, fields):
    """A term that is stored, and a term of a stencil that reads it at another row, and another at another column."""
    stored = on.store(bound(slope, fields) * 2.0)
    plane = on.store(bound(inverse, fields.area))
    outer = bound(scaled, bound(mean, stored, 0.5) + fields.q, fields.q)  # reads j to j + 1 and i - 1 to i of what is stored
    return (on.store(outer * plane),)


def test_regions_follow_from_what_is_read_through_terms(numpy_backend, fields):
    (inner, plane, outer), _ = recorded(two_passes, fields)
    (south, north), (west, east) = REGION.j, REGION.i
    assert (inner.j, inner.i) == ((south, north + 1), (west - 1, east))
    assert (plane.j, plane.i, plane.k) == (REGION.j, REGION.i, None)
    assert outer == REGION
    result, = two_passes(Program(numpy_backend, TILE, Plan([inner, plane, outer], [])), fields)
    twice = 2.0 * (fields.q - np.roll(fields.q, 1, axis=-1))
    averaged = 0.5 * (twice + np.roll(twice, -1, axis=-2)) + fields.q
    product = averaged * fields.q
    expected = (product - np.roll(product, 1, axis=-1)) / fields.area
    assert np.allclose(cells(result), expected[tuple(slice(*r) for r in REGION.ranges)], rtol=1e-12, atol=1e-14)


def test_store_makes_arrays_of_many_terms_in_one_pass_and_none_of_zero(fields):
    _, on = recorded(lambda on, f: (on.store(bound(slope, f), Vector(f.q * bound(slope, f), as_term(f.q)))[0],), fields)
    assert [len(operation.outputs) for operation in on.issued] == [3]
    _, on = recorded(lambda on, f: (on.store(Vector(bound(slope, f), total(()))).u,), fields)
    assert [len(operation.outputs) for operation in on.issued] == [1]
    on = Program(Recording(), TILE)
    assert on.store(total(())) == Term() and on.issued == []


def test_store_refuses_cells_and_columns_together_and_numbers_alone(fields):
    on = Program(Recording(), TILE)
    with pytest.raises(ValueError, match=r"cells \[k, j, i\] and of columns \[j, i\] are stored together: slope; inverse"):
        on.store(bound(slope, fields), bound(inverse, fields.area))
    with pytest.raises(ValueError, match=r"only numbers: 2\.0"):
        on.store(total([2.0]))


def test_a_read_past_the_halo_names_the_stencil_within_the_term(numpy_backend, fields):
    far = bound(mean, bound(slope, fields), 1.0)
    with pytest.raises(IndexError, match=r"Stencil values_at of the terms mean, slope: slope.fields.q is read at i = -1"):
        numpy_backend.apply(values_at, REGION.grow(west=3), (far,))
    with pytest.raises(TypeError, match=r"of the terms slope: .*float32 meets float64|of the terms slope: .*float64 meets float32"):
        numpy_backend.apply(values_at, REGION, (fields.q.astype("f4") * bound(slope, fields),))


def test_terms_of_one_form_share_a_kernel_and_others_do_not(fields):
    pytest.importorskip("numba")
    recording, compilers = Recording(), {}

    def kernel(make):
        placeholders = Fields(*map(recording.placeholder, fields))
        recording.apply(mean, REGION, make(placeholders), 0.5)
        return make_kernel(compilers, recording.statements[-1]).digest

    def of(f):
        return 0.1 * bound(slope, f) - f.q

    assert kernel(of) == kernel(lambda f: 0.7 * bound(slope, f) - f.q)
    others = [of, lambda f: 0.1 * bound(slope, f) + f.q, lambda f: f.q - 0.1 * bound(slope, f), lambda f: as_term(f.q),
              lambda f: 0.1 * bound(mean, f.q, 1.0) - f.q]
    assert len(set(map(kernel, others))) == len(others)
