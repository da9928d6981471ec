"""The global ocean on a tripolar grid: one sea across the Arctic, at rest where nothing drives it, winds from the west."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model, cases
from dycore.bathymetry import basins, largest_basin
from dycore.cases.global_ocean import WIND, distance_to_land
from dycore.directions import to_east_north
from dycore.grid import interior
from dycore.stability import suggested_time_step
from dycore.tiles import Boundary


@pytest.fixture(scope="module")
def ocean():
    pytest.importorskip("global_land_mask")
    return cases.global_ocean((5, 31, 60), tripolar=True)


def test_the_arctic_is_a_sea_and_the_poles_of_the_grid_are_on_land(ocean):
    grid, parameters, state = ocean
    wet = grid.wet.any(axis=0)
    assert grid.tile.y is Boundary.FOLD and wet[grid.latitude > 85.0].sum() >= 0.9 * (grid.latitude[:-1] > 85.0).sum()
    land = interior(grid.metrics.floor) == grid.metrics.top
    assert land[23:, [0, 29, 30, 59]].all()  # in Russia and Canada
    assert (land[-1] == land[-2, ::-1]).all() and largest_basin(basins(wet[:-1], True, fold=True)).sum() == wet.sum()
    share = (grid.area * wet).sum() / grid.area.sum()
    assert 0.66 < share < 0.76  # of the Earth 71 %
    assert parameters.time_step <= suggested_time_step(grid, parameters, state).time_step


def test_seas_on_both_sides_of_a_fold_are_one_and_distances_lead_across():
    wet = np.zeros((3, 8), bool)
    wet[2, 1] = wet[2, 6] = True
    assert (basins(wet, True, fold=True)[2, [1, 6]] == 1).all() and (basins(wet, True)[2, [1, 6]] == [1, 2]).all()
    wet = np.ones((4, 12), bool)
    wet[3, 2] = False
    distance = distance_to_land(wet, 2.0, 1.0, fold=True)
    assert distance[3, 9] == 1.0 and distance[2, 9] == 2.0 and distance_to_land(wet, 2.0, 1.0)[3, 9] == 10.0


def test_the_wind_blows_along_parallels(ocean):
    grid, parameters, _ = ocean
    along = [np.asarray(part) for part in parameters.surface_stress]
    east, north = to_east_north(grid, *along)
    rows = grid.latitude[:, 0] < 55.0
    assert np.allclose(north[rows], 0.0, atol=1e-15)
    assert np.allclose(east[rows], np.interp(grid.latitude[rows], *np.transpose(WIND)), atol=1e-15)
    assert np.abs(np.hypot(*along)[24:-1]).max() < 0.1 and np.abs(along[1][24:-1]).max() > 0.005


def test_without_wind_and_surface_the_ocean_is_exactly_at_rest(ocean, numpy_backend):
    grid, parameters, state = ocean
    still = replace(parameters, surface_stress=None, forcing=(), vertical_mixing=None)
    fields = fields_of(Model(grid, still, numpy_backend).steps(state, 4))
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12


def test_a_short_run_keeps_volume_and_salt_and_moves_the_arctic(ocean, numpy_backend):
    grid, parameters, state = ocean
    model = Model(grid, parameters, numpy_backend)

    def budgets(state):
        thickness = grid.volume * (1.0 + interior(np.asarray(state.surface)) / np.maximum(interior(grid.metrics.thickness), 1.0))
        return thickness.sum(), (thickness * interior(np.asarray(state.tracers[1]))).sum()

    after = model.steps(state, 20)
    assert np.allclose(budgets(after), budgets(state), rtol=1e-13)
    speed = np.abs(fields_of(after)["v"][:, -1])
    assert 1e-5 < speed.max() < 1.0  # across the fold


def test_too_few_rows_or_columns_that_4_does_not_divide_are_refused():
    pytest.importorskip("global_land_mask")
    for cells, words in (((4, 7, 60), "7 rows, of which the last is the fold row"), ((4, 31, 62), "62 columns make no tripolar")):
        with pytest.raises(ValueError, match=words):
            cases.global_ocean(cells, tripolar=True)
    with pytest.raises(ValueError, match="tripolar='yes'"):
        cases.global_ocean((4, 31, 60), tripolar="yes")
