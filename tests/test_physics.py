"""Forcings: what they give is what the budget finds, they add up, and the published equilibria are theirs."""

import pickle
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from conftest import content, create, fields_of

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.equations.column import Column, columns
from dycore.fluid import Atmosphere, Ocean
from dycore.forcing import Forcing, Instant, forces
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.parameters import Parameters
from dycore.physics import heat_flux, held_suarez, surface_flux, surface_relaxation
from dycore.physics.held_suarez import logarithm_near_one
from dycore.state import initial_state
from dycore.stencils import stencil
from dycore.terms import Term, Vector
from dycore.tiles import Boundary
from dycore.vertical import stretched, uniform

DT = 600.0


class Push(NamedTuple):
    strength: Any


@stencil
def push(k, j, i, grid, column, values, now):
    return values.strength[j, i]


def pushed_by_another(pattern):
    """A forcing with values of the same name as those of `push`, and other fields."""
    class Push(NamedTuple):
        wind: float
        pattern: Any

    @stencil
    def blow(k, j, i, grid, column, values, now):
        return values.wind * values.pattern[j, i]

    return Forcing(u=blow, values=Push(2e-6, pattern))


@stencil
def drain(k, j, i, grid, column, values, now):
    return -values.strength * now.tracers[1][k, j, i]


def basin(nz=3):
    return rectilinear((nz, 5, 6), extent=(6.0e4, 5.0e4), interfaces=stretched(nz, 300.0), y_boundary=Boundary.PERIODIC)


def still(grid):
    salinity = np.full(grid.cells, 35.0)
    return initial_state(grid, surface=0.0, tracers=(np.full(grid.cells, 12.0), salinity))


def run(grid, backend, forcing, steps=10):
    parameters = Parameters(Ocean(), time_step=DT, substeps=24, tracer_names=("temperature", "salinity"), forcing=forcing)
    return Model(grid, parameters, backend).steps(still(grid), steps)


@pytest.fixture(scope="module")
def pushed_and_drained(backend):
    """The fields after ten steps under three forces and a sink of a tracer: one program to compile for three tests."""
    grid = basin()
    one = Forcing(u=push, values=Push(np.full(grid.cells[1:], 1.0e-5)))
    other = Forcing(u=push, v=push, values=Push(np.full(grid.cells[1:], 2.0e-5)))
    drained = Forcing(tracers=(drain,), values=Push(1.0e-6))
    return fields_of(run(grid, backend, (one, other, drained, pushed_by_another(np.full(grid.cells[1:], 2.0)))))


def test_constant_pushes_accelerate_and_add_up_also_where_their_values_have_one_name_and_other_fields(pushed_and_drained):
    """Numba tells types apart by their names."""
    after = pushed_and_drained
    # the extrapolation of a constant is the constant
    assert np.allclose(after["u"], 3.4e-5 * 10 * DT, rtol=1e-12) and np.allclose(after["v"], 2.0e-5 * 10 * DT, rtol=1e-12)


def test_a_case_without_forcing_asks_for_none():
    velocity, tracers = forces(None, None, (), Instant(None, None, None, None, (None,)))
    assert velocity == Vector() and tracers == (Term(),)
    assert Forcing() == Forcing(None, None, (), ())


def test_a_heat_flux_raises_the_heat_content_by_what_it_brings(numpy_backend):
    grid = basin()
    flux = 200.0 + 50.0 * np.arange(6.0) + np.zeros(grid.cells[1:])  # W/m2
    before, after = still(grid), run(grid, numpy_backend, (heat_flux(0, flux),))
    brought = (flux * interior(grid.metrics.area)).sum() * 10 * DT / (1025.0 * 3991.86795711963)
    assert np.isclose(content(grid, after, 0) - content(grid, before, 0), brought, rtol=1e-8)  # a difference of large numbers
    assert abs(content(grid, after, 1) / content(grid, before, 1) - 1.0) < 1e-14


def test_fluxes_of_two_tracers_do_not_mix(numpy_backend):
    grid = basin()
    after = run(grid, numpy_backend, (surface_flux(1, np.full(grid.cells[1:], 1.0e-6)),), steps=1)
    salinity = interior(after.tracers[1])
    assert np.allclose(salinity[-1], 35.0 + DT * 1.0e-6 / np.diff(grid.interfaces)[-1], rtol=1e-13)
    assert (interior(after.tracers[0]) == 12.0).all() and (salinity[:-1] == 35.0).all()


def test_relaxation_moves_the_uppermost_layer_towards_its_target(numpy_backend):
    grid = basin()
    state = run(grid, numpy_backend, (surface_relaxation(1, np.full(grid.cells[1:], 36.0), 30.0 * DT),), steps=20)
    salinity = interior(state.tracers[1])
    assert np.allclose(36.0 - salinity[-1], (1.0 - 1.0 / 30.0) ** 20, rtol=1e-4)  # the density difference moves water a little
    with pytest.raises(ValueError, match=r"seconds=-3.0 must be the time scale of the relaxation, a positive number"):
        surface_relaxation(1, 36.0, -3.0)


def test_a_forcing_may_read_another_tracer(pushed_and_drained):
    assert np.allclose(pushed_and_drained["tracer 0"], 12.0 - 1.0e-6 * 35.0 * 10 * DT, rtol=1e-12)


