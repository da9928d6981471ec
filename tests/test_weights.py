"""Weights in files: read as they were written, with their normalisation, versions and case, and refused where they do not fit."""

import json

import numpy as np
import pytest
from conftest import create

jax = pytest.importorskip("jax")
equinox, safetensors = pytest.importorskip("equinox"), pytest.importorskip("safetensors.numpy")
import dycore  # noqa: E402
from dycore.learning import Normalisation, load_weights, normalisation_of, save_weights  # noqa: E402

CASE = {"field": "bottom drag", "unit": "m/s", "range": [1e-4, 1e-2], "levels": 1, "time step": 0.1 + 0.2}
SCALES = Normalisation(("depth", "slope"), np.array([4000.0, 0.01]), np.array([1500.0, 0.02]))


def network(width=4, key=0, dtype="float64"):
    create("jax")
    found = equinox.nn.MLP(2, "scalar", width, 1, key=jax.random.key(key))
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if equinox.is_array(leaf) else leaf, found)


@pytest.fixture
def path(tmp_path):
    save_weights(tmp_path / "drag.safetensors", network(), case=CASE, normalisation=SCALES)
    return tmp_path / "drag.safetensors"


def test_weights_come_back_to_the_bit_with_normalisation_versions_and_case(path):
    saved, inputs = load_weights(path, network(key=1), case=CASE), np.array([0.3, -1.2])
    assert float(saved.weights(inputs)) == float(network()(inputs)) != float(network(key=1)(inputs))
    assert saved.normalisation.names == SCALES.names and np.array_equal(saved.normalisation.deviation, SCALES.deviation)
    assert saved.versions["dycore"] == dycore.__version__ and saved.versions["jax"] == jax.__version__
    assert saved.case == CASE


def test_a_case_is_the_same_but_for_the_rounding_of_numbers(path):
    assert load_weights(path, network(), case=CASE | {"time step": 0.3, "range": np.array([1e-4, 1e-2])}).case == CASE
    with pytest.raises(ValueError, match=r"time step is 0.30000000000000004 there and 0.3001 here"):
        load_weights(path, network(), case=CASE | {"time step": 0.3001})


def test_weights_without_a_normalisation_have_none(tmp_path):
    save_weights(tmp_path / "w", {"gain": np.arange(3.0)}, case={})
    saved = load_weights(tmp_path / "w", {"gain": np.zeros(3)}, case={})
    assert saved.normalisation is None and np.array_equal(saved.weights["gain"], [0.0, 1.0, 2.0])


def test_a_file_that_cannot_be_written_leaves_the_one_before(path):
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"1 of 3 numbers of weights\.gain are not finite"):
        save_weights(path, {"gain": np.array([0.0, np.nan, 1.0])}, case=CASE)
    assert path.read_bytes() == before


def rewritten(path, **words):
    """The file with other words in it."""
    with safetensors.safe_open(path, framework="numpy") as file:
        words = file.metadata() | words
    safetensors.save_file(safetensors.load_file(path), path, words)


REFUSED = {
    "another unit": (lambda path: load_weights(path, network(), case=CASE | {"unit": "1"}), "unit is 'm/s' there and '1' here"),
    "a case with less": (lambda path: load_weights(path, network(), case={"unit": "m/s"}), "drag' there and not said here"),
    "a case with more": (lambda path: load_weights(path, network(), case=CASE | {"spacing": 5}), "spacing is not said there"),
    "a truth for a number": (lambda path: load_weights(path, network(), case=CASE | {"levels": True}), "levels is 1 there and T"),
    "a wider network": (lambda path: load_weights(path, network(5), case=CASE),
                        r"layers.0.bias is float64 \[4\] in the file and float64 \[5\] in the network given"),
    "another precision": (lambda path: load_weights(path, network(dtype="float32"), case=CASE), r"and float32 \[4\] in"),
    "another network": (lambda path: load_weights(path, {"gain": np.zeros(3)}, case=CASE),
                        r"gain is not there in the file and float64 \[3\]"),
    "a newer format": (lambda path: (rewritten(path, format="2"), load_weights(path, network(), case=CASE)), "in format 2; this"),
    "a newer dycore": (lambda path: (rewritten(path, versions=json.dumps({"dycore": "99.10.1"})),
                                     load_weights(path, network(), case=CASE)), "written by dycore 99.10.1 .* Take a newer dycore"),
    "no file": (lambda path: load_weights(path.with_name("none"), network(), case=CASE), "No weights can be read from '.*none'"),
    "a file of something else": (lambda path: (path.write_text("weights"), load_weights(path, network(), case=CASE)),
                                 "No weights can be read from .*drag.safetensors"),
    "tensors without a case": (lambda path: (safetensors.save_file({"gain": np.zeros(3)}, path),
                                             load_weights(path, network(), case=CASE)), "does not say what they belong to"),
    "a case that is no words": (lambda path: save_weights(path, network(), case={"loss": len}), "does not go into a file"),
    "a case that is no number": (lambda path: save_weights(path, network(), case={"loss": np.nan}), "does not go into a file"),
    "nothing to save": (lambda path: save_weights(path, {"gain": 1.0}, case=CASE), "must be a tree of arrays"),
    "fields that are missing": (lambda path: SCALES.normalised({"depth": np.ones(2)}), "slope is not among the fields depth"),
    "sets that differ": (lambda path: normalisation_of([{"depth": np.ones(2)}, {"slope": np.ones(2)}]), "the same names to all"),
    "a field of land alone": (lambda path: normalisation_of([{"depth": np.full(2, np.nan)}]), "depth has no finite value in any"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_in_a_sentence(name, path):
    attempt, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        attempt(path)


def test_normalised_fields_have_mean_zero_and_deviation_one_over_all_sets_and_land_is_at_the_mean():
    sets = [{"depth": np.array([[1.0, np.nan, 3.0]]), "flat": np.array([[5.0, np.nan, 5.0]])},
            {"depth": np.ma.masked_greater(np.array([[8.0, 99.0, 4.0]]), 90.0), "flat": np.array([[5.0, 5.0, 5.0]])}]
    scales = normalisation_of(sets)
    assert scales.mean == pytest.approx([4.0, 5.0]) and scales.deviation == pytest.approx([np.std([1.0, 3.0, 8.0, 4.0]), 1.0])
    first, second = (scales.normalised(each) for each in sets)
    assert first.shape == (2, 1, 3) and first[0, 0, 1] == 0.0 and second[0, 0, 1] == 0.0 and not first[1].any()
    assert first[0, 0, 0] == pytest.approx(-3.0 / scales.deviation[0])
