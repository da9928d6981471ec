"""Arrays as generated source reads them: indices that LLVM knows to be small, and masks for what is kept in part."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing import signature as signature_of
from numba.extending import intrinsic, models, overload, register_model
from numba.np.arrayobj import populate_array

OPTIONS = {"error_model": "numpy", "forceinline": True, "nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
           "_nrt": False}  # no array is made in them: without counts of references they compile in a tenth less time


# LLVM keeps to half of what a core with AVX-512 has, for the clock of its first generation's sake. The Fortran reference is
# compiled with all of it too. (The sets of llvmlite refuse attributes that they do not know; LLVM takes any.)
WIDE_VECTORS = '"prefer-vector-width"="512"'


@intrinsic
def inside(typing_context, index, start):
    """The index, promised to LLVM to be small and not before `start`: no wrap-around, so plain vector loads, of any width."""

    def generate(context, builder, signature, arguments):
        value, first = arguments
        set.add(builder.function.attributes, WIDE_VECTORS)
        first = context.cast(builder, first, signature.args[1], signature.args[0])
        assume = builder.module.declare_intrinsic("llvm.assume", fnty=ir.FunctionType(ir.VoidType(), [ir.IntType(1)]))
        for condition in (builder.icmp_signed(">=", value, first),
                          builder.icmp_signed("<", value, ir.Constant(value.type, 2**31))):
            builder.call(assume, [condition])
        return value

    return signature_of(index, index, start), generate


@intrinsic
def array_at(typing_context, memory, place, kind):
    """The array of a kind, such as numba.float64[:, :, ::1], that a row of `memory` tells of: address and shape.

    To pass arrays so costs a call nothing.
    """
    made_kind = kind.instance_type

    def generate(context, builder, signature, arguments):
        table = context.make_array(memory)(context, builder, arguments[0])
        at = context.cast(builder, arguments[1], place, types.intp)
        first = builder.mul(at, builder.extract_value(table.shape, 1))
        address, *shape = (builder.load(builder.gep(table.data, [builder.add(first, ir.Constant(first.type, number))]))
                           for number in range(1 + made_kind.ndim))
        size = context.get_abi_sizeof(context.get_data_type(made_kind.dtype))
        strides = [ir.Constant(first.type, size)]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        made = context.make_array(made_kind)(context, builder)
        populate_array(made, data=builder.inttoptr(address, context.get_data_type(made_kind.dtype).as_pointer()), shape=shape,
                       strides=strides, itemsize=ir.Constant(first.type, size), meminfo=None)
        return made._getvalue()

    return made_kind(memory, place, kind), generate


class View(types.Type):
    """The type of an array [j, k, i] or [j, i] read as [k, j & row_mask, i & column_mask], or without k.

    A mask makes a rolling buffer of a few rows, or an array that is constant along an axis.
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
        struct = cgutils.create_struct_proxy(value)(context, builder, value=arguments[0])
        at = [context.cast(builder, a, t, types.intp) for a, t in zip(arguments[1:], signature.args[1:], strict=True)]
        line = builder.add(builder.mul(at[0], struct.rows), at[1])
        return builder.load(builder.gep(struct.data, [builder.add(builder.mul(line, struct.columns), at[2])]))

    return value.array.dtype(value, plane, row, column), generate


@overload(operator.getitem, jit_options=OPTIONS)
def read_view(value, index):
    if not isinstance(value, View):
        return None
    row_mask, column_mask = value.masks
    if value.array.ndim == 2:
        return lambda value, index: element(value, 0, index[0] & row_mask, index[1] & column_mask)
    return lambda value, index: element(value, index[1] & row_mask, index[0], index[2] & column_mask)
