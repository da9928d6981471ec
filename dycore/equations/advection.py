"""Advection of tracers in flux form.

    (h c)' = h c - dt [ div(h u c_face) + W c_face |_{k+1} - W c_face |_k ]

A constant tracer stays constant: mass and tracer move with the same fluxes. Face values: `centred`,
`upwind3` (third order), `weno3` and `weno5` (third and fifth order, weighted essentially non-oscillatory: Borges
et al. 2008, J. Comput. Phys. 227, 3191). Each is a function of the velocity and of the six values about a face,
three on either side; a user's own works alike. Across the levels only two on either side are known: `weno5` is
refused there. These are orders between cells of one size: where the thickness of levels changes smoothly they are
reconstructed as if it did not, and every face value is of second order there; next to the floor and the surface of first.

Which one? `upwind3` is the default: cheap, but it leaves the range of a tracer where that has fronts. Measured: how far beyond
the range in a lock exchange (tests/test_lock_exchange.py), and the time of a step of 1e5 cells over that with `upwind3`, under
Numba in double and single precision (samples in turn, on a machine that others used too):

    tracer_face, vertical_face    beyond the range    channel, 2 tracers, land    wave on a sphere, 1 tracer
    centred, centred              92 %
    upwind3, upwind3              27 %                1                           1
    weno5, upwind3                0.7 %               1.45, 1.5                   1.2, 1.15
    weno5, weno3                  2e-6                1.7, 1.7                    1.35, 1.2

Choose `weno5` with `weno3` where a tracer has fronts of a few cells, or has to stay in its range (a concentration). A step
that takes up to 1.7 times as long is too much to be the default of flows that have no fronts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dycore.abstract import Abstract, sources_of
from dycore.stencils import quotient, stencil, where
from dycore.terms import Vector, bound


@stencil
def centred(velocity, c3, c2, c1, d1, d2, d3):
    """Second-order face value (unit of the tracer): the mean of both sides."""
    return 0.5 * (c1 + d1)


@stencil
def upwind3(velocity, c3, c2, c1, d1, d2, d3):
    """Third-order upwind-biased face value (unit of the tracer)."""
    mean, bend_c, bend_d = 0.5 * (c1 + d1), d1 - c1 - (c1 - c2), d2 - d1 - (d1 - c1)
    return mean - where(velocity > 0.0, bend_c, bend_d) * (1.0 / 6.0)


@stencil
def weno3(velocity, c3, c2, c1, d1, d2, d3):
    """Third-order weighted essentially non-oscillatory face value (WENO-Z) of four values; second-order at extrema."""
    against = velocity > 0.0
    b, c, d = where(against, c2, d2), where(against, c1, d1), where(against, d1, c1)
    b, d = c - b, d - c  # about the upwind value: single precision stays accurate
    beta0, beta1 = d * d, b * b
    tau = abs(beta0 - beta1)
    small = 1.0e-6 * (beta0 + beta1) + 1.0e-30
    weight0 = 2.0 * (1.0 + quotient(tau, beta0 + small) ** 2)
    weight1 = 1.0 + quotient(tau, beta1 + small) ** 2
    return c + (weight0 * d + weight1 * b) / (2.0 * (weight0 + weight1))


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
    small = 1.0e-6 * (beta0 + beta1 + beta2) + 1.0e-30
    weight0 = 0.3 * (1.0 + quotient(tau, beta0 + small) ** 2)
    weight1 = 0.6 * (1.0 + quotient(tau, beta1 + small) ** 2)
    weight2 = 0.1 * (1.0 + quotient(tau, beta2 + small) ** 2)
    value = (weight0 * (5.0 * d - e) + weight1 * (2.0 * d - b) + weight2 * (2.0 * a - 7.0 * b))
    return c + value / (6.0 * (weight0 + weight1 + weight2))


def check_vertical_face(face: Callable) -> None:
    """Raise ValueError for a face value that reads more than the two values on either side that stand across the levels."""
    names = ("c3", "c2", "c1", "d1", "d2", "d3")
    values = (Abstract(float, sources=frozenset({name})) for name in names)
    outermost = sources_of(face(Abstract(float), *values)) & {"c3", "d3"}
    if outermost:
        raise ValueError(f"vertical_face={getattr(face, '__name__', face)} reads three values on either side of a face, but "
                         "across the levels there are two, with which it would lose its order. Use vertical_face=weno3, upwind3 "
                         "or centred of dycore.equations.advection; along the levels (tracer_face) it may stay.")


@stencil
def line_x(k, j, i, grid, tracer):
    """Six values about a west face (unit of the tracer)."""
    return (tracer[k, j, i - 3], tracer[k, j, i - 2],
            tracer[k, j, i - 1], tracer[k, j, i],
            tracer[k, j, i + 1], tracer[k, j, i + 2])


@stencil
def line_y(k, j, i, grid, tracer):
    """Six values about a south face (unit of the tracer)."""
    return (tracer[k, j - 3, i], tracer[k, j - 2, i],
            tracer[k, j - 1, i], tracer[k, j, i],
            tracer[k, j + 1, i], tracer[k, j + 2, i])


@stencil
def coastal_x(k, j, i, grid, tracer):
    """Six values about a west face (unit of the tracer); behind a closed face stands the last value before it."""
    c3, c2, c1, d1, d2, d3 = line_x(k, j, i, grid, tracer)
    c2 = where(k >= grid.floor_u[j, i - 1], c2, c1)
    c3 = where((k >= grid.floor_u[j, i - 1]) & (k >= grid.floor_u[j, i - 2]), c3, c2)
    d2 = where(k >= grid.floor_u[j, i + 1], d2, d1)
    d3 = where((k >= grid.floor_u[j, i + 1]) & (k >= grid.floor_u[j, i + 2]), d3, d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def coastal_y(k, j, i, grid, tracer):
    """Six values about a south face (unit of the tracer); behind a closed face stands the last value before it."""
    c3, c2, c1, d1, d2, d3 = line_y(k, j, i, grid, tracer)
    c2 = where(k >= grid.floor_v[j - 1, i], c2, c1)
    c3 = where((k >= grid.floor_v[j - 1, i]) & (k >= grid.floor_v[j - 2, i]), c3, c2)
    d2 = where(k >= grid.floor_v[j + 1, i], d2, d1)
    d3 = where((k >= grid.floor_v[j + 1, i]) & (k >= grid.floor_v[j + 2, i]), d3, d2)
    return c3, c2, c1, d1, d2, d3


@stencil
def line_z(k, j, i, grid, tracer):
    """Six values about a lower-r face (unit of the tracer), the outermost unused; none from below the floor or above the top."""
    c1, d1 = tracer[k - 1, j, i], tracer[k, j, i]
    c2 = where(k - 2 >= grid.floor[j, i], tracer[k - 2, j, i], c1)
    d2 = where(k + 1 < grid.top, tracer[k + 1, j, i], d1)
    return c2, c2, c1, d1, d2, d2


@stencil
def flux_x(k, j, i, grid, face, line, transport_u, tracer):
    """Tracer through a west face, per reference thickness (m2/s times the unit of the tracer)."""
    transport = transport_u[k, j, i]
    c3, c2, c1, d1, d2, d3 = line(k, j, i, grid, tracer)
    return transport * face(transport, c3, c2, c1, d1, d2, d3)


@stencil
def flux_y(k, j, i, grid, face, line, transport_v, tracer):
    """Tracer through a south face, per reference thickness (m2/s times the unit of the tracer)."""
    transport = transport_v[k, j, i]
    c3, c2, c1, d1, d2, d3 = line(k, j, i, grid, tracer)
    return transport * face(transport, c3, c2, c1, d1, d2, d3)


@stencil
def flux_z(k, j, i, grid, face, w, tracer):
    """Tracer through a lower-r face (unit of r per s times the unit of the tracer)."""
    velocity = w[k, j, i]
    c3, c2, c1, d1, d2, d3 = line_z(k, j, i, grid, tracer)
    return velocity * face(velocity, c3, c2, c1, d1, d2, d3)


def flux(equations: Any, transport_u: Any, transport_v: Any, tracer: Any) -> Vector:
    """Advective flux of a tracer through west and south faces, per reference thickness (m2/s times its unit)."""
    grid, face = equations.grid, equations.parameters.tracer_face
    along_x, along_y = (coastal_x, coastal_y) if equations.has_land else (line_x, line_y)
    return Vector(bound(flux_x, grid, face, along_x, transport_u, tracer), bound(flux_y, grid, face, along_y, transport_v, tracer))
