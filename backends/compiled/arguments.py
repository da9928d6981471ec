"""The arguments of a stencil as source text of a kernel: records of the arrays and numbers that a call of the kernel gives.

A term (dycore.terms) is written down as calls of its stencils: in the kernel itself where it is the value that is stored, and
in a function that its record is read with where it is an argument of another stencil.
"""

from __future__ import annotations

import hashlib
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from dycore.backends.compiled.language import Compiler
from dycore.backends.compiled.views import OPTIONS
from dycore.backends.recorded.operations import TracedArray
from dycore.fields import Field, axes_of
from dycore.stencils import Bound, of_columns
from dycore.terms import Subtracted, Term, column_values_at, extent, values_at


class Arguments:
    """The arguments of a stencil, flattened: source text that rebuilds them, and the arrays and numbers in it."""

    def __init__(self, compiler: Compiler, in_place: dict[TracedArray, str], read: Any):
        self.compiler, self.in_place, self.read = compiler, in_place, read
        self.leaves: list[Any] = []  # what a call of the kernel has to give, in order
        self.views: list[str] = []  # lines before the loops
        self.names: dict[str, Any] = {}
        self.digests: list[str] = []
        self._records: dict[tuple[int, int], str] = {}  # by identity and level: a tuple may be an argument of several terms

    def values(self, stencil: Callable, point: str, arguments: tuple) -> str:
        """Source text of what a stencil returns at a point."""
        if stencil in (values_at, column_values_at):
            values = [self._expression(term, self.add, self._stencil) for term in arguments[0]]
            return f"({''.join(f'{value}, ' for value in values)})"
        level = levels_of(arguments)
        return f"{self._stencil(stencil, level)}({point}, {', '.join(self.add(argument, level) for argument in arguments)})"

    def add(self, argument: Any, level: int = 0) -> str:
        """Source text for an argument of a stencil compiled for a level of terms."""
        if isinstance(argument, Field):
            argument = argument.array
        if isinstance(argument, tuple):
            if (id(argument), level) not in self._records:
                self._records[id(argument), level] = self._record(argument, level)
            return self._records[id(argument), level]
        if getattr(argument, "is_stencil", False):
            return self._stencil(argument, level)
        if callable(argument) or isinstance(argument, (bool, type(None))):
            return repr(argument) if not callable(argument) else "None"
        if not isinstance(argument, TracedArray):
            self.leaves.append(argument)
            return f"a{len(self.leaves) - 1}"
        if argument not in self.read:
            return "None"
        if argument in self.in_place:
            name = self.in_place[argument]
        else:
            if argument not in self.leaves:
                self.leaves.append(argument)
            name = f"a{self.leaves.index(argument)}"
        masks = masks_of(argument)
        if argument.ndim < 3 and masks == (-1, -1):
            return name
        shown = f"v_{name}"
        line = f"{shown} = view({name}, {masks[0]}, {masks[1]})"
        if line not in self.views:
            self.views.append(line)
        return shown

    def _stencil(self, stencil: Callable, level: int) -> str:
        compiled, digest = self.compiler.stencil(stencil, level)
        name = f"stencil_{digest[:16]}"
        if name not in self.names:
            self.names[name] = compiled
            self.digests.append(digest)
        return name

    def _record(self, argument: tuple, level: int) -> str:
        if isinstance(argument, Term):
            return self._term(argument)
        name = ""
        if hasattr(argument, "_fields"):
            kind = record_of(type(argument).__name__, argument._fields)
            name = kind.__name__
            self.names[name] = kind
        if not argument:
            return f"{name}()"
        return self._made_once(f"{name}({''.join(f'{self.add(member, level)}, ' for member in argument)})")

    def _made_once(self, record: str) -> str:
        """The name of a record, made before the loops."""
        line = next((line for line in self.views if line.endswith(f" = {record}")), None)
        if line is None:
            line = f"r{len(self.views)} = {record}"
            self.views.append(line)
        return line.partition(" = ")[0]

    def _term(self, term: Term) -> str:
        """A record of all that a term reads, with the function that reads it."""
        texts: list[str] = []
        names: dict[str, Any] = {"zero": self.compiler.dtype.type(0.0)}

        def place(argument: Any, level: int) -> str:
            text = self.add(argument, level)
            if text not in texts:
                texts.append(text)
            return f"value[{texts.index(text)}]"

        def called(stencil: Callable, level: int) -> str:
            name = self._stencil(stencil, level)
            names[name] = self.names[name]
            return name

        point = "j, i" if extent(term) == 2 else "k, j, i"
        source = f"return {self._expression(term, place, called)}"
        kind = compiled_to(self.compiler, point, source, names, max(1, len(texts)))
        self.names[kind.__name__] = kind
        return self._made_once(f"{kind.__name__}({', '.join(texts) or 'None'})")

    def _expression(self, value: Any, place: Callable[[Any, int], str], called: Callable[[Callable, int], str]) -> str:
        """Source text of what stands in a term, at a point; `place` gives that of an argument, `called` that of a stencil."""
        if isinstance(value, Bound):
            level = levels_of(value.arguments)
            given = ["j, i" if of_columns(value.stencil) else "k, j, i", *(place(argument, level) for argument in value.arguments)]
            return f"{called(value.stencil, level)}({', '.join(given)})"
        if not isinstance(value, Term):
            return place(value, 0) + ("", "[k]", "[j, i]", "[k, j, i]")[axes_of(value)]
        text = ""
        for part in value.parts:
            product = " * ".join(f"({written})" if isinstance(factor, Term) else written for factor, written in
                                 ((factor, self._expression(factor, place, called)) for factor in part.factors))
            sign = "- " if isinstance(part, Subtracted) else "+ " if text else ""
            text = f"{text} {sign}{product}".lstrip()
        return text or "zero"


