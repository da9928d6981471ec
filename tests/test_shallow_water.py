"""Shallow water on the sphere: balance of the cases, a lake over a mountain, published tests, the model they are held against."""

import numpy as np
import pytest
from conftest import create, fields_of

from dycore import Model, cases
from dycore.cases.barotropic_jet import balanced_depth, bump, jet
from dycore.cases.flow_over_mountain import mountain
from dycore.cases.rossby_haurwitz_wave import angular_speed
from dycore.cases.rossby_haurwitz_wave import balanced_depth as depth_of_wave
from dycore.cases.rossby_haurwitz_wave import velocity as velocity_of_wave
from dycore.cases.steady_zonal_flow import exact_depth, exact_velocity
from dycore.cases.water_on_a_sphere import GRAVITY, RADIUS, ROTATION, places
from dycore.grid import interior
from dycore.validation import PROGRAMS, spectral
from dycore.validation.measures import norms
from dycore.validation.water import on_half_the_cells


@pytest.fixture(scope="module")
def numba_backend():
    """One for all programs, so that what it compiled is used again."""
    return create("numba")


def test_a_lake_over_a_mountain_stays_at_rest_to_the_bit(numpy_backend):
    grid, parameters, state = cases.flow_over_mountain(cells=(1, 24, 48), speed=0.0)
    assert interior(grid.metrics.fixed).max() > 1000.0
    after = fields_of(Model(grid, parameters, numpy_backend).steps(state, 20))
    # the pressure force is the gradient of the surface height alone: the difference of equal numbers
    assert (after["surface"] == 5960.0).all() and not after["u"].any() and not after["v"].any()


def test_the_mountain_is_a_cone_of_2000_m_and_20_degrees():
    degrees = np.radians
    assert mountain(degrees(270.0), degrees(30.0)) == 2000.0
    assert mountain(degrees(270.0), degrees(40.0)) == pytest.approx(1000.0, abs=1e-9)
    assert mountain(degrees(290.0), degrees(30.0)) == pytest.approx(0.0, abs=1e-9) and mountain(0.0, 0.0) == 0.0


def test_the_depth_balances_the_jet_and_has_a_mean_of_ten_kilometres():
    latitude, step = np.radians(np.linspace(-89.9, 89.9, 1799)), 1e-5
    slope = (balanced_depth(latitude + step) - balanced_depth(latitude - step)) / (2.0 * step)
    u = jet(latitude)
    force = RADIUS * u * (2.0 * ROTATION * np.sin(latitude) + np.tan(latitude) / RADIUS * u)
    # interpolation between 10001 nodes: 4e-5 of the spacing of a slope that is 3500 m a radian and bends within 0.1
    assert np.abs(GRAVITY * slope + force).max() < 1e-3 * force.max()
    assert u.max() == pytest.approx(80.0, rel=1e-4)
    sine, weight = np.polynomial.legendre.leggauss(2000)
    assert 0.5 * (weight * balanced_depth(np.arcsin(sine))).sum() == pytest.approx(1.0e4, abs=1e-3)


def test_what_is_left_of_the_jets_balance_on_the_grid_is_of_second_order(numpy_backend):
    """The northward acceleration in the first step, of a jet that is steady."""
    forces = []
    for rows in (64, 128):
        grid, parameters, state = cases.barotropic_jet(cells=(1, rows, 8), perturbation=0.0, friction=0.0, time_step=10.0)
        after = fields_of(Model(grid, parameters, numpy_backend).step(state))
        assert np.ptp(after["v"], axis=2).max() == 0.0
        forces.append(np.abs(after["v"]).max() / 10.0)
    # the maximum stands on different rows of the two grids, which takes 0.3 from an order of 2
    assert np.log2(forces[0] / forces[1]) > 1.7


