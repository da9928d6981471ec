"""Diffusion model of sequences of planes: draws states at even intervals, given those before them or none.

    model = random_sequence_diffusion(0, planes, given=1, drawn=1)    # planes [n, t, j, i]: what it is to be trained on
    members = drawn_sequences(model, before, members=16)              # [16, n, 1, j, i] for states before [n, 1, j, i]
    save_sequence_diffusion("forecast.safetensors", model)

With a state given it is a stochastic emulator, of which the members are an ensemble of next states (as GenCast: Price et al. 2025,
Nature 637, 84). With none it is a prior of trajectories, for assimilation (`guided`; Rozet and Louppe 2023, arXiv:2306.10574).
It draws differences from the last state given, or from the climatology where none is. It sees the climatology [j, i], the mean over
time and rows, that says where a steady force acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import as_array, integer
from dycore.learning.denoising_network import DenoisingNetwork, denoised, denoising_network, drawn_in_parts
from dycore.learning.diffusion import Denoiser, sampled
from dycore.learning.weights import load_weights, save_weights, saved_case

STEPS = 18  # of the sampler


@runtime_checkable
class SequenceModel(Protocol):
    """A model that draws sequences, such as a `SequenceDiffusion`, whose words these are."""

    climatology: Any
    change: Any
    given: int
    drawn: int

    def __call__(self, noisy: Any, known: Any, level: Any) -> Any: ...

    def known(self, before: Any, climatology: Any) -> Any: ...


class SequenceDiffusion(equinox.Module):
    """Network, climatology [j, i] and scales, and how many states are given and drawn.

    deviation: of states about the climatology; change: of what is drawn about the last state given, or the climatology (both in the
    unit of the field). None of these is trained.
    """

    network: DenoisingNetwork
    climatology: Any = equinox.field(converter=np.asarray)
    deviation: Any = equinox.field(converter=np.asarray)
    change: Any = equinox.field(converter=np.asarray)
    given: int = equinox.field(static=True)
    drawn: int = equinox.field(static=True)

    def __call__(self, noisy: Any, known: Any, level: Any) -> Any:
        """Denoised differences [t, j, i], in units of `change`, of noisy ones and of what is `known`."""
        return self.network(noisy, known, level)

    def known(self, before: Any, climatology: Any) -> Any:
        """Anomalies of states before and the climatology, over the deviation [given + 1, j, i]: what else the network sees."""
        return jnp.concatenate([before - climatology, climatology[None]]) / self.deviation

    def problem(self, sample: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """(differences, what is known, noise) [t, j, i] of a sample to train on, turned by 180 degrees or not."""
        climatology = jnp.where(sample["turned"], self.climatology[::-1, ::-1], self.climatology)
        before, after = sample["fields"][: self.given], sample["fields"][self.given:]
        base = before[-1] if self.given else climatology
        return (after - base) / self.change, self.known(before, climatology), sample["noise"][self.given:]


def random_sequence_diffusion(seed: int, planes: Any, given: int, drawn: int, patch: int = 2, width: int = 64,
                              blocks: int = 6) -> SequenceDiffusion:
    """A model with random weights for sequences [n, given + drawn, j, i], whose climatology and scales it takes.

    patch: cells in a patch along j and i; width: hidden channels. Raises ValueError for other shapes.
    """
    given, drawn, patch = integer("given", given, 0), integer("drawn", drawn, 1), integer("patch", patch, 1)
    fields = as_array("planes", planes, np.float32)
    if fields.ndim != 4 or fields.shape[1] != given + drawn or any(n % patch for n in fields.shape[2:]):
        raise ValueError(f"planes have the shape {fields.shape}. Give sequences [n, {given + drawn}, j, i] of whole patches of "
                         f"{patch} cells.")
    climatology = np.broadcast_to(fields.mean(axis=(0, 1, 3), dtype=float)[:, None], fields.shape[2:]).astype(np.float32)
    base = fields[:, given - 1: given] if given else climatology
    return SequenceDiffusion(denoising_network(seed, drawn, given + 1, patch, width, blocks), climatology,
                             (fields - climatology).std(), (fields[:, given:] - base).std(), given, drawn)


def drawn_sequences(model: SequenceModel, before: Any, members: int = 1, seed: int = 0, steps: int = STEPS) -> np.ndarray:
    """States [m, n, drawn, j, i] drawn after those before [n, given, j, i], with `given` 0 where none are.

    steps: of the sampler. Raises ValueError for states of another shape, or that are not finite, and FloatingPointError where the
    sampler diverges.
    """
    states, members = as_array("before", before, np.float32), integer("members", members, 1)
    expected = model.given, *model.climatology.shape
    if states.ndim != 4 or states.shape[1:] != expected or not np.isfinite(states).all():
        raise ValueError(f"before has the shape {states.shape}, and {int((~np.isfinite(states)).sum())} of its values are not "
                         f"finite. Give finite states [n, {', '.join(map(str, expected))}].")
    return drawn_in_parts(partial(drawn_after, model), states, members, (model.drawn, *expected[1:]), seed, steps)


def drawn_after(model: SequenceModel, before: Any, noise: Any, levels: Any) -> Any:
    """States [n, drawn, j, i] drawn after others [n, given, j, i], from noise [n, drawn, j, i]."""
    return with_base(model, before, sampled(denoiser_after(model, before), noise, levels))


def denoiser_after(model: SequenceModel, before: Any) -> Denoiser:
    """The denoiser of differences [n, drawn, j, i], given states before them [n, given, j, i]."""
    known = jax.vmap(lambda states: model.known(states, model.climatology))(jnp.asarray(before))
    return lambda values, level: denoised(model, values, known, jnp.asarray(level))


def with_base(model: SequenceModel, before: Any, differences: Any) -> Any:
    """States [n, drawn, j, i] of differences from the last of those before, or from the climatology."""
    return (before[:, -1:] if model.given else model.climatology) + model.change * differences


def save_sequence_diffusion(path: str | Path, model: SequenceDiffusion) -> None:
    """Write a model to one file of safetensors with all that it needs: weights, climatology, scales, sizes and versions.

    Raises as `save_weights` does.
    """
    save_weights(path, model, case=case_of(model))


def case_of(model: SequenceDiffusion) -> dict[str, Any]:
    """Words and numbers to which the weights of a model belong."""
    return {"model": "sequence diffusion", "given": model.given, "drawn": model.drawn, "cells": list(model.climatology.shape)
            } | model.network.sizes


def load_sequence_diffusion(path: str | Path, given: int | None = None, drawn: int | None = None) -> SequenceDiffusion:
    """A model from a file. given, drawn: states that it has to be given and to draw; None takes it as it is.

    Raises ValueError, with what differs, for a file of something else, and where their numbers are others.
    """
    case = saved_case(path)
    if case.get("model") != "sequence diffusion":
        raise ValueError(f"'{path}' holds weights of something else, not a diffusion model of sequences. Give a file that "
                         "dycore.learning.save_sequence_diffusion wrote.")
    for name, asked in (("given", given), ("drawn", drawn)):
        if asked not in (None, case[name]):
            raise ValueError(f"The model in '{path}' has {case[name]} states {name}, and {name}={asked} was asked for. Take one "
                             "with so many, or train it.")
    network = denoising_network(0, case["drawn"], case["given"] + 1, case["cells in a patch"], case["width"], case["blocks"])
    like = SequenceDiffusion(network, np.zeros(case["cells"], np.float32), np.float32(1.0), np.float32(1.0), case["given"],
                             case["drawn"])
    return load_weights(path, like, case=case_of(like)).weights
