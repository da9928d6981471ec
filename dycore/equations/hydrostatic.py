"""The hydrostatic equations of an ocean or an atmosphere: one stage of a time step, process by process.

    momentum      du/dt = (f + zeta) v - dK/dx - w du/dr - d(phi)/dx + b ds/dx + forcing + friction
    hydrostatics  d(phi) = b ds
    mass          dR/dt = -sum_k div(h u),   W from div(h u) and dR/dt
    tracers       d(h c)/dt = -div(h u c) - d(W c)/dr + h forcing - div(diffusive flux) + vertical mixing
"""

from __future__ import annotations

from typing import Any

from dycore.equations import (
    column,
    continuity,
    free_surface,
    friction,
    momentum,
    pressure,
    tendencies,
    tracers,
    velocity,
    vertical_mixing,
)
from dycore.equations.records import Equations
from dycore.equations.steppers import Stage, remembered, weights
from dycore.forcing import Instant, rates
from dycore.state import State
from dycore.tiles import Place
from dycore.time_series import at_step


def step(on: Any, equations: Equations, state: State) -> State:
    """One time step: stages that all begin at `state`, each with the tendencies of what the one before reached."""
    equations = equations._replace(forcing=at_step(on, equations.forcing, state.step))
    reached, steps = state, state.step + 1
    on.given(*state.closure)
    for part in equations.parameters.stepper.stages:
        reached = with_halos(on, equations, stage(on, equations, part, state, reached))
    return reached._replace(step=steps, time=steps * equations.parameters.time_step)


def stage(on: Any, equations: Equations, part: Stage, start: State, now: State) -> State:
    """The state after a stage that goes `part.fraction` of a step from `start`, with the tendencies of `now`."""
    grid, parameters = equations.grid, equations.parameters
    fluid, dt = parameters.fluid, part.fraction * parameters.time_step
    ahead = weights(parameters.stepper, equations.adams_bashforth, now.step)

    # Diagnosed from the state: layer thickness, hydrostatic balance, vertical velocity
    layers = column.stretched(on, grid, fluid, now.surface)
    phi, buoyancy = pressure.hydrostatic_balance(on, grid, layers, equations.heights, fluid, now.surface,
                                                 equations.buoyant(now.tracers))
    motion, potential = momentum.motion(on, equations, layers, phi, now)
    sums, w = (None, now.w) if ahead else continuity.diagnosed_flux(on, equations, layers, now)
    at = Instant(now.u, now.v, w, now.surface, now.tracers, now.time, now.closure, layers, phi, buoyancy)

    # Momentum: what the stepper extrapolates, and the rest of the explicit terms
    force_u, force_v, *sources = rates(equations.forcing, len(now.tracers))
    rubbed = friction.forces(on, grid, parameters.friction, equations.viscosity, motion, now.u, now.v)
    change, slow = tendencies.change(on, equations, ahead, layers, motion, potential, buoyancy, rubbed, (force_u, force_v), at, now)

    # Implicit, and so of first order, wherever it stands: in the last stage it costs one solve a step and damps all of it
    closure, mixed = vertical_mixing.closed(on, equations, dt, at, start.closure) if part.last else (now.closure, None)
    u, v, means = velocity.advanced(on, equations, dt, layers, mixed, change, start)

    # Mass: the moving boundary and the depth mean together, in one step or in barotropic substeps
    u, v, flow, total = free_surface.settled(on, equations, part, layers, ahead, start, now, sums, u, v, means)

    # Tracers move with the transport that moves mass, so that a constant tracer stays constant
    w, surface, advected = tracers.advanced(on, equations, dt, layers, ahead, start, now, flow, total, mixed, sources, at)
    return State(u, v, w, surface, advected, closure, remembered(on, ahead, now, slow), now.step, now.time)


def with_halos(on: Any, equations: Equations, state: State) -> State:
    """A state whose halos are filled as far as a step reads them."""
    tracers = len(state.tracers)
    places = (Place.WEST_FACE, Place.SOUTH_FACE, Place.LOWER_FACE, *[Place.CENTER] * (1 + tracers), *equations.closure_places)
    u, v, w, surface, *others = on.completed(*zip(places, (*state[:4], *state.tracers, *state.closure), strict=True))
    return state._replace(u=u, v=v, w=w, surface=surface, tracers=tuple(others[:tracers]), closure=tuple(others[tracers:]))
