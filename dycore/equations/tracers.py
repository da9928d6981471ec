"""Tracers after a stage: advection, sources, diffusion and implicit vertical mixing, with the transport that moves mass."""

from __future__ import annotations

from typing import Any

from dycore.equations import advection, column, continuity, diffusion, eddies
from dycore.equations.continuity import filtered_divergences
from dycore.equations.steppers import extrapolated_tracer
from dycore.equations.vertical_mixing import eliminate, exchange_rates
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Term, Vector, as_term, bound


def advanced(on: Any, equations: Any, time_step: Any, at: Any, weights: tuple, start: Any, now: Any, flow: Any, total: Any,
             mixed: Any, unresolved: Any, sources: tuple) -> tuple:
    """W through the levels, the moving boundary and the tracers after the stage, all moved by the same transport.

    Eddies that are `unresolved` (dycore.equations.eddies) move tracers further and mix them, but move no mass; W is without them.
    """
    grid, layers, stretching = equations.grid, at.layers, at.layers.stretching
    midway = tuple(extrapolated_tracer(on, weights, tracer, tuple(past.tracers[number] for past in now.history))
                  for number, tracer in enumerate(now.tracers))
    residual = eddies.residual_flow(on, grid, layers, unresolved, flow)
    neutral = tuple(eddies.neutral_flux(on, equations, layers, unresolved, tracer) for tracer in now.tracers)
    fluxes = (advection.flux(equations, residual.transport_u, residual.transport_v, half)
              + diffusion.flux(on, equations, (flow.width_u, flow.width_v), tracer)
              for tracer, half in zip(now.tracers, midway, strict=True))
    total, of_mass, of_residual, of_tracers = divergences(on, equations, total, flow, residual, tuple(fluxes), neutral)

    surface = on(continuity.advance_surface, time_step, start.surface, total)
    inverse = on(column.inverse_stretching, grid, surface)
    if now is not start:
        stretching = on(column.stretching, grid, start.surface)
    w = moving = continuity.through_levels(on, grid, of_mass, total)
    if residual is not flow:
        moving = continuity.through_levels(on, grid, of_residual, total)
    rise = (bound(advection.flux_z, grid, equations.parameters.vertical_face, moving, half) + each.across
            for half, each in zip(midway, neutral, strict=True))
    diffusivity = eddies.diffusivity_across(on, grid, layers, unresolved, mixed)
    terms = (source_term(layers, source) for source in sources)
    moved = tuple(one(on, grid, diffusivity, (grid, time_step, stretching, inverse, divergence, flux, source, tracer))
                  for divergence, flux, source, tracer in zip(of_tracers, rise, terms, start.tracers, strict=True))
    return w, surface, moved


def divergences(on: Any, equations: Any, total: Any, flow: Any, residual: Any, fluxes: tuple, neutral: tuple) -> tuple:
    """Divergences of a column, of both flows, and of each tracer with its neutral flux, which near poles is not filtered."""
    def of(flux_u: Any, flux_v: Any) -> Term:
        return bound(continuity.divergence, equations.grid, flux_u, flux_v)

    filtered = equations.filtered
    stored = [on.store(flux + (Vector() if filtered else each.along)) for flux, each in zip(fluxes, neutral, strict=True)]
    flows = (flow,) if residual is flow else (flow, residual)
    total, *found = filtered_divergences(on, equations, total, *(of(each.transport_u, each.transport_v) for each in flows),
                                         *(of(flux.u, flux.v) for flux in stored))
    of_tracers = found[len(flows):]
    if filtered and any(each.along.u.parts for each in neutral):
        beside = (on.store(each.along) for each in neutral)
        of_tracers = [as_term(one) + of(flux.u, flux.v) for one, flux in zip(of_tracers, beside, strict=True)]
    return total, found[0], found[len(flows) - 1], of_tracers


def source_term(layers: Any, source: Term) -> Term:
    """Source of a tracer per reference thickness [k, j, i] (its unit per s)."""
    return layers.stretching * source if source.parts else source


def one(on: Any, grid: Any, diffusivity: Any, arguments: tuple) -> Any:
    """A tracer after the stage, mixed across the levels by a diffusivity, if any; `arguments` are those of `tracer_step`."""
    if diffusivity is None:
        return on(tracer_step, *arguments)
    _, eliminated = on.upward(tracer_step_mixed, nothing_eliminated, *arguments, diffusivity)
    _, (new,) = on.downward(substitute_tracer, no_tracer, grid, *eliminated, arguments[-1])
    return new


@stencil
def tracer_step(k, j, i, grid, time_step, stretching, inverse_new, divergence, vertical_flux, source, tracer):
    """Tracer at centres one step later (its unit), from divergence along levels, flux across them and sources."""
    rise = grid.inverse_dr[k] * (vertical_flux[k + 1, j, i] - vertical_flux[k, j, i])
    outflow = grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, divergence[k, j, i] + rise)
    content = stretching[j, i] * tracer[k, j, i] - time_step * (outflow - source[k, j, i])
    return where(k >= grid.floor[j, i], content * inverse_new[j, i], tracer[k, j, i])


@stencil
def nothing_eliminated(j, i, grid, time_step, stretching, inverse_new, divergence, vertical_flux, source, tracer, diffusivity):
    """Ratio and value below the lowest level: none."""
    return 0.0, 0.0


@stencil
def tracer_step_mixed(k, j, i, carried, grid, time_step, stretching, inverse_new, divergence, vertical_flux, source, tracer,
                      diffusivity):
    """Ratio and value of a tracer at centres after `tracer_step` and the forward elimination of vertical mixing."""
    new = tracer_step(k, j, i, grid, time_step, stretching, inverse_new, divergence, vertical_flux, source, tracer)
    down, up = exchange_rates(k, grid, grid.floor[j, i], time_step, inverse_new[j, i],
                              coefficient_at(k, j, i, diffusivity), coefficient_at(k + 1, j, i, diffusivity))
    up = grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, up)
    ratio, value = eliminate(down, up, 0.0, new, carried[0], carried[1])
    return (ratio, value), (ratio, value)


@stencil
def no_tracer(j, i, grid, ratio, value, tracer):
    """Tracer above the uppermost level: none."""
    return (0.0,)


@stencil
def substitute_tracer(k, j, i, carried, grid, ratio, value, tracer):
    """Tracer at centres (its unit) by back substitution; carries it downwards."""
    new = where(k >= grid.floor[j, i], value[k, j, i] + ratio[k, j, i] * carried[0], tracer[k, j, i])
    return (new,), (new,)
