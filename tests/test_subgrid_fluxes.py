"""A closure by a network of fluxes: what it keeps by construction, and that its weights give one run on every backend and rank."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import channel, content, create, fields_of

pytest.importorskip("equinox")
from dycore import Model, Parameters, cases, initial_state
from dycore.backends import on_numpy
from dycore.fluid import Ocean
from dycore.grid import interior, rectilinear
from dycore.learning.coarse_graining import relative_thickness
from dycore.learning.column_network import random_network
from dycore.learning.eddying_channels import eddying_channel
from dycore.learning.forcing_rates import forcing_rates
from dycore.learning.hybrid import with_module
from dycore.learning.subgrid_fluxes import MOST, inputs_of, made, subgrid_fluxes
from dycore.learning.subgrid_training import inputs_at
from dycore.learning.weights import load_weights, save_weights
from dycore.tiles import Boundary
from dycore.vertical import stretched


def network(levels, tracers=1, seed=0, hidden=(7,)):
    """A network with weights that are not small, for velocities of 0.1 m/s and differences of a tracer of 0.1."""
    inputs = 0.1 * np.random.default_rng(seed).standard_normal((50, inputs_of(levels, tracers)))
    found = random_network(seed, inputs, np.repeat([2e-2] * 3 + [2e-2] * 2 * tracers, levels), hidden)
    return found._replace(layers=tuple(3.0 * layer for layer in found.layers))


def flow_on(grid, tracers=1, seed=1):
    """A random flow under a surface that is not level."""
    random = np.random.default_rng(seed)
    u, v = (0.1 * random.standard_normal(grid.cells) for _ in range(2))
    return initial_state(grid, u=u, v=v, surface=random.uniform(-2.0, 2.0, grid.cells[1:]),
                         tracers=tuple(10.0 + 0.1 * random.standard_normal(grid.cells) for _ in range(tracers)))


def parameters_of(grid, tracers=1, **options):
    """Parameters of an ocean whose only forcing is the closure."""
    names = ("temperature", "salinity")[:2]
    return Parameters(Ocean(), 300.0, substeps=12, tracer_names=names,
                      forcing=(subgrid_fluxes(grid, network(grid.cells[0], tracers)),), **options)


def plane(**options):
    """A channel, or what else of the kind, with a flat bottom."""
    settings = {"extent": (8.0e5, 6.0e5), "interfaces": stretched(3, 400.0), "coriolis": 1e-4}
    return rectilinear((3, 6, 8), **(settings | options))


def stretchings(grid, state):
    """Relative thickness of columns [j, i], and its means at west and south faces."""
    padded = relative_thickness(grid, state.surface)
    return interior(padded), interior(0.5 * (padded + np.roll(padded, 1, 1))), interior(0.5 * (padded + np.roll(padded, 1, 0)))


ROUGH = -4000.0 + 3000.0 * np.random.default_rng(3).random((7, 10))


@pytest.mark.parametrize("grid", [channel((3, 7, 10)), channel((3, 7, 10), bottom=ROUGH, partial_cells=0.2), plane()],
                         ids=["land", "partial cells", "flat"])
def test_no_tracer_is_made_or_lost_whatever_the_weights(grid):
    state = flow_on(grid, 2)
    rates = forcing_rates(grid, parameters_of(grid, 2))(state)
    volume = grid.volume * stretchings(grid, state)[0]
    for rate in rates.tracers:
        assert np.abs(rate).max() > 1e-9 and abs((rate * volume).sum()) < 1e-14 * np.abs(rate * volume).sum()


def test_tracers_and_volume_are_conserved_in_a_run():
    grid, state = channel(), flow_on(channel(), 2)
    end = Model(grid, parameters_of(grid, 2), on_numpy).steps(state, 10)
    free = Model(grid, replace(parameters_of(grid, 2), forcing=()), on_numpy).steps(state, 10)
    for m in (None, 0, 1):
        assert content(grid, end, m) == pytest.approx(content(grid, state, m), rel=1e-13)
    assert np.abs(interior(end.tracers[0]) - interior(free.tracers[0])).max() > 1e-5


def test_no_momentum_is_made_or_lost_but_at_walls():
    for boundary in (Boundary.WALL, Boundary.PERIODIC):
        grid = plane(y_boundary=boundary)
        state = flow_on(grid, 2)
        rates, (_, of_u, of_v) = forcing_rates(grid, parameters_of(grid))(state), stretchings(grid, state)
        for rate, stretching in ((rates.u, of_u), (rates.v, of_v))[:2 if boundary is Boundary.PERIODIC else 1]:
            momentum = rate * grid.volume * stretching
            assert np.abs(rate).max() > 1e-9 and abs(momentum.sum()) < 1e-14 * np.abs(momentum).sum()
        assert boundary is Boundary.PERIODIC or not rates.v[:, 0].any()


def test_the_acceleration_is_the_divergence_of_a_symmetric_stress_and_the_source_that_of_a_flux():
    grid = plane(y_boundary=Boundary.PERIODIC)
    state = flow_on(grid, 2)
    level = state._replace(surface=np.zeros_like(state.surface))
    rates = forcing_rates(grid, parameters_of(grid))(level)
    xx, yy, xy, x, y = made(network(3), *np.split(inputs_at(grid, level)[:-4], 22), *inputs_at(grid, level)[-4:])
    dx, west, south = 1.0e5, (1, 2), (1, 1)

    def step(values, axis, before):
        return (values - np.roll(values, 1, axis) if before else np.roll(values, -1, axis) - values) / dx

    corner = 0.25 * sum(np.roll(xy, shift, (1, 2)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1)))
    assert np.allclose(rates.u, step(xx, west[1], True) + step(corner, south[1], False), rtol=1e-11, atol=1e-20)
    assert np.allclose(rates.v, step(yy, south[1], True) + step(corner, west[1], False), rtol=1e-11, atol=1e-20)
    of_x, of_y = 0.5 * (x + np.roll(x, 1, 2)), 0.5 * (y + np.roll(y, 1, 1))
    assert np.allclose(rates.tracers[0], -step(of_x, 2, False) - step(of_y, 1, False), rtol=1e-11, atol=1e-20)
    assert not rates.tracers[1].any() if len(rates.tracers) > 1 else True


def test_a_moving_frame_and_a_warmer_ocean_change_nothing_and_an_even_flow_feels_nothing():
    grid = plane(y_boundary=Boundary.PERIODIC)
    one = flow_on(grid, 2)
    u, v, *tracers = map(interior, (one.u, one.v, *one.tracers))
    other = initial_state(grid, u=u + 0.5, v=v - 0.3, surface=interior(one.surface), tracers=[tracer + 5.0 for tracer in tracers])
    even = initial_state(grid, u=0.5, v=-0.3, surface=0.0, tracers=(10.0, 35.0))
    at = forcing_rates(grid, parameters_of(grid, 2))
    for name in ("u", "v"):
        assert np.allclose(getattr(at(one), name), getattr(at(other), name), rtol=1e-9, atol=1e-18)
        assert np.abs(getattr(at(even), name)).max() < 1e-18
    assert np.allclose(at(one).tracers[1], at(other).tracers[1], rtol=1e-9, atol=1e-18)


def test_stresses_are_bounded_whatever_the_weights():
    wild = network(3)._replace(layers=tuple(100.0 * layer for layer in network(3).layers))
    fields = [1.0 + np.random.default_rng(0).standard_normal((3, 2, 2)) for _ in range(22)] + [np.zeros((2, 2))] * 4
    assert 0.9 * MOST * 2e-2 < max(np.abs(each).max() for each in made(wild, *fields)) <= MOST * 2e-2


@pytest.mark.parametrize("name", ["numba", "jax"])
def test_the_same_weights_give_the_same_run_on_every_backend(name):
    grid, parameters, _ = eddying_channel((2, 6, 8), time_step=600.0)
    parameters, state = replace(parameters, forcing=(subgrid_fluxes(grid, network(2)),)), flow_on(grid)
    one, other = (fields_of(Model(grid, parameters, create(each)).steps(state, 4)) for each in ("numpy", name))
    free = fields_of(Model(grid, replace(parameters, forcing=()), on_numpy).steps(state, 4))
    for field, values in one.items():
        assert np.abs(other[field] - values).max() < 1e-11 * np.abs(values).max(), field
        assert np.abs(free[field] - values).max() > 1e-6 * np.abs(values).max(), field


def test_any_number_of_ranks_gives_the_same_bits():
    pytest.importorskip("mpi4py")
    from test_ranks import MPIEXEC, results_of

    if MPIEXEC is None:
        pytest.skip("no mpiexec: install an MPI library, or the extra bundled-mpi")
    assert results_of(2, *(("same_answer", ("channel with a closure by a network", "numpy", "float64", shape, 6), {})
                           for shape in ((2, 1), (1, 2)))) == [0.0, 0.0]


def test_weights_come_back_from_a_file_and_those_of_another_grid_are_refused(tmp_path):
    pytest.importorskip("safetensors")
    create("jax")
    grid, state, case = plane(), flow_on(plane(), 2), {"spacing": 1.0e5, "levels": 3}
    save_weights(tmp_path / "fluxes", network(3), case=case)
    read = load_weights(tmp_path / "fluxes", network(3, seed=5), case=case).weights
    own = Model(grid, parameters_of(grid), on_numpy)
    assert np.array_equal(own.step(state).u, with_module(own, subgrid_fluxes(grid, read)).step(state).u)
    other = with_module(own, subgrid_fluxes(grid, network(3, seed=5)))
    assert not np.array_equal(own.step(state).u, other.step(state).u)
    with pytest.raises(ValueError, match="spacing"):
        load_weights(tmp_path / "fluxes", network(3), case=case | {"spacing": 5.0e4})
    with pytest.raises(ValueError, match="another network"):
        load_weights(tmp_path / "fluxes", network(3, hidden=(8,)), case=case)
    with pytest.raises(ValueError, match="has 0 forcings, of which 0 are modules of the function forced"):
        with_module(Model(grid, replace(own.parameters, forcing=()), on_numpy), subgrid_fluxes(grid, read))


@pytest.mark.parametrize("grid, weights, sentence", [
    (plane(), network(4), "makes 20 numbers of 92, but columns of 3 levels have 15 of 70"),
    (plane(), network(3)._replace(layers=network(3).layers[:1]), "makes 7 values, but 15 have"),
    (plane(), network(3)._replace(layers=network(3).layers[1:]), r"Layer 0 of the network has the shape \[15, 8\], but 70 values"),
    (cases.held_suarez((3, 6, 8))[0], network(3), "those of a plane"), (None, network(3), "grid"), (plane(), (1.0,), "network")])
def test_a_network_that_does_not_belong_to_the_grid_is_refused(grid, weights, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        subgrid_fluxes(grid, weights)


def test_a_network_of_more_tracers_than_there_are_is_refused():
    grid = plane()
    with pytest.raises(ValueError, match="there are 2"):
        Model(grid, replace(parameters_of(grid), forcing=(subgrid_fluxes(grid, network(3, 3)),)), on_numpy).step(flow_on(grid, 2))
