"""Ensembles: members that differ in their states and parameters, run by one model.

Under JAX all members go through one compiled program (`jax.vmap`); elsewhere they run one after the other through the same
program, with other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dycore.grid import interior
from dycore.inputs.given import shown
from dycore.learning.seeds import random_numbers
from dycore.learning.uncertain_parameters import UncertainParameter, with_controls, with_estimates
from dycore.model import Model
from dycore.state import Prognostic, State, map_state, padded


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members: a state of each, and the controls [m, n] of its uncertain parameters."""

    states: tuple[State, ...]
    parameters: tuple[UncertainParameter, ...]
    controls: np.ndarray

    def mean(self) -> State:
        """The mean of all members."""
        return map_state(lambda *arrays: sum(arrays) / len(arrays), *self.states)

    def spread(self) -> State:
        """The standard deviation between members of every number."""
        return map_state(lambda *arrays: np.std(np.stack(arrays), axis=0, ddof=1), *self.states)


def as_ensemble(model: Model, states: Sequence[State], parameters: Sequence[UncertainParameter], seed: int = 0) -> Ensemble:
    """Members with these states, and with parameters drawn from what is known of them beforehand, about their background.

    Raises ValueError for fewer than two, states of different times, and states that are not of the model.
    """
    if isinstance(states, State) or len(states) < 2:
        raise ValueError("An ensemble has at least two members. Give a sequence of so many states.")
    steps = [int(state.step) for state in states]
    if len({*steps}) > 1:
        raise ValueError(f"Members are at the steps {shown(steps)} of a run. Bring them to one, for example with "
                         "._replace(step=states[0].step, time=states[0].time).")
    drawn = random_numbers(seed).standard_normal((len(states), len(parameters)))
    return Ensemble(tuple(map(model.asarrays, states)), tuple(parameters), drawn - drawn.mean(axis=0))


def advanced(model: Model, ensemble: Ensemble, steps: int) -> Ensemble:
    """Members so many steps later."""
    if hasattr(model.backend, "native"):  # arrays of JAX
        return replace(ensemble, states=members_at_once(model, ensemble, steps))
    states = tuple(with_estimates(model, ensemble.parameters, list(controls)).steps(state, steps)
                   for state, controls in zip(ensemble.states, ensemble.controls, strict=True))
    return replace(ensemble, states=states)


def members_at_once(model: Model, ensemble: Ensemble, steps: int) -> tuple[State, ...]:
    """States of all members so many steps later, in one program of JAX."""
    import jax
    import jax.numpy as jnp

    def member(state: State, controls: Any) -> State:
        numbers = [control.astype(model.grid.dtype) for control in controls]
        return model.with_parameters(with_controls(model.parameters, ensemble.parameters, numbers)).steps(state, steps)

    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf) for leaf in leaves]), *ensemble.states)
    after = jax.vmap(member)(stacked, jnp.asarray(ensemble.controls))
    return tuple(jax.tree.map(lambda leaf, n=n: leaf[n], after) for n in range(len(ensemble.states)))


def with_cells(model: Model, ensemble: Ensemble, changed: Callable[[np.ndarray], np.ndarray], controls: np.ndarray) -> Ensemble:
    """Members with other controls and with a function applied to all of each field [m, ..., j, i], without halo.

    The function sees every field, what the time stepper remembers too, so that combinations of members stay members.
    """
    def with_halos(about: Prognostic, *arrays: Any) -> np.ndarray:
        values = changed(np.stack([np.asarray(interior(array)) for array in arrays])).astype(model.grid.dtype)
        return np.stack([padded(model.grid, about.place, member) for member in values])

    fields = map_state(with_halos, model.layout, *ensemble.states)

    def member(number: int, state: State) -> State:
        return model.asarrays(map_state(lambda array: array[number], fields)._replace(step=state.step, time=state.time))

    return replace(ensemble, states=tuple(member(number, state) for number, state in enumerate(ensemble.states)), controls=controls)
