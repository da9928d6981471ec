"""Advection: face values are exact for polynomials of their degree, constants stay, and land is left out."""

import numpy as np
import pytest
from conftest import channel, content, filled, flow_of, random_velocity, sphere

from dycore import Model
from dycore.equations import advection, continuity
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.tiles import HALO_LEVELS, Boundary, Place
from dycore.vertical import uniform

SCHEMES = {"centred": advection.centred, "upwind3": advection.upwind3, "weno3": advection.weno3, "weno5": advection.weno5}
DEGREES = {"centred": 1, "upwind3": 2, "weno3": 1, "weno5": 2}
ORDERS = {"centred": 2, "upwind3": 3, "weno3": 3, "weno5": 5}
ACROSS = SCHEMES | {"weno5": advection.weno3}  # the face value across the levels that goes with one along them


def cell_means(degree, offset=0.3):
    """Means of x^degree over six cells of width one about the face x = offset, and its value there."""
    edges = offset + np.arange(-3.0, 4.0)
    return np.diff(edges ** (degree + 1)) / (degree + 1), offset**degree


@pytest.mark.parametrize("velocity", [1.0, -1.0])
@pytest.mark.parametrize("name", SCHEMES)
def test_face_values_are_exact_for_polynomials_of_their_degree(name, velocity):
    # the weights of WENO depart from the linear ones where the field bends: it is exact as far as its parabolas are
    for degree in range(DEGREES[name] + 1):
        means, exact = cell_means(degree)
        assert SCHEMES[name](velocity, *means) == pytest.approx(exact, abs=1e-13), degree


@pytest.mark.parametrize("velocity", [1.0, -1.0])
@pytest.mark.parametrize("name", SCHEMES)
def test_face_values_converge_at_their_order(name, velocity):
    errors = []
    for width in (0.1, 0.05):
        edges = 0.6 + width * np.arange(-3.0, 4.0)
        means = -np.diff(np.cos(edges)) / width
        errors.append(abs(SCHEMES[name](velocity, *means) - np.sin(0.6)))
    # the next term of the expansion is of the relative size of the width: 0.2 of an order
    assert np.log2(errors[0] / errors[1]) > ORDERS[name] - 0.25


@pytest.mark.parametrize("name", SCHEMES)
def test_face_values_turn_round_with_the_flow(name, random):
    values = random.standard_normal(6)
    assert SCHEMES[name](1.0, *values) == pytest.approx(SCHEMES[name](-1.0, *values[::-1]), abs=1e-15)


@pytest.mark.parametrize("name", ["upwind3", "weno3", "weno5"])
def test_what_lies_far_downwind_does_not_matter(name, random):
    values = random.standard_normal(6)
    assert SCHEMES[name](1.0, *values) == SCHEMES[name](1.0, *values[:5], 99.0)
    assert SCHEMES[name](-1.0, *values) == SCHEMES[name](-1.0, 99.0, *values[1:])


def test_weno_takes_the_smooth_side_of_a_step():
    face = advection.weno5(1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0)
    assert abs(face) < 1e-3 and abs(advection.weno3(1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0)) < 1e-3  # a third of the step by upwind3
    assert advection.upwind3(1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0) == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weno_keeps_a_constant_and_its_precision(dtype):
    values = np.full(6, 291.3, dtype)
    assert advection.weno5(values[0], *values) == values[0] and advection.weno3(values[0], *values) == values[0]


def divergence_of(backend, grid, flow, tracer, face, lines="coastal"):
    """div(h u c) / dr_k on the cells."""
    region, transports = grid.tile.region, (flow.transport_u, flow.transport_v)
    faces = region.grow(east=1, north=1)
    fluxes = (backend.apply(flux, faces, grid.metrics, face, getattr(advection, f"{lines}_{axis}"), transport, tracer)
              for flux, axis, transport in zip((advection.flux_x, advection.flux_y), "xy", transports, strict=True))
    return backend.apply(continuity.divergence, region, grid.metrics, *fluxes)[region.indices()]


