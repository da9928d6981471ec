"""The forms that a step may take on a device: the same halos to the last bit, the same steps to round-off."""

import numpy as np
import pytest

pytest.importorskip("jax")

import jax

from dycore import Model, cases
from dycore.backends import on_jax, on_numpy
from dycore.backends.jax_halos import with_halo
from dycore.backends.jax_kernels import Kernels, kernels_for, looped, unrolled
from dycore.benchmarks import kernels
from dycore.fields import Field
from dycore.halo_sources import fill_halo
from dycore.tiles import Boundary, Halo, Place, Tile
from tests.conftest import create, fields_of

ON_GPU = kernels_for("gpu")


@pytest.mark.parametrize("x, y", [(Boundary.PERIODIC, Boundary.PERIODIC), (Boundary.PERIODIC, Boundary.WALL),
                                  (Boundary.PERIODIC, Boundary.POLE), (Boundary.WALL, Boundary.WALL)])
@pytest.mark.parametrize("cells", [(5, 8), (2, 2)])
def test_a_halo_in_one_pass_is_the_halo_strip_by_strip(x, y, cells, random):
    create("jax")
    tile = Tile((1, *cells), x, y)
    for place, region in ((Place.WEST_FACE, tile.region.columns), (Place.SOUTH_FACE, tile.region), (Place.CENTER, tile.region)):
        values = random.standard_normal(region.shape)
        whole = np.zeros(region.padded[-values.ndim:])
        whole[tuple(slice(*r) for r in region.ranges)] = values
        field = Field(jax.numpy.asarray(values), region.ranges, tuple(start for start, _ in region.ranges))
        assert np.array_equal(with_halo(Halo(tile, place), field), fill_halo(tile, place, whole))


@pytest.mark.parametrize("direction", [1, -1])
def test_an_unrolled_sweep_is_the_loop_to_the_last_bit(direction):
    create("jax")

    def level(carried, k):
        (total,) = carried
        total = 0.5 * total + k
        return (total,), (total, total * total)

    results = [sweep(level, (jax.numpy.full((2, 3), 0.1),), range(2, 6), direction) for sweep in (looped, unrolled)]
    for one, other in zip(*map(jax.tree.leaves, results), strict=True):
        assert np.array_equal(one, other)


# (kernels a step, bytes that they move over the compulsory ones): a tenth more than XLA's CPU compiler has. It makes no two results
# in one kernel, so that for a GPU (benchmarks/NOTEBOOK.md) both are a third of that: 103 and 52 kernels, 5.8 and 5.7 times
BOUNDS = {"baroclinic_channel": (410, 21.5), "held_suarez": (200, 15.3)}


@pytest.mark.parametrize("case", list(BOUNDS))
def test_a_step_in_the_form_for_gpus_is_that_of_numpy_in_few_kernels_that_move_little(case, compiled_as_for_users):
    grid, parameters, state = getattr(cases, case)(cells=(20, 32, 64))
    reference = Model(grid, parameters, on_numpy.create())
    state = reference.steps(state, 2)
    right = fields_of(reference.step(state))
    model = Model(grid, parameters, on_jax.create(native=False, kernels=ON_GPU))
    there = model.asarrays(state)
    program = on_jax.jit(model._step).lower(model.numbers, there).compile()
    for name, field in fields_of(program(model.numbers, there)).items():
        assert np.abs(field - right[name]).max() <= 1e-11 * np.abs(right[name]).max(), name
    counted = kernels.summary(kernels.of_a_step(program.as_text()), grid.cells, len(state.tracers), "float64")
    most, times = BOUNDS[case]
    assert counted["launches"] <= most, counted
    assert counted["over_compulsory"] <= times, counted


def test_on_a_cpu_steps_keep_their_form():
    create("jax")
    assert on_jax.create(native=False).kernels == kernels_for("cpu") == Kernels()
    assert on_jax.create(native=False, kernels=ON_GPU).kernels == ON_GPU
