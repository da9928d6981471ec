"""Calls of kernels by their addresses, which a program is given with its other numbers.

A program that Numba links with its kernels is optimised together with them a second time, which gains nothing and takes a quarter
of the time that a first step compiles. It would also depend on their code, beside what it calls them with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dycore.backends.compiled.building import turn_to_compile


@intrinsic
def call_at(typing_context, address, given, kinds):
    """A call of the kernel at an address with a tuple of arguments of these kinds, types of Numba, for which it was compiled."""
    expected = kinds.instance_type
    if tuple(given.types) != tuple(expected.types):
        raise numba.TypingError(f"A kernel for {expected} is called with {given}.")

    def generate(context, builder, signature, arguments):
        convention = context.call_conv
        made = convention.get_function_type(types.none, expected.types)
        kernel = builder.inttoptr(arguments[0], made.as_pointer())
        places = [cgutils.alloca_once(builder, argument.pointee) for argument in made.args[:2]]  # of what it returns and raises
        values = context.get_arg_packer(expected.types).as_arguments(builder, cgutils.unpack_tuple(builder, arguments[1]))
        builder.call(kernel, [*places, *values])
        return ir.Constant(context.get_value_type(types.none), None)

    return types.none(address, given, kinds), generate


def address_of(kernel: Callable, kinds: tuple) -> int:
    """Where a kernel (dycore.backends.compiled.building.build), compiled for arguments of these kinds, stands in memory."""
    function: Any = kernel
    if kinds not in function.overloads:
        with turn_to_compile(function):
            function.compile(kinds)
    compiled = function.overloads[kinds]
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
