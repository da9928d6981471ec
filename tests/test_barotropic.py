"""Barotropic substeps: the weights, mass and transport that agree, and the speed of external waves."""

import numpy as np
import pytest
from conftest import channel, fields_of, filled

from dycore import Model
from dycore.equations import barotropic
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.halo_sources import fill_halo
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import Place
from dycore.vertical import uniform

# substeps, how many are executed, length of one in steps: Shchepetkin and McWilliams (2005), evaluated independently
TABLE = [(5, 3, 0.395991), (10, 7, 0.198198), (20, 14, 0.098984), (30, 21, 0.066055), (50, 36, 0.039678),
         (100, 72, 0.019828)]


@pytest.mark.parametrize("n, executed, substep", TABLE)
def test_the_weights_are_those_of_shchepetkin_and_mcwilliams(n, executed, substep):
    weights = barotropic.averaging_weights(n)
    assert len(weights.velocity) == executed
    assert weights.substep == pytest.approx(substep, abs=5e-7)  # as many digits as the table has


@pytest.mark.parametrize("n", [5, 12, 24, 60, 111])
def test_the_weights_sum_to_one_and_are_centred_on_the_end_of_the_step(n):
    a, b, substep = barotropic.averaging_weights(n)
    m = np.arange(1, len(a) + 1)
    assert a.sum() == pytest.approx(1.0, abs=1e-14)
    assert b.sum() == pytest.approx(1.0, abs=1e-14)
    assert substep * (a * m).sum() == pytest.approx(1.0, abs=1e-14)
    assert b == pytest.approx([substep * a[k:].sum() for k in range(len(a))], abs=1e-15)


def test_the_averaged_transport_moves_exactly_the_averaged_surface(numpy_backend, random):
    """sum a_m R_m - R = -dt div(sum b_m U_m): Abel summation, to round-off."""
    grid = channel()
    metrics, tile = grid.metrics, grid.tile
    a, b, substep = barotropic.averaging_weights(12)
    dt, region = 600.0, tile.region.columns
    place = {"u": Place.WEST_FACE, "v": Place.SOUTH_FACE}
    field = {name: filled(grid, p, random.standard_normal(grid.cells[1:])) for name, p in place.items()}
    closed = {"u": metrics.thickness_u == 0.0, "v": metrics.thickness_v == 0.0}
    u, v = (np.where(closed[name], 0.0, field[name]) for name in ("u", "v"))
    zero = np.zeros_like(u)
    change, mean_u, mean_v, transport_u, transport_v = (zero.copy() for _ in range(5))
    averaged = zero.copy()
    for m in range(len(a)):
        values = numpy_backend.apply(
            barotropic.velocity_substep, region.grow(east=1, north=1), metrics, 9.81, substep * dt, a[m], b[m],
            metrics.dy_u, metrics.dx_v, zero, zero, change, u, v, mean_u, mean_v, transport_u, transport_v)
        u, v, mean_u, mean_v, transport_u, transport_v, flux_u, flux_v = (
            numpy_backend.whole(tile, value).array for value in values)
        change = numpy_backend.apply(barotropic.surface_substep, region, metrics, substep * dt, change, flux_u, flux_v)
        change = fill_halo(tile, Place.CENTER, numpy_backend.whole(tile, change).array)
        averaged = averaged + a[m] * change
    moved = -dt * numpy_backend.apply(barotropic.transport_divergence, region, metrics, transport_u,
                                      transport_v)[region.indices()]
    wet = grid.wet.any(axis=0)
    assert np.abs(moved - interior(averaged))[wet].max() < 1e-13 * np.abs(averaged).max()
    assert np.abs(averaged).max() > 1.0


