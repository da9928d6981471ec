"""Strips of halos, as compiled programs fill them."""

from dycore.backends.cache import kept
from dycore.tiles import HALO


def fill_strips(array, sign, j0, nj, from_j, step_j, i0, ni, from_i, step_i):
    """array[j0 + a, :, i0 + b] = sign * array[from_j + a * step_j, :, from_i + b * step_i]; a sign of 0 gives 0."""
    factor = array.dtype.type(sign)
    if sign == 0.0:  # whatever stands there, which may be no number
        array[j0: j0 + nj, :, i0: i0 + ni] = factor
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


def fill_strip(array, sign, *numbers):
    """The same for a 2-D array."""
    fill_strips(array.reshape((array.shape[0], 1, array.shape[1])), sign, *numbers)


fill_strips = kept(fill_strips, error_model="numpy")
fill_strip = kept(fill_strip, error_model="numpy")
