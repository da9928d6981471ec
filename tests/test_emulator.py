"""An emulator sees over the poles, keeps mass, is one file that is refused where it does not fit, and beats what is simple."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import create
from test_examples import example

jax = pytest.importorskip("jax")
for library in ("equinox", "optax", "orbax.checkpoint", "grain", "xarray", "zarr", "safetensors", "scoringrules", "matplotlib"):
    pytest.importorskip(library)
from dycore import Model, cases, learning  # noqa: E402
from dycore.backends import on_numpy  # noqa: E402
from dycore.learning import (  # noqa: E402
    emulate,
    emulation,
    emulation_page,
    emulator,
    emulator_scores,
    emulator_training,
    linear_forecast,
)
from dycore.learning.emulation_settings import FIELDS, settings_of  # noqa: E402
from dycore.learning.padding import padded  # noqa: E402
from dycore.learning.scores import anomaly_correlation, root_mean_square_error, spread_over_error  # noqa: E402
from dycore.learning.state_fields import with_halo  # noqa: E402
from dycore.tiles import Boundary, Place  # noqa: E402

OF_CHANNEL = ["eastward_velocity", "northward_velocity", "temperature", "sea_surface_height"]
SIZES = {"training": [30, 70], "held_out": [72, 80], "test": [82, 99]}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The example at a size for tests: (its result, its folder)."""
    create("jax")
    folder = tmp_path_factory.mktemp("emulator")
    result = example("emulator").main(folder, on_numpy, (3, 8, 16), days=40.0, rollouts=((1, 10), (2, 1)), coarsen=1, width=8,
                                      blocks=2, leads=2,
                                      starts_every=1, members=4, long=60, batch=8, rate=5e-3, noise=0.005,
                                      picture=folder / "picture.png")
    assert (folder / "picture.png").read_bytes()[:4] == b"\x89PNG"
    return result, folder


def test_beyond_a_pole_is_the_row_across_it_with_the_sign_of_a_vector():
    create("jax")
    values = np.random.default_rng(0).standard_normal((2, 6, 8))
    wide = np.asarray(padded(values, [1.0, -1.0], 2, 2, Boundary.POLE))
    assert wide.shape == (2, 10, 12) and np.array_equal(wide[:, 2:-2, 2:-2], values)
    assert np.array_equal(wide[:, 2:-2, 0], values[..., 6]) and np.array_equal(wide[:, 2:-2, -1], values[..., 1])
    for column in range(8):
        across = (column + 4) % 8
        assert np.array_equal(wide[0, :2, column + 2], values[0, [1, 0], across])
        assert np.array_equal(wide[1, -2:, column + 2], -values[1, [5, 4], across])


@pytest.mark.parametrize("boundary", [Boundary.WALL, Boundary.POLE])
def test_beyond_walls_and_poles_a_network_sees_what_the_core_exchanges(boundary):
    problem = learning.eddying_channel((2, 6, 8)) if boundary is Boundary.WALL else cases.held_suarez((2, 8, 16))
    model, random = Model(problem[0], problem[1], on_numpy), np.random.default_rng(6)
    c, u, v = (np.asarray(with_halo(model, place, random.standard_normal(problem[0].cells)))[2:-2]
               for place in (Place.CENTER, Place.WEST_FACE, Place.SOUTH_FACE))
    u, v = 0.5 * (u[..., :-1] + u[..., 1:]), 0.5 * (v[:, :-1] + v[:, 1:])  # at centres
    for name, seen in (("temperature", c), ("eastward_velocity", u), ("northward_velocity", v)):
        core = seen[:, 1: c.shape[1] - 1, 1: c.shape[2] - 1]
        signs = emulator.Layout(((name, 2),), 0, 0, (), 1.0, boundary).signs
        assert np.allclose(padded(core[:, 2:-2, 2:-2], signs, 2, 2, boundary), core, atol=1e-6)


