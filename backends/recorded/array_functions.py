"""Functions on arrays as a part of a step: what they are given, and what they may return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dycore.abstract import Reads
from dycore.backends.common import precision_of
from dycore.backends.recorded.operations import Computation, TracedArray, arrays_of, leaves_of
from dycore.backends.recorded.scalars import Element, Scalar
from dycore.fields import Field, Region, as_field, map_arguments


def handed_over(broadcast: Callable, region: Region, arguments: tuple) -> tuple:
    """Arguments as a function on arrays is given them: fields [k, j, i] or [j, i] and profiles [k], all else as it is."""
    k, j, i = region.indices()

    def cut(leaf: Any) -> Any:
        if isinstance(leaf, Field) and not leaf.region:  # weights, whatever their shape
            return leaf.array
        if not isinstance(leaf, Field) and not is_field(np.shape(leaf), region):
            return leaf
        field = as_field(leaf)
        if field.array.ndim == 1:
            return field[k].reshape(-1)
        values = field[(k, j, i)[-field.array.ndim:]]
        return broadcast(values, (*values.shape[:-2], *region.shape[-2:]))

    return tuple(map_arguments(cut, argument) for argument in arguments)


def is_field(shape: tuple[int, ...], region: Region) -> bool:
    """Whether an array of this shape is a whole field or profile, or a plane that may be constant along an axis."""
    _, nj, ni = region.padded
    if len(shape) == 2:
        return shape[0] in (1, nj) and shape[1] in (1, ni)
    return shape in (region.padded, region.padded[:1])


def called(library: Any, function: Callable, region: Region, arguments: tuple) -> Any:
    """Results of a function on arrays of a region. Raises ValueError where one is neither [k, j, i] nor [j, i], or masked, or
    not of the precision of the arguments."""
    results = function(*handed_over(library.broadcast_to, region, arguments))
    several = results if isinstance(results, tuple) else (results,)
    check_shapes(function, region, several)
    check_types(function, precision_of(arguments), several)
    return results


def check_types(function: Callable, precision: np.dtype, results: tuple) -> None:
    """Raise ValueError where a function returned masked numbers, or others than those of the precision of its arguments."""
    for result in results:
        if isinstance(result, np.ma.MaskedArray):
            raise ValueError(f"{name_of(function)} returned a masked array, and a step has no values for what is masked. Return an "
                             "array with numbers everywhere, for example result.filled(0.0).")
        if result.dtype.kind != "f" or (precision.kind == "f" and result.dtype != precision):
            wanted = precision if precision.kind == "f" else "floating point"
            raise ValueError(f"{name_of(function)} returned an array of the type {result.dtype}, but this model computes in "
                             f"{wanted}. Return an array of that type, for example result.astype(argument.dtype).")


def name_of(function: Callable) -> str:
    """The name of a function."""
    return getattr(function, "__name__", repr(function))


def check_shapes(function: Callable, region: Region, results: tuple) -> None:
    """Raise ValueError where a function returned what is neither [k, j, i] nor [j, i], or nothing."""
    for result in results or (results,):
        shape = getattr(result, "shape", None)
        if shape not in (region.shape, region.shape[1:]):
            what = "nothing, ()" if not results else f"a {type(result).__name__}" if shape is None else f"an array of shape {shape}"
            raise ValueError(f"{name_of(function)} returned {what}, but its arguments are columns "
                             f"[k, j, i] of shape {region.shape}. Return an array of that shape, or of shape {region.shape[1:]} "
                             "for a plane [j, i], or a tuple of such arrays.")


POINTWISE = Reads(0, 0, 0, 0, False)  # of columns: at all levels


@dataclass(eq=False)
class ArrayFunction(Computation):
    """A function on arrays of a region, between two parts of a compiled program; its results are new arrays."""

    function: Callable
    region: Region
    arguments: tuple
    results: tuple[TracedArray, ...] = ()
    single: bool = True
    reads: dict[TracedArray, Reads] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find its results from a call with ones."""
        self.reads = dict.fromkeys((*arrays_of(self.arguments), *(leaf.table for leaf in leaves_of(self.arguments)
                                                                  if isinstance(leaf, Element))), POINTWISE)
        results = self.of(lambda array: np.broadcast_to(np.ones((), array.dtype), array.shape), None)
        self.single = not isinstance(results, tuple)
        self.results = tuple(TracedArray(self.region.padded[-result.ndim:], result.dtype)
                             for result in ((results,) if self.single else results))

    @property
    def used(self) -> dict[TracedArray, Reads]:
        """Reads that its results depend on: all of them."""
        return self.reads

    @property
    def name(self) -> str:
        """The name of the function."""
        return name_of(self.function)

    def of(self, array_of: Callable[[TracedArray], np.ndarray], numbers: list | None) -> Any:
        """Results of the function, of the arrays and numbers of a program; without numbers, of those of its recording."""

        def number(leaf: Any) -> Any:
            if isinstance(leaf, Scalar):
                return leaf.now if numbers is None else leaf.value(numbers)
            if isinstance(leaf, Element):
                return array_of(leaf.table)[tuple(number(place) if numbers else 0 for place in leaf.index)]
            return leaf

        def value(leaf: Any) -> Any:
            if isinstance(leaf, Field):
                return Field(array_of(leaf.array), leaf.region, leaf.origin)
            return array_of(leaf) if isinstance(leaf, TracedArray) else number(leaf)

        given = tuple(map_arguments(value, argument) for argument in self.arguments)
        return called(np, self.function, self.region, given)

    def made(self) -> tuple[TracedArray, ...]:
        """Its results."""
        return self.results

    def emit(self, writer: Any, indent: str) -> None:
        """A part of its own."""

        def call(run: Any) -> None:
            results = self.of(run.array, run.numbers)
            for array, result in zip(self.results, (results,) if self.single else results, strict=True):
                region = self.region if array.ndim == 3 else self.region.columns
                run.array(array)[tuple(slice(*r) for r in region.ranges)] = result

        writer.call_host(self, call, indent)
