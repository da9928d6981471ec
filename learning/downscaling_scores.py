"""Scores of fields that a downscaler drew: probability, spread, spectra and tails, beside bicubic interpolation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dycore.learning.coarse_graining import block_means
from dycore.learning.downscaler import Downscaler, interpolated
from dycore.learning.scores import continuous_ranked_probability, rank_histogram, spread_over_error

TAILS = (0.99, 0.999)  # quantiles of magnitudes


class DownscalingScores(NamedTuple):
    """Scores over true fields and members drawn for them, in units of the fields' standard deviation where not said.

    probability: CRPS of the members; bicubic: mean absolute error of bicubic interpolation, of which that is the CRPS, and
    corrected: of the same with its means restored. spread_over_error (no unit); ranks [m + 1]. spectra [wavenumber - 1]: variance
    by wavenumber of "truth", "drawn" and "bicubic". tails: quantiles of magnitudes by the same names. means: the largest
    difference of a block's mean from what was given.
    """

    probability: float
    bicubic: float
    corrected: float
    spread_over_error: float
    ranks: np.ndarray
    spectra: dict[str, np.ndarray]
    tails: dict[str, np.ndarray]
    means: float


def downscaling_scores(downscaler: Downscaler, members: np.ndarray, truth: np.ndarray, seed: int = 0) -> DownscalingScores:
    """Scores of members [m, n, j, i] that were drawn for the block means of true fields [n, j, i]."""
    size, factor = float(downscaler.deviation), downscaler.factor
    coarse = block_means(truth.astype(float), factor)
    smooth = np.stack([np.asarray(interpolated(each.astype(np.float32), factor)) for each in coarse])
    corrected = np.stack([np.asarray(downscaler.background(each.astype(np.float32))) for each in coarse])
    named = {"truth": truth, "drawn": members, "bicubic": smooth}
    return DownscalingScores(
        float(continuous_ranked_probability(members, truth).mean()) / size, float(np.abs(smooth - truth).mean()) / size,
        float(np.abs(corrected - truth).mean()) / size, spread_over_error(members, truth), rank_histogram(members, truth, seed),
        {name: isotropic_spectrum(each / size) for name, each in named.items()},
        {name: np.quantile(np.abs(each), TAILS) / size for name, each in named.items()},
        float(np.abs(block_means(members.astype(float), factor) - coarse).max()) / size)


def isotropic_spectrum(fields: np.ndarray) -> np.ndarray:
    """Mean variance [wavenumber - 1] of square fields [..., j, i] that go round, by the magnitude of the wavenumber, rounded.

    From 1 to that of the shortest wave along a row (Nyquist).
    """
    n = fields.shape[-1]
    power = (np.abs(np.fft.fft2(fields) / n**2) ** 2).reshape(-1, n * n).mean(axis=0)
    numbers = n * np.fft.fftfreq(n)
    shell = np.hypot(numbers[:, None], numbers).round().astype(int).ravel()
    return np.bincount(shell, power)[1: n // 2 + 1]


def largest_departure(scores: DownscalingScores, name: str) -> float:
    """The largest relative departure of a spectrum from the truth's, over all wavenumbers."""
    return float(np.abs(scores.spectra[name] / scores.spectra["truth"] - 1.0).max())