def standing_wave(backend, parameters, depth, length, nx, periods):
    """Amplitude of a standing wave of the surface, step by step."""
    grid = rectilinear((1, 3, nx), extent=(length, 3.0 * length / nx), interfaces=uniform(1, -depth, 0.0))
    wave = np.cos(2.0 * np.pi * grid.x / length)
    state = initial_state(grid, surface=np.broadcast_to(1e-3 * wave, (3, nx)), tracers=())
    model = Model(grid, parameters, backend)
    amplitudes = []
    period = length / np.sqrt(parameters.fluid.surface_gravity * depth)
    for _ in range(round(periods * period / parameters.time_step)):
        state = model.step(state)
        amplitudes.append(2.0 * (fields_of(state)["surface"][1] * wave).mean() / 1e-3)
    return np.array(amplitudes)


def period_of(amplitudes, dt):
    """Twice the time between the first and the second zero crossing, by linear interpolation (s)."""
    at = np.flatnonzero(amplitudes[1:] * amplitudes[:-1] < 0.0)[:2]
    times = [(n + amplitudes[n] / (amplitudes[n] - amplitudes[n + 1])) * dt for n in at]
    return 2.0 * (times[1] - times[0])


@pytest.mark.parametrize("substeps", [1, 12])
def test_external_waves_travel_at_the_square_root_of_g_h(numpy_backend, substeps):
    """c = 140.07 m/s for 2000 m, 64 points to a wave: the discrete wave number is 0.04 % short."""
    length, nx, depth = 6.4e6, 64, 2000.0
    dt = 200.0 if substeps == 1 else 1000.0
    amplitudes = standing_wave(numpy_backend, Parameters(shallow_water(9.81), time_step=dt, substeps=substeps), depth,
                               length, nx, 1.2)
    speed = length / period_of(amplitudes, dt)
    # 46 steps to a period with substeps: the averaging and the interpolation of crossings cost another 0.1 %
    assert speed == pytest.approx(np.sqrt(9.81 * depth), rel=1e-3 if substeps == 1 else 3e-3)


def test_fast_external_waves_are_damped_by_the_averaging_and_slow_ones_are_not(numpy_backend):
    """Energy left after 20 steps at omega dt = 0.26, 0.52, 1.04: 0.94, 0.76, 0.36 by linear analysis."""
    depth, length, nx = 2000.0, 6.4e6, 64
    omega = 2.0 * np.pi * np.sqrt(9.81 * depth) / length
    left = []
    for phase in (0.26, 0.52, 1.04):
        parameters = Parameters(shallow_water(9.81), time_step=phase / omega, substeps=60)
        grid = rectilinear((1, 3, nx), extent=(length, 3.0e5), interfaces=uniform(1, -depth, 0.0))
        wave = np.cos(2.0 * np.pi * grid.x / length)
        state = initial_state(grid, surface=np.broadcast_to(1e-3 * wave, (3, nx)))
        after = fields_of(Model(grid, parameters, numpy_backend).steps(state, 20))
        energy = (9.81 * after["surface"] ** 2).sum() + depth * (after["u"] ** 2).sum()
        left.append(energy / (9.81 * (1e-3 * wave) ** 2 * np.ones((3, 1))).sum())
    assert left[0] == pytest.approx(0.94, abs=0.02)
    assert left[1] == pytest.approx(0.76, abs=0.04)
    assert left[2] == pytest.approx(0.36, abs=0.06)


def test_the_depth_mean_is_what_the_substeps_gave(numpy_backend, random):
    """Substeps replace the depth mean and leave the shear to the levels: without forces the shear stays."""
    grid = rectilinear((4, 5, 8), extent=(8.0e4, 5.0e4), interfaces=uniform(4, -400.0, 0.0))
    shear = np.array([-3.0, -1.0, 1.0, 3.0])[:, None, None] * 1e-6
    state = initial_state(grid, surface=0.0, u=np.broadcast_to(shear, grid.cells), tracers=(10.0, 35.0))
    parameters = Parameters(Ocean(), time_step=300.0, substeps=10, tracer_names=("temperature", "salinity"))
    after = fields_of(Model(grid, parameters, numpy_backend).steps(state, 10))
    assert np.abs(after["u"] - shear).max() < 1e-18
    assert np.abs(after["surface"]).max() < 1e-15
