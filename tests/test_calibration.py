"""Calibration: parameters of a twin whose truth another backend and another scheme ran, with errors that cover the truth."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import create
from twins import DRAG, STEP, TRUTH, UNCERTAIN, WIND, channel, flow, seen, twin

from dycore.backends import on_jax, on_numpy
from dycore.learning import Estimates, Observations, UncertainParameter, at_cells, calibrate, cost_along, numbers, observed_twin
from dycore.learning.observations import departures, equivalents, schedule_of
from dycore.learning.uncertain_parameters import with_controls, with_estimates


@pytest.fixture(scope="module")
def known():
    """The beginning of the truth, and observations of it."""
    return twin()


def test_the_cost_along_each_parameter_is_lowest_at_the_truth(known):
    about = (UncertainParameter(WIND, TRUTH[WIND], 0.2, factor=True), UncertainParameter(DRAG, TRUTH[DRAG], 0.3))
    for curve in cost_along(channel(), *known, about, (-1.0, 0.0, 1.0)):
        assert curve.lowest == pytest.approx(TRUTH[curve.name], rel=1e-12)
        assert curve.costs[0] > curve.costs[1] + 10.0 and curve.costs[2] > curve.costs[1] + 10.0  # a valley


def test_two_parameters_are_found_within_a_tenth_and_their_errors_cover_the_truth(known):
    create("jax")
    start, observations = known
    found = calibrate(channel(on_jax, drag=1e-3), start, observations, UNCERTAIN)
    for name, truth in TRUTH.items():
        assert found.estimates.values[name] == pytest.approx(truth, rel=0.1)
        assert abs(found.estimates.distance(name, truth)) < 3.0
        low, high = found.estimates.interval(name, 3.0)
        assert low < truth < high
    assert found.chi_square == pytest.approx(1.0, abs=0.1) and found.cost[-1] < 0.7 * found.cost[0]
    assert numbers(found.model.parameters)[DRAG] == pytest.approx(found.estimates.values[DRAG])

    # the covariance is that of the Gauss-Newton Hessian: against differences of runs under NumPy
    observations, schedule = schedule_of(channel(), start, observations)

    def residuals(z):
        run = equivalents(with_estimates(channel(), UNCERTAIN, z), start, observations, schedule)
        return np.concatenate(departures(run, observations))

    aside = 1e-3 * np.eye(2)
    slopes = np.stack([(residuals(found.estimates.controls + d) - residuals(found.estimates.controls - d)) / 2e-3 for d in aside])
    covariance = np.linalg.inv(np.eye(2) + slopes @ slopes.T) * max(1.0, found.chi_square)
    assert found.estimates.covariance == pytest.approx(covariance, rel=1e-3)


def test_observations_of_several_kinds_are_compared_at_their_own_times():
    model = channel()
    start, kinds = flow(model), seen(model, 2, every=4 * STEP)
    observations, schedule = schedule_of(model, start, (replace(kinds[0], every=6 * STEP), kinds[2]))
    assert schedule == (2, 12, (3, 2))
    u, surface = equivalents(model, start, observations, schedule)
    for number, steps in enumerate((6, 12)):
        assert (u[number] == kinds[0].operator(model.steps(start, steps))).all()
    assert (surface[1] == kinds[2].operator(model.steps(start, 8))).all() and surface.shape == (2, *kinds[2].values.shape[1:])


def test_a_masked_value_counts_for_nothing_and_others_by_their_errors():
    values = np.ma.array([[1.0, np.nan, 3.0]], mask=[[False, True, False]])
    observed = Observations(lambda state: np.zeros(3), values, np.array([0.5, 1.0, 2.0]), STEP)
    assert departures((np.array([[2.0, 7.0, 2.0]]),), (observed,))[0].tolist() == [2.0, 0.0, -0.5]


def test_random_errors_of_a_twin_have_the_spread_that_was_given():
    model = channel()
    start, kinds = flow(model), seen(model, 20, every=STEP, errors=(0.1, 0.3))
    _, schedule = schedule_of(model, start, kinds)
    off = np.concatenate(departures(equivalents(model, start, kinds, schedule), observed_twin(model, start, kinds)))
    assert off.std() == pytest.approx(1.0, abs=0.05) and off.mean() == pytest.approx(0.0, abs=0.07)  # of 2280 values


def test_parameters_have_the_values_of_their_controls():
    parameters = channel().parameters
    three = (*UNCERTAIN, UncertainParameter("extrapolated_pressure", 0.1, 0.02, positive=False))
    changed = with_controls(parameters, three, [2.0, -1.0, 3.0])
    assert changed.vertical_mixing.linear_drag == pytest.approx(1e-3 * np.exp(-0.7))
    assert np.allclose(changed.surface_stress[0], 0.7 * np.e * parameters.surface_stress[0]) and changed.surface_stress[1] == 0.0
    assert changed.extrapolated_pressure == pytest.approx(0.16)


def test_intervals_and_distances_are_those_of_the_logarithm_of_what_is_positive():
    found = Estimates(UNCERTAIN, np.array([1.0, 0.0]), np.diag([0.04, 0.01]))
    assert found.deviations == pytest.approx({WIND: 0.1, DRAG: 0.07})
    assert found.interval(WIND, 2.0) == pytest.approx((0.7 * np.exp(0.3), 0.7 * np.exp(0.7)))
    assert found.distance(DRAG, 1e-3 * np.exp(0.14)) == pytest.approx(2.0)


WRONG = {
    "a name that does not exist": (lambda run: run(parameters=UncertainParameter("vertical_mixing.linear_drug", 1.0, 1.0)),
                                   "'vertical_mixing.linear_drug' does not exist; did you mean 'vertical_mixing.linear_drag'"),
    "a part that is not there": (lambda run: run(parameters=UncertainParameter("friction.vorticity", 1.0, 1.0)), "does not exist"),
    "a field as a number": (lambda run: run(parameters=UncertainParameter(WIND, 1.0, 0.5)), "Give factor=True"),
    "no parameters": (lambda run: run(parameters=()), "No parameter is given"),
    "a parameter twice": (lambda run: run(parameters=(UNCERTAIN[0], UNCERTAIN[0])), "is given 2 times"),
    "a negative background": (lambda run: UncertainParameter(DRAG, -1.0, 0.5), "must be a positive finite number"),
    "no error": (lambda run: UncertainParameter(DRAG, 1.0, 0.0), "The error of"),
    "values that are not finite": (lambda run: replace(run.seen, values=np.full((2, 3), np.nan)), "6 of 6 observed values"),
    "an error of zero": (lambda run: replace(run.seen, error=0.0), "must be positive and finite"),
    "an error of another shape": (lambda run: replace(run.seen, error=np.ones(2)), r"has the shape \(2,\)"),
    "values of another shape": (lambda run: run(observations=replace(run.seen, values=np.zeros((2, 4)))), "returns the shape"),
    "times between steps": (lambda run: run(observations=replace(run.seen, every=1.5 * STEP)), "no multiple of the model"),
    "no times": (lambda run: replace(run.seen, values=np.zeros((0, 3))), "at least one time"),
    "a field that does not exist": (lambda run: at_cells(run.model, "heat", [0], [0]), "The field 'heat' does not exist"),
    "a closed face": (lambda run: at_cells(run.model, "v", [0], [0], [0]), "1 of 1 points at which v is observed are land"),
    "a cell beyond": (lambda run: at_cells(run.model, "u", [0], [8], [0]), "must be whole numbers from 0 to 7"),
    "two of three indices": (lambda run: at_cells(run.model, "u", [0], [0]), "u has 3 axes, but 2 indices are given"),
    "a backend without slopes": (lambda run: run(), "has none. Make it with dycore.backends.on_jax"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(name):
    class Run:
        model = channel(on_numpy)
        seen = Observations(at_cells(model, "u", [0] * 3, [1, 2, 3], [0, 4, 5]), np.zeros((2, 3)), 0.1, 2 * STEP)

        def __call__(self, observations=seen, parameters=UNCERTAIN):
            from dycore import initial_state

            cost_along(self.model, initial_state(self.model.grid, surface=0.0), observations, parameters, (0.0,))
            return calibrate(self.model, initial_state(self.model.grid, surface=0.0), observations, parameters)

    attempt, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        attempt(Run())


def test_kernels_that_have_no_forward_mode_are_refused():
    pytest.importorskip("numba")
    create("jax")
    model = channel(on_jax.create(native=True))
    start = flow(channel())
    with pytest.raises(ValueError, match=r"native=False"):
        calibrate(model, start, seen(model, 1), UNCERTAIN)
