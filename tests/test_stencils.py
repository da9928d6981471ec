"""The language: one source for numbers and for ranges, and a sentence for what it refuses."""

import math

import numpy as np
import pytest
from conftest import create

from dycore import Model, cases
from dycore.abstract import check
from dycore.fields import Index, Region
from dycore.stencils import absolute, maximum, minimum, power, stencil, where
from dycore.tiles import Boundary, Tile

TILE = Tile((4, 5, 7), Boundary.PERIODIC, Boundary.WALL)
REGION = TILE.region


@stencil
def curvature(k, j, i, q, area, thickness):
    """Second difference in x, with a field, a column field and a profile."""
    return (q[k, j, i - 1] - 2.0 * q[k, j, i] + q[k, j, i + 1]) / area[j, i] * thickness[k]


@stencil
def clipped(k, j, i, q):
    """Every function of the language."""
    return where(q[k, j, i] > 0.0, maximum(q[k, j, i], 0.5), minimum(absolute(q[k, j, i]), 0.25))


@stencil
def root(k, j, i, q, exponent):
    """A power."""
    return power(q[k, j, i], exponent)


@stencil
def above_level(k, j, i, q, level):
    """Where a level is at least one that is the same everywhere."""
    return where(k >= level, q[k, j, i], -1.0)


@stencil
def levels_above(k, j, i, q, floor):
    """A comparison of the level itself."""
    return where(k >= floor[j, i], q[k, j, i], -1.0)


@stencil
def far_west(k, j, i, q):
    """Reads one cell more than the halo is wide."""
    return q[k, j, i - 4]


@stencil
def two_indices(k, j, i, q):
    """Reads a 3-D field as if it had no levels."""
    return q[j, i]


@stencil
def product(k, j, i, q, r):
    """Two fields in one expression."""
    return q[k, j, i] * r[k, j, i]


@stencil
def sum_and_difference(k, j, i, q, r):
    """Two values."""
    return q[k, j, i] + r[k, j, i], q[k, j, i] - r[k, j, i]


@stencil
def start_at(j, i, q):
    """A running sum starts at zero."""
    return (0.0,)


@stencil
def running_sum(k, j, i, carried, q):
    """The sum of all levels up to this one."""
    total = carried[0] + q[k, j, i]
    return (total,), (total,)


def fields(random, dtype=np.float64):
    q = random.standard_normal(REGION.padded).astype(dtype)
    area = (1.0 + random.random(REGION.padded[1:])).astype(dtype)
    return q, area, (1.0 + random.random(REGION.padded[0])).astype(dtype)


