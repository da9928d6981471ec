"""Observations: what was seen of a run, where and when, with which error; and what a model has there and then.

    departures = (H(x) - y) / error

H is an operator, a function of a state; departures are what estimations make small. A model that knows the truth up to the
errors of the observations has departures of which the mean square is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import gcd, inf, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.inputs.given import as_array, check_function, check_kind, check_number, shown
from dycore.learning.seeds import random_numbers
from dycore.learning.state_fields import check_names, field, names_of_fields, open_points
from dycore.learning.trajectories import trajectory
from dycore.model import Model
from dycore.state import State

NEAREST = 1e-6  # of a step: how far a time may be from the end of one


@dataclass(frozen=True, eq=False)
class Observations:
    """Values [time, ...] of one kind, seen `every` so many seconds, for the first time so long after the beginning.

    operator: a function of a state that returns what would be seen of it, an array of the shape of `values` without its first axis
    (or a number), in the array API alone, so that JAX differentiates it (`at_cells` makes one). values: in the unit of what
    the operator returns; masked where nothing was seen. error: standard deviation of what is seen about what the operator says,
    which includes what the model cannot represent; a number, or an array that broadcasts to `values`. cells: indices (j, i) of the
    cells that were observed, each with the shape of one time of `values`: needed where analyses are localised.
    Raises ValueError for values that are not finite, errors that are not positive, and shapes that do not fit.
    """

    operator: Callable[[State], Any]
    values: Any
    error: Any
    every: float
    cells: Any = None

    def __post_init__(self) -> None:
        check_function("operator", self.operator, "state")
        check_number("every", self.every, "a positive number of seconds", lambda every: 0.0 < every < inf)
        masked, values = np.ma.getmaskarray(np.ma.asarray(self.values)), as_array("values", self.values)
        if not values.ndim or not len(values):
            raise ValueError(f"The observed values have the shape {values.shape}. Give at least one time along the first axis.")
        strange = ~masked & ~np.isfinite(values)
        if strange.any():
            raise ValueError(f"{strange.sum()} of {values.size} observed values are not finite numbers. Mask what was not seen "
                             "(numpy.ma.masked_invalid).")
        error = as_array("error", self.error)
        if not (np.isfinite(error) & (error > 0.0)).all():
            raise ValueError(f"error={shown(self.error)} must be positive and finite: it divides departures. Mask what "
                             "counts for nothing.")
        if error.ndim > values.ndim or any(n not in (1, m) for n, m in zip(error.shape[::-1], values.shape[::-1], strict=False)):
            raise ValueError(f"error has the shape {error.shape}, which does not fit values of {values.shape}. Give a number or an "
                             "array that broadcasts to them.")
        cells = None if self.cells is None else checked_cells(self.cells, values.shape[1:])
        values = np.ma.array(np.where(masked, 0.0, values), mask=masked)
        for name, value in (("values", values), ("error", error), ("cells", cells)):
            object.__setattr__(self, name, value)


Kinds = Observations | Sequence[Observations]  # of one kind, or of several


def checked_cells(cells: Any, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Indices (j, i) of observed cells. Raises ValueError where they are not of the shape of the observations."""
    j, i = (np.asarray(index) for index in cells)
    if not j.shape == i.shape == shape or j.dtype.kind not in "iu" or i.dtype.kind not in "iu":
        raise ValueError(f"cells must be two arrays of whole numbers of the shape {shape}, that of the values of one time; given "
                         f"{j.shape} of {j.dtype} and {i.shape} of {i.dtype}.")
    return j, i


@dataclass(frozen=True, eq=False)
class At:
    """An operator: values of a field at cells or faces, from a state."""

    model: Model
    name: str
    places: tuple

    def __call__(self, state: State) -> Any:
        return field(self.model, state, self.name)[self.places]


def at_cells(model: Model, name: str, *index: ArrayLike) -> Callable[[State], Any]:
    """The operator of values of a field (u, v, surface or a tracer) at indices (j, i) of a plane or (k, j, i), each of shape [n].

    Velocities stand on the west and south faces of these cells. Raises ValueError for a field that does not exist and for
    indices beyond the grid or where there is no fluid.
    """
    check_names("The field", (name,), names_of_fields(model))
    is_open = open_points(model.grid, name)
    if len(index) != is_open.ndim:
        axes = "k, j, i" if is_open.ndim == 3 else "j, i"
        raise ValueError(f"{name} has {is_open.ndim} axes, but {len(index)} indices are given. Give ({axes}).")
    found = tuple(np.asarray(each) for each in index)
    for axis, each, size in zip("kji"[-is_open.ndim:], found, is_open.shape, strict=True):
        check_index(axis, each, size, name)
    try:
        np.broadcast_shapes(*(each.shape for each in found))
    except ValueError:
        raise ValueError(f"The indices of {name} have the shapes {[each.shape for each in found]}. Give one of each for every "
                         "point.") from None
    if not is_open[found].all():
        raise ValueError(f"{int((~is_open[found]).sum())} of {is_open[found].size} points at which {name} is observed are land or "
                         "closed faces. Leave them out.")
    return At(model, name, found)