def test_an_emulator_beats_persistence_and_keeps_mass(found):
    result, folder = found
    own = emulator.damped(result.emulator, result.emulator.climatology, 0.0)  # the run still spins up, and has no climatology yet
    states = emulator_scores.stacked(own, learning.run_samples(folder / "held_suarez.zarr", FIELDS, first_day=32.8))
    assert (np.abs(learning.step_errors(own, states)) ** 2).mean() < (np.diff(states, axis=0) ** 2).mean()
    assert result.mass < 1e-5
    assert result.ensemble.ranks.sum() > 0 and len(result.ensemble.ranks) == 5


def test_the_folder_of_a_training_on_other_days_is_refused(found):
    folder = found[1]
    settings = settings_of({"run": str(folder / "held_suarez.zarr"), "output": str(folder / "emulator"), "training": [10.0, 25.0],
                            "held_out": [28.8, 32.0], "test": [32.8, 39.0], "width": 8, "blocks": 2, "batch": 8, "rate": 5e-3,
                            "noise": 0.005, "rollouts": [[1, 10], [2, 1]]}, "emulator.toml")
    parts = [learning.run_samples(settings.run, settings.fields, first_day=first, last_day=last)
             for first, last in (settings.training, settings.held_out)]
    with pytest.raises(ValueError, match=r"10\.0, 25\.0"):
        emulation.trained_emulator(settings, *parts, False)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system lets no process choose its cores")
def test_an_emulator_is_timed_on_one_core(found):
    path = found[1] / "emulator" / "emulator.safetensors"
    script = (f"import os; from dycore.learning import emulator_speed; emulator_speed.main({str(path)!r}); "
              "print(len(os.sched_getaffinity(0)))")
    seconds, cores = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert 0.0 < float(seconds) < 1.0 and cores == "1"


def test_a_turned_state_is_stepped_to_the_turned_state(found):
    own = found[0].emulator
    state = np.random.default_rng(1).standard_normal((10, 8, 16)).astype(np.float32)
    turned = np.asarray(own(np.roll(state, 3, -1)))
    assert np.allclose(turned, np.roll(np.asarray(own(state)), 3, -1), atol=1e-4)


def test_an_emulator_is_one_file_that_steps_as_it_did_and_is_refused_where_it_does_not_fit(found):
    result, folder = found
    file, run = folder / "emulator" / "emulator.safetensors", folder / "held_suarez.zarr"
    samples = learning.run_samples(run, ("eastward_velocity", "northward_velocity", "potential_temperature", "surface_pressure"))
    again = emulator.load_emulator(file, samples)
    state = again.packed(samples[3]).astype(np.float32)
    assert np.array_equal(again(state), result.emulator(state))
    fields = again.unpacked(state)
    assert np.allclose(fields["surface_pressure"], samples[3]["surface_pressure"], rtol=1e-5)
    for names, coarsen, sentence in ((samples.names, 2, "rows is 8 there and 4 here|columns is 16 there and 8 here"),
                                     (samples.names[:2], 1, "fields and levels is")):
        with pytest.raises(ValueError, match=f"is of another run: .*{sentence}"):
            emulator.load_emulator(file, learning.run_samples(run, names, coarsen=coarsen))
    learning.save_weights(folder / "other.safetensors", {"gain": np.ones(3)}, case={})
    with pytest.raises(ValueError, match="holds weights of something else, not an emulator"):
        emulator.load_emulator(folder / "other.safetensors")


