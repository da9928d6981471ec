"""Convective adjustment: strong mixing where the stratification is unstable."""

from __future__ import annotations

from typing import NamedTuple

from dycore.stencils import stencil, where


class Convective(NamedTuple):
    """Background values (m2/s), and the diffusivity where the stratification is unstable."""

    viscosity: float = 1.0e-4  # m2/s, background
    diffusivity: float = 1.0e-5  # m2/s, background
    unstable: float = 1.0  # m2/s, diffusivity where N2 is negative


@stencil
def convective(values, stability, shear):
    """Viscosity and diffusivity at lower-r faces (m2/s) by convective adjustment: diffusivity is large where N2 is negative."""
    unstable = values.unstable + 0.0 * stability  # of numbers alone the choice would be in double precision
    return values.viscosity, where(stability < 0.0, unstable, values.diffusivity)
