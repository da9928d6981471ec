"""The core against linear theory: the short version of each validation program, and the theory on its own."""

import numpy as np
import pytest
from conftest import create, fields_of, filled, random_velocity, strain

from dycore import Model, cases
from dycore.equations import friction as along_levels
from dycore.equations.momentum import energy_conserving
from dycore.equations.momentum import linear as without_advection
from dycore.fluid import Atmosphere, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary, Place
from dycore.validation import channel_with_ridge, eady, linear_waves, wind_driven_gyre
from dycore.validation.channel import box, friction, pressure_on_steps
from dycore.validation.eady import SHEAR, WIDTH, atmosphere, growth_rate
from dycore.validation.gyre import munk, munk_on_grid
from dycore.validation.wave_runs import factor_per_sample
from dycore.validation.wave_theory import (
    atmosphere_mode_speeds,
    gravity_wave_factor,
    gravity_wave_step,
    inertial_factor,
    lamb_speed,
    ocean_mode_speeds,
)
from dycore.vertical import uniform


@pytest.fixture(scope="module")
def numba_backend():
    return create("numba")


# The published cases, short --------------------------------------------------------------------------


def test_waves_follow_their_dispersion_relations(numpy_backend):
    """On grids so small that NumPy is done before Numba has compiled the four kinds of model."""
    all_are_met(linear_waves(numpy_backend, short=True))


@pytest.mark.parametrize("program", [eady, wind_driven_gyre, channel_with_ridge], ids=lambda p: p.__name__)
def test_flows_follow_linear_theory(numba_backend, program):
    all_are_met(program(numba_backend, short=True))


def all_are_met(evidence):
    assert evidence.figures and all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]


# The theory ------------------------------------------------------------------------------------------


def test_a_measured_factor_gives_back_the_step_that_made_it():
    for w in (0.01, 0.3, 1.2):
        z = gravity_wave_factor(w)
        assert abs(z) < 1.0  # eps = 0.1 damps
        assert gravity_wave_step(z) == pytest.approx(w, rel=1e-9)
    assert np.angle(gravity_wave_factor(0.01)) == pytest.approx(0.01, rel=1e-4)  # a slow wave is exact to second order
    n = np.arange(50)
    signal = ((0.7 - 0.2j) * (0.99 * np.exp(0.3j)) ** n).real
    assert factor_per_sample(signal) == pytest.approx(0.99 * np.exp(0.3j), rel=1e-9)
    assert factor_per_sample(signal * (1.0 + 2.0j)) == pytest.approx(0.99 * np.exp(0.3j), rel=1e-9)


def test_third_order_adams_bashforth_damps_inertial_oscillations_in_fourth_order():
    for rotation in (0.06, 0.12):
        z = inertial_factor(rotation)
        assert 1.0 - abs(z) == pytest.approx(3.0 / 8.0 * rotation**4, rel=0.1)  # the next term is of sixth order


def test_modes_of_uniform_stratification_are_cotangents():
    """c_n = (N dz / 2) cot(n pi / 2 nz) under a lid, here under a surface that hardly moves."""
    nz, depth, frequency = 12, 1500.0, 3.0e-3
    speeds = ocean_mode_speeds(frequency, uniform(nz, -depth, 0.0), gravity=1.0e3)
    n = np.arange(1, nz)
    expected = 0.5 * frequency * depth / nz / np.tan(0.5 * np.pi * n / nz)
    assert np.allclose(speeds[1:nz], expected, rtol=1e-5)  # N^2 H / g = 1e-5
    assert speeds[0] == pytest.approx(np.sqrt(1.0e3 * depth), rel=1e-5)


def test_an_atmosphere_of_one_potential_temperature_has_one_wave_of_the_speed_that_the_core_assumes():
    """sqrt((1 + kappa) R T) with the mass mean of temperature is exact there, on any levels."""
    fluid = Atmosphere()
    interfaces = np.array([0.0, 2.0e4, 5.0e4, 1.0e5])
    speeds = atmosphere_mode_speeds(np.full(3, 330.0), interfaces, fluid)
    temperature = 330.0 / (1.0 + fluid.kappa)  # theta times the mass mean of the Exner function
    assert speeds[0] == pytest.approx(np.sqrt((1.0 + fluid.kappa) * fluid.gas_constant * temperature), rel=1e-12)
    assert np.abs(speeds[1:]).max() < 1e-3 * speeds[0]


