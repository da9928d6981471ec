"""Scores of ensembles against what came true."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.inputs.given import as_array, integer


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
    random = np.random.default_rng(integer("seed", seed, 0))
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
