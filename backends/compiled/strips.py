"""Strips of halos and rectangles of arrays, copied in loops within programs: Numba takes two seconds to compile a slice."""

import numba

from dycore.backends.compiled.cache import kept
from dycore.tiles import HALO

NUMBERS = 9  # of a strip: its sign, and its first index, how many, first index and step of its source, in j and in i
OPTIONS = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True}


@numba.njit(**OPTIONS)
def copy_strip(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[j0 + a, :, i0 + b] = sign * array[from_j + a * step_j, :, from_i + b * step_i]; a sign of 0 gives 0."""
    factor = array.dtype.type(sign)
    if sign == 0:  # whatever stands there, which may be no number
        for a in range(nj):
            for k in range(array.shape[1]):
                for b in range(ni):
                    array[j0 + a, k, i0 + b] = factor
        return
    if ni == HALO and step_i == 1:  # the compiler unrolls what it knows
        for a in range(nj):
            for k in range(array.shape[1]):
                for b in range(HALO):
                    array[j0 + a, k, i0 + b] = factor * array[from_j + a * step_j, k, from_i + b]
        return
    for a in range(nj):
        for k in range(array.shape[1]):
            for b in range(ni):
                array[j0 + a, k, i0 + b] = factor * array[from_j + a * step_j, k, from_i + b * step_i]


def fill_strips(array, numbers, at, count):
    """Fill so many strips of an array, one after the other; their numbers begin at `at`. What has no levels has one."""
    deep = array[:, None] if array.ndim == 2 else array
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        copy_strip(deep, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])


def fill_rows(array, numbers, at, count, south, north):
    """Fill strips of rows south .. north - 1 beside their own cells, whatever the numbers say of j."""
    deep = array[:, None] if array.ndim == 2 else array
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        copy_strip(deep, n[0], south, north - south, south, 1, n[5], n[6], n[7], n[8])


def copy_rectangle(target, source, numbers, at, _count):
    """Copy a rectangle of a 2-D array. Its numbers: first indices in the target and in the source, how many in j and i."""
    n = numbers[at: at + 6]
    for a in range(n[4]):
        for b in range(n[5]):
            target[n[0] + a, n[1] + b] = source[n[2] + a, n[3] + b]


@numba.njit(**OPTIONS)
def add_strip(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[from_j + a * step_j, :, from_i + b * step_i] += sign * array[j0 + a, :, i0 + b], which is zero then."""
    factor, zero = array.dtype.type(sign), array.dtype.type(0)
    for a in range(nj):
        for k in range(array.shape[1]):
            for b in range(ni):
                if sign != 0:
                    array[from_j + a * step_j, k, from_i + b * step_i] += factor * array[j0 + a, k, i0 + b]
                array[j0 + a, k, i0 + b] = zero


def add_strips(array, numbers, at, count):
    """The adjoint of `fill_strips`, of strips in the opposite order."""
    deep = array[:, None] if array.ndim == 2 else array
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        add_strip(deep, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])


def keep_round(kept, array, number):
    """kept[:, number] = array"""
    for j in range(array.shape[0]):
        for i in range(array.shape[1]):
            kept[j, number, i] = array[j, i]


def load_round(kept, array, number):
    """array = kept[:, number]"""
    for j in range(array.shape[0]):
        for i in range(array.shape[1]):
            array[j, i] = kept[j, number, i]


fill_strips = kept(fill_strips, **OPTIONS)
fill_rows = kept(fill_rows, **OPTIONS)
copy_rectangle = kept(copy_rectangle, **OPTIONS)
add_strips = kept(add_strips, **OPTIONS)
keep_round = kept(keep_round, **OPTIONS)
load_round = kept(load_round, **OPTIONS)
