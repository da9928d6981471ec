"""Partial bottom cells: the sea floor where it is, everything conserved, rest kept, and nothing changed where there are none."""


import numpy as np
import pytest
from conftest import advection_of, channel, content, diffused, fields_of, filled, random_velocity, strain
from rough_floor import LEAST, fractions, rough

from dycore import Model
from dycore.closures import Uniform
from dycore.equations import column, continuity, friction, momentum, momentum_weno
from dycore.equations.column import Column
from dycore.equations.friction import Viscosity
from dycore.equations.operators import kinetic_energy, velocity_divergence, vorticity
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary, Place


def test_columns_are_as_thick_as_the_sea_is_deep(random):
    grid = rough(random, land=None, bottom=(bottom := random.uniform(-4000.0, -300.0, (7, 10))))
    metrics, dr = grid.metrics, np.diff(grid.interfaces)
    exact = -np.clip(bottom, -4000.0, 0.0)
    lowest = interior(metrics.floor) - 2
    level = np.maximum(dr[lowest], dr[np.maximum(lowest - 1, 0)])  # where a thin cell was made thicker, or none
    assert (np.abs(interior(metrics.thickness) - exact) <= 0.5 * LEAST * level + 1e-9).all()
    right = (interior(metrics.fraction) > LEAST) & (interior(metrics.fraction) < 1.0)
    assert right.sum() > 20 and np.abs(interior(metrics.thickness) - exact)[right].max() < 1e-12 * 4000.0
    assert np.allclose(-interior(metrics.fixed), interior(metrics.thickness), rtol=1e-15)
    assert np.allclose(grid.volume.sum(axis=0), interior(metrics.area * metrics.thickness), rtol=1e-14)
    for thickness, floor, fraction in ((metrics.thickness_u, metrics.floor_u, metrics.fraction_u),
                                       (metrics.thickness_v, metrics.floor_v, metrics.fraction_v)):
        total = (fractions(grid, floor, fraction) * dr[:, None, None]).sum(axis=0)
        assert np.abs(interior(thickness) - total).max() < 1e-14 * 4000.0


def test_faces_are_open_as_far_as_both_sides_are(random):
    grid = rough(random)
    here = fractions(grid, grid.metrics.floor, grid.metrics.fraction)
    at_u = fractions(grid, grid.metrics.floor_u, grid.metrics.fraction_u)
    at_v = fractions(grid, grid.metrics.floor_v, grid.metrics.fraction_v)
    assert (at_u == np.minimum(here, np.roll(here, 1, axis=2))).all()
    assert (at_v[:, 1:] == np.minimum(here[:, 1:], here[:, :-1])).all()


def test_a_floor_on_the_interfaces_makes_whole_cells():
    interfaces = np.linspace(-4000.0, 0.0, 5)
    bottom = np.broadcast_to(np.tile([-4000.0, -2000.0, -3000.0, -1000.0, -4000.0], 2), (7, 10))
    whole, partial = (channel(interfaces=interfaces, bottom=bottom, partial_cells=least).metrics for least in (None, LEAST))
    assert all((one == other).all() for one, other in zip(whole, partial, strict=True) if isinstance(one, np.ndarray))


@pytest.mark.parametrize("substeps", [1, 12])
def test_volume_and_tracers_are_kept_and_a_constant_stays_constant(numpy_backend, random, substeps):
    grid = rough(random)
    salt = 35.0 + random.standard_normal(grid.cells)
    parameters = Parameters(
        Ocean(), time_step=40.0 if substeps == 1 else 300.0, substeps=substeps, tracer_names=("temperature", "salinity"),
        friction=Mixing(50.0, 50.0), diffusivity=50.0, surface_stress=(np.full((7, 10), 0.2), 0.0),
        vertical_mixing=VerticalMixing(values=Uniform(1e-2, 1e-3), quadratic_drag=3e-3))
    state = initial_state(grid, surface=0.5 * random.standard_normal(grid.cells[1:]),
                          u=0.1 * random.standard_normal(grid.cells), tracers=(10.0, salt))
    volume, salinity = content(grid, state), content(grid, state, 1)
    after = Model(grid, parameters, numpy_backend).steps(state, 40)
    assert np.abs(interior(after.w)).max() > 1e-6 and np.abs(interior(after.surface - state.surface)).max() > 1e-2
    assert content(grid, after) == pytest.approx(volume, rel=2e-15)
    # round-off of some 200 cells in 40 steps
    assert content(grid, after, 1) == pytest.approx(salinity, rel=1e-14)
    assert np.abs(interior(after.tracers[0]) - 10.0).max() < 1e-12


