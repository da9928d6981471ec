"""Friction and diffusion along the levels, harmonic or biharmonic.

    friction   = [grad(nu a div u) - curl(nu a zeta)] / a          diffusion  = div(kappa h grad c) / h

a is the fraction of its level that a partial cell takes, 1 elsewhere: friction with it removes energy
whatever the bottom.

The biharmonic operators are minus the harmonic ones applied twice, with sqrt(nu) in both passes so
that they only ever remove energy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.grid import Grid
from dycore.operators import velocity_divergence, vorticity
from dycore.stencils import stencil, where
from dycore.tiles import HALO


class Viscosity(NamedTuple):
    """nu at cell centres (acts on divergence) and corners (acts on vorticity) [j, i] (m2/s, or its root)."""

    centre: Any
    corner: Any


def with_spacing(cosine: np.ndarray) -> np.ndarray:
    """The share of a viscosity at some cosine of latitude [j, i] that falls with the spacing of meridians: the cosine."""
    return cosine


def constant(cosine: np.ndarray) -> np.ndarray:
    """The share of a viscosity that is the same everywhere: 1."""
    return np.ones_like(cosine)


def root(coefficient: Any) -> Any:
    """The square root of a coefficient; at zero its slope, which is infinite, counts as zero."""
    return (coefficient != 0.0) * (coefficient + (coefficient == 0.0)) ** 0.5


def viscosities(grid: Grid, friction: Any) -> tuple[np.ndarray, np.ndarray]:
    """The values of `Viscosity` for a dycore.parameters.Mixing: its coefficients times their share at each latitude."""
    shape = grid.tile.region.padded[1:]
    cosines = [np.ones(shape)] * 2
    if grid.spherical:
        step = np.radians(grid.y_face[1] - grid.y_face[0])
        corner = np.radians(grid.y_face[0]) + (np.arange(shape[0]) - HALO) * step
        cosines = [np.broadcast_to(np.abs(np.cos(phi))[:, None], shape) for phi in (corner + 0.5 * step, corner)]
    values = []
    for coefficient, cosine in zip((friction.divergence, friction.vorticity), cosines, strict=True):
        share = friction.share(cosine)
        # vorticity about a pole is that of two opposite triangles over the area of one
        share = np.where((cosine < 1e-12) & (share > cosine), 0.5 * share, share)
        # the root of nu4 times the square of its share, in each of the two passes
        values.append(((root(coefficient) if friction.biharmonic else coefficient) * share).astype(grid.dtype))
    return values[0], values[1]


class Rubbing(NamedTuple):
    """What harmonic friction is made of [k, j, i] (1/s)."""

    vorticity: Any  # at corners
    divergence: Any  # at centres


@stencil
def vorticity_and_divergence(k, j, i, grid, u, v):
    """The values of `Rubbing`."""
    return vorticity(k, j, i, grid, u, v), velocity_divergence(k, j, i, grid, u, v)


@stencil
def no_slip_vorticity(k, j, i, grid, u, v):
    """Vorticity about the corner [k, j, i] of a flow that stops at coasts, half a cell away: there twice its circulation (1/s)."""
    north = where(k >= grid.floor_u[j, i], grid.dx_u[j, i] * u[k, j, i], 0.0)
    south = where(k >= grid.floor_u[j - 1, i], grid.dx_u[j - 1, i] * u[k, j - 1, i], 0.0)
    east = where(k >= grid.floor_v[j, i], grid.dy_v[j, i] * v[k, j, i], 0.0)
    west = where(k >= grid.floor_v[j, i - 1], grid.dy_v[j, i - 1] * v[k, j, i - 1], 0.0)
    turning = (east - west - north + south) * grid.inverse_area_z[j, i]
    return where(k >= grid.floor_z[j, i], turning, 2.0 * turning)


@stencil
def no_slip_vorticity_and_divergence(k, j, i, grid, u, v):
    """The values of `Rubbing` for a flow that stops at coasts."""
    return no_slip_vorticity(k, j, i, grid, u, v), velocity_divergence(k, j, i, grid, u, v)


@stencil
def no_friction(k, j, i, grid, forces):
    """No friction."""
    return 0.0


@stencil
def pressing(k, j, i, grid, viscosity, rubbing):
    """nu a div u at centres (m2/s2)."""
    return grid.part(k, j, i, grid.floor, grid.fraction, viscosity.centre[j, i] * rubbing.divergence[k, j, i])


@stencil
def shearing(k, j, i, grid, viscosity, rubbing):
    """nu a zeta at corners (m2/s2)."""
    return grid.part(k, j, i, grid.floor_z, grid.fraction_z, viscosity.corner[j, i] * rubbing.vorticity[k, j, i])


@stencil
def harmonic_u(k, j, i, grid, viscosity, rubbing):
    """[grad(nu a div u) - curl(nu a zeta)] / a at west faces (m/s2)."""
    stretch = pressing(k, j, i, grid, viscosity, rubbing) - pressing(k, j, i - 1, grid, viscosity, rubbing)
    shear = shearing(k, j + 1, i, grid, viscosity, rubbing) - shearing(k, j, i, grid, viscosity, rubbing)
    return grid.part(k, j, i, grid.floor_u, grid.inverse_fraction_u,
                     stretch * grid.inverse_dx_u[j, i] - shear * grid.inverse_dy_u[j, i])


@stencil
def harmonic_v(k, j, i, grid, viscosity, rubbing):
    """[grad(nu a div u) - curl(nu a zeta)] / a at south faces (m/s2)."""
    stretch = pressing(k, j, i, grid, viscosity, rubbing) - pressing(k, j - 1, i, grid, viscosity, rubbing)
    shear = shearing(k, j, i + 1, grid, viscosity, rubbing) - shearing(k, j, i, grid, viscosity, rubbing)
    return grid.part(k, j, i, grid.floor_v, grid.inverse_fraction_v,
                     stretch * grid.inverse_dy_v[j, i] + shear * grid.inverse_dx_v[j, i])


@stencil
def harmonic(k, j, i, grid, viscosity, rubbing):
    """Both components, zero on closed faces: the first pass of biharmonic friction."""
    return (where(k >= grid.floor_u[j, i], harmonic_u(k, j, i, grid, viscosity, rubbing), 0.0),
            where(k >= grid.floor_v[j, i], harmonic_v(k, j, i, grid, viscosity, rubbing), 0.0))


@stencil
def friction_u(k, j, i, grid, forces):
    """Friction at west faces: of the velocity, or minus that of its first pass (m/s2)."""
    return forces.sign * harmonic_u(k, j, i, grid, forces.viscosity, forces.rubbing)


@stencil
def friction_v(k, j, i, grid, forces):
    """Friction at south faces (m/s2)."""
    return forces.sign * harmonic_v(k, j, i, grid, forces.viscosity, forces.rubbing)


@stencil
def no_diffusion(k, j, i, grid, source):
    """No diffusive flux."""
    return 0.0


@stencil
def diffusion_x(k, j, i, grid, source):
    """Diffusive flux through a west face per reference thickness (m2/s times the unit of the tracer)."""
    step = source.diffused[k, j, i] - source.diffused[k, j, i - 1]
    step = where(k >= grid.floor_u[j, i], step, 0.0)
    return grid.part(k, j, i, grid.floor_u, grid.fraction_u,
                     -source.diffusivity * source.flow.width_u[j, i] * grid.inverse_dx_u[j, i] * step)


@stencil
def diffusion_y(k, j, i, grid, source):
    """Diffusive flux through a south face per reference thickness (m2/s times the unit of the tracer)."""
    step = source.diffused[k, j, i] - source.diffused[k, j - 1, i]
    step = where(k >= grid.floor_v[j, i], step, 0.0)
    return grid.part(k, j, i, grid.floor_v, grid.fraction_v,
                     -source.diffusivity * source.flow.width_v[j, i] * grid.inverse_dy_v[j, i] * step)


@stencil
def open_step_x(k, j, i, grid, tracer):
    """Difference of a tracer across a west face, times the fraction that is open."""
    step = grid.part(k, j, i, grid.floor_u, grid.fraction_u, tracer[k, j, i] - tracer[k, j, i - 1])
    return where(k >= grid.floor_u[j, i], step, 0.0)


@stencil
def open_step_y(k, j, i, grid, tracer):
    """Difference of a tracer across a south face, times the fraction that is open."""
    step = grid.part(k, j, i, grid.floor_v, grid.fraction_v, tracer[k, j, i] - tracer[k, j - 1, i])
    return where(k >= grid.floor_v[j, i], step, 0.0)


@stencil
def laplacian(k, j, i, grid, tracer):
    """div grad of a tracer (its unit per m2), no flux through coasts: the first pass of biharmonic diffusion."""
    east = open_step_x(k, j, i + 1, grid, tracer)
    west = open_step_x(k, j, i, grid, tracer)
    north = open_step_y(k, j + 1, i, grid, tracer)
    south = open_step_y(k, j, i, grid, tracer)
    return grid.part(k, j, i, grid.floor, grid.inverse_fraction, grid.inverse_area[j, i]) * (
        grid.dy_u[j, i + 1] * grid.inverse_dx_u[j, i + 1] * east - grid.dy_u[j, i] * grid.inverse_dx_u[j, i] * west
        + (grid.dx_v[j + 1, i] * grid.inverse_dy_v[j + 1, i] * north - grid.dx_v[j, i] * grid.inverse_dy_v[j, i] * south))


class Forces(NamedTuple):
    """Friction: stencils (k, j, i, grid, forces), and what they are made of."""

    friction_u: Any
    friction_v: Any
    viscosity: Any
    sign: float
    rubbing: Any  # Rubbing of the velocity, or of the first pass of biharmonic friction
