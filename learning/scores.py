"""Scores of ensembles against what came true."""

from __future__ import annotations

import numpy as np


def ranks(members: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Ranks [n] of true values [n] among members [m, n], from 0 to m; among equal ones by chance.

    Where members and truth are of one distribution all ranks are as likely.
    """
    below, equal = (members < truth).sum(axis=0), (members == truth).sum(axis=0)
    return below + rng.integers(0, equal + 1)


def rank_histogram(members: np.ndarray, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """How many true values have each rank [m + 1] among members [m, ...]."""
    members = np.asarray(members)
    found = ranks(members.reshape(len(members), -1), np.asarray(truth).reshape(-1), np.random.default_rng(seed))
    return np.bincount(found, minlength=len(members) + 1)


def continuous_ranked_probability(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Continuous ranked probability scores [...] of members [m, ...], fair to small ensembles; in the unit of the values."""
    import scoringrules

    return np.asarray(scoringrules.crps_ensemble(truth, members, m_axis=0, estimator="fair", backend="numpy"))
