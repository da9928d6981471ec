"""Slopes in place of those that a switch has not: values stay what they are, to the bit, and slopes are those of a smooth step.

Convective adjustment mixes strongly where N2 < 0: its diffusivity is constant on both sides, so that a gradient cannot see that a
warmer surface would have ended the mixing. A surrogate lets it see that, over a width; it then is no derivative of the values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax

from dycore.inputs.given import check_function, positive
from dycore.stencils import made_by, stencil

BELOW = 1.0e-30  # 1/s2: a stability that counts as unstable


@cache
def with_smooth_slopes(scheme: Callable, width: float = 1.0e-6) -> Callable:
    """A scheme of vertical mixing of the same values, whose slope by the stability N2 has the switch at zero as a logistic step.

        VerticalMixing(learning.with_smooth_slopes(convective), Convective())

    width: 1/s2, of the step; slopes are felt about four widths on either side. For models on `on_jax.create(native=False)`:
    XLA alone. Raises TypeError or ValueError for no scheme, and a width that is not positive.
    """
    check_function("scheme", scheme, "values", "stability", "shear")
    width = positive("width", width, "1/s2")

    @made_by(with_smooth_slopes, scheme, width)
    @stencil
    def smooth_in_slopes(values: Any, stability: Any, shear: Any) -> tuple:
        exact = scheme(values, stability, shear)
        if not isinstance(stability, jax.Array):  # what is checked, recorded or known has no slopes
            return exact
        neutral = 0.0 * stability
        stable_and_unstable = zip(scheme(values, neutral, shear), scheme(values, neutral - BELOW, shear), strict=True)
        share = jax.nn.sigmoid(-stability / width)
        nothing = share - jax.lax.stop_gradient(share)  # zero, with a slope
        return tuple(value + jax.lax.stop_gradient(below - above) * nothing
                     for value, (above, below) in zip(exact, stable_and_unstable, strict=True))

    return smooth_in_slopes