@pytest.mark.parametrize("name", ["centred", "upwind3", "weno5"])  # weno3 falls to second order at extrema
@pytest.mark.parametrize("axis", [1, 2])
def test_the_divergence_converges_at_the_order_of_the_scheme(numpy_backend, name, axis):
    errors = []
    for n in (16, 32):
        cells = (1, n, 8) if axis == 1 else (1, 8, n)
        grid = rectilinear(cells, extent=(1.0, 1.0), interfaces=uniform(1, -1.0, 0.0), y_boundary=Boundary.PERIODIC)
        edges = 2.0 * np.pi * (np.arange(n + 1)) / n
        means = -np.diff(np.cos(edges)) * n / (2.0 * np.pi)
        exact = np.diff(np.sin(edges)) * n  # means of the derivative
        shape = (1, n, 1) if axis == 1 else (1, 1, n)
        tracer = filled(grid, Place.CENTER, np.broadcast_to(means.reshape(shape), cells))
        one, none = np.ones(grid.tile.region.padded), np.zeros(grid.tile.region.padded)
        flow = flow_of(numpy_backend, grid, *((none, one) if axis == 1 else (one, none)))
        divergence = divergence_of(numpy_backend, grid, flow, tracer, SCHEMES[name], "line")
        errors.append(np.abs(divergence - exact.reshape(shape)).max())
    # 16 points to a wave: the leading term is not yet alone
    assert np.log2(errors[0] / errors[1]) > ORDERS[name] - 0.3


@pytest.mark.parametrize("make", [channel, sphere])
@pytest.mark.parametrize("name", SCHEMES)
def test_what_leaves_one_cell_enters_its_neighbour(numpy_backend, random, name, make):
    grid = make()
    flow = flow_of(numpy_backend, grid, *random_velocity(grid, random))
    tracer = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    divergence = divergence_of(numpy_backend, grid, flow, tracer, SCHEMES[name])
    outflow = divergence * grid.volume
    assert abs(outflow.sum()) < 1e-14 * np.abs(outflow).sum()  # round-off of some 300 terms


@pytest.mark.parametrize("name", SCHEMES)
def test_the_tracer_on_land_is_never_read(numpy_backend, random, name):
    grid = channel()
    flow = flow_of(numpy_backend, grid, *random_velocity(grid, random))
    tracer = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    dry = np.arange(tracer.shape[0])[:, None, None] < grid.metrics.floor
    results = []
    for land in (0.0, 1.0e9):
        values = np.where(dry, land, tracer)
        results.append(divergence_of(numpy_backend, grid, flow, values, SCHEMES[name]))
    assert (results[0][grid.wet] == results[1][grid.wet]).all()


def test_the_line_next_to_land_repeats_the_last_wet_value(numpy_backend, random):
    grid = channel((2, 5, 10), bottom=None, land=np.arange(10)[None, :] == 4)
    tracer = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    region = grid.tile.region
    lines = numpy_backend.apply(advection.coastal_x, region, grid.metrics, tracer)
    c = interior(tracer)[0, 0]
    values = np.array([line[region.indices()][0, 0] for line in lines])
    assert (values[:, 6] == [c[5], c[5], c[5], c[6], c[7], c[8]]).all()  # land at 4: c[5] stands behind face 6
    assert (values[:, 7] == [c[5], c[5], c[6], c[7], c[8], c[9]]).all()
    assert (values[:, 2] == [c[9], c[0], c[1], c[2], c[3], c[3]]).all()


def test_the_vertical_line_ends_at_the_floor_and_at_the_surface(numpy_backend, random):
    grid = channel()
    tracer = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    region = grid.tile.region
    lines = numpy_backend.apply(advection.line_z, region, grid.metrics, tracer)
    c2, c1, d1, d2 = (lines[m][region.indices()] for m in (1, 2, 3, 4))
    lowest = interior(grid.metrics.floor) - HALO_LEVELS
    for k in range(1, 4):
        first = lowest == k - 1  # the face above the lowest wet cell
        assert (c2[k][first] == c1[k][first]).all()
    assert (d2[3] == d1[3]).all()