@cache
def record_of(name: str, fields: tuple[str, ...]) -> Any:
    """The class of records as compiled code has them; its name tells those of equal names and other fields apart, for Numba."""
    record: Any = namedtuple  # made while running: no type checker can know its fields
    return record(f"{name}_{hashlib.sha256(repr(fields).encode()).hexdigest()[:16]}", fields)


def levels_of(argument: Any) -> int:
    """How many terms deep the arguments of a stencil are: 0 without terms, 1 with terms whose own arguments have none."""
    if isinstance(argument, Term):
        return max((levels_in(factor) for part in argument.parts for factor in part.factors), default=0) + 1
    return max(map(levels_of, argument), default=0) if isinstance(argument, tuple) else 0


def levels_in(factor: Any) -> int:
    """How many terms deep the arguments are of what stands in a term; a sum in brackets goes no deeper."""
    return levels_of(factor) - 1 if isinstance(factor, Term) else levels_of(factor)


def compiled_to(compiler: Compiler, point: str, source: str, names: dict[str, Any], places: int) -> Any:
    """The class of the records that terms of one form are compiled to: `value_at(k, j, i, record)` is the value at a point.

    Numba tells types and functions apart by their names: these follow from all that is in them.
    """
    name = f"term_{hashlib.sha256(repr((compiler.dtype.str, point, source)).encode()).hexdigest()[:16]}"
    if name not in compiler.terms:
        scope = {**names, "__name__": __name__}
        exec(f"def {name}({point}, value):\n    {source}\n", scope)
        record: Any = namedtuple  # made while running: no type checker can know its fields
        kind = record(name, [f"value{number}" for number in range(places)])
        kind.axes, kind.value_at = len(point.split(",")), staticmethod(numba.njit(**OPTIONS)(scope[name]))
        compiler.terms[name] = kind
    return compiler.terms[name]


def masks_of(array: TracedArray) -> tuple[int, int]:
    """Masks of row and column indices: a rolling buffer keeps some rows, a collapsed axis has one element."""
    if array.ndim < 2:
        return -1, -1
    if array.rolling_rows:
        return array.rolling_rows - 1, -1
    return (0 if array.shape[-2] == 1 else -1), (0 if array.shape[-1] == 1 else -1)
