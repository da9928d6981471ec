"""Hydrostatics and the pressure force: analytic columns, and what must stay at rest."""

import numpy as np
import pytest
from conftest import channel, fields_of, filled, sphere

from dycore import Model
from dycore.equations import column, pressure
from dycore.fluid import Atmosphere, Ocean
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched, uniform

NAMES = {Ocean: ("temperature", "salinity"), Atmosphere: ("potential_temperature",)}


def hydrostatics(backend, grid, fluid, surface, *tracers):
    """(columns, heights, phi, b) of interior fields."""
    region = grid.tile.region
    surface = filled(grid, Place.CENTER, surface)
    tracers = tuple(filled(grid, Place.CENTER, tracer) for tracer in tracers)
    model = Model(grid, Parameters(fluid, time_step=1.0, tracer_names=NAMES[type(fluid)]), backend)
    around = region.columns.grow(1, 1, 1, 1)
    stretching = column.Column(*backend.apply(column.columns, around, grid.metrics, fluid, surface))
    _, (phi, b) = backend.sweep(pressure.layer_phi, pressure.surface_phi, region.grow(west=1, south=1), -1, grid.metrics,
                              stretching, model.equations.heights, fluid, surface, tracers)
    return stretching, model.equations.heights, phi, b


def forces(backend, grid, fluid, surface, *tracers):
    """Pressure force on open faces (m/s2)."""
    region, metrics = grid.tile.region, grid.metrics
    stretching, heights, phi, b = hydrostatics(backend, grid, fluid, surface, *tracers)
    slopes = pressure.Slopes(*backend.apply(pressure.slopes, region.columns, metrics, stretching))
    k, j, i = region.indices()
    u = (backend.apply(pressure.slope_force_u, region, slopes, heights, b)[k, j, i]
         - (phi[k, j, i] - phi[k, j, i - 1]) * interior(metrics.inverse_dx_u))
    v = (backend.apply(pressure.slope_force_v, region, slopes, heights, b)[k, j, i]
         - (phi[k, j, i] - phi[k, j - 1, i]) * interior(metrics.inverse_dy_v))
    level = np.arange(*region.k)[:, None, None]
    return u * (level >= interior(grid.metrics.floor_u)), v * (level >= interior(grid.metrics.floor_v))


def test_the_pressure_of_uniform_seawater_grows_linearly_with_depth(numpy_backend):
    grid = channel(bottom=None, land=None)
    fluid = Ocean()
    salt = np.full(grid.cells, fluid.reference_salinity)
    surface, temperature = np.full(grid.cells[1:], 2.0), np.full(grid.cells, 15.0)
    _, _, phi, _ = hydrostatics(numpy_backend, grid, fluid, surface, temperature, salt)
    stretching = (4000.0 + 2.0) / 4000.0
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    height = (centre + 4000.0) * stretching - 4000.0
    b = fluid.gravity * fluid.thermal_expansion * 5.0
    exact = fluid.gravity * 2.0 - b * (2.0 - height)
    assert np.abs(phi[grid.tile.region.indices()] - exact[:, None, None]).max() < 1e-13 * np.abs(exact).max()


def test_the_geopotential_of_isentropic_air_follows_the_exner_function(numpy_backend):
    grid = sphere((5, 10, 16), interfaces=uniform(5, 0.0, 1.0e5))
    fluid = Atmosphere()
    surface, theta = np.full(grid.cells[1:], 9.7e4), np.full(grid.cells, 300.0)
    _, _, phi, _ = hydrostatics(numpy_backend, grid, fluid, surface, theta)
    layers = fluid.reference_s(grid.interfaces)[1] * 0.97**fluid.kappa
    exact = fluid.heat_capacity * 300.0 * (0.97**fluid.kappa - layers)
    assert np.allclose(phi[grid.tile.region.indices()], exact[:, None, None], rtol=1e-13)


def test_the_geopotential_of_isothermal_air_is_that_of_the_barometric_formula(numpy_backend):
    nz, temperature = 40, 260.0
    grid = sphere((nz, 4, 8), interfaces=uniform(nz, 0.0, 1.0e5))
    fluid = Atmosphere()
    exner = fluid.reference_s(grid.interfaces)[1]
    theta = np.broadcast_to((temperature / exner)[:, None, None], grid.cells)
    _, _, phi, _ = hydrostatics(numpy_backend, grid, fluid, np.full(grid.cells[1:], 1.0e5), theta)
    pressure_of_layer = 1.0e5 * exner ** (1.0 / fluid.kappa)
    exact = fluid.gas_constant * temperature * np.log(1.0e5 / pressure_of_layer)
    computed = phi[grid.tile.region.indices()][:, 0, 0]
    # second order in the thickness of a layer over its distance from the top: 1 % where that is a sixth or less
    assert np.allclose(computed[6:], exact[6:], rtol=1e-2)


