"""Forcing: what a case adds to the tendencies of momentum and tracers, as stencils of its own.

    @stencil
    def cooling(k, j, i, grid, column, values, now):
        return -values.rate * (now.tracers[0][k, j, i] - values.target[j, i])

    Parameters(..., forcing=(Forcing(tracers=(cooling,), values=Values(rate, target)),))

`column` is dycore.equations.column.Column, `now` the state at the beginning of the step, `values` a named tuple of
what the forcing is made of: numbers, profiles [nz] and fields [ny, nx] or [nz, ny, nx] without halo, which a
model refuses where they have another shape, or no finite number where there is fluid. A forcing
of momentum is extrapolated with the advection (dycore.equations.steppers). Forcings of the same field add up. In place of a
number or a field may stand a dycore.time_series.TimeSeries: stencils read its value at the beginning of the step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.fields import Field
from dycore.inputs.given import shown
from dycore.stencils import Made, stencil, where
from dycore.terms import Term, Vector, bound, extent, is_number, is_operand, total

MOST_TRACERS = 10000


class Forcing(NamedTuple):
    """Stencils (k, j, i, grid, column, values, now), None for nothing, and the values that they share."""

    u: Callable | None = None  # at west faces (m/s2)
    v: Callable | None = None  # at south faces (m/s2)
    tracers: tuple[Callable | None, ...] = ()  # one for each tracer (its unit per s)
    values: Any = ()
    names: tuple[str | None, ...] = ()  # what the first tracers must be called for these stencils, None for any name

    def __reduce__(self) -> tuple:
        return unpickled, tuple(map(to_pickle, self))


def to_pickle(part: Any) -> Any:
    """A part of a Forcing as it is pickled: makers of stencils (dycore.stencils.made_by) in place of what they made."""
    return tuple(map(to_pickle, part)) if type(part) is tuple else getattr(part, "made", part) if callable(part) else part


def unpickled(*parts: Any) -> Forcing:
    """The Forcing of parts that were pickled."""
    def again(part: Any) -> Any:
        if isinstance(part, Made):
            return part.maker(*part.arguments)
        return tuple(map(again, part)) if type(part) is tuple else part

    return Forcing(*map(again, parts))


class Forced(NamedTuple):
    """Rates by which a module acts on the fluid: fields that are stored, or terms."""

    velocity: Vector = Vector()  # on west and south faces (m/s2)
    tracers: tuple = ()  # of the first tracers (their unit per s), None for nothing


class Module(NamedTuple):
    """A forcing by functions of arrays in place of stencils, such as column physics or a network.

        def relaxed(theta, target, rate):  # any function in the array API, of arrays [k, j, i]
            return -rate * (theta - target)

        def relaxation(on, grid, at, values, weights):
            return Forced(tracers=(on.columns(relaxed, at.tracers[0], values.target, values.rate),))

        Parameters(..., forcing=(Module(relaxation, Values(target, rate)),))

    `on.columns` gives a function whole columns, `on.planes` whole levels (dycore.program.Program), on every backend; what it
    returns stands where it is used. A function that needs neighbours too is given what stencils gather of them, as
    `on.columns(network, weights, *on(differences, grid, at.u, at.v))`, and stencils may read neighbours of what it returns: how far
    halos are needed follows, and any number of processes gives the same (dycore.learning.subgrid_fluxes). `values` are as those of
    a `Forcing`; `weights` are arrays of any shape, as they are, but for their precision.
    """

    function: Callable  # (on, grid, at, values, weights) -> Forced
    values: Any = ()
    weights: Any = ()


def only(tracer: int, rate: Callable) -> tuple[Callable | None, ...]:
    """The `tracers` of a Forcing that acts on one alone, by its number. Raises ValueError for what is no number of a tracer."""
    return *[None] * tracer_number(tracer), rate


def tracer_number(tracer: Any) -> int:
    """The number of a tracer. Raises ValueError for what is none."""
    if isinstance(tracer, (bool, np.timedelta64)) or not isinstance(tracer, (int, np.integer)) or not 0 <= tracer < MOST_TRACERS:
        raise ValueError(f"tracer={shown(tracer)} must be the number of a tracer in tracer_names, of which the first is 0.")
    return int(tracer)


class Instant(NamedTuple):
    """Fields known at the time of the tendencies: a state, as dycore.state.State has it, and what follows from it."""

    u: Any
    v: Any
    w: Any
    surface: Any
    tracers: tuple
    time: Any = 0.0  # s since the start
    closure: tuple = ()  # prognostic fields of closures
    layers: Any = None  # dycore.equations.column.Column
    phi: Any = None  # in the middle of layers (m2/s2)
    buoyancy: Any = None  # b of dycore.fluid [k, j, i]
    mixed: Any = None  # viscosity and diffusivity across the levels (dycore.equations.vertical_mixing.Coefficients), or None
    eddies: Any = None  # dycore.equations.eddies.Diagnosed, or None


def in_precision(dtype: Any, value: Any) -> Any:
    """A number that is not whole, in the precision of the fields that it meets; anything else as it is."""
    return np.dtype(dtype).type(value) if isinstance(value, (float, np.floating)) else value


def forces(on: Any, grid: Any, forcings: tuple[Forcing | Module, ...], at: Instant) -> tuple[Vector, tuple[Term, ...]]:
    """Rates of the velocity on faces (m/s2) and of each tracer (its unit per s) by all forcings."""
    forced = [of_one(on, grid, forcing, at) for forcing in forcings]
    return total((each.velocity for each in forced), Vector()), tuple(
        total(each.tracers[number] for each in forced if number < len(each.tracers)) for number in range(len(at.tracers)))


def of_one(on: Any, grid: Any, forcing: Forcing | Module, at: Instant) -> Forced:
    """Rates by one forcing."""
    if isinstance(forcing, Module):
        on.as_they_are(forcing.weights)
        return rates_of(forcing.function, forcing.function(on, grid, at, forcing.values, forcing.weights), on.tile.region.padded,
                        len(at.tracers))

    def rate(function: Callable | None) -> Term:
        return Term() if function is None else bound(function, grid, at.layers, forcing.values, at)

    return Forced(Vector(rate(forcing.u), rate(forcing.v)), tuple(map(rate, forcing.tracers)))


def rates_of(function: Callable, forced: Any, padded: tuple[int, ...], tracers: int) -> Forced:
    """Rates of cells that a module returned, None for nothing. Raises TypeError for what is none, ValueError for too many."""
    whole = isinstance(forced, Forced) and isinstance(forced.velocity, Vector) and isinstance(forced.tracers, (tuple, list))
    if not whole or hasattr(forced.tracers, "_fields"):
        raise TypeError(f"The module {shown(function)} returns {shown(forced)}. Return a dycore.forcing.Forced with a velocity, a "
                        "dycore.terms.Vector, and a tuple of tracers.")
    if len(forced.tracers) > tracers:
        raise ValueError(f"The module {shown(function)} returns rates of {len(forced.tracers)} tracers, but there are {tracers}. "
                         "Return one for each of the first tracers of tracer_names, or fewer.")

    def rate(name: str, value: Any) -> Any:
        if value is None or is_number(value, 0.0) or (isinstance(value, Term) and not value.parts):
            return Term()
        if not is_operand(value) or extent(value) < 3:
            what = {0: "a number", 2: "a plane [j, i]"}[extent(value)] if is_operand(value) else shown(value)
        elif not isinstance(value, (Field, Term)) and tuple(value.shape) != padded:
            what = f"an array of shape {tuple(value.shape)}"
        else:
            return value
        raise TypeError(f"The module {shown(function)} returns {what} as the rate of {name}. Return one field of cells [k, j, i], "
                        "as on.columns, on.planes and on.store give it, a term of them, or None for nothing.")

    return Forced(Vector(rate("u", forced.velocity.u), rate("v", forced.velocity.v)),
                  tuple(rate(f"tracer {number}", value) for number, value in enumerate(forced.tracers)))


# The stress on the moving boundary


class Stress(NamedTuple):
    """Surface stress / reference density [j, i] (m2/s2) on west and south faces."""

    u: Any
    v: Any


@stencil
def stress_u(k, j, i, grid, column, values, now):
    """Acceleration of the uppermost layer by the surface stress, at west faces (m/s2)."""
    push = values.u[j, i] * grid.inverse_dr[k] * column.inverse_stretching_u[j, i]
    return where(k == grid.top - 1, grid.open_fraction_of(k, j, i, grid.floor_u, grid.inverse_fraction_u, push), 0.0)


@stencil
def stress_v(k, j, i, grid, column, values, now):
    """Acceleration of the uppermost layer by the surface stress, at south faces (m/s2)."""
    push = values.v[j, i] * grid.inverse_dr[k] * column.inverse_stretching_v[j, i]
    return where(k == grid.top - 1, grid.open_fraction_of(k, j, i, grid.floor_v, grid.inverse_fraction_v, push), 0.0)
