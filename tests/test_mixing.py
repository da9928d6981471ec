"""Friction and diffusion: waves decay at the rate of the discrete operator, energy only falls, content stays."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import channel, diffused, filled, random_velocity, sphere, strain

from dycore import Model
from dycore.equations import friction
from dycore.equations.friction import Strain, Stress, Viscosity
from dycore.equations.operators import velocity_divergence, vorticity
from dycore.fluid import Ocean, shallow_water
from dycore.grid import EARTH_RADIUS, interior, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.terms import bound
from dycore.tiles import Boundary, Place
from dycore.vertical import uniform

NX, NY, DX, DY = 12, 9, 10.0, 7.0


def plane():
    return rectilinear((1, NY, NX), extent=(NX * DX, NY * DY), interfaces=uniform(1, -1.0, 0.0),
                       y_boundary=Boundary.PERIODIC)


def partly_filled_channel():
    """The channel with partial cells."""
    return channel(partial_cells=0.2)


def sine(axis, waves=2):
    """A sine wave along x or y, and minus its discrete second difference per unit of itself (1/m2)."""
    n, width = (NX, DX) if axis == "x" else (NY, DY)
    values = np.sin(2.0 * np.pi * waves * np.arange(n) / n)
    values = values[None, :] if axis == "x" else values[:, None]
    return np.broadcast_to(values, (1, NY, NX)), (2.0 * np.sin(np.pi * waves / n) / width) ** 2


@pytest.mark.parametrize("biharmonic", [False, True])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_sine_of_tracer_decays_at_the_discrete_rate(numpy_backend, axis, biharmonic):
    grid = plane()
    wave, rate = sine(axis)
    coefficient, dt, steps = (300.0, 0.2, 20) if biharmonic else (3.0, 0.3, 20)
    parameters = Parameters(shallow_water(1e-12), time_step=dt, diffusivity=coefficient, tracer_names=("dye",),
                            biharmonic_diffusion=biharmonic)
    after = Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0, tracers=(wave,)), steps)
    factor = (1.0 - dt * coefficient * rate ** (2 if biharmonic else 1)) ** steps
    assert 0.1 < factor < 0.97
    assert np.abs(interior(after.tracers[0]) - factor * wave).max() < 1e-13  # round-off of 20 steps


@pytest.mark.parametrize("biharmonic", [False, True])
@pytest.mark.parametrize("component, axis", [("u", "x"), ("u", "y"), ("v", "x"), ("v", "y")])
def test_a_sine_of_velocity_decays_at_the_discrete_rate(numpy_backend, component, axis, biharmonic):
    """Along the flow the viscosity of divergence acts, across it that of vorticity."""
    grid = plane()
    wave, rate = sine(axis)
    along = (component, axis) in (("u", "x"), ("v", "y"))
    viscosity = friction.viscosities(grid, Mixing(*((5.0, 0.0) if along else (0.0, 5.0)), biharmonic))
    none = np.zeros(grid.tile.region.padded)
    place = Place.WEST_FACE if component == "u" else Place.SOUTH_FACE
    velocity = filled(grid, place, wave)
    pair = (velocity, none) if component == "u" else (none, velocity)
    region = grid.tile.region
    around = region.grow(1, 1, 1, 1)
    rubbed = strain(numpy_backend, grid, *pair, around)
    if biharmonic:
        rubbed = friction.spread(grid.metrics, viscosity, friction.stress(grid.metrics, viscosity, rubbed), no_slip=False)
    stencil = friction.harmonic_u if component == "u" else friction.harmonic_v
    result = numpy_backend.apply(stencil, region, grid.metrics, friction.stress(grid.metrics, viscosity, rubbed))[region.indices()]
    expected = 5.0 * rate**2 * wave if biharmonic else -5.0 * rate * wave
    assert np.abs(result - expected).max() < 1e-13 * np.abs(expected).max() * 10.0


@pytest.mark.parametrize("make", [channel, sphere])
def test_friction_removes_exactly_the_squares_of_divergence_and_vorticity(numpy_backend, random, make):
    grid = make()
    metrics, region = grid.metrics, grid.tile.region
    u, v = random_velocity(grid, random)
    shape = region.padded[1:]
    row = np.linspace(1.0, 2.0, shape[0])[:, None]
    corner = np.broadcast_to(row, shape).copy()
    if make is sphere:  # zero at the poles, as the cosine of latitude is
        corner[[3, 3 + grid.cells[1]]] = 0.0
    viscosity = Viscosity(np.broadcast_to(2.0 * row, shape).copy(), corner)
    at = region.indices()
    stress = friction.stress(metrics, viscosity, strain(numpy_backend, grid, u, v))
    found = (numpy_backend.apply(stencil, region, metrics, stress)
                for stencil in (friction.harmonic_u, friction.harmonic_v))
    work = sum((interior(velocity) * force[at] * interior(area)).sum() for velocity, force, area in zip(
        (u, v), found, (metrics.area_u, metrics.area_v), strict=True))
    divergence = numpy_backend.apply(velocity_divergence, region, metrics, u, v)[at]
    curl = numpy_backend.apply(vorticity, region, metrics, u, v)[at]
    removed = (interior(viscosity.centre) * divergence**2 * interior(metrics.area) * grid.wet).sum()
    removed += (interior(viscosity.corner) * curl**2 / interior(metrics.inverse_area_z)).sum()
    assert work == pytest.approx(-removed, rel=1e-12)  # summation by parts, exact but for round-off


@pytest.mark.parametrize("biharmonic", [False, True])
@pytest.mark.parametrize("make", [channel, sphere])
def test_friction_only_ever_removes_energy(numpy_backend, random, make, biharmonic):
    grid = make()
    state = initial_state(grid, surface=0.0, u=random.standard_normal(grid.cells), v=random.standard_normal(grid.cells),
                          tracers=(10.0, 35.0))
    coefficient = 1.0e12 if biharmonic else 1.0e4
    parameters = Parameters(Ocean(), time_step=10.0, tracer_names=("temperature", "salinity"), polar_filter=None)
    without = Model(grid, parameters, numpy_backend).step(state)
    rubbed = Model(grid, replace(parameters, friction=Mixing(coefficient, coefficient, biharmonic)), numpy_backend).step(state)
    work = 0.0
    for velocity, after, free, area in ((state.u, rubbed.u, without.u, grid.metrics.area_u),
                                        (state.v, rubbed.v, without.v, grid.metrics.area_v)):
        force = interior(after - free) / parameters.time_step  # the first step is one of Euler
        work += (interior(velocity) * force * interior(area)).sum()
    assert work < 0.0


@pytest.mark.parametrize("biharmonic", [False, True])
@pytest.mark.parametrize("make", [channel, sphere])
def test_diffusion_keeps_the_content_and_lowers_the_variance(numpy_backend, random, make, biharmonic):
    grid = make()
    tracer = np.where(grid.wet, random.standard_normal(grid.cells), 0.0)
    # the shortest wave of the narrowest cell loses well under its whole in a step
    width = min(interior(grid.metrics.dx_u).min(), interior(grid.metrics.dy_v).min())
    coefficient = 0.05 * width**4 / 300.0 / 16.0 if biharmonic else 0.05 * width**2 / 300.0
    parameters = Parameters(shallow_water(1e-12), time_step=300.0, diffusivity=coefficient, tracer_names=("dye",),
                            biharmonic_diffusion=biharmonic, polar_filter=None)
    before, after, scale, variances = diffused(Model(grid, parameters, numpy_backend),
                                               initial_state(grid, surface=0.0, tracers=(tracer,)))
    assert abs(after - before) < 1e-14 * scale
    assert (np.diff(variances) < 0.0).all()


def test_a_constant_tracer_feels_no_diffusion(numpy_backend):
    grid = sphere()
    parameters = Parameters(shallow_water(1e-12), time_step=300.0, diffusivity=1.0e5, tracer_names=("dye",))
    after = Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0, tracers=(7.0,)), 5)
    assert np.abs(interior(after.tracers[0]) - 7.0).max() < 1e-13


def test_harmonic_friction_follows_the_cosine_of_latitude_on_the_sphere():
    grid = sphere((1, 10, 16))
    values = friction.viscosities(grid, Mixing(4.0, 9.0))
    assert np.allclose(interior(values.centre)[:, 0], 4.0 * np.cos(np.radians(grid.y)), rtol=1e-14)
    assert np.allclose(interior(values.corner)[:, 0], 9.0 * np.cos(np.radians(grid.y_face[:-1])), rtol=1e-14, atol=1e-15)


def biharmonic_force(backend, grid, mixing, u, v):
    """Biharmonic friction (m/s2) of a velocity on interior points, which is filled to its halo."""
    values, region, metrics = friction.viscosities(grid, mixing), grid.tile.region, grid.metrics
    vorticity = friction.no_slip_vorticity if mixing.no_slip else friction.slip_vorticity
    u, v = filled(grid, Place.WEST_FACE, u), filled(grid, Place.SOUTH_FACE, v)
    strain = Strain(bound(vorticity, metrics, values.eastward, u, v), bound(velocity_divergence, metrics, u, v))
    first = Stress(*backend.apply(friction.stresses, region.grow(2, 2, 2, 2), friction.stress(metrics, values, strain)))
    stress = friction.stress(metrics, values, friction.spread(metrics, values, first, mixing.no_slip))
    closed = (grid.metrics.floor_u, grid.metrics.floor_v)
    return tuple(np.where(np.arange(*region.k)[:, None, None] >= interior(floor),
                          -backend.apply(stencil, region, metrics, stress)[region.indices()], 0.0)
                 for stencil, floor in zip((friction.harmonic_u, friction.harmonic_v), closed, strict=True))


def power(grid, force, velocity):
    """Work (m4/s3) of a force on a velocity, summed over faces by their areas and how far they are open."""
    return sum((interior(area) * grid.open_thickness(floor, fraction) * f * w).sum() for f, w, area, floor, fraction in zip(
        force, velocity, (grid.metrics.area_u, grid.metrics.area_v), (grid.metrics.floor_u, grid.metrics.floor_v),
        (grid.metrics.fraction_u, grid.metrics.fraction_v), strict=True))


@pytest.mark.parametrize("no_slip", [False, True])
@pytest.mark.parametrize("make", [channel, sphere, partly_filled_channel])
def test_biharmonic_friction_of_two_flows_works_on_each_other_alike_and_takes_from_both(numpy_backend, random, make, no_slip):
    """The operator is symmetric, so every flow loses energy by it: also across the poles and about partial cells."""
    grid = make()
    friction = Mixing(2.0e12, 1.0e12, biharmonic=True, no_slip=no_slip)
    one, other = ([interior(part) for part in random_velocity(grid, random)] for _ in range(2))
    of_one, of_other = (biharmonic_force(numpy_backend, grid, friction, *flow) for flow in (one, other))
    assert power(grid, of_one, other) == pytest.approx(power(grid, of_other, one), rel=1e-11)
    assert power(grid, of_one, one) < 0.0 and power(grid, of_other, other) < 0.0


def test_waves_of_two_cells_have_the_same_sink_at_all_latitudes(numpy_backend):
    """Two rows: 16 nu / dy^4 of the velocity that vorticity is made of, up to the poles, and in the rows next to them more."""
    grid = sphere((1, 32, 64))
    dy = grid.metrics.dy_v[0, 0]
    u = np.broadcast_to((-1.0) ** np.arange(32)[:, None], grid.cells)
    force, _ = biharmonic_force(numpy_backend, grid, Mixing(0.0, dy**4, biharmonic=True), u, np.zeros(grid.cells))
    rate = -(force / u)[0, :, 0]
    assert np.allclose(rate[8:24], 16.0, rtol=0.05) and (rate > 15.0).all() and rate.max() < 60.0


def test_a_flow_over_the_pole_and_a_rotating_one_feel_next_to_no_biharmonic_friction(numpy_backend):
    """In units of the sink of waves of two cells, 16 nu / dy^4: less than a hundredth next to the poles, 2e-4 elsewhere."""
    grid = sphere((1, 32, 64))
    dy = grid.metrics.dy_v[0, 0]
    friction = Mixing(dy**4, dy**4, biharmonic=True)
    longitude, latitude = np.radians(grid.x), np.radians(grid.y)[:, None]
    west, south = np.radians(grid.x_face[:-1]), np.radians(grid.y_face[:-1])[:, None]
    over = -np.sin(west) + 0.0 * latitude, -np.sin(south) * np.cos(longitude)
    round_it = np.cos(latitude) + 0.0 * west, np.zeros((32, 64))
    for flow in (over, round_it):
        force = biharmonic_force(numpy_backend, grid, friction, *(np.broadcast_to(part, grid.cells) for part in flow))
        for values in force:
            assert np.abs(values).max() < 0.01 * 16.0
            assert np.abs(values[:, 4:28]).max() < 2e-4 * 16.0


def test_biharmonic_friction_scales_with_its_units(numpy_backend, random):
    """Metres by 2^11, seconds by 2^8: the force changes by its unit, and by not one bit more (the root of nu is exact)."""
    metres, seconds = 2.0**11, 2.0**8
    small, large = sphere((1, 10, 16)), sphere((1, 10, 16), radius=6.371229e6 * metres)
    u, v = (interior(part) for part in random_velocity(small, random))
    speed, nu = metres / seconds, metres**4 / seconds
    before = biharmonic_force(numpy_backend, small, Mixing(2.0e16, 1.0e16, biharmonic=True), u, v)
    after = biharmonic_force(numpy_backend, large, Mixing(2.0e16 * nu, 1.0e16 * nu, biharmonic=True), u * speed, v * speed)
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one * speed / seconds, other)


@pytest.mark.parametrize("biharmonic", [False, True])
def test_a_constant_viscosity_is_the_same_at_all_latitudes(biharmonic):
    grid = sphere((1, 10, 16))
    mixing = Mixing(4.0, 9.0, biharmonic, share=friction.constant)
    values = friction.viscosities(grid, mixing)
    centre, corner = (interior(part)[:, 0] for part in (values.centre, values.corner))
    power = 0.5 if biharmonic else 1.0
    assert (values.narrow_centre == 1.0).all() and (values.narrow_corner == 1.0).all()
    assert (centre == 4.0**power).all() and (corner[1:] == 9.0**power).all()
    assert corner[0] == 0.5 * 9.0**power  # at the pole, where vorticity counts twice


def test_a_solid_rotation_feels_a_constant_viscosity_as_its_equation_says(numpy_backend):
    """u = cos(latitude): zeta = 2 sin(latitude) / a, so that -nu d(zeta)/dy = -2 nu u / a^2, next to the poles as well."""
    grid = sphere((1, 40, 64))
    rows = np.cos(np.radians(grid.y))[None, :, None]
    u, v = filled(grid, Place.WEST_FACE, np.broadcast_to(rows, grid.cells)), np.zeros(grid.tile.region.padded)
    viscosity = friction.viscosities(grid, Mixing(1.0e5, 1.0e5, share=friction.constant))
    region = grid.tile.region
    stress = friction.stress(grid.metrics, viscosity, strain(numpy_backend, grid, u, v))
    force = numpy_backend.apply(friction.harmonic_u, region, grid.metrics, stress)
    exact = -2.0e5 * rows / EARTH_RADIUS**2
    error = np.abs(force[region.indices()] / exact - 1.0)[0, :, 0]
    # second order: 1e-3 at 4.5 degrees; an eighth at the poles, where it would be some tens were vorticity counted twice
    assert error[1:-1].max() < 1.1e-3 and error.max() < 0.13
