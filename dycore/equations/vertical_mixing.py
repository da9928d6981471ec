"""Mixing across the levels and drag on the fixed boundary, implicit in time.

    dq/dt = 1/h d/dk( nu/dz dq/dk ) - drag q / h  in the lowest layer,      drag = r + C_D |u|  (m/s)

nu is viscosity for u and v, diffusivity for tracers (m2/s), at the lower-r faces of the levels. It comes from
a function of the stability and the shear there, so that a scheme is a few lines (`convective`,
`pacanowski_philander`, or a user's own). One tridiagonal solve per field, two sweeps: no limit on the
time step, and the content of a column is kept (the Thomas algorithm; diagonally dominant, so no pivoting).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from dycore.closures import Closure, Mixed, Uniform, uniform
from dycore.closures.columns import eliminate, shear, stability
from dycore.closures.records import advanced as closures_advanced
from dycore.equations.operators import on_south_face, on_west_face
from dycore.stencils import constants_at, square_root, stencil, where
from dycore.terms import Vector, bound

__all__ = ["Coefficients", "VerticalMixing", "bottom_drag", "closed", "coefficients", "eliminate", "exchange_rates"]


@dataclass(frozen=True)
class VerticalMixing:
    """Which `scheme` (values, N2 (1/s2), |du/dz|2 (1/s2)) -> (viscosity, diffusivity), its `values`, and the bottom drag.

    What stands in `values` are numbers, or profiles [nz], planes [ny, nx] or volumes at the lower faces of cells, of which the
    scheme is given the value at each place. A scheme with fields of its own is a record, `TurbulentKineticEnergy()` or one of your
    own (dycore.closures), and needs no values.
    linear_drag (m/s), quadratic_drag (a number, about 1e-3 to 3e-3); None is none.
    """

    scheme: Callable | Closure = uniform  # viscosity and diffusivity (m2/s) from N2 (1/s2) and squared shear (1/s2)
    values: Any = Uniform(0.0, 0.0)  # noqa: RUF009 (an immutable record)
    linear_drag: float | None = None  # m/s, of the lowest layer
    quadratic_drag: float | None = None  # no unit, about 1e-3 to 3e-3


class Coefficients(NamedTuple):
    """Viscosity and diffusivity at lower-r faces (m2/s): numbers, profiles [k], planes [j, i] or volumes [k, j, i]."""

    viscosity: Any
    diffusivity: Any


@stencil
def coefficients(k, j, i, grid, column, heights, fluid, scheme, values, u, v, tracers):
    """(viscosity, diffusivity) at the lower-r face of a cell (m2/s); zero on the fixed boundary."""
    inside = k > grid.floor[j, i]
    n2 = stability(k, j, i, grid, column, heights, fluid, tracers)
    viscosity, diffusivity = scheme(constants_at(k, j, i, values), n2, shear(k, j, i, grid, column, u, v))
    nothing = 0.0 * column.stretching[j, i]  # in the precision of the model, as both may be numbers
    return where(inside, viscosity, nothing), where(inside, diffusivity, nothing)


@stencil
def lost_u(k, j, i, grid, column, drag):
    """Rate at which a layer loses u at west faces (1/s) by a drag (m/s); zero but in the lowest."""
    rate = drag * grid.inverse_dr[k] * column.inverse_stretching_u[j, i]
    return where(k == grid.floor_u[j, i], grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u, rate), 0.0)


@stencil
def lost_v(k, j, i, grid, column, drag):
    """Rate at which a layer loses v at south faces (1/s) by a drag (m/s); zero but in the lowest."""
    rate = drag * grid.inverse_dr[k] * column.inverse_stretching_v[j, i]
    return where(k == grid.floor_v[j, i], grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v, rate), 0.0)


@stencil
def drag_u(k, j, i, grid, column, linear, quadratic, u, v):
    """Rate at which the lowest layer loses u at west faces (1/s)."""
    across = 0.25 * (v[k, j, i] + v[k, j, i - 1] + (v[k, j + 1, i] + v[k, j + 1, i - 1]))
    speed = square_root(u[k, j, i] * u[k, j, i] + across * across)
    return lost_u(k, j, i, grid, column, on_west_face(k, j, i, linear) + on_west_face(k, j, i, quadratic) * speed)


@stencil
def drag_v(k, j, i, grid, column, linear, quadratic, u, v):
    """Rate at which the lowest layer loses v at south faces (1/s)."""
    across = 0.25 * (u[k, j, i] + u[k, j, i + 1] + (u[k, j - 1, i] + u[k, j - 1, i + 1]))
    speed = square_root(v[k, j, i] * v[k, j, i] + across * across)
    return lost_v(k, j, i, grid, column, on_south_face(k, j, i, linear) + on_south_face(k, j, i, quadratic) * speed)


@stencil
def linear_drag_u(k, j, i, grid, column, linear):
    """Rate at which the lowest layer loses u at west faces (1/s) without a quadratic drag, which takes a root in every cell."""
    return lost_u(k, j, i, grid, column, on_west_face(k, j, i, linear))


@stencil
def linear_drag_v(k, j, i, grid, column, linear):
    """Rate at which the lowest layer loses v at south faces (1/s) without a quadratic drag."""
    return lost_v(k, j, i, grid, column, on_south_face(k, j, i, linear))


def bottom_drag(grid: Any, mixing: VerticalMixing, layers: Any, velocity: Any) -> Vector:
    """Rates at which the lowest layer loses a velocity on faces (1/s); zero without coefficients."""
    if mixing.quadratic_drag is None:
        if mixing.linear_drag is None:
            return Vector()
        alone = grid, layers, mixing.linear_drag
        return Vector(bound(linear_drag_u, *alone), bound(linear_drag_v, *alone))
    linear, quadratic = 0.0 if mixing.linear_drag is None else mixing.linear_drag, mixing.quadratic_drag
    return Vector(bound(drag_u, grid, layers, linear, quadratic, velocity.u, velocity.v),
                  bound(drag_v, grid, layers, linear, quadratic, velocity.u, velocity.v))


@stencil
def exchange_rates(k, grid, floor, time_step, inverse_stretching, below, above):
    """Fractions of a whole level exchanged with those below and above in a step (no unit), from coefficients at its faces."""
    thinner = time_step * inverse_stretching * inverse_stretching * grid.inverse_dr[k] * 2.0
    # one division for a level, not for each cell
    return (where(k > floor, thinner * below * (1.0 / (grid.dr[k] + grid.dr[k - 1])), 0.0),
            where(k + 1 < grid.top, thinner * above * (1.0 / (grid.dr[k] + grid.dr[k + 1])), 0.0))


def closed(on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> tuple[tuple, Coefficients | None]:
    """Results of closures at the time of the tendencies, from their fields at the start; viscosity, diffusivity."""
    mixing = equations.parameters.vertical_mixing
    results = closures_advanced(on, equations, time_step, at, start)
    if results and isinstance(results[0], Mixed):
        of_closure = Coefficients(*(on.whole(field) for field in results[0][1:]))
        return (Mixed(results[0].fields, *of_closure), *results[1:]), of_closure
    if mixing is None:
        return results, None
    if mixing.scheme is uniform:
        return results, Coefficients(mixing.values.viscosity, mixing.values.diffusivity)
    given = on(coefficients, equations.grid, at.layers, equations.heights, equations.parameters.fluid, mixing.scheme, mixing.values,
               at.u, at.v, equations.buoyant(at.tracers))
    return results, Coefficients(*(on.whole(field) for field in given))
