"""Momentum: what does no work, solid-body rotation, mirror images, and vertical advection."""

import numpy as np
import pytest
from conftest import advection_of, channel, filled, random_velocity, sphere, uniform_flow

from dycore.equations import column, continuity, momentum
from dycore.equations.column import Column
from dycore.equations.operators import kinetic_energy, velocity_divergence, vorticity
from dycore.fluid import Ocean
from dycore.grid import EARTH_RADIUS, interior, rectilinear
from dycore.tiles import Boundary, Place
from dycore.vertical import stretched, uniform

GRIDS = {"channel": channel, "sphere": sphere}


def columns(backend, grid, random=None):
    """The columns under a random surface, or under a level one."""
    surface = np.zeros(grid.cells[1:]) if random is None else 200.0 * random.standard_normal(grid.cells[1:])
    return Column(*backend.apply(column.columns, grid.tile.region.columns.grow(1, 1, 1, 1), grid.metrics, Ocean(),
                                 filled(grid, Place.CENTER, surface)))


def apply(backend, grid, function, *arguments):
    region = grid.tile.region
    return backend.apply(function, region, grid.metrics, *arguments)[region.indices()]


def forces(backend, grid, made, u, v, w=None):
    """(Coriolis force and advection, the vorticity flux alone), each of u and of v."""
    return advection_of(backend, grid, momentum.energy_conserving, made, u, v, w)


def open_faces(grid):
    level = np.arange(*grid.tile.region.k)[:, None, None]
    return level >= interior(grid.metrics.floor_u), level >= interior(grid.metrics.floor_v)


def volumes(grid, made):
    """Volume of the flow about open faces: area of the face times the distance across it (m3)."""
    metrics, region = grid.metrics, grid.tile.region
    dr = np.diff(grid.interfaces)[:, None, None]
    at_u, at_v = open_faces(grid)
    return (at_u * dr * made.width_u[region.columns.indices()] * interior(metrics.dx_u),
            at_v * dr * made.width_v[region.columns.indices()] * interior(metrics.dy_v))


def no_w(grid):
    return np.zeros(grid.tile.region.padded, grid.dtype)


@pytest.mark.parametrize("name", GRIDS)
def test_the_vorticity_flux_does_no_work(numpy_backend, random, name):
    grid = GRIDS[name]()
    made = columns(numpy_backend, grid, random)
    u, v = random_velocity(grid, random)
    volume_u, volume_v = volumes(grid, made)
    _, flux = forces(numpy_backend, grid, made, u, v)
    work_u, work_v = volume_u * interior(u) * flux[0], volume_v * interior(v) * flux[1]
    # the terms of both components cancel in pairs: round-off of some 300 terms is left
    assert abs(work_u.sum() + work_v.sum()) < 1e-14 * (np.abs(work_u).sum() + np.abs(work_v).sum())
    assert abs(work_u.sum()) > 1e-3 * np.abs(work_u).sum()


@pytest.mark.parametrize("name", GRIDS)
def test_the_gradient_of_kinetic_energy_works_against_the_divergence(numpy_backend, random, name):
    """sum u (-dK/dx) = sum K div u: where the flow converges it climbs, and loses what the cell gains."""
    grid = GRIDS[name]()
    made = columns(numpy_backend, grid, random)
    u, v = random_velocity(grid, random)
    volume_u, volume_v = volumes(grid, made)
    widths = made.width_u, made.width_v
    faces = grid.tile.region.grow(east=1, north=1)
    flow = continuity.Flow(*numpy_backend.apply(continuity.transports, faces, grid.metrics, *widths, u, v), *widths)
    energy = apply(numpy_backend, grid, kinetic_energy, u, v)
    storage = (energy * apply(numpy_backend, grid, continuity.divergence, flow.transport_u, flow.transport_v) * grid.volume).sum()
    gradient_u, gradient_v = (whole - flux for whole, flux in zip(*forces(numpy_backend, grid, made, u, v), strict=True))
    work = (volume_u * interior(u) * gradient_u).sum() + (volume_v * interior(v) * gradient_v).sum()
    # both sides are sums of some 300 terms that partly cancel
    assert work == pytest.approx(storage, rel=1e-11)


def test_a_uniform_flow_on_a_plane_feels_the_coriolis_force_and_nothing_else(numpy_backend):
    f, speed_u, speed_v = 1.2e-4, 0.7, -0.4
    grid, u, v = uniform_flow(f, speed_u, speed_v)
    made = columns(numpy_backend, grid)
    (of_u, of_v), _ = forces(numpy_backend, grid, made, u, v)
    assert np.allclose(of_u, f * speed_v, rtol=1e-14) and np.allclose(of_v, -f * speed_u, rtol=1e-14)


def solid_body(grid, rate):
    speed = rate * EARTH_RADIUS * np.cos(np.radians(grid.y))[:, None]
    return filled(grid, Place.WEST_FACE, np.broadcast_to(speed, grid.cells)), no_w(grid)


def test_the_vorticity_of_solid_body_rotation_is_twice_the_sine_of_latitude(numpy_backend):
    errors = []
    for ny in (18, 36):
        grid = sphere((1, ny, 8), interfaces=uniform(1, -1.0, 0.0))
        u, v = solid_body(grid, 1.0e-6)
        zeta = apply(numpy_backend, grid, vorticity, u, v)[0, 1:]
        exact = 2.0e-6 * np.sin(np.radians(grid.y_face[1:-1]))[:, None]
        errors.append(np.abs(zeta - exact).max() / 2.0e-6)
    assert errors[1] < 2e-3
    assert errors[0] / errors[1] > 3.5  # second order: 4, a little less where the largest error moves


