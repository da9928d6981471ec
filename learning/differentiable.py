"""The numbers of a record that are no whole ones, by name: what a derivative is taken by. All else of a record stays constant.

    loss_of = jax.grad(lambda numbers: loss(with_numbers(state, numbers)))
    slopes = loss_of(numbers(state))                       # {"u": ..., "tracers.0": ..., "history.0.surface": ...}
    numbers(parameters)                                    # {"friction.vorticity": 500.0, "forcing.0.values.rate": ...}

All slopes are finite, and those of differences. In a corner, as of an upwind scheme in a fluid at rest, there are two, and
what is returned lies between them. A biharmonic coefficient that is zero has the slope zero, because friction takes its root: begin
an estimation with a small one. Slopes by a number that no term uses, such as an expansion under TEOS-10, are zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dycore.assembly import values
from dycore.inputs.given import check_kind, check_model, shown
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.time_series import TimeSeries

# What a program has to know: when records hold, and which rows are filtered.
KNOWN = {(TimeSeries, "times"), (Parameters, "polar_filter")}


def numbers(record: Any) -> dict[str, Any]:
    """The numbers and arrays in floating point of a record, by dotted names: a tree for `jax.grad` and optimisers.

    record: a State, Parameters, a Forcing, a tuple of such or any other record of named tuples and dataclasses. Integers,
    functions, names and what is absent are left out.
    """
    choices, found = values.split(record)
    return {name: found[slot.number] for name, slot in slots(choices) if is_differentiable(found[slot.number])}


def with_numbers(record: Any, given: Mapping[str, Any]) -> Any:
    """A record with other numbers for those that are given by name, all or some of `numbers(record)`; JAX may trace them.

    Raises ValueError for a name that the record has no number for.
    """
    check_kind("given", given, Mapping, "Give numbers by name.")
    choices, found = values.split(record)
    places = {name: slot.number for name, slot in slots(choices) if is_differentiable(found[slot.number])}
    for name in given:
        if name not in places:
            raise ValueError(f"{shown(name)} is no number of this {type(record).__name__}. It has {', '.join(places)}.")
    own = {places[name]: value for name, value in given.items()}
    return values.joined(choices, tuple(own.get(place, value) for place, value in enumerate(found)))


def value_and_grad(function: Callable, has_aux: bool = False) -> Callable:
    """As `jax.value_and_grad` by the first argument, which may be a State or another record with integers and functions in it.

    The slopes are a record of the same form, with None in place of what no derivative is taken by.
    """
    def differentiated(record: Any, *others: Any, **options: Any) -> tuple[Any, Any]:
        def of_numbers(given: dict[str, Any]) -> Any:
            return function(with_numbers(record, given), *others, **options)

        value, slopes = jax.value_and_grad(of_numbers, has_aux=has_aux)(numbers(record))
        return value, in_place(record, slopes)

    return differentiated


def grad(function: Callable, has_aux: bool = False) -> Callable:
    """As `jax.grad` by the first argument, which may be a State or another record; see `value_and_grad`."""
    def differentiated(record: Any, *others: Any, **options: Any) -> Any:
        value, slopes = value_and_grad(function, has_aux)(record, *others, **options)
        return (slopes, value[1]) if has_aux else slopes

    return differentiated


def total(model: Model, field: Any) -> Any:
    """The sum of a field [k, j, i] or [j, i] of a model over all cells without halos: of all devices, and all processes.

    A loss that is made of such sums is the same for any number of devices or processes, and so are its slopes. Raises ValueError
    for a field of another shape, such as one without halos.
    """
    check_model(model)
    padded, shape = tuple(model.backend.padded(model.tile)), np.shape(getattr(field, "array", field))
    if shape not in (padded, padded[1:]):
        raise ValueError(f"field={shown(field)} has the shape {shape}. Give a field of the model with its halo, {padded} or "
                         f"{padded[1:]}.")
    return model.backend.total(model.tile, field)


def shared(model: Model, tree: Any) -> Any:
    """Numbers that all processes hold alike, coefficients or weights of a network, before a model is given them.

    Slopes by them are sums over processes, the same on all of them, where a loss is made of `total`. Where there is one process
    these are the numbers themselves.
    """
    return jax.tree.map(model.backend.communication.shared, tree)


def in_place(record: Any, slopes: Mapping[str, Any]) -> Any:
    """A record of the same form with the slopes by its numbers, and None for all else."""
    choices, found = values.split(record)
    by_place = {slot.number: slopes.get(name) for name, slot in slots(choices)}
    empty = values.mapped(lambda leaf: leaf if isinstance(leaf, values.Slot) else None, choices)
    return values.joined(empty, tuple(by_place.get(place) for place in range(len(found))))


def is_differentiable(value: Any) -> bool:
    """Whether a number or an array is in floating point."""
    arrays = isinstance(value, (np.ndarray, np.generic, jax.Array))
    return isinstance(value, float) or (arrays and jnp.issubdtype(value.dtype, jnp.inexact))


def slots(choices: Any, name: str = "") -> Iterator[tuple[str, values.Slot]]:
    """(dotted name, slot) of each number of a record that dycore.assembly.values has split, in order."""
    if isinstance(choices, values.Slot):
        yield name, choices
    elif isinstance(choices, tuple) or values.is_record(choices):
        own = isinstance(choices, tuple)
        names = getattr(choices, "_fields", range(len(choices))) if own else [field.name for field in fields(choices)]
        for number, each in enumerate(names):
            if (type(choices), each) not in KNOWN:
                yield from slots(choices[number] if own else getattr(choices, each), f"{name}.{each}" if name else str(each))
