"""Training of an emulator on rollouts that grow, on windows of a run that are turned along rows and, of a sphere, mirrored at the
equator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, not_negative, positive
from dycore.learning.emulator import VECTORS, Emulator, rollout, trained, with_weights
from dycore.learning.fitting import Fit, clipped_adam
from dycore.learning.run_samples import RunSamples, Windows, shuffled
from dycore.learning.training import train

HELD_OUT = 40  # windows at most, in one batch


def turned(sample: dict[str, np.ndarray], random: np.random.Generator, mirrored: bool = True) -> dict[str, np.ndarray]:
    """A window turned by any number of columns: a flow as likely where places along rows are alike.

    mirrored: whether in half of cases it is mirrored at the middle row too, as an even planet allows, and a channel, where the
    Coriolis parameter has one sign, does not.
    """
    columns = int(random.integers(next(iter(sample.values())).shape[-1]))
    sample = {name: np.roll(values, columns, -1) for name, values in sample.items()}
    if mirrored and random.integers(2):
        sample = {name: (-values if name == VECTORS[1] else values)[..., ::-1, :] for name, values in sample.items()}
    return {name: np.ascontiguousarray(values) for name, values in sample.items()}


def disturbed(emulator: Emulator, size: float) -> Callable[[dict[str, np.ndarray], np.random.Generator], dict[str, np.ndarray]]:
    """The change of a window that turns it and gives it noise [c, j, i] of so many standard deviations of each channel."""
    shape = len(emulator.layout.channels), emulator.layout.rows, emulator.layout.columns

    def changed(sample: dict[str, np.ndarray], random: np.random.Generator) -> dict[str, np.ndarray]:
        noise = np.float32(size) * random.standard_normal(shape, np.float32)
        return turned(sample, random, emulator.layout.mirrored) | {"noise": noise}

    return changed


def rollout_error(emulator: Emulator) -> Callable[[Any, Mapping[str, Any]], Any]:
    """The loss of weights and a batch of windows [n, time, ...]: the mean square over steps, channels and area, without a unit.

    The first states have the noise [n, c, j, i] of the batch, if it has any.
    """
    area = emulator.layout.weights.astype(np.float32)

    def loss(weights: Any, batch: Mapping[str, Any]) -> Any:
        now = with_weights(emulator, weights)
        states = now.packed(batch)
        first = states[:, 0] + jax.vmap(now.corrected)(batch["noise"]) if "noise" in batch else states[:, 0]
        found = jax.vmap(lambda state: rollout(now, state, states.shape[1] - 1))(first)
        return jnp.mean(area * (found - states[:, 1:]) ** 2)

    return loss


def train_emulator(emulator: Emulator, training: RunSamples, held_out: RunSamples, folder: str | Path, *,
                   rollouts: Sequence[Sequence[int]] = ((1, 20), (2, 5), (4, 3)), size: int = 16, rate: float = 2.0e-3,
                   noise: float = 0.0, seed: int = 0, patience: int | None = None, every: int = 100,
                   case: Mapping[str, Any] | None = None, progress: bool = True) -> tuple[Emulator, list[Fit]]:
    """An emulator trained by `train` in stages, each in a folder of its own, and how each went.

    rollouts: pairs of a number of steps and of passes; the rate of stage n is rate / 2^n, and falls to zero as a cosine. Gradients
    longer than 1 are cut to that. noise: standard deviation, over that of each channel, of noise that first states are given, so
    that errors of the emulator are taken back and do not grow in long rollouts (Sanchez-Gonzalez et al. 2020, arXiv:2002.09405,
    section 3.5; Stachenfeld et al. 2021, arXiv:2112.15275). Raises as `train` does.
    """
    rate, fits, weights = positive("rate", rate, "no unit"), [], trained(emulator)
    noise = not_negative("noise", noise, "standard deviations")
    loss = rollout_error(emulator)
    for stage, (steps, passes) in enumerate(rollouts):
        steps, passes = integer("A number of steps of a rollout", steps, 1), integer("A number of passes", passes, 1)
        windows, outside = Windows(training, steps + 1), Windows(held_out, steps + 1)
        batches = shuffled(windows, size, seed + stage, disturbed(emulator, noise))
        numbers = range(0, len(outside), max(1, -(-len(outside) // HELD_OUT)))
        parts = [outside[number] for number in numbers]
        kept = [{name: np.stack([part[name] for part in parts]) for name in parts[0]}] if parts else []
        optimiser = clipped_adam(rate / 2.0**stage, passes * len(batches(1)))
        fits.append(train(loss, weights, batches, optimiser, Path(folder) / f"rollout_{stage}_of_{steps}", passes=passes,
                          held_out=kept, every=every, patience=patience, progress=progress,
                          case=dict(case or {}) | {"stage": stage, "steps": steps, "passes": passes, "size": size, "rate": rate,
                                                   "noise": noise, "seed": seed}))
        weights = fits[-1].weights
    return with_weights(emulator, weights), fits
