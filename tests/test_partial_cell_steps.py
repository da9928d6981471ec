"""Steps over partial cells: waves, backends, precision and units."""

import numpy as np
import pytest
from conftest import channel, create, fields_of, flow_of, random_velocity
from rough_floor import LEAST, fractions, rough

from dycore import Model
from dycore.fluid import Ocean, shallow_water
from dycore.grid import interior, rectilinear
from dycore.parameters import Mixing, Parameters
from dycore.state import initial_state
from dycore.tiles import Boundary


def seiche(depth, x):
    """(frequency (1/s), surface at x) of the gravest seiche in a closed canal: d/dx(g H d eta/dx) = -omega2 eta, finely solved."""
    n = 600
    dx = x[-1] * len(x) / (len(x) - 0.5) / n
    faces = 9.81 * depth(np.arange(1, n) * dx) / dx**2
    matrix = np.diag(np.r_[faces, 0.0] + np.r_[0.0, faces]) - np.diag(faces, 1) - np.diag(faces, -1)
    values, vectors = np.linalg.eigh(matrix)
    shape = np.interp(x, (np.arange(n) + 0.5) * dx, vectors[:, 1])
    return values[1] ** 0.5, shape / np.abs(shape).max()


def test_waves_over_a_slope_are_better_with_partial_cells(numpy_backend):
    """Half a period of a seiche over a sloping floor turns the surface upside down: the error against a fine solution."""
    length, nx = 1.0e6, 40
    x = (np.arange(nx) + 0.5) * length / nx

    def depth(x):
        return 1000.0 + 3000.0 * x / length

    frequency, shape = seiche(depth, x)
    steps = 120
    errors = []
    for least in (None, LEAST):
        grid = rectilinear((4, 3, nx), extent=(length, 7.5e4), interfaces=np.linspace(-4000.0, 0.0, 5), partial_cells=least,
                           bottom=np.broadcast_to(-depth(x), (3, nx)), x_boundary=Boundary.WALL, y_boundary=Boundary.PERIODIC)
        parameters = Parameters(shallow_water(9.81), time_step=np.pi / frequency / steps)
        after = Model(grid, parameters, numpy_backend).steps(initial_state(grid, surface=0.01 * shape[None]), steps)
        errors.append(np.sqrt(np.mean((interior(after.surface)[1] / 0.01 + shape) ** 2)))
    assert errors[1] < 0.02  # the second-order error of 40 cells a half-wave, and faces a little too low
    assert errors[0] > 4.0 * errors[1]


def everything(precision="float64"):
    """A small ocean over a rough floor, with salinity as its first tracer; without vertical mixing, which takes long to compile."""
    random = np.random.default_rng(7)
    grid = rough(random, precision=precision)
    stress = np.broadcast_to(0.1 * np.sin(np.arange(7))[:, None], (7, 10))
    parameters = Parameters(Ocean(), time_step=300.0, substeps=12, tracer_names=("salinity", "temperature"),
                            friction=Mixing(50.0, 50.0), diffusivity=50.0, surface_stress=(stress, 0.0))
    temperature, salinity = 10.0 + random.standard_normal(grid.cells), 35.0 + random.standard_normal(grid.cells)
    return grid, parameters, initial_state(grid, surface=0.1 * random.standard_normal(grid.cells[1:]),
                                           tracers=(salinity, temperature))


# XLA contracts and reorders: round-off of 1e-16 grows in ten steps
@pytest.mark.parametrize("name, tolerance", [("numba", 0.0), ("jax", 1e-11)])
def test_backends_agree(numpy_backend, name, tolerance):
    grid, parameters, state = everything()
    expected = fields_of(Model(grid, parameters, numpy_backend).steps(state, 10))
    found = fields_of(Model(grid, parameters, create(name)).steps(state, 10))
    for field, values in expected.items():
        assert np.abs(found[field] - values).max() <= tolerance * np.ptp(values), field


def test_grids_without_partial_cells_pass_values_through_unchanged():
    """The stencil of whole cells is the identity, so that a case without partial cells computes what it did before."""
    metrics = channel().metrics
    value = np.arange(3.0)
    assert metrics.open_fraction_of(0, 0, 0, None, None, value) is value
    assert metrics.over_open_fraction(0, 0, 0, metrics, value) is value


def test_single_precision_stays_single(numpy_backend):
    grid, parameters, state = everything("float32")
    after = Model(grid, parameters, numpy_backend).steps(state, 3)
    assert after.u.dtype == after.tracers[0].dtype == np.float32 and np.isfinite(after.u).all()


@pytest.mark.parametrize("wrong, sentence", [
    ({"partial_cells": 0.0}, "partial_cells=0.0 must be the smallest fraction"),
    ({"partial_cells": 1.5}, "partial_cells=1.5 must be the smallest fraction"),
    ({"partial_cells": 0.2, "terrain_following": True}, "give terrain_following or partial_cells, not both")])
def test_what_makes_no_partial_cells_is_refused_with_a_sentence(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        channel(**wrong)


def test_transports_through_partial_faces_are_those_of_their_part(numpy_backend, random):
    grid = rough(random)
    u, v = random_velocity(grid, random)
    flow, at = flow_of(numpy_backend, grid, u, v), grid.tile.region.indices()
    opened = fractions(grid, grid.metrics.floor_u, grid.metrics.fraction_u)
    assert np.allclose(flow.transport_u[at], opened * interior(u) * interior(grid.metrics.dy_u), rtol=1e-15)


def test_a_step_changes_units_and_nothing_else(numpy_backend):
    """Levels twice as thick under half the gravity: heights double, velocities stay, and not one bit more."""
    results = []
    for factor in (1.0, 2.0):
        random = np.random.default_rng(3)
        interfaces = np.linspace(-4000.0, 0.0, 5) * factor
        bottom = random.uniform(-4000.0, -300.0, (7, 10)) * factor
        grid = channel(interfaces=interfaces, bottom=bottom, partial_cells=0.25)
        parameters = Parameters(shallow_water(9.81 / factor), time_step=300.0, substeps=12, friction=Mixing(50.0, 50.0))
        state = initial_state(grid, surface=0.1 * factor * random.standard_normal(grid.cells[1:]))
        results.append(Model(grid, parameters, numpy_backend).steps(state, 5))
    assert (results[0].u == results[1].u).all()
    assert (2.0 * results[0].surface == results[1].surface).all()