def made_of(backend, grid, random):
    """The columns under a random surface."""
    surface = filled(grid, Place.CENTER, 50.0 * random.standard_normal(grid.cells[1:]))
    return Column(*backend.apply(column.columns, grid.tile.region.columns.grow(1, 1, 1, 1), grid.metrics, Ocean(), surface))


def volumes(grid, made):
    """Volume of the flow about open faces (m3)."""
    metrics, at, dr = grid.metrics, grid.tile.region.columns.indices(), np.diff(grid.interfaces)[:, None, None]
    return (fractions(grid, metrics.floor_u, metrics.fraction_u) * dr * made.width_u[at] * interior(metrics.dx_u),
            fractions(grid, metrics.floor_v, metrics.fraction_v) * dr * made.width_v[at] * interior(metrics.dy_v))


def test_the_vorticity_flux_and_the_gradient_of_kinetic_energy_do_no_work(numpy_backend, random):
    grid = rough(random)
    region, at, metrics = grid.tile.region, grid.tile.region.indices(), grid.metrics
    made = made_of(numpy_backend, grid, random)
    u, v = random_velocity(grid, random)
    whole, flux = advection_of(numpy_backend, grid, momentum.energy_conserving, made, u, v)
    work = [volume * interior(velocity) * force for volume, velocity, force in zip(volumes(grid, made), (u, v), flux, strict=True)]
    assert abs(work[0].sum() + work[1].sum()) < 1e-14 * sum(np.abs(part).sum() for part in work)
    assert abs(work[0].sum()) > 1e-3 * np.abs(work[0]).sum()

    climbed = sum((volume * interior(velocity) * (all_of_it - part)).sum() for volume, velocity, all_of_it, part in zip(
        volumes(grid, made), (u, v), whole, flux, strict=True))
    widths = made.width_u, made.width_v
    flow = continuity.Flow(*numpy_backend.apply(continuity.transports, region.grow(east=1, north=1), metrics, *widths, u, v),
                           *widths)
    whole_cells = grid.wet * interior(metrics.area) * np.diff(grid.interfaces)[:, None, None]  # D_k is per whole level
    stored = (numpy_backend.apply(kinetic_energy, region, metrics, u, v)[at]
              * numpy_backend.apply(continuity.divergence, region, metrics, *flow[:2])[at] * whole_cells).sum()
    assert climbed == pytest.approx(stored, rel=1e-11)  # sums of some 300 terms that partly cancel


def test_a_uniform_flow_along_a_slope_feels_the_whole_coriolis_force(numpy_backend):
    """The mean thickness about a corner is that of the two faces that it serves: f v of a flow along the contours is exact."""
    f, speed = 1.2e-4, 0.3
    bottom = np.broadcast_to(-4000.0 + 90.0 * np.abs(np.arange(10) - 4.5), (7, 10))
    grid = channel(interfaces=np.linspace(-4000.0, 0.0, 5), bottom=bottom, land=None, partial_cells=LEAST, coriolis=f, beta=0.0,
                   y_boundary=Boundary.PERIODIC)
    made = Column(*numpy_backend.apply(column.columns, grid.tile.region.columns.grow(1, 1, 1, 1), grid.metrics, Ocean(),
                                       filled(grid, Place.CENTER, np.zeros(grid.cells[1:]))))
    u, v = filled(grid, Place.WEST_FACE, np.zeros(grid.cells)), filled(grid, Place.SOUTH_FACE, np.full(grid.cells, speed))
    _, (turned, _) = advection_of(numpy_backend, grid, momentum.energy_conserving, made, u, v)
    assert np.ptp(interior(grid.metrics.fraction)) > 0.3
    assert np.allclose(turned, f * speed, rtol=1e-13)
    wide = grid.tile.region.grow(2, 3, 2, 3)
    around = Column(*numpy_backend.apply(column.columns, wide.columns, grid.metrics, Ocean(), np.zeros(wide.padded[1:])))
    _, absolute = numpy_backend.apply(momentum_weno.corner_vorticities, wide, grid.metrics, around, u, v)
    upwind = numpy_backend.apply(momentum_weno.vorticity_flux_u, grid.tile.region, grid.metrics, made, absolute, v)
    # the upwind value is sought along the contours, where potential vorticity does not change
    assert np.allclose(upwind[grid.tile.region.indices()], f * speed, rtol=1e-13)


