"""Floating-point operations of a step, counted in its jaxpr: JAX's own list of what the step computes, before any compiler.

One operation for each number of a result. Loops count their length; of branches the one with the most. What moves numbers,
changes their sign or their type, or computes with whole numbers, costs nothing here; what a compiler leaves out as a repetition
is counted. The transforms of the polar filter count 2.5 N log2 N for N real numbers, as is usual.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy


class Flops(NamedTuple):
    """Numbers of operations by kind; `divisions` hold square roots, `comparisons` choices, `transcendental` exp, log, powers."""

    additions: float = 0.0
    multiplications: float = 0.0
    divisions: float = 0.0
    transcendental: float = 0.0
    transforms: float = 0.0
    comparisons: float = 0.0

    @property
    def total(self) -> float:
        """Additions, multiplications, divisions and those of transforms; the others are told apart."""
        return self.additions + self.multiplications + self.divisions + self.transforms

    def __add__(self, other: Any) -> "Flops":
        return Flops(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, number: float) -> "Flops":
        return Flops(*(number * count for count in self))


KINDS = (
    dict.fromkeys(("add", "sub", "add_any", "cumsum"), "additions") | {"mul": "multiplications"}
    | dict.fromkeys(("div", "sqrt", "rsqrt", "rem"), "divisions")
    | dict.fromkeys(("exp", "exp2", "expm1", "log", "log1p", "pow", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh",
                     "cosh", "tanh", "logistic", "erf", "cbrt"), "transcendental")
    | dict.fromkeys(("max", "min", "lt", "le", "gt", "ge", "eq", "ne", "select_n", "clamp"), "comparisons"))
FREE = frozenset((
    "neg", "abs", "sign", "copy", "convert_element_type", "is_finite", "stop_gradient", "optimization_barrier", "broadcast_in_dim",
    "reshape", "squeeze", "expand_dims", "transpose", "rev", "slice", "dynamic_slice", "dynamic_update_slice", "gather", "scatter",
    "concatenate", "pad", "split", "iota", "real", "imag", "complex", "conj", "floor", "ceil", "round", "copy_p"))


def of_function(function: Callable, *arguments: Any) -> Flops:
    """Operations of a function of arrays of JAX. Raises ValueError for a primitive or a loop that cannot be counted."""
    import jax

    return of_jaxpr(jax.make_jaxpr(function)(*arguments).jaxpr)


def of_jaxpr(jaxpr: Any) -> Flops:
    return sum((of_equation(equation) for equation in jaxpr.eqns), Flops())


def of_equation(equation: Any) -> Flops:
    """Operations of one primitive, with those of the programs within it."""
    name, inner = equation.primitive.name, [of_jaxpr(jaxpr) for jaxpr in within(equation.params)]
    if name == "while":
        raise ValueError("A loop whose length is known only while it runs cannot be counted: give the number of steps as a number.")
    if name == "cond":
        return max(inner, key=lambda flops: flops.total)
    if inner:
        return sum(inner, Flops()).times(equation.params.get("length", 1) if name == "scan" else 1)
    if not any(numpy.issubdtype(var.aval.dtype, numpy.inexact) for var in (*equation.invars, *equation.outvars)):
        return Flops()
    return of_primitive(name, equation)


def of_primitive(name: str, equation: Any) -> Flops:
    """Operations of a primitive on floating-point numbers."""
    taken, made = (math.prod(var.aval.shape) for var in (equation.invars[0], equation.outvars[0]))
    if name in KINDS:
        return Flops(**{KINDS[name]: float(made)})
    if name == "square":
        return Flops(multiplications=made)
    if name == "integer_pow":
        power = abs(equation.params["y"])
        by_squaring = max(0, power.bit_length() + power.bit_count() - 2)
        return Flops(multiplications=made * by_squaring, divisions=made if equation.params["y"] < 0 else 0)
    if name == "reduce_sum":
        return Flops(additions=taken - made)
    if name in ("reduce_max", "reduce_min", "argmax", "argmin"):
        return Flops(comparisons=taken - made)
    if name == "dot_general":
        ((summed, _), _) = equation.params["dimension_numbers"]
        products = made * math.prod(equation.invars[0].aval.shape[axis] for axis in summed)
        return Flops(additions=products - made, multiplications=products)
    if name == "scatter-add":
        return Flops(additions=math.prod(equation.invars[2].aval.shape))
    if name == "fft":
        kind, length = equation.params["fft_type"].name, math.prod(equation.params["fft_lengths"])
        numbers = made if "IRFFT" in kind else taken
        return Flops(transforms=(2.5 if "RFFT" in kind else 5.0) * numbers * math.log2(length))
    if name in FREE:
        return Flops()
    raise ValueError(f"The primitive '{name}' of JAX has no place among those that are counted: give it one in {__name__}.")


def within(params: dict[str, Any]) -> Iterator[Any]:
    """The programs that a primitive runs."""
    for value in params.values():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            part = getattr(part, "jaxpr", part)
            if hasattr(part, "eqns"):
                yield part


def of_case(case: str, cells: tuple[int, int, int], precision: str = "float64") -> Flops:
    """Operations of a cell in one step of a case, in the form that XLA is given; float64 switches the whole process to it."""
    from dycore import Model, cases
    from dycore.backends import on_jax
    from dycore.benchmarks.programs import use_double_precision

    if precision == "float64":
        use_double_precision()
    grid, parameters, state = getattr(cases, case)(cells=cells, precision=precision)
    model = Model(grid, parameters, on_jax.create(native=False))
    return of_function(model.pure_step, model.asarrays(state)).times(1.0 / math.prod(cells))
