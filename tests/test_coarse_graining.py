"""Coarse graining keeps volume, tracers and transports, and what a coarse model lacks is what was left out of it."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import content

pytest.importorskip("equinox")
from dycore import Model
from dycore.backends import on_numpy
from dycore.forcing import Forcing, only
from dycore.grid import interior, rectilinear
from dycore.learning.coarse_graining import coarse_grained, face_widths, relative_thickness
from dycore.learning.coarse_windows import coarse_windows, lacking_rates
from dycore.learning.eddying_channels import eddying_channel
from dycore.learning.flow_scores import flow
from dycore.learning.hybrid import Window, at
from dycore.stencils import stencil

CELLS, COARSE = (3, 12, 16), (3, 4, 4)


def fine_and_coarse():
    """A fine flow that moves its surface, its grid, and a coarse grid."""
    grid, parameters, state = eddying_channel(CELLS)
    return grid, parameters, Model(grid, parameters, on_numpy).steps(state, 20), eddying_channel(COARSE)[0]


def transports(grid, state):
    """Transports (m3/s) through west and south faces [k, j, i]."""
    stretching, dr = relative_thickness(grid, state.surface), np.diff(grid.interfaces)[:, None, None]
    return [interior(face_widths(grid, stretching, name)) * dr * interior(getattr(state, name)) for name in ("u", "v")]


def test_volume_and_tracers_of_cells_and_transports_through_faces_are_sums_of_the_fine_ones():
    grid, _, state, coarse = fine_and_coarse()
    found = coarse_grained(grid, coarse)(state)
    for m in (None, 0):
        assert content(coarse, found, m) == pytest.approx(content(grid, state, m), rel=1e-13)
    (u, v), (coarse_u, coarse_v) = transports(grid, state), transports(coarse, found)
    assert np.abs(coarse_u).max() > 1e4 and np.abs(coarse_v).max() > 1e3
    for j in range(4):
        for i in range(4):
            assert coarse_u[:, j, i] == pytest.approx(u[:, 3 * j: 3 * j + 3, 4 * i].sum(axis=1), rel=1e-12)
            assert coarse_v[:, j, i] == pytest.approx(v[:, 3 * j, 4 * i: 4 * i + 4].sum(axis=1), rel=1e-12, abs=1e-6)
    volume = grid.volume * interior(relative_thickness(grid, state.surface))
    inside = (volume * interior(state.tracers[0]))[:, 3:6, 8:12].sum(axis=(1, 2)) / volume[:, 3:6, 8:12].sum(axis=(1, 2))
    assert interior(found.tracers[0])[:, 1, 2] == pytest.approx(inside, rel=1e-13)


def test_the_flux_through_the_levels_belongs_to_the_coarse_transports():
    grid, _, state, coarse = fine_and_coarse()
    found = coarse_grained(grid, coarse)(state)
    u, v = transports(coarse, found)
    outflow = np.roll(u, -1, axis=2) - u + np.concatenate([v[:, 1:], 0.0 * v[:, :1]], axis=1) - v
    share = np.diff(coarse.interfaces)[:, None, None] / -coarse.interfaces[0]
    rise = np.cumsum(outflow.sum(axis=0) * share - outflow, axis=0) / interior(coarse.metrics.area)
    w = interior(found.w)
    assert np.abs(w).max() > 1e-6 and np.abs(w[1:] - rise[:-1]).max() < 0.1 * np.abs(w).max()


def test_a_state_on_its_own_grid_stays_what_it_is():
    grid, _, state, _ = fine_and_coarse()
    same = coarse_grained(grid, grid)(state)
    for name in ("u", "v", "w", "surface"):
        assert np.allclose(interior(getattr(same, name)), interior(getattr(state, name)), rtol=1e-12, atol=1e-15), name
    assert np.allclose(interior(same.tracers[0]), interior(state.tracers[0]), rtol=1e-13) and int(same.step) == 0


@pytest.mark.parametrize("other, sentence", [
    (eddying_channel((2, 4, 4))[0], "3 levels and the coarse one 2"),
    (eddying_channel((3, 5, 4))[0], "no whole blocks of the 5 x 4"),
    (rectilinear(COARSE, extent=(1e6, 1e6), interfaces=eddying_channel(COARSE)[0].interfaces), "not as large as the fine cells"),
    (None, "coarse")])
def test_a_grid_that_is_no_coarse_one_of_the_same_place_is_refused(other, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        coarse_grained(eddying_channel(CELLS)[0], other)


@pytest.mark.parametrize("options", [{"time_step": float("nan")}, {"time_step": 0.0}, {"time_step": "day"}, {"friction": -1.0},
                                     {"friction": float("inf")}, {"cells": (3, 0, 8)}], ids=str)
def test_a_channel_of_numbers_that_make_no_sense_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        eddying_channel(**options)


def test_a_model_lacks_nothing_that_is_known_without_windows():
    grid, parameters, _ = eddying_channel(COARSE)
    with pytest.raises(ValueError, match=r"kept=.* must be a list of one or more"):
        lacking_rates(Model(grid, parameters, on_numpy), [])


def test_windows_of_a_fine_run_are_seen_on_the_coarse_grid():
    grid, parameters, state, coarse = fine_and_coarse()
    truth, there = Model(grid, parameters, on_numpy), coarse_grained(grid, coarse)
    end, kept = coarse_windows(truth, state, coarse, 2, 2, 3, 1)
    assert np.array_equal(end.u, truth.steps(state, 9).u)
    assert np.array_equal(kept[1].start.u, there(truth.steps(state, 3)).u)
    assert np.array_equal(at(kept[1], 1).theta, flow(there(truth.steps(state, 9))).theta)


def test_rates_that_a_model_lacks_are_those_of_the_forcing_that_was_taken_out():
    @stencil
    def warmed(k, j, i, grid, column, values, now):
        return 1e-6 * now.u[k, j, i]

    grid, parameters, state = eddying_channel((3, 6, 8))
    state = coarse_grained(grid, grid)(Model(grid, parameters, on_numpy).steps(state, 20))
    more = Model(grid, replace(parameters, forcing=(*parameters.forcing, Forcing(tracers=only(0, warmed)))), on_numpy)
    window = Window(state, flow(state)._replace(**{name: field[None] for name, field in flow(more.step(state))._asdict().items()}))
    samples = lacking_rates(Model(grid, parameters, on_numpy), [window, window])
    assert samples.rates.theta.shape == (2, 3, 6, 8) and not samples.rates.u.any()
    expected = 1e-6 * interior(state.u)
    assert np.abs(samples.rates.theta[1] - expected).max() < 1e-3 * np.abs(expected).max()
