"""Friction and diffusion: waves decay at the rate of the discrete operator, energy only falls, content stays."""

import numpy as np
import pytest
from conftest import channel, diffused, filled, motion, random_velocity, rubbing, sphere

from dycore import Model, column, mixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import EARTH_RADIUS, interior, rectilinear
from dycore.mixing import Rubbing, Viscosity
from dycore.operators import velocity_divergence, vorticity
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary, Place
from dycore.vertical import uniform

NX, NY, DX, DY = 12, 9, 10.0, 7.0


def plane():
    return rectilinear((1, NY, NX), extent=(NX * DX, NY * DY), interfaces=uniform(1, -1.0, 0.0),
                       y_boundary=Boundary.PERIODIC)


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
    coefficients = (5.0, 0.0) if along else (0.0, 5.0)
    viscosity = Viscosity(*(np.full(grid.tile.region.padded[1:], c) for c in coefficients))
    none = np.zeros(grid.tile.region.padded)
    place = Place.WEST_FACE if component == "u" else Place.SOUTH_FACE
    velocity = filled(grid, place, wave)
    pair = (velocity, none) if component == "u" else (none, velocity)
    region = grid.tile.region
    if biharmonic:
        around = region.grow(1, 1, 1, 1)
        pair = numpy_backend.apply(mixing.harmonic, around, grid.metrics, viscosity,
                                   rubbing(numpy_backend, grid, *pair, around))
    stencil = mixing.harmonic_u if component == "u" else mixing.harmonic_v
    rubbed = Rubbing(numpy_backend.apply(vorticity, region.grow(east=1, north=1), grid.metrics, *pair),
                     numpy_backend.apply(velocity_divergence, region.grow(west=1, south=1), grid.metrics, *pair))
    result = numpy_backend.apply(stencil, region, grid.metrics, viscosity, rubbed)[region.indices()]
    expected = (5.0 * rate) ** 2 * wave if biharmonic else -5.0 * rate * wave
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
    friction = numpy_backend.apply(mixing.harmonic, region, metrics, viscosity, rubbing(numpy_backend, grid, u, v))
    work = sum((interior(velocity) * force[at] * interior(area)).sum() for velocity, force, area in zip(
        (u, v), friction, (metrics.area_u, metrics.area_v), strict=True))
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
    model = Model(grid, Parameters(Ocean(), time_step=10.0, friction=Mixing(coefficient, coefficient, biharmonic),
                                   tracer_names=("temperature", "salinity")), numpy_backend)
    around = grid.tile.region.columns.grow(1, 1, 1, 1)
    made = column.Column(*numpy_backend.apply(column.columns, around, grid.metrics, Ocean(), state.surface))
    moved = motion(numpy_backend, grid, made, state.u, state.v)
    forces = model._forces(model.constants._replace(grid=grid.metrics), moved, state)
    at = grid.tile.region.indices()
    work = 0.0
    for velocity, stencil, area, floor in (
            (state.u, mixing.friction_u, grid.metrics.area_u, grid.metrics.floor_u),
            (state.v, mixing.friction_v, grid.metrics.area_v, grid.metrics.floor_v)):
        force = numpy_backend.apply(stencil, grid.tile.region, grid.metrics, forces)[at]
        open_face = np.arange(*grid.tile.region.k)[:, None, None] >= interior(floor)
        work += (interior(velocity) * force * interior(area) * open_face).sum()
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


@pytest.mark.parametrize("biharmonic", [False, True])
def test_friction_follows_the_cosine_of_latitude_on_the_sphere(biharmonic):
    grid = sphere((1, 10, 16))
    centre, corner = (interior(values)[:, 0] for values in mixing.viscosities(grid, Mixing(4.0, 9.0, biharmonic)))
    power = 0.5 if biharmonic else 1.0
    assert np.allclose(centre, 4.0**power * np.cos(np.radians(grid.y)), rtol=1e-14)
    assert np.allclose(corner, 9.0**power * np.cos(np.radians(grid.y_face[:-1])), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("biharmonic", [False, True])
def test_a_constant_viscosity_is_the_same_at_all_latitudes(biharmonic):
    grid = sphere((1, 10, 16))
    friction = Mixing(4.0, 9.0, biharmonic, share=mixing.constant)
    centre, corner = (interior(values)[:, 0] for values in mixing.viscosities(grid, friction))
    power = 0.5 if biharmonic else 1.0
    assert (centre == 4.0**power).all() and (corner[1:] == 9.0**power).all()
    assert corner[0] == 0.5 * 9.0**power  # at the pole, where vorticity counts twice


def test_a_solid_rotation_feels_a_constant_viscosity_as_its_equation_says(numpy_backend):
    """u = cos(latitude): zeta = 2 sin(latitude) / a, so that -nu d(zeta)/dy = -2 nu u / a^2, next to the poles as well."""
    grid = sphere((1, 40, 64))
    rows = np.cos(np.radians(grid.y))[None, :, None]
    u, v = filled(grid, Place.WEST_FACE, np.broadcast_to(rows, grid.cells)), np.zeros(grid.tile.region.padded)
    viscosity = Viscosity(*mixing.viscosities(grid, Mixing(1.0e5, 1.0e5, share=mixing.constant)))
    region = grid.tile.region
    force = numpy_backend.apply(mixing.harmonic_u, region, grid.metrics, viscosity, rubbing(numpy_backend, grid, u, v))
    exact = -2.0e5 * rows / EARTH_RADIUS**2
    error = np.abs(force[region.indices()] / exact - 1.0)[0, :, 0]
    # second order: 1e-3 at 4.5 degrees; an eighth at the poles, where it would be some tens were vorticity counted twice
    assert error[1:-1].max() < 1.1e-3 and error.max() < 0.13
