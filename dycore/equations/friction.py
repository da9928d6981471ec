"""Friction along the levels, harmonic or biharmonic.

    friction = [grad(nu a div u) - curl(nu a zeta)] / a

a is the fraction of its level that a partial cell takes, 1 elsewhere: friction with it removes energy
whatever the bottom. Biharmonic friction takes what the flow has of divergence and vorticity to be spread along the level,

    friction   = -[grad(r a D(r a div u)) - curl(r a D(r a zeta))] / a,     D(s) = d/dx (c2 / a ds/dx) + d/dy (1 / a ds/dy),

with r = sqrt(nu) on either side, so that it only ever removes energy: r2 c2 (d div/dx)2 + r2 (d div/dy)2 and the like of
zeta. On a plane c2 = 1, and this is minus the harmonic operator applied twice. On the sphere c is the cosine of
latitude: cells that are narrower by c need that much less of it along a row, and no less along a meridian, where cells are
as long as anywhere. (With nu falling in both directions, as the harmonic one does, nothing holds the noise of
two rows near a pole, and the climate of Held and Suarez blew up at a third of its dissipation.) The spreading acts on
div u and zeta, which an even flow over a pole has none of, and a rotating one has a smooth zeta: neither is held up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.equations.operators import slip_vorticity, velocity_divergence
from dycore.grid import Grid
from dycore.inputs.given import as_array
from dycore.state import padded
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Vector, bound
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Place


class Viscosity(NamedTuple):
    """nu at cell centres (acts on divergence) and corners (acts on vorticity), [j, i] or [k, j, i] (m2/s, or its root).

    The others belong to biharmonic friction alone.
    """

    centre: Any
    corner: Any
    narrow_centre: Any = None  # c2 on rows of centres and of corners [j, i]
    narrow_corner: Any = None
    eastward: Any = None  # distance across a south face [j, i] (m), negative beyond a pole: the halo there counts i the other way


def cosines(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The cosine of latitude on rows of centres and of corners [j, i], zero on pole corners; 1 on a plane.

    On a tripolar grid the length of cells along rows over that at the equator, which south of the join is the same.
    """
    shape = grid.tile.region.padded[1:]
    if not grid.spherical:
        return np.ones(shape), np.ones(shape)
    if grid.tile.y is Boundary.FOLD:
        metrics, first = grid.metrics, grid.tile.region.columns.ranges[0][0]
        equator = float(metrics.dx_u[first, first]) / np.cos(np.radians(grid.y[0]))
        centre, corner = 0.5 * (metrics.dx_u + np.roll(metrics.dx_u, -1, 1)), 0.5 * (metrics.dx_v + np.roll(metrics.dx_v, 1, 1))
        return centre / equator, corner / equator
    step = np.radians(grid.y_face[1] - grid.y_face[0])
    corner = np.radians(grid.y_face[0]) + (np.arange(shape[0]) - HALO) * step
    centre, corner = (np.broadcast_to(np.abs(np.cos(phi))[:, None], shape) for phi in (corner + 0.5 * step, corner))
    return centre, corner


def with_spacing(cosine: np.ndarray) -> np.ndarray:
    """The share of a viscosity at some cosine of latitude [j, i] that falls with the spacing of meridians: the cosine."""
    return cosine


def constant(cosine: np.ndarray) -> np.ndarray:
    """The share of a viscosity that is the same everywhere: 1."""
    return np.ones_like(cosine)


def root(coefficient: Any) -> Any:
    """The square root of a coefficient; at zero its slope, which is infinite, counts as zero."""
    return (coefficient != 0.0) * (coefficient + (coefficient == 0.0)) ** 0.5


def share_of(friction: Any, cosine: np.ndarray) -> np.ndarray:
    """The share of a viscosity at cosines of latitude [j, i]. Raises ValueError where a user's function gives no such numbers."""
    share = as_array("The result of friction.share", friction.share(cosine), cosine.dtype)
    if share.shape not in ((), cosine.shape) or not (np.isfinite(share) & (share >= 0.0)).all():
        raise ValueError(f"friction.share(cosine) must return numbers of shape {cosine.shape}, or one, that are not negative.")
    return np.broadcast_to(share, cosine.shape).copy()


def with_halo(grid: Grid, coefficient: Any) -> Any:
    """A coefficient as it is where it is a number, else padded: [k, 1, 1], [j, i] or [k, j, i]."""
    if np.ndim(coefficient) == 0:
        return coefficient
    if coefficient.ndim == 1:
        return np.pad(coefficient, HALO_LEVELS)[:, None, None]
    return padded(grid, Place.CENTER, coefficient)


def at_corners(centres: Any) -> Any:
    """A padded coefficient at corners, the mean of the four cells about each, from that at centres; one of no cells as it is."""
    if np.ndim(centres) < 2 or centres.shape[-2:] == (1, 1):
        return centres
    roll = centres.__array_namespace__().roll
    both = centres + roll(centres, 1, axis=-1)
    return 0.25 * (both + roll(both, 1, axis=-2))


