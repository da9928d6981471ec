"""Diffusion of tracers along neutral surfaces, by triads (Redi 1982, J. Phys. Oceanogr. 12, 1154; Griffies et al. 1998).

    F_x = -1/dx_u sum_4 V kappa t (gx + S gz)            gx, gz: the gradient of the tracer on the two faces of a triad
    F_z = -1/d_e sum_8 V kappa t S (gx + S gz)           V: the quarter of a cell that belongs to a triad of a west face

These fluxes (m3/s times the unit of the tracer; those in y alike) are minus the variation of sum V kappa t (gx + S gz)^2 / 2: no
variance of a tracer grows, whatever the slopes, and a tracer that is a linear function of the buoyancy has no flux. With
one slope for each face, the mean of those about it, noise of the grid grows. S^2 gz is implicit, with what mixes across the
levels, the rest explicit: in a step the variance and dt sum V kappa t S^2 gz^2 together do not grow, whatever the slopes, where
4 kappa dt (1/dx^2 + 1/dy^2) <= 2. The variance alone may for a while, and new extrema arise: slopes beyond dx d_e / (4 kappa dt)
are refused, where a step more than doubled it on a small noisy grid (and added at most 1.5 % within that limit).
The flux along the levels is not filtered near poles.
"""

from __future__ import annotations

from typing import Any

from dycore.equations.neutral_slopes import Neutral
from dycore.equations.operators import gradient_x, gradient_y, on_south_face, on_west_face
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Vector, bound


@stencil
def difference_below(k, j, i, grid, tracer):
    """Gradient of a tracer across the lower-r face of a cell, against the reference levels (its unit per unit of r)."""
    return (tracer[k, j, i] - tracer[k - 1, j, i]) * (2.0 / (grid.dr[k] + grid.dr[k - 1]))


@stencil
def flux_x(k, j, i, grid, width_u, triads, diffusivity, tracer):
    """Neutral flux through a west face, per reference thickness (m2/s times the unit of the tracer)."""
    cross = (triads.lower_first[k, j, i] * difference_below(k, j, i - 1, grid, tracer)
             + triads.lower_second[k, j, i] * difference_below(k, j, i, grid, tracer)
             + (triads.upper_first[k, j, i] * difference_below(k + 1, j, i - 1, grid, tracer)
                + triads.upper_second[k, j, i] * difference_below(k + 1, j, i, grid, tracer)))
    along = triads.taper[k, j, i] * gradient_x(k, j, i, grid, tracer)
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u,
                                 -0.25 * on_west_face(k, j, i, diffusivity) * width_u[j, i] * (along + cross))


@stencil
def flux_y(k, j, i, grid, width_v, triads, diffusivity, tracer):
    """Neutral flux through a south face, per reference thickness (m2/s times the unit of the tracer)."""
    cross = (triads.lower_first[k, j, i] * difference_below(k, j - 1, i, grid, tracer)
             + triads.lower_second[k, j, i] * difference_below(k, j, i, grid, tracer)
             + (triads.upper_first[k, j, i] * difference_below(k + 1, j - 1, i, grid, tracer)
                + triads.upper_second[k, j, i] * difference_below(k + 1, j, i, grid, tracer)))
    along = triads.taper[k, j, i] * gradient_y(k, j, i, grid, tracer)
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v,
                                 -0.25 * on_south_face(k, j, i, diffusivity) * width_v[j, i] * (along + cross))


@stencil
def weight_x(k, j, i, grid, width_u, diffusivity, tracer):
    """Difference of a tracer across a west face, times diffusivity, width and open fraction (m3/s times its unit)."""
    step = tracer[k, j, i] - tracer[k, j, i - 1]
    return grid.open_fraction_of(k, j, i, grid.floor_u, grid.fraction_u, on_west_face(k, j, i, diffusivity) * width_u[j, i] * step)


@stencil
def weight_y(k, j, i, grid, width_v, diffusivity, tracer):
    """Difference of a tracer across a south face, times diffusivity, width and open fraction (m3/s times its unit)."""
    step = tracer[k, j, i] - tracer[k, j - 1, i]
    return grid.open_fraction_of(k, j, i, grid.floor_v, grid.fraction_v, on_south_face(k, j, i, diffusivity) * width_v[j, i] * step)


@stencil
def flux_across(k, j, i, grid, layers, slopes, diffusivity, tracer):
    """Neutral flux through a lower-r face that gradients along the levels make (unit of r per s times that of the tracer)."""
    u, v, wide_u, wide_v = slopes.u, slopes.v, layers.width_u, layers.width_v
    above = (u.lower_second[k, j, i] * weight_x(k, j, i, grid, wide_u, diffusivity, tracer)
             + u.lower_first[k, j, i + 1] * weight_x(k, j, i + 1, grid, wide_u, diffusivity, tracer)
             + (v.lower_second[k, j, i] * weight_y(k, j, i, grid, wide_v, diffusivity, tracer)
                + v.lower_first[k, j + 1, i] * weight_y(k, j + 1, i, grid, wide_v, diffusivity, tracer)))
    below = (u.upper_second[k - 1, j, i] * weight_x(k - 1, j, i, grid, wide_u, diffusivity, tracer)
             + u.upper_first[k - 1, j, i + 1] * weight_x(k - 1, j, i + 1, grid, wide_u, diffusivity, tracer)
             + (v.upper_second[k - 1, j, i] * weight_y(k - 1, j, i, grid, wide_v, diffusivity, tracer)
                + v.upper_first[k - 1, j + 1, i] * weight_y(k - 1, j + 1, i, grid, wide_v, diffusivity, tracer)))
    flux = -0.5 / (grid.dr[k] + grid.dr[k - 1]) * grid.inverse_area[j, i] * (grid.dr[k] * above + grid.dr[k - 1] * below)
    return where(k > grid.floor[j, i], flux, 0.0)


@stencil
def diffusivity_across(k, j, i, grid, layers, slopes, diffusivity, background):
    """Diffusivity across the levels (m2/s) at lower-r faces: kappa t S^2 of the triads there, and a background.

    It is the flux of b that its gradients along the levels make, over N2, so that both parts of that flux are opposite.
    """
    of_triads = flux_across(k, j, i, grid, layers, slopes, diffusivity, slopes.buoyancy) * slopes.inverse_stability[k, j, i]
    return of_triads + coefficient_at(k, j, i, background)


def flux(on: Any, equations: Any, layers: Any, slopes: Neutral, diffusivity: Any, tracer: Any) -> tuple[Vector, Any]:
    """Flux of a tracer along neutral surfaces: through west and south faces, and the explicit part of that across the levels."""
    grid = equations.grid
    along = Vector(bound(flux_x, grid, layers.width_u, slopes.u, diffusivity, tracer),
                   bound(flux_y, grid, layers.width_v, slopes.v, diffusivity, tracer))
    return along, on.whole(on(flux_across, grid, layers, slopes, diffusivity, tracer))