def test_friction_removes_exactly_the_squares_of_divergence_and_vorticity(numpy_backend, random):
    grid = rough(random)
    metrics, region, at = grid.metrics, grid.tile.region, grid.tile.region.indices()
    u, v = random_velocity(grid, random)
    ones = np.ones(region.padded[1:])
    stress = friction.stress(metrics, Viscosity(2.0 * ones, 3.0 * ones), strain(numpy_backend, grid, u, v))
    forces = (numpy_backend.apply(stencil, region, metrics, stress)
                for stencil in (friction.harmonic_u, friction.harmonic_v))
    opened = (fractions(grid, metrics.floor_u, metrics.fraction_u), fractions(grid, metrics.floor_v, metrics.fraction_v))
    work = sum((opening * interior(velocity) * force[at] * interior(area)).sum() for opening, velocity, force, area in zip(
        opened, (u, v), forces, (metrics.area_u, metrics.area_v), strict=True))
    divergence = numpy_backend.apply(velocity_divergence, region, metrics, u, v)[at]
    curl = numpy_backend.apply(vorticity, region, metrics, u, v)[at]
    removed = (2.0 * fractions(grid, metrics.floor, metrics.fraction) * divergence**2 * interior(metrics.area)).sum()
    about = fractions(grid, metrics.floor_z, metrics.fraction_z)
    removed += (3.0 * about * curl**2 / interior(metrics.inverse_area_z)).sum()
    assert work == pytest.approx(-removed, rel=1e-12)  # summation by parts, exact but for round-off


@pytest.mark.parametrize("biharmonic", [False, True])
def test_diffusion_keeps_the_content_and_lowers_the_variance(numpy_backend, random, biharmonic):
    grid = rough(random)
    tracer = np.where(grid.wet, random.standard_normal(grid.cells), 0.0)
    width = 5.0e5 / 7.0
    coefficient = 0.02 * width**4 / 300.0 / 16.0 if biharmonic else 0.05 * width**2 / 300.0
    parameters = Parameters(shallow_water(1e-12), time_step=300.0, diffusivity=coefficient, tracer_names=("dye",),
                            biharmonic_diffusion=biharmonic, vertical_mixing=VerticalMixing(values=Uniform(0.0, 10.0)))
    before, after, scale, variances = diffused(Model(grid, parameters, numpy_backend),
                                               initial_state(grid, surface=0.0, tracers=(tracer,)))
    assert abs(after - before) < 1e-14 * scale
    assert (np.diff(variances) < 0.0).all()


def test_the_wind_gives_a_thin_layer_its_whole_stress(numpy_backend):
    """One layer of half the thickness speeds up twice as fast."""
    speeds = []
    for depth in (1000.0, 500.0):
        grid = rectilinear((1, 4, 6), extent=(6e4, 4e4), interfaces=np.array([-1000.0, 0.0]), bottom=-depth,
                           y_boundary=Boundary.PERIODIC, partial_cells=LEAST)
        parameters = Parameters(shallow_water(), time_step=10.0, surface_stress=(0.1, 0.0))
        after = Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.0), 3)
        speeds.append(interior(after.u)[0, 0, 0])
    assert speeds[0] == pytest.approx(3.0 * 10.0 * 0.1 / 1025.0 / 1000.0, rel=1e-12)
    assert speeds[1] == pytest.approx(2.0 * speeds[0], rel=1e-12)


def test_a_stratified_ocean_stays_at_rest_over_a_ridge(numpy_backend):
    bottom = -4000.0 + 2500.0 * np.exp(-(((np.arange(24) - 11.5) / 4.0) ** 2))
    grid = rectilinear((8, 6, 24), extent=(1.2e6, 3e5), interfaces=np.linspace(-4000.0, 0.0, 9), coriolis=1e-4,
                       bottom=np.broadcast_to(bottom, (6, 24)), partial_cells=LEAST)
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    parameters = Parameters(Ocean(), time_step=400.0, substeps=16, tracer_names=("temperature", "salinity"))
    state = initial_state(grid, surface=0.0, tracers=(2.0 + 18.0 * np.exp(centre / 800.0), 35.0))
    after = Model(grid, parameters, numpy_backend).steps(state, 100)
    # tracers stay on the nominal levels: no force but round-off of phi (1e-16 of 1e3 m2/s2 over 5e4 m) for 4e4 s
    assert max(np.abs(fields_of(after)[name]).max() for name in ("u", "v")) < 1e-12
