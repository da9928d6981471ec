"""Rates by the forcings of a model at a state: what a network that replaces them is trained on, before it meets the solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore import forcing
from dycore.assembly.values import joined
from dycore.backends import on_numpy
from dycore.equations import column, pressure
from dycore.fields import map_arguments
from dycore.forcing import Instant
from dycore.grid import Grid, interior
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.program import Program, planned
from dycore.state import State
from dycore.terms import Term
from dycore.time_series import at_step


class Rates(NamedTuple):
    """Rates of the wind on west and south faces (m/s2) and of each tracer (its unit per s), [k, j, i] without halo."""

    u: Any
    v: Any
    tracers: tuple[Any, ...]


def forcing_rates(grid: Grid, parameters: Parameters) -> Callable[[State], Rates]:
    """The function of a state that gives the rates by all forcings of a model, zero where there are none, as NumPy has them.

    It raises ValueError for a state that does not belong to the model.
    """
    model = Model(grid, parameters, on_numpy)

    def at(state: State) -> Rates:
        model.check_state(state)
        return rates_at(model, state)

    return at


def rates_at(model: Model, state: State) -> Rates:
    """Rates by all forcings of a model at a state, in one process; on JAX they have derivatives by both."""
    backend, tile = model.backend, model.tile
    recorder, given = backend.recorder(), (model.numbers, model.asarrays(state))
    kept = planned(recorder, tile, lambda on: arrays(on, model, *map_arguments(recorder.placeholder, given)), (), alone=True)

    def on_cells(rate: Any) -> Any:
        whole = np.zeros(tile.region.padded, model.grid.dtype) if isinstance(rate, Term) else backend.whole(tile, rate).array
        return interior(whole)

    u, v, *tracers = map(on_cells, stored(Program(backend, tile, kept), model, *given))
    return Rates(u, v, tuple(tracers))


def stored(on: Any, model: Model, numbers: tuple, state: State) -> tuple:
    """Stored rates of u, v and the tracers, and terms for those that are zero."""
    equations = joined(model.choices, numbers)
    layers = column.stretched(on, equations.grid, equations.parameters.fluid, state.surface)
    phi, buoyancy = pressure.hydrostatic_balance(on, equations, layers, state)
    at = Instant(state.u, state.v, state.w, state.surface, state.tracers, state.time, state.closure, layers, phi, buoyancy)
    velocity, tracers = forcing.forces(on, equations.grid, at_step(on, equations.forcing, state.step), at)
    return (*on.store(velocity), *(on.store(tracer) for tracer in tracers))


def arrays(on: Any, model: Model, numbers: tuple, state: State) -> tuple:
    """The arrays of `stored` rates."""
    return tuple(rate.array for rate in stored(on, model, numbers, state) if not isinstance(rate, Term))
