"""Strips of halos and rectangles of arrays, copied in loops within programs: Numba takes two seconds to compile a slice.

Indices are said to be inside: where one may be negative, and then counts from the end, LLVM makes no vectors of a loop.
"""

import numba

from dycore.backends.compiled.cache import kept
from dycore.backends.compiled.views import in_precision, inside
from dycore.tiles import HALO

NUMBERS = 9  # of a strip: its sign, and its first index, how many, first index and step of its source, in j and in i
OPTIONS = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": True}


@numba.njit(**OPTIONS)
def copy_strip(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[:, j0 + a, i0 + b] = sign * array[:, from_j + a * step_j, from_i + b * step_i]; a sign of 0 gives 0."""
    factor = in_precision(sign, array)
    for a in range(nj):
        to, source = inside(j0 + a, 0), inside(from_j + a * step_j, 0)
        for level in range(array.rows):
            k = inside(level, 0)
            if sign == 0:  # whatever stands there, which may be no number
                for b in range(ni):
                    array[k, to, inside(i0 + b, 0)] = factor
            elif ni == HALO and step_i == 1:  # the compiler unrolls what it knows
                for b in range(HALO):
                    array[k, to, inside(i0 + b, 0)] = factor * array[k, source, inside(from_i + b, 0)]
            else:
                for b in range(ni):
                    array[k, to, inside(i0 + b, 0)] = factor * array[k, source, inside(from_i + b * step_i, 0)]


def fill_strips(array, numbers, at, count):
    """Fill so many strips of an array, a `View` of planes, one after the other; their numbers begin at `at`."""
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        copy_strip(array, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])


def fill_rows(array, numbers, at, count, south, north):
    """Fill strips of rows south .. north - 1 beside their own cells, whatever the numbers say of j."""
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        copy_strip(array, n[0], south, north - south, south, 1, n[5], n[6], n[7], n[8])


def copy_rectangle(target, source, numbers, at, _count):
    """Copy a rectangle of a 2-D array. Its numbers: first indices in the target and in the source, how many in j and i."""
    to_j, to_i, from_j, from_i = numbers[at], numbers[at + 1], numbers[at + 2], numbers[at + 3]
    nj, ni = numbers[at + 4], numbers[at + 5]
    for a in range(nj):
        for b in range(ni):
            target[inside(to_j + a, 0), inside(to_i + b, 0)] = source[inside(from_j + a, 0), inside(from_i + b, 0)]


@numba.njit(**OPTIONS)
def add_strip(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[:, from_j + a * step_j, from_i + b * step_i] += sign * array[:, j0 + a, i0 + b], which is zero then."""
    factor, zero = in_precision(sign, array), in_precision(0, array)
    for a in range(nj):
        filled, source = inside(j0 + a, 0), inside(from_j + a * step_j, 0)
        for level in range(array.rows):
            k = inside(level, 0)
            for b in range(ni):
                if sign != 0:
                    array[k, source, inside(from_i + b * step_i, 0)] += factor * array[k, filled, inside(i0 + b, 0)]
                array[k, filled, inside(i0 + b, 0)] = zero


def add_strips(array, numbers, at, count):
    """The adjoint of `fill_strips`, of strips in the opposite order."""
    for first in range(at, at + NUMBERS * count, NUMBERS):
        n = numbers[first: first + NUMBERS]
        add_strip(array, n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8])


def keep_round(kept, array, number):
    """kept[:, number] = array"""
    for j in range(array.shape[0]):
        for i in range(array.shape[1]):
            kept[j, inside(number, 0), i] = array[j, i]


def load_round(kept, array, number):
    """array = kept[:, number]"""
    for j in range(array.shape[0]):
        for i in range(array.shape[1]):
            array[j, i] = kept[j, inside(number, 0), i]


fill_strips = kept(fill_strips, **OPTIONS)
fill_rows = kept(fill_rows, **OPTIONS)
copy_rectangle = kept(copy_rectangle, **OPTIONS)
add_strips = kept(add_strips, **OPTIONS)
keep_round = kept(keep_round, **OPTIONS)
load_round = kept(load_round, **OPTIONS)
