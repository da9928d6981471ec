"""Training: weights for which a loss over batches is small, by an optimiser of optax.

    def loss(weights, batch):                                  # a number that JAX differentiates
        model, state, maps, observations = batch
        ...                                                    # a run: dycore.learning.trajectory

    found = fit(loss, network, batches, optax.adam(1e-3), passes=20)

Weights are any tree: what is an array in floating point is trained, and all else (integers, functions, numbers of Python) stays.
A batch is any tree too. Its arrays are arguments of the compiled step; all else in it, such as a model, is part of the program,
which is compiled once for each (model, ...) that is not the same object as another. Batches that are to share a program therefore
share the model, and differ in states, forcings and observed values as arrays. A later fit of the same loss (one function, not one
that is made anew) by the same optimiser, such as one that goes on, or one that begins from other weights, compiles nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

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
    empty without such batches. state: of the optimiser after the last step, which `fit` takes to go on. seconds: of
    processor time, all that went before included.
    """

    weights: Any
    losses: np.ndarray
    held_out_losses: np.ndarray
    state: Any
    seconds: float = 0.0


def clipped_adam(rate: float, steps: int) -> optax.GradientTransformation:
    """Adam of a rate that falls to zero in so many steps as a cosine; gradients longer than 1 are cut to that."""
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.cosine_decay_schedule(rate, steps)))


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
    passes = integer("passes", passes, 1)
    programs, progress, rest = begun(loss, weights, optimiser)
    progress = progress if state is None else progress._replace(state=state)
    return result(advanced(programs, progress, batches, passes, list(held_out)), rest)


class Progress(NamedTuple):
    """Progress of a training after a number of steps.

    arrays: trained so far; state: of the optimiser; best: arrays after the pass with the lowest held-out loss; number, done: the
    pass that goes on, from 1, and how many of its steps are done; losses of all steps and held_out_losses of passes, as lists.
    """

    arrays: Any
    state: Any
    best: Any
    number: int
    done: int
    losses: list[float]
    held_out_losses: list[float]
    seconds: float = 0.0  # processor time


def begun(loss: Callable[[Any, Any], Any], weights: Any, optimiser: optax.GradientTransformation) -> tuple[Programs, Progress, Any]:
    """Programs, the progress before the first step, and all of the weights that is not trained. Raises as `fit` does."""
    check_function("loss", loss, "weights", "batch")
    check_kind("optimiser", optimiser, optax.GradientTransformation, "Take one of optax, such as optax.adam(1e-3).")
    arrays, rest = equinox.partition(weights, equinox.is_inexact_array)
    arrays = jax.tree.map(jnp.asarray, arrays)
    if not jax.tree.leaves(arrays):
        raise ValueError(f"weights={shown(weights)} hold no array in floating point, so that there is nothing to train.")
    programs = programs_of(loss, rest, optimiser)
    return programs, Progress(arrays, programs.optimiser.init(arrays), arrays, 1, 0, [], []), rest


def advanced(programs: Programs, progress: Progress, batches: Any, passes: int, held_out: list, patience: int | None = None,
             after: Callable[[Progress], None] = lambda progress: None) -> Progress:
    """Progress at the end of so many passes, or when so many of them (patience) made the held-out loss no lower.

    batches: gone through in each pass, or a function of the number of the pass that gives them. after: called after each step, and
    at the end of each pass.
    """
    began = time.process_time() - progress.seconds
    if held_out and not progress.held_out_losses:
        progress.held_out_losses.append(programs.mean_loss(progress.arrays, held_out))
    while progress.number <= passes and not out_of_patience(progress.held_out_losses, patience):
        for batch in left_in_pass(batches, progress):
            arrays, state, value, size = programs.step(progress.arrays, progress.state, batch)
            check_finite(float(value), float(size), len(progress.losses) + 1, progress.number)
            progress.losses.append(float(value))
            progress = progress._replace(arrays=arrays, state=state, done=progress.done + 1, seconds=time.process_time() - began)
            after(progress)
        if not progress.done:
            raise ValueError(f"There are no batches in pass {progress.number} of {passes}. Give a list, or what begins anew each "
                             "time that it is gone through, as a generator does not.")
        if held_out:
            progress.held_out_losses.append(programs.mean_loss(progress.arrays, held_out))
        is_best = not held_out or progress.held_out_losses[-1] <= min(progress.held_out_losses)
        progress = progress._replace(best=progress.arrays if is_best else progress.best, number=progress.number + 1, done=0,
                                     seconds=time.process_time() - began)
        after(progress)
    return progress


def left_in_pass(batches: Any, progress: Progress) -> Iterator[Any]:
    """Batches of the pass that goes on, without those that are done."""
    there = batches(progress.number) if callable(batches) else batches
    if hasattr(there, "__getitem__") and hasattr(there, "__len__"):  # those that are done are not read
        return (there[number] for number in range(progress.done, len(there)))
    return islice(iter(there), progress.done, None)


def out_of_patience(losses: list[float], patience: int | None) -> bool:
    """Whether the lowest held-out loss is so many passes, or more, in the past."""
    return patience is not None and len(losses) > patience and min(losses[-patience:]) > min(losses)


def result(progress: Progress, rest: Any) -> Fit:
    """The fit that progress came to."""
    return Fit(equinox.combine(progress.best, rest), np.array(progress.losses), np.array(progress.held_out_losses), progress.state,
               progress.seconds)


def programs_of(loss: Callable, rest: Any, optimiser: optax.GradientTransformation) -> Programs:
    """Programs of a loss and an optimiser: those of an earlier call where both, and what is not trained, are the same."""
    leaves, form = jax.tree.flatten(rest)
    if any(getattr(each, "__hash__", None) is None for each in (loss, *leaves)):
        return Programs(loss, rest, optimiser)
    return kept_programs(loss, optimiser, Known(form, tuple(leaves), tuple(map(type, leaves))))


@lru_cache(maxsize=4)
def kept_programs(loss: Callable, optimiser: optax.GradientTransformation, rest: Known) -> Programs:
    """Programs, of which the last few are kept with all that was compiled for them."""
    return Programs(loss, jax.tree.unflatten(rest.form, rest.leaves), optimiser)


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
    """Known parts of a tree: its form, all in it that is no array, None in place of what is one, and types (1 is not 1.0)."""

    form: Any
    leaves: tuple
    types: tuple

    def joined(self, traced: list) -> Any:
        """The batch with its arrays."""
        arrays = iter(traced)
        return jax.tree.unflatten(self.form, [next(arrays) if leaf is None else leaf for leaf in self.leaves])


def taken_apart(batch: Any) -> tuple[Known, list]:
    """(known parts of a batch, its arrays). Raises TypeError for what has no hash."""
    leaves, form = jax.tree.flatten(batch)
    others = tuple(None if equinox.is_array(leaf) else leaf for leaf in leaves)
    known = Known(form, others, tuple(map(type, others)))
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
