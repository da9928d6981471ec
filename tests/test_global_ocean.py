"""A global ocean: its coastlines are real, its seas are one, and a short run keeps its budgets and moves the right way."""

from dataclasses import replace

import numpy as np
from conftest import create, fields_of

from dycore import Model, cases
from dycore.bathymetry import basins, largest_basin
from dycore.cases.global_ocean import distance_to_land, land_fraction
from dycore.validation import PROGRAMS


def test_land_and_sea_are_where_they_are():
    land = land_fraction(90, 180, (-90.0, 90.0))

    def at(longitude, latitude):
        return land[int((latitude + 90.0) // 2.0), int(longitude % 360.0 // 2.0)]

    assert at(25.0, 0.0) == 1.0 and at(-100.0, 40.0) == 1.0 and at(135.0, -25.0) == 1.0 and at(0.0, -85.0) == 1.0
    assert at(-150.0, 0.0) == 0.0 and at(-40.0, 30.0) == 0.0 and at(80.0, -30.0) == 0.0 and at(0.0, 88.0) == 0.0
    area = np.cos(np.radians(np.arange(-89.0, 90.0, 2.0)))[:, None] * np.ones((1, 180))
    assert abs((land * area).sum() / area.sum() - 0.29) < 0.02  # 29 % of the Earth; ice shelves and lakes count either way


def test_lakes_are_filled_and_the_largest_sea_stays():
    wet = np.zeros((5, 8), bool)
    wet[1, :3] = wet[1, 7] = True  # one sea, across the seam
    wet[3, 4] = True
    kept = largest_basin(basins(wet, periodic=True))
    assert kept.sum() == 4 and not kept[3, 4] and kept[1, 7]


def test_the_distance_to_land_goes_round_the_world():
    wet = np.ones((3, 10), bool)
    wet[1, 0] = False
    distance = distance_to_land(wet, np.full((3, 1), 2.0), 1.0)
    assert distance[1, 9] == 2.0 and distance[1, 5] == 10.0 and np.isclose(distance[0, 1], np.hypot(1.0, 2.0))


def test_without_wind_surface_and_mixing_the_first_ocean_is_exactly_at_rest_over_its_partial_cells(numpy_backend):
    grid, parameters, state = cases.global_ocean((6, 30, 72))
    assert (np.ptp(fields_of(state)["tracer 0"][-1]), grid.metrics.fraction.min() < 0.9) == (0.0, True)
    still = replace(parameters, surface_stress=None, forcing=(), vertical_mixing=None)
    fields = fields_of(Model(grid, still, numpy_backend).steps(state, 5))
    # round-off of phi, 1e2 m2/s2, over 1e5 m for two hours is 1e-15 m/s a term
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12


def test_the_global_ocean_keeps_its_budgets_and_moves_the_right_way():
    evidence = PROGRAMS["global_ocean"](create("numba"), short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]
