"""Ensemble of an emulator: after each step a member is given an error that the emulator made in days that it was not trained on.

    errors = step_errors(emulator, held_out)                # [n, c, j, i], of one step each
    size = fitted_error_size(emulator, errors, held_out, leads=10, stride=5, number=10)
    found = ensemble_rollout(emulator, errors, size, state[None], steps=10, number=20)    # [member, start, time, c, j, i]

An error is drawn at random with all its fields, so that these fit to each other, turned by a random number of columns and, on a
sphere in half of cases, mirrored at the equator, as the planet allows. One number, the size, by which all errors are
multiplied, is fitted so that the spread over the error of the mean is 1: errors of steps that follow each other depend on each
other. First states are those of the core, which are known, so that they are not disturbed. (Errors of forecasts as the stochastic
part of a model: Penland and Sardeshmukh 1995, J. Climate 8, 1999, with Gaussian noise of their covariance; drawn from an archive of
them: Piccolo and Cullen 2016, Mon. Weather Rev. 144, 213.)
"""

from __future__ import annotations

from functools import partial
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, positive
from dycore.learning.emulator import VECTORS, Emulator
from dycore.learning.scores import spread_over_error

ROUNDS = 4  # of the fit of the size; the spread is nearly proportional to it


def step_errors(emulator: Emulator, states: np.ndarray) -> np.ndarray:
    """Errors [n - 1, c, j, i] of steps from each of the states [n, c, j, i] in sequence, without a unit: truth less emulator."""
    return states[1:] - np.asarray(jax.jit(jax.vmap(emulator))(states[:-1]))


def ensemble_rollout(emulator: Emulator, errors: np.ndarray, size: float, starts: np.ndarray, steps: int, number: int,
                     seed: int = 0) -> np.ndarray:
    """States [member, start, time, c, j, i] after 1 to `steps` steps of so many members from each of the starts [start, c, j, i].

    errors [n, c, j, i]: of steps, of which members are given `size` times one after each step.
    """
    steps, number = integer("steps", steps, 1), integer("number", number, 1)
    keys = jax.random.split(jax.random.key(integer("seed", seed, 0)), (number, len(starts)))
    given = jnp.asarray(errors), jnp.asarray(size, errors.dtype), jnp.asarray(starts)
    return np.stack([np.asarray(disturbed_rollouts(emulator, *given, each, steps)) for each in keys])


@equinox.filter_jit
def disturbed_rollouts(emulator: Emulator, errors: Any, size: Any, starts: Any, keys: Any, steps: int) -> Any:
    """States [start, time, c, j, i] by `disturbed_rollout` from several starts, each with a key: compiled once for all sizes."""
    return jax.vmap(partial(disturbed_rollout, emulator, errors, size, steps=steps))(starts, keys)


def disturbed_rollout(emulator: Emulator, errors: Any, size: Any, state: Any, key: Any, steps: int) -> Any:
    """States [time, c, j, i] after 1 to `steps` steps from one [c, j, i], with errors drawn by a key of JAX."""
    signs = np.array([-1.0 if channel.startswith(VECTORS[1]) else 1.0 for channel in emulator.layout.channels])[:, None, None]

    def next_state(state: Any, key: Any) -> tuple[Any, Any]:
        which, columns, mirror = jax.random.split(key, 3)
        error = jnp.roll(errors[jax.random.randint(which, (), 0, len(errors))],
                         jax.random.randint(columns, (), 0, state.shape[-1]), -1)
        if emulator.layout.mirrored:
            error = jnp.where(jax.random.bernoulli(mirror), error, error[:, ::-1] * signs.astype(error.dtype))
        state = emulator(state, True) + emulator.corrected(size * error)
        return state, state

    return jax.lax.scan(next_state, state, jax.random.split(key, steps))[1]


def fitted_error_size(emulator: Emulator, errors: np.ndarray, states: np.ndarray, leads: int, stride: int, number: int,
                      seed: int = 0) -> float:
    """The size of errors with which the spread of members is as large as the error of their mean, `leads` steps after every
    `stride`th of the states [n, c, j, i] in sequence."""
    starts, size = np.arange(0, len(states) - leads, stride), 1.0
    for _ in range(ROUNDS):
        found = ensemble_rollout(emulator, errors, size, states[starts], leads, number, seed)[:, :, -1]
        size /= spread_over_error(found, states[starts + leads], emulator.layout.weights)
    return positive("size", size, "no unit")