def test_the_external_wave_of_an_isothermal_atmosphere_tends_to_the_lamb_wave():
    exact = np.sqrt(1.4 * Atmosphere().gas_constant * 300.0)
    errors = exact - np.array([lamb_speed(nz) for nz in (20, 40, 80)])
    # u = sigma^-kappa: the energy above the middle of the uppermost level falls as levels^-(1 - 2 kappa)
    assert errors[1:] / errors[:-1] == pytest.approx([2.0 ** -(3.0 / 7.0)] * 2, rel=0.02)


def test_eadys_curve_has_its_maximum_and_its_cut_off_where_he_found_them():
    number = np.linspace(1.5, 1.7, 2001)
    rates = growth_rate(number * 1.0e-4, 1.0, width=1.0e9) / (1.0e-4 * SHEAR)
    assert number[rates.argmax()] == pytest.approx(1.606, abs=1e-3) and rates.max() == pytest.approx(0.3098, abs=1e-4)
    m = 2.0
    closed = np.sqrt((0.5 * m - np.tanh(0.5 * m)) * (1.0 / np.tanh(0.5 * m) - 0.5 * m))
    k = np.sqrt(m**2 - (np.pi / WIDTH) ** 2)
    assert growth_rate(k * 1.0e-4, 1.0) / (1.0e-4 * SHEAR) == pytest.approx(k / m * closed, rel=1e-12)
    assert growth_rate(2.4e-4, 1.0, width=1.0e9) == 0.0 and growth_rate(2.39e-4, 1.0, width=1.0e9) > 0.0


def test_the_atmosphere_of_eady_is_stable_up_to_its_top_and_its_winds_are_balanced(numpy_backend):
    basic = atmosphere((12, 12, 8), 1.4)
    theta = fields_of(basic.state)["tracer 0"]
    assert (np.diff(theta, axis=0) < 0.0).all()
    after = fields_of(Model(basic.grid, basic.parameters, numpy_backend).steps(basic.state, 50))
    # a wind of 1 m/s on either side without a gradient of pressure would turn to v = f u t = 0.9 m/s in the time of 50 steps;
    # 12 levels leave a tenth of it in the uppermost one
    assert np.abs(after["v"]).max() < 0.1 * 1.0e-4 * 50.0 * basic.parameters.time_step * 0.5 * SHEAR * basic.speed * 2.0


def test_munks_gyre_solves_its_equation_and_meets_the_walls():
    x = np.linspace(0.0, 1.2e6, 2401)
    for no_slip in (True, False):
        psi, slope = munk(x, 400.0, no_slip)
        assert abs(psi[0]) < 1e-6 * psi.max() and abs(psi[-1]) < 1e-6 * psi.max()
        assert slope[800:-200] == pytest.approx(np.gradient(psi, x)[800:-200], rel=1e-4)
        wall = slope[0] if no_slip else (slope[1] - slope[0]) / (x[1] - x[0]) * 3.42e4
        assert abs(wall) < 0.03 * slope.max()  # a difference over 500 m of a layer of 34 km
    # between the boundary layers the flow is Sverdrup's: beta psi_x = curl(stress) / density
    assert slope[1600] == pytest.approx(-0.1 * np.pi / 1.2e6 / 1000.0 / 1.0e-11, rel=0.02)


def test_munks_gyre_in_differences_converges_to_munks_gyre_in_second_order():
    errors = []
    for n in (60, 120, 240):
        exact, _ = munk(np.linspace(0.0, 1.2e6, n + 1), 400.0, no_slip=False)
        errors.append(np.abs(munk_on_grid(n, 400.0) - exact).max() / exact.max())
    assert errors[0] < 0.02 and np.array(errors[:-1]) / errors[1:] == pytest.approx([4.0, 4.0], rel=0.1)


# What the programs needed of the core ----------------------------------------------------------------


def test_flow_between_walls_where_it_stops_is_a_parabola(numpy_backend):
    """u = F / (2 nu) y (L - y), which second differences and a wall half a cell away give up to F dy^2 / (8 nu)."""
    ny, dy, viscosity, force = 9, 10.0, 5.0, 1.0e-3
    grid = rectilinear((1, ny, 5), extent=(50.0, ny * dy), interfaces=uniform(1, -1.0, 0.0))
    y = grid.y[:, None]
    steady = force / (2.0 * viscosity) * (y * (ny * dy - y) + 0.25 * dy**2)
    fluid = shallow_water(1e-12)._replace(reference_density=1.0)
    parameters = Parameters(fluid, time_step=2.0, friction=Mixing(vorticity=viscosity, no_slip=True), surface_stress=(force, 0.0))
    state = initial_state(grid, surface=0.0, u=np.broadcast_to(steady, (ny, 5)))
    after = fields_of(Model(grid, parameters, numpy_backend).steps(state, 50))
    assert np.abs(after["u"] - steady).max() < 1e-12 * steady.max()
    slips = Model(grid, Parameters(fluid, time_step=2.0, friction=Mixing(vorticity=viscosity), surface_stress=(force, 0.0)),
                  numpy_backend).steps(state, 50)
    assert fields_of(slips)["u"][0, 0].min() > steady[0, 0] * 1.01


