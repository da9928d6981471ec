"""Scores of flows on planes, and of fine runs on coarse grids: rows count alike, and all of them."""

import numpy as np
import pytest

pytest.importorskip("equinox")
from dycore import Model
from dycore.backends import on_numpy
from dycore.learning import Flow, climate, coarse_grained, departures, eddying_channel, error_between, flow
from dycore.learning.flow_scores import row_weights


def test_rows_of_a_plane_count_alike():
    grid, _, _ = eddying_channel((2, 4, 6))
    assert row_weights(grid).tolist() == [1.0] * 4
    random = np.random.default_rng(0)
    typical = Flow(*(random.normal(0.0, size, (60, 2, 4, 6)) for size in (1.0, 2.0, 4.0)))
    one = Flow(*(field[0] for field in typical))
    south = np.zeros((4, 1))
    south[0] = 1.0
    error = error_between(grid, typical)
    expected = (1.0 + 4.0 / 4.0 + 0.0) / 3.0 / 4.0  # in one of four rows
    assert error(one, Flow(one.u + south, one.v + 2.0 * south, one.theta)) == pytest.approx(expected, rel=0.05)


def test_the_climate_of_a_fine_run_on_a_coarse_grid_is_that_of_its_coarse_states():
    fine, parameters, start = eddying_channel((2, 8, 12))
    coarse = eddying_channel((2, 4, 6))[0]
    model, there = Model(fine, parameters, on_numpy), coarse_grained(fine, coarse)
    _, found = climate(model, start, 2, 3, lambda state: flow(there(state)))
    flows = [flow(there(model.steps(start, steps))) for steps in (3, 6)]
    assert np.allclose(found.theta, np.mean([each.theta for each in flows], axis=(0, -1)), rtol=1e-12)
    squares = [np.abs(np.fft.rfft(each.u)[..., 1:] / 6.0) ** 2 * [1.0, 1.0, 0.5] for each in flows]
    assert np.allclose(found.spectrum, np.mean(squares, axis=(0, 1, 2)), rtol=1e-12)
    other = found._replace(u=found.u + np.array([2.0, 0.0, 0.0, 0.0]))
    assert departures(coarse, found, other).u == pytest.approx(1.0, rel=1e-12)
