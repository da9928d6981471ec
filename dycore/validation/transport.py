"""Transport by winds that are given: a model that carries tracers only, its winds, and how errors are measured.

The model's own step carries the tracers: its momentum is frozen (`still` in place of the advection of
momentum, next to no gravity, no rotation), and winds that vary are put into the state before every step.
They derive from a stream function at the corners of cells, so that they have no divergence to round-off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dycore.equations.advection import centred, upwind3, weno5
from dycore.equations.momentum import Advection
from dycore.fluid import shallow_water
from dycore.grid import Grid, interior, latitude_longitude
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, padded
from dycore.terms import Term, Vector
from dycore.tiles import Place
from dycore.validation import measures
from dycore.validation.measures import Norms, cells_of, volume

SCHEMES: dict[str, Callable] = {"centred": centred, "upwind3": upwind3, "weno5": weno5}
DEPTH, NO_GRAVITY = 1000.0, 1.0e-12  # m, m/s2
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of longitude and latitude (radians)


def still(on: Any, grid: Any, layers: Any, at: Any) -> Advection:
    """In place of the advection of momentum: the wind stays as it is given."""
    return Advection(None, Vector(), Term(), Vector())


def sphere(ny: int, radius: float) -> Grid:
    """One layer, ny by 2 ny cells."""
    return latitude_longitude((1, ny, 2 * ny), interfaces=np.array([0.0, DEPTH]), radius=radius, rotation=0.0)


def carrier(grid: Grid, scheme: Callable, time_step: float, names: tuple[str, ...], backend: Any) -> Model:
    """A model that carries tracers and leaves the wind as it is."""
    return Model(grid, Parameters(fluid=shallow_water(NO_GRAVITY), time_step=time_step, tracer_names=names, tracer_face=scheme,
                                  advection=still), backend)


def wind(grid: Grid, stream_function: Function) -> tuple[np.ndarray, np.ndarray]:
    """u = -d psi / dy, v = d psi / dx (m/s) on west and south faces, padded [k, j, i], of psi (m2/s) at the corners."""
    psi = stream_function(np.radians(grid.x_face)[None, :], np.radians(grid.y_face)[:, None]) + 0.0 * grid.x_face
    u = (psi[:-1, :-1] - psi[1:, :-1]) / interior(grid.metrics.dy_u)
    v = (psi[:-1, 1:] - psi[:-1, :-1]) * interior(grid.metrics.inverse_dx_v)
    return padded(grid, Place.WEST_FACE, u[None]), padded(grid, Place.SOUTH_FACE, v[None])


def fields(grid: Grid, functions: Mapping[str, Function]) -> tuple[np.ndarray, ...]:
    """Tracers at the centres of cells."""
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    return tuple(np.broadcast_to(function(longitude, latitude), grid.cells) for function in functions.values())


def norms(grid: Grid, computed: np.ndarray, exact: np.ndarray) -> Norms:
    """Errors of an interior field [k, j, i]."""
    return measures.norms(interior(grid.metrics.area), computed, exact)


def tracer(model: Model, state: State, number: int) -> np.ndarray:
    """A tracer as a NumPy array, interior [k, j, i]."""
    return cells_of(model, state.tracers[number])


def content(model: Model, state: State, number: int) -> float:
    """Tracer content of the domain (m3 times its unit)."""
    return float((volume(model, state) * tracer(model, state, number)).sum())


def order(coarse: float, fine: float, ratio: float) -> float:
    """Order of convergence from two errors at spacings so many times apart."""
    return float(np.log(coarse / fine) / np.log(ratio))
