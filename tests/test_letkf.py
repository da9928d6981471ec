"""The ensemble Kalman filter: the analysis of Kalman where that is known, local, on any backend, and reliable on a twin."""

import warnings

import numpy as np
import pytest
from conftest import create, fields_of
from twins import ERRORS, LENGTH, UNCERTAIN, channel, flow, seen, uncertain_twin

from dycore.backends import on_jax
from dycore.grid import latitude_longitude
from dycore.learning import Observations, at_cells, continuous_ranked_probability, filtered, rank_histogram
from dycore.learning.ensembles import advanced, as_ensemble
from dycore.learning.letkf import gaspari_cohn, localisation, transform
from dycore.learning.parameter_updates import updated
from dycore.learning.state_fields import field, incremented


def test_without_localisation_the_analysis_is_that_of_kalman():
    """Mean and covariance of members, against the textbook's with the members' own covariance and errors of one."""
    rng, members = np.random.default_rng(0), 6
    state, operator, observed = rng.standard_normal((members, 3)), rng.standard_normal((2, 3)), rng.standard_normal(2)
    weights = transform(state @ operator.T, observed, np.ones((1, 2)), 1.0, 0.0)[0]
    after = state.mean(axis=0) + np.einsum("np,nl->lp", state - state.mean(axis=0), weights)
    covariance = np.cov(state.T)
    gain = covariance @ operator.T @ np.linalg.inv(operator @ covariance @ operator.T + np.eye(2))
    assert after.mean(axis=0) == pytest.approx(state.mean(axis=0) + gain @ (observed - operator @ state.mean(axis=0)))
    assert np.cov(after.T) == pytest.approx((np.eye(3) - gain @ operator) @ covariance)
    unchanged = transform(state @ operator.T, observed, np.zeros((1, 2)), 1.0, 0.3)[0]
    assert unchanged == pytest.approx(np.eye(members))  # where no observation counts


def test_many_members_learn_of_a_parameter_what_kalman_would():
    """y = 2 p + an error of the state, deviation 1, seen with an error of 1: gain 2 / (4 + 1 + 1)."""
    rng = np.random.default_rng(2)
    controls = rng.standard_normal((400, 1))
    modelled = 2.0 * controls + rng.standard_normal((400, 1))
    after = updated(controls, modelled, np.array([1.5]), np.ones((1, 1)), rng)
    assert after.mean() == pytest.approx(1.5 / 3.0, abs=0.1)
    assert after.var() == pytest.approx(1.0 - 2.0 / 3.0, rel=0.2)  # of 400 members, whose gains are known to 7 %


