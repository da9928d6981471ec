"""Network of diffusion models of planes that go round in both directions: it denoises some planes and sees others.

Convolutions of residual blocks, each of which is told the noise level (a gain and an offset of each channel), on patches of
`patch` x `patch` cells as channels, in the preconditioning of dycore.learning.diffusion. It knows no place: where that matters,
what is known of places is among the planes that it sees.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, prod
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer
from dycore.learning.diffusion import noise_levels, preconditioning
from dycore.learning.seeds import random_numbers

DILATIONS = (1, 2, 1, 4)  # of blocks, in turn
FREQUENCIES = 2.0 ** np.arange(5)  # of the logarithm of a noise level
FEATURES = 2 * len(FREQUENCIES)
GROUPS = 8  # of channels that are normalised together
AT_ONCE = 2**17  # cells of fields that are denoised together, so that they stay in a processor's cache


class DenoisingNetwork(equinox.Module):
    """Layers on patches, and embeddings of the noise level: factor and offset of each block's channels."""

    first: equinox.nn.Conv2d
    convolutions: tuple[equinox.nn.Conv2d, ...]
    embeddings: tuple[equinox.nn.Linear, ...]
    last: equinox.nn.Conv2d
    patch: int = equinox.field(static=True)

    def __call__(self, noisy: Any, known: Any, level: Any) -> Any:
        """Denoised planes [c, j, i] of noisy ones, given others [d, j, i]; all of the variance 1 without noise."""
        factors = preconditioning(level)
        angles = factors.noise * jnp.asarray(FREQUENCIES, noisy.dtype)
        features = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)])
        hidden = self.first(in_patches(jnp.concatenate([factors.into * noisy, known]), self.patch))
        for convolution, embedding in zip(self.convolutions, self.embeddings, strict=True):
            gain, offset = jnp.split(embedding(features)[:, None, None], 2)
            hidden = hidden + convolution(jax.nn.gelu(normalised(hidden) * (1.0 + gain) + offset))
        return factors.skip * noisy + factors.out * out_of_patches(self.last(jax.nn.gelu(normalised(hidden))), self.patch)

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes by which a file tells this network from others."""
        return {"cells in a patch": self.patch, "width": len(self.last.weight[0]), "blocks": len(self.convolutions),
                "groups of channels": GROUPS}


def normalised(channels: Any) -> Any:
    """Channels [c, j, i] of the mean 0 and the variance 1 in each of a few groups (Wu and He 2018, arXiv:1803.08494).

    Without it what a sampler feeds back, a little larger than any training field, grows without bound from step to step.
    """
    groups = channels.reshape(gcd(GROUPS, len(channels)), -1)
    mean, variance = groups.mean(axis=1, keepdims=True), groups.var(axis=1, keepdims=True)
    return ((groups - mean) / jnp.sqrt(variance + 1.0e-5)).reshape(channels.shape)


def in_patches(planes: Any, patch: int) -> Any:
    """Channels [c patch patch, j, i] of the cells in patches of planes [c, patch j, patch i]."""
    count, ny, nx = planes.shape
    blocks = planes.reshape(count, ny // patch, patch, nx // patch, patch)
    return blocks.transpose(0, 2, 4, 1, 3).reshape(-1, ny // patch, nx // patch)


def out_of_patches(channels: Any, patch: int) -> Any:
    """The planes of `in_patches`."""
    _, ny, nx = channels.shape
    blocks = channels.reshape(-1, patch, patch, ny, nx)
    return blocks.transpose(0, 3, 1, 4, 2).reshape(-1, ny * patch, nx * patch)


def denoising_network(seed: int, denoised: int, known: int, patch: int, width: int, blocks: int) -> DenoisingNetwork:
    """A network for so many planes with random weights and, in its last layer, zeros: at first it knows the noise level alone."""
    patch, width, blocks = integer("patch", patch, 1), integer("width", width, 1, 4096), integer("blocks", blocks, 1, 1000)
    keys = jax.random.split(jax.random.key(integer("seed", seed, 0)), 2 * blocks + 2)

    def layer(into: int, out: int, key: Any, dilation: int = 1) -> equinox.nn.Conv2d:
        return equinox.nn.Conv2d(into, out, 3, padding="SAME", padding_mode="CIRCULAR", dilation=dilation, dtype=np.float32,
                                   key=key)

    return DenoisingNetwork(
        layer((denoised + known) * patch**2, width, keys[-2]),
        tuple(layer(width, width, keys[n], DILATIONS[n % len(DILATIONS)]) for n in range(blocks)),
        tuple(equinox.nn.Linear(FEATURES, 2 * width, dtype=np.float32, key=keys[blocks + n]) for n in range(blocks)),
        jax.tree.map(jnp.zeros_like, layer(width, denoised * patch**2, keys[-1])), patch)


@equinox.filter_jit
def denoised(model: Any, noisy: Any, known: Any, level: Any) -> Any:
    """Denoised fields [n, ...] by a model of one, given others [n, ...] each, at one noise level."""
    return jax.vmap(lambda values, there: model(values, there, level))(noisy, known)


def drawn_in_parts(draw: Callable[[Any, Any, Any], Any], known: np.ndarray, members: int, shape: tuple[int, ...], seed: int,
                   steps: int) -> np.ndarray:
    """Members [m, n, *shape] that a function (known [p, ...], noise [p, *shape], levels) draws, for what is known [n, ...].

    seed: of the noise; steps: of the sampler.
    """
    random, levels, found = random_numbers(seed), noise_levels(steps), []
    many = np.broadcast_to(known, (members, *known.shape)).reshape(members * len(known), *known.shape[1:])
    for places in in_parts(len(many), shape):
        part = many[places]
        noise = random.standard_normal((len(part), *shape)).astype(np.float32)
        found.append(np.asarray(draw(jnp.asarray(part), noise, levels)))
    return np.concatenate(found).reshape(members, len(known), *shape)


def in_parts(number: int, shape: tuple[int, ...]) -> list[slice]:
    """Slices of so many fields of a shape that are denoised together."""
    size = max(1, AT_ONCE // prod(shape))
    return [slice(first, first + size) for first in range(0, number, size)]
