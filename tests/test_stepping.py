"""The time step: its stability on paper, its order, and that the model does what was analysed."""

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model
from dycore.equations.steppers import ADAMS_BASHFORTH
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.vertical import uniform


def largest_growth(wave, doppler, share, coriolis=0.03):
    """Growth per step, less one, of the fastest growing mode of u, v, surface.

    `wave`, `doppler` and `coriolis` are c k dt, U k dt and f dt. The state has three time levels; its
    map is linear and is built column by column.
    """
    weights = ADAMS_BASHFORTH[2]
    matrix = np.zeros((9, 9), complex)
    for column in range(9):
        levels = np.eye(9)[column].reshape(3, 3).astype(complex)  # rows: now, one, two steps ago
        u, v, surface = levels.T
        pressure = -1j * wave * surface
        new_u = u[0] + weights @ (-1j * doppler * u + coriolis * v + share * pressure) + (1.0 - share) * pressure[0]
        new_v = v[0] + weights @ (-1j * doppler * v - coriolis * u)
        new_surface = surface[0] - 1j * doppler * (weights @ surface) - 1j * wave * new_u
        matrix[:, column] = np.concatenate([[new_u, new_v, new_surface], levels[0], levels[1]])
    return np.abs(np.linalg.eigvals(matrix)).max() - 1.0


def limit(doppler, share):
    """The largest c k dt up to which growth per step stays below 1e-5."""
    waves = np.arange(0.05, 2.0, 0.01)
    unstable = [wave for wave in waves if largest_growth(wave, doppler, share) > 1e-5]
    return unstable[0] if unstable else 2.0


@pytest.mark.parametrize("doppler, largest", [(0.0, 1.78), (0.05, 1.58)])
def test_waves_are_stable_up_to_the_limits_that_the_documentation_gives(doppler, largest):
    assert limit(doppler, 0.1) == pytest.approx(largest, abs=0.011)  # the grid of the search


def test_without_extrapolated_pressure_waves_on_a_mean_flow_grow_and_with_it_they_do_not():
    for wave, doppler in ((0.6, 0.02), (0.6, 0.05), (1.0, 0.05), (1.4, 0.05)):
        assert largest_growth(wave, doppler, 0.0) > 1e-3
        assert largest_growth(wave, doppler, 0.1) < 1e-6


def test_the_weights_extrapolate_a_parabola_exactly():
    """The mean of t^n over the coming step, from values at 0, -1 and -2."""
    for order, weights in enumerate(ADAMS_BASHFORTH):
        for n in range(order + 1):
            assert weights @ np.array([0.0, -1.0, -2.0]) ** n == pytest.approx(1.0 / (n + 1), abs=1e-15)


def plane(nx=12, coriolis=0.0):
    return rectilinear((1, 3, nx), extent=(1.0e5 * nx, 3.0e5), interfaces=uniform(1, -1000.0, 0.0), coriolis=coriolis,
                       y_boundary=Boundary.PERIODIC)


def rotate(backend, f, dt, steps, exact_start=False):
    """u + i v after so many steps of an inertial oscillation that starts as 1."""
    grid = plane(4, f)
    # no pressure force to speak of
    model = Model(grid, Parameters(shallow_water(1e-12), time_step=dt), backend)
    state = initial_state(grid, surface=0.0, u=1.0)
    if exact_start:
        before = [np.exp(1j * f * n * dt) for n in (1, 2)]  # exp(-i f t) at t = -dt, -2 dt
        one = np.ones_like(state.u)
        state = state._replace(step=2, history=tuple(
            past._replace(tendency_u=f * z.imag * one, tendency_v=-f * z.real * one)
            for past, z in zip(state.history, before, strict=True)))
    after = fields_of(model.steps(state, steps))
    return after["u"][0, 1, 1] + 1j * after["v"][0, 1, 1]


def test_the_scheme_is_of_third_order(numpy_backend):
    f = 1.0e-4
    errors = [abs(rotate(numpy_backend, f, 1.6e4 / n, n, exact_start=True) - np.exp(-1.6j)) for n in (16, 32, 64)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(orders - 3.0) < 0.25).all(), orders  # the next term is a tenth of the first at 16 steps


def test_starting_with_shorter_formulas_leaves_second_order(numpy_backend):
    f = 1.0e-4
    errors = [abs(rotate(numpy_backend, f, 1.6e4 / n, n) - np.exp(-1.6j)) for n in (16, 32, 64)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(orders - 2.0) < 0.3).all(), orders


def test_an_inertial_oscillation_at_45_degrees_takes_16_92_hours(numpy_backend):
    f = 2.0 * 7.29212e-5 * np.sin(np.radians(45.0))
    n, dt = 50, 2.0 * np.pi / f / 50
    turn = rotate(numpy_backend, f, dt, n, exact_start=True)
    hours = n * dt * 2.0 * np.pi / (2.0 * np.pi - np.angle(turn)) / 3600.0
    # f dt = 0.126: the phase is off by (f dt)^4 of order one a radian, the amplitude by 3/8 (f dt)^4 a step
    assert hours == pytest.approx(16.92, rel=5e-4)
    assert abs(turn) == pytest.approx(1.0 - 50 * 0.375 * (f * dt) ** 4, abs=2e-3)


def test_the_model_steps_a_rotating_gravity_wave_as_the_linear_scheme_does(numpy_backend):
    """One wave of u, v and surface, 30 steps, against the same scheme written for its three amplitudes."""
    nx, f, depth, gravity, dt, share = 12, 1.0e-4, 1000.0, 9.81, 500.0, 0.1
    grid = plane(nx, f)
    phase = 2.0 * np.pi * np.arange(nx) / nx
    small = 1e-8
    state = initial_state(grid, surface=np.broadcast_to(small * np.cos(phase), (3, nx)),
                          v=np.broadcast_to(0.3 * small * np.sin(phase), (1, 3, nx)))
    model = Model(grid, Parameters(shallow_water(gravity), time_step=dt, extrapolated_pressure=share), numpy_backend)

    # surface and v stand in the middle of a cell, u on its west face: shift of half a cell
    dx, half = 1.0e5, np.exp(-1j * np.pi / nx)
    difference, mean = (1.0 - half**2) / dx, 0.5 * (1.0 + half**2)
    u, v, surface, slow = 0.0, -0.3j * small, small, []
    for n in range(30):
        pressure = -gravity * difference * surface
        slow.insert(0, (f * mean * v + share * pressure, -f * np.conj(mean) * u))
        weights = ADAMS_BASHFORTH[min(n, 2)][: len(slow)]
        u, v = (u + dt * (sum(w * s[0] for w, s in zip(weights, slow, strict=False)) + (1.0 - share) * pressure),
                v + dt * sum(w * s[1] for w, s in zip(weights, slow, strict=False)))
        surface = surface + dt * depth * np.conj(difference) * u
    after = fields_of(model.steps(state, 30))
    for name, amplitude in (("u", u), ("v", v), ("surface", surface)):
        field = after[name].reshape(-1, nx)[1]
        expected = (amplitude * np.exp(1j * phase)).real
        # what is not linear is smaller by the amplitude over the depth, 1e-11
        assert np.abs(field - expected).max() < 1e-7 * max(abs(amplitude), 1e-3 * small), name