def cells(backend, field):
    """The values of a field on REGION."""
    return np.asarray(field[REGION.indices()[-field.array.ndim:]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_and_ranges_give_the_same(backend, random, dtype):
    arguments = fields(random, dtype)
    result = cells(backend, backend.apply(curvature, REGION, *map(backend.asarray, arguments)))
    assert result.dtype == dtype
    # a compiler may contract or reorder three operations: four units in the last place of the largest term
    points = [[[curvature(k, j, i, *arguments) for i in range(*REGION.i)] for j in range(*REGION.j)]
              for k in range(*REGION.k)]
    assert np.abs(result - points).max() <= 16.0 * np.finfo(dtype).eps * np.abs(result).max()


def test_where_maximum_and_minimum_choose_exactly(backend, random):
    q, _, _ = fields(random)
    result = cells(backend, backend.apply(clipped, REGION, backend.asarray(q)))
    inner = q[tuple(slice(*r) for r in REGION.ranges)]
    assert (result == np.where(inner > 0.0, np.maximum(inner, 0.5), np.minimum(np.abs(inner), 0.25))).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_power_is_that_of_the_c_library(backend, random, dtype):
    q = np.abs(fields(random, dtype)[0])
    result = cells(backend, backend.apply(root, REGION, backend.asarray(q), 2.0 / 7.0))
    inner = q[tuple(slice(*r) for r in REGION.ranges)]
    exact = [math.pow(base, 2.0 / 7.0) for base in inner.ravel()]
    assert result.dtype == dtype
    if backend.name != "jax" and dtype == "float64":
        assert (result.ravel() == exact).all()
    # the exponent is rounded too; XLA's power is its own: a few units in the last place
    assert np.allclose(result.ravel(), exact, rtol=8.0 * np.finfo(dtype).eps, atol=0.0)


def test_a_power_that_is_no_real_number_is_not_a_number(backend):
    q = backend.asarray(np.full(REGION.padded, -1.0))
    with np.errstate(invalid="ignore"):
        assert np.isnan(cells(backend, backend.apply(root, REGION, q, 2.0 / 7.0))).all()


def test_a_level_can_be_compared_with_a_field_of_whole_numbers(backend, random):
    q, _, _ = fields(random)
    floor = random.integers(2, 6, REGION.padded[1:]).astype(np.int32)
    result = cells(backend, backend.apply(levels_above, REGION, backend.asarray(q), backend.asarray(floor)))
    for n, k in enumerate(range(*REGION.k)):
        inner, low = (a[3:-3, 3:-3] for a in (q[k], floor))
        assert (result[n] == np.where(k >= low, inner, -1.0)).all()


def test_a_stencil_by_itself_takes_a_whole_number(backend, random):
    q, _, _ = fields(random)
    for level in (3, 5):
        result = cells(backend, backend.apply(above_level, REGION, backend.asarray(q), level))
        for n, k in enumerate(range(*REGION.k)):
            assert (result[n] == (q[k, 3:-3, 3:-3] if k >= level else -1.0)).all()


def test_a_stencil_of_two_values_gives_two_fields(backend, random):
    q, r = fields(random)[0], fields(random)[0]
    total, difference = backend.apply(sum_and_difference, REGION, backend.asarray(q), backend.asarray(r))
    inner = tuple(slice(*a) for a in REGION.ranges)
    assert (cells(backend, total) == (q + r)[inner]).all()
    assert (cells(backend, difference) == (q - r)[inner]).all()


@pytest.mark.parametrize("direction", [1, -1])
def test_a_sweep_carries_a_sum_along_the_column(backend, random, direction):
    q, _, _ = fields(random)
    (last,), (partial,) = backend.sweep(running_sum, start_at, REGION, direction, backend.asarray(q))
    inner = q[tuple(slice(*r) for r in REGION.ranges)][::direction]
    # four terms of order one
    assert np.allclose(cells(backend, partial), np.cumsum(inner, axis=0)[::direction], rtol=0.0, atol=1e-14)
    assert np.allclose(cells(backend, last), inner.sum(axis=0), rtol=0.0, atol=1e-14)


def test_reading_past_the_halo_is_refused(backend, random):
    q, _, _ = fields(random)
    sentence = (r"Stencil far_west: q is read at i = -1\.\.5 but holds values only at 0\.\.12\. "
                r"Apply the stencil on a smaller region or fill a wider halo")
    with pytest.raises(IndexError, match=sentence):
        backend.apply(far_west, REGION, backend.asarray(q))


def test_reading_what_an_earlier_stencil_did_not_compute_is_refused(backend, random):
    arguments = [backend.asarray(a) for a in fields(random)]
    first = backend.apply(curvature, REGION, *arguments)
    with pytest.raises(IndexError, match=r"Stencil curvature: q is read at i = 2\.\.8 but holds values only at 3\.\.9"):
        backend.apply(curvature, REGION, first, *arguments[1:])


def test_too_few_indices_are_refused(backend, random):
    with pytest.raises(IndexError, match="Stencil two_indices: q has 3 axes but is read with 2 indices"):
        backend.apply(two_indices, REGION, backend.asarray(fields(random)[0]))


def test_mixed_precision_is_refused(backend, random):
    double, single = fields(random)[0], fields(random, np.float32)[0]
    with pytest.raises(TypeError, match=r"Stencil product: float(64|32) meets float(32|64) in one expression.*"
                                        r"build the case with precision='float32' or precision='float64'"):
        backend.apply(product, REGION, backend.asarray(double), backend.asarray(single))


def test_a_field_of_the_wrong_shape_is_refused(backend, random):
    short = fields(random)[0][:, :, :-4]
    with pytest.raises(IndexError, match="Stencil product: r is read at i"):
        backend.apply(product, REGION, backend.asarray(fields(random)[0]), backend.asarray(short))


def test_an_index_moves_by_whole_cells():
    i = Index("i", 3, 7)
    assert tuple(i + 2) == ("i", 5, 9)
    assert tuple(i - 1) == ("i", 2, 6)
    assert tuple(REGION.grow(west=1, north=2).shape) == (4, 7, 8)
    assert isinstance(REGION.columns, Region) and REGION.columns.shape == (5, 7)


SMALL = {"baroclinic_channel": (4, 12, 16), "baroclinic_wave": (4, 12, 16), "steady_zonal_flow": (1, 12, 16)}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("precision, other", [("float32", "f64"), ("float64", "f32")])
def test_the_compiled_program_has_one_precision(name, precision, other):
    backend = create("jax")
    import jax

    grid, parameters, state = cases.CASES[name](cells=SMALL[name], precision=precision)
    model = Model(grid, parameters, backend)
    arguments = model.numbers, model.asarrays(state)
    traced = str(jax.make_jaxpr(model._step)(*arguments))
    assert f"{other}[" not in traced.replace(f"{other}[]", "")  # number literals alone are typed when they meet a field
    compiled = jax.jit(model._step).lower(*arguments).compile().as_text()
    assert f"{other}[" not in compiled and f"{precision.replace('float', 'f')}[" in compiled


@stencil
def added_whole(k, j, i, field, other):
    return field[k, j, i] + other


@pytest.mark.parametrize("shape, index", [((4, 8, 9), "k, j, i"), ((8, 9), "j, i"), ((4,), "k")])
def test_an_array_that_is_read_as_a_number_is_named(shape, index):
    sentence = rf"added_whole: other is an array, and is read as a number is. Read its element with \[{index}\]"
    with pytest.raises(TypeError, match=sentence):
        check(added_whole, Region((1, 3), (2, 6), (2, 7), (4, 8, 9)), (np.zeros((4, 8, 9)), np.zeros(shape)))
