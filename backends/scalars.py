"""Numbers that a recorded step is given or counts: what stands for them while it is recorded.

A program is compiled for numbers of any value. Numbers of constants and of the state, and what a step makes of them, are
evaluated on the host before every step, in the order and precision in which NumPy would, and handed to the kernels.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np


def is_whole(leaf: Any) -> bool:
    """Whether a leaf is a whole number."""
    return isinstance(leaf, (int, np.integer)) and not isinstance(leaf, bool)


def is_number(leaf: Any) -> bool:
    """Whether a leaf is a whole number or one in floating point, be it an array without axes."""
    return is_whole(leaf) or isinstance(leaf, (float, np.floating)) or (
        hasattr(leaf, "dtype") and np.ndim(leaf) == 0 and np.dtype(leaf.dtype).kind in "iuf")


def as_number(leaf: Any) -> Any:
    """An int, a float, or a number of NumPy, which has a precision of its own."""
    if type(leaf) in (int, float):
        return leaf
    number = np.asarray(leaf)[()]
    return int(number) if number.dtype.kind in "iu" else number


def kind_of(leaf: Any) -> Any:
    """The type of a number: int, float (which takes the precision of what it meets), or a type of NumPy."""
    number = as_number(leaf)
    return getattr(number, "dtype", type(number))


class Functions:
    """What the language of stencils asks of the namespace of an array, for numbers of a program."""

    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    sqrt = staticmethod(np.sqrt)
    pow = staticmethod(operator.pow)

    @staticmethod
    def where(condition: Any, true: Any, false: Any) -> Any:
        """`true` where the condition holds, else `false`."""
        return function_of(lambda condition, true, false: true if condition else false, condition, true, false)


class Scalar:
    """A number known only when the program runs: its value from the numbers that the step is given.

    now: its value in the step that is recorded, which says what type it has. moving: it may change from step to step.
    """

    shape: tuple = ()
    ndim = 0
    __hash__ = object.__hash__

    def __init__(self, value: Callable[[list], Any], now: Any, moving: bool):
        self.value, self.now, self.moving = value, now, moving

    @property
    def dtype(self) -> np.dtype:
        """The type of NumPy that it has or, of a Python number, would have."""
        return np.asarray(self.now).dtype

    @property
    def weak_type(self) -> bool:
        """Whether it takes the precision of what it meets, as a Python number does; a number that JAX traces says so too."""
        return type(self.now) is float

    def __bool__(self) -> bool:
        raise TypeError("A number that is known only while the program runs cannot choose what the program does. Choose by passing "
                        "a function or None instead, or pick one of two values with dycore.stencils.where.")

    def __array_namespace__(self) -> Any:
        return Functions

    def __array_ufunc__(self, function: Callable, method: str, *operands: Any, **options: Any) -> Any:
        return function_of(function, *operands) if method == "__call__" and not options else NotImplemented

    def __neg__(self) -> Scalar:
        return function_of(operator.neg, self)

    def __abs__(self) -> Scalar:
        return function_of(operator.abs, self)


def function_of(function: Callable, *operands: Any) -> Any:
    """What a function makes of numbers of which some are known only when the program runs.

    Without a number of NumPy among them the result is a Python number, which takes the precision of what it meets.
    """
    if not all(isinstance(part, Scalar) or is_number(part) or isinstance(part, (bool, np.bool_)) for part in operands):
        return NotImplemented

    def plain(numbers: tuple) -> Any:
        result = function(*numbers)
        if any(isinstance(number, (np.floating, np.integer)) for number in numbers):
            return np.asarray(result)[()]
        return result.item() if hasattr(result, "item") else result

    def value(given: list) -> Any:
        return plain(tuple(part.value(given) if isinstance(part, Scalar) else part for part in operands))

    now = plain(tuple(part.now if isinstance(part, Scalar) else part for part in operands))
    return Scalar(value, now, any(part.moving for part in operands if isinstance(part, Scalar)))


def _add_operator(name: str, function: Callable) -> None:
    setattr(Scalar, f"__{name}__", lambda one, other: function_of(function, one, other))
    setattr(Scalar, f"__r{name}__", lambda one, other: function_of(function, other, one))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
    _add_operator(_name, getattr(operator, _name))


class Round:
    """The number of the round of a loop of the program, and so many more."""

    shape: tuple = ()
    ndim = 0
    dtype = np.dtype(np.int64)

    def __init__(self, name: str, more: int = 0):
        self.name, self.more = name, more

    @property
    def text(self) -> str:
        """Source text."""
        return f"({self.name} + {self.more})" if self.more else self.name

    def __add__(self, other: int) -> Round:
        return Round(self.name, self.more + other)


class Element:
    """An element of a table of the program, at indices that may be numbers of it."""

    shape: tuple = ()
    ndim = 0

    def __init__(self, table: Any, index: tuple):
        self.table, self.index, self.dtype = table, index, table.dtype
