"""What a closure by subgrid fluxes is trained on; that training helps is checked with examples/eddying_channel.py."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import create

pytest.importorskip("equinox")
from dycore import Model
from dycore.backends import on_numpy
from dycore.learning import (
    coarse_windows,
    eddying_channel,
    forcing_rates,
    lacking_rates,
    lacking_rates_loss,
    random_subgrid_fluxes,
    subgrid_fluxes,
    with_subgrid_fluxes,
)
from dycore.learning.subgrid_training import inputs_at

CELLS, FINER = (2, 4, 8), 2


@pytest.fixture(scope="module")
def coarse():
    """A coarse model on JAX, what it lacks to follow a fine run, and a network that knows nothing."""
    create("jax")
    from dycore.backends import on_jax

    grid, parameters, _ = eddying_channel(CELLS)
    fine, fine_parameters, state = eddying_channel((CELLS[0], *(FINER * n for n in CELLS[1:])))
    truth = Model(fine, fine_parameters, on_numpy)
    _, single = coarse_windows(truth, truth.steps(state, 100), grid, 3, 1, 1, 4)
    samples = lacking_rates(Model(grid, parameters, on_numpy), single)
    network = random_subgrid_fluxes(0, grid, samples, hidden=(8,))
    closed = replace(parameters, forcing=(*parameters.forcing, subgrid_fluxes(grid, network)))
    return Model(grid, closed, on_jax.create(native=False)), samples, network


def one(samples, number):
    """The state of a sample."""
    import jax

    return jax.tree.map(lambda values: values[number], samples.start)


def test_what_a_network_sees_has_the_size_one_and_zero_stays_zero(coarse):
    model, samples, network = coarse
    seen = np.stack([inputs_at(model.grid, one(samples, n)) for n in range(3)]) / network.inputs[1][:, None, None]
    size = np.sqrt((seen**2).mean(axis=(0, 2, 3)))
    assert not network.inputs[0].any() and np.allclose(size[size > 0.0], 1.0, rtol=1e-12) and (size > 0.0).sum() >= 46


def test_the_offline_loss_is_that_of_the_rates_that_numpy_has(coarse):
    model, samples, network = coarse
    loss = float(lacking_rates_loss(model, network, samples)(network.layers, samples))
    rates = forcing_rates(model.grid, replace(model.parameters, forcing=model.parameters.forcing[1:]))
    found = [rates(one(samples, n)) for n in range(3)]
    squares = [(np.stack([getattr(each, name) for each in found]) - lacking) ** 2 / (lacking**2).mean(axis=(0, 2, 3), keepdims=True)
               for name, lacking in zip(("u", "v"), samples.rates, strict=False)]
    squares.append((np.stack([each.tracers[0] for each in found]) - samples.rates.theta) ** 2
                   / (samples.rates.theta**2).mean(axis=(0, 2, 3), keepdims=True))
    assert 0.8 < loss < 1.5 and loss == pytest.approx(np.mean(squares), rel=1e-10)


def test_networks_of_a_model_are_exchanged_for_others(coarse):
    model, samples, _ = coarse
    other = random_subgrid_fluxes(3, model.grid, samples, hidden=(8,))
    own, others = (Model(model.grid, model.parameters, on_numpy), with_subgrid_fluxes(model, other).parameters)
    made = Model(model.grid, others, on_numpy).step(one(samples, 0)).u
    assert np.array_equal(with_subgrid_fluxes(own, other).step(one(samples, 0)).u, made)
    assert not np.array_equal(own.step(one(samples, 0)).u, made)
