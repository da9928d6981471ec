"""The equations of a model, put together from its grid and its parameters, with arrays of its backend."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.backend import Backend
from dycore.closures.records import prognostics_of
from dycore.driving import forcings
from dycore.equations import barotropic, friction
from dycore.equations.filters import polar_response
from dycore.equations.pressure import Heights
from dycore.equations.records import Barotropic, Equations
from dycore.equations.steppers import ADAMS_BASHFORTH
from dycore.fields import map_arguments
from dycore.forcing import in_precision
from dycore.grid import Grid, Metrics
from dycore.parameters import Parameters, in_plain_numbers
from dycore.state import padded
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Place, Reach, Tile
from dycore.time_series import TimeSeries
from dycore.tracers import read_by


class Geometry(NamedTuple):
    """What of the equations does not depend on numbers of the parameters."""

    grid: Metrics  # of this process
    wide_grid: Metrics | None  # that the barotropic substeps read, on a wide halo; None where it is not wide
    wide: Tile
    together: int  # substeps that go without a message
    sides: Reach  # 1 where cells of other processes follow


def constant(backend: Backend, tile: Tile, values: Any) -> Any:
    """A field [j, i] of the domain, a profile, a number or a function, as a process keeps it."""
    if not isinstance(values, np.ndarray):
        return values
    return backend.scatter(tile, values, constant=True) if values.ndim == 2 else backend.asarray(values)


def geometry_of(backend: Backend, grid: Grid, tile: Tile, substeps: int) -> Geometry:
    """The metrics of what this process keeps, and those of its barotropic substeps with a halo as wide as so many of them need."""
    number = len(barotropic.averaging_weights(substeps).velocity) if substeps > 1 else 1
    together = backend.communication.substeps_together(tile, number)
    wide_y, wide_x = (max(HALO, together) if n > 1 else HALO for n in tile.processes)
    wide = tile._replace(halo=(wide_y, wide_x)) if number > 1 else tile
    wide_grid = None
    if wide != tile:
        wide_grid = Metrics(**{name: constant(backend, wide, getattr(grid.metrics, name)) if name in barotropic.METRICS else None
                               for name in Metrics._fields})
    metrics = type(grid.metrics)(*(constant(backend, tile, field) for field in grid.metrics))
    return Geometry(metrics, wide_grid, wide, together, backend.communication.sides(tile))


def equations_of(backend: Backend, grid: Grid, parameters: Parameters, tile: Tile, geometry: Geometry) -> Equations:
    """The equations with the numbers of these parameters. Raises ValueError for values of forcings that do not fit the grid."""
    dtype = grid.dtype

    def with_halo(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(grid.tile.region.padded[0], dtype)
        whole[HALO_LEVELS: HALO_LEVELS + len(values)] = values
        return whole

    def profile(values: np.ndarray) -> Any:
        return backend.asarray(with_halo(values))

    def value(values: Any, record: int | None = None) -> Any:
        if isinstance(values, TimeSeries):
            return values.mapped(lambda number, record: value(record, number))
        if np.ndim(values) == 0:
            return in_precision(dtype, values)
        if values.ndim == 1:
            return profile(values) if record is None else with_halo(values)
        whole = padded(grid, Place.CENTER, values)
        alike = record is not None or values.ndim == 3  # records are kept in one shape, on whatever axis one of them is constant
        return backend.scatter(tile, whole) if alike else constant(backend, tile, whole)

    filtered = grid.tile.y is Boundary.POLE and parameters.polar_filter is not None
    response_u, response_v = (backend.asarray(polar_response(grid, parameters.polar_filter, faces))  # type: ignore[arg-type]
                              for faces in (False, True)) if filtered else (None, None)
    viscosity = None if parameters.friction is None else type(viscosities := friction.viscosities(grid, parameters.friction))(
        *(constant(backend, tile, field) for field in viscosities))
    return Equations(
        parameters=parameters.without_values(), grid=geometry.grid,
        heights=Heights(*map(profile, parameters.fluid.reference_s(grid.interfaces))),
        adams_bashforth=backend.asarray(ADAMS_BASHFORTH.astype(dtype)), barotropic=substepping(backend, grid, parameters, geometry),
        response_u=response_u, response_v=response_v, viscosity=viscosity,
        forcing=tuple(forcing._replace(values=map_arguments(value, forcing.values)) for forcing in forcings(grid, parameters)),
        read=read_by(parameters.fluid.buoyancy, parameters.tracer_names), has_land=grid.has_land,
        closure_places=tuple(field.place for field in prognostics_of(parameters)))


def substepping(backend: Backend, grid: Grid, parameters: Parameters, geometry: Geometry) -> Barotropic | None:
    """What the barotropic substeps need, where there are any."""
    if parameters.substeps == 1:
        return None
    averaging = tuple(tuple(backend.asarray(np.asarray(weights, grid.dtype))
                            for weights in barotropic.stage_weights(parameters.substeps, stage)[:2])
                      for stage in parameters.stepper.stages)
    depth = float(grid.interfaces[-1] - grid.interfaces[0])
    gravity = in_plain_numbers(parameters.fluid.wave_speed(grid.interfaces) ** 2 / depth)
    return Barotropic(geometry.wide_grid, geometry.wide, geometry.together, geometry.sides, averaging, gravity)
