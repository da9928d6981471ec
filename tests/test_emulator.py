"""An emulator sees over the poles, keeps mass, is one file that is refused where it does not fit, and beats what is simple."""

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import create
from test_examples import example

jax = pytest.importorskip("jax")
for library in ("equinox", "optax", "orbax.checkpoint", "grain", "xarray", "zarr", "safetensors", "scoringrules", "matplotlib"):
    pytest.importorskip(library)
from dycore import learning  # noqa: E402
from dycore.backends import on_numpy  # noqa: E402
from dycore.learning import emulate, emulation, emulator, emulator_scores, emulator_training, linear_forecast  # noqa: E402
from dycore.learning.emulation_settings import FIELDS, settings_of  # noqa: E402
from dycore.learning.scores import anomaly_correlation, root_mean_square_error, spread_over_error  # noqa: E402
from dycore.learning.spherical_padding import padded_on_sphere  # noqa: E402

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
    wide = np.asarray(padded_on_sphere(values, [1.0, -1.0], 2, 2))
    assert wide.shape == (2, 10, 12) and np.array_equal(wide[:, 2:-2, 2:-2], values)
    assert np.array_equal(wide[:, 2:-2, 0], values[..., 6]) and np.array_equal(wide[:, 2:-2, -1], values[..., 1])
    for column in range(8):
        across = (column + 4) % 8
        assert np.array_equal(wide[0, :2, column + 2], values[0, [1, 0], across])
        assert np.array_equal(wide[1, -2:, column + 2], -values[1, [5, 4], across])


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


def test_a_rollout_that_is_not_finite_is_told_with_its_step(found):
    own = found[0].emulator
    broken = emulator.with_weights(own, jax.tree.map(lambda leaf: np.nan * leaf, emulator.trained(own)))
    with pytest.raises(FloatingPointError, match=r"no longer finite at step 1 of 60"):
        emulator_scores.long_rollout(broken, np.ones((10, 8, 16), np.float32), 60)