def filtered_twin(effect, seed, members=20, cycles=12, size=40):
    """(error of the mean, spread) of a parameter that moves a state of so many numbers by a pattern, times `effect`, every cycle;
    they are seen with errors of 1, and the truth is of what members are drawn from."""
    rng = np.random.default_rng(seed)
    pattern, truth, true_control = rng.standard_normal(size), 3.0 * rng.standard_normal(size), rng.standard_normal()
    states, controls = 3.0 * rng.standard_normal((members, size)), rng.standard_normal((members, 1))
    near = np.repeat(np.eye(4), size // 4, axis=1)  # four places, of which each is told of by its own observations
    for _ in range(cycles):
        truth, states = truth + effect * true_control * pattern, states + effect * controls * pattern
        observed = truth + rng.standard_normal(size)
        weights = transform(states, observed, near, 1.05, 0.5)
        controls = updated(controls, states, observed, near, rng)
        mean = states.mean(axis=0)
        states = mean + np.einsum("ns,cnl,cs->ls", states - mean, weights, near)
    return controls.mean() - true_control, controls.std(ddof=1)


@pytest.mark.parametrize("effect, most", [(0.0, 1.2), (0.1, 0.6)])
def test_a_parameter_is_as_far_off_as_members_say_whether_observations_tell_of_it_or_not(effect, most):
    error, spread = np.array([filtered_twin(effect, seed) for seed in range(40)]).T
    assert 0.7 < np.sqrt(((error / spread) ** 2).mean()) < 1.2  # of 40 draws known to 11 %; 2.1, 1.6 with weights of the state
    assert np.sqrt((error**2).mean()) < most  # 1 without observations


def test_observations_count_less_with_distance_around_a_channel_and_a_globe():
    assert gaspari_cohn(np.array([0.0, 1.0, 2.0, 3.0])) == pytest.approx([1.0, 5.0 / 24.0, 0.0, 0.0])
    model = channel()
    at = Observations(at_cells(model, "surface", [4], [0]), np.zeros((1, 1)), 1.0, 1200.0, ([4], [0]))
    weights = localisation(model.grid, at, radius=6e5)[..., 0]  # cells are 150 km apart
    assert weights[4, 0] == 1.0 and weights[4, 11] == weights[4, 1] == pytest.approx(gaspari_cohn(0.5))
    assert weights[4, 2] == pytest.approx(5.0 / 24.0) and weights[4, 5] == 0.0 and weights[0, 0] == 0.0
    globe = latitude_longitude((1, 8, 16), interfaces=np.array([-1000.0, 0.0]))
    weights = localisation(globe, at, radius=1e7)[..., 0]
    assert weights[4, 15] == pytest.approx(weights[4, 1]) and weights[3, 0] > weights[3, 1] > weights[3, 2]


def test_ranks_and_scores_are_those_of_the_definitions():
    rng = np.random.default_rng(1)
    histogram = rank_histogram(rng.standard_normal((9, 20000)), rng.standard_normal(20000))
    assert histogram.sum() == 20000 and histogram == pytest.approx(2000.0, rel=0.1)  # deviation: 2 %
    assert rank_histogram(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([-1.0, 2.0])).tolist() == [1, 0, 1]
    # two members: mean distance 1.5 less half of the mean distance between different members, 1
    assert continuous_ranked_probability(np.array([[0.0], [1.0]]), np.array([2.0])) == pytest.approx(1.0)


def test_members_under_jax_are_those_under_numpy_each_with_its_parameters():
    create("jax")
    start, _, _, covariance = uncertain_twin()
    plain, traced = channel(), channel(on_jax)
    states = [incremented(plain, start, covariance.sample(np.random.default_rng(n))) for n in range(2)]
    one, other = (advanced(model, as_ensemble(model, states, UNCERTAIN), 3) for model in (plain, traced))
    assert one.controls[0] == pytest.approx(-one.controls[1]) and (one.controls[0] != 0.0).all()
    for ours, theirs in zip(one.states, other.states, strict=True):
        for name, values in fields_of(ours).items():
            assert np.abs(fields_of(theirs)[name] - values).max() <= 1e-11 * np.abs(values).max(), name


def test_a_filter_halves_the_error_of_a_free_run_and_leaves_what_is_far_from_observations():
    start, background, observations, covariance = uncertain_twin()
    model, rng = channel(), np.random.default_rng(8)
    states = [incremented(model, background, covariance.sample(rng)) for _ in range(12)]
    found = filtered(model, states, [each.__class__(each.operator, each.values[:5], each.error, each.every, each.cells)
                                     for each in observations], radius=6e5)
    truth, free = model.steps(start, 30), model.steps(background, 30)
    for name in ERRORS:
        errors = [np.std(field(model, state, name) - field(model, truth, name)) for state in (free, found.ensemble.mean())]
        assert errors[1] < 0.5 * errors[0], name
    assert len(found.innovations) == 5 and found.rank_histogram.shape == (13,)
    assert found.rank_histogram.sum() == 5 * sum(each.values.shape[1] for each in observations)
    assert found.innovations[-1].score < 0.5 * found.innovations[0].score

    near = [each.__class__(at_cells(model, "surface", [1], [1]), [[9.0]], 0.1, each.every, ([1], [1])) for each in observations[2:]]
    once = filtered(model, states, near, radius=4e5, inflation=1.0)
    runs = [model.steps(state, 6) for state in states]
    for after, before in zip(once.ensemble.states, runs, strict=True):
        assert np.allclose(field(model, after, "surface")[:, 5:11], field(model, before, "surface")[:, 5:11], rtol=0.0, atol=1e-12)
        assert field(model, after, "surface")[1, 1] > field(model, before, "surface")[1, 1]


WRONG = {
    "one member": (lambda model, state: filtered(model, [state], seen(model, 1), radius=LENGTH), "at least two members"),
    "no radius": (lambda model, state: filtered(model, [state] * 2, seen(model, 1), radius=0.0), "radius=0.0 must be"),
    "deflation": (lambda model, state: filtered(model, [state] * 2, seen(model, 1), radius=1.0, inflation=0.5), "inflation=0.5"),
    "no cells": (lambda model, state: filtered(model, [state] * 2, Observations(lambda s: s.u[2, 4, 4], [0.0], 1.0, 1200.0),
                                               radius=LENGTH), "have no cells"),
    "cells of another shape": (lambda model, state: Observations(lambda s: s.u, np.zeros((1, 2)), 1.0, 1200.0, ([1], [1])),
                               r"of the shape \(2,\)"),
    "cells beyond the grid": (lambda model, state: filtered(model, [state] * 2, seen_at(model, [9]), radius=LENGTH),
                              r"The index j=\[9\] of the cells of observations\[0\] must be whole numbers from 0 to 7"),
    "cells from the end": (lambda model, state: filtered(model, [state] * 2, seen_at(model, [-1]), radius=LENGTH), r"j=\[-1\] of"),
    "more rows than columns": (lambda model, state: at_cells(model, "surface", [1, 2, 3], [1, 2]),
                               r"the shapes \[\(3,\), \(2,\)\]"),
    "members of two times": (lambda model, state: filtered(model, [state, model.steps(state, 1)], seen(model, 1), radius=LENGTH),
                             r"Members are at the steps \[72, 73\] of a run"),
    "a seed below zero": (lambda model, state: filtered(model, [state] * 2, seen(model, 1), radius=LENGTH, seed=-1), "seed=-1"),
}


def seen_at(model, j):
    """An observation of the surface that says that it is of another row than it is."""
    return Observations(at_cells(model, "surface", [1], [1]), [[0.0]], 1.0, 1200.0, (j, [1]))


def test_a_time_at_which_all_is_masked_changes_nothing_and_counts_for_nothing():
    model = channel()
    rng, start = np.random.default_rng(4), flow(model)
    states = [incremented(model, start, {"surface": 0.01 * rng.standard_normal((8, 12))}) for _ in range(3)]
    operator, cells = at_cells(model, "surface", [1], [1]), ([1], [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gap, once = (filtered(model, states, Observations(operator, values, 0.1, 1200.0, cells), radius=LENGTH)
                     for values in (np.ma.masked_less([[0.0], [-9.0]], -1.0), [[0.0]]))
    assert len(gap.innovations) == 1 and gap.rank_histogram.sum() == 1
    read_once = filtered(model, iter(states), Observations(operator, [[0.0]], 0.1, 1200.0, cells), radius=LENGTH)
    assert np.array_equal(read_once.ensemble.states[2].surface, once.ensemble.states[2].surface)
    for after, before in zip(gap.ensemble.states, once.ensemble.states, strict=True):
        assert np.array_equal(after.surface, model.steps(before, 1).surface)


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_filtered_is_refused_in_a_sentence(name):
    attempt, sentence = WRONG[name]
    model = channel()
    with pytest.raises(ValueError, match=sentence):
        attempt(model, flow(model))
