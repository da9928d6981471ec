"""From forces to a step: third-order Adams-Bashforth with forward-backward gravity waves, or three Runge-Kutta stages.

    u' = u + dt [ AB3(G + a P) + (1 - a) P + friction ],       AB3 weights (23, -16, 5) / 12

G is advection and the Coriolis force, P the pressure force at the current surface and tracers; mass and
tracers then move with the new velocity, their values extrapolated by the same AB3. One evaluation of
every term a step. Where barotropic substeps carry the external waves (dycore.equations.barotropic), their part of
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

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from dycore.inputs.given import check_number
from dycore.state import Past
from dycore.stencils import minimum, stencil
from dycore.terms import Vector

ADAMS_BASHFORTH = np.array([[12.0, 0.0, 0.0], [18.0, -6.0, 0.0], [23.0, -16.0, 5.0]]) / 12.0


class Stage(NamedTuple):
    """A part of a step, or all of it: from the state at the beginning of the step, with the tendencies of another state."""

    number: int
    fraction: float  # of the step that it goes
    off_centring: float  # weight of the velocity that it ends with in the transport velocity; the rest: that of the tendencies
    last: bool


@dataclass(frozen=True)
class AdamsBashforth3:
    """Third-order Adams-Bashforth: one evaluation of every term a step; needs the histories of a state."""

    waves: ClassVar[float] = 1.78  # largest omega dt of gravity waves, without substeps
    rotation: ClassVar[float] = 0.72  # largest f dt, and of centred advection u dt / dx
    upwind: ClassVar[float] = 0.39  # largest u dt / dx of third- and fifth-order upwind faces
    decay: ClassVar[float] = 2.0  # largest rate of friction or diffusion times dt: they are not extrapolated
    rotation_split: ClassVar[float] = 0.24  # the same with barotropic substeps, where waves of omega dt = 2 grow beyond
    stages: ClassVar[tuple[Stage, ...]] = (Stage(0, 1.0, 1.0, True),)
    history: ClassVar[bool] = True


@dataclass(frozen=True)
class WickerSkamarock:
    """Runge-Kutta of Wicker and Skamarock: three evaluations a step, no histories; neutral or damping up to omega dt = sqrt(3).

    theta: weight of the velocity at the end of a stage in the transport velocity of it. 0 is the textbook. 0.5
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
            through = stage.off_centring * velocity + (1.0 - stage.off_centring) * reached[0]
            reached = np.stack([velocity, start[1] - 1j * stage.fraction * wave * through])
        if np.abs(np.linalg.eigvals(reached)).max() > 1.0 + 1e-5:
            return round(float(wave) - 0.01, 2)
    return 4.0


Stepper = AdamsBashforth3 | WickerSkamarock


# Values half a step ahead ------------------------------------------------------------------------


def weights(stepper: Stepper, table: Any, step: Any) -> tuple:
    """Adams-Bashforth weights of a step from the rows of `ADAMS_BASHFORTH`; none where the stepper keeps no history."""
    if not stepper.history:
        return ()
    row = table[minimum(step, 2)]
    return row[0], row[1], row[2]


def extrapolated_tracer(on: Any, weights: tuple, now: Any, past: tuple) -> Any:
    """A tracer half a step ahead, also on halo levels; as it is now where there are no weights."""
    return on(extrapolated, weights, (now, *past), beyond_levels=True) if weights else now


def transport_velocity(on: Any, stencil: Any, stage: Stage, new: Any, old: Any) -> Any:
    """Velocity that moves mass and tracers in a stage, from those after and before it; or its column sums, or depth means."""
    if stage.off_centring in (0.0, 1.0):
        return new if stage.off_centring else old
    return on(stencil, stage.off_centring, *new, *old)


@stencil
def extrapolated_changes(k, j, i, weights, slow, fast, one, two):
    """Tendencies of u and v at west and south faces (m/s2): fast ones and extrapolated slow ones together; the slow ones alone."""
    u, v = slow.u[k, j, i], slow.v[k, j, i]
    return (weights[0] * u + weights[1] * one.tendency_u[k, j, i] + weights[2] * two.tendency_u[k, j, i] + fast.u[k, j, i],
            weights[0] * v + weights[1] * one.tendency_v[k, j, i] + weights[2] * two.tendency_v[k, j, i] + fast.v[k, j, i], u, v)


def change(on: Any, weights: tuple, slow: Vector, fast: Vector, history: tuple) -> tuple[Vector, tuple]:
    """The change of velocity on faces (m/s2), and what of it the next steps extrapolate, where the stepper does."""
    if not weights:
        return on.store(slow + fast), ()
    of_u, of_v, *kept = on(extrapolated_changes, weights, slow, fast, *history)
    return Vector(of_u, of_v), tuple(kept)


@stencil
def extrapolated_surface(j, i, weights, now, before):
    """Moving boundary [j, i] half a step ahead (unit of r)."""
    return weights[0] * now[j, i] + weights[1] * before[0][j, i] + weights[2] * before[1][j, i]


@stencil
def extrapolated(k, j, i, weights, tracer):
    """Third-order Adams-Bashforth value of a tracer at centres half a step ahead (its unit), from (now, one, two steps ago)."""
    return weights[0] * tracer[0][k, j, i] + weights[1] * tracer[1][k, j, i] + weights[2] * tracer[2][k, j, i]


@stencil
def off_centred(k, j, i, weight, u, v, before_u, before_v):
    """Velocity on west and south faces [k, j, i], off-centred in time (m/s): `weight` of that after a stage."""
    return (weight * u[k, j, i] + (1.0 - weight) * before_u[k, j, i], weight * v[k, j, i] + (1.0 - weight) * before_v[k, j, i])


@stencil
def off_centred_columns(j, i, weight, u, v, before_u, before_v):
    """Column sums or depth means of velocity [j, i] (their unit), off-centred in time as `off_centred`."""
    return weight * u[j, i] + (1.0 - weight) * before_u[j, i], weight * v[j, i] + (1.0 - weight) * before_v[j, i]


def remembered(on: Any, weights: tuple, now: Any, slow: tuple) -> tuple:
    """The history of the next step, from this state and what of its tendencies was extrapolated; none without weights."""
    if not weights:
        return ()
    return Past(now.surface, now.tracers, *(on.whole(tendency).array for tendency in slow)), now.history[0]
