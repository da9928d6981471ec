"""A record in two: the numbers and arrays in it, which may be new from call to call, and the choices that a program is made for.

    choices, numbers = split(record)
    record == joined(choices, numbers)

Choices are functions, names, sizes (whole numbers), truth values, and what is absent (None).
"""

from __future__ import annotations

import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import numpy as np

EXACT = 2**53  # whole numbers up to here are numbers of double precision too


class Slot(NamedTuple):
    """Place of a number or an array among the choices."""

    number: int


def is_value(leaf: Any) -> bool:
    """Whether a part of a record is a number that is not whole, or an array."""
    return isinstance(leaf, (float, complex, np.floating)) or (hasattr(leaf, "dtype") and hasattr(leaf, "shape"))


def is_traced(value: Any) -> bool:
    """Whether JAX traces a value, which has no numbers then."""
    return any(kind.__name__ == "Tracer" for kind in type(value).__mro__)


def known(record: Any, otherwise: Any) -> Any:
    """A record with what JAX traces of its values replaced by those of another record of the same choices."""
    choices, values = split(record)
    _, others = split(otherwise)
    if not any(map(is_traced, values)) or len(values) != len(others):
        return record
    return joined(choices, tuple(other if is_traced(value) else value for value, other in zip(values, others, strict=True)))


def in_floats(record: Any, like: Any) -> Any:
    """A record with whole numbers as numbers in floating point where another record of its form has such numbers."""
    if isinstance(record, tuple) and type(record) is type(like) and len(record) == len(like):
        parts = [in_floats(part, other) for part, other in zip(record, like, strict=True)]
        return type(record)(*parts) if hasattr(record, "_fields") else tuple(parts)
    if is_record(record) and type(record) is type(like):
        return replace(record, **{field.name: in_floats(getattr(record, field.name), getattr(like, field.name))
                                  for field in fields(record)})
    whole = isinstance(record, (int, np.integer)) and not isinstance(record, (bool, np.timedelta64))
    return float(record) if whole and is_value(like) and abs(int(record)) <= EXACT else record


def is_record(part: Any) -> bool:
    """Whether a part of a record has parts itself; a time stepper is one choice."""
    return is_dataclass(part) and not isinstance(part, type) and not hasattr(part, "stages")


def split(record: Any) -> tuple[Any, tuple]:
    """(the choices, with a `Slot` for every value; the values in order)."""
    values: list[Any] = []

    def slot(leaf: Any) -> Any:
        if not is_value(leaf):
            return leaf
        values.append(leaf)
        return Slot(len(values) - 1)

    return mapped(slot, record), tuple(values)


def joined(choices: Any, values: tuple) -> Any:
    """The record again."""
    return mapped(lambda leaf: values[leaf.number] if isinstance(leaf, Slot) else leaf, choices)


def mapped(visit: Any, part: Any) -> Any:
    """A record with `visit` applied to its leaves and slots."""
    if isinstance(part, Slot):
        return visit(part)
    if isinstance(part, tuple):
        parts = [mapped(visit, each) for each in part]
        return type(part)(*parts) if hasattr(part, "_fields") else tuple(parts)
    if is_record(part):
        return rebuilt(part, {field.name: mapped(visit, getattr(part, field.name)) for field in fields(part)})
    return visit(part)


def rebuilt(record: Any, parts: dict[str, Any]) -> Any:
    """A record of the same kind with other parts, without the checks of what a user gives: a part may be a `Slot`."""
    other = copy.copy(record)
    for name, part in parts.items():
        object.__setattr__(other, name, part)
    return other


def differences(one: Any, other: Any, name: str = "") -> list[str]:
    """The dotted names of choices that differ."""
    if isinstance(one, Slot) and isinstance(other, Slot):
        return []
    if type(one) is not type(other):
        return [name]
    if isinstance(one, tuple) and not isinstance(one, Slot):
        names = getattr(one, "_fields", range(len(one)))
        if len(one) != len(other):
            return [name]
        return [place for each, a, b in zip(names, one, other, strict=True) for place in differences(a, b, f"{name}.{each}")]
    if is_record(one):
        return [place for field in fields(one)
                for place in differences(getattr(one, field.name), getattr(other, field.name), f"{name}.{field.name}")]
    return [] if one == other or one is other else [name]
