"""Functions on arrays as a part of a step: on every backend they give what the same thing gives that is written as a stencil."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import create

from dycore.program import Program, planned
from dycore.stencils import stencil
from dycore.tiles import HALO_LEVELS, Boundary, Halo, Place, Tile

NZ, NY, NX = 3, 6, 5
TILE = Tile((NZ, NY, NX), Boundary.WALL, Boundary.PERIODIC)
CELLS = tuple(slice(*r) for r in TILE.region.ranges)


class Relaxation(NamedTuple):
    """What a module is given beside fields: a number, a profile, and weights that are no field."""

    rate: float
    profile: Any
    weights: Any


def relaxed(relaxation, surface, q):
    """Columns that go towards a profile, and a plane of the surface; weights of any shape come as they are."""
    assert q.ndim == 3 and surface.shape == q.shape[1:] and relaxation.profile.shape == q.shape[:1]
    assert q.shape[0] == NZ and relaxation.weights.shape == (2, 4)
    change = relaxation.rate * (relaxation.profile[:, None, None] - q)
    return change, relaxation.weights[0, 1] * surface


@stencil
def relaxed_point(k, j, i, rate, profile, q):
    """The same at a point."""
    return rate * (profile[k] - q[k, j, i])


@stencil
def doubled_surface(j, i, weight, surface):
    """The same at a point of the surface."""
    return weight * surface[j, i]


@stencil
def smoothed(k, j, i, plane, change, q):
    """Reads what the function made beside its own point."""
    return q[k, j, i] + 0.25 * (change[k, j - 1, i] + change[k, j + 1, i] + change[k, j, i + 1]) + plane[j, i - 1]


@stencil
def halved(k, j, i, q):
    """Half of a field."""
    return 0.5 * q[k, j, i]


def as_function(on, constants, q, surface):
    return on.columns(relaxed, constants, surface, q)


def as_stencils(on, constants, q, surface):
    return (on(relaxed_point, constants.rate, constants.profile, q),
            on(doubled_surface, constants.weights[0, 1], surface))


def steps_of(backend, terms, tile=TILE):
    """Steps that halve a field, ask for the terms and read them beside their own points; its regions are found first."""

    def body(on, constants, state):
        q, surface = state
        half = on(halved, q)
        change, plane = terms(on, constants, half, surface)
        q = on(smoothed, plane, change, half)
        return on.backend.exchange((Halo(tile, Place.CENTER), q))[0], surface

    def step(constants, state):
        recording = backend.recorder()
        padded = tile.region.padded
        arrays = [recording.placeholder(np.broadcast_to(np.zeros((), "f8"), shape))
                  for shape in (padded, padded[1:], padded[:1], (2, 4))]
        fields = tuple(arrays[:2])
        plan = planned(recording, tile, lambda on: body(on, Relaxation(constants.rate, *arrays[2:]), fields), fields, alone=True)
        return body(Program(backend, tile, plan), constants, state)

    return backend.loop(step)


def drawn(backend, seed=3):
    random = np.random.default_rng(seed)
    padded = TILE.region.padded
    constants = Relaxation(0.25, *(backend.asarray(random.standard_normal(shape)) for shape in (padded[:1], (2, 4))))
    halos = Halo(TILE, Place.CENTER), Halo(TILE, Place.CENTER)
    fields = (random.standard_normal(shape) for shape in (padded, padded[1:]))
    return constants, tuple(map(backend.asarray, create("numpy").wrap(*zip(halos, fields, strict=True))))


def test_a_function_of_columns_gives_what_a_stencil_gives(backend):
    """In three dimensions and two, between two groups of stencils of which the second reads beside its points."""
    found = steps_of(backend, as_function)(*drawn(backend), 3)
    expected = steps_of(backend, as_stencils)(*drawn(backend), 3)
    difference = np.abs(np.asarray(found[0])[CELLS] - np.asarray(expected[0])[CELLS]).max()
    assert difference <= (1e-14 if backend.name == "jax" else 0.0)
    assert np.abs(np.asarray(found[0])[CELLS]).max() > 0.1


def test_other_numbers_reach_a_function_of_a_compiled_step(backend):
    steps, reference = steps_of(backend, as_function), create("numpy")
    constants, state = drawn(backend)
    for rate in (0.25, 0.5):
        found = steps(constants._replace(rate=rate), state, 2)
        theirs, start = drawn(reference)
        expected = steps_of(reference, as_stencils)(theirs._replace(rate=rate), start, 2)
        assert np.allclose(np.asarray(found[0])[CELLS], expected[0][CELLS], rtol=0.0, atol=1e-14)


def test_a_function_of_planes_may_mix_their_cells_and_has_a_halo(backend):
    def less_mean(q):
        return q - q.mean(axis=(-2, -1), keepdims=True)

    def terms(on, constants, q, surface):
        return on.planes(less_mean, q), on.planes(less_mean, surface)

    (q, surface), (found, _) = drawn(create("numpy"))[1], steps_of(backend, terms)(*drawn(backend), 1)
    half, reference = 0.5 * q[CELLS], create("numpy")
    change, plane = (np.zeros_like(array) for array in (q, surface))
    change[CELLS], plane[CELLS[1:]] = less_mean(half), less_mean(surface[CELLS[1:]])
    change, plane = reference.wrap((Halo(TILE, Place.CENTER), change), (Halo(TILE, Place.CENTER), plane))
    k, j, i = CELLS

    def shifted(cut, by):
        return slice(cut.start + by, cut.stop + by)

    expected = (half + 0.25 * (change[k, shifted(j, -1), i] + change[k, shifted(j, 1), i] + change[k, j, shifted(i, 1)])
                + plane[j, shifted(i, -1)])
    assert np.allclose(np.asarray(found)[CELLS], expected, rtol=0.0, atol=1e-14)


def test_called_at_once_it_is_given_cells_alone_without_halo_levels(backend):
    _, (q, surface) = drawn(backend)

    def sums(q, surface):
        return q.sum(axis=0) + surface

    field = backend.call(sums, TILE.region, q, surface)
    array, origin = np.asarray(field.array), field.origin
    found = array[tuple(slice(low - o, high - o) for (low, high), o in zip(TILE.region.columns.ranges, origin, strict=True))]
    assert np.allclose(found, np.asarray(q)[HALO_LEVELS:-HALO_LEVELS].sum(axis=0)[CELLS[1:]] + np.asarray(surface)[CELLS[1:]])


@pytest.mark.parametrize(("returned", "what"), [
    (lambda q: q[0, 0], r"an array of shape \(5,\)"), (lambda q: q.T, r"an array of shape \(5, 6, 3\)"), (lambda q: 1.0, "a float"),
    (lambda q: (q, q[:2]), r"an array of shape \(2, 6, 5\)")])
def test_a_result_of_another_shape_is_refused(backend, returned, what):
    def scheme(q):
        return returned(q)

    columns = r"columns \[k, j, i\] of shape \(3, 6, 5\)"
    with pytest.raises(ValueError, match=f"scheme returned {what}, but its arguments are {columns}"):
        backend.call(scheme, TILE.region, drawn(backend)[1][0])


def test_within_a_loop_of_the_program_it_is_refused_by_numba():
    backend = create("numba")

    def step(_, state):
        def body(m, carried):
            return (backend.whole(TILE, backend.call(lambda q: 0.5 * q, TILE.region, carried[0])).array,)

        return backend.iterate(body, state, 3)

    with pytest.raises(TypeError, match="cannot be part of a loop of the compiled program"):
        backend.loop(step)((), (drawn(backend)[1][0],), 1)


@pytest.mark.parametrize(("returned", "sentence"), [
    (lambda q: np.ones(q.shape, int), "scheme returned an array of the type int64, but this model computes in float64"),
    (lambda q: q > 0.0, "returned an array of the type bool"), (lambda q: 1j * q, "returned an array of the type complex128"),
    (lambda q: q.astype(">f8"), "returned an array of the type >f8"), (lambda q: q.astype("f4"), "of the type float32"),
    (lambda q: np.ma.masked_less(q, 0.0), "scheme returned a masked array"), (lambda q: (), r"scheme returned nothing, \(\)")])
def test_results_that_are_no_numbers_of_the_model_are_refused(returned, sentence):
    def scheme(q):
        return returned(q)

    for name in ("numpy", "numba"):
        backend = create(name)
        with pytest.raises(ValueError, match=sentence):
            backend.call(scheme, TILE.region, drawn(backend)[1][0])
