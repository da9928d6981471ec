"""Training: weights for which a loss over batches is small, by an optimiser of optax.

    def loss(weights, batch):                                  # a number that JAX differentiates
        model, state, maps, observations = batch
        ...                                                    # a run: dycore.learning.trajectory

    found = fit(loss, network, batches, optax.adam(1e-3), passes=20)

Weights are any tree: what is an array in floating point is trained, and all else (integers, functions, numbers of Python) stays.
A batch is any tree too. Its arrays are arguments of the compiled step; all else in it, such as a model, is part of the program,
which is compiled once for each (model, ...) that is not the same object as another. Batches that are to share a program therefore
share the model, and differ in states, forcings and observed values as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import optax

from dycore.inputs.given import check_function, check_kind, integer, shown


@dataclass(frozen=True, eq=False)
class Fit:
    """Fitted weights, and how they were found.

    weights: those after the last step, or after the pass with the lowest held-out loss where batches were held out. losses [n]: of
    every step, before it. held_out_losses: their mean over the batches held out, [0] before the first pass and then after each;
    empty without such batches. state: of the optimiser after the last step, which `fit` takes to go on.
    """

    weights: Any
    losses: np.ndarray
    held_out_losses: np.ndarray
    state: Any


def fit(loss: Callable[[Any, Any], Any], weights: Any, batches: Iterable[Any], optimiser: optax.GradientTransformation, *,
        passes: int = 1, held_out: Iterable[Any] = (), state: Any = None) -> Fit:
    """Weights that make the loss small, found by one step of an optimiser for each batch.

    loss: a function (weights, batch) that returns one number. passes: how often batches are gone through; where it is more
    than once they begin anew each time, as those of a list do, and those of a generator do not. held_out: batches that are not
    trained on; the weights returned are those with which the loss over them is lowest (early stopping). state: of the optimiser,
    from a `Fit` that is gone on with, such as one with shorter runs in its loss; None for a new one. Optimisers that search along
    a line, such as optax.lbfgs, are given what they need.

    Raises ValueError where there is nothing to train, no batch, or a loss that is no number, TypeError for no optimiser, a loss
    of other arguments, or a batch that cannot be told from others, and FloatingPointError, with the step, where a loss or its
    gradient is not finite.
    """
    check_function("loss", loss, "weights", "batch")
    check_kind("optimiser", optimiser, optax.GradientTransformation, "Take one of optax, such as optax.adam(1e-3).")
    passes, held_out = integer("passes", passes, 1), list(held_out)
    arrays, rest = equinox.partition(weights, equinox.is_inexact_array)
    arrays = jax.tree.map(jnp.asarray, arrays)
    if not jax.tree.leaves(arrays):
        raise ValueError(f"weights={shown(weights)} hold no array in floating point, so that there is nothing to train.")
    programs = Programs(loss, rest, optimiser)
    state = programs.optimiser.init(arrays) if state is None else state
    losses, outside = list[float](), list[float]()
    best = arrays
    if held_out:
        outside.append(programs.mean_loss(arrays, held_out))
    for number, batch in in_passes(batches, passes):
        if batch is None:  # the end of a pass
            if held_out:
                outside.append(programs.mean_loss(arrays, held_out))
                best = arrays if outside[-1] <= min(outside) else best
            continue
        arrays, state, value, size = programs.step(arrays, state, batch.tree)
        losses.append(float(value))
        check_finite(losses[-1], float(size), len(losses), number)
    return Fit(equinox.combine(best if held_out else arrays, rest), np.array(losses), np.array(outside), state)


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch, of which the tree may be anything, None too."""

    tree: Any


def in_passes(batches: Iterable[Any], passes: int) -> Iterator[tuple[int, Batch | None]]:
    """(number of the pass from 1, a batch), and (number, None) where a pass ends. Raises ValueError where one is empty."""
    for number in range(1, passes + 1):
        count = 0
        for tree in batches:
            count += 1
            yield number, Batch(tree)
        if not count:
            raise ValueError(f"There are no batches in pass {number} of {passes}. Give a list, or what begins anew each time "
                             "that it is gone through, as a generator does not.")
        yield number, None


class Programs:
    """Programs of a loss: one step of the optimiser, and the loss alone."""

    def __init__(self, loss: Callable, rest: Any, optimiser: optax.GradientTransformation):
        from dycore.backends.on_jax import jit

        self.optimiser = optax.with_extra_args_support(optimiser)

        def value_of(arrays: Any, known: Known, traced: list) -> Any:
            value = loss(equinox.combine(arrays, rest), known.joined(traced))
            if jnp.shape(value) != ():
                raise ValueError(f"The loss returns {shown(value)} of the shape {jnp.shape(value)}. Return one number.")
            return value

        def step(known: Known, arrays: Any, state: Any, traced: list) -> tuple:
            value, slopes = jax.value_and_grad(value_of)(arrays, known, traced)
            updates, state = self.optimiser.update(slopes, state, arrays, value=value, grad=slopes,
                                                   value_fn=lambda arrays: value_of(arrays, known, traced))
            size = sum((abs(each) ** 2).sum() for each in jax.tree.leaves(slopes)) ** 0.5
            return optax.apply_updates(arrays, updates), state, value, size

        self._step = jit(step, static_argnums=0)
        self._value = jit(lambda known, arrays, traced: value_of(arrays, known, traced), static_argnums=0)

    def step(self, arrays: Any, state: Any, batch: Any) -> tuple[Any, Any, Any, Any]:
        """(arrays after a step, state of the optimiser, the loss before it, the norm of its gradient)."""
        known, traced = taken_apart(batch)
        return self._step(known, arrays, state, traced)

    def mean_loss(self, arrays: Any, batches: list) -> float:
        """The mean of the loss over batches."""
        parts = [(known, traced) for known, traced in map(taken_apart, batches)]
        return float(np.mean([float(self._value(known, arrays, traced)) for known, traced in parts]))


@dataclass(frozen=True)
class Known:
    """Known parts of a batch: its form, and all in it that is no array, None in place of what is one."""

    form: Any
    leaves: tuple

    def joined(self, traced: list) -> Any:
        """The batch with its arrays."""
        arrays = iter(traced)
        return jax.tree.unflatten(self.form, [next(arrays) if leaf is None else leaf for leaf in self.leaves])


def taken_apart(batch: Any) -> tuple[Known, list]:
    """(known parts of a batch, its arrays). Raises TypeError for what has no hash."""
    leaves, form = jax.tree.flatten(batch)
    known = Known(form, tuple(None if equinox.is_array(leaf) else leaf for leaf in leaves))
    for leaf in known.leaves:
        if getattr(leaf, "__hash__", None) is None:
            raise TypeError(f"A batch holds {shown(leaf)}, which is no array and cannot be told from others (it has no hash). Make "
                            "an array of it, or a frozen record.")
    return known, [leaf for leaf in leaves if equinox.is_array(leaf)]


def check_finite(value: float, size: float, step: int, number: int) -> None:
    """Raise FloatingPointError where a loss, or the norm of its gradient, is not finite."""
    if not np.isfinite([value, size]).all():
        raise FloatingPointError(f"In step {step}, in pass {number}, the loss is {value:g} and the norm of its gradient {size:g}. "
                                 "Take a smaller rate, clip gradients (optax.clip_by_global_norm), or take shorter runs.")
