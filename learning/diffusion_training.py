"""Training of diffusion models to denoise what they are to draw, with noise that follows from a seed and the pass.

A model is a module of equinox with a `network`, which alone is trained; it is called with noisy values, what is known and a noise
level, and its `problem(sample)` gives (clean values, what is known, noise) of a sample: a `Downscaler`, a `SequenceDiffusion`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, positive
from dycore.learning.diffusion import denoising_loss, random_level
from dycore.learning.fitting import Fit, clipped_adam
from dycore.learning.run_samples import shuffled
from dycore.learning.training import train

HELD_OUT = 64  # fields, in one batch

Diffusion = TypeVar("Diffusion")


def noised(level: float | None, sample: Mapping[str, np.ndarray], random: np.random.Generator) -> dict[str, Any]:
    """Vorticity [..., j, i] with a noise level and noise; in half of cases turned by 180 degrees, under which it stays one."""
    fields, turned = sample["vorticity"], bool(random.integers(2))
    return {"fields": np.ascontiguousarray(fields[..., ::-1, ::-1] if turned else fields), "turned": turned,
            "level": np.float32(random_level(random) if level is None else level),
            "noise": random.standard_normal(fields.shape).astype(np.float32)}


def network_alone(model: Any) -> Any:
    """A tree of whether leaves are trained: those of the network."""
    nothing = jax.tree.map(lambda _: False, model)
    return equinox.tree_at(lambda tree: tree.network, nothing, jax.tree.map(equinox.is_inexact_array, model.network))


def mean_loss(fixed: Any) -> Callable[[Any, Mapping[str, Any]], Any]:
    """The loss of weights and a batch of `noised` samples: the mean of `denoising_loss`, about 1 where nothing is learnt."""
    def loss(weights: Any, batch: Mapping[str, Any]) -> Any:
        model = equinox.combine(weights, fixed)

        def one(sample: Mapping[str, Any]) -> Any:
            clean, known, noise = model.problem(sample)
            return denoising_loss(lambda values, level: model(values, known, level), clean, noise, sample["level"])

        return jnp.mean(jax.vmap(one)(dict(batch)))

    return loss


def train_diffusion(model: Diffusion, training: Any, held_out: Any, folder: str | Path, *, passes: int = 20, size: int = 16,
                    rate: float = 2.0e-3, seed: int = 0, level: float | None = None, patience: int | None = None, every: int = 200,
                    case: Mapping[str, Any] | None = None, progress: bool = True) -> tuple[Diffusion, Fit]:
    """A diffusion model trained by `train`, and how that went.

    training, held_out: samples {"vorticity": [j, i]} by number, such as `vorticity_samples`, or sequences of them (`Windows`).
    size: samples in a batch. The rate falls to zero as a cosine, gradients longer than 1 are cut to that. level: of the noise, over
    the deviation of what is drawn, where it is always the same: at a large one the network learns the mean of what may be drawn, as
    one that minimises the mean square error does. Raises as `train` does.
    """
    rate, passes = positive("rate", rate, "no unit"), integer("passes", passes, 1)
    changed = partial(noised, level)
    batches = shuffled(training, size, seed, changed)
    outside = shuffled(held_out, min(HELD_OUT, len(held_out)), seed + 1, changed)(1)
    weights, fixed = equinox.partition(model, network_alone(model))
    optimiser = clipped_adam(rate, passes * len(batches(1)))
    found = train(mean_loss(fixed), weights, batches, optimiser, folder, passes=passes, held_out=outside, every=every,
                  patience=patience, progress=progress,
                  case=dict(case or {}) | {"passes": passes, "size": size, "rate": rate, "seed": seed, "level": level})
    return equinox.combine(found.weights, fixed), found
