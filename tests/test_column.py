"""The stretched column: layers share the stretching, and interfaces end on the moving boundary."""

import numpy as np
from conftest import channel, filled, sphere

from dycore.equations import column
from dycore.fluid import Atmosphere, Ocean
from dycore.grid import interior
from dycore.tiles import Place
from dycore.vertical import uniform


def columns(backend, grid, fluid, surface):
    around = grid.tile.region.columns.grow(1, 1, 1, 1)
    return column.Column(*backend.apply(column.columns, around, grid.metrics, fluid, surface))


def here(field, grid):
    return field[grid.tile.region.columns.indices()]


def test_layers_fill_the_column_from_the_sea_floor_to_the_sea_surface(numpy_backend, random):
    grid = channel()
    surface = filled(grid, Place.CENTER, random.standard_normal(grid.cells[1:]))
    made = columns(numpy_backend, grid, Ocean(), surface)
    wet = grid.wet.any(axis=0)
    thickness = (grid.wet * np.diff(grid.interfaces)[:, None, None]).sum(axis=0) * here(made.stretching, grid)
    depth = interior(surface) - interior(grid.metrics.fixed)
    # sums of numbers of some 4000 m
    assert np.abs((thickness - depth)[wet]).max() < 4.0e3 * 1e-15
    # s of the lowest and uppermost interface of the stretched column are its ends
    top = grid.interfaces[-1] * here(made.scale, grid) + here(made.shift, grid)
    assert np.abs((top - interior(surface))[wet]).max() < 1e-12


def test_a_column_at_its_reference_is_not_stretched_at_all(numpy_backend):
    grid = channel()
    made = columns(numpy_backend, grid, Ocean(), filled(grid, Place.CENTER, np.zeros(grid.cells[1:])))
    assert (here(made.stretching, grid) == 1.0).all()
    assert (here(made.inverse_stretching_z, grid) == 1.0).all()
    assert (here(made.scale, grid) == 1.0).all() and (here(made.shift, grid) == 0.0).all()
    assert (here(made.width_u, grid) == interior(grid.metrics.dy_u)).all()


def test_land_does_not_stretch(numpy_backend):
    grid = channel()
    surface = filled(grid, Place.CENTER, np.full(grid.cells[1:], 7.0))
    made = columns(numpy_backend, grid, Ocean(), surface)
    assert (here(made.stretching, grid)[~grid.wet.any(axis=0)] == 1.0).all()


def test_the_corner_takes_the_mean_over_wet_columns_only(numpy_backend):
    grid = channel(bottom=None)
    surface = filled(grid, Place.CENTER, np.full(grid.cells[1:], 40.0))
    made = columns(numpy_backend, grid, Ocean(), surface)
    # all wet columns are stretched by 1.01, so every corner that touches one is, at the coast too
    assert np.allclose(here(made.inverse_stretching_z, grid), 1.0 / 1.01, rtol=1e-15)


def test_widths_average_the_neighbours(numpy_backend, random):
    grid = sphere()
    surface = filled(grid, Place.CENTER, 100.0 * random.standard_normal(grid.cells[1:]))
    made = columns(numpy_backend, grid, Ocean(), surface)
    j = interior(surface) / 4000.0 + 1.0
    west = 0.5 * (j + np.roll(j, 1, axis=1)) * interior(grid.metrics.dy_u)
    assert np.allclose(here(made.width_u, grid), west, rtol=1e-15)
    product = here(made.width_u, grid) * here(made.inverse_stretching_u, grid)
    assert np.allclose(product, interior(grid.metrics.dy_u), rtol=1e-15)


def test_the_exner_function_of_a_stretched_atmosphere_is_that_of_its_pressure(numpy_backend, random):
    interfaces = uniform(5, 0.0, 1.0e5)
    grid = sphere((5, 10, 16), interfaces=interfaces)
    pressure = 1.0e5 + 2.0e3 * random.standard_normal(grid.cells[1:])
    fluid = Atmosphere()
    made = columns(numpy_backend, grid, fluid, filled(grid, Place.CENTER, pressure))
    faces, layers = fluid.reference_s(interfaces)
    for k in range(6):
        exact = (interfaces[k] * pressure / 1.0e5 / fluid.reference_pressure) ** fluid.kappa
        assert np.allclose(faces[k] * here(made.scale, grid), exact, rtol=1e-14)
    # the mean over the mass of a layer, by quadrature in p; the first layer, where Exner has a branch point, by hand
    nodes, weights = np.polynomial.legendre.leggauss(8)
    for k in range(1, 5):
        p = 0.5 * (interfaces[k] + interfaces[k + 1]) + 0.5 * np.diff(interfaces)[k] * nodes
        assert np.isclose(layers[k], 0.5 * (weights * (p / fluid.reference_pressure) ** fluid.kappa).sum(), rtol=1e-7)
    assert np.isclose(layers[0], faces[1] / (1.0 + fluid.kappa), rtol=1e-15)
    assert (here(made.shift, grid) == 0.0).all()
