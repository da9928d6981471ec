"""Modules trained in two ways: offline, on rates that are known at states, and online, through the solver over growing rollouts.

    rates = forcing_rates(grid, parameters)                            # offline: of what is to be replaced
    kept = windows(model, state, number, looks, every, stride, see)     # online: states, and what a run from them shows
    first = in_batches(offline_loss, weights, samples, passes=300, batches=10, rate=5e-3)
    loss = rollout_loss(model_with, error, every, see)
    found, losses = in_growing_rollouts(loss, first, kept, {1: 4, 4: 4, 20: 1}, rate=3e-4)

Offline loss counts an error of the rates the same wherever it is; a rollout counts what it does to the flow. Rollouts are short
where the flow is chaotic: slopes grow with the error of a forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from dycore.forcing import Module
from dycore.inputs.given import check_function, check_kind, check_list, integer, shown
from dycore.learning.fitting import clipped_adam, fit
from dycore.learning.trajectories import trajectory
from dycore.model import Model
from dycore.state import State


class Window(NamedTuple):
    """A state, and what was seen of the run from it: a tree of arrays [look, ...]."""

    start: State
    seen: Any

    def first(self, looks: int) -> Window:
        """The window of so many looks alone."""
        return self._replace(seen=jax.tree.map(lambda values: values[:looks], self.seen))


def windows(model: Model, state: State, number: int, looks: int, every: int, stride: int,
            see: Callable[[State], Any]) -> tuple[State, list[Window]]:
    """The state at the end of a run of a model, on any backend, and windows of it.

    number: of windows, of which each begins `stride` looks after the one before; every: steps from one look to the next; see: a
    function of a state that returns a tree of arrays. Raises ValueError for numbers that are not whole and positive.
    """
    number, looks, every, stride = (integer(name, value, 1) for name, value in (
        ("number", number), ("looks", looks), ("every", every), ("stride", stride)))
    check_function("see", see, "state")
    check_kind("model", model, Model)
    starts, seen = list[State](), list[Any]()
    for look in range((number - 1) * stride + looks):
        if look % stride == 0 and len(starts) < number:
            starts.append(arrays_of(state))
        state = model.steps(state, every)
        seen.append(jax.tree.map(np.asarray, see(state)) if look % stride < looks else None)  # none where no window looks
    return state, [Window(start, jax.tree.map(lambda *values: np.stack(values), *seen[n * stride: n * stride + looks]))
                   for n, start in enumerate(starts)]


def arrays_of(state: State) -> State:
    """A state whose numbers are arrays too, so that all states go into one compiled program."""
    return jax.tree.map(np.asarray, state)


def in_batches(loss: Callable[[Any, Any], Any], weights: Any, samples: Any, passes: int, batches: int, rate: float) -> Any:
    """Weights after offline training with Adam: so many passes through batches of samples, at a rate that falls as a cosine.

    samples: a tree of arrays [n, ...], of which each batch has every so manyth.
    """
    passes, batches = integer("passes", passes, 1), min(integer("batches", batches, 1), len(jax.tree.leaves(samples)[0]))
    parts = [jax.tree.map(lambda values, part=part: jnp.asarray(values[part::batches]), samples) for part in range(batches)]
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, passes * len(parts)))
    return fit(loss, weights, parts, optimiser, passes=passes).weights


def rollout_loss(model_with: Callable[[Any], Model], error: Callable[[Any, Any], Any], every: int,
                 see: Callable[[State], Any]) -> Callable[[Any, Window], Any]:
    """The loss of weights and a window, for `fit`: the mean over all looks of an error of what is seen, by what was seen.

    model_with: the model (on JAX) with weights, by `Model.with_parameters`.
    """
    def loss(weights: Any, batch: Window) -> Any:
        _, seen = trajectory(model_with(weights), batch.start, number_of_looks(batch) * every, every, see)
        return jnp.mean(jax.vmap(error)(seen, batch.seen))

    return loss


def in_growing_rollouts(loss: Callable[[Any, Window], Any], weights: Any, batches: Sequence[Window], passes: Mapping[int, int],
                        rate: float) -> tuple[Any, list[np.ndarray]]:
    """Weights trained over rollouts of so many looks, in their order, and the losses of the steps of each.

    passes: how often the windows are gone through, by the number of looks. Each length begins anew with Adam, of a rate that
    falls to zero as a cosine, and gradients longer than 1 are cut to that.
    """
    losses = []
    for looks, times in passes.items():
        looks, times = integer("A length of rollouts", looks, 1), integer("The number of passes", times, 1)
        optimiser = clipped_adam(rate, times * len(batches))
        found = fit(loss, weights, [jax.tree.map(jnp.asarray, batch.first(looks)) for batch in batches], optimiser, passes=times)
        weights = found.weights
        losses.append(found.losses)
    return weights, losses


def forecast_errors(model: Model, kept: Sequence[Window], error: Callable[[Any, Any], Any], every: int,
                    see: Callable[[State], Any]) -> np.ndarray:
    """Square roots [look] of the mean error of forecasts by a model, on any backend, from the beginnings of windows."""
    errors = []
    for window in check_windows(kept):
        looks = number_of_looks(window)
        _, (forecast,) = windows(model, window.start, 1, looks, every, looks, see)
        errors.append([float(error(at(forecast, look), at(window, look))) for look in range(looks)])
    return np.sqrt(np.mean(errors, axis=0))


def with_module(model: Model, module: Module) -> Model:
    """The model with a Module in place of the one among its forcings that has the same function: nothing is compiled.

    Raises ValueError where there is not one such.
    """
    own = [isinstance(each, Module) and each.function is module.function for each in model.parameters.forcing]
    if own.count(True) != 1:
        raise ValueError(f"The model has {len(own)} forcings, of which {own.count(True)} are modules of the function "
                         f"{module.function.__name__}. Make it with one of these, then others can take its place.")
    forcing = tuple(module if found else each for found, each in zip(own, model.parameters.forcing, strict=True))
    return model.with_parameters(replace(model.parameters, forcing=forcing))


def number_of_looks(window: Window) -> int:
    """The number of looks in a window."""
    return len(jax.tree.leaves(window.seen)[0])


def check_windows(kept: Any) -> list[Window]:
    """Windows, one or more, with looks of one form. Raises ValueError for anything else."""
    found, forms = check_list("kept", kept, Window), set()
    for window in found:
        shapes = [np.shape(values) for values in jax.tree.leaves(window.seen)]
        if not shapes or len({shape[:1] for shape in shapes}) > 1 or shapes[0][:1] in ((), (0,)):
            raise ValueError(f"A window of kept has looks of the shapes {shown(shapes)}. Give arrays [look, ...] of as many looks "
                             "each, one or more, as dycore.learning.windows makes them.")
        forms.add((jax.tree.structure(window.seen), *(shape[1:] for shape in shapes)))
    if len(forms) > 1:
        raise ValueError(f"The windows of kept have looks of different shapes, {' and '.join(str(form[1:]) for form in forms)}. "
                         "Give windows of one grid, of which one function `see` has seen.")
    return found


def seen_in(kept: Sequence[Window]) -> Any:
    """All that was seen in windows, in sequence: a tree of arrays [n, ...]. Raises ValueError for no windows or other forms."""
    return jax.tree.map(lambda *values: np.concatenate(values), *(window.seen for window in check_windows(kept)))


def at(window: Window, look: int) -> Any:
    """The tree that was seen at a look, from 0."""
    return jax.tree.map(lambda values: values[look], window.seen)