def test_one_command_goes_on_with_a_training_and_writes_page_card_and_figures(found, monkeypatch, capsys):
    _, folder = found
    monkeypatch.chdir(folder)
    text = "\n".join(['run = "held_suarez.zarr"', 'output = "emulator"', "training = [12, 28]", "held_out = [28.8, 32]",
                      "test = [32.8, 39.6]", "rollouts = [[1, 10], [2, 1]]", "width = 8", "blocks = 2", "leads = 2",
                      "starts_every = 1", "members = 4", "long = 60", "batch = 8", "rate = 5e-3", "noise = 0.005"])
    Path("e.toml").write_text(text)
    assert emulate.main(["e.toml"]) in (0, 1)
    page = (folder / "emulator" / "results.md").read_text()
    assert page.startswith("# Emulator of the core") and "python -m dycore.learning.emulate e.toml" in page and "cores" in page
    assert {"emulator-forecasts.png", "emulator-climate.png", "emulator-spectra.png"} <= {
        path.name for path in (folder / "emulator").iterdir()}
    assert "## Use and limits" in (folder / "emulator" / "model_card.md").read_text()
    Path("e.toml").write_text(text.replace("rate = 5e-3", "rate = 1e-3"))
    assert emulate.main(["e.toml"]) == 2
    assert "are of another training: rate is 0.005 there and 0.001 here" in capsys.readouterr().err


@pytest.mark.parametrize("change, sentence", [
    ({"trainning": [1, 2]}, "there is no key 'trainning': did you mean 'training'?"),
    ({"training": [70, 30]}, "must be the first and the last day, in this order"),
    ({"training": 30}, "training=30 must be the first and the last day"),
    ({"test": [60, 75]}, "have days in common"),
    ({"width": 2.5}, "width=2.5 must be at least 2"),
    ({"rollouts": [1, 2]}, "must be pairs of steps and passes"),
    ({"fields": ["surface_pressure"]}, "lack eastward_velocity"),
    ({"rate": -1.0}, "rate=-1"),
    ({"noise": -0.1}, "noise=-0.1"),
    ({"run": 3}, "run=3 must be text"),
    ({"fields": ["eastward_velocity"]}, "lack surface_pressure or sea_surface_height"),
    ({"channel": [3, 16]}, "cells="),
    ({"channel": [3, 16, 32], "case": "e.toml"}, "has both a case and a channel"),
    ({"accepted": [0.1, 0.1]}, "accepted=[0.1, 0.1] must be three speeds"),
    ({"accepted": [0.1, 0.1, -1.0]}, "accepted=-1"),
])
def test_settings_that_make_no_sense_are_refused_in_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        settings_of({"run": "r.zarr", "output": "o"} | SIZES | change, "e.toml")


def test_a_linear_forecast_of_a_linear_flow_is_exact():
    random = np.random.default_rng(2)
    angle, waves = 0.3, random.standard_normal((2, 2, 4, 6)).astype(np.float32)
    waves -= waves.mean(axis=-1, keepdims=True)
    states = np.stack([np.cos(angle * n) * waves[0] + np.sin(angle * n) * waves[1] for n in range(60)]) + 5.0
    weights = np.linspace(0.5, 1.5, 4)[:, None]
    linear = linear_forecast.linear_forecast(states[:40], weights, [1, 3], 2)
    assert np.allclose(linear.at(3, states[40:50], weights), states[43:53], atol=2e-2)


def test_scores_are_those_of_their_formulas():
    truth, random = np.zeros(4000), np.random.default_rng(3)
    assert root_mean_square_error([1.0, 3.0], [0.0, 0.0], [1.5, 0.5]) == pytest.approx(3.0**0.5)
    assert anomaly_correlation([2.0, 0.0], [3.0, 0.0], [1.0, 1.0]) == pytest.approx(3.0 / 10.0**0.5)
    members = random.standard_normal((5, 4000))
    assert spread_over_error(members, random.standard_normal(4000)) == pytest.approx(1.0, abs=0.05)
    for ask in (lambda: root_mean_square_error([1.0], [1.0, 2.0]), lambda: root_mean_square_error([np.nan], [1.0]),
                lambda: spread_over_error(np.zeros((3, 4000)), truth)):
        with pytest.raises(ValueError, match=r"Give|Leave out"):
            ask()


