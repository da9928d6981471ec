"""Downscaler: a diffusion model that draws fine fields of which the means over blocks of cells are given.

    downscaler = random_downscaler(0, fine, factor=4)       # fine [n, j, i]: what it is to be trained on
    members = drawn(downscaler, coarse, members=16, seed=0)   # [16, 4 j, 4 i], each with the means of coarse [j, i]
    save_downscaler("downscaler.safetensors", downscaler)
    downscaler = load_downscaler("downscaler.safetensors", factor=4)

The planes go round in both directions. A fine field is the coarse one, interpolated bicubically with its means restored, and what
that lacks, of which each block has the mean zero. Noise, data and what is drawn are of such fields alone (`without_means`), so that
means are kept to round-off, by construction. The network sees blocks of `patch` x `patch` cells as channels; it knows no place, so
that what is moved by patches is drawn as likely. One block of all cells gives a model that knows the mean alone, which is
zero of vorticity.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import as_array, integer
from dycore.learning.coarse_graining import block_means
from dycore.learning.diffusion import noise_levels, preconditioning, sampled
from dycore.learning.weights import load_weights, save_weights, saved_case

DILATIONS = (1, 2, 1, 4)  # of blocks, in turn
FREQUENCIES = 2.0 ** np.arange(5)  # of the logarithm of a noise level
STEPS = 18  # of the sampler
FEATURES = 2 * len(FREQUENCIES)
AT_ONCE = 32  # fields drawn together


class Downscaler(equinox.Module):
    """Network, scale of fields and sizes of blocks.

    first, convolutions, last: layers on patches; embeddings: of the noise level, factor and offset of each block's channels.
    deviation: of fine fields; detail: of what the interpolated coarse field lacks (both in the unit of the field, not trained).
    """

    first: equinox.nn.Conv2d
    convolutions: tuple[equinox.nn.Conv2d, ...]
    embeddings: tuple[equinox.nn.Linear, ...]
    last: equinox.nn.Conv2d
    deviation: Any = equinox.field(converter=np.asarray)
    detail: Any = equinox.field(converter=np.asarray)
    factor: int = equinox.field(static=True)
    patch: int = equinox.field(static=True)

    def __call__(self, noisy: Any, background: Any, level: Any) -> Any:
        """Denoised details [j, i], in units of `detail`, of noisy ones and the interpolated coarse field (in units of its own)."""
        factors = preconditioning(level)
        seen = jnp.concatenate([in_patches(each, self.patch) for each in (factors.into * noisy, background / self.deviation)])
        angles = factors.noise * jnp.asarray(FREQUENCIES, seen.dtype)
        features = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)])
        hidden = self.first(seen)
        for convolution, embedding in zip(self.convolutions, self.embeddings, strict=True):
            gain, offset = jnp.split(embedding(features)[:, None, None], 2)
            hidden = hidden + convolution(jax.nn.gelu(hidden * (1.0 + gain) + offset))
        found = factors.out * out_of_patches(self.last(jax.nn.gelu(hidden)), self.patch)
        return without_means(factors.skip * noisy + found, self.factor)

    def background(self, coarse: Any) -> Any:
        """The interpolated coarse field [j, i] that details are added to."""
        return with_means(coarse, self.factor)


def in_patches(values: Any, patch: int) -> Any:
    """Channels [patch patch, j, i] of the cells in patches of a field [patch j, patch i]."""
    ny, nx = values.shape
    blocks = values.reshape(ny // patch, patch, nx // patch, patch)
    return blocks.transpose(1, 3, 0, 2).reshape(patch * patch, ny // patch, nx // patch)


def out_of_patches(channels: Any, patch: int) -> Any:
    """The field of `in_patches`."""
    _, ny, nx = channels.shape
    return channels.reshape(patch, patch, ny, nx).transpose(2, 0, 3, 1).reshape(ny * patch, nx * patch)


def in_cells(coarse: Any, factor: int) -> Any:
    """Fields [..., j, i] whose cells have the values of their block."""
    return coarse.repeat(factor, -2).repeat(factor, -1)


def without_means(values: Any, factor: int) -> Any:
    """Fields less the means of their blocks: the projection on what has none."""
    return values - in_cells(block_means(values, factor), factor)


def interpolated(coarse: Any, factor: int) -> Any:
    """A coarse plane [j, i] that goes round in both directions, interpolated bicubically at the fine cells (Keys 1981)."""
    wide = jnp.pad(jnp.asarray(coarse), 2, mode="wrap")
    fine = jax.image.resize(wide, tuple(factor * n for n in wide.shape), "cubic")
    return fine[2 * factor: -2 * factor, 2 * factor: -2 * factor]


def with_means(coarse: Any, factor: int) -> Any:
    """As `interpolated`, with the means of blocks that were given."""
    return without_means(interpolated(coarse, factor), factor) + in_cells(jnp.asarray(coarse), factor)


def random_downscaler(seed: int, fine: Any, factor: int = 4, patch: int = 4, width: int = 64, blocks: int = 8) -> Downscaler:
    """A downscaler with random weights for fine fields [n, j, i], whose scales it takes.

    factor, patch: cells in a block, in a patch; width: hidden channels. Raises ValueError for fields that are not of
    whole blocks and patches.
    """
    factor, patch = integer("factor", factor, 2), integer("patch", patch, 1)
    fields = as_array("fine", fine, np.float32)
    if fields.ndim != 3 or any(n % factor or n % patch for n in fields.shape[1:]):
        raise ValueError(f"fine has the shape {fields.shape}. Give fields [n, j, i] of whole blocks of {factor} and of whole "
                         f"patches of {patch} cells.")
    lacking = fields - np.asarray(jax.vmap(partial(with_means, factor=factor))(block_means(fields, factor)))
    return of_sizes(seed, factor, patch, integer("width", width, 1, 4096), integer("blocks", blocks, 1, 1000), fields.std(),
                    lacking.std())


def of_sizes(seed: int, factor: int, patch: int, width: int, blocks: int, deviation: Any, detail: Any) -> Downscaler:
    """A downscaler with random weights and, in its last layer, zeros: at first it knows no more than the noise level."""
    keys = jax.random.split(jax.random.key(integer("seed", seed, 0)), 2 * blocks + 2)

    def layer(into: int, out: int, key: Any, dilation: int = 1) -> equinox.nn.Conv2d:
        return equinox.nn.Conv2d(into, out, 3, padding="SAME", padding_mode="CIRCULAR", dilation=dilation, dtype=np.float32,
                                   key=key)

    last = jax.tree.map(jnp.zeros_like, layer(width, patch * patch, keys[-1]))
    return Downscaler(
        layer(2 * patch * patch, width, keys[-2]),
        tuple(layer(width, width, keys[n], DILATIONS[n % len(DILATIONS)]) for n in range(blocks)),
        tuple(equinox.nn.Linear(FEATURES, 2 * width, dtype=np.float32, key=keys[blocks + n]) for n in range(blocks)), last,
        np.float32(deviation), np.float32(detail), factor, patch)


def drawn(downscaler: Downscaler, coarse: Any, members: int = 1, seed: int = 0, steps: int = STEPS) -> np.ndarray:
    """Fine fields [m, ..., j, i] drawn for coarse ones [..., j, i], each with the means of its blocks. steps: of the sampler.

    Raises ValueError for coarse fields that are not finite, or less than planes.
    """
    given, members = as_array("coarse", coarse, np.float32), integer("members", members, 1)
    if given.ndim < 2 or not np.isfinite(given).all():
        raise ValueError(f"coarse has the shape {given.shape}, and {int((~np.isfinite(given)).sum())} of its values are not finite."
                         " Give planes [..., j, i] of finite values.")
    planes = given.reshape(-1, *given.shape[-2:])
    shape = tuple(downscaler.factor * n for n in planes.shape[1:])
    random, found = np.random.default_rng(integer("seed", seed, 0)), []
    many = np.broadcast_to(planes, (members, *planes.shape)).reshape(-1, *planes.shape[1:])
    for first in range(0, len(many), AT_ONCE):
        part = many[first: first + AT_ONCE]
        noise = random.standard_normal((len(part), *shape)).astype(np.float32)
        found.append(np.asarray(drawn_from(downscaler, jnp.asarray(part), noise, noise_levels(steps))))
    return np.concatenate(found).reshape(members, *given.shape[:-2], *shape)


def drawn_from(downscaler: Downscaler, coarse: Any, noise: Any, levels: Any) -> Any:
    """Fine fields [n, j, i] drawn for coarse ones, from noise [n, j, i]."""
    background = jax.vmap(downscaler.background)(coarse)
    details = sampled(lambda values, level: denoised(downscaler, values, background, jnp.asarray(level)),
                      without_means(noise, downscaler.factor), levels)
    return background + downscaler.detail * details


@equinox.filter_jit
def denoised(downscaler: Downscaler, noisy: Any, background: Any, level: Any) -> Any:
    """Denoised details [n, j, i] of several fields at one noise level."""
    return jax.vmap(lambda values, there: downscaler(values, there, level))(noisy, background)


def save_downscaler(path: str | Path, downscaler: Downscaler) -> None:
    """Write a downscaler to one file of safetensors with all that it needs: weights, scales, sizes and versions.

    Raises as `save_weights` does.
    """
    save_weights(path, downscaler, case=case_of(downscaler))


def case_of(downscaler: Downscaler) -> dict[str, Any]:
    """Words and numbers to which the weights of a downscaler belong."""
    return {"model": "downscaler", "cells in a block": downscaler.factor, "cells in a patch": downscaler.patch,
            "width": len(downscaler.last.weight[0]), "blocks": len(downscaler.convolutions)}


def load_downscaler(path: str | Path, factor: int | None = None) -> Downscaler:
    """A downscaler from a file. factor: that it has to have; None takes it as it is.

    Raises ValueError, with what differs, for a file of something else, and where the factor is another.
    """
    case = saved_case(path)
    if case.get("model") != "downscaler":
        raise ValueError(f"'{path}' holds weights of something else, not a downscaler. Give a file that "
                         "dycore.learning.save_downscaler wrote.")
    there, patch, width, blocks = (case[name] for name in ("cells in a block", "cells in a patch", "width", "blocks"))
    if factor not in (None, there):
        raise ValueError(f"The downscaler in '{path}' is for blocks of {there} x {there} cells, and factor={factor} was asked for. "
                         "Take one for such blocks, or train it.")
    return load_weights(path, of_sizes(0, there, patch, width, blocks, 1.0, 1.0), case=case).weights
