"""The hydrostatic equations of an ocean or an atmosphere: one stage of a time step, term by term.

    momentum      du/dt = (f + zeta) v - dK/dx - w du/dr - d(phi)/dx + b ds/dx + forcing + friction
    hydrostatics  d(phi) = b ds
    mass          dR/dt = -sum_k div(h u),   W from div(h u) and dR/dt
    tracers       d(h c)/dt = -div(h u c) - d(W c)/dr + h forcing - div(diffusive flux) + vertical mixing + unresolved eddies

A name is a field that is stored, or a term (dycore.terms) that is computed where it is read. How far beyond the cells a stored
field reaches, and what is exchanged, follows from who reads it (dycore.program).
"""

from __future__ import annotations

from typing import Any

from dycore import forcing
from dycore.closures.records import completed
from dycore.equations import (
    column,
    continuity,
    eddies,
    filters,
    free_surface,
    friction,
    momentum,
    open_boundaries,
    pressure,
    steppers,
    tracers,
    velocity,
    vertical_mixing,
)
from dycore.equations.operators import gradient
from dycore.equations.records import Equations
from dycore.equations.steppers import Stage
from dycore.forcing import Instant
from dycore.state import State
from dycore.tiles import Place
from dycore.time_series import at_step


def step(on: Any, equations: Equations, state: State) -> State:
    """State one time step later, by stages that all begin at `state`, each with the tendencies of what the one before reached."""
    equations = equations._replace(forcing=at_step(on, equations.forcing, state.step),
                                   openings=at_step(on, equations.openings, state.step))
    reached, steps = state, state.step + 1
    on.given(*state.closure)
    for stage in equations.parameters.stepper.stages:
        reached = with_halos(on, equations, after_stage(on, equations, stage, state, reached))
    return reached._replace(step=steps, time=steps * equations.parameters.time_step)


def after_stage(on: Any, equations: Equations, stage: Stage, start: State, now: State) -> State:
    """The state after a stage that goes `stage.fraction` of a step from `start`, with the tendencies of `now`."""
    grid, parameters, extrapolated = equations.grid, equations.parameters, equations.extrapolated_pressure
    dt, weights = stage.fraction * parameters.time_step, steppers.weights(parameters.stepper, equations.adams_bashforth, now.step)

    # Diagnosed from the state: layer thickness, hydrostatic balance, vertical velocity
    layers = column.stretched(on, grid, parameters.fluid, now.surface)  # h = J dr
    phi, buoyancy = pressure.hydrostatic_balance(on, equations, layers, now)
    sums, w = (None, now.w) if weights else continuity.diagnosed_flux(on, equations, layers, now)
    at = Instant(now.u, now.v, w, now.surface, now.tracers, now.time, now.closure, layers, phi, buoyancy)
    force, sources = forcing.forces(on, grid, equations.forcing, at)  # wind, and what else acts

    # Momentum: the stepper extrapolates `slow`; `fast` is the rest of the explicit terms
    advected = momentum.advection(on, equations, layers, at)  # Coriolis force and advection
    slow_energy, fast_phi = pressure.bernoulli(on, equations, advected.kinetic_energy, phi, now.surface)
    slope = pressure.slope_force(on, equations, layers, buoyancy)  # b grad(s)
    slow = advected.vorticity_flux - gradient(grid, slow_energy) + advected.vertical + force + extrapolated * slope
    fast = (1.0 - extrapolated) * slope - gradient(grid, fast_phi) + friction.force(on, equations, advected.vorticity, at)
    damping = filters.damping(equations, now)
    change, slow = steppers.change(on, weights, slow, fast + damping, now.history)
    change = filters.filtered(on, equations, change) - damping

    # Implicit, and so of first order, wherever it stands: in the last stage it costs one solve a step and damps all of it
    closures, mixed = vertical_mixing.closed(on, equations, dt, at, start.closure) if stage.last else ((), None)
    inner = velocity.advanced(on, equations, dt, layers, mixed, change, start)
    u, v, means = open_boundaries.entering(on, equations, dt, at, start, *inner)

    # Mass: the moving boundary and the depth mean together, in one step or in barotropic substeps
    u, v, flow, outflow = free_surface.advanced(on, equations, stage, layers, weights, start, now, sums, u, v, means)

    # Tracers move with the transport that moves mass, so that a constant tracer stays constant
    unresolved = eddies.diagnosed(on, equations, at)
    w, surface, moved = tracers.advanced(on, equations, dt, at, weights, start, now, flow, outflow, mixed, unresolved, sources)

    u, v, surface, moved = open_boundaries.outside(on, equations, u, v, surface, moved)

    # Closures last, with the flow at the end; their columns are those of the implicit solves
    after = Instant(u, v, w, surface, moved, now.time, start.closure, layers, mixed=mixed, eddies=unresolved)
    closure = completed(on, equations, dt, closures, start, after) if stage.last else now.closure
    return State(u, v, w, surface, moved, closure, steppers.remembered(on, weights, now, slow), now.step, now.time)


def with_halos(on: Any, equations: Equations, state: State) -> State:
    """A state whose halos are filled as far as a step reads them."""
    number = len(state.tracers)
    places = (Place.WEST_FACE, Place.SOUTH_FACE, Place.LOWER_FACE, *[Place.CENTER] * (1 + number), *equations.closure_places)
    u, v, w, surface, *others = on.completed(*zip(places, (*state[:4], *state.tracers, *state.closure), strict=True))
    return state._replace(u=u, v=v, w=w, surface=surface, tracers=tuple(others[:number]), closure=tuple(others[number:]))
