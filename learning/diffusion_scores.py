"""Scores of fields that a diffusion model drew: probability, spread, spectra and tails, beside those of single fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from dycore.learning.scores import continuous_ranked_probability, rank_histogram, spread_over_error

TAILS = (0.99, 0.999)  # quantiles of magnitudes


class DrawnScores(NamedTuple):
    """Scores over true fields and members drawn for them, in units of the fields' standard deviation where not said.

    probability: CRPS of the members; errors: mean absolute errors of single fields by name, of which that is the CRPS.
    mean_errors: root mean square errors by the same names, and of the mean of members, "drawn". spread_over_error (no unit); ranks
    [m + 1]. spectra [wavenumber - 1]: variance by wavenumber of "truth", "drawn" and single fields. tails: quantiles of magnitudes
    by the same names.
    """

    probability: float
    errors: dict[str, float]
    mean_errors: dict[str, float]
    spread_over_error: float
    ranks: np.ndarray
    spectra: dict[str, np.ndarray]
    tails: dict[str, np.ndarray]


def drawn_scores(members: np.ndarray, truth: np.ndarray, single: Mapping[str, np.ndarray], size: float,
                 seed: int = 0) -> DrawnScores:
    """Scores of members [m, n, j, i] and of single fields [n, j, i] by name against true ones, whose deviation is `size`."""
    named = {"truth": truth, "drawn": members} | dict(single)
    means = {"drawn": members.mean(axis=0)} | dict(single)
    return DrawnScores(
        float(continuous_ranked_probability(members, truth).mean()) / size,
        {name: float(np.abs(each - truth).mean()) / size for name, each in single.items()},
        {name: float(np.sqrt(((each - truth) ** 2).mean())) / size for name, each in means.items()},
        spread_over_error(members, truth), rank_histogram(members, truth, seed),
        {name: isotropic_spectrum(each / size) for name, each in named.items()},
        {name: np.quantile(np.abs(each), TAILS) / size for name, each in named.items()})


def outliers(ranks: np.ndarray) -> float:
    """Share of the true values that are beyond all members, over that by chance, 2 / (m + 1)."""
    return float((ranks[0] + ranks[-1]) / ranks.sum() * len(ranks) / 2.0)


def departure_from_flat(ranks: np.ndarray) -> float:
    """The largest relative departure of a rank's frequency from that of a flat histogram."""
    return float(np.abs(ranks / ranks.mean() - 1.0).max())


def isotropic_spectrum(fields: np.ndarray) -> np.ndarray:
    """Mean variance [wavenumber - 1] of square fields [..., j, i] that go round, by the magnitude of the wavenumber, rounded.

    From 1 to that of the shortest wave along a row (Nyquist).
    """
    n = fields.shape[-1]
    power = (np.abs(np.fft.fft2(fields) / n**2) ** 2).reshape(-1, n * n).mean(axis=0)
    numbers = n * np.fft.fftfreq(n)
    shell = np.hypot(numbers[:, None], numbers).round().astype(int).ravel()
    return np.bincount(shell, power)[1: n // 2 + 1]


def largest_departure(scores: DrawnScores, name: str) -> float:
    """The largest relative departure of a spectrum from the truth's, over all wavenumbers."""
    return float(np.abs(scores.spectra[name] / scores.spectra["truth"] - 1.0).max())
