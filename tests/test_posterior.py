"""The posterior of an analysis has the covariance of the inverse Hessian, and scores say whether errors are as large as that."""

import numpy as np
import pytest

pytest.importorskip("jax")
from dycore.learning import Posterior, reliability
from dycore.learning.posterior import leading_modes


def hessian(size=12):
    """1 + D^T D, of which three modes are told little or nothing."""
    random = np.random.default_rng(5)
    vectors, _ = np.linalg.qr(random.standard_normal((size, size)))
    information = np.array([*np.geomspace(400.0, 2.0, size - 3), 0.1, 0.0, 0.0])
    return np.eye(size) + (vectors * information) @ vectors.T, information


def posterior(modes, inflation=1.0):
    matrix, _ = hessian()
    return Posterior(None, None, None, *leading_modes(lambda vector: matrix @ np.reshape(vector, -1), 12, modes), inflation, 0)


def test_modes_are_those_of_which_observations_tell_most():
    found, (_, information) = posterior(5), hessian()
    assert found.information == pytest.approx(information[:5], rel=0.02)
    assert found.modes.T @ found.modes == pytest.approx(np.eye(5), abs=1e-10)
    assert posterior(11).degrees_of_freedom == pytest.approx((information / (1.0 + information)).sum(), rel=1e-3)


def test_random_controls_have_the_covariance_of_the_inverse_hessian_and_more_with_few_modes_or_none():
    exact = np.linalg.inv(hessian()[0])

    def covariance(found):
        rng = np.random.default_rng(1)
        return np.cov(np.stack([found.controls(rng) for _ in range(4000)]).T)

    assert covariance(posterior(11)) == pytest.approx(exact, abs=0.05)  # of 4000 draws, to 1 over their root
    assert covariance(posterior(11, inflation=2.0)) == pytest.approx(4.0 * exact, abs=0.2)
    few, none = (np.trace(covariance(posterior(modes))) for modes in (4, 0))
    assert np.trace(exact) + 0.5 < few < none - 3.0 and none == pytest.approx(12.0, rel=0.03)


def test_a_spread_is_reliable_where_errors_are_of_it():
    errors = np.random.default_rng(2).standard_normal((50, 400))
    found = reliability(0.3 * errors, np.full((50, 400), 0.3))
    assert found == pytest.approx((0.0, 1.0, 0.6827, 0.9545), abs=0.02)
    sure = reliability(0.3 * errors + 0.3, 0.15)  # a number for all
    assert sure.bias == pytest.approx(2.0, abs=0.04) and sure.dispersion == pytest.approx(2.0, abs=0.03)
    assert sure.within_one == pytest.approx(0.2417, abs=0.02) and sure.within_two == pytest.approx(0.4772, abs=0.02)


@pytest.mark.parametrize("arguments, sentence", [
    (([], []), "Give one error at least"), ((np.ones(3), np.ones(2)), r"shape \(3,\) and deviations \(2,\)"),
    (([1.0, np.nan], 1.0), "1 errors are not finite, and 0"), (([1.0, 2.0], [1.0, 0.0]), "not finite, and 1 deviations are"),
    ((["far"], 1.0), "Give real numbers")])
def test_errors_and_deviations_that_make_no_sense_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        reliability(*arguments)


@pytest.mark.parametrize("attempt, sentence", [(lambda found: found.members(0), "number=0"),
                                               (lambda found: found.deviations(samples=1), "samples=1"),
                                               (lambda found: found.members(2.5), "number=2.5")])
def test_numbers_of_members_that_make_no_sense_are_refused(attempt, sentence):
    with pytest.raises(ValueError, match=sentence):
        attempt(posterior(2))
