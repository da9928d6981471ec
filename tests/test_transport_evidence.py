"""Transport, rest and budgets: the short versions of the programs, and what they measure with."""

import numpy as np
import pytest

from dycore.grid import interior
from dycore.validation import solid_body_rotation, transport
from dycore.validation.budgets import budgets, content, lake_at_rest, ridge
from dycore.validation.deformational_flow import DEFORMATION, cosine_bells, deformational_flow, weights
from dycore.validation.solid_body_rotation import tracer_over_the_pole


@pytest.fixture(scope="module")
def numba_backend():
    """Made once, so that what it compiled is used again."""
    pytest.importorskip("numba")
    from dycore.backends import on_numba

    return on_numba.create()


@pytest.mark.parametrize("program", [deformational_flow, tracer_over_the_pole, lake_at_rest, budgets])
def test_every_row_is_met(numba_backend, program):
    evidence = program(numba_backend, short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]


def test_a_shifted_bell_has_the_errors_of_its_shift():
    """Norms of Williamson et al.: zero of itself, and of twice a field its own size."""
    grid = transport.sphere(16, 1.0)
    bells = np.asarray(transport.fields(grid, {"bells": cosine_bells})[0])
    assert transport.norms(grid, bells, bells) == (0.0, 0.0, 0.0)
    assert transport.norms(grid, 2.0 * bells, bells) == pytest.approx((1.0, 1.0, 1.0), rel=1e-14)


def test_winds_of_a_stream_function_have_no_divergence_and_the_speed_that_was_asked_for():
    grid = transport.sphere(32, solid_body_rotation.EARTH)
    u, v = (interior(part)[0] for part in transport.wind(grid, solid_body_rotation.rotation(0.0)))
    # second-order differences of the stream function: 1e-3 at 5.6 degrees
    assert np.allclose(u, solid_body_rotation.SPEED * np.cos(np.radians(grid.y))[:, None], rtol=1e-3)
    assert not v.any()
    u, v = transport.wind(grid, solid_body_rotation.rotation(90.0))
    metrics, cut = grid.metrics, slice(3, -3)
    east, north = u[2] * metrics.dy_u, v[2] * metrics.dx_v
    outflow = np.roll(east, -1, axis=1)[cut, cut] + np.roll(north, -1, axis=0)[cut, cut] - east[cut, cut] - north[cut, cut]
    assert np.abs(outflow[1:-1, 1:-1]).max() < 1e-13 * np.abs(east).max()


def test_the_deformation_is_the_published_wind():
    """u and v of Nair and Lauritzen (2010), case 4, at some time, from the parts of the stream function."""
    time, grid = 1.3, transport.sphere(180, 1.0)
    parts = [transport.wind(grid, part) for part in DEFORMATION]
    u, v = (interior(sum(w * part[m] for w, part in zip(weights(time, 5.0), parts, strict=True)))[0] for m in (0, 1))
    longitude, latitude = np.radians(grid.x_face[:-1])[None, :], np.radians(grid.y)[:, None]
    moving = longitude - 2.0 * np.pi * time / 5.0
    swing = np.cos(np.pi * time / 5.0)
    exact = 2.0 * np.sin(moving) ** 2 * np.sin(2.0 * latitude) * swing + 2.0 * np.pi * np.cos(latitude) / 5.0
    assert np.abs(u - exact).max() < 1e-3  # differences over one degree
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y_face[:-1])[:, None]
    exact = 2.0 * np.sin(2.0 * (longitude - 2.0 * np.pi * time / 5.0)) * np.cos(latitude) * swing
    assert np.abs(v - exact).max() < 1e-3


def test_the_energy_of_a_sheet_of_moving_water_is_its_mass_times_half_the_square_of_its_speed(numpy_backend):
    model, state = ridge(0.2, numpy_backend)
    before = content(model, state)
    u = np.where(np.arange(state.u.shape[0])[:, None, None] >= model.grid.metrics.floor_u, 0.3, 0.0)
    moving = content(model, state._replace(u=u))
    metrics = model.grid.metrics
    volume = (interior(metrics.thickness_u) * interior(metrics.area_u)).sum()
    assert before.mass == pytest.approx(model.grid.volume.sum(), rel=1e-14)
    assert moving.energy - before.energy == pytest.approx(0.5 * 0.3**2 * volume, rel=1e-9)  # on top of 1e4 times as much
