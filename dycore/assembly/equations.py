"""The equations of a model, put together from its grid and its parameters, with arrays of its backend."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dycore.assembly.open_boundaries import openings_of
from dycore.assembly.values import Slot, is_traced, mapped
from dycore.backend import Backend
from dycore.closures.records import prognostics_of
from dycore.coefficients import on_grid
from dycore.equations import barotropic, friction
from dycore.equations.filters import polar_response
from dycore.equations.pressure import Heights
from dycore.equations.records import Barotropic, Equations
from dycore.equations.steppers import ADAMS_BASHFORTH
from dycore.fields import Field, as_field, map_arguments
from dycore.forcing import Forcing, Module, Stress, in_precision
from dycore.grid import Grid, Metrics, interior
from dycore.halo_sources import fill_halo
from dycore.inputs.forcings import forcings
from dycore.inputs.open_boundaries import open_sides
from dycore.parameters import Mixing, Parameters, in_plain_numbers
from dycore.state import padded
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Halo, HaloWidth, Place, Tile
from dycore.time_series import TimeSeries
from dycore.tracers import read_by


class Geometry(NamedTuple):
    """Parts of the equations that do not depend on numbers of the parameters."""

    grid: Metrics  # of this process
    wide_grid: Metrics | None  # that the barotropic substeps read, on a wide halo; None where it is not wide
    wide: Tile
    substeps_per_exchange: int  # that go without a message
    neighbours: HaloWidth  # 1 where cells of other processes follow


def constant(backend: Backend, tile: Tile, values: Any) -> Any:
    """A field [j, i] of the domain, a profile, a number or a function, as a process keeps it."""
    if not isinstance(values, np.ndarray):
        return values
    return backend.scatter(tile, values, constant=values.ndim == 2) if values.ndim > 1 else backend.asarray(values)


def geometry_of(backend: Backend, grid: Grid, tile: Tile, substeps: int) -> Geometry:
    """The metrics of what this process keeps, and those of its barotropic substeps with a halo as wide as so many of them need."""
    number = len(barotropic.averaging_weights(substeps).velocity) if substeps > 1 else 1
    substeps_per_exchange = backend.communication.substeps_per_exchange(tile, number)
    wide_y, wide_x = (max(HALO, substeps_per_exchange) if split else HALO for split in tile.split)
    wide = tile._replace(halo=(wide_y, wide_x)) if number > 1 else tile
    wide_grid = None
    if wide != tile:
        wide_grid = Metrics(**{name: constant(backend, wide, widened(grid.tile, wide, barotropic.METRICS[name], field))
                               if name in barotropic.METRICS else None for name, field in grid.metrics._asdict().items()})
    metrics = type(grid.metrics)(*(constant(backend, tile, field) for field in grid.metrics))
    return Geometry(metrics, wide_grid, wide, substeps_per_exchange, backend.communication.neighbours(tile))


def widened(whole: Tile, wide: Tile, place: Place, values: np.ndarray) -> np.ndarray:
    """A metric [j, i] of a domain with the halo of a wider tile where that reaches beyond a fold, else as it is."""
    if not whole.fold_rows:
        return values
    wider = whole._replace(halo=wide.halo)
    array = np.zeros(wider.region.padded[1:], values.dtype)
    (south, north), (west, east) = wider.region.columns.ranges
    array[south: north, west: east] = interior(values)
    return fill_halo(wider, place, array, turns=False)


def equations_of(backend: Backend, grid: Grid, parameters: Parameters, tile: Tile, geometry: Geometry) -> Equations:
    """The equations with the numbers of these parameters. Raises ValueError for values of forcings that do not fit the grid."""
    dtype, parameters, value = grid.dtype, on_grid(grid, parameters), partial(with_halo, backend, grid, tile)

    def coefficient(leaf: Any) -> Any:
        return value(leaf) if not isinstance(leaf, Slot) and np.ndim(leaf) else leaf

    def with_arrays(forcing: Forcing | Module) -> Any:
        own = forcing._replace(values=stress_on_fold(forcing.values) if isinstance(forcing.values, Stress) and tile.fold_rows
                               else map_arguments(value, forcing.values))
        return own if isinstance(own, Forcing) else own._replace(weights=map_arguments(weight, own.weights))

    def stress_on_fold(stress: Stress) -> Stress:
        """A stress, whose images beyond a fold are those of a vector."""
        return Stress(value(stress.u, place=Place.WEST_FACE), value(stress.v, place=Place.SOUTH_FACE))

    def weight(leaf: Any) -> Any:
        return backend.asarray(leaf) if is_traced(leaf) or isinstance(leaf, np.ndarray) else leaf

    filtered = grid.tile.y is Boundary.POLE and parameters.polar_filter is not None
    response_u, response_v = (backend.asarray(polar_response(grid, parameters.polar_filter, faces))  # type: ignore[arg-type]
                              for faces in (False, True)) if filtered else (None, None)
    viscosity = None if parameters.friction is None else viscosity_of(backend, grid, tile, parameters.friction)
    return Equations(
        parameters=mapped(coefficient, without_fields(parameters)), grid=geometry.grid,
        heights=Heights(*map(value, parameters.fluid.reference_s(grid.interfaces))),
        adams_bashforth=backend.asarray(ADAMS_BASHFORTH.astype(dtype)), barotropic=substepping(backend, grid, parameters, geometry),
        response_u=response_u, response_v=response_v, viscosity=viscosity,
        forcing=tuple(map(with_arrays, forcings(grid, parameters))),
        read=read_by(parameters.fluid.buoyancy, parameters.tracer_names), has_land=grid.has_land,
        closure_places=tuple(field.place for field in prognostics_of(parameters)),
        openings=openings_of(grid, parameters, value), open_at=tuple(open_sides(parameters.open_boundaries)))


def with_halo(backend: Backend, grid: Grid, tile: Tile, values: Any, record: int | None = None, place: Place = Place.CENTER) -> Any:
    """Values at cell centres [k], [j, i] or [k, j, i] as a process keeps them, with their halo; a number in the grid's precision.

    record: its number, where the values are one of a time series. A profile of one stays in NumPy: it is made new at every step.
    place: where they have images beyond a fold.
    """
    if callable(values):
        return values
    if is_traced(values) and values.ndim:
        return traced(backend, tile, values, grid.dtype, place)
    if isinstance(values, TimeSeries):
        return values.mapped(lambda number, record: with_halo(backend, grid, tile, record, number, place))
    if np.ndim(values) == 0:
        return in_precision(grid.dtype, values)
    if values.ndim == 1:
        whole = np.zeros(grid.tile.region.padded[0], grid.dtype)
        whole[HALO_LEVELS: HALO_LEVELS + len(values)] = values
        return backend.asarray(whole) if record is None else whole
    # values may be new from call to call, and are kept in one shape, on whatever axis some of them are constant
    return backend.scatter(tile, padded(grid, place, values))


def viscosity_of(backend: Backend, grid: Grid, tile: Tile, mixing: Mixing) -> friction.Viscosity:
    """Coefficients of friction as a process keeps them; those that vary in the parameters as fields, which may be new later."""
    def whole(grid: Grid, values: Any) -> Any:
        if not is_traced(values) or not values.ndim:
            return friction.with_halo(grid, values)
        field = traced(backend, tile, values, grid.dtype)
        return field[:, None, None] if field.ndim == 1 else field

    varying = np.ndim(mixing.divergence) > 0, np.ndim(mixing.vorticity) > 0, False, False, False
    return friction.Viscosity(*(
        backend.scatter(tile, field) if each and not is_traced(field) else constant(backend, tile, field)
        for field, each in zip(friction.viscosities(grid, mixing, whole), varying, strict=True)))


def without_fields(parameters: Parameters) -> Parameters:
    """The parameters without what equations keep apart: stress, forcings, open sides and the coefficients of friction."""
    friction = parameters.friction and replace(parameters.friction, divergence=0.0, vorticity=0.0)
    return replace(parameters, surface_stress=None, forcing=(), open_boundaries=None, friction=friction)


def traced(backend: Any, tile: Tile, values: Any, dtype: np.dtype, place: Place = Place.CENTER) -> Any:
    """A field that JAX traces, [k], [j, i] or [k, j, i] without halo, with its halo. ValueError where a domain is divided."""
    if values.ndim > 1 and tile.processes != (1, 1):
        raise ValueError(f"A field of the shape {tuple(values.shape)} among the parameters is traced by JAX, as a whole, "
                         f"but the domain is divided among {tile.processes[0]} x {tile.processes[1]} processes. Give fields "
                         "that are known, or numbers and profiles, or use one process.")
    values = backend.library.asarray(values, dtype)
    if values.ndim == 1:
        return backend.library.pad(values, HALO_LEVELS)
    cells = tile.region if values.ndim == 3 else tile.region.columns
    field = Field(values, cells.ranges, tuple(start for start, _ in cells.ranges))
    return as_field(backend.exchange((Halo(tile, place), field))[0]).array


def substepping(backend: Backend, grid: Grid, parameters: Parameters, geometry: Geometry) -> Barotropic | None:
    """Inputs of the barotropic substeps, where there are any."""
    if parameters.substeps == 1:
        return None
    averaging = tuple(tuple(backend.asarray(np.asarray(weights, grid.dtype))
                            for weights in barotropic.stage_weights(parameters.substeps, stage)[:2])
                      for stage in parameters.stepper.stages)
    depth = float(grid.interfaces[-1] - grid.interfaces[0])
    gravity = in_plain_numbers(parameters.fluid.wave_speed(grid.interfaces) ** 2 / depth)
    return Barotropic(geometry.wide_grid, geometry.wide, geometry.substeps_per_exchange, geometry.neighbours, averaging, gravity)
