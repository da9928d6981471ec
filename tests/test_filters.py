"""The polar filter: zonal sums stay, short waves near the poles go, constants stay constant on every backend."""

import dataclasses

import numpy as np
import pytest
from conftest import fields_of, filled, sphere

from dycore import Model, cases
from dycore.equations.filters import polar_response
from dycore.fields import Field
from dycore.grid import interior
from dycore.stencils import stencil
from dycore.tiles import HALO, Place

CELLS = (2, 20, 24)


@stencil
def same(k, j, i, q):
    """The field itself."""
    return q[k, j, i]


def filter_field(backend, values):
    """(filtered values, response) on the cells, latitude 60 degrees."""
    grid = sphere(CELLS)
    response = polar_response(grid, 60.0, False)
    q = backend.asarray(filled(grid, Place.CENTER, values))
    field = backend.apply(same, grid.tile.region, q)
    (filtered,) = backend.filter_rows(grid.tile, (field, backend.asarray(response)))
    return np.asarray(filtered[grid.tile.region.indices()]), response


def test_the_response_is_the_formula():
    grid = sphere(CELLS)
    response = polar_response(grid, 60.0, False)
    rows = response.shape[0] // 2
    for row in range(rows):
        ratio = np.cos(np.radians(grid.y[row])) / np.cos(np.radians(60.0))
        for m in range(1, 13):
            assert response[row, m] == pytest.approx(min(1.0, ratio / np.sin(m * np.pi / 24)) ** 2, rel=1e-14)
    assert (response[:, 0] == 1.0).all()
    assert np.allclose(response[rows:], response[:rows][::-1], rtol=1e-13)  # the north mirrors the south
    assert (response[rows - 1] > 0.99).all() or np.abs(grid.y[rows - 1]) > 60.0  # all that needs it is filtered


def test_every_row_poleward_of_the_latitude_is_filtered():
    for ny in (20, 21, 32, 45):
        grid = sphere((1, ny, 8))
        for faces in (False, True):
            rows = polar_response(grid, 60.0, faces).shape[0] // 2
            y = grid.y_face[:-1] if faces else grid.y
            assert (np.abs(y[rows: ny - rows]) <= 60.0 + 1e-9).all(), (ny, faces)


def test_zonal_sums_are_untouched(backend, random):
    values = random.standard_normal(CELLS)
    filtered, _ = filter_field(backend, values)
    assert np.abs(filtered.sum(axis=2) - values.sum(axis=2)).max() < 1e-13  # 24 numbers of order one
    assert np.abs(filtered - values)[:, 0].max() > 0.1


@pytest.mark.parametrize("dtype", (np.float64, np.float32))
@pytest.mark.parametrize("levels", (1, 2, 3, 4, 5, 20, 26))
def test_rows_that_mirror_each_other_get_the_same_bits_on_one_process_as_on_two(numpy_backend, random, dtype, levels):
    grid = sphere((levels, 20, 24), precision=np.dtype(dtype).name)
    response = polar_response(grid, 60.0, False)
    together = random.standard_normal(numpy_backend.padded(grid.tile)).astype(dtype)
    apart = together.copy()
    numpy_backend.filter_rows(grid.tile, (Field.whole(together), response))
    for rank, (first, last) in enumerate(((0, 10 + 2 * HALO), (10, 20 + 2 * HALO))):
        tile = grid.tile._replace(processes=(2, 1), rank=rank)
        numpy_backend.filter_rows(tile, (Field.whole(apart[:, first:last]), response))
    assert (together == apart).all()


def test_each_wave_is_scaled_by_its_response(backend):
    longitude = 2.0 * np.pi * np.arange(24) / 24
    for m in (1, 5, 12):
        wave = np.broadcast_to(np.cos(m * longitude), CELLS)
        filtered, response = filter_field(backend, wave)
        rows = response.shape[0] // 2
        assert np.abs(filtered[:, :rows] - response[:rows, m, None] * wave[:, :rows]).max() < 1e-14
        assert np.abs(filtered[:, -rows:] - response[rows:, m, None] * wave[:, -rows:]).max() < 1e-14
        assert (filtered[:, rows:-rows] == wave[:, rows:-rows]).all()


def over_the_poles(precision="float64"):
    """Steady flow over both poles with a constant tracer and a wavy one."""
    grid, parameters, state = cases.steady_zonal_flow(cells=(1, 16, 32), angle=45.0, precision=precision)
    parameters = dataclasses.replace(parameters, tracer_names=("constant", "wavy"))
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    wavy = np.cos(longitude) * np.cos(latitude) + np.sin(3.0 * longitude) * np.cos(latitude) ** 3
    tracers = tuple(filled(grid, Place.CENTER, np.broadcast_to(c, grid.cells)) for c in (300.0, wavy))
    history = tuple(past._replace(tracers=tracers) for past in state.history)
    return grid, parameters, state._replace(tracers=tracers, history=history)


def test_a_constant_tracer_crosses_the_poles_unchanged(backend):
    grid, parameters, state = over_the_poles()
    after = fields_of(Model(grid, parameters, backend).steps(state, 100))
    # the transforms leave round-off of 32 terms of 300 in every one of 100 steps
    assert np.abs(after["tracer 0"] - 300.0).max() < 100.0 * 300.0 * 4e-16
    assert np.abs(after["tracer 1"] - interior(state.tracers[1])).max() > 0.1


def test_the_filtered_velocity_at_the_poles_stays_zero(numpy_backend):
    grid, parameters, state = over_the_poles()
    after = Model(grid, parameters, numpy_backend).steps(state, 20)
    assert (after.v[:, HALO] == 0.0).all() and (after.v[:, HALO + 16] == 0.0).all()
