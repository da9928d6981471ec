"""A twin analysed by posterior sampling and LETKF is nearer to the truth than the climate, with a page that has 4D-Var beside."""

import re

import numpy as np
import pytest
from conftest import create
from test_examples import example

jax = pytest.importorskip("jax")
for library in ("equinox", "optax", "orbax.checkpoint", "grain", "xarray", "zarr", "safetensors", "scoringrules", "matplotlib"):
    pytest.importorskip(library)
from dycore import learning  # noqa: E402
from dycore.backends import on_numpy  # noqa: E402
from dycore.learning import posterior_experiment  # noqa: E402
from dycore.learning.posterior_experiment import FILTERED, SAMPLED, twin_of  # noqa: E402
from dycore.learning.posterior_settings import PosteriorSettings, read_settings  # noqa: E402


def test_a_twin_is_analysed_and_seen_on_a_picture(tmp_path, monkeypatch):
    """4D-Var, which takes a minute to compile and has tests of its own (test_assimilation), is the climate's mean here."""
    create("jax")
    stand_in = np.zeros((16, 16), np.float32), np.zeros((6, 16, 16), np.float32)
    monkeypatch.setattr(posterior_experiment, "variational", lambda *arguments: stand_in)
    sizes = {"cells": 16, "record_every": 20833.333333333332 / 86400.0, "times": 2, "stride": 2, "passes": 12, "width": 16,
             "blocks": 1, "batch": 8, "members": 6, "fields": 1, "steps": 18, "rate": 1e-2, "filter_members": 12}
    found = example("posterior_sampling").main(tmp_path, on_numpy, days=20.0, picture=tmp_path / "picture.png", **sizes)
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"
    for name in (SAMPLED, FILTERED):
        assert found.scores[name].mean_errors["drawn"] < 0.8, name  # of the climate's standard deviation
    assert learning.load_sequence_diffusion(tmp_path / "posterior_sampling" / "posterior_sampling.safetensors", given=0, drawn=2)


def test_records_between_time_steps_and_settings_that_make_no_sense_are_refused(tmp_path):
    lines = 'run = "r"', 'output = "o"', "training = [1, 5]", "held_out = [6, 8]", "test = [9, 12]", "inflation = 0.5"
    (tmp_path / "p.toml").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=re.escape("inflation=0.5 must be a number of at least 1")):
        read_settings(tmp_path / "p.toml")
    settings = PosteriorSettings(tmp_path, tmp_path, (1.0, 5.0), (6.0, 8.0), (9.0, 12.0), record_every=1.5)
    with pytest.raises(ValueError, match="is no multiple of the model's time step"):
        twin_of(settings, on_numpy, 1e-5)
