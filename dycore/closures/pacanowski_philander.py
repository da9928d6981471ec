"""Mixing by shear, as Pacanowski and Philander (1981) have it: by the Richardson number."""

from __future__ import annotations

from typing import NamedTuple

from dycore.stencils import maximum, stencil, where


class PacanowskiPhilander(NamedTuple):
    """Constants of Pacanowski and Philander (1981), equations (1) and (2), in m2/s; convection as in `Convective`."""

    largest: float = 5.0e-3  # m2/s, viscosity that shear adds where the Richardson number is zero
    alpha: float = 5.0  # no unit, of the Richardson number
    viscosity: float = 1.0e-4  # m2/s, background
    diffusivity: float = 1.0e-5  # m2/s, background
    unstable: float = 1.0  # m2/s, diffusivity where N2 is negative


@stencil
def pacanowski_philander(values, stability, shear):
    """nu0 / (1 + alpha Ri)^2 + nu_b and nu / (1 + alpha Ri) + kappa_b at lower-r faces (m2/s); convective below Ri = 0.

    Pacanowski and Philander (1981, J. Phys. Oceanogr. 11, 1443), Ri = N2 / |du/dz|2.
    """
    richardson = maximum(stability, 0.0) / (shear + 1.0e-12)
    weaker = 1.0 / (1.0 + values.alpha * richardson)
    viscosity = values.largest * weaker * weaker + values.viscosity
    return viscosity, where(stability < 0.0, values.unstable, viscosity * weaker + values.diffusivity)