def test_the_wave_starts_without_divergence_and_in_balance():
    """The depth of a Rossby-Haurwitz wave is such that its divergence does not change at first."""
    made = spectral.transform(21)
    at = spectral.places(made)
    start = spectral.waves_of(made, *velocity_of_wave(*at), depth_of_wave(*at))
    rate = spectral.tendency(made, 0.0 * start.surface, start)
    assert np.abs(start.divergence).max() < 1e-12 * np.abs(start.vorticity).max()
    # round-off of del^2 of g h: 1e-15 * 1e5 m2/s2 * (21 / a)^2 = 1e-21 / s2, against 1e-10 for an unbalanced depth
    assert np.abs(rate.divergence).max() < 1e-18
    unbalanced = spectral.tendency(made, 0.0 * start.surface, start._replace(surface=1.001 * start.surface))
    assert np.abs(unbalanced.divergence).max() > 1e-13


def test_a_wave_without_divergence_turns_at_its_angular_speed():
    """d(vorticity)/dt of the wave is that of a pattern that turns."""
    made = spectral.transform(21)
    at = spectral.places(made)
    start = spectral.waves_of(made, *velocity_of_wave(*at), depth_of_wave(*at))
    rate = spectral.tendency(made, 0.0 * start.surface, start)
    order = np.repeat(np.arange(22), 22 - np.arange(22))
    turning = -1j * order * angular_speed() * start.vorticity
    assert np.abs(rate.vorticity - turning).max() < 1e-9 * np.abs(turning).max()  # round-off of transforms


def test_the_spectral_model_keeps_the_steady_flow():
    """It is exact for test 2 of Williamson et al. but for round-off and time steps: what it tells of others can be trusted."""
    made = spectral.transform(21)
    at = spectral.places(made)
    depth, (u, v) = exact_depth(*at, 0.0), exact_velocity(*at, 0.0)
    after = spectral.run(made, spectral.waves_of(made, u, v, depth), 1.0)
    assert np.abs(made.values(after.surface) - depth).max() < 1e-5  # m
    assert np.abs(made.wind(after.vorticity, after.divergence)[1] - u).max() < 1e-6  # m/s


def test_a_smooth_field_is_carried_to_half_the_cells_and_across_poles_to_fourth_order():
    def field(cells):
        longitude, latitude = places(cells).centre
        x, y, z = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)
        return x * y + z**3 + x * z + y

    errors = [np.abs(on_half_the_cells(field((1, 2 * rows, 4 * rows))) - field((1, rows, 2 * rows))).max() for rows in (16, 32)]
    assert np.log2(errors[0] / errors[1]) > 3.9
    # and the spectral model's fields stand on the same cells
    made = spectral.transform(21)
    longitude, latitude = spectral.places(made)
    x, y, z = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude) + 0.0 * longitude
    coefficients = made.coefficients(x * y + z**3 + x * z + y)
    assert np.abs(spectral.on_cells(made, coefficients, 16) - field((1, 16, 32))).max() < 1e-13


def test_norms_are_those_of_williamson():
    area, truth = np.array([[1.0, 3.0]]), np.array([[2.0, -4.0]])
    found = norms(area, truth + np.array([[1.0, 0.0]]), truth)
    assert found == pytest.approx((1.0 / 14.0, (1.0 / 52.0) ** 0.5, 0.25))


def test_the_bump_stands_on_longitude_zero_from_both_sides():
    longitude, latitude = np.radians([1.0, 359.0, 180.0]), np.pi / 4.0
    east, west, far = bump(longitude, latitude)
    assert east == pytest.approx(west) and 84.0 < east < 85.0 and far < 1e-30  # 120 m times cos 45


@pytest.mark.parametrize("case", [cases.flow_over_mountain, cases.rossby_haurwitz_wave, cases.barotropic_jet])
def test_shallow_water_has_one_level(case):
    with pytest.raises(ValueError, match="shallow water has one level"):
        case(cells=(2, 12, 16))


@pytest.mark.parametrize("name", ["williamson_2", "williamson_5", "williamson_6", "galewsky"])
def test_the_core_agrees_with_published_shallow_water_tests(numba_backend, name):
    evidence = PROGRAMS[name](numba_backend, short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]