def test_solid_body_rotation_turns_into_itself(numpy_backend):
    """The centrifugal force of solid-body rotation, (2 Omega + omega) omega R^2 sin cos / R, to second order."""
    errors = []
    for ny in (18, 36):
        grid = sphere((1, ny, 8), interfaces=uniform(1, -1.0, 0.0))
        u, v = solid_body(grid, 7.0e-6)
        made = columns(numpy_backend, grid)
        (along, across), _ = forces(numpy_backend, grid, made, u, v)
        across = across[0, 1:, 0]
        phi = np.radians(grid.y_face[1:-1])
        exact = -(2.0 * 7.29212e-5 + 7.0e-6) * 7.0e-6 * EARTH_RADIUS * np.sin(phi) * np.cos(phi)
        assert (along == 0.0).all()
        errors.append(np.abs(across - exact).max() / np.abs(exact).max())
    assert errors[1] < 5e-3
    assert errors[0] / errors[1] > 3.5


def test_the_divergence_of_a_linear_flow_is_its_slope(numpy_backend):
    grid = rectilinear((1, 5, 8), extent=(8.0, 5.0), interfaces=uniform(1, -1.0, 0.0), x_boundary=Boundary.WALL)
    u = filled(grid, Place.WEST_FACE, np.broadcast_to(0.3 * grid.x_face[:-1], grid.cells))
    divergence = apply(numpy_backend, grid, velocity_divergence, u, no_w(grid))
    assert np.allclose(divergence[:, :, :-1], 0.3, rtol=1e-13)


def mirrored(u, v, axis):
    """The flow seen in a mirror that turns x (axis 1) or y (axis 0) round: interior arrays."""
    if axis == 1:
        return -np.roll(u[..., ::-1], 1, axis=-1), v[..., ::-1]
    return u[:, ::-1], -np.roll(v[:, ::-1], 1, axis=1)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_flow_has_the_mirrored_tendency(numpy_backend, random, axis):
    """f changes its sign in a mirror: a plane with -f."""
    settings = {"extent": (8.0e4, 3.0e4), "interfaces": stretched(3, 500.0, 2.0)}
    ours, theirs = (rectilinear((3, 5, 8), coriolis=f, **settings) for f in (1.0e-4, -1.0e-4))
    u, v = (interior(field) for field in random_velocity(ours, random))
    w = random.standard_normal(ours.cells)
    w[0] = 0.0

    def tendency(grid, u, v, w):
        arguments = (columns(numpy_backend, grid), filled(grid, Place.WEST_FACE, u), filled(grid, Place.SOUTH_FACE, v),
                     filled(grid, Place.CENTER, w))
        at_u, at_v = open_faces(grid)
        (of_u, of_v), _ = forces(numpy_backend, grid, *arguments)
        return at_u * of_u, at_v * of_v

    flip = -1 if axis == 1 else -2
    seen = tendency(theirs, *mirrored(u, v, axis), np.flip(w, flip))
    expected = mirrored(*tendency(ours, u, v, w), axis)
    for one, other in zip(seen, expected, strict=True):
        assert np.abs(one - other).max() < 1e-14 * np.abs(other).max()  # sums in another order


def test_vertical_advection_of_a_linear_profile_is_w_times_its_slope(numpy_backend):
    grid = rectilinear((6, 5, 8), extent=(8.0, 5.0), interfaces=uniform(6, -60.0, 0.0))
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    u = filled(grid, Place.WEST_FACE, np.broadcast_to(0.02 * centre[:, None, None], grid.cells))
    w = filled(grid, Place.CENTER, np.full(grid.cells, 1.0e-3))
    result = apply(numpy_backend, grid, momentum.vertical_advection_u, columns(numpy_backend, grid), u, w)
    assert np.allclose(result[1:-1], -0.02e-3, rtol=1e-12)


def test_vertical_advection_reads_nothing_below_the_sea_floor(numpy_backend, random):
    grid = channel()
    u, _ = random_velocity(grid, random)
    w = filled(grid, Place.CENTER, random.standard_normal(grid.cells))
    made = columns(numpy_backend, grid)
    before = apply(numpy_backend, grid, momentum.vertical_advection_u, made, u, w)
    levels = np.arange(u.shape[0])[:, None, None]
    buried = np.where(levels < grid.metrics.floor_u, 1.0e6, u)
    after = apply(numpy_backend, grid, momentum.vertical_advection_u, made, buried, w)
    at_u, _ = open_faces(grid)
    assert (before[at_u] == after[at_u]).all()


def test_there_is_no_vorticity_at_a_coast(numpy_backend, random):
    grid = channel()
    zeta = apply(numpy_backend, grid, vorticity, *random_velocity(grid, random))
    level = np.arange(*grid.tile.region.k)[:, None, None]
    floor = interior(grid.metrics.floor_z)
    assert (zeta[level < floor] == 0.0).all()
    assert (zeta[:, 0] == 0.0).all()
    assert (zeta[level >= floor] != 0.0).all()
