"""Arrays as generated source reads them: indices that LLVM knows to be small, and masks for what is kept in part."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.core.typing import signature as signature_of
from numba.extending import intrinsic, make_attribute_wrapper, models, overload, register_model
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


make_attribute_wrapper(View, "rows", "rows")
make_attribute_wrapper(View, "columns", "columns")


def table_row(context, builder, memory, given, length):
    """Address and so many numbers of the shape of an array, from a row of the table `memory`: given are the table and the row."""
    table = context.make_array(memory)(context, builder, given[0])
    first = builder.mul(given[1], builder.extract_value(table.shape, 1))
    return [builder.load(builder.gep(table.data, [builder.add(first, ir.Constant(first.type, number))]))
            for number in range(1 + length)]


@intrinsic
def array_at(typing_context, memory, place, kind):
    """The array of a kind, such as numba.float64[:, :, ::1], that a row of `memory` tells of: address and shape.

    To pass arrays so costs a call nothing.
    """
    made_kind = kind.instance_type

    def generate(context, builder, signature, arguments):
        address, *shape = table_row(context, builder, memory, arguments, made_kind.ndim)
        size = context.get_abi_sizeof(context.get_data_type(made_kind.dtype))
        strides = [ir.Constant(address.type, size)]
        for length in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], length))
        made = context.make_array(made_kind)(context, builder)
        populate_array(made, data=builder.inttoptr(address, context.get_data_type(made_kind.dtype).as_pointer()), shape=shape,
                       strides=strides, itemsize=ir.Constant(address.type, size), meminfo=None)
        return made._getvalue()

    return made_kind(memory, types.intp, kind), generate


@intrinsic
def view_at(typing_context, memory, place, kind, copy):
    """A `View` without masks of the array of a kind that a row of `memory` tells of; of the arrays, where it has several.

    copy: None, or which of several arrays, of which the row tells how many they are before their shape.
    """
    made_kind = View(kind.instance_type, -1, -1)
    several = 0 if isinstance(copy, types.NoneType) else 1

    def generate(context, builder, signature, arguments):
        address, *shape = table_row(context, builder, memory, arguments, several + made_kind.array.ndim)
        if several:
            size = ir.Constant(address.type, context.get_abi_sizeof(context.get_data_type(made_kind.array.dtype)))
            for length in (*shape[1:], arguments[3]):
                size = builder.mul(size, length)
            address = builder.add(address, size)
        made = cgutils.create_struct_proxy(made_kind)(context, builder)
        made.data = builder.inttoptr(address, context.get_data_type(made_kind.array.dtype).as_pointer())
        made.rows, made.columns = shape[-2:]
        return made._getvalue()

    return made_kind(memory, types.intp, kind, types.intp if several else copy), generate


@intrinsic(prefer_literal=True)
def view(typing_context, shown, row_mask, column_mask):
    """A `View` of the same array with other masks, which are literals."""
    kind = View(shown.array, row_mask.literal_value, column_mask.literal_value)
    return kind(shown, row_mask, column_mask), lambda context, builder, signature, arguments: arguments[0]


@intrinsic
def planes(typing_context, shown):
    """A `View` of an array [j, k, i] as it is, of one [j, i] as if it had a level."""
    kind = View(types.Array(shown.array.dtype, 3, "C"), -1, -1)

    def generate(context, builder, signature, arguments):
        made = cgutils.create_struct_proxy(kind)(context, builder, value=arguments[0])
        if shown.array.ndim == 2:
            made.rows = ir.Constant(made.rows.type, 1)
        return made._getvalue()

    return kind(shown), generate


@intrinsic
def in_precision(typing_context, number, shown):
    """A number in the precision of what a `View` shows."""
    dtype = shown.array.dtype
    return dtype(number, shown), lambda context, builder, signature, arguments: context.cast(builder, arguments[0], number, dtype)


def place_in(context, builder, value, given, kinds):
    """Pointer to an element of the array of a `View`, at (plane, row, column)."""
    struct = cgutils.create_struct_proxy(value)(context, builder, value=given[0])
    at = [context.cast(builder, a, t, types.intp) for a, t in zip(given[1:4], kinds[1:4], strict=True)]
    line = builder.add(builder.mul(at[0], struct.rows), at[1])
    return builder.gep(struct.data, [builder.add(builder.mul(line, struct.columns), at[2])])


@intrinsic
def element(typing_context, value, plane, row, column):
    """An element of the array of a `View`."""

    def generate(context, builder, signature, arguments):
        return builder.load(place_in(context, builder, value, arguments, signature.args))

    return value.array.dtype(value, plane, row, column), generate


@intrinsic
def put(typing_context, value, plane, row, column, number):
    """A number as the new value of an element of the array of a `View`."""

    def generate(context, builder, signature, arguments):
        stored = context.cast(builder, arguments[4], number, value.array.dtype)
        builder.store(stored, place_in(context, builder, value, arguments, signature.args))
        return context.get_dummy_value()

    return types.none(value, plane, row, column, number), generate


@overload(operator.getitem, jit_options=OPTIONS)
def read_view(value, index):
    if not isinstance(value, View):
        return None
    row_mask, column_mask = value.masks
    if value.array.ndim == 2:
        return lambda value, index: element(value, 0, index[0] & row_mask, index[1] & column_mask)
    return lambda value, index: element(value, index[1] & row_mask, index[0], index[2] & column_mask)


@overload(operator.setitem, jit_options=OPTIONS)
def write_view(value, index, number):
    if not isinstance(value, View):
        return None
    if value.array.ndim == 2:
        return lambda value, index, number: put(value, 0, index[0], index[1], number)
    return lambda value, index, number: put(value, index[1], index[0], index[2], number)
