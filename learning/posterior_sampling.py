"""Posterior sampling: trajectories drawn by a prior, a diffusion model of sequences, that observations of them guide.

    y = H x + e,   D(x; s) + s^2 d log p(y | x; s) / dx,   p(y | x; s) = N(y; H D(x; s), R + C(s))

(Rozet and Louppe 2023, arXiv:2306.10574). C(s) is the covariance of the errors of D at the observed points. It is measured, noise
level by noise level, on fields that were not trained on. Points are on a lattice that goes round, at all times of a sequence, and
errors are taken to be alike everywhere on it, so that its waves are independent and C is one matrix [time, time] for each wave.
Exact for Gaussian priors (tests/test_posterior_sampling.py).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import as_array, integer, positive
from dycore.learning.denoising_network import drawn_in_parts, in_parts
from dycore.learning.diffusion import guided, noise_levels, sampled
from dycore.learning.seeds import random_numbers
from dycore.learning.sequence_diffusion import STEPS, SequenceModel, denoiser_after, with_base


def posterior_samples(prior: SequenceModel, observed: Any, error: float, held_out: Any, members: int = 1, seed: int = 0,
                      steps: int = STEPS) -> np.ndarray:
    """Trajectories [m, n, t, j, i] drawn from the posterior of a prior of t states, given what was observed of them [n, t, b, a].

    observed: values at points [::j / b, ::i / a] of each state, with independent errors of this standard deviation. held_out:
    trajectories [p, t, j, i] that the prior was not trained on, of which its own errors are measured. Raises ValueError for a model
    that is given states, and points that are no such lattice.
    """
    values, fields = as_array("observed", observed, np.float32), as_array("held_out", held_out, np.float32)
    shape, members = prior.climatology.shape, integer("members", members, 1)
    if prior.given or values.ndim != 4 or values.shape[1] != prior.drawn or any(
            n % most for n, most in zip(shape, values.shape[2:], strict=True)):
        raise ValueError(f"observed has the shape {values.shape}, and the prior draws {prior.drawn} states of {shape} cells, given "
                         f"{prior.given}. Give a prior that is given none, and values [n, {prior.drawn}, b, a] with b and a that "
                         "divide the cells.")
    strides, levels = (shape[0] // values.shape[2], shape[1] // values.shape[3]), noise_levels(steps)
    variance = (positive("error", error, "the unit of the field") / float(prior.change)) ** 2
    precision = np.linalg.inv(error_covariances(prior, fields, levels[:-1], strides, seed) + variance * np.eye(prior.drawn))
    scaled = (values - prior.climatology[:: strides[0], :: strides[1]]) / prior.change
    draw = partial(drawn_given, prior, jnp.asarray(levels[:-1]), jnp.asarray(precision), strides)
    return drawn_in_parts(draw, scaled, members, (prior.drawn, *shape), seed, steps)


def drawn_given(prior: SequenceModel, known: Any, precision: Any, strides: tuple[int, int], observed: Any, noise: Any,
                levels: Any) -> Any:
    """Trajectories [n, t, j, i] drawn given observed differences [n, t, b, a], from noise [n, t, j, i]."""
    def denoiser(values: Any, level: Any) -> Any:
        return guided_denoised(prior, values, jnp.asarray(level), known, precision, strides, observed)

    differences = sampled(denoiser, noise, levels)
    return with_base(prior, nothing_before(prior, len(noise)), differences)


@equinox.filter_jit
def guided_denoised(prior: SequenceModel, values: Any, level: Any, known: Any, precision: Any, strides: tuple[int, int],
                    observed: Any) -> Any:
    """Denoised differences [n, t, j, i], guided by those observed; precision [s, b, a, t, t] at the noise levels `known` [s]."""
    matrices = precision[jnp.argmin(jnp.abs(known - level))]

    def log_likelihood(clean: Any, _: Any) -> Any:
        waves = lattice_waves(seen(clean, strides) - observed)
        return -0.5 * jnp.einsum("ntba,bats,nsba->", waves.conj(), matrices, waves).real

    return guided(denoiser_after(prior, nothing_before(prior, len(values))), log_likelihood)(values, level)


def nothing_before(prior: SequenceModel, number: int) -> np.ndarray:
    return np.zeros((number, 0, *prior.climatology.shape), np.float32)


def seen(fields: Any, strides: tuple[int, int]) -> Any:
    """Values of fields [..., j, i] at the points that are observed."""
    return fields[..., :: strides[0], :: strides[1]]


def lattice_waves(values: Any) -> Any:
    """Amplitudes [n, t, b, a] of waves on a lattice, of which the sum of squares is that of the values."""
    return jnp.fft.fft2(values, norm="ortho")


def error_covariances(prior: SequenceModel, fields: np.ndarray, levels: np.ndarray, strides: tuple[int, int],
                      seed: int) -> np.ndarray:
    """Covariances [s, b, a, t, t] of errors of the denoiser at the points observed, for each wave of their lattice and noise level.

    fields: trajectories [p, t, j, i].
    """
    random, found = random_numbers(seed), []
    clean = ((fields - prior.climatology) / prior.change).astype(np.float32)
    for level in levels:
        total = 0.0
        for part in (clean[places] for places in in_parts(len(clean), clean.shape[1:])):
            noisy = part + np.float32(level) * random.standard_normal(part.shape).astype(np.float32)
            errors = denoiser_after(prior, nothing_before(prior, len(part)))(noisy, np.float32(level)) - part
            waves = np.asarray(lattice_waves(seen(errors, strides)))
            total = total + np.einsum("ntba,nsba->bats", waves, waves.conj())
        found.append(total / len(clean))
    return np.stack(found)
