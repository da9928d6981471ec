"""Mixing across the levels: waves decay at the implicit rate, content and momentum are kept, drag balances wind."""

import numpy as np
import pytest
from conftest import BACKENDS, channel, content, create, fields_of

from dycore import Model
from dycore.closures import Convective, PacanowskiPhilander, Uniform, convective, pacanowski_philander
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.vertical import stretched, uniform

NZ, DEPTH, DT = 8, 400.0, 600.0


def column(side=1.0e6):
    """A doubly periodic plane of uniform levels, 50 m each, and cells of this side (m)."""
    return rectilinear((NZ, 4, 6), extent=(6.0 * side, 4.0 * side), interfaces=uniform(NZ, -DEPTH, 0.0),
                       y_boundary=Boundary.PERIODIC)


def cosine(mode):
    """A cosine over the depth without flux at its ends, and minus its discrete second difference per unit of itself (1/m2)."""
    phase = np.pi * mode * (np.arange(NZ) + 0.5) / NZ
    return np.cos(phase)[:, None, None] * np.ones((1, 4, 6)), (2.0 * np.sin(0.5 * np.pi * mode / NZ) * NZ / DEPTH) ** 2


@pytest.mark.parametrize("mode", [1, 3])
def test_a_cosine_of_tracer_decays_at_the_implicit_rate(numpy_backend, mode):
    wave, rate = cosine(mode)
    mixing = VerticalMixing(values=Uniform(0.0, 2.0))
    parameters = Parameters(shallow_water(), time_step=DT, tracer_names=("dye",), vertical_mixing=mixing)
    after = Model(column(), parameters, numpy_backend).steps(initial_state(column(), surface=0.0, tracers=(wave,)), 5)
    factor = (1.0 + DT * 2.0 * rate) ** -5
    assert factor < 0.95
    assert np.abs(interior(np.asarray(after.tracers[0])) - factor * wave).max() < 1e-14  # round-off


@pytest.mark.parametrize("component", ["u", "v"])
def test_a_cosine_of_velocity_decays_at_the_implicit_rate(numpy_backend, component):
    wave, rate = cosine(2)
    parameters = Parameters(shallow_water(), time_step=DT, vertical_mixing=VerticalMixing(values=Uniform(0.5, 0.0)))
    after = Model(column(), parameters, numpy_backend).steps(
        initial_state(column(), surface=0.0, **{component: wave}), 5)
    assert np.abs(interior(getattr(after, component)) - (1.0 + DT * 0.5 * rate) ** -5 * wave).max() < 1e-14


def test_the_content_of_a_column_is_kept_over_any_bottom(numpy_backend, random):
    grid = channel()
    tracer = random.standard_normal(grid.cells)
    mixing = VerticalMixing(convective, Convective(1e-2, 1e-2, 10.0))
    parameters = Parameters(Ocean(), time_step=DT, substeps=24, tracer_names=("temperature", "salinity"), vertical_mixing=mixing)
    before = initial_state(grid, surface=0.0, tracers=(10.0 + tracer, 35.0 + 0.0 * tracer))
    after = Model(grid, parameters, numpy_backend).steps(before, 20)
    moved = np.abs(interior(after.tracers[0]) - interior(before.tracers[0])).max()
    assert moved > 0.1  # it does mix
    assert abs(content(grid, after, 0) / content(grid, before, 0) - 1.0) < 1e-14
    assert np.abs(interior(after.tracers[1])[grid.wet] - 35.0).max() < 1e-11  # a constant stays: round-off of 20 steps


def test_convection_mixes_what_is_unstable_and_nothing_else(numpy_backend):
    grid = column()
    levels = np.linspace(5.0, 15.0, NZ)[:, None, None] + np.zeros((1, 4, 6))
    levels[-2:] = 10.0  # cold water above warm
    salinity = np.full(grid.cells, 35.0)
    parameters = Parameters(Ocean(), time_step=DT, substeps=24, tracer_names=("temperature", "salinity"),
                            vertical_mixing=VerticalMixing(convective, Convective(0.0, 0.0, 100.0)))
    after = interior(Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0, tracers=(levels, salinity)), 30)
                     .tracers[0])
    assert (np.diff(after, axis=0) > -1e-3).all()  # stable everywhere but for the rest of the last mixing
    assert np.abs(after[:4] - levels[:4]).max() < 1e-12  # deep water was stable, and was left alone
    assert abs((after - levels).sum()) < 1e-10


@pytest.mark.parametrize("richardson, viscosity, diffusivity", [
    (0.0, 5.0e-3 + 1.0e-4, 5.0e-3 + 1.0e-4 + 1.0e-5), (0.2, 1.25e-3 + 1.0e-4, 1.35e-3 / 2.0 + 1.0e-5)])
def test_richardson_number_mixing_has_the_published_values(richardson, viscosity, diffusivity):
    """Pacanowski and Philander (1981): nu = 50 cm2/s / (1 + 5 Ri)^2 + 1 cm2/s, kappa = nu / (1 + 5 Ri) + 0.1 cm2/s."""
    found = pacanowski_philander(PacanowskiPhilander(), richardson * 1.0e-4, 1.0e-4)
    assert np.allclose(found, (viscosity, diffusivity), rtol=1e-6)
    assert pacanowski_philander(PacanowskiPhilander(), -1.0e-6, 1.0e-4)[1] == 1.0