def error_across_levels(backend, face, nz, stretching):
    """The largest error of a face value of sin(3 pi r) rising through levels, away from the floor and the surface."""
    even = np.linspace(0.0, 1.0, nz + 1)
    r = even - 1.0 + stretching * np.sin(2.0 * np.pi * even) / (2.0 * np.pi)
    grid = rectilinear((nz, 3, 4), extent=(4.0, 3.0), interfaces=r, y_boundary=Boundary.PERIODIC)
    means = -np.diff(np.cos(3.0 * np.pi * r)) / (3.0 * np.pi * np.diff(r))
    tracer = filled(grid, Place.CENTER, np.broadcast_to(means[:, None, None], grid.cells))
    lines = backend.apply(advection.line_z, grid.tile.region, grid.metrics, tracer)
    values = face(1.0, *(np.asarray(line[grid.tile.region.indices()])[:, 0, 0] for line in lines))
    return np.abs(values - np.sin(3.0 * np.pi * r[:-1]))[nz // 8: -nz // 8].max()


@pytest.mark.parametrize("name, stretching, low, high", [
    ("centred", 0.0, 1.95, 2.05), ("upwind3", 0.0, 2.95, 3.05), ("weno3", 0.0, 1.9, 3.1), ("centred", 0.5, 1.95, 2.05),
    ("upwind3", 0.5, 1.95, 2.6), ("weno3", 0.5, 1.5, 2.6)])
def test_the_order_across_levels_is_that_of_the_scheme_where_they_are_uniform_and_two_where_not(
        numpy_backend, name, stretching, low, high):
    # what third order leaves of a wave is as large as what stretching adds, on levels this thick; weno3 has order 2 at extrema
    coarse, fine = (error_across_levels(numpy_backend, SCHEMES[name], nz, stretching) for nz in (64, 128))
    assert low < np.log2(coarse / fine) < high


def test_a_face_value_that_reads_further_than_the_levels_allow_is_refused(numpy_backend):
    def five(velocity, c3, c2, c1, d1, d2, d3):
        return (2.0 * c3 - 13.0 * c2 + 47.0 * c1 + 27.0 * d1 - 3.0 * d2) / 60.0

    grid = channel()
    for face in (advection.weno5, five):
        parameters = Parameters(Ocean(), time_step=100.0, tracer_names=("temperature", "salinity"), vertical_face=face)
        with pytest.raises(ValueError, match=f"vertical_face={face.__name__} reads three values .* Use vertical_face=weno3"):
            Model(grid, parameters, numpy_backend)


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("substeps", [1, 12])
def test_a_constant_tracer_stays_constant_over_land_and_sea(numpy_backend, random, name, substeps):
    grid = channel()
    surface = np.where(grid.wet.any(axis=0), random.standard_normal(grid.cells[1:]), 0.0)
    state = initial_state(grid, surface=surface, u=0.3 * random.standard_normal(grid.cells),
                          v=0.3 * random.standard_normal(grid.cells), tracers=(10.0, 35.0))
    parameters = Parameters(Ocean(), time_step=100.0 * substeps**0.5, substeps=substeps, tracer_face=SCHEMES[name],
                            vertical_face=ACROSS[name], tracer_names=("temperature", "salinity"))
    after = Model(grid, parameters, numpy_backend).steps(state, 30)
    for m, value in enumerate((10.0, 35.0)):
        # round-off, a unit or two in the last place each step
        assert np.abs(interior(after.tracers[m]) - value)[grid.wet].max() < 30.0 * 4.0 * np.finfo(float).eps * value
    assert np.abs(interior(after.w)).max() > 1e-6


@pytest.mark.parametrize("name", SCHEMES)
def test_content_is_kept_to_round_off_while_the_tracer_moves(numpy_backend, random, name):
    grid = channel()
    tracer = np.where(grid.wet, 10.0 + random.standard_normal(grid.cells), 0.0)
    state = initial_state(grid, surface=0.0, u=0.3 * random.standard_normal(grid.cells), tracers=(tracer, 35.0))
    parameters = Parameters(Ocean(), time_step=200.0, tracer_face=SCHEMES[name],
                            tracer_names=("temperature", "salinity"))
    model = Model(grid, parameters, numpy_backend)
    before = content(grid, state, 0)
    after = model.steps(state, 50)
    assert abs(content(grid, after, 0) - before) < 5e-14 * before  # 1e-15 a step
    assert np.abs(interior(after.tracers[0]) - tracer).max() > 0.01


def carried_once_round(backend, face, shape, nx=40, courant=0.2):
    """A profile after one turn round a channel with uniform flow."""
    grid = rectilinear((1, 3, nx), extent=(float(nx), 3.0), interfaces=uniform(1, -1.0, 0.0),
                       y_boundary=Boundary.PERIODIC)
    parameters = Parameters(shallow_water(1.0e-12), time_step=courant, tracer_face=face, tracer_names=("dye",))
    state = initial_state(grid, surface=0.0, u=1.0, tracers=(np.broadcast_to(shape, grid.cells),))
    after = Model(grid, parameters, backend).steps(state, round(nx / courant))
    return interior(after.tracers[0])[0, 1]


def test_weno_makes_no_new_extrema_to_speak_of_and_upwind_does(numpy_backend):
    box = (np.abs(np.arange(40) - 20.0) < 7.0).astype(float)
    overshoot = {name: max(result.max() - 1.0, -result.min()) for name, result in (
        (name, carried_once_round(numpy_backend, SCHEMES[name], box)) for name in SCHEMES)}
    # WENO is not monotone; what it overshoots is a small part of the jump
    assert overshoot["weno5"] < 0.01
    assert overshoot["upwind3"] > 0.02
    assert overshoot["centred"] > 0.2


def by_hand(name, profile, courant, steps):
    """The same turn written with shifted arrays: c' = c - courant (face[i+1] - face[i]) of AB3 values."""
    history = [profile] * 3
    for n in range(steps):
        weights = ((1.0, 0.0, 0.0), (1.5, -0.5, 0.0), (23.0 / 12.0, -16.0 / 12.0, 5.0 / 12.0))[min(n, 2)]
        c = sum(w * field for w, field in zip(weights, history, strict=True))
        face = SCHEMES[name](1.0, *(np.roll(c, shift) for shift in (3, 2, 1, 0, -1, -2)))
        history = [history[0] - courant * (np.roll(face, -1) - face), *history[:2]]
    return history[0]


@pytest.mark.parametrize("name", SCHEMES)
def test_a_profile_in_uniform_flow_changes_as_a_scheme_written_by_hand_says(numpy_backend, name):
    bump = np.exp(-(((np.arange(40) - 12.0) / 4.0) ** 2))
    bump[20:27] += 1.0
    result = carried_once_round(numpy_backend, SCHEMES[name], bump)
    # round-off of 200 steps; the flow is as uniform as gravity of 1e-12 m/s2 leaves it
    assert np.abs(result - by_hand(name, bump, 0.2, 200)).max() < 1e-11


@pytest.mark.parametrize("name, largest", [("centred", 0.5), ("upwind3", 0.12), ("weno3", 0.4), ("weno5", 0.05)])
def test_a_smooth_profile_comes_back_after_one_turn(numpy_backend, name, largest):
    bump = np.exp(-(((np.arange(40) - 20.0) / 4.0) ** 2))
    error = np.abs(carried_once_round(numpy_backend, SCHEMES[name], bump) - bump).max()
    # a bump of nine cells across after 40 cells of travel: measured 0.09 (upwind3) and 0.03 (weno5);
    # one cell too far would be 0.2
    assert error < largest
