"""Diffusion models as of Karras, Aittala, Aila and Laine (2022, arXiv:2206.00364, "EDM"): noise levels, preconditioning, sampler.

    D(x; s) = c_skip(s) x + c_out(s) F(c_in(s) x; c_noise(s))       table 1, with F the network and S the deviation of the data
    loss    = c_out^-2 |D(y + s n; s) - y|^2,  ln s of N(P_mean, P_std)
    dx/ds   = (x - D(x; s)) / s                                     equation 3: from noise to a sample

A denoiser D is any function of noisy values and the noise's standard deviation s; without a network in it, such as where data
are Gaussian, the sampler gives what is known of these exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dycore.assembly.values import is_traced
from dycore.inputs.given import as_array, integer, positive, shown

SMALLEST, LARGEST, CURVATURE = 0.01, 40.0, 7.0  # of noise levels, over the deviation of the data; rho
LOG_MEAN, LOG_DEVIATION = -0.7, 1.4  # of the logarithm of noise levels in training, over the deviation of the data

Denoiser = Callable[[Any, Any], Any]


class Preconditioning(NamedTuple):
    """Factors of a denoiser by its network (table 1): c_skip, c_out, c_in and c_noise, without a unit but for c_out's."""

    skip: Any
    out: Any
    into: Any
    noise: Any


def preconditioning(level: Any, deviation: float = 1.0) -> Preconditioning:
    """The factors at a noise level for data of a standard deviation, in one unit.

    What goes into the network, and what it is to give, then have the variance 1 at every level. Raises ValueError for a level or a
    deviation that is not positive.
    """
    if not is_traced(deviation):
        positive("deviation", deviation, "in the unit of the data")
    if not is_traced(level):
        levels = as_array("level", level)
        if not ((levels > 0.0) & (levels < np.inf)).all():
            raise ValueError(f"level={shown(level)} must be a positive noise level, in the unit of the data.")
    total = level**2 + deviation**2
    return Preconditioning(deviation**2 / total, level * deviation / total**0.5, total**-0.5, 0.25 * jnp.log(level / deviation))


def noise_levels(steps: int, smallest: float = SMALLEST, largest: float = LARGEST, curvature: float = CURVATURE) -> np.ndarray:
    """Noise levels [steps + 1] of a sampler, from the largest to the smallest and 0 (equation 5).

    Raises ValueError for fewer than two steps, and levels that do not fall.
    """
    steps = integer("steps", steps, 2)
    smallest, largest = positive("smallest", smallest, "a noise level"), positive("largest", largest, "a noise level")
    if not smallest < largest:
        raise ValueError(f"smallest={smallest} must be below largest={largest}: noise levels of a sampler fall.")
    ends = largest ** (1.0 / curvature), smallest ** (1.0 / curvature)
    return np.append(np.linspace(*ends, steps) ** curvature, 0.0)


def random_level(random: np.random.Generator) -> float:
    """A noise level to train at, over the deviation of the data."""
    return float(np.exp(LOG_MEAN + LOG_DEVIATION * random.standard_normal()))


def denoising_loss(denoiser: Denoiser, clean: Any, noise: Any, level: Any, deviation: float = 1.0) -> Any:
    """Mean square error of denoised values, weighted so that at first it is about 1 at each level (equation 8).

    noise: of variance 1 and the shape of what is clean.
    """
    error = denoiser(clean + level * noise, level) - clean
    return jnp.mean(error**2) / preconditioning(level, deviation).out ** 2


def sampled(denoiser: Denoiser, noise: Any, levels: Any) -> Any:
    """A sample of what a denoiser was trained on, from noise of variance 1, by Heun's method without added noise (algorithm 1).

    levels [n + 1]: of `noise_levels`. A step to level 0, the last, is one of Euler's. A loop of Python: within one of XLA (scan),
    convolutions take many times as long on a CPU, so that what is to be compiled is the denoiser. Raises FloatingPointError for a
    sample that is larger than the noise that it began with.
    """
    levels = np.asarray(levels, noise.dtype)

    def slope(values: Any, level: Any) -> Any:
        return (values - denoiser(values, level)) / level

    values = levels[0] * noise
    for here, there in pairwise(levels[:-1]):
        first = slope(values, here)
        values = values + 0.5 * (there - here) * (first + slope(values + (there - here) * first, there))
    found = denoiser(values, levels[-2])  # x + (0 - s) (x - D) / s
    if not is_traced(found):
        check_bounded(found, levels[0] * noise)
    return found


def check_bounded(sample: Any, first: Any) -> None:
    """Raise FloatingPointError where a sample is larger than the noise that it began with, or not finite."""
    largest, most = float(abs(sample).max()), float(abs(first).max())
    if not largest <= most:
        raise FloatingPointError(f"The sampler diverged: a sample has values up to {largest:.3g}, larger than those of the noise "
                                 f"that it began with ({most:.3g}). Train the model longer, or take more steps.")


def guided(denoiser: Denoiser, log_likelihood: Callable[[Any, Any], Any]) -> Denoiser:
    """The denoiser of a posterior: D(x; s) + s^2 d log p(y | x; s) / dx, with observations y and the denoiser D of a prior.

    log_likelihood: of what was observed, a function of denoised values D(x; s) and the level s, up to a constant. Where it takes
    them to be as uncertain as they are at that level (Rozet and Louppe 2023, arXiv:2306.10574, section 3.2), samples are of the
    posterior; where it takes them to be right, they are those of Chung et al. (2023, arXiv:2209.14687). JAX differentiates both.
    """
    def found(values: Any, level: Any) -> Any:
        def likelihood(noisy: Any) -> tuple[Any, Any]:
            clean = denoiser(noisy, level)
            return log_likelihood(clean, level), clean

        slope, clean = jax.grad(likelihood, has_aux=True)(values)
        return clean + level**2 * slope

    return found
