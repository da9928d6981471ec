"""Seawater: the density of TEOS-10, its slopes, what single precision keeps of it, and an ocean that has it."""

import numpy as np
import pytest
from conftest import channel, create, fields_of

from dycore import Model, cases, seawater
from dycore.equations import column, pressure
from dycore.fluid import Ocean
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.tiles import HALO_LEVELS

gsw = pytest.importorskip("gsw")


@pytest.fixture(scope="module")
def waters():
    """Absolute salinity (g/kg), conservative temperature (degree C) and pressure (dbar) of waters that oceans have."""
    random = np.random.default_rng(20240229)
    salinity, temperature, pressure = (random.uniform(*limits, 40000) for limits in ((0.0, 42.0), (-2.0, 33.0), (0.0, 8000.0)))
    found = (gsw.infunnel(salinity, temperature, pressure) == 1) & (temperature > gsw.CT_freezing(salinity, pressure, 0.0))
    assert found.sum() > 10000
    return salinity[found], temperature[found], pressure[found]


def density(*water):
    return sum(seawater.density(*water))


def test_the_density_is_that_which_its_authors_print():
    """The check values of polyTEOS10-bsq: 30 g/kg, 10 degrees C, 1000 m, to all their digits."""
    profile, anomaly = seawater.density(30.0, 10.0, 1000.0)
    assert abs(profile - 4.59763035) < 0.5e-8
    assert abs(anomaly - 1022.85377) < 0.5e-5
    assert abs(profile + anomaly - 1027.45140) < 0.5e-5


def test_the_slopes_of_density_are_those_which_its_authors_print():
    """Thermal expansion (kg/m3/K) and haline contraction (kg/m3 per g/kg) at the same point."""
    step = 1.0e-3  # errors: third derivatives times 1e-7, round-off 1e-13 over the step
    expansion = -(density(30.0, 10.0 + step, 1000.0) - density(30.0, 10.0 - step, 1000.0)) / (2.0 * step)
    contraction = (density(30.0 + step, 10.0, 1000.0) - density(30.0 - step, 10.0, 1000.0)) / (2.0 * step)
    assert abs(expansion - 0.179646281) < 1e-8
    assert abs(contraction - 0.765555368) < 1e-8


def test_the_density_is_that_of_teos_10_in_the_ocean(waters):
    """Against the Gibbs function itself: better than a salinometer, whose 0.002 g/kg are 1.5e-3 kg/m3."""
    salinity, temperature, pressure = waters
    exact = gsw.rho_t_exact(salinity, gsw.t_from_CT(salinity, temperature, pressure), pressure)
    error = density(*waters) - exact
    assert np.abs(error).max() < 1.5e-3
    assert np.sqrt((error**2).mean()) < 4e-4  # measured 3.2e-4, of a fit with 55 terms


def test_the_slopes_of_density_are_those_of_teos_10_to_a_thousandth(waters):
    """The paper: relative errors of 0.1 % on the thermal expansion coefficients."""
    salinity, temperature, pressure = waters
    step, rho = 1.0e-3, gsw.rho(*waters)
    expansion = -(density(salinity, temperature + step, pressure) - density(salinity, temperature - step, pressure)) / (2.0 * step)
    contraction = (density(salinity + step, temperature, pressure) - density(salinity - step, temperature, pressure)) / (2.0 * step)
    for ours, theirs in ((expansion, rho * gsw.alpha(*waters)), (contraction, rho * gsw.beta(*waters))):
        assert np.sqrt(((ours - theirs) ** 2).mean()) < 1e-3 * np.abs(theirs).mean()


def test_buoyancy_is_density_less_that_of_one_water(waters):
    difference = density(*waters) - density(seawater.SALINITY, seawater.TEMPERATURE, waters[2])
    # the terms of the polynomial are up to 1e3 to 1e4 kg/m3, and some fifty of them
    assert np.abs(seawater.heaviness(*waters) - difference).max() < 1e-11


def test_single_precision_keeps_a_hundred_thousandth_of_a_kilogram(waters):
    """A unit in the last place of density itself is 1.2e-4 kg/m3, and the polynomial as published loses ten of them."""
    single = [water.astype(np.float32) for water in waters]
    exact = seawater.heaviness(*(water.astype(float) for water in single))
    kept = seawater.heaviness(*single)
    assert kept.dtype == np.float32
    # the anomaly is up to 30 kg/m3 in fresh water, one unit of it 2e-6; 5 kg/m3 in the open ocean
    assert np.abs(kept - exact).max() < 1.5e-5
    salt = single[0] > 30.0
    assert np.abs(kept - exact)[salt].max() < 4e-6


