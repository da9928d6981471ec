"""Tracers after a stage: advection, sources, diffusion and implicit vertical mixing, with the transport that moves mass."""

from __future__ import annotations

from typing import Any

from dycore.equations import advection, column, continuity, diffusion
from dycore.equations.advection import Source, tracer_step
from dycore.equations.continuity import filtered_divergences
from dycore.equations.steppers import tracer_ahead
from dycore.equations.vertical_mixing import eliminate, exchange_rates
from dycore.forcing import Rate, nothing
from dycore.stencils import stencil, where


@stencil
def nothing_eliminated(j, i, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer, mixed):
    """No level below the lowest."""
    return 0.0, 0.0


@stencil
def tracer_step_mixed(k, j, i, carried, grid, time_step, stretching, inverse_new, horizontal, values, source, w, tracer, mixed):
    """As dycore.equations.advection.tracer_step, up to the forward elimination of vertical mixing: its ratio and value."""
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


def source(on: Any, equations: Any, flow: Any, tracer: Any, layers: Any, rate: Rate, at: Any, ahead: Any) -> Source:
    """What the fluxes of one tracer are made of; `rate` is what forcings do to it, `ahead` its value half a step ahead."""
    parameters = equations.parameters
    lines = (advection.coastal_x, advection.coastal_y) if equations.has_land else (advection.line_x, advection.line_y)
    spread: tuple = (diffusion.no_diffusion, diffusion.no_diffusion, 0.0, None)
    if parameters.diffusivity is not None:
        diffused, diffusivity = tracer, parameters.diffusivity
        if parameters.biharmonic_diffusion:
            diffused, diffusivity = on(diffusion.laplacian, equations.grid, tracer), -diffusivity
        spread = (diffusion.diffusion_x, diffusion.diffusion_y, diffusivity, diffused)
    supply: tuple = (advection.no_supply, None, None, None)
    if rate.of is not nothing:
        supply = (advection.supply, rate, layers, at)
    return Source(flow, parameters.tracer_face, parameters.vertical_face, *lines, *spread, ahead, *supply)  # type: ignore[call-arg]


def advanced(on: Any, equations: Any, time_step: Any, layers: Any, weights: tuple, start: Any, now: Any, flow: Any, total: Any,
             mixed: Any, rates: list[Rate], at: Any) -> tuple:
    """W through the levels, the moving boundary and the tracers after the stage, all moved by the same transport."""
    grid, stretching = equations.grid, layers.stretching
    ahead = tuple(tracer_ahead(on, weights, tracer, tuple(past.tracers[number] for past in now.history))
                  for number, tracer in enumerate(now.tracers))
    sources = tuple(source(on, equations, flow, tracer, layers, rate, at, value)
                    for tracer, rate, value in zip(now.tracers, rates, ahead, strict=True))
    fluxes = tuple(on(advection.fluxes, grid, each) for each in sources)
    total, of_mass, *of_tracers = filtered_divergences(on, equations, total, (continuity.divergence, flow),
                                                       *((advection.tracer_divergence, flux) for flux in fluxes))

    surface = on(continuity.advance_surface, time_step, start.surface, total)
    inverse = on(column.inverse_stretching, grid, surface)
    if now is not start:
        stretching = on(column.stretching, grid, start.surface)
    _, (w,) = on.upward(continuity.flux_through_levels, continuity.no_flux, grid, *of_mass, total)
    w = on.whole(w)  # tracers read W = 0 above the last level
    moved = tuple(one(on, grid, mixed, tracer, (grid, time_step, stretching, inverse, *horizontal, each, w, tracer))
                  for horizontal, each, tracer in zip(of_tracers, sources, start.tracers, strict=True))
    return w, surface, moved


def one(on: Any, grid: Any, mixed: Any, tracer: Any, arguments: tuple) -> Any:
    """A tracer after the stage, mixed across the levels where there is mixing; `arguments` are those of `tracer_step`."""
    if mixed is None:
        return on(tracer_step, *arguments)
    _, eliminated = on.upward(tracer_step_mixed, nothing_eliminated, *arguments, mixed)
    _, (new,) = on.downward(substitute_tracer, no_tracer, grid, *eliminated, tracer)
    return new
