"""Training of a downscaler to denoise the details of fine fields, with noise that follows from a seed and the pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, positive
from dycore.learning.coarse_graining import block_means
from dycore.learning.diffusion import denoising_loss, random_level
from dycore.learning.downscaler import Downscaler, without_means
from dycore.learning.fitting import Fit, clipped_adam
from dycore.learning.run_samples import shuffled
from dycore.learning.training import train

HELD_OUT = 64  # fields, in one batch


def noised(sample: Mapping[str, np.ndarray], random: np.random.Generator) -> dict[str, Any]:
    """A fine field of vorticity with a noise level and noise; in half of cases turned by 180 degrees, under which it stays one."""
    field = sample["vorticity"]
    if random.integers(2):
        field = field[::-1, ::-1]
    return {"fine": np.ascontiguousarray(field), "level": np.float32(random_level(random)),
            "noise": random.standard_normal(field.shape).astype(np.float32)}


def scales_fixed(downscaler: Downscaler) -> Downscaler:
    """A tree of whether leaves are trained: all but both scales."""
    every = jax.tree.map(equinox.is_inexact_array, downscaler)
    return equinox.tree_at(lambda tree: (tree.deviation, tree.detail), every, (False, False))


def details_loss(fixed: Any) -> Callable[[Any, Mapping[str, Any]], Any]:
    """The loss of weights and a batch of `noised` fields: the mean of `denoising_loss`, about 1 where nothing is learnt."""
    def loss(weights: Any, batch: Mapping[str, Any]) -> Any:
        downscaler = equinox.combine(weights, fixed)

        def one(fine: Any, level: Any, noise: Any) -> Any:
            background = downscaler.background(block_means(fine, downscaler.factor))
            return denoising_loss(lambda values, level: downscaler(values, background, level),
                                  (fine - background) / downscaler.detail, without_means(noise, downscaler.factor), level)

        return jnp.mean(jax.vmap(one)(batch["fine"], batch["level"], batch["noise"]))

    return loss


def train_downscaler(downscaler: Downscaler, training: Any, held_out: Any, folder: str | Path, *, passes: int = 20, size: int = 16,
                     rate: float = 2.0e-3, seed: int = 0, patience: int | None = None, every: int = 200,
                     case: Mapping[str, Any] | None = None, progress: bool = True) -> tuple[Downscaler, Fit]:
    """A downscaler trained by `train` on fine fields, and how that went.

    training, held_out: samples {"vorticity": [j, i]} by number, such as `vorticity_samples`. size: fields in a batch. The rate
    falls to zero as a cosine, gradients longer than 1 are cut to that. Raises as `train` does.
    """
    rate, passes = positive("rate", rate, "no unit"), integer("passes", passes, 1)
    batches = shuffled(training, size, seed, noised)
    outside = shuffled(held_out, min(HELD_OUT, len(held_out)), seed + 1, noised)(1)
    weights, fixed = equinox.partition(downscaler, scales_fixed(downscaler))
    optimiser = clipped_adam(rate, passes * len(batches(1)))
    found = train(details_loss(fixed), weights, batches, optimiser, folder, passes=passes, held_out=outside, every=every,
                  patience=patience, progress=progress,
                  case=dict(case or {}) | {"passes": passes, "size": size, "rate": rate, "seed": seed})
    return equinox.combine(found.weights, fixed), found
