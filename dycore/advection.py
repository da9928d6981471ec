"""Advection of tracers in flux form.

    (h c)' = h c - dt [ div(h u c_face) + W c_face |_{k+1} - W c_face |_k ]

A constant tracer stays constant: mass and tracer move with the same fluxes. Face values: `centred`,
`upwind3` (third order) and `weno5` (fifth order, WENO-Z: Borges et al. 2008, J. Comput. Phys. 227,
3191). Each is a function of the velocity and of the six values about a face, three on either side; a
user's own works alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dycore.stencils import stencil, where


class Source(NamedTuple):
    """What the fluxes of one tracer are made of."""

    flow: Any  # dycore.continuity.Flow
    face: Callable
    vertical_face: Callable
    line_x: Callable
    line_y: Callable
    diffusion_x: Callable
    diffusion_y: Callable
    diffusivity: float  # m2/s, or minus m4/s where `diffused` is a Laplacian
    diffused: Any  # [k, j, i]
    ahead: Any  # tracer half a step ahead [k, j, i]
    supply: Callable
    rate: Any  # dycore.forcing.Rate, or None
    column: Any
    now: Any  # dycore.forcing.Now


@stencil
def no_supply(k, j, i, grid, source):
    """Nothing is added."""
    return 0.0


@stencil
def supply(k, j, i, grid, source):
    """What a forcing adds, per reference thickness (unit of the tracer per s)."""
    return source.column.stretching[j, i] * source.rate.of(k, j, i, grid, source.column, source.rate.values, source.now)


@stencil
def centred(velocity, c3, c2, c1, d1, d2, d3):
    """Second-order face value: the mean of both sides."""
    return 0.5 * (c1 + d1)


@stencil
def upwind3(velocity, c3, c2, c1, d1, d2, d3):
    """Third-order upwind-biased face value."""
    mean, bend_c, bend_d = 0.5 * (c1 + d1), d1 - c1 - (c1 - c2), d2 - d1 - (d1 - c1)
    return mean - where(velocity > 0.0, bend_c, bend_d) * (1.0 / 6.0)


@stencil
def weno5(velocity, c3, c2, c1, d1, d2, d3):
    """Fifth-order weighted essentially non-oscillatory face value (WENO-Z)."""
    against = velocity > 0.0
    a, b, c = where(against, c3, d3), where(against, c2, d2), where(against, c1, d1)
    d, e = where(against, d1, c1), where(against, d2, c2)
    a, b, d, e = a - c, b - c, d - c, e - c  # about the upwind value: single precision stays accurate
    beta0 = 13.0 / 12.0 * (d + d - e) ** 2 + 0.25 * (4.0 * d - e) ** 2
    beta1 = 13.0 / 12.0 * (b + d) ** 2 + 0.25 * (b - d) ** 2
    beta2 = 13.0 / 12.0 * (a - 2.0 * b) ** 2 + 0.25 * (a - 4.0 * b) ** 2
    tau = abs(beta0 - beta2)
    total = beta0 + beta1 + beta2
    small = 1.0e-6 * total + 1.0e-30
    # a power of two changes no bit, and keeps the squares that a derivative divides by within single precision
    scale = where(total < 2.0**-40, 2.0**80, 1.0 + 0.0 * total)
    tau = scale * tau
    weight0 = 0.3 * (1.0 + (tau / (scale * (beta0 + small))) ** 2)
    weight1 = 0.6 * (1.0 + (tau / (scale * (beta1 + small))) ** 2)
    weight2 = 0.1 * (1.0 + (tau / (scale * (beta2 + small))) ** 2)
    value = (weight0 * (5.0 * d - e) + weight1 * (2.0 * d - b) + weight2 * (2.0 * a - 7.0 * b))
    return c + value / (6.0 * (weight0 + weight1 + weight2))


@stencil
def extrapolated(k, j, i, weights, tracer):
    """Third-order Adams-Bashforth value half a step ahead; `tracer` is (now, one, two steps ago)."""
    return weights[0] * tracer[0][k, j, i] + weights[1] * tracer[1][k, j, i] + weights[2] * tracer[2][k, j, i]


@stencil
def line_x(k, j, i, grid, tracer):
    """The six values about a west face."""
    return (tracer[k, j, i - 3], tracer[k, j, i - 2],
            tracer[k, j, i - 1], tracer[k, j, i],
            tracer[k, j, i + 1], tracer[k, j, i + 2])


@stencil
def line_y(k, j, i, grid, tracer):
    """The six values about a south face."""
    return (tracer[k, j - 3, i], tracer[k, j - 2, i],
            tracer[k, j - 1, i], tracer[k, j, i],
            tracer[k, j + 1, i], tracer[k, j + 2, i])


@stencil
def coastal_x(k, j, i, grid, tracer):
    """The six values about a west face; behind a closed face stands the last value before it."""
    c3, c2, c1, d1, d2, d3 = line_x(k, j, i, grid, tracer)
    c2 = where(k >= grid.floor_u[j, i - 1], c2, c1)
    c3 = where((k >= grid.floor_u[j, i - 1]) & (k >= grid.floor_u[j, i - 2]), c3, c2)
    d2 = where(k >= grid.floor_u[j, i + 1], d2, d1)
    d3 = where((k >= grid.floor_u[j, i + 1]) & (k >= grid.floor_u[j, i + 2]), d3, d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def coastal_y(k, j, i, grid, tracer):
    """The six values about a south face; behind a closed face stands the last value before it."""
    c3, c2, c1, d1, d2, d3 = line_y(k, j, i, grid, tracer)
    c2 = where(k >= grid.floor_v[j - 1, i], c2, c1)
    c3 = where((k >= grid.floor_v[j - 1, i]) & (k >= grid.floor_v[j - 2, i]), c3, c2)
    d2 = where(k >= grid.floor_v[j + 1, i], d2, d1)
    d3 = where((k >= grid.floor_v[j + 1, i]) & (k >= grid.floor_v[j + 2, i]), d3, d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def line_z(k, j, i, grid, tracer):
    """The six values about a lower-r face, the outermost ones unused; none from below the floor or above the top."""
    c1, d1 = tracer[k - 1, j, i], tracer[k, j, i]
    c2 = where(k - 2 >= grid.floor[j, i], tracer[k - 2, j, i], c1)
    d2 = where(k + 1 < grid.top, tracer[k + 1, j, i], d1)
    return c2, c2, c1, d1, d2, d2


@stencil
def flux_x(k, j, i, grid, source):
    """Tracer through a west face, per reference thickness (m2/s times the unit of the tracer)."""
    transport = source.flow.transport_u[k, j, i]
    c3, c2, c1, d1, d2, d3 = source.line_x(k, j, i, grid, source.ahead)
    return transport * source.face(transport, c3, c2, c1, d1, d2, d3) + source.diffusion_x(k, j, i, grid, source)


@stencil
def flux_y(k, j, i, grid, source):
    """Tracer through a south face, per reference thickness (m2/s times the unit of the tracer)."""
    transport = source.flow.transport_v[k, j, i]
    c3, c2, c1, d1, d2, d3 = source.line_y(k, j, i, grid, source.ahead)
    return transport * source.face(transport, c3, c2, c1, d1, d2, d3) + source.diffusion_y(k, j, i, grid, source)


@stencil
def flux_z(k, j, i, grid, source, w):
    """Tracer through a lower-r face (unit of r per s times the unit of the tracer)."""
    velocity = w[k, j, i]
    c3, c2, c1, d1, d2, d3 = line_z(k, j, i, grid, source.ahead)
    return velocity * source.vertical_face(velocity, c3, c2, c1, d1, d2, d3)


@stencil
def fluxes(k, j, i, grid, source):
    """Through the west and the south face."""
    return flux_x(k, j, i, grid, source), flux_y(k, j, i, grid, source)


@stencil
def tracer_divergence(k, j, i, grid, flux):
    """div(h u c) / dr_k (unit of the tracer per s) from the `fluxes`."""
    return grid.inverse_area[j, i] * (flux[0][k, j, i + 1] - flux[0][k, j, i] + (flux[1][k, j + 1, i] - flux[1][k, j, i]))


@stencil
def tracer_step(k, j, i, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer):
    """The tracer one step later; `horizontal(k, j, i, grid, values)` is its horizontal divergence."""
    rise = grid.inverse_dr[k] * (flux_z(k + 1, j, i, grid, source, w) - flux_z(k, j, i, grid, source, w))
    outflow = grid.part(k, j, i, grid.floor, grid.inverse_fraction, horizontal(k, j, i, grid, values) + rise)
    content = stretching[j, i] * tracer[k, j, i] - time_step * (outflow - source.supply(k, j, i, grid, source))
    return where(k >= grid.floor[j, i], content * inverse_new[j, i], tracer[k, j, i])