def viscosities(grid: Grid, friction: Any, with_halo: Callable[[Grid, Any], Any] = with_halo) -> Viscosity:
    """Coefficients of a dycore.parameters.Mixing: harmonic ones times their share at a latitude, or roots of biharmonic ones."""
    centre, corner = (share_of(friction, cosine) for cosine in cosines(grid))
    narrow, eastward = (centre**2, corner**2), grid.metrics.dy_v.copy()
    coefficients = with_halo(grid, friction.divergence), at_corners(with_halo(grid, friction.vorticity))
    if friction.biharmonic:
        coefficients = root(coefficients[0]), root(coefficients[1])
        centre, corner = np.ones_like(centre), np.ones_like(corner)
    if grid.tile.y is Boundary.POLE:
        # about a pole a row and the one over there make the circulation of two triangles, over the area of one
        corner[[HALO, HALO + grid.cells[1]]] *= 0.5
        eastward[:HALO], eastward[HALO + grid.cells[1] + 1:] = -eastward[:HALO], -eastward[HALO + grid.cells[1] + 1:]
    values = coefficients[0] * centre, coefficients[1] * corner, *narrow, eastward
    return Viscosity(*(field.astype(grid.dtype) for field in values))


class Strain(NamedTuple):
    """Vorticity and divergence that friction acts on [k, j, i]: of velocity (1/s), or of what has been spread once."""

    vorticity: Any  # at corners
    divergence: Any  # at centres


class Stress(NamedTuple):
    """A viscosity times the open fraction of a cell times a `Strain` [k, j, i] (m2/s2, or its root of nu alone)."""

    vorticity: Any  # at corners
    divergence: Any  # at centres


@stencil
def no_slip_vorticity(k, j, i, grid, dy_v, u, v):
    """Vorticity at corners (1/s), as `slip_vorticity`, of a flow that stops at coasts, half a cell away: there twice as much."""
    north = where(k >= grid.floor_u[j, i], grid.dx_u[j, i] * u[k, j, i], 0.0)
    south = where(k >= grid.floor_u[j - 1, i], grid.dx_u[j - 1, i] * u[k, j - 1, i], 0.0)
    east = where(k >= grid.floor_v[j, i], dy_v[j, i] * v[k, j, i], 0.0)
    west = where(k >= grid.floor_v[j, i - 1], dy_v[j, i - 1] * v[k, j, i - 1], 0.0)
    vorticity = (east - west - north + south) * grid.inverse_area_z[j, i]
    return where(k >= grid.floor_z[j, i], vorticity, 2.0 * vorticity)


@stencil
def divergence_stress(k, j, i, grid, centre, divergence):
    """nu a div u at centres (m2/s2), from the viscosity there."""
    return grid.open_fraction_of(k, j, i, grid.floor, grid.fraction, coefficient_at(k, j, i, centre) * divergence[k, j, i])


@stencil
def vorticity_stress(k, j, i, grid, corner, vorticity):
    """nu a zeta at corners (m2/s2), from the viscosity there."""
    return grid.open_fraction_of(k, j, i, grid.floor_z, grid.fraction_z, coefficient_at(k, j, i, corner) * vorticity[k, j, i])


def stress(grid: Any, viscosity: Viscosity, strain: Strain) -> Stress:
    """The stress of a strain, as terms."""
    return Stress(bound(vorticity_stress, grid, viscosity.corner, strain.vorticity),
                  bound(divergence_stress, grid, viscosity.centre, strain.divergence))


@stencil
def stresses(k, j, i, stress):
    """The values of a `Stress` of terms (m2/s2, or its root of nu alone), at corners and centres."""
    return stress.vorticity[k, j, i], stress.divergence[k, j, i]


@stencil
def harmonic_u(k, j, i, grid, stress):
    """[grad(nu a div u) - curl(nu a zeta)] / a at west faces (m/s2)."""
    stretch = stress.divergence[k, j, i] - stress.divergence[k, j, i - 1]
    shear = stress.vorticity[k, j + 1, i] - stress.vorticity[k, j, i]
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u,
                                 stretch * grid.inverse_dx_u[j, i] - shear * grid.inverse_dy_u[j, i])


@stencil
def harmonic_v(k, j, i, grid, stress):
    """[grad(nu a div u) - curl(nu a zeta)] / a at south faces (m/s2)."""
    stretch = stress.divergence[k, j, i] - stress.divergence[k, j - 1, i]
    shear = stress.vorticity[k, j, i + 1] - stress.vorticity[k, j, i]
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v,
                                 stretch * grid.inverse_dy_v[j, i] + shear * grid.inverse_dx_v[j, i])