def test_a_mirrored_window_has_its_northward_wind_turned_round():
    sample = {"northward_velocity": np.arange(6.0).reshape(1, 1, 3, 2), "surface_pressure": np.arange(6.0).reshape(1, 3, 2)}
    mirrored = [emulator_training.turned(sample, np.random.default_rng(seed)) for seed in range(20)]
    signs = {np.sign(each["northward_velocity"].sum()) for each in mirrored}
    assert signs == {-1.0, 1.0}
    for each in mirrored:
        assert np.array_equal(abs(each["northward_velocity"][0, 0]), each["surface_pressure"][0])


def test_a_damped_step_takes_back_a_part_of_the_departure_from_the_climatology_and_keeps_mass(found):
    own, random = found[0].emulator, np.random.default_rng(5)
    still = emulator.with_weights(own, jax.tree.map(lambda leaf: 0.0 * leaf, emulator.trained(own)))
    climatology, state = random.standard_normal((10, 8, 1)), random.standard_normal((10, 8, 16)).astype(np.float32)
    states = emulator_scores.long_rollout(emulator.damped(still, climatology, 0.1), state, 20)
    assert np.allclose(states[-1, :9] - climatology[:9], 0.9**20 * (state[:9] - climatology[:9]), atol=1e-5)
    assert emulator_scores.mass_change(own, [state, *states]) < 1e-6


def test_members_of_a_persistent_emulator_walk_at_random_by_the_errors_that_they_are_given(found):
    own = found[0].emulator
    nothing = jax.tree.map(lambda leaf: 0.0 * leaf, emulator.trained(own))
    still = emulator.damped(emulator.with_weights(own, nothing), own.climatology, 0.0)
    random = np.random.default_rng(4)
    walk = random.standard_normal((80, 10, 8, 16), np.float32).cumsum(axis=0)
    walk[:, -1] -= (own.layout.weights * walk[:, -1]).mean(axis=(1, 2), keepdims=True)
    errors = learning.step_errors(still, walk)
    assert np.allclose(errors, np.diff(walk, axis=0), atol=1e-5)
    members = learning.ensemble_rollout(still, errors, 0.5, walk[:1], 4, 60)
    assert members.shape == (60, 1, 4, 10, 8, 16)
    assert members.var(axis=0).mean(axis=(0, 2, 3, 4)) == pytest.approx(0.25 * np.arange(1, 5), rel=0.05)
    assert learning.fitted_error_size(still, errors, walk, 4, 5, 8) == pytest.approx(1.0, rel=0.05)


def test_a_rollout_begins_with_one_state_of_the_channels_rows_and_columns_of_the_emulator(found):
    with pytest.raises(ValueError, match=r"state has the shape \(2, 10, 8, 16\). Give one of \[c, j, i\] = \(10, 8, 16\)"):
        learning.rollout(found[0].emulator, np.ones((2, 10, 8, 16)), 2)


def test_a_rollout_that_is_not_finite_is_told_with_its_step(found):
    own = found[0].emulator
    broken = emulator.with_weights(own, jax.tree.map(lambda leaf: np.nan * leaf, emulator.trained(own)))
    with pytest.raises(FloatingPointError, match=r"no longer finite at step 1 of 60"):
        emulator_scores.long_rollout(broken, np.ones((10, 8, 16), np.float32), 60)


@pytest.fixture(scope="module")
def channel(tmp_path_factory):
    """An experiment with a channel at a size for tests, whose run it makes: (its settings, its result)."""
    create("jax")
    folder = tmp_path_factory.mktemp("channel")
    settings = settings_of({"run": str(folder / "channel.zarr"), "output": str(folder / "emulator"), "channel": [2, 8, 16],
                            "fields": OF_CHANNEL, "training": [1, 5], "held_out": [5.25, 6.5], "test": [6.75, 9],
                            "record_every": 0.25, "width": 8, "blocks": 1, "batch": 8, "rollouts": [[1, 4]], "leads": 1,
                            "starts_every": 1, "members": 2, "long": 20, "accepted": [0.03, 0.03, 0.02]}, "channel.toml")
    return settings, emulation.experiment(settings, False, on_numpy)


