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
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing import signature as signature_of
from numba.extending import intrinsic, models, overload, register_model

from dycore import stencils

OPTIONS = {"error_model": "numpy", "forceinline": True, "nogil": True}


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


@intrinsic
def inside(typing_context, index, start):
    """The index, promised to LLVM to be small and not before `start`: no wrap-around, so plain vector loads."""

    def generate(context, builder, signature, arguments):
        value, first = arguments
        first = context.cast(builder, first, signature.args[1], signature.args[0])
        assume = builder.module.declare_intrinsic("llvm.assume", fnty=ir.FunctionType(ir.VoidType(), [ir.IntType(1)]))
        for condition in (builder.icmp_signed(">=", value, first),
                          builder.icmp_signed("<", value, ir.Constant(value.type, 2**31))):
            builder.call(assume, [condition])
        return value

    return signature_of(index, index, start), generate


class View(types.Type):
    """The type of an array [j, k, i] or [j, i] read as [k, j & row_mask, i & column_mask], or without k.

    A mask makes a ring of a few rows, or an array that is constant along an axis.
    """

    def __init__(self, array: Any, row_mask: int, column_mask: int):
        self.array, self.masks = array, (row_mask, column_mask)
        super().__init__(f"View({array}, {row_mask}, {column_mask})")


@register_model(View)
class ViewModel(models.StructModel):
    """Where the array begins, and its numbers of rows and columns; it owns nothing."""

    def __init__(self, manager, kind):
        pointer = types.CPointer(kind.array.dtype)
        super().__init__(manager, kind, [("data", pointer), ("rows", types.intp), ("columns", types.intp)])


@intrinsic(prefer_literal=True)
def view(typing_context, array, row_mask, column_mask):
    """The array as a `View`; the masks are literals."""
    kind = View(array, row_mask.literal_value, column_mask.literal_value)

    def generate(context, builder, signature, arguments):
        given = context.make_array(array)(context, builder, arguments[0])
        made = cgutils.create_struct_proxy(kind)(context, builder)
        made.data = given.data
        made.rows, made.columns = cgutils.unpack_tuple(builder, given.shape)[-2:]
        return made._getvalue()

    return kind(array, row_mask, column_mask), generate


@intrinsic
def element(typing_context, value, plane, row, column):
    """An element of the array of a `View`."""

    def generate(context, builder, signature, arguments):
        seen = cgutils.create_struct_proxy(value)(context, builder, value=arguments[0])
        at = [context.cast(builder, a, t, types.intp) for a, t in zip(arguments[1:], signature.args[1:], strict=True)]
        line = builder.add(builder.mul(at[0], seen.rows), at[1])
        return builder.load(builder.gep(seen.data, [builder.add(builder.mul(line, seen.columns), at[2])]))

    return value.array.dtype(value, plane, row, column), generate


@overload(operator.getitem, jit_options=OPTIONS)
def read_view(value, index):
    if not isinstance(value, View):
        return None
    row_mask, column_mask = value.masks
    if value.array.ndim == 2:
        return lambda value, index: element(value, 0, index[0] & row_mask, index[1] & column_mask)
    return lambda value, index: element(value, index[1] & row_mask, index[0], index[2] & column_mask)


def compiled_term(value: Any) -> Any:
    """The record that a term is compiled to (dycore.backends.arguments); None where a type is of no such record."""
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


LANGUAGE[stencils.coefficient_at] = _coefficient_at


class Compiler:
    """Translates stencils of one precision; float literals take that precision."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self._compiled: dict[tuple[Callable, int], tuple[Callable, str]] = {}
        self.terms: dict[str, Any] = {}  # the records of dycore.backends.arguments, by name

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
