"""Assimilation: covariances have the variance and the reach that was asked for; a twin's state and parameters are found."""

from functools import cache

import numpy as np
import pytest
from conftest import create
from twins import ERRORS, LENGTH, STEP, TRUTH, UNCERTAIN, channel, flow, seen, uncertain_twin

from dycore import Model, Parameters
from dycore.backends import on_jax, on_numpy
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.learning import assimilate, background_covariance, observed_twin, reliability
from dycore.learning.assimilation import Problem
from dycore.learning.balances import geostrophic
from dycore.learning.covariance import correlated
from dycore.learning.observations import departures, equivalents
from dycore.learning.state_fields import field, incremented, open_points
from dycore.learning.uncertain_parameters import with_estimates


def basins():
    """Two basins with a wall of land between them, 3 layers, on 9 x 24 cells of 50 km."""
    land = np.zeros((9, 24), bool)
    land[:, [0, 12]] = True
    grid = rectilinear((3, 9, 24), extent=(1.2e6, 4.5e5), interfaces=np.array([-900.0, -600.0, -300.0, 0.0]), land=land)
    return Model(grid, Parameters(fluid=shallow_water(), time_step=100.0), on_numpy)


def test_errors_of_a_background_have_the_deviation_and_the_correlation_that_were_given():
    model, rng = basins(), np.random.default_rng(4)
    covariance = background_covariance(model, {"surface": 0.1, "v": [0.01, 0.02, 0.04]}, length=1.5e5, depth=400.0)
    drawn = [covariance.sample(rng) for _ in range(600)]
    surface, v = (np.stack([each[name] for each in drawn]) for name in ("surface", "v"))
    wet = open_points(model.grid, "surface")
    # 600 samples against 400: their errors are 3 % and 4 %
    assert surface.std(axis=0)[wet] == pytest.approx(0.1, rel=0.15) and not surface[:, ~wet].any()
    faces = open_points(model.grid, "v")
    for level, deviation in zip(v.std(axis=0), (0.01, 0.02, 0.04), strict=True):
        assert level[faces[0]].mean() == pytest.approx(deviation, rel=0.05)
    assert np.corrcoef(v[:, 0, 4, 5], v[:, 1, 4, 5])[0, 1] == pytest.approx(np.exp(-0.5 * (300.0 / 400.0) ** 2), abs=0.1)
    pairs = [np.corrcoef(surface[:, j, i], surface[:, j, i + 3])[0, 1] for j in range(9) for i in (4, 5, 16, 17)]
    assert np.mean(pairs) == pytest.approx(np.exp(-0.5), abs=0.1)  # three cells are the length


def test_errors_are_drawn_from_a_generator_or_from_its_seed():
    covariance = background_covariance(basins(), {"u": 0.1}, length=1e5)
    random = np.random.default_rng(3)
    assert np.array_equal(covariance.sample(3)["u"], covariance.sample(random)["u"])
    assert not np.array_equal(covariance.sample(3)["u"], covariance.sample(random)["u"])  # which has gone on


def test_correlations_do_not_cross_land_and_are_the_same_both_ways():
    model = basins()
    covariance = background_covariance(model, {"surface": 0.1}, length=1.5e5)
    exchange, level = covariance.exchanges["surface"], np.eye(1)
    one, two = np.zeros((2, 9, 24))
    one[4, 10] = two[2, 8] = 1.0
    spread = correlated(one, level, exchange)
    assert (spread[:, 13:] == 0.0).all() and spread[4, 9] > 0.0
    assert spread[2, 8] == pytest.approx(correlated(two, level, exchange)[4, 10])  # of cells of one size


@cache
def analysis():
    """The analysis of a twin, with nearly all modes of its Hessian."""
    create("jax")
    _, background, observations, covariance = uncertain_twin()
    return assimilate(channel(on_jax, drag=1e-3), background, observations, covariance, UNCERTAIN, iterations=80, modes=289)


def test_the_error_of_the_state_is_halved_and_two_parameters_are_found_with_errors_that_cover_the_truth():
    found, model = analysis(), channel()
    start, background, *_ = uncertain_twin()
    for name in ERRORS:
        errors = [np.asarray(field(model, state, name)) - field(model, start, name) for state in (background, found.state)]
        assert np.std(errors[1]) < 0.5 * np.std(errors[0]), name
    for name, value in TRUTH.items():
        assert abs(found.estimates.distance(name, value)) < 3.0
    assert (np.diagonal(found.estimates.covariance) < 0.25).all()  # of one, which it was beforehand
    assert found.background_cost + found.observation_cost == pytest.approx(min(found.cost)) and found.chi_square < 1.5
    assert np.asarray(found.state.u).dtype == float and found.increments["surface"].shape == (8, 12)


def test_the_spread_of_the_analysed_state_is_that_of_its_errors():
    found, model = analysis(), channel()
    start = uncertain_twin()[0]
    deviations, errors, expected = found.posterior.deviations(), [], []
    for name, beforehand in ERRORS.items():
        is_open = open_points(model.grid, name)
        errors.append((np.asarray(field(model, found.state, name)) - field(model, start, name))[is_open])
        expected.append(deviations[name][is_open])
        assert np.mean(expected[-1]) < 0.5 * beforehand, name
    found_so = reliability(np.concatenate(errors), np.concatenate(expected))
    # of about 90 numbers that observations tell: their spread is known to 8 %; with too few iterations it is 1.3
    assert found_so.dispersion == pytest.approx(1.0, abs=0.25) and abs(found_so.bias) < 0.3
    assert 0.55 < found_so.within_one < 0.8 and found_so.within_two > 0.88
    assert 60.0 < found.posterior.degrees_of_freedom < 120.0
    # members have it too
    members = found.posterior.members(40, seed=1)
    spread = np.std([field(model, each, "surface") for each in members], axis=0)
    assert np.mean(spread / deviations["surface"]) == pytest.approx(1.0, abs=0.1)


