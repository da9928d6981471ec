"""Numbers that a recorded step is given or counts: their placeholders while it is recorded.

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


def chosen(condition: Any, true: Any, false: Any) -> Any:
    """`true` where the condition holds, else `false`."""
    return true if condition else false


class Functions:
    """Namespace that the language of stencils asks of an array, for numbers of a program."""

    minimum = staticmethod(np.minimum)
    maximum = staticmethod(np.maximum)
    sqrt = staticmethod(np.sqrt)
    pow = staticmethod(operator.pow)

    @staticmethod
    def where(condition: Any, true: Any, false: Any) -> Any:
        """`true` where the condition holds, else `false`."""
        return function_of(chosen, condition, true, false)


class Scalar:
    """A number known only when the program runs: its value from the numbers that the step is given.

    now: its value in the step that is recorded, which says what type it has. moving: it may change from step to step.
    place: of a number that is given, among the others; made_of: of another, a function and its operands.
    """

    shape: tuple = ()
    ndim = 0
    __hash__ = object.__hash__

    def __init__(self, value: Callable[[list], Any], now: Any, moving: bool, place: int | None = None,
                 made_of: tuple[Callable, tuple] | None = None):
        self.value, self.now, self.moving, self.place, self.made_of = value, now, moving, place, made_of

    @property
    def dtype(self) -> np.dtype:
        """The type of NumPy that it has or, of a Python number, would have."""
        return np.asarray(self.now).dtype

    @property
    def weak_type(self) -> bool:
        """Whether it takes the precision of what it meets, as a Python number does; a number that JAX traces says so too."""
        return type(self.now) is float

    def source(self, writer: Any) -> str:
        """Source text in a program."""
        return writer.integer(self) if self.dtype.kind in "iu" else writer.real(self)

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
    """Result of a function of numbers of which some are known only when the program runs.

    Without a number of NumPy among them the result is a Python number, which takes the precision of what it meets.
    """
    if not all(isinstance(operand, Scalar) or is_number(operand) or isinstance(operand, (bool, np.bool_)) for operand in operands):
        return NotImplemented

    nows = [operand.now if isinstance(operand, Scalar) else operand for operand in operands]
    typed = any(isinstance(number, (np.floating, np.integer)) for number in nows)  # of numbers of a program the types are known

    def plain(numbers: list) -> Any:
        result = function(*numbers)
        if typed:
            return np.asarray(result)[()]
        return result.item() if hasattr(result, "item") else result

    def value(given: list) -> Any:
        return plain([operand.value(given) if isinstance(operand, Scalar) else operand for operand in operands])

    now = plain(nows)
    moving = any(operand.moving for operand in operands if isinstance(operand, Scalar))
    return Scalar(value, now, moving, made_of=(function, operands))


def _add_operator(name: str, function: Callable) -> None:
    setattr(Scalar, f"__{name}__", lambda one, other: function_of(function, one, other))
    setattr(Scalar, f"__r{name}__", lambda one, other: function_of(function, other, one))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne"):
    _add_operator(_name, getattr(operator, _name))


class Round:
    """The number of the round of a loop of the program, and so many more; `of` so many rounds, counted from the last."""

    shape: tuple = ()
    ndim = 0
    dtype = np.dtype(np.int64)

    def __init__(self, name: str, more: int = 0, of: int = 0):
        self.name, self.more, self.of = name, more, of

    def source(self, writer: Any) -> str:
        """Source text in a program."""
        name = f"({writer.integer(self.of - 1)} - {self.name})" if self.of else self.name
        return f"({name} + {self.more})" if self.more else name

    def __add__(self, other: int) -> Round:
        return Round(self.name, self.more + other, self.of)


class Element:
    """An element of a table of the program, at indices that may be numbers of it."""

    shape: tuple = ()
    ndim = 0

    def __init__(self, table: Any, index: tuple):
        self.table, self.index, self.dtype = table, index, table.dtype

    def source(self, writer: Any) -> str:
        """Source text in a program."""
        index = (place.source(writer) if hasattr(place, "source") else str(place) for place in self.index)
        return f"{self.table.source(writer)}[{', '.join(index)}]"


class Values:
    """Numbers of one type that a part of a program is given: known ones, and placeholders of those of a run."""

    def __init__(self, leaves: list[Any], dtype: np.dtype):
        self.leaves, self.dtype = leaves, dtype
        self.moving = [(place, leaf) for place, leaf in enumerate(leaves) if isinstance(leaf, Scalar) and leaf.moving]

    def at_rest(self, numbers: list) -> np.ndarray:
        """All of them, of these numbers of constants; what moves in a run is zero."""
        return np.array([0 if isinstance(leaf, Scalar) and leaf.moving else value_of(leaf, numbers) for leaf in self.leaves]
                        or [0], self.dtype)

    def fill(self, array: np.ndarray, numbers: list) -> None:
        """Put in what moves."""
        for place, leaf in self.moving:
            array[place] = leaf.value(numbers)


def value_of(leaf: Any, numbers: list) -> Any:
    """A number that a program is given, or makes of what it is given."""
    return leaf.value(numbers) if isinstance(leaf, Scalar) else leaf
