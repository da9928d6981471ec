"""From forces to a step: third-order Adams-Bashforth with forward-backward gravity waves, or three Runge-Kutta stages.

    u' = u + dt [ AB3(G + a P) + (1 - a) P + friction ],       AB3 weights (23, -16, 5) / 12

G is advection and the Coriolis force, P the pressure force at the current surface and tracers; mass and
tracers then move with the new velocity, their values extrapolated by the same AB3. One evaluation of
every term a step. Where barotropic substeps carry the external waves (dycore.barotropic), their part of
P, -g' grad R, is left out of a P: extrapolated, it would grow. With a = 0 the scheme amplifies gravity
waves on a mean flow, weakly, at all frequencies; a = 0.1 damps them, up to omega dt = 1.78 without mean
flow and 1.58 at a Doppler shift of 0.05 (von Neumann analysis; tests/test_stepping.py). Adams-Bashforth
starts with Euler and AB2 steps.

Runge-Kutta (Wicker and Skamarock 2002, Mon. Wea. Rev. 130, 2088) goes three times from the beginning of the step, with
the tendencies of the stage before, and needs no history (third order where tendencies are linear, else second):

    q1 = q + dt/3 G(q),      q2 = q + dt/2 G(q1),      q' = q + dt G(q2)

Both are stages of one kind (`Stage`): Adams-Bashforth takes one, over the whole step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from dycore.advection import tracer_step
from dycore.given import check_number
from dycore.operators import kinetic_energy
from dycore.pressure import slope_force_u, slope_force_v
from dycore.stencils import stencil, where
from dycore.vertical_mixing import eliminate, exchange_rates

ADAMS_BASHFORTH = np.array([[12.0, 0.0, 0.0], [18.0, -6.0, 0.0], [23.0, -16.0, 5.0]]) / 12.0


class Stage(NamedTuple):
    """A part of a step, or all of it: from the state at the beginning of the step, with the tendencies of another state."""

    number: int
    fraction: float  # of the step that it goes
    ahead: float  # share of the velocity that it ends with in what carries mass and tracers; the rest: that of the tendencies
    last: bool


@dataclass(frozen=True)
class AdamsBashforth3:
    """One evaluation of every term a step; needs the histories of a state."""

    waves: ClassVar[float] = 1.78  # largest omega dt of gravity waves, without substeps
    rotation: ClassVar[float] = 0.72  # largest f dt, and of centred advection u dt / dx
    upwind: ClassVar[float] = 0.39  # largest u dt / dx of third- and fifth-order upwind faces
    decay: ClassVar[float] = 2.0  # largest rate of friction or diffusion times dt: they are not extrapolated
    rotation_split: ClassVar[float] = 0.24  # the same with barotropic substeps, where waves of omega dt = 2 grow beyond
    stages: ClassVar[tuple[Stage, ...]] = (Stage(0, 1.0, 1.0, True),)
    history: ClassVar[bool] = True


@dataclass(frozen=True)
class WickerSkamarock:
    """Three evaluations of every term a step, no histories; neutral or damping up to omega dt = sqrt(3).

    theta: share of the velocity at the end of a stage in what carries mass and tracers through it. 0 is the textbook. 0.5
    makes gravity waves forward-backward, which raises their limit to 3.05, but leaves first order, and lets them grow
    weakly on a flow that is faster than a twentieth of a cell a step. Raises ValueError where theta is not between 0 and 1.
    """

    theta: float = 0.0
    rotation: ClassVar[float] = 1.73
    upwind: ClassVar[float] = 1.43  # of fifth order; 1.62 of third
    decay: ClassVar[float] = 2.51
    rotation_split: ClassVar[float] = 1.11
    history: ClassVar[bool] = False

    @property
    def waves(self) -> float:
        """The largest omega dt of gravity waves, without substeps."""
        return largest_wave(self.stages)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """A third, half and all of the step."""
        return tuple(Stage(number, 1.0 / parts, self.theta, parts == 1) for number, parts in enumerate((3, 2, 1)))

    def __post_init__(self) -> None:
        check_number("theta", self.theta, "between 0, the velocity before a stage, and 1, that after it",
                     lambda theta: 0.0 <= theta <= 1.0)


@cache
def largest_wave(stages: tuple[Stage, ...]) -> float:
    """The largest omega dt at which no gravity wave grows, without mean flow and rotation, to two digits."""
    for wave in np.arange(0.02, 4.0, 0.01):
        reached = start = np.eye(2, dtype=complex)  # rows: velocity and pressure of two waves
        for stage in stages:
            velocity = start[0] - 1j * stage.fraction * wave * reached[1]
            through = stage.ahead * velocity + (1.0 - stage.ahead) * reached[0]
            reached = np.stack([velocity, start[1] - 1j * stage.fraction * wave * through])
        if np.abs(np.linalg.eigvals(reached)).max() > 1.0 + 1e-5:
            return round(float(wave) - 0.01, 2)
    return 4.0


Stepper = AdamsBashforth3 | WickerSkamarock


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
    forces: Any  # dycore.mixing.Forces
    column: Any
    motion: Any  # its kinetic energy with the extrapolated share of phi
    potential: Any  # the rest of phi [k, j, i] (m2/s2)
    slopes: Any
    heights: Any
    b: Any
    share: float  # of the pressure force that is extrapolated
    extrapolate: Callable  # `adams_bashforth` or `as_it_is`
    force_u: Any  # dycore.forcing.Rate
    force_v: Any
    now: Any  # dycore.forcing.Now
    held: Held


@stencil
def energies(k, j, i, grid, share, external, surface, phi, u, v):
    """What gradients act on (m2/s2): kinetic energy with the extrapolated share of phi, and the rest of phi."""
    slow = share * (phi[k, j, i] - external * surface[j, i])
    return kinetic_energy(k, j, i, grid, u, v) + slow, phi[k, j, i] - slow


@stencil
def adams_bashforth(k, j, i, weights, tendency, before):
    """A tendency extrapolated from its values now, one and two steps ago."""
    return weights[0] * tendency + weights[1] * before[0][k, j, i] + weights[2] * before[1][k, j, i]


@stencil
def as_it_is(k, j, i, weights, tendency, before):
    """A tendency that is not extrapolated."""
    return tendency


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


class Sums(NamedTuple):
    """Column sums of velocity times reference thickness [j, i] (m/s times the unit of r), before and after a change."""

    before_u: Any
    before_v: Any
    after_u: Any
    after_v: Any


@stencil
def inside_u(k, j, i, grid, value):
    """What a level holds of a column sum at west faces: a value times its reference thickness."""
    return grid.part(k, j, i, grid.floor_u, grid.fraction_u, grid.dr[k] * value)


@stencil
def inside_v(k, j, i, grid, value):
    """The same at south faces."""
    return grid.part(k, j, i, grid.floor_v, grid.fraction_v, grid.dr[k] * value)


@stencil
def no_column_sums(j, i, grid, u, v):
    """Sums start at zero."""
    return 0.0, 0.0


@stencil
def column_sums(k, j, i, carried, grid, u, v):
    """Carries the column sums of u and v times reference thickness (m/s times the unit of r) upwards."""
    return (carried[0] + inside_u(k, j, i, grid, u[k, j, i]), carried[1] + inside_v(k, j, i, grid, v[k, j, i])), ()


@stencil
def no_sums(j, i, grid, time_step, change, u, v):
    """Sums start at zero."""
    return 0.0, 0.0, 0.0, 0.0


class Change(NamedTuple):
    """The change of both components (m/s2), filtered where there is a filter, and the velocity that went with it."""

    of_u: Any
    of_v: Any
    held: Held
    u: Any
    v: Any


@stencil
def later(k, j, i, grid, time_step, change, u, v):
    """u and v after a time step (m/s)."""
    held = change.held
    of_u = held.taken_out(held.rate, change.of_u[k, j, i], change.u[k, j, i])
    of_v = held.taken_out(held.rate, change.of_v[k, j, i], change.v[k, j, i])
    return (where(k >= grid.floor_u[j, i], u[k, j, i] + time_step * of_u, 0.0),
            where(k >= grid.floor_v[j, i], v[k, j, i] + time_step * of_v, 0.0))


@stencil
def advance(k, j, i, carried, grid, time_step, change, u, v):
    """u and v one step later (m/s) before their depth mean is settled; carries the `Sums` upwards."""
    new_u, new_v = later(k, j, i, grid, time_step, change, u, v)
    return (carried[0] + inside_u(k, j, i, grid, u[k, j, i]),
            carried[1] + inside_v(k, j, i, grid, v[k, j, i]),
            carried[2] + inside_u(k, j, i, grid, new_u),
            carried[3] + inside_v(k, j, i, grid, new_v)), (new_u, new_v)


@stencil
def no_sums_mixed(j, i, grid, time_step, column, mixed, drag, change, u, v):
    """Sums start at zero, and nothing is eliminated yet."""
    return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


@stencil
def advance_mixed(k, j, i, carried, grid, time_step, column, mixed, drag, change, u, v):
    """As `advance`, up to the forward elimination of vertical mixing (dycore.vertical_mixing): ratio and value of u and of v.

    Carries the sums before the step, and ratio and value of the level below.
    """
    sum_u, sum_v, ratio_u, value_u, ratio_v, value_v = carried
    new_u, new_v = later(k, j, i, grid, time_step, change, u, v)
    below, above = mixed.read(k, j, i, mixed.viscosity), mixed.read(k + 1, j, i, mixed.viscosity)
    west_below, west_above = mixed.read(k, j, i - 1, mixed.viscosity), mixed.read(k + 1, j, i - 1, mixed.viscosity)
    south_below, south_above = mixed.read(k, j - 1, i, mixed.viscosity), mixed.read(k + 1, j - 1, i, mixed.viscosity)
    down, up = exchange_rates(k, grid, grid.floor_u[j, i], time_step, column.inverse_stretching_u[j, i],
                              0.5 * (below + west_below), 0.5 * (above + west_above))
    up = grid.part(k, j, i, grid.floor_u, grid.inverse_fraction_u, up)
    ratio_u, value_u = eliminate(down, up, time_step * drag.of_u(k, j, i, grid, column, drag, u, v), new_u, ratio_u, value_u)
    down, up = exchange_rates(k, grid, grid.floor_v[j, i], time_step, column.inverse_stretching_v[j, i],
                              0.5 * (below + south_below), 0.5 * (above + south_above))
    up = grid.part(k, j, i, grid.floor_v, grid.inverse_fraction_v, up)
    ratio_v, value_v = eliminate(down, up, time_step * drag.of_v(k, j, i, grid, column, drag, u, v), new_v, ratio_v, value_v)
    sums = (sum_u + inside_u(k, j, i, grid, u[k, j, i]),
            sum_v + inside_v(k, j, i, grid, v[k, j, i]))
    return (*sums, ratio_u, value_u, ratio_v, value_v), (ratio_u, value_u, ratio_v, value_v)


@stencil
def no_velocity(j, i, grid, ratio_u, value_u, ratio_v, value_v):
    """Nothing above the uppermost level, and sums of zero."""
    return 0.0, 0.0, 0.0, 0.0


@stencil
def substitute(k, j, i, carried, grid, ratio_u, value_u, ratio_v, value_v):
    """u and v (m/s) by back substitution; carries them downwards, and their sums times the reference thickness."""
    new_u = where(k >= grid.floor_u[j, i], value_u[k, j, i] + ratio_u[k, j, i] * carried[0], 0.0)
    new_v = where(k >= grid.floor_v[j, i], value_v[k, j, i] + ratio_v[k, j, i] * carried[1], 0.0)
    return (new_u, new_v, carried[2] + inside_u(k, j, i, grid, new_u),
            carried[3] + inside_v(k, j, i, grid, new_v)), (new_u, new_v)


@stencil
def nothing_eliminated(j, i, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer, mixed):
    """No level below the lowest."""
    return 0.0, 0.0


@stencil
def tracer_step_mixed(k, j, i, carried, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer, mixed):
    """As dycore.advection.tracer_step, up to the forward elimination of vertical mixing: its ratio and value."""
    new = tracer_step(k, j, i, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer)
    down, up = exchange_rates(k, grid, grid.floor[j, i], time_step, inverse_new[j, i],
                              mixed.read(k, j, i, mixed.diffusivity), mixed.read(k + 1, j, i, mixed.diffusivity))
    up = grid.part(k, j, i, grid.floor, grid.inverse_fraction, up)
    ratio, value = eliminate(down, up, 0.0, new, carried[0], carried[1])
    return (ratio, value), (ratio, value)


@stencil
def no_tracer(j, i, grid, ratio, value, tracer):
    """Nothing above the uppermost level."""
    return (0.0,)


@stencil
def substitute_tracer(k, j, i, carried, grid, ratio, value, tracer):
    """The tracer by back substitution; carries it downwards."""
    new = where(k >= grid.floor[j, i], value[k, j, i] + ratio[k, j, i] * carried[0], tracer[k, j, i])
    return (new,), (new,)


@stencil
def extrapolated_surface(j, i, weights, now, before):
    """The moving boundary half a step ahead (unit of r)."""
    return weights[0] * now[j, i] + weights[1] * before[0][j, i] + weights[2] * before[1][j, i]


@stencil
def between(k, j, i, share, u, v, before_u, before_v):
    """A share of one velocity and the rest of another (m/s)."""
    return (share * u[k, j, i] + (1.0 - share) * before_u[k, j, i], share * v[k, j, i] + (1.0 - share) * before_v[k, j, i])


@stencil
def between_columns(j, i, share, u, v, before_u, before_v):
    """The same of column sums or depth means."""
    return share * u[j, i] + (1.0 - share) * before_u[j, i], share * v[j, i] + (1.0 - share) * before_v[j, i]
