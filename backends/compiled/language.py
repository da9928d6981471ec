"""The language of stencils (dycore.stencils) as Numba compiles it: its functions, and how arrays and terms are read."""

from __future__ import annotations

import hashlib
import math
import operator
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from dycore import stencils
from dycore.backends.compiled.views import OPTIONS, View


def _where(condition, true, false):
    return true if condition else false


def _maximum(a, b):
    return a if a > b else b


def _minimum(a, b):
    return a if a < b else b


def _absolute(a):
    return abs(a)


def _power(base, exponent):
    return base ** exponent


def _square_root(a):
    return math.sqrt(a)


def _quotient(a, b):
    return a / b


LANGUAGE = {
    stencils.where: numba.njit(**OPTIONS)(_where),
    stencils.maximum: numba.njit(**OPTIONS)(_maximum),
    stencils.minimum: numba.njit(**OPTIONS)(_minimum),
    stencils.absolute: numba.njit(**OPTIONS)(_absolute),
    stencils.power: numba.njit(**OPTIONS)(_power),
    stencils.square_root: numba.njit(**OPTIONS)(_square_root),
    stencils.quotient: numba.njit(**OPTIONS)(_quotient),
}


def compiled_term(value: Any) -> Any:
    """The record that a term is compiled to (dycore.backends.compiled.arguments); None where a type is of no such record."""
    record = value.instance_class if isinstance(value, types.BaseNamedTuple) else None
    return record if hasattr(record, "value_at") else None


@overload(operator.getitem, jit_options=OPTIONS)
def read_term(value, index):
    term = compiled_term(value)
    if term is None or not isinstance(index, types.BaseTuple):
        return None
    value_at = term.value_at
    if len(index) == 2:
        return lambda value, index: value_at(index[0], index[1], value)
    return lambda value, index: value_at(index[0], index[1], index[2], value)


def _coefficient_at(k, j, i, coefficient):
    raise NotImplementedError("compiled only")


@overload(_coefficient_at, jit_options=OPTIONS)
def read_coefficient(k, j, i, coefficient):
    array = coefficient.array if isinstance(coefficient, View) else coefficient
    term = compiled_term(coefficient)
    axes = term.axes if term is not None else getattr(array, "ndim", 0)
    if axes == 0:
        return lambda k, j, i, coefficient: coefficient
    if axes == 1:
        return lambda k, j, i, coefficient: coefficient[k]
    if axes == 2:
        return lambda k, j, i, coefficient: coefficient[j, i]
    return lambda k, j, i, coefficient: coefficient[k, j, i]


def _constants_at(k, j, i, record):
    raise NotImplementedError("compiled only")


@overload(_constants_at, jit_options=OPTIONS)
def read_constants(k, j, i, record):
    if isinstance(record, (View, types.Array)):
        return lambda k, j, i, record: _coefficient_at(k, j, i, record)
    if not any(isinstance(part, (View, types.Array)) for part in getattr(record, "types", ())):
        return lambda k, j, i, record: record
    names = {"made": record.instance_class, "at": _coefficient_at}
    parts = ", ".join(f"at(k, j, i, record.{name})" for name in record.fields)
    exec(f"def constants(k, j, i, record):\n    return made({parts})", names)  # Numba makes records only by as many arguments
    return names["constants"]


LANGUAGE |= {stencils.coefficient_at: _coefficient_at, stencils.constants_at: _constants_at}


class Compiler:
    """Translates stencils of one precision; float literals take that precision."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self._compiled: dict[tuple[Callable, int], tuple[Callable, str]] = {}
        self.terms: dict[str, Any] = {}  # the records of dycore.backends.compiled.arguments, by name

    def stencil(self, function: Callable, level: int = 0) -> tuple[Callable, str]:
        """(the compiled stencil, a digest of its code and of all that it calls).

        `level`: how many terms deep its arguments are. What a term calls is compiled apart from what reads the term, since
        Numba would take the same function in both for recursion, and what it compiles then does not work from its cache.
        """
        if (function, level) not in self._compiled:
            self._compiled[function, level] = self._translate(function, level)
        return self._compiled[function, level]

    def _translate(self, function: Any, level: int) -> tuple[Callable, str]:
        code = function.__code__
        digest = hashlib.sha256(code.co_code + repr((code.co_names, code.co_varnames, level)).encode())
        constants = tuple(self.dtype.type(c) if isinstance(c, float) else c for c in code.co_consts)
        digest.update(repr([c for c in constants[1:] if not isinstance(c, CodeType)]).encode())
        names = {}
        for name in code.co_names:
            if name in function.__globals__:
                names[name], mark = self._global(function.__globals__[name], level)
                digest.update(f"{name}={mark}".encode())
        cells = []
        for cell in function.__closure__ or ():
            value, mark = self._global(cell.cell_contents, level)
            cells.append(CellType(value))
            digest.update(mark.encode())
        copy = FunctionType(code.replace(co_consts=constants), names, function.__name__,
                                  function.__defaults__, tuple(cells) or None)
        names["__name__"] = copy.__module__ = function.__module__
        copy.__name__ = copy.__qualname__ = f"{function.__name__}_{digest.hexdigest()[:16]}"  # see `build`
        return numba.njit(**OPTIONS)(copy), digest.hexdigest()

    def _global(self, value: Any, level: int) -> tuple[Any, str]:
        if value in LANGUAGE if callable(value) else False:
            return LANGUAGE[value], value.__name__
        if getattr(value, "is_stencil", False):
            return self.stencil(value, level)
        if isinstance(value, float):
            return self.dtype.type(value), repr(value)
        return value, repr(value) if not isinstance(value, ModuleType) else value.__name__
