"""Functions of dycore.learning that are given nonsense: a sentence that says what is wrong, not an error from deep inside."""

import numpy as np
import pytest

from dycore import Model, cases
from dycore.backends import on_numpy

learning = pytest.importorskip("dycore.learning")


@pytest.fixture(scope="module")
def gyre():
    grid, parameters, state = cases.barotropic_gyre((1, 6, 8))
    return Model(grid, parameters, on_numpy), state


@pytest.mark.parametrize("ask, sentence", [
    (lambda: learning.static_maps(None), "grid=None must be a dycore.grid.Grid"),
    (lambda: learning.rank_histogram(None, np.zeros(3)), "Give two members or more|members"),
    (lambda: learning.rank_histogram(np.zeros((5, 3)), np.zeros(4)), r"members have the shape \(5, 3\) and truth \(4,\)"),
    (lambda: learning.rank_histogram(np.zeros((1, 3)), np.zeros(3)), "Give two members or more"),
    (lambda: learning.rank_histogram(np.zeros((5, 3)), np.zeros(3), seed=-1), "seed=-1 must be at least 0"),
    (lambda: learning.rank_histogram(np.array(["x"]), np.zeros(3)), "members"),
    (lambda: learning.continuous_ranked_probability([], np.zeros(3)), "Give two members or more"),
    (lambda: learning.normalisation_of(None), "=None must be a list, each of it a dictionary"),
    (lambda: learning.normalisation_of({"depth": np.ones(3)}), "must be a list, each of it a dictionary"),
    (lambda: learning.random_network(1.5, np.ones((4, 3)), np.ones(2)), "seed=1.5 must be a whole number"),
    (lambda: learning.random_network(0, None, np.ones(2)), "inputs"),
    (lambda: learning.random_network(0, np.ones((4, 3)), 1.0), r"sizes \(\). Give samples"),
    (lambda: learning.random_network(0, np.ones((4, 3)), np.ones(2), 32), "hidden=32 must be a list, each of it a whole"),
    (lambda: learning.random_network(0, np.ones((4, 3)), np.ones(2), (0,)), "hidden=0 must be at least 1"),
    (lambda: learning.with_numbers(cases.barotropic_gyre((1, 6, 8))[1], None), "given=None must be a dictionary"),
    (lambda: learning.save_weights("x.safetensors", np.array("a"), case={}), "must be a tree of arrays of numbers"),
    (lambda: learning.at_cells(None, "surface", 1, 1), "model=None must be a dycore.model.Model"),
    (lambda: learning.windows(None, None, 1, 1, 1, 1, lambda state: state.u), "model=None must be a dycore.model.Model"),
    (lambda: learning.background_covariance(None, {"u": 1.0}, length=1.0), "model=None must be a dycore.model.Model"),
])
def test_what_makes_no_sense_is_refused_with_a_sentence(ask, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence) as raised:
        ask()
    assert "/learning/" in raised.traceback[-1].path.as_posix() or "/dycore/" in raised.traceback[-1].path.as_posix()


def test_fields_are_named_by_text_and_deviations_by_name(gyre):
    model, _ = gyre
    with pytest.raises(ValueError, match=r"name=.* must be text"):
        learning.at_cells(model, np.zeros(0), 1, 1)
    with pytest.raises(ValueError, match=r"deviations=0.1 must be a dictionary"):
        learning.background_covariance(model, 0.1, length=1.0e6)


@pytest.mark.parametrize("ask, sentence", [
    (lambda model, state: learning.seen_in([]), r"kept=\[\] must be a list of one or more"),
    (lambda model, state: learning.seen_in([learning.Window(state, np.ones(()))]), r"looks of the shapes \[\(\)\]"),
    (lambda model, state: learning.seen_in([learning.Window(state, np.ones((2, n))) for n in (3, 4)]), "looks of different shapes"),
    (lambda model, state: learning.column_samples(model.grid, model.parameters, []), r"states=\[\] must be a list of one or more"),
    (lambda model, state: learning.column_samples(model.grid, model.parameters, [state]), "The state has no tracers"),
    (lambda model, state: learning.lacking_rates(model, [learning.Window(state, np.ones((2, 3)))]), "must be of flows on the grid"),
    (lambda model, state: learning.forecast_errors(model, [], max, 1, max), r"kept=\[\] must be a list of one or more"),
    (lambda model, state: learning.total(model, None), r"field=None has the shape \(\)"),
    (lambda model, state: learning.total(model, state.surface[3:-3, 3:-3]), r"with its halo, \(5, 12, 14\) or \(12, 14\)"),
    (lambda model, state: learning.preconditioning(-1.0), "level=-1.0 must be a positive noise level"),
    (lambda model, state: learning.preconditioning(1.0, 0.0), "deviation=0.0 must be one positive"),
    (lambda model, state: learning.grad(None), "function=None must be a function"),
    (lambda model, state: learning.error_between(model.grid, []), "typical=.* must be a dycore.learning.flow_scores.Flow"),
])
def test_what_would_fail_later_or_give_a_wrong_number_is_refused_at_once(gyre, ask, sentence):
    with pytest.raises((ValueError, TypeError), match=sentence):
        ask(*gyre)


def test_weights_into_a_folder_that_is_not_there_are_told(tmp_path):
    from dycore.files import WritingFailed

    with pytest.raises(WritingFailed, match=r"Weights could not be written to '.*no/such/w.safetensors'"):
        learning.save_weights(tmp_path / "no" / "such" / "w.safetensors", {"gain": np.zeros(3)}, case={})
