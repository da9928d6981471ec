"""Phenology: when labile carbon becomes leaves and when leaves fall, as rates that swell and ebb once a year.

    rate(t) = 2 / sqrt(pi) f / w exp( -[s / w sin((t - centre) / s)]^2 ),     s = 365.25 days / pi,   w = period / sqrt(2)

Over a year it adds up to nearly 2 f, so that a pool without supply keeps exp(-2 f) of itself: f = -log(1 - fraction) / 2 for
leaves, of which a fraction falls in a year, and log(1001) / 2 for labile carbon, which is used up. The centre is so much later than
the day that is a parameter that the flow (the rate times a pool that it empties) is greatest on that day:

    centre = day + w x,     x = f / sqrt(pi) exp(-x^2),     x = sqrt(W(2 f^2 / pi) / 2)      (W: the function of Lambert)

Bloom and Williams 2015, Biogeosciences 12, 1299 (A7 and A8, where x is 0.6245 sqrt(2) for labile carbon, and a polynomial of the
leaves' life span for leaves).
"""

from __future__ import annotations

from math import e, log, pi
from typing import Any, NamedTuple

from dycore.stencils import power, stencil

YEAR = 365.25  # days
EMPTIED = 0.5 * log(1001.0)  # f of labile carbon, of which a thousandth would be left after a year
NEWTON = 6  # iterations: to round-off


class Season(NamedTuple):
    """A rate that swells and ebbs once a year, arrays [j, i]."""

    peak: Any  # the greatest rate (1/day)
    sharpness: Any  # s / w (no unit)
    sine: Any  # of centre / s
    cosine: Any


def season_of(xp: Any, day: Any, period: Any, exponent: Any) -> Season:
    """The rate with its greatest flow on a day of the year, arrays of the library `xp`; exponent: f."""
    width = period / 2.0**0.5
    centre = (day + width * xp.sqrt(0.5 * lambert(xp, 2.0 / pi * exponent * exponent))) * (pi / YEAR)
    return Season(2.0 / pi**0.5 * exponent / width, YEAR / pi / width, xp.sin(centre), xp.cos(centre))


def lambert(xp: Any, x: Any) -> Any:
    """Function of Lambert: the w with w exp(w) = x, for x > 0 (Newton's method for w + log(w) = log(x))."""
    w = xp.log1p(x) * (1.0 - 0.5 * xp.log1p(xp.log1p(x)) / (2.0 + xp.log1p(x)))
    for _ in range(NEWTON):
        w = w * (1.0 + xp.log(x / w)) / (1.0 + w)
    return w


@stencil
def exponential(x):
    """e to some power."""
    return power(e + 0.0 * x, x)


@stencil
def rate_of(j, i, season, sine, cosine):
    """Rate of a season (1/day) at a time of the year of which pi t / year has this sine and cosine."""
    across = season.sharpness[j, i] * (sine * season.cosine[j, i] - cosine * season.sine[j, i])
    return season.peak[j, i] * exponential(-across * across)