def test_cold_water_yields_more_to_pressure_than_warm_water():
    """Thermobaricity: of two waters of the same density at the surface, the colder is the heavier one at depth."""
    cold, warm = (35.0, 1.0), (35.59, 5.834)
    assert abs(float(seawater.heaviness(*cold, 0.0) - seawater.heaviness(*warm, 0.0))) < 0.01
    change = (seawater.heaviness(*cold, 4000.0) - seawater.heaviness(*cold, 0.0)
              - seawater.heaviness(*warm, 4000.0) + seawater.heaviness(*warm, 0.0))
    theirs = gsw.rho(*cold, 4000.0) - gsw.rho(*cold, 0.0) - gsw.rho(*warm, 4000.0) + gsw.rho(*warm, 0.0)
    assert change > 0.3 and abs(change - theirs) < 2e-3  # the errors of four densities


def test_the_pressure_of_a_column_is_that_of_its_density(numpy_backend):
    """phi at the floor is g eta plus the integral of the buoyancy, at the heights where the levels are."""
    grid = channel(bottom=None, land=None)
    fluid = Ocean(buoyancy=seawater.teos10)
    surface = 3.0
    height = (0.5 * (grid.interfaces[1:] + grid.interfaces[:-1]) + 4000.0) * (4000.0 + surface) / 4000.0 - 4000.0
    temperature, salinity = 2.0 + 15.0 * np.exp(height / 800.0), 35.0 + 1e-4 * height
    whole = [np.broadcast_to(profile[:, None, None], grid.cells) for profile in (temperature, salinity)]
    model = Model(grid, Parameters(fluid, time_step=1.0, tracer_names=("temperature", "salinity")), numpy_backend)
    state = initial_state(grid, surface=surface, tracers=tuple(whole))
    made = column.Column(*numpy_backend.apply(column.columns, grid.tile.region.columns, grid.metrics, fluid, state.surface))
    carried, (_, b) = numpy_backend.sweep(pressure.layer_phi, pressure.surface_phi, grid.tile.region, -1, grid.metrics, made,
                                          model.equations.heights, fluid, state.surface, state.tracers)
    anomaly = density(salinity, temperature, -height) - density(seawater.SALINITY, seawater.TEMPERATURE, -height)
    exact = -fluid.gravity / fluid.reference_density * anomaly
    assert np.allclose(b.array, exact[:, None, None], rtol=0.0, atol=1e-13)
    weight = (np.diff(grid.interfaces) * exact).sum() * (4000.0 + surface) / 4000.0
    assert np.allclose(carried[0].array, fluid.gravity * surface - weight, rtol=1e-12)


def test_an_ocean_of_real_seawater_stays_at_rest_over_a_ridge(numpy_backend):
    grid = channel((8, 7, 10))
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    profiles = 2.0 + 15.0 * np.exp(centre / 800.0), 35.0 + 1e-4 * centre
    parameters = Parameters(Ocean(buoyancy=seawater.teos10), time_step=150.0, tracer_names=("temperature", "salinity"))
    state = initial_state(grid, surface=0.0, tracers=tuple(np.broadcast_to(p[:, None, None], grid.cells) for p in profiles))
    fields = fields_of(Model(grid, parameters, numpy_backend).steps(state, 200))
    # measured 1e-14; an error of the discretisation would be larger by many powers of ten
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12


@stencil
def of_levels(k, j, i, fluid, height, surface, tracers):
    """Of levels that follow the surface (m/s2)."""
    return fluid.buoyancy(k, j, i, fluid, height[k] + surface[j, i], tracers)


def buoyancies(backend, precision):
    """The buoyancy of the channel's water as real seawater (m/s2), under a curved sea surface."""
    grid, _, state = cases.baroclinic_channel(cells=(4, 12, 16), precision=precision)
    height = np.pad(0.5 * (grid.interfaces[1:] + grid.interfaces[:-1]), 2 * [HALO_LEVELS]).astype(precision)
    surface = np.sin(np.arange(22.0, dtype=precision)) * np.ones((18, 1), precision)
    arrays = (backend.asarray(height), backend.asarray(surface), tuple(backend.asarray(tracer) for tracer in state.tracers))
    region = grid.tile.region
    return np.asarray(backend.apply(of_levels, region, Ocean(buoyancy=seawater.teos10), *arrays)[region.indices()])


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["numba", "jax"])
def test_backends_agree_on_the_buoyancy_of_real_seawater(numpy_backend, name, precision):
    one, other = buoyancies(numpy_backend, precision), buoyancies(create(name), precision)
    assert other.dtype == precision and np.ptp(one) > 0.0
    # Numba does the same in the same order; XLA contracts: some units in the last place of the polynomial's terms
    unit = 0.0 if name == "numba" else 20.0 * np.finfo(precision).eps
    assert np.abs(one - other).max() <= unit * np.abs(one).max()


def test_the_buoyancy_of_real_seawater_in_single_precision_is_that_in_double(numpy_backend):
    single, double = buoyancies(numpy_backend, "float32"), buoyancies(numpy_backend, "float64")
    # salinity itself is known to 2e-6 g/kg, a buoyancy to 2e-8 m/s2; the range is 2e-2
    assert np.abs(single - double).max() < 5e-8
    assert np.ptp(double) > 1e-2
