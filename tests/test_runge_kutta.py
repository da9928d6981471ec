"""Runge-Kutta stages: their order and stability, what they keep, and that they are the scheme that was analysed."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from conftest import channel, content, create, fields_of

from dycore import Model, cases
from dycore.closures import Convective, convective
from dycore.equations import advection, barotropic
from dycore.equations.steppers import AdamsBashforth3, WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state, without_history
from dycore.tiles import Boundary
from dycore.vertical import uniform

TEXTBOOK = WickerSkamarock()
HALF = WickerSkamarock(theta=0.5)


def plane(nx=12, coriolis=0.0, depth=1000.0, dx=1.0e5):
    """A periodic f-plane of one layer."""
    return rectilinear((1, 3, nx), extent=(dx * nx, 3.0 * dx), interfaces=uniform(1, -depth, 0.0), coriolis=coriolis,
                       y_boundary=Boundary.PERIODIC)


def with_stages(case, stepper=TEXTBOOK, **changes):
    grid, parameters, state = case
    return grid, dataclasses.replace(parameters, stepper=stepper, **changes), state


# The scheme on paper ---------------------------------------------------------------------------------


def exponential(z):
    """What three stages make of exp(z)."""
    return 1.0 + z + z**2 / 2.0 + z**3 / 6.0


def stepped(start, pressure_u, divergence, doppler, coriolis_u, coriolis_v, stepper, substeps=1):
    """(u, v, surface), amplitudes of one wave, a step later: the linear scheme of the model, written once more.

    All coefficients times the time step: du = pressure_u * surface + coriolis_u v, dv = coriolis_v u,
    dsurface = divergence u, all of it carried by the flow (doppler).
    """
    reached = start
    for stage in stepper.stages:
        u, v, surface = reached
        push = doppler * u + coriolis_u * v + pressure_u * surface, doppler * v + coriolis_v * u
        new_u, new_v = (old + stage.fraction * change for old, change in zip(start, push, strict=False))
        if substeps == 1:
            transport_velocity = stage.off_centring * new_u + (1.0 - stage.off_centring) * u
            new_surface = start[2] + stage.fraction * (doppler * surface + divergence * transport_velocity)
        else:
            weights = barotropic.averaging_weights(substeps)
            if not stage.last:
                weights = barotropic.plain_weights(int(np.ceil(stage.fraction / weights.substep)))
            length, change = stage.fraction * weights.substep, start[2] - surface
            fast_u, fast_v, new_u, new_v, new_surface = start[0], start[1], 0.0, 0.0, 0.0
            for weight in weights.velocity:
                fast_u = fast_u + length * (push[0] + pressure_u * change)
                fast_v = fast_v + length * push[1]
                change = change + length * (divergence * fast_u + doppler * (surface + change))
                new_u, new_v = new_u + weight * fast_u, new_v + weight * fast_v
                new_surface = new_surface + weight * (surface + change)
        reached = new_u, new_v, new_surface
    return reached


def largest_growth(stepper, wave, doppler=0.0, coriolis=0.0, substeps=1):
    """Growth per step, less one, of the fastest growing mode; arguments times the time step."""
    columns = [stepped(tuple(column), -1j * wave, -1j * wave, -1j * doppler, coriolis, -coriolis, stepper, substeps)
               for column in np.eye(3, dtype=complex)]
    return np.abs(np.linalg.eigvals(np.array(columns))).max() - 1.0


@pytest.mark.parametrize("stepper, doppler, largest", [(TEXTBOOK, 0.0, 1.73), (TEXTBOOK, 0.1, 1.63), (TEXTBOOK, 0.4, 1.33),
                                                       (HALF, 0.0, 3.05), (HALF, 0.05, 2.97)])
def test_waves_are_stable_up_to_the_square_root_of_three_and_nearly_twice_that_with_new_velocities(stepper, doppler, largest):
    """Of the textbook what counts is the frequency seen by the grid: wave and mean flow add up."""
    growth = [largest_growth(stepper, wave, doppler, 0.03) for wave in np.arange(0.05, largest, 0.02)]
    assert max(growth) < 1e-5
    assert largest_growth(stepper, largest + 0.08, doppler, 0.03) > 1e-3  # the step of the search and rotation, 0.03


def test_the_limits_that_the_steppers_name_are_those_of_the_analysis():
    assert TEXTBOOK.waves == pytest.approx(np.sqrt(3.0), abs=0.01)
    assert HALF.waves == pytest.approx(3.08, abs=0.01)
    for stepper, substeps in ((TEXTBOOK, 5), (TEXTBOOK, 24), (HALF, 24)):
        assert largest_growth(stepper, 1e-3, 0.0, stepper.rotation) < 1e-5
        waves = np.linspace(0.05, 0.98 * 2.0 / barotropic.averaging_weights(substeps).substep, 100)
        assert max(largest_growth(stepper, wave, 0.0, 0.99 * stepper.rotation_split, substeps) for wave in waves) < 1e-5
    assert max(largest_growth(TEXTBOOK, wave, 0.0, 1.4, 24) for wave in waves) > 1e-2


def test_new_velocities_let_waves_on_a_fast_flow_grow_and_the_textbook_does_not():
    waves = np.arange(0.05, 1.4, 0.05)
    assert max(largest_growth(HALF, wave, 0.2, 0.03) for wave in waves) > 5e-4
    assert max(largest_growth(TEXTBOOK, wave, 0.2, 0.03) for wave in waves) < 0.0


# The scheme in the model -----------------------------------------------------------------------------


def test_an_inertial_oscillation_is_the_polynomial_of_third_order(numpy_backend):
    f, n = 1.0e-4, 16
    model = Model(plane(4, f), Parameters(shallow_water(1e-12), time_step=1000.0, stepper=TEXTBOOK), numpy_backend)
    after = fields_of(model.steps(initial_state(model.grid, surface=0.0, u=1.0), n))
    factor = exponential(-1j * f * 1000.0)
    assert after["u"][0, 1, 1] + 1j * after["v"][0, 1, 1] == pytest.approx(factor**n, abs=1e-13)  # round-off of 16 steps
    assert abs(factor**n - np.exp(-1j * f * 1000.0 * n)) == pytest.approx(n * (f * 1000.0) ** 4 / 24.0, rel=0.05)  # third order


def test_a_tracer_in_a_frozen_flow_is_the_polynomial_of_third_order(numpy_backend):
    """Centred differences turn a wave by i sin(k dx) times the Courant number: 0.9 here, where Adams-Bashforth blows up."""
    nx, courant, n = 12, 0.9, 20
    parameters = Parameters(Ocean(gravity=0.0, surface_gravity=1e-12), time_step=courant * 1.0e5, stepper=TEXTBOOK,
                            tracer_names=("temperature", "salinity"), tracer_face=advection.centred)
    grid = plane(nx)
    phase = 2.0 * np.pi * np.arange(nx) / nx * 2.0
    state = initial_state(grid, surface=0.0, u=1.0, tracers=(np.broadcast_to(np.cos(phase), (1, 3, nx)), 35.0))
    after = fields_of(Model(grid, parameters, numpy_backend).steps(state, n))
    expected = (exponential(-1j * courant * np.sin(4.0 * np.pi / nx)) ** n * np.exp(1j * phase)).real
    assert np.abs(after["tracer 0"] - expected).max() < 1e-12  # round-off of 20 steps


@pytest.mark.parametrize("stepper, substeps, time_step", [(TEXTBOOK, 1, 500.0), (HALF, 1, 500.0), (TEXTBOOK, 12, 4000.0),
                                                          (HALF, 12, 4000.0)])
def test_the_model_steps_a_rotating_gravity_wave_as_the_linear_scheme_does(numpy_backend, stepper, substeps, time_step):
    """With substeps every stage begins at the surface at the beginning of the step, and counts its pressure once."""
    nx, f, depth, gravity, small, steps = 12, 1.0e-4, 1000.0, 9.81, 1e-8, 10
    grid = plane(nx, f)
    phase = 2.0 * np.pi * np.arange(nx) / nx
    state = initial_state(grid, surface=np.broadcast_to(small * np.cos(phase), (3, nx)),
                          v=np.broadcast_to(0.3 * small * np.sin(phase), (1, 3, nx)))
    parameters = Parameters(shallow_water(gravity), time_step=time_step, substeps=substeps, stepper=stepper)
    after = fields_of(Model(grid, parameters, numpy_backend).steps(state, steps))

    # surface and v stand in the middle of a cell, u on its west face: shift of half a cell
    half = np.exp(-1j * np.pi / nx)
    difference, mean = (1.0 - half**2) / 1.0e5, 0.5 * (1.0 + half**2)
    amplitudes = 0.0, -0.3j * small, small
    for _ in range(steps):
        amplitudes = stepped(amplitudes, -time_step * gravity * difference, time_step * depth * np.conj(difference), 0.0,
                             time_step * f * mean, -time_step * f * np.conj(mean), stepper, substeps)
    for name, amplitude in zip(("u", "v", "surface"), amplitudes, strict=True):
        expected = (amplitude * np.exp(1j * phase)).real
        # what is not linear is smaller by the amplitude over the depth, 1e-11
        assert np.abs(after[name].reshape(-1, nx)[1] - expected).max() < 1e-7 * max(abs(amplitude), 1e-3 * small), name


def wave(stepper, cells=(3, 8, 12), **options):
    return with_stages(cases.baroclinic_wave(cells=cells, **options), stepper)


def after_time(case, backend, seconds):
    grid, parameters, state = case
    return fields_of(Model(grid, parameters, backend).steps(state, round(seconds / parameters.time_step)))


def test_errors_of_a_whole_atmosphere_fall_with_the_third_order(numpy_backend):
    """Weakly nonlinear, so nearly the order of the linear scheme; anything that lags (W, or the thickness) would leave first."""
    states = [after_time(wave(TEXTBOOK, time_step=2400.0 / n), numpy_backend, 1.2e4) for n in (3, 6, 12)]
    for name in ("u", "v", "surface", "tracer 0"):
        coarse, fine = (np.abs(one[name] - other[name]).max() for one, other in pairwise(states))
        assert 6.0 < coarse / fine < 11.0, name  # 8, and what the next order leaves; 4 for second, 2 for first order


def test_both_steppers_go_to_the_same_state_as_the_step_gets_shorter(numpy_backend):
    apart = []
    for n in (4, 8):
        one, other = (after_time(wave(stepper, time_step=2400.0 / n), numpy_backend, 2.4e4)
                      for stepper in (TEXTBOOK, AdamsBashforth3()))
        apart.append({name: np.abs(one[name] - other[name]).max() / np.ptp(one[name]) for name in ("u", "surface", "tracer 0")})
    for name, far in apart[0].items():
        assert apart[1][name] < min(0.75 * far, 0.02), name  # the pressure of AB3 is of first order: at best half


def ocean(substeps=12, **changes):
    """A channel with land and a ridge, with substeps, friction, mixing across the levels, and one tracer that is constant."""
    grid = channel()
    random = np.random.default_rng(7)
    temperature = 10.0 + 0.002 * np.linspace(-4000.0, 0.0, grid.cells[0])[:, None, None] + random.standard_normal(grid.cells)
    parameters = Parameters(
        Ocean(), time_step=1500.0, substeps=substeps, tracer_names=("temperature", "salinity"), stepper=TEXTBOOK,
        friction=Mixing(500.0, 500.0), diffusivity=100.0, surface_stress=(np.full(grid.cells[1:], 0.1), 0.0),
        vertical_mixing=VerticalMixing(convective, Convective(viscosity=1e-2), linear_drag=1e-4))
    return grid, dataclasses.replace(parameters, **changes), initial_state(
        grid, surface=0.1 * random.standard_normal(grid.cells[1:]), u=0.1 * random.standard_normal(grid.cells),
        tracers=(temperature, 35.0))


@pytest.mark.parametrize("case", [lambda: ocean(), lambda: ocean(stepper=HALF), lambda: ocean(substeps=1, time_step=100.0),
                                  lambda: wave(TEXTBOOK), lambda: wave(HALF)])
def test_mass_and_tracers_are_kept_and_a_constant_tracer_stays(numpy_backend, case):
    grid, parameters, state = case()
    state = state._replace(tracers=(*state.tracers[:-1], 0.0 * state.tracers[-1] + 35.0))
    after = Model(grid, parameters, numpy_backend).steps(state, 20)
    for m in (None, *range(len(parameters.tracer_names))):
        assert abs(content(grid, after, m) / content(grid, state, m) - 1.0) < 3e-15 * 20, m  # a unit in the last place a stage
    wet = np.asarray(interior(after.tracers[-1]))[grid.wet]
    assert np.abs(wet / 35.0 - 1.0).max() < 1e-13  # round-off of W through the levels, or of the filter, 60 times
    assert np.abs(fields_of(after)["u"]).max() > 0.01


def test_a_step_needs_no_history(numpy_backend):
    grid, parameters, state = ocean()
    model = Model(grid, parameters, numpy_backend)
    state = model.steps(state, 2)
    assert state == without_history(state)  # nothing is kept that would have to be written to a restart file
    noise = np.full_like(state.u, 1e30)
    begin = initial_state(grid, surface=0.0, tracers=(0.0, 0.0))
    other = begin._replace(u=state.u, v=state.v, surface=state.surface, tracers=state.tracers, w=noise,
                           history=tuple(past._replace(tendency_u=noise) for past in begin.history))
    one, other = fields_of(model.step(state)), fields_of(model.step(other))
    assert all((one[name] == other[name]).all() for name in one)


def test_adams_bashforth_refuses_a_state_without_history(numpy_backend):
    grid, parameters, state = cases.steady_zonal_flow(cells=(1, 12, 16))
    with pytest.raises(ValueError, match="no history, which Adams-Bashforth needs"):
        Model(grid, parameters, numpy_backend).step(without_history(state))


@pytest.mark.parametrize("theta", [-0.1, 1.5, np.nan])
def test_a_share_that_is_none_is_refused(theta):
    with pytest.raises(ValueError, match="must be between 0, the velocity before a stage, and 1"):
        WickerSkamarock(theta=theta)


def test_rotation_allows_a_channel_with_substeps_four_times_the_step(numpy_backend):
    """f dt = 0.66 without friction, where Adams-Bashforth may not be more than 0.24 (both by linear analysis)."""
    def run(stepper, steps):
        grid = rectilinear((2, 6, 16), extent=(3.2e6, 1.2e6), interfaces=uniform(2, -1000.0, 0.0), coriolis=1.1e-4)
        parameters = Parameters(Ocean(), time_step=6000.0, substeps=12, tracer_names=("temperature", "salinity"), stepper=stepper)
        noise = 0.01 * np.random.default_rng(3).standard_normal((6, 16))
        state = initial_state(grid, surface=noise, tracers=(np.linspace(8.0, 12.0, 2)[:, None, None] + np.zeros(grid.cells), 35.0))
        return np.abs(fields_of(Model(grid, parameters, numpy_backend).steps(state, steps))["u"]).max()

    assert run(TEXTBOOK, 150) < 0.1
    with pytest.raises(ValueError, match="rotation allow"):
        run(AdamsBashforth3(), 1)


@pytest.mark.slow  # three stages take three times as long to compile
@pytest.mark.parametrize("other, tolerance", [("numba", 0.0), ("jax", 1e-11)])
def test_backends_agree_on_stages(numpy_backend, other, tolerance):
    """Numba to the last bit; XLA contracts and reorders."""
    grid, parameters, state = with_stages(cases.baroclinic_channel(cells=(4, 12, 16), time_step=1800.0))
    ones, others = (fields_of(Model(grid, parameters, backend).steps(state, 5)) for backend in (numpy_backend, create(other)))
    for name, one in ones.items():
        assert np.abs(one - others[name]).max() <= tolerance * np.ptp(one), name
