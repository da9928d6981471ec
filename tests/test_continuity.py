"""Continuity: no mass is made or lost, none passes the boundaries, and the surface follows the transport."""

import numpy as np
import pytest
from conftest import channel, content, filled, flow_of, random_velocity, sphere

from dycore import Model
from dycore.equations import continuity, velocity
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior
from dycore.parameters import Parameters
from dycore.state import initial_state
from dycore.terms import Vector, bound
from dycore.tiles import HALO_LEVELS, Place
from dycore.vertical import uniform

GRIDS = {"channel": channel, "sphere": sphere}


def cells(field, grid):
    region = grid.tile.region if field.array.ndim == 3 else grid.tile.region.columns
    return field[region.indices()]


def sweep(backend, grid, u, v):
    """(sum of D_k from the column sums, W at the lower faces, W that is carried out at the top)."""
    region = grid.tile.region
    metrics = grid.metrics
    moving, none = flow_of(backend, grid, u, v), np.zeros(region.padded, grid.dtype)
    sums, _ = backend.sweep(velocity.advance, velocity.no_sums, region.grow(east=1, north=1), 1, metrics, 1.0,
                            Vector(none, none), u, v)
    sums = velocity.Sums(*sums)
    total = backend.apply(continuity.column_divergence, region.columns, metrics, moving.width_u, moving.width_v,
                          sums.after_u, sums.after_v)
    (last,), (w,) = backend.sweep(continuity.flux_through_levels, continuity.no_flux, region, 1, metrics,
                                  bound(continuity.divergence, metrics, *moving[:2]), total)
    return cells(total, grid), cells(w, grid), cells(last, grid)


@pytest.mark.parametrize("name", GRIDS)
def test_what_leaves_one_cell_enters_its_neighbour(numpy_backend, random, name):
    grid = GRIDS[name]()
    moving = flow_of(numpy_backend, grid, *random_velocity(grid, random))
    divergence = cells(numpy_backend.apply(continuity.divergence, grid.tile.region, grid.metrics, *moving[:2]), grid)
    outflow = divergence * grid.volume
    # round-off of a sum of at most 320 terms
    assert abs(outflow.sum()) < 1e-14 * np.abs(outflow).sum()
    assert np.abs(outflow).sum() > 0.0


@pytest.mark.parametrize("name", GRIDS)
def test_nothing_passes_the_sea_floor_or_the_surface(numpy_backend, random, name):
    grid = GRIDS[name]()
    _, w, last = sweep(numpy_backend, grid, *random_velocity(grid, random))
    lowest = interior(grid.metrics.floor) - HALO_LEVELS
    for k in range(grid.cells[0]):
        assert (w[k][lowest >= k] == 0.0).all()
    assert np.abs(w).max() > 0.0
    # closed by a sum over the levels, to round-off
    assert np.abs(last).max() < 1e-14 * np.abs(w).max() * grid.cells[0]


@pytest.mark.parametrize("name", GRIDS)
def test_the_depth_mean_carries_what_the_levels_carry(numpy_backend, random, name):
    grid = GRIDS[name]()
    u, v = random_velocity(grid, random)
    total, _, _ = sweep(numpy_backend, grid, u, v)
    moving = flow_of(numpy_backend, grid, u, v)
    divergence = cells(numpy_backend.apply(continuity.divergence, grid.tile.region, grid.metrics, *moving[:2]), grid)
    levels = (divergence * grid.wet * np.diff(grid.interfaces)[:, None, None]).sum(axis=0)
    assert np.abs(total - levels).max() < 1e-14 * np.abs(levels).max()


def test_a_uniform_flow_between_walls_converges_nowhere(numpy_backend):
    grid = channel(bottom=None, land=None)
    u = filled(grid, Place.WEST_FACE, np.full(grid.cells, 0.3))
    moving = flow_of(numpy_backend, grid, u, 0.0 * u)
    divergence = numpy_backend.apply(continuity.divergence, grid.tile.region, grid.metrics, *moving[:2])
    assert (cells(divergence, grid) == 0.0).all()


def test_solid_body_rotation_converges_nowhere(numpy_backend):
    grid = sphere()
    u = filled(grid, Place.WEST_FACE, np.broadcast_to(20.0 * np.cos(np.radians(grid.y))[:, None], grid.cells))
    moving = flow_of(numpy_backend, grid, u, 0.0 * u)
    divergence = numpy_backend.apply(continuity.divergence, grid.tile.region, grid.metrics, *moving[:2])
    assert (cells(divergence, grid) == 0.0).all()


@pytest.mark.parametrize("substeps", [1, 12])
def test_the_surface_rises_and_falls_but_the_volume_stays(numpy_backend, random, substeps):
    grid = channel()
    surface = np.where(grid.wet.any(axis=0), random.standard_normal(grid.cells[1:]), 0.0)
    state = initial_state(grid, surface=surface, u=0.1 * random.standard_normal(grid.cells), tracers=(10.0, 35.0))
    made = Model(grid, Parameters(Ocean(), time_step=100.0 * substeps**0.5, substeps=substeps,
                                  tracer_names=("temperature", "salinity")), numpy_backend)
    before = content(grid, state)
    for _ in range(20):
        state = made.step(state)
        # R changes by round-off of its divergence alone: eps times the few metres of R over a depth of kilometres
        assert abs(content(grid, state) - before) < 1e-15 * before
    assert np.abs(interior(state.surface) - surface).max() > 1e-2


def test_the_surface_falls_by_exactly_what_flows_out(numpy_backend):
    depth, speed, step = 100.0, 0.5, 10.0
    grid = sphere((1, 4, 8), interfaces=uniform(1, -depth, 0.0), latitudes=(-30.0, 30.0), longitudes=(0.0, 90.0))
    u = np.zeros(grid.cells)
    u[0, 2, 4] = speed
    parameters = Parameters(shallow_water(1.0e-12), time_step=step)  # no waves: the velocity stays what it is
    made = Model(grid, parameters, numpy_backend)
    state = made.step(initial_state(grid, surface=0.0, u=u))
    area, length = interior(grid.metrics.area), interior(grid.metrics.dy_u)
    change = interior(state.surface)
    new = interior(state.u)[0]
    east = np.zeros((4, 9))
    east[:, :8] = new
    north = np.zeros((5, 8))
    north[:4] = interior(state.v)[0]
    lengths_v = np.vstack([interior(grid.metrics.dx_v), np.zeros((1, 8))])
    inflow = -np.diff(east * np.pad(length, ((0, 0), (0, 1)))) - np.diff(north * lengths_v, axis=0)
    assert np.allclose(change, step * depth * inflow / area, rtol=1e-12, atol=1e-18)
    assert change[2, 4] > 0.0 > change[2, 3]
