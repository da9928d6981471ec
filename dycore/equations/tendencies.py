"""The change of velocity: what the stepper extrapolates (advection, Coriolis force, forcing) and the rest of the explicit terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dycore.equations.pressure import Slopes, slope_force_u, slope_force_v, slopes
from dycore.equations.steppers import adams_bashforth, as_it_is
from dycore.equations.velocity import Change
from dycore.stencils import maximum, stencil


class Held(NamedTuple):
    """Velocity that goes through the polar filter with its change: how it is put in and taken out, and the rate (1/s)."""

    put_in: Callable
    taken_out: Callable
    rate: float


@stencil
def put_in(rate, change, velocity):
    """The change with `rate` times the velocity, before the polar filter (m/s2)."""
    return change + rate * velocity


@stencil
def taken_out(rate, change, velocity):
    """The filtered change alone: what the filter took of the velocity is gone (m/s2)."""
    return change - rate * velocity


@stencil
def change_alone(rate, change, velocity):
    """The change, where no filter is."""
    return change


NOT_HELD = Held(change_alone, change_alone, 0.0)


class Process(NamedTuple):
    """The forces of a step and what they are made of, each a stencil or an array."""

    advection_u: Callable
    advection_v: Callable
    forces: Any  # dycore.equations.friction.Forces
    column: Any
    motion: Any  # its kinetic energy with the extrapolated share of phi
    potential: Any  # the rest of phi [k, j, i] (m2/s2)
    slopes: Any
    heights: Any
    b: Any
    share: float  # of the pressure force that is extrapolated
    extrapolate: Callable  # dycore.equations.steppers.adams_bashforth or as_it_is
    force_u: Any  # dycore.forcing.Rate
    force_v: Any
    now: Any  # dycore.forcing.Instant
    held: Held


@stencil
def change_u(k, j, i, grid, process, weights, u, v, w, before):
    """du/dt at west faces, and what to extrapolate from (m/s2)."""
    slope = slope_force_u(k, j, i, process.slopes, process.heights, process.b)
    tendency = (process.advection_u(k, j, i, grid, process.column, process.motion, u, v, w)
                + process.force_u.of(k, j, i, grid, process.column, process.force_u.values, process.now)
                + process.share * slope)
    gradient = (process.potential[k, j, i] - process.potential[k, j, i - 1]) * grid.inverse_dx_u[j, i]
    return (process.extrapolate(k, j, i, weights, tendency, before)
            + (1.0 - process.share) * slope - gradient + process.forces.friction_u(k, j, i, grid, process.forces)), tendency


@stencil
def change_v(k, j, i, grid, process, weights, u, v, w, before):
    """dv/dt at south faces, and what to extrapolate from (m/s2)."""
    slope = slope_force_v(k, j, i, process.slopes, process.heights, process.b)
    tendency = (process.advection_v(k, j, i, grid, process.column, process.motion, u, v, w)
                + process.force_v.of(k, j, i, grid, process.column, process.force_v.values, process.now)
                + process.share * slope)
    gradient = (process.potential[k, j, i] - process.potential[k, j - 1, i]) * grid.inverse_dy_v[j, i]
    return (process.extrapolate(k, j, i, weights, tendency, before)
            + (1.0 - process.share) * slope - gradient + process.forces.friction_v(k, j, i, grid, process.forces)), tendency


@stencil
def changes(k, j, i, grid, process, weights, u, v, w, before_u, before_v):
    """Of both components: (du/dt, dv/dt, tendency of u, tendency of v)."""
    held = process.held
    of_u, tendency_u = change_u(k, j, i, grid, process, weights, u, v, w, before_u)
    of_v, tendency_v = change_v(k, j, i, grid, process, weights, u, v, w, before_v)
    return (held.put_in(held.rate, of_u, u[k, j, i]), held.put_in(held.rate, of_v, v[k, j, i]), tendency_u, tendency_v)


@stencil
def changes_alone(k, j, i, grid, process, weights, u, v, w, before_u, before_v):
    """Of both components: (du/dt, dv/dt)."""
    held = process.held
    return (held.put_in(held.rate, change_u(k, j, i, grid, process, weights, u, v, w, before_u)[0], u[k, j, i]),
            held.put_in(held.rate, change_v(k, j, i, grid, process, weights, u, v, w, before_v)[0], v[k, j, i]))


def held_velocity(equations: Any) -> Held:
    """What goes through the polar filter with the change of velocity."""
    if not equations.filtered:
        return NOT_HELD
    parameters = equations.parameters
    # with the whole step in every stage, so that all of them integrate the same equation
    return Held(put_in, taken_out, 1.0 / maximum(parameters.polar_damping, parameters.time_step))


def change(on: Any, equations: Any, weights: tuple, layers: Any, motion: Any, potential: Any, buoyancy: Any, friction: Any,
           forcing: tuple, at: Any, now: Any) -> tuple[Change, list]:
    """The change of velocity, filtered near poles, and what of it is extrapolated (m/s2)."""
    grid, held = equations.grid, held_velocity(equations)
    extrapolate, stencil = (adams_bashforth, changes) if weights else (as_it_is, changes_alone)
    process = Process(*equations.parameters.advection, friction, layers, motion, potential, Slopes(*on(slopes, grid, layers)),
                      equations.heights, buoyancy, equations.pressure_share, extrapolate, *forcing, at, held)  # type: ignore[call-arg]
    before = ((past.tendency_u for past in now.history), (past.tendency_v for past in now.history))
    of_u, of_v, *slow = on(stencil, grid, process, weights, now.u, now.v, at.w, *map(tuple, before))
    if equations.filtered:
        of_u, of_v = on.filtered((of_u, equations.response_u), (of_v, equations.response_v))
    return Change(of_u, of_v, held, now.u, now.v), slow