def test_the_cost_and_its_slope_are_those_of_runs_under_numpy():
    create("jax")
    import jax

    _, background, observations, covariance = uncertain_twin()
    model, plain = channel(on_jax, drag=1e-3), channel(drag=1e-3)
    problem = Problem(model, background, observations, covariance, UNCERTAIN)
    rng = np.random.default_rng(0)
    at, along = 0.1 * rng.standard_normal((2, problem.first.size))

    def cost(z):
        increments, controls = problem.taken_apart(z)
        begun = incremented(plain, background, {name: np.asarray(values) for name, values in increments.items()})
        run = equivalents(with_estimates(plain, UNCERTAIN, list(controls)), begun, problem.observations, problem.schedule)
        return 0.5 * (z @ z + sum((row**2).sum() for row in departures(run, problem.observations)))

    value, slope = on_jax.jit(jax.value_and_grad(lambda z: problem.cost(model, z)))(at)
    assert float(value) == pytest.approx(cost(at), rel=1e-9)
    difference = (cost(at + 1e-4 * along) - cost(at - 1e-4 * along)) / 2e-4
    assert float(np.asarray(slope) @ along) == pytest.approx(difference, rel=1e-6)


def test_an_increment_is_felt_by_what_the_stepper_remembers_too():
    model = channel()
    state = flow(model)
    raised = incremented(model, state, {"surface": np.full((8, 12), 0.5)})
    for after, before in zip((raised, *raised.history), (state, *state.history), strict=True):
        assert np.allclose(after.surface[3:-3, 3:-3] - before.surface[3:-3, 3:-3], 0.5, rtol=1e-12)
    assert raised.surface[5, 2] == raised.surface[5, -4]  # around the channel
    assert (incremented(model, state, {"v": np.ones((1, 8, 12))}).v[2, 3] == 0.0).all()  # a wall stays one


WRONG = {
    "a field that does not exist": (lambda model: background_covariance(model, {"salt": 1.0}, length=LENGTH), "does not exist"),
    "a negative deviation": (lambda model: background_covariance(model, {"u": -1.0}, length=LENGTH), "is -1 somewhere"),
    "a plane of another shape": (lambda model: background_covariance(model, {"u": np.ones((3, 4))}, length=LENGTH), "has shape"),
    "no length": (lambda model: background_covariance(model, {"u": 1.0}, length=0.0), "length=0.0 must be"),
    "a length of thousands of cells": (lambda model: background_covariance(model, {"u": 1.0}, length=1e9), "steps of diffusion"),
    "a backend without slopes": (lambda model: assimilate(model, flow(model), seen(model, 1), uncertain_twin()[3]), "Make it with"),
    "a parameter that does not exist": (lambda model: Problem(model, flow(model), seen(model, 1), uncertain_twin()[3], (
        UNCERTAIN[0].__class__("vertical_mixing.drag", 1.0, 1.0),)), "'vertical_mixing.drag' does not exist"),
    "a number of modes that is none": (lambda model: assimilate(channel(on_jax), flow(model), seen(model, 1), uncertain_twin()[3],
                                                               modes=-1), "modes=-1"),
    "a time between steps": (lambda model: Problem(model, flow(model), seen(model, 1, every=1.5 * STEP), uncertain_twin()[3], ()),
                             "no multiple of the model's time step"),
    "a covariance of another grid": (lambda model: Problem(model, flow(model), seen(model, 1), narrower(), ()),
                                     r"errors of surface of the shape \(8, 6\), but the model has \(8, 12\)"),
    "a covariance of other fields": (lambda model: Problem(model, flow(model), seen(model, 1), narrower("temperature"), ()),
                                     "The field of the covariance 'temperature' does not exist"),
    "a seed that is none": (lambda model: observed_twin(model, flow(model), seen(model, 1), seed=-1), "seed=-1 must be at least 0"),
}


def narrower(name="surface"):
    """A covariance of a field of 8 x 6 cells."""
    grid = rectilinear((1, 8, 6), extent=(1.8e6, 1.2e6), interfaces=np.array([-400.0, 0.0]))
    other = Model(grid, Parameters(shallow_water(), STEP, tracer_names=("temperature",)), on_numpy)
    return background_covariance(other, {name: 1.0}, length=LENGTH)


def test_a_sloping_sea_level_implies_its_geostrophic_current():
    model = channel()
    level = np.broadcast_to(1e-6 * model.grid.y[:, None], (8, 12))
    currents = geostrophic(model)({"surface": level, "u": np.full((1, 8, 12), 0.5)})
    coriolis = 1e-4 + 1.5e-11 * (model.grid.y - 6e5)
    assert currents["u"][0] == pytest.approx(np.broadcast_to((0.5 - 9.80616e-6 / coriolis)[:, None], (8, 12)), rel=1e-6)
    assert not currents["v"].any()
    waves = geostrophic(model)({"surface": np.broadcast_to(np.sin(2.0 * np.pi * model.grid.x / 1.8e6), (8, 12))})["v"][0, 4]
    assert np.argmax(waves) in (0, 11, 1) and waves.max() == pytest.approx(9.80616e4 * 2.0 * np.pi / 1.8e6, rel=0.1)


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_assimilated_is_refused_in_a_sentence(name):
    create("jax")
    attempt, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        attempt(channel())
