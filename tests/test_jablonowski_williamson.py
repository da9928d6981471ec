"""Jablonowski and Williamson's tests: the short programs, and the norms that they use."""

import numpy as np
import pytest
from conftest import create, sphere

from dycore.state import initial_state
from dycore.validation import PROGRAMS, baroclinic_wave


@pytest.fixture(scope="module")
def numba_backend():
    return create("numba")


@pytest.mark.parametrize("name", ["jablonowski_williamson_steady", "jablonowski_williamson_wave"])
def test_the_core_passes_jablonowski_and_williamsons_tests(numba_backend, name):
    evidence = PROGRAMS[name](numba_backend, short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]
    assert len(evidence.rows) >= 6 and evidence.figures


def test_a_wave_of_the_zonal_wind_is_asymmetry_and_a_change_of_its_mean_is_drift(numpy_backend):
    """l2 of sin(longitude) cos(latitude) is the root of 1/3, of cos(latitude) the root of 2/3."""
    grid = sphere((2, 90, 16))
    longitude, cosine = np.radians(grid.x_face[:-1]), np.cos(np.radians(grid.y))[:, None]
    start = initial_state(grid, surface=1.0e5)
    look = baroclinic_wave.looking(grid, numpy_backend)
    assert look(start)[1:] == (0.0, 0.0)
    wavy = look(initial_state(grid, surface=1.0e5, u=np.broadcast_to(3.0 * cosine * np.sin(longitude), grid.cells)))
    # integrals over 90 rows: second order, 2e-4
    assert wavy.asymmetry == pytest.approx(3.0 * (1.0 / 3.0) ** 0.5, rel=3e-4) and wavy.drift < 1e-12
    faster = look(initial_state(grid, surface=1.0e5, u=np.broadcast_to(2.0 * cosine, grid.cells)))
    assert faster.drift == pytest.approx(2.0 * (2.0 / 3.0) ** 0.5, rel=3e-4) and faster.asymmetry < 1e-12


def test_two_grids_of_one_field_differ_by_what_averaging_leaves():
    """A field that is linear in longitude: its averages over blocks are its values at their centres."""
    grids = {spacing: sphere((1, ny, 2 * ny)) for spacing, ny in ((1.4, 24), (2.8, 12), (5.6, 6))}
    runs = {spacing: (grid, [baroclinic_wave.Look(np.broadcast_to(grid.x, grid.cells[1:]), 0.0, 0.0)])
            for spacing, grid in grids.items()}
    assert baroclinic_wave.difference(runs, 2.8, 0) < 1e-12 * 360.0
    assert baroclinic_wave.difference(runs, 5.6, 0) < 1e-12 * 360.0
    runs[2.8][1][0] = baroclinic_wave.Look(np.broadcast_to(grids[2.8].x + 2.0, grids[2.8].cells[1:]), 0.0, 0.0)
    assert baroclinic_wave.difference(runs, 2.8, 0) == pytest.approx(2.0, rel=1e-12)


def test_the_far_hemisphere_is_the_southern_one():
    grid = sphere((1, 12, 24))
    pressure = np.where(grid.y[:, None] > 0.0, 950.0, 1000.2) * np.ones(24)
    look = baroclinic_wave.Look(pressure, 0.0, 0.0)
    assert baroclinic_wave.far_hemisphere(grid, [look]) == pytest.approx(0.2, rel=1e-9)
    assert baroclinic_wave.mean_pressure(grid, pressure) == pytest.approx(975.1, rel=1e-12)
