"""Downscaler: a diffusion model that draws fine fields of which the means over blocks of cells are given.

    downscaler = random_downscaler(0, fine, factor=4)       # fine [n, j, i]: what it is to be trained on
    downscaler = calibrated(downscaler, fine)               # once it is trained: details with the variance that fine ones have
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

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import as_array, integer
from dycore.learning.coarse_graining import block_means
from dycore.learning.denoising_network import DenoisingNetwork, denoised, denoising_network, drawn_in_parts
from dycore.learning.diffusion import sampled
from dycore.learning.diffusion_scores import isotropic_spectrum
from dycore.learning.weights import load_weights, save_weights, saved_case

STEPS = 18  # of the sampler
WAVENUMBERS = np.arange(1, 33) / 64  # of gains, in cycles per cell
LIMITS = 0.5, 2.0  # the least gain and the greatest
NONE = np.ones(len(WAVENUMBERS), np.float32)  # gains that change nothing


class Downscaler(equinox.Module):
    """Network, scale of fields, gains and size of blocks.

    deviation: of fine fields; detail: of what the interpolated coarse field lacks (both in the unit of the field, not trained).
    gains: of what the sampler gives, at WAVENUMBERS, 1 before it is `calibrated`.
    """

    network: DenoisingNetwork
    deviation: Any = equinox.field(converter=np.asarray)
    detail: Any = equinox.field(converter=np.asarray)
    gains: Any = equinox.field(converter=np.asarray)
    factor: int = equinox.field(static=True)

    def __call__(self, noisy: Any, background: Any, level: Any) -> Any:
        """Denoised details [j, i], in units of `detail`, of noisy ones and the interpolated coarse field (in units of its own)."""
        return without_means(self.network(noisy[None], background[None] / self.deviation, level)[0], self.factor)

    def background(self, coarse: Any) -> Any:
        """The interpolated coarse field [j, i] that details are added to."""
        return with_means(coarse, self.factor)

    def problem(self, sample: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """(details, interpolated coarse field, noise without means) [j, i] of a sample to train on."""
        background = self.background(block_means(sample["fields"], self.factor))
        return (sample["fields"] - background) / self.detail, background, without_means(sample["noise"], self.factor)


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


def random_downscaler(seed: int, fine: Any, factor: int = 4, patch: int = 2, width: int = 32, blocks: int = 6) -> Downscaler:
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
    return Downscaler(denoising_network(seed, 1, 1, patch, width, blocks), fields.std(), lacking.std(), NONE, factor)


def calibrated(downscaler: Downscaler, fine: Any, members: int = 2, seed: int = 0, steps: int = STEPS) -> Downscaler:
    """The downscaler with gains by which drawn details have the variance of those of square fields [n, j, i], by wavenumber.

    A sampler feeds back what a network missed of the filaments at an earlier noise level, so that details may have too little
    variance at small scales where the network, given true fields with noise, has no bias (exposure bias, Ning et al. 2024,
    arXiv:2308.15321). Gains restore the mean variance, as inflation does that of an ensemble. members: drawn for each field, with
    the seed and steps of the sampler. Raises ValueError for other shapes.
    """
    fields, plain = as_array("fine", fine, np.float32), with_gains(downscaler, NONE)
    if fields.ndim != 3 or fields.shape[1] != fields.shape[2] or fields.shape[1] % downscaler.factor:
        raise ValueError(f"fine has the shape {fields.shape}. Give square fields [n, j, i] of whole blocks of "
                         f"{downscaler.factor} cells.")
    coarse = block_means(fields, downscaler.factor)
    background = np.asarray(jax.vmap(downscaler.background)(coarse))
    true, found = (isotropic_spectrum(each - background) for each in (fields, drawn(plain, coarse, members, seed, steps)))
    ratio = np.sqrt(true / np.maximum(found, np.finfo(np.float32).tiny)).clip(*LIMITS)
    return with_gains(downscaler, np.interp(WAVENUMBERS, np.arange(1, 1 + len(ratio)) / fields.shape[-1], ratio))


def with_gains(downscaler: Downscaler, gains: np.ndarray) -> Downscaler:
    """The downscaler with other gains."""
    return equinox.tree_at(lambda tree: tree.gains, downscaler, gains.astype(np.float32))


def amplified(downscaler: Downscaler, details: Any) -> Any:
    """Details [n, j, i] times the gains at their wavenumbers, without means of blocks."""
    wavenumbers = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, details.shape[1:]), indexing="ij"))
    gains = jnp.interp(wavenumbers, WAVENUMBERS, downscaler.gains).astype(details.dtype)
    return without_means(jnp.fft.ifft2(gains * jnp.fft.fft2(details)).real, downscaler.factor)


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
    found = drawn_in_parts(partial(drawn_from, downscaler), planes, members, shape, seed, steps)
    return found.reshape(members, *given.shape[:-2], *shape)


def drawn_from(downscaler: Downscaler, coarse: Any, noise: Any, levels: Any) -> Any:
    """Fine fields [n, j, i] drawn for coarse ones, from noise [n, j, i]."""
    background = jax.vmap(downscaler.background)(coarse)
    details = sampled(lambda values, level: denoised(downscaler, values, background, jnp.asarray(level)),
                      without_means(noise, downscaler.factor), levels)
    return background + downscaler.detail * amplified(downscaler, details)


def save_downscaler(path: str | Path, downscaler: Downscaler) -> None:
    """Write a downscaler to one file of safetensors with all that it needs: weights, scales, sizes and versions.

    Raises as `save_weights` does.
    """
    save_weights(path, downscaler, case=case_of(downscaler))


def case_of(downscaler: Downscaler) -> dict[str, Any]:
    """Words and numbers to which the weights of a downscaler belong."""
    return {"model": "downscaler", "cells in a block": downscaler.factor} | downscaler.network.sizes


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
    like = Downscaler(denoising_network(0, 1, 1, patch, width, blocks), np.float32(1.0), np.float32(1.0), NONE, there)
    return load_weights(path, like, case=case_of(like)).weights