@stencil
def divergence_flux_u(k, j, i, grid, viscosity, stress):
    """Flux that spreads divergence through a west face: c2 dy / dx times the step of r a div u, over a (m/s2 times root of nu)."""
    step = stress.divergence[k, j, i] - stress.divergence[k, j, i - 1]
    flux = viscosity.narrow_centre[j, i] * (grid.dy_u[j, i] * grid.inverse_dx_u[j, i]) * step
    return where(k >= grid.floor_u[j, i], grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u, flux), 0.0)


@stencil
def divergence_flux_v(k, j, i, grid, stress):
    """Flux that spreads divergence through a south face, in units of `divergence_flux_u`."""
    step = stress.divergence[k, j, i] - stress.divergence[k, j - 1, i]
    flux = grid.dx_v[j, i] * grid.inverse_dy_v[j, i] * step
    return where(k >= grid.floor_v[j, i], grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v, flux), 0.0)


@stencil
def vorticity_flux_u(k, j, i, grid, stress):
    """Flux that spreads vorticity northward along a west face, between the corners at its ends (m/s2 times root of nu)."""
    step = stress.vorticity[k, j + 1, i] - stress.vorticity[k, j, i]
    flux = grid.dx_u[j, i] * grid.inverse_dy_u[j, i] * step
    return where(k >= grid.floor_u[j, i], grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u, flux), 0.0)


@stencil
def vorticity_flux_v(k, j, i, grid, viscosity, stress):
    """Flux that spreads vorticity eastward along a south face (m/s2 times root of nu)."""
    step = stress.vorticity[k, j, i + 1] - stress.vorticity[k, j, i]
    flux = viscosity.narrow_corner[j, i] * (grid.dy_v[j, i] * grid.inverse_dx_v[j, i]) * step
    return where(k >= grid.floor_v[j, i], grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v, flux), 0.0)


@stencil
def no_slip_spread(k, j, i, grid, viscosity, stress):
    """D(r a zeta) about a corner (1/(m2 s) times root of nu) of a flow that stops at coasts: half the area there is water."""
    along = vorticity_flux_v(k, j, i, grid, viscosity, stress) - vorticity_flux_v(k, j, i - 1, grid, viscosity, stress)
    across = vorticity_flux_u(k, j, i, grid, stress) - vorticity_flux_u(k, j - 1, i, grid, stress)
    spread = grid.inverse_area_z[j, i] * (along + across)
    return where(k >= grid.floor_z[j, i], spread, 2.0 * spread)


@stencil
def slip_spread(k, j, i, grid, viscosity, stress):
    """D(r a zeta) about a corner (1/(m2 s) times root of nu) of a flow that slips along coasts, where it is not spread."""
    return where(k >= grid.floor_z[j, i], no_slip_spread(k, j, i, grid, viscosity, stress), 0.0)


@stencil
def spread_divergence(k, j, i, grid, viscosity, stress):
    """D(r a div u) at the centre of a cell (1/(m2 s) times root of nu)."""
    along = divergence_flux_u(k, j, i + 1, grid, viscosity, stress) - divergence_flux_u(k, j, i, grid, viscosity, stress)
    across = divergence_flux_v(k, j + 1, i, grid, stress) - divergence_flux_v(k, j, i, grid, stress)
    return grid.inverse_area[j, i] * (along + across)


def force(on: Any, equations: Any, vorticity: Any, at: Any) -> Vector:
    """Friction of a velocity along the levels (m/s2); zero without a dycore.parameters.Mixing."""
    grid, friction, viscosity = equations.grid, equations.parameters.friction, equations.viscosity
    if friction is None:
        return Vector()
    of_flow = no_slip_vorticity if friction.no_slip else slip_vorticity
    if not friction.biharmonic:
        if friction.no_slip:
            vorticity = on(of_flow, grid, grid.dy_v, at.u, at.v)
        return harmonic(grid, stress(grid, viscosity, Strain(vorticity, on(velocity_divergence, grid, at.u, at.v))))
    strain = Strain(bound(of_flow, grid, viscosity.eastward, at.u, at.v), bound(velocity_divergence, grid, at.u, at.v))
    first = Stress(*on(stresses, stress(grid, viscosity, strain)))
    second = stress(grid, viscosity, spread(grid, viscosity, first, friction.no_slip))
    return -harmonic(grid, Stress(*on(stresses, second)))


def spread(grid: Any, viscosity: Viscosity, stress: Stress, no_slip: bool) -> Strain:
    """The strain of the second pass of biharmonic friction, D of a stress, as terms (1/(m2 s) times root of nu)."""
    return Strain(bound(no_slip_spread if no_slip else slip_spread, grid, viscosity, stress),
                  bound(spread_divergence, grid, viscosity, stress))


def harmonic(grid: Any, stress: Stress) -> Vector:
    """[grad(nu a div u) - curl(nu a zeta)] / a on faces (m/s2)."""
    return Vector(bound(harmonic_u, grid, stress), bound(harmonic_v, grid, stress))
