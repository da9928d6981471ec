"""Next states that are drawn are as uncertain as they say and nearer to the truth than persistence; one command makes it all."""

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
from dycore.learning import diffusion_scores, diffusion_training, forecast, kolmogorov_flows  # noqa: E402
from dycore.learning.forecasting_settings import read_settings  # noqa: E402

EVERY = 10 * kolmogorov_flows.STEP * kolmogorov_flows.LENGTH / 24 / 86400.0  # days: ten time steps
SIZES = {"cells": 24, "coarsen": 3, "record_every": EVERY, "passes": 20, "width": 24, "blocks": 1, "batch": 8, "members": 8,
         "fields": 8, "steps": 8, "rate": 1e-2}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The example at a size for tests: (its result, its folder)."""
    create("jax")
    folder = tmp_path_factory.mktemp("forecasting")
    result = example("ensemble_forecast").main(folder, on_numpy, days=64.0, picture=folder / "picture.png", **SIZES)
    assert (folder / "picture.png").read_bytes()[:4] == b"\x89PNG"
    return result, folder


def test_members_are_nearer_to_the_next_state_than_persistence_and_as_far_from_their_mean_as_it(found):
    scores = found[0].scores
    assert scores.probability < 0.9 * scores.errors["persistence"]
    assert scores.probability < scores.errors["deterministic"]
    assert 0.6 < scores.spread_over_error < 1.5 and scores.ranks.sum() == found[0].truth.size
    assert np.shape(found[0].members) == (8, *found[0].truth.shape)


def test_a_model_is_one_file_that_draws_as_it_did_and_is_refused_where_it_does_not_fit(found):
    result, folder = found
    file = folder / "forecasting" / "forecasting.safetensors"
    again = learning.load_sequence_diffusion(file, given=1, drawn=1)
    assert np.array_equal(learning.drawn_sequences(again, result.present[:, None], 8, 0, 8)[:, :, 0], result.members)
    with pytest.raises(ValueError, match="has 1 states given, and given=0 was asked for"):
        learning.load_sequence_diffusion(file, given=0)
    with pytest.raises(ValueError, match="holds weights of something else, not a downscaler"):
        learning.load_downscaler(file)
    with pytest.raises(ValueError, match=re.escape("before has the shape (8, 8, 8)")):
        learning.drawn_sequences(again, result.present)


def test_what_is_turned_by_180_degrees_has_the_same_problem_turned(found):
    """Fields, differences and what is known of places are turned together, so that a turned sample is one of the same flow."""
    model, random = found[0].model, np.random.default_rng(0)
    sample = {"vorticity": random.standard_normal((2, 8, 8)).astype(np.float32)}
    drawn = [diffusion_training.noised(1.0, sample, np.random.default_rng(seed)) for seed in range(12)]
    turned, straight = (next(each for each in drawn if each["turned"] == which) for which in (True, False))
    for one, other in zip(model.problem(turned)[:2], model.problem(straight)[:2], strict=True):
        assert np.allclose(one, np.asarray(other)[:, ::-1, ::-1], atol=1e-5)


def test_ranks_of_one_distribution_are_flat_and_those_of_members_too_close_are_not():
    random = np.random.default_rng(0)
    truth, members = random.standard_normal(40_000), random.standard_normal((9, 40_000))
    flat, narrow = (learning.rank_histogram(size * members, truth) for size in (1.0, 0.7))
    assert diffusion_scores.outliers(flat) == pytest.approx(1.0, abs=0.05) and diffusion_scores.departure_from_flat(flat) < 0.06
    assert diffusion_scores.outliers(narrow) > 1.4


def test_one_command_goes_on_with_a_training_and_writes_page_card_and_figures(found, monkeypatch, capsys):
    _, folder = found
    monkeypatch.chdir(folder)
    settings = SIZES | {"training": [3.2, 51.2], "held_out": [51.84, 55.68], "test": [56.32, 64.0]}
    text = "\n".join(['run = "kolmogorov.zarr"', 'output = "forecasting"', "blocks = 1",
                      *(f"{name} = {each}" for name, each in settings.items() if name != "blocks")])
    Path("f.toml").write_text(text)
    assert forecast.main(["f.toml"]) in (0, 1)
    page = (folder / "forecasting" / "results.md").read_text()
    assert page.startswith("# Ensemble forecasts by diffusion") and "python -m dycore.learning.forecast f.toml" in page
    assert {"forecasting-fields.png", "forecasting-spectra.png"} <= {path.name for path in (folder / "forecasting").iterdir()}
    assert "## Use and limits" in (folder / "forecasting" / "model_card.md").read_text()


def test_settings_that_make_no_sense_are_refused_in_a_sentence(tmp_path):
    (tmp_path / "f.toml").write_text('run = "r"\noutput = "o"\ntraining = [1, 5]\nheld_out = [6, 8]\ntest = [9, 12]\nfactor = 4\n')
    with pytest.raises(ValueError, match="there is no key 'factor'"):
        read_settings(tmp_path / "f.toml")
    with pytest.raises(ValueError, match="of whole patches of 3 cells"):
        learning.random_sequence_diffusion(0, np.zeros((3, 2, 8, 8)), given=1, drawn=1, patch=3)
