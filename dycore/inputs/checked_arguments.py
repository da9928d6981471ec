"""Arguments of a function held against its annotations before it begins: a sentence about what is of another kind, no traceback.

Kinds are records and classes, paths, text, numbers, switches, functions, sequences and mappings. Of numbers it is asked alone that
they are numbers, and whole ones whole: what else they may be is for the function to say. What an annotation does not tell (Any,
shapes of arrays) passes. A call costs some 30 microseconds more.
"""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar

import numpy as np

from dycore.assembly.values import is_traced
from dycore.inputs.given import is_number, shown

F = TypeVar("F", bound=Callable)
WORDS = {int: "a whole number", float: "a number", bool: "True or False", str: "text", Path: "a path", NoneType: "None",
         np.ndarray: "an array"}
MODEL = ("grid", "parameters", "backend", "layout")  # what builds on a dycore.model.Model has these too


class KindError(TypeError, ValueError):
    """An argument of another kind than a function takes: a TypeError, and a ValueError as all that is said of bad input."""


def checked(function: F) -> F:
    """A function that raises KindError, with what to give, for an argument that is not of the kind that its annotation says."""
    signature, kinds = inspect.signature(function), typing.get_type_hints(function)
    several = [each.name for each in signature.parameters.values() if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]

    @wraps(function)
    def asked(*arguments: Any, **named: Any) -> Any:
        for name, value in signature.bind(*arguments, **named).arguments.items():
            if name in kinds and name not in several and not fits(value, kinds[name]):
                raise KindError(f"{name}={shown(value)} must be {in_words(kinds[name])}.")
        return function(*arguments, **named)

    return typing.cast(F, asked)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind, as far as an annotation tells."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin in (collections.abc.Sequence, collections.abc.Iterable):
        if not hasattr(value, "__iter__") or isinstance(value, (str, bytes, dict)) or hasattr(value, "_fields"):
            return False
        return type(value) not in (list, tuple) or all(fits(each, parts[0]) for each in value)
    if origin is tuple and parts and ... not in parts:
        return type(value) in (list, tuple) and len(value) == len(parts) and all(map(fits, value, parts))
    if origin is collections.abc.Callable or kind is Callable:
        return callable(value)
    kind = origin or kind
    if kind in (int, float) and not is_traced(value):
        return is_number(value, lambda number: kind is float or number == int(number))
    if kind is bool:
        return isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b"
    if kind is Path:
        return isinstance(value, str) or hasattr(value, "joinpath")  # also one of universal-pathlib, an address
    if kind is np.ndarray:
        return isinstance(value, (list, tuple)) or hasattr(value, "dtype")
    plain = kind in (str, NoneType, collections.abc.Mapping) or getattr(kind, "__module__", "").startswith("dycore.")
    if not plain or not isinstance(kind, type) or (getattr(kind, "_is_protocol", False)
                                                   and not getattr(kind, "_is_runtime_protocol", False)):
        return True
    return isinstance(value, kind) or (kind.__name__ == "Model" and all(hasattr(value, part) for part in MODEL))


def in_words(kind: Any) -> str:
    """A kind in words, for what a value must be."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return " or ".join(in_words(part) for part in parts)
    if origin in (collections.abc.Sequence, collections.abc.Iterable):
        return f"a list, each of it {in_words(parts[0])}"
    if origin is tuple:
        return f"a tuple of {', '.join(map(in_words, parts))}"
    if origin is collections.abc.Callable or kind is Callable:
        return "a function"
    kind = origin or kind
    if kind is collections.abc.Mapping:
        return "a dictionary"
    return WORDS.get(kind) or f"a {getattr(kind, '__module__', 'typing')}.{getattr(kind, '__name__', 'Any')}"
