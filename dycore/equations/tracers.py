"""Tracers after a stage: advection, sources, diffusion and implicit vertical mixing, with the transport that moves mass."""

from __future__ import annotations

from typing import Any

from dycore.equations import advection, column, continuity, diffusion
from dycore.equations.continuity import filtered_divergences
from dycore.equations.steppers import extrapolated_tracer
from dycore.equations.vertical_mixing import eliminate, exchange_rates
from dycore.stencils import coefficient_at, stencil, where
from dycore.terms import Term, bound


def advanced(on: Any, equations: Any, time_step: Any, layers: Any, weights: tuple, start: Any, now: Any, flow: Any, total: Any,
             mixed: Any, sources: tuple) -> tuple:
    """W through the levels, the moving boundary and the tracers after the stage, all moved by the same transport."""
    grid, stretching = equations.grid, layers.stretching
    midway = tuple(extrapolated_tracer(on, weights, tracer, tuple(past.tracers[number] for past in now.history))
                  for number, tracer in enumerate(now.tracers))
    fluxes = tuple(on.store(advection.flux(equations, flow.transport_u, flow.transport_v, half)
                            + diffusion.flux(on, equations, (flow.width_u, flow.width_v), tracer))
                   for tracer, half in zip(now.tracers, midway, strict=True))
    total, of_mass, *of_tracers = filtered_divergences(
        on, equations, total, bound(continuity.divergence, grid, flow.transport_u, flow.transport_v),
        *(bound(continuity.divergence, grid, flux.u, flux.v) for flux in fluxes))

    surface = on(continuity.advance_surface, time_step, start.surface, total)
    inverse = on(column.inverse_stretching, grid, surface)
    if now is not start:
        stretching = on(column.stretching, grid, start.surface)
    _, (w,) = on.upward(continuity.flux_through_levels, continuity.no_flux, grid, of_mass, total)
    w = on.whole(w)  # tracers read W = 0 above the last level
    rise = (bound(advection.flux_z, grid, equations.parameters.vertical_face, w, half) for half in midway)
    terms = (source_term(layers, source) for source in sources)
    moved = tuple(one(on, grid, mixed, (grid, time_step, stretching, inverse, divergence, flux, source, tracer))
                  for divergence, flux, source, tracer in zip(of_tracers, rise, terms, start.tracers, strict=True))
    return w, surface, moved


def source_term(layers: Any, source: Term) -> Term:
    """Source of a tracer per reference thickness [k, j, i] (its unit per s)."""
    return layers.stretching * source if source.parts else source


def one(on: Any, grid: Any, mixed: Any, arguments: tuple) -> Any:
    """A tracer after the stage, mixed across the levels where there is mixing; `arguments` are those of `tracer_step`."""
    if mixed is None:
        return on(tracer_step, *arguments)
    _, eliminated = on.upward(tracer_step_mixed, nothing_eliminated, *arguments, mixed.diffusivity)
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
