"""Vertical mixing that is the same everywhere, at all times."""

from __future__ import annotations

from typing import NamedTuple

from dycore.stencils import stencil


class Uniform(NamedTuple):
    """Constant viscosity and diffusivity across the levels (m2/s)."""

    viscosity: float  # m2/s
    diffusivity: float  # m2/s


@stencil
def uniform(values, stability, shear):
    """Viscosity and diffusivity at lower-r faces (m2/s) as given by `Uniform`."""
    return values.viscosity, values.diffusivity