def test_an_emulator_of_a_channel_keeps_its_volume_and_does_not_know_where_a_row_begins(channel):
    own = emulator.damped(channel[1].emulator, np.random.default_rng(8).standard_normal((7, 8, 1)), 0.1)
    state = np.random.default_rng(7).standard_normal((7, 8, 16)).astype(np.float32)
    height = emulator_scores.long_rollout(own, state, 20)[:, -1]
    assert np.ptp(height.mean(axis=(1, 2))) < 1e-6 < np.ptp(height)
    assert np.allclose(own(np.roll(state, 3, -1)), np.roll(np.asarray(own(state)), 3, -1), atol=1e-4)
    assert channel[1].mass < 1e-5


def test_windows_of_a_channel_where_the_coriolis_parameter_has_one_sign_are_not_mirrored(channel):
    sample = {"northward_velocity": np.arange(8.0)[:, None] * np.ones((8, 16))}
    change = emulator_training.disturbed(channel[1].emulator, 0.0)
    for seed in range(20):
        assert np.array_equal(change(sample, np.random.default_rng(seed))["northward_velocity"], sample["northward_velocity"])


def test_weights_of_a_sphere_are_refused_for_a_channel_and_older_ones_are_read(found, channel):
    folder, settings = found[1], channel[0]
    samples = learning.run_samples(settings.run, OF_CHANNEL)
    assert emulator.load_emulator(settings.output / "emulator.safetensors", samples).layout.boundary is Boundary.WALL
    sphere = learning.run_samples(folder / "held_suarez.zarr", ("eastward_velocity", "surface_pressure"))
    plane = learning.run_samples(settings.run, ("eastward_velocity", "sea_surface_height"))
    layouts = [emulator.layout_of(each) for each in (sphere, plane)]
    case = {"fields and levels": layouts[0].levels, "rows": 8, "columns": 16, "latitude": layouts[0].places,
            "every": layouts[0].every, "network": {"width": 2, "blocks": 1}}
    scales = learning.Normalisation(layouts[0].channels, np.zeros(len(layouts[0].channels)), np.ones(len(layouts[0].channels)))
    older = emulator.of_layout(0, layouts[0], scales, 2, 1)
    learning.save_weights(folder / "older.safetensors", (emulator.trained(older), older.climatology, older.damping),
                          normalisation=scales, case=case)
    assert emulator.load_emulator(folder / "older.safetensors", sphere).layout == layouts[0]
    with pytest.raises(ValueError, match="is of another run: boundary along y is pole there and wall here"):
        emulator.load_emulator(folder / "older.safetensors", plane)


def test_a_run_of_other_cells_than_the_settings_say_is_refused(channel):
    with pytest.raises(ValueError, match=r"has \[2, 8, 16\] cells, and the settings are of one with \[2, 8, 32\]"):
        emulation.experiment(replace(channel[0], channel=(2, 8, 32)), False, on_numpy)


def test_the_page_of_a_channel_speaks_of_water(channel):
    settings, result = channel
    rows = emulation_page.rows_of(result)
    assert [row.tolerance for row in rows[3:6]] == ["at most 0.03", "at most 0.03", "at most 0.02"]
    words = " ".join(row.quantity for row in rows)
    assert "mean zonal velocity" in words and "height of the sea's surface" in words and "wind" not in words
    axes = emulation_page.evidence(result).figures["climate"].axes[0]
    assert axes.get_ylabel() == "level from the floor" and axes.get_ylim()[0] < axes.get_ylim()[1]
    emulation_page.write_card(settings.output / "card.md", settings, result)
    assert "8 x 16 cells of a channel" in (settings.output / "card.md").read_text()