@pytest.mark.parametrize("linear, quadratic", [(5.0e-3, 0.0), (0.0, 2.0e-3)])
@pytest.mark.parametrize("component", ["u", "v"])
def test_drag_slows_the_lowest_layer_at_the_implicit_rate(numpy_backend, component, linear, quadratic):
    speed = np.zeros((NZ, 4, 6))
    speed[0] = expected = 0.8
    parameters = Parameters(shallow_water(), time_step=DT,
                            vertical_mixing=VerticalMixing(linear_drag=linear, quadratic_drag=quadratic))
    after = Model(column(), parameters, numpy_backend).steps(initial_state(column(), surface=0.0, **{component: speed}), 10)
    for _ in range(10):
        expected /= 1.0 + DT * (linear + quadratic * expected) * NZ / DEPTH
    result = interior(getattr(after, component))
    assert np.abs(result[0] - expected).max() < 1e-14 and (result[1:] == 0.0).all()


def test_wind_drives_a_couette_flow_that_bottom_drag_balances(numpy_backend):
    """In the steady state the stress is the same at all heights: r u(bottom) = tau / rho = nu du/dz."""
    stress, linear, viscosity = 0.1, 1.0e-3, 0.05
    grid = column(1.0e8)  # cells so wide that gravity waves allow long steps
    parameters = Parameters(shallow_water(), time_step=3.0e5, surface_stress=(stress, 0.0),
                            vertical_mixing=VerticalMixing(values=Uniform(viscosity, 0.0), linear_drag=linear))
    u = interior(Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0), 120).u)[:, 0, 0]
    kinematic = stress / parameters.fluid.reference_density
    # what is left of the spin-up, whose slowest e-folding is about DEPTH / linear = 1.3 steps times some
    assert np.allclose(u[0], kinematic / linear, rtol=1e-6)
    assert np.allclose(np.diff(u), kinematic / viscosity * DEPTH / NZ, rtol=1e-6)


def test_backends_agree_with_mixing_drag_and_forcing():
    """Numba bit for bit, JAX to round-off; float32 stays float32."""
    grid = channel()
    mixing = VerticalMixing(pacanowski_philander, PacanowskiPhilander(), 1.0e-4, 2.0e-3)
    depth = np.linspace(4.0, 14.0, grid.cells[0])[:, None, None]
    parameters = Parameters(Ocean(), time_step=DT, substeps=24, tracer_names=("temperature", "salinity"), vertical_mixing=mixing,
                            surface_stress=(0.1, 0.0))
    state = initial_state(grid, surface=0.0, tracers=(depth + 0.5 * np.sin(np.arange(grid.cells[2])) + np.zeros(grid.cells),
                                                      np.full(grid.cells, 35.0)))
    results = [fields_of(Model(grid, parameters, create(name)).steps(state, 12)) for name in BACKENDS]
    for name in results[0]:
        assert (results[0][name] == results[1][name]).all(), name
        assert np.allclose(results[0][name], results[2][name], rtol=1e-9, atol=1e-12), name


def test_levels_far_apart_and_a_long_step_stay_stable(numpy_backend):
    """Implicit: a diffusivity that would allow an explicit step of 3 s."""
    grid = rectilinear((NZ, 4, 6), extent=(6.0e6, 4.0e6), interfaces=stretched(NZ, DEPTH), y_boundary=Boundary.PERIODIC)
    tracer = np.random.default_rng(3).uniform(0.0, 1.0, grid.cells)
    parameters = Parameters(shallow_water(), time_step=DT, tracer_names=("dye",),
                            vertical_mixing=VerticalMixing(values=Uniform(0.0, 50.0)))
    after = Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0, tracers=(tracer,)), 50)
    mean = (np.diff(grid.interfaces)[:, None, None] * tracer).sum(axis=0) / DEPTH
    assert np.allclose(interior(after.tracers[0]), mean, rtol=1e-9)  # mixed to the mean of each column


def test_numbers_of_a_scheme_do_not_turn_a_model_of_single_precision_into_one_of_double(numpy_backend):
    grid = rectilinear((3, 4, 5), extent=(5e5, 4e5), interfaces=uniform(3, -600.0, 0.0), precision="float32")
    parameters = Parameters(Ocean(), time_step=300.0, tracer_names=("temperature", "salinity"),
                            vertical_mixing=VerticalMixing(convective, Convective(unstable=0.1), linear_drag=1e-4))
    upside_down = np.broadcast_to(np.array([12.0, 8.0, 4.0])[:, None, None], grid.cells)
    state = initial_state(grid, surface=0.0, tracers=(upside_down, np.full(grid.cells, 35.0)), u=0.1)
    after = Model(grid, parameters, numpy_backend).steps(state, 20)
    assert after.u.dtype == np.float32 and np.ptp(interior(after.tracers[0])[:, 1, 1]) < 7.9