def check_index(axis: str, index: np.ndarray, size: int, what: str) -> None:
    """Raise ValueError unless these are indices along an axis of so many cells, none of them counted from the end."""
    if index.dtype.kind not in "iu" or (index < 0).any() or (index >= size).any():
        raise ValueError(f"The index {axis}={shown(index)} of {what} must be whole numbers from 0 to {size - 1}.")


class Schedule(NamedTuple):
    """Schedule of several kinds of observations: steps from one time that any is seen to the next, steps in all, and of these
    times every which belongs to each kind.
    """

    every: int
    steps: int
    strides: tuple[int, ...]


def schedule_of(model: Model, state: State, observations: Kinds) -> tuple[tuple[Observations, ...], Schedule]:
    """Observations as a tuple, and when they are seen.

    Raises ValueError where a time is no multiple of the step, or an operator returns another shape than the values have.
    """
    observations = (observations,) if isinstance(observations, Observations) else tuple(observations)
    if not observations:
        raise ValueError("There are no observations. Give dycore.learning.Observations.")
    if model.backend.communication.ranks > 1:
        raise ValueError(f"Observations are compared on one process, and the model runs on {model.backend.communication.ranks}. "
                         "Make it on a backend without communication.")
    for number, each in enumerate(observations):
        check_kind(f"observations[{number}]", each, Observations)
    own = tuple(steps_between(each.every, model.parameters.time_step) for each in observations)
    every = gcd(*own)
    steps = max(n * len(each.values) for n, each in zip(own, observations, strict=True))
    check_shapes(model.asarrays(state), observations)
    return observations, Schedule(every, steps, tuple(n // every for n in own))


def steps_between(every: float, time_step: float) -> int:
    """Steps from one observation to the next. Raises ValueError unless they are a whole number."""
    steps = round(every / time_step)
    if steps < 1 or abs(every / time_step - steps) > NEAREST:
        raise ValueError(f"every={every:g} s is no multiple of the model's time step of {time_step:g} s. Give "
                         f"{max(steps, 1) * time_step:g} s, or take another step.")
    return steps


def check_shapes(state: State, observations: Sequence[Observations]) -> None:
    """Raise ValueError where an operator returns another shape than the values have."""
    for number, each in enumerate(observations):
        found, expected = np.shape(each.operator(state)), np.shape(each.values)[1:]
        if found != expected:
            raise ValueError(f"The operator of observations[{number}] returns the shape {found}, but at each time the values have "
                             f"{expected}. The first axis of values is time.")


def traced_equivalents(model: Model, state: State, observations: Sequence[Observations], schedule: Schedule) -> tuple:
    """Values that a model has of each kind of observation, [time, ...], in a function that JAX differentiates."""
    def see(state: State) -> tuple:
        return tuple(each.operator(state) for each in observations)

    _, seen = trajectory(model, state, schedule.steps, schedule.every, see)
    return at_their_times(seen, observations, schedule)


def equivalents(model: Model, state: State, observations: Sequence[Observations], schedule: Schedule) -> tuple:
    """Values as of `traced_equivalents`, on any backend, in arrays of NumPy, without a derivative."""
    seen: list[tuple] = []
    for _ in range(schedule.steps // schedule.every):
        state = model.steps(state, schedule.every)
        seen.append(tuple(np.asarray(each.operator(state), float) for each in observations))
    return at_their_times(tuple(map(np.stack, zip(*seen, strict=True))), observations, schedule)


def at_their_times(seen: tuple, observations: Sequence[Observations], schedule: Schedule) -> tuple:
    """Of what was seen each time any was, that of the times of each kind."""
    return tuple(values[stride - 1::stride][:len(each.values)]
                 for values, each, stride in zip(seen, observations, schedule.strides, strict=True))


def departures(modelled: Sequence[Any], observations: Sequence[Observations]) -> tuple:
    """Values that a model has minus those that were seen, over the error, of each kind one row [n]; zero where nothing was seen."""
    return tuple(((has - each.values.data) * np.where(each.values.mask, 0.0, 1.0 / each.error)).reshape(-1)
                 for has, each in zip(modelled, observations, strict=True))


def number_of_values(observations: Sequence[Observations]) -> int:
    """How many values were seen."""
    return sum(int(prod(each.values.shape) - each.values.mask.sum()) for each in observations)


def observed_twin(model: Model, truth: State, observations: Kinds, seed: int = 0) -> tuple[Observations, ...]:
    """Observations with values of a run of a model from a state, which is the truth of a twin experiment, and random errors.

    Of what is given the values count for nothing but their shape and mask. The model may run on any backend.
    """
    observations, schedule = schedule_of(model, truth, observations)
    rng = random_numbers(seed)
    return tuple(replace(each, values=np.ma.array(has + each.error * rng.standard_normal(has.shape), mask=each.values.mask))
                 for has, each in zip(equivalents(model, truth, observations, schedule), observations, strict=True))