@pytest.mark.parametrize("biharmonic", [False, True])
def test_walls_that_stop_the_flow_take_energy_and_more_of_it_than_walls_that_slip(numpy_backend, random, biharmonic):
    grid = rectilinear((1, 7, 8), extent=(80.0, 70.0), interfaces=uniform(1, -1.0, 0.0), x_boundary=Boundary.WALL)
    u, v = random_velocity(grid, random)
    state = initial_state(grid, surface=0.0, u=interior(u), v=interior(v))

    def energy(no_slip):
        friction = Mixing(0.01, 0.01, biharmonic=biharmonic, no_slip=no_slip)
        parameters = Parameters(shallow_water(1e-12), time_step=1e-3, friction=friction, advection=without_advection)
        after = fields_of(Model(grid, parameters, numpy_backend).steps(state, 1))
        return (after["u"] ** 2).sum() + (after["v"] ** 2).sum()

    assert energy(True) < energy(False) < (interior(u) ** 2).sum() + (interior(v) ** 2).sum()


def test_vorticity_at_coasts_counts_only_the_flow_on_the_wet_side(numpy_backend):
    grid = rectilinear((1, 5, 6), extent=(60.0, 50.0), interfaces=uniform(1, -1.0, 0.0))
    u = filled(grid, Place.WEST_FACE, np.ones(grid.cells))
    v = np.zeros_like(u)
    found = numpy_backend.apply(along_levels.no_slip_vorticity, grid.tile.region.grow(north=1), grid.metrics,
                                grid.metrics.dy_v, u, v)
    # the southern wall: u rises from 0 to 1 within half a cell; the northern one: it falls
    assert np.all(found.array[0, 0] == -2.0 / 10.0) and np.all(found.array[0, -1] == 2.0 / 10.0)
    assert np.all(found.array[0, 1:-1] == 0.0)


def test_the_coriolis_force_alone_is_what_advection_tends_to_in_slow_flow(numpy_backend, random):
    grid, parameters, _ = cases.barotropic_gyre((1, 8, 10))
    assert parameters.advection == energy_conserving
    u, v = random_velocity(grid, random)

    def change(scale, advection):
        state = initial_state(grid, surface=0.0, u=scale * interior(u), v=scale * interior(v))
        parameters = Parameters(shallow_water(), time_step=10.0, advection=advection)
        after = fields_of(Model(grid, parameters, numpy_backend).step(state))
        return np.array([after["u"] - scale * interior(u), after["v"] - scale * interior(v)]) / scale

    slow = change(1.0e-6, energy_conserving)
    linear = change(1.0e-6, without_advection)
    assert np.abs(slow - linear).max() < 1e-5 * np.abs(linear).max()  # zeta / f of 1e-6 m/s over 1e5 m
    # and it does not change with the flow, as advection does
    assert np.abs(change(1.0, without_advection) - linear).max() < 1e-6 * np.abs(linear).max()
    assert np.abs(change(1.0, energy_conserving) - linear).max() > 1e-2 * np.abs(linear).max()


def test_pressure_on_steps_is_the_sum_of_the_pressure_force_and_friction_that_of_the_model(numpy_backend, random):
    """Summed over open faces, -d(phi)/dx leaves phi on the steps; a force on every face leaves what the budget reads."""
    grid, *_ = cases.baroclinic_channel((6, 5, 12))
    shape = box(grid)
    phi = random.standard_normal(grid.cells[1:])
    gradient = np.where(shape.open_u, phi - np.roll(phi, 1, axis=1), 0.0)
    assert not shape.open_u.all()
    assert pressure_on_steps(shape, phi) == pytest.approx(-(shape.dr * gradient * shape.dy).sum(axis=(0, 2)), rel=1e-12)

    u, v = random_velocity(grid, random)
    viscosity = along_levels.Viscosity(*(np.full(grid.tile.region.padded[1:], 7.0),) * 2)
    stress, region = along_levels.stress(grid.metrics, viscosity, strain(numpy_backend, grid, u, v)), grid.tile.region
    force = numpy_backend.apply(along_levels.harmonic_u, region, grid.metrics, stress)[region.indices()] * shape.open_u
    total = (shape.dr * force * shape.dx * shape.dy).sum(axis=(0, 2))
    assert friction(shape, interior(u), interior(v), 7.0) == pytest.approx(total, rel=1e-9)