def test_a_slope_of_the_sea_surface_pushes_with_g_times_the_slope(numpy_backend):
    grid = rectilinear((3, 5, 8), extent=(8.0e3, 5.0e3), interfaces=stretched(3, 500.0, 2.0), x_boundary=Boundary.WALL)
    fluid = Ocean()
    slope = 1.0e-6 * grid.x[None, :] + 3.0e-6 * grid.y[:, None]
    temperature = np.full(grid.cells, fluid.reference_temperature)
    salinity = np.full(grid.cells, fluid.reference_salinity)
    u, v = forces(numpy_backend, grid, fluid, slope, temperature, salinity)
    # the slope is a difference of numbers of 1e-2 m
    assert np.allclose(u[:, :, 1:], -fluid.gravity * 1.0e-6, rtol=1e-10, atol=0.0)
    assert np.allclose(v[:, 1:], -fluid.gravity * 3.0e-6, rtol=1e-10, atol=0.0)


def test_lighter_water_to_the_east_pushes_eastwards_at_depth(numpy_backend):
    """du/dt = -z db/dx below a level surface, exact for b linear in x and constant in z."""
    grid = rectilinear((6, 5, 8), extent=(8.0e3, 5.0e3), interfaces=uniform(6, -600.0, 0.0), x_boundary=Boundary.WALL)
    fluid = Ocean()
    temperature = np.broadcast_to(10.0 + 1.0e-4 * grid.x, grid.cells)
    u, v = forces(numpy_backend, grid, fluid, np.zeros(grid.cells[1:]), temperature, np.full(grid.cells, 35.0))
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    exact = -centre * fluid.gravity * fluid.thermal_expansion * 1.0e-4
    assert np.allclose(u[:, :, 1:], exact[:, None, None], rtol=1e-10)
    assert (v == 0.0).all()


def stratified(grid):
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    profiles = 2.0 + 15.0 * np.exp(centre / 800.0), 35.0 + 1e-4 * centre
    return tuple(np.broadcast_to(profile[:, None, None], grid.cells) for profile in profiles)


@pytest.mark.parametrize("substeps", [1, 10])
def test_a_stratified_ocean_stays_at_rest_over_a_ridge(numpy_backend, substeps):
    grid = channel((8, 7, 10))
    parameters = Parameters(Ocean(), time_step=150.0 * substeps**0.5, substeps=substeps,
                            tracer_names=("temperature", "salinity"))
    model = Model(grid, parameters, numpy_backend)
    fields = fields_of(model.steps(initial_state(grid, surface=0.0, tracers=stratified(grid)), 200))
    # measured 1e-14; an error of the discretisation would be larger by many powers of ten
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12
    assert np.abs(fields["surface"]).max() < 1e-11


def test_an_ocean_whose_levels_follow_the_bottom_is_at_rest_if_its_density_is_uniform(numpy_backend):
    grid = channel(terrain_following=True, land=None)
    model = Model(grid, Parameters(Ocean(), time_step=200.0, tracer_names=("temperature", "salinity")), numpy_backend)
    state = initial_state(grid, surface=0.0, tracers=(np.full(grid.cells, 17.0), np.full(grid.cells, 30.0)))
    fields = fields_of(model.steps(state, 100))
    # phi and b s are some 50 m2/s2 each: round-off 1e-14 over 1e5 m and 2e4 s is 1e-15 m/s a term
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12


def atmosphere_at_rest(backend, theta_of_exner, geopotential=0.0, steps=50):
    fluid = Atmosphere()
    grid = sphere((6, 10, 16), interfaces=uniform(6, 0.0, 1.0e5)).with_surface_geopotential(geopotential)
    exner = fluid.reference_s(grid.interfaces)[1][:, None, None]
    # theta is uniform in a layer; the surface pressure is in balance with the ground
    surface = 1.0e5 * (1.0 - geopotential / (fluid.heat_capacity * 300.0)) ** (1.0 / fluid.kappa)
    theta = np.broadcast_to(theta_of_exner(exner), grid.cells)
    model = Model(grid, Parameters(fluid, time_step=600.0, tracer_names=("potential_temperature",)), backend)
    state = initial_state(grid, surface=surface, tracers=(theta,))
    return fields_of(state), fields_of(model.steps(state, steps))


PROFILES = {"isothermal": lambda exner: 260.0 / exner, "isentropic": lambda exner: 300.0 + 0.0 * exner}


@pytest.mark.parametrize("theta", PROFILES.values(), ids=PROFILES)
def test_air_stays_at_rest_over_flat_ground(numpy_backend, theta):
    before, after = atmosphere_at_rest(numpy_backend, theta)
    assert (after["u"] == 0.0).all() and (after["v"] == 0.0).all()  # no two columns differ: exact
    assert (after["surface"] == before["surface"]).all()


def test_isentropic_air_stays_at_rest_over_mountains(numpy_backend):
    longitude, latitude = np.radians(np.arange(16) * 22.5)[None, :], np.radians(np.arange(10) * 18.0 - 81.0)[:, None]
    mountains = 9.8 * 2000.0 * np.cos(latitude) ** 2 * np.cos(2.0 * longitude) ** 2
    before, after = atmosphere_at_rest(numpy_backend, lambda exner: 300.0 + 0.0 * exner, mountains)
    # phi is 3e5 m2/s2: one unit in its last place over 100 km for 8 hours is 2e-11 m/s
    assert max(np.abs(after["u"]).max(), np.abs(after["v"]).max()) < 1e-9
    assert np.abs(after["surface"] / before["surface"] - 1.0).max() < 1e-11
    assert np.ptp(before["surface"]) > 1e4
