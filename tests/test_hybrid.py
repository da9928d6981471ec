"""Windows of runs, rollouts that grow, and scores of forecasts and climates, by which hybrid models are trained and judged."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import create

pytest.importorskip("equinox")
from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.learning import (
    Climate,
    Flow,
    climate,
    column_physics,
    column_samples,
    departures,
    error_between,
    fitted_to_rates,
    flow,
    forecast_errors,
    in_growing_rollouts,
    load_weights,
    random_column_physics,
    rates_loss,
    save_weights,
    windows,
    with_physics,
)
from dycore.learning.hybrid import Window, at, number_of_looks

CELLS = (3, 6, 8)


def held_suarez(steps=20):
    """A model and a flow of it."""
    grid, parameters, state = cases.held_suarez(CELLS)
    model = Model(grid, parameters, on_numpy)
    return model, model.steps(state, steps)


def test_windows_hold_what_is_seen_of_a_run_from_their_states():
    model, start = held_suarez()
    end, kept = windows(model, start, 3, 4, 2, 2, flow)
    assert [number_of_looks(window) for window in kept] == [4, 4, 4]
    for number, window in enumerate(kept):
        begun = model.steps(start, 4 * number)
        assert np.array_equal(window.start.u, begun.u) and int(window.start.step) == 20 + 4 * number
        assert np.array_equal(at(window, 1).theta, flow(model.steps(begun, 4)).theta)
    assert np.array_equal(end.u, model.steps(start, 16).u)
    assert number_of_looks(kept[0].first(3)) == 3 and np.array_equal(at(kept[0].first(3), 2).u, at(kept[0], 2).u)
    with pytest.raises(ValueError, match="stride"):
        windows(model, start, 3, 4, 2, 0, flow)


def test_forecasts_of_the_model_that_made_the_windows_have_no_error_and_others_one_that_grows():
    model, start = held_suarez()
    _, kept = windows(model, start, 2, 3, 2, 2, flow)
    error = error_between(model.grid, Flow(*(field[None] for field in flow(start))))
    assert forecast_errors(model, kept, error, 2, flow).tolist() == [0.0, 0.0, 0.0]
    none = Model(model.grid, replace(model.parameters, forcing=()), on_numpy)
    errors = forecast_errors(none, kept, error, 2, flow)
    assert errors[0] > 0.0 and (np.diff(errors) > 0.0).all()


def test_errors_are_in_standard_deviations_of_the_flow_by_time_and_longitude():
    model, _ = held_suarez(0)
    random, size = np.random.default_rng(0), (40, *CELLS)
    zonal = 100.0 * np.arange(6.0)[:, None]  # differences of latitudes do not count
    typical = Flow(random.normal(0.0, 8.0, size) + zonal, random.normal(0.0, 4.0, size), random.normal(300.0, 2.0, size) + zonal)
    error = error_between(model.grid, typical)
    one = Flow(*(field[0] for field in typical))
    assert error(one, one) == 0.0
    other = Flow(one.u + 8.0, one.v - 8.0, one.theta)
    assert error(one, other) == pytest.approx((1.0 + 4.0 + 0.0) / 3.0, rel=0.03)


def test_rollouts_grow_and_begin_with_the_weights_that_shorter_ones_found():
    import jax.numpy as jnp

    used = []

    def loss(weights, batch):
        used.append(len(batch.seen))
        return ((weights - batch.seen[-1]) ** 2).mean()  # drawn towards what is seen last

    kept = [Window(None, np.arange(5.0)), Window(None, np.arange(5.0))]
    found, losses = in_growing_rollouts(loss, jnp.array([0.0]), kept, {2: 20, 5: 3}, rate=0.1)
    assert set(used) == {2, 5} and used == sorted(used) and [len(each) for each in losses] == [40, 6]
    assert losses[0][-1] < 0.05 < losses[1][0] < 16.0  # near 1, and not 0, before it is drawn towards 4
    assert 1.0 < float(found[0]) < 2.0


def test_climates_are_means_of_samples_and_their_departures_weighted_by_area():
    model, start = held_suarez()
    end, found = climate(model, start, 3, 2)
    flows = [flow(model.steps(start, 2 * number)) for number in (1, 2, 3)]
    assert np.allclose(found.u, np.mean([each.u for each in flows], axis=(0, -1)), rtol=1e-12)
    assert np.allclose(found.theta, np.mean([each.theta for each in flows], axis=(0, -1)), rtol=1e-12)
    assert np.array_equal(end.u, model.steps(start, 6).u) and found.spectrum.shape == (4,)
    south = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    other = Climate(found.u + 2.0, found.theta + south, np.e * found.spectrum)
    weight = np.cos(np.radians(np.asarray(model.grid.latitude)[:, 0]))
    assert departures(model.grid, found, other) == pytest.approx((2.0, np.sqrt(weight[1] / weight.sum()), 1.0), rel=1e-12)
    with pytest.raises(FloatingPointError, match="sample 1 of 3"):
        climate(model, start._replace(u=np.full_like(start.u, np.nan)), 3, 2)


def test_the_spectrum_of_a_wave_is_its_energy_at_its_wavenumber():
    model, start = held_suarez(0)
    wave = 3.0 * np.cos(2.0 * np.pi * 2.0 * np.arange(8) / 8.0)
    u = np.zeros_like(start.u)
    u[:, :, 3:-3] = wave
    still = Model(model.grid, replace(model.parameters, forcing=(), time_step=1e-3), on_numpy)
    _, found = climate(still, start._replace(u=u), 1, 1)
    assert found.spectrum == pytest.approx([0.0, 2.25, 0.0, 0.0], abs=1e-4)  # half of the amplitude, squared


def test_networks_fitted_to_rates_come_near_them():
    model, start = held_suarez()
    states = [window.start for window in windows(model, start, 6, 1, 4, 1, flow)[1]]
    samples = column_samples(model.grid, model.parameters, states)
    physics = random_column_physics(0, model.grid, samples, hidden=(8,))
    loss = rates_loss(model.grid, physics, samples)
    trained = fitted_to_rates(model.grid, physics, samples, passes=150, batches=2)
    nothing = sum((np.asarray(each) ** 2).sum() for each in samples.rates)
    assert nothing > 0.0 and float(loss(trained.layers, samples)) < 0.1 * float(loss(physics.layers, samples))
    assert np.array_equal(trained.heating.inputs, physics.heating.inputs)  # the normalisation stays


def test_networks_come_back_from_a_file_with_their_normalisation(tmp_path):
    pytest.importorskip("safetensors")
    create("jax")
    model, start = held_suarez()
    here, there = (column_samples(model.grid, model.parameters, [model.steps(start, steps)]) for steps in (0, 20))
    physics = random_column_physics(0, model.grid, here)
    save_weights(tmp_path / "physics", physics, case={"grid": list(CELLS)})
    saved = load_weights(tmp_path / "physics", random_column_physics(1, model.grid, there), case={"grid": list(CELLS)})
    own, read = (Model(model.grid, replace(model.parameters, forcing=(column_physics(model.grid, each),)), on_numpy).step(start)
                 for each in (physics, saved.weights))
    assert np.array_equal(own.u, read.u) and np.array_equal(own.tracers[0], read.tracers[0])


def test_networks_of_a_model_are_exchanged_and_other_forcings_are_not():
    model, start = held_suarez()
    samples = column_samples(model.grid, model.parameters, [start])
    one, other = (random_column_physics(seed, model.grid, samples) for seed in (0, 5))
    own = Model(model.grid, replace(model.parameters, forcing=(column_physics(model.grid, one),)), on_numpy)
    made = Model(model.grid, replace(model.parameters, forcing=(column_physics(model.grid, other),)), on_numpy)
    assert np.array_equal(with_physics(own, other).steps(start, 2).u, made.steps(start, 2).u)
    with pytest.raises(ValueError, match="has 1 forcings, of which 0 are modules of the function forced"):
        with_physics(model, one)
