"""Scores of ensembles against what came true."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.inputs.given import as_array
from dycore.learning.seeds import random_numbers


def ranks(members: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ranks [n] of true values [n] among members [m, n], from 0 to m; among equal ones by chance.

    Where members and truth are of one distribution all ranks are as likely.
    """
    below, equal = (members < truth).sum(axis=0), (members == truth).sum(axis=0)
    return below + rng.integers(0, equal + 1)


def ensemble_and_truth(members: ArrayLike, truth: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Members [m, ...] and true values [...] as arrays. Raises ValueError for less than two members, and where shapes differ."""
    many, true = as_array("members", members), as_array("truth", truth)
    if many.ndim != 1 + true.ndim or many.shape[1:] != true.shape or len(many) < 2:
        raise ValueError(f"members have the shape {many.shape} and truth {true.shape}. Give two members or more, each of the shape "
                         "of the truth.")
    return many, true


def rank_histogram(members: np.ndarray, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """How many true values [...] have each rank [m + 1] among members [m, ...]. Raises ValueError as `ensemble_and_truth` does."""
    members, truth = ensemble_and_truth(members, truth)
    random = random_numbers(seed)
    return np.bincount(ranks(members.reshape(len(members), -1), truth.reshape(-1), random), minlength=len(members) + 1)


def continuous_ranked_probability(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Continuous ranked probability scores [...] of members [m, ...], fair to small ensembles; in the unit of the values.

    Raises ValueError as `ensemble_and_truth` does.
    """
    import scoringrules

    members, truth = ensemble_and_truth(members, truth)
    return np.asarray(scoringrules.crps_ensemble(truth, members, m_axis=0, estimator="fair", backend="numpy"))


class Reliability(NamedTuple):
    """Reliability of a spread: mean and standard deviation of errors over the deviations that were given for them (0 and 1: the
    reduced centred random variable of Candille et al. 2007, Mon. Weather Rev. 135, 2688), and the shares of errors within one and
    two of these deviations (0.68 and 0.95 where errors are Gaussian). All without a unit.
    """

    bias: float
    dispersion: float
    within_one: float
    within_two: float


def reliability(errors: ArrayLike, deviations: ArrayLike) -> Reliability:
    """The reliability of standard deviations, a number or an array of the shape of the errors, that were given for errors [...].

    Raises ValueError where there are no errors, shapes differ, errors are not finite or deviations are not positive.
    """
    off, expected = as_array("errors", errors), as_array("deviations", deviations)
    if not off.size or expected.shape not in ((), off.shape):
        raise ValueError(f"errors have the shape {off.shape} and deviations {expected.shape}. Give one error at least, and a "
                         "deviation for each, or one for all.")
    strange, wrong = ~np.isfinite(off), ~(np.isfinite(expected) & (expected > 0.0))
    if strange.any() or wrong.any():
        raise ValueError(f"{int(strange.sum())} errors are not finite, and {int(wrong.sum())} deviations are not positive numbers. "
                         "Leave out what has no spread, such as land.")
    reduced = off / expected
    return Reliability(float(reduced.mean()), float(reduced.std()), *(float((abs(reduced) <= n).mean()) for n in (1.0, 2.0)))


def root_mean_square_error(forecast: ArrayLike, truth: ArrayLike, weights: ArrayLike = 1.0) -> float:
    """The root of the mean square difference of forecasts from the truth [...]; weights, of mean 1, such as of rows [j, 1].

    Raises ValueError where shapes differ or values are not finite.
    """
    one, other = forecast_and_truth(forecast, truth)
    return float(np.sqrt((np.asarray(weights) * (one - other) ** 2).mean()))


def anomaly_correlation(forecast: ArrayLike, truth: ArrayLike, climatology: ArrayLike, weights: ArrayLike = 1.0) -> float:
    """The correlation, not centred, of the anomalies of forecasts and truth [n, ...] from a climatology, over all of them together.

    0 where either has none. weights: of mean 1, such as of rows [j, 1]. Raises ValueError as `root_mean_square_error` does.
    """
    one, other = forecast_and_truth(forecast, truth)
    mean = as_array("climatology", climatology)
    here, there = one - mean, other - mean
    size = np.sqrt((np.asarray(weights) * here**2).mean() * (np.asarray(weights) * there**2).mean())
    return float((np.asarray(weights) * here * there).mean() / size) if size > 0.0 else 0.0


def spread_over_error(members: ArrayLike, truth: ArrayLike, weights: ArrayLike = 1.0) -> float:
    """Spread of members [m, ...] over the error of their mean against the truth [...]: 1 where the spread is right.

    The spread has the factor (m + 1) / m of variances that makes this so for m members (Fortin et al. 2014, J. Hydrometeor. 15,
    1708). Raises ValueError as `ensemble_and_truth` does, and where the mean has no error.
    """
    many, true = ensemble_and_truth(members, truth)
    error = (np.asarray(weights) * (many.mean(axis=0) - true) ** 2).mean()
    if not error > 0.0:
        raise ValueError("The mean of the members has no error, or none that is a number, so that no spread is right or wrong. "
                         "Give members and a truth that differ.")
    return float(np.sqrt((np.asarray(weights) * many.var(axis=0, ddof=1)).mean() * (len(many) + 1) / len(many) / error))


def forecast_and_truth(forecast: ArrayLike, truth: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts and truth as arrays. Raises ValueError where shapes differ, there are none, or values are not finite."""
    one, other = as_array("forecast", forecast), as_array("truth", truth)
    if one.shape != other.shape or not one.size:
        raise ValueError(f"The forecast has the shape {one.shape} and the truth {other.shape}. Give as many values of both.")
    strange = int((~np.isfinite(one)).sum() + (~np.isfinite(other)).sum())
    if strange:
        raise ValueError(f"{strange} values of the forecast and the truth are not finite. Leave out what has no value, as on land.")
    return one, other