def test_the_short_logarithm_is_as_good_as_it_says():
    x = np.linspace(0.5, 2.0, 1001)
    assert np.abs(logarithm_near_one(x) - np.log(x)).max() < 1e-5
    near = np.linspace(0.95, 1.05, 101)
    assert np.abs(logarithm_near_one(near) - np.log(near)).max() < 1e-13


@pytest.mark.parametrize("surface_pressure", [1.0e5, 0.9e5])
def test_the_equilibrium_of_held_and_suarez_is_the_published_one(numpy_backend, surface_pressure):
    """Where the rate of temperature vanishes: T_eq of their table, from pressure and latitude alone."""
    fluid = Atmosphere()
    grid = latitude_longitude((8, 10, 16), interfaces=uniform(8, 0.0, 1.0e5))
    forcing = held_suarez(grid, fluid)
    surface = np.full(grid.tile.region.padded[1:], surface_pressure)
    column = Column(*(made.array for made in numpy_backend.apply(columns, grid.tile.region.columns, grid.metrics, fluid, surface)))
    j, i = 5, 3
    _, exner = fluid.reference_s(grid.interfaces)
    exner = exner * (surface_pressure / 1.0e5) ** fluid.kappa
    pressure = 1.0e5 * exner ** (1.0 / fluid.kappa)
    latitude = np.radians(grid.y[j])
    equilibrium = np.maximum(200.0, (315.0 - 60.0 * np.sin(latitude) ** 2 - 10.0 * np.log(pressure / 1.0e5) * np.cos(latitude) ** 2)
                             * (pressure / 1.0e5) ** fluid.kappa)
    assert equilibrium[0] == 200.0 and 270.0 < equilibrium[-1] < 315.0
    sigma = (grid.interfaces[1:] + grid.interfaces[:-1]) / 2.0e5
    rate = 1.0 / 40.0 + (0.25 - 1.0 / 40.0) * np.maximum(0.0, (sigma - 0.7) / 0.3) * np.cos(latitude) ** 4  # 1/day
    for k in range(8):
        theta = np.full((8, 10, 16), 300.0)
        found = forcing.tracers[0](k, j, i, None, column, forcing.values, Instant(None, None, None, None, (theta,)))
        assert np.isclose(found, -rate[k] / 86400.0 * (300.0 - equilibrium[k] / exner[k]), rtol=1e-9)


def test_drag_near_the_ground_is_a_day_and_above_it_nothing():
    grid = latitude_longitude((10, 10, 16), interfaces=uniform(10, 0.0, 1.0e5))
    drag = held_suarez(grid, Atmosphere()).values.drag * 86400.0
    assert (drag[:7] == 0.0).all() and np.allclose(drag[7:], (np.array([0.75, 0.85, 0.95]) - 0.7) / 0.3)


def test_the_forcing_of_a_sphere_is_refused_on_a_plane():
    with pytest.raises(ValueError, match="give a grid made by latitude_longitude"):
        held_suarez(basin(), Atmosphere())


def test_held_suarez_is_the_same_on_all_backends(backend, numpy_backend):
    grid, parameters, state = cases.held_suarez((4, 10, 16))
    ours, reference = (fields_of(Model(grid, parameters, b).steps(state, 20)) for b in (backend, numpy_backend))
    for name, values in ours.items():
        if backend.name == "jax":
            assert np.allclose(values, reference[name], rtol=1e-9, atol=1e-9), name
        else:
            assert (values == reference[name]).all(), name


def test_a_profile_of_a_forcing_is_read_at_its_level(numpy_backend):

    class Profile(NamedTuple):
        rate: Any

    @stencil
    def by_level(k, j, i, grid, column, values, now):
        return values.rate[k]

    rates = np.array([1.0, 2.0, 3.0]) * 1e-6
    after = run(basin(), numpy_backend, (Forcing(tracers=(None, by_level), values=Profile(rates)),), steps=1)
    assert np.allclose(interior(after.tracers[1])[:, 0, 0] - 35.0, DT * rates, rtol=1e-8)  # a difference of large numbers


@pytest.mark.parametrize("name", ["numpy", "jax"])  # both refuse to mix, and all that compile record alike
def test_numbers_of_a_forcing_take_the_precision_of_the_model(name):
    grid, parameters, state = cases.held_suarez((3, 8, 12), precision="float32")
    after = fields_of(Model(grid, parameters, create(name)).steps(state, 2))
    assert all(field.dtype == np.float32 and np.isfinite(field).all() for field in after.values())


def test_models_with_forcings_that_functions_make_can_be_pickled_and_step_as_before():
    grid, parameters, state = cases.baroclinic_channel((3, 6, 8), time_step=600.0)
    parameters = replace(parameters, forcing=(surface_relaxation(1, 30.0, 1e5), surface_relaxation(0, 10.0, 1e5)))
    model = Model(grid, parameters, on_numpy)
    found = pickle.loads(pickle.dumps(model))
    assert found.parameters.forcing[0].tracers[1] is parameters.forcing[0].tracers[1]  # nothing is compiled anew
    for one, other in zip(model.steps(state, 3).tracers, found.steps(state, 3).tracers, strict=True):
        assert np.array_equal(one, other)
    grid, parameters, _ = cases.held_suarez((4, 8, 12))
    assert pickle.loads(pickle.dumps(parameters)).forcing[0].tracers == parameters.forcing[0].tracers
