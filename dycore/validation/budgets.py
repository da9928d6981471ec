"""What must not change: rest over topography, and the content of mass, tracers and energy over many steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore import cases
from dycore.fluid import Atmosphere, Ocean
from dycore.grid import Grid, interior, latitude_longitude, rectilinear
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state
from dycore.tiles import HALO_LEVELS
from dycore.validation.evidence import Evidence, Row, within
from dycore.vertical import uniform

DAY = 86400.0  # s


def at_rest(model: Model, state: State) -> float:
    """The largest speed of a component (m/s)."""
    return max(float(np.abs(interior(np.asarray(model.backend.to_numpy(part)))).max()) for part in (state.u, state.v))


# Rest ------------------------------------------------------------------------------------------------


def ridge(partial_cells: float | None, backend: Any) -> tuple[Model, State]:
    """An ocean of 4000 m with a ridge of 2500 m across it, temperature falling exponentially with depth, on an f-plane."""
    cells = (8, 6, 24)
    crest = -4000.0 + 2500.0 * np.exp(-(((np.arange(24) - 11.5) / 4.0) ** 2))
    grid = rectilinear(cells, extent=(1.2e6, 3.0e5), interfaces=uniform(8, -4000.0, 0.0), coriolis=1.0e-4,
                       bottom=np.broadcast_to(crest, cells[1:]), partial_cells=partial_cells)
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    parameters = Parameters(Ocean(), time_step=1200.0, substeps=40, tracer_names=("temperature", "salinity"))
    state = initial_state(grid, surface=0.0, tracers=(2.0 + 18.0 * np.exp(centre / 800.0), 35.0))
    return Model(grid, parameters, backend), state


def mountain(isentropic: bool, levels: int, backend: Any) -> tuple[Model, State]:
    """Air over a mountain of 2000 m in middle latitudes, isentropic (300 K) or isothermal (288 K), balanced with gravity.

    Surface pressure is that of the fluid's own column: Exner function falls linearly with height where
    the potential temperature is uniform, pressure exponentially where the temperature is.
    """
    cells = (levels, 24, 48)
    fluid = Atmosphere()
    grid = latitude_longitude(cells, interfaces=uniform(levels, 0.0, fluid.reference_pressure))
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    cosine = np.sin(np.pi / 4.0) * np.sin(latitude) + np.cos(np.pi / 4.0) * np.cos(latitude) * np.cos(longitude - 0.5 * np.pi)
    height = 2000.0 * np.exp(-((np.arccos(np.clip(cosine, -1.0, 1.0)) / 0.35) ** 2))
    geopotential = fluid.gravity * height
    _, exner = fluid.reference_s(grid.interfaces)
    if isentropic:
        theta: Any = 300.0
        surface = fluid.reference_pressure * (1.0 - geopotential / (fluid.heat_capacity * 300.0)) ** (1.0 / fluid.kappa)
    else:
        surface = fluid.reference_pressure * np.exp(-geopotential / (fluid.gas_constant * 288.0))
        theta = 288.0 / (exner[:, None, None] * (surface / fluid.reference_pressure) ** fluid.kappa)
    grid = grid.with_surface_geopotential(geopotential)
    parameters = Parameters(fluid, time_step=600.0, tracer_names=("potential_temperature",))
    return Model(grid, parameters, backend), initial_state(grid, surface=surface, tracers=(theta,))


# Content ---------------------------------------------------------------------------------------------


class Content(NamedTuple):
    """What a domain holds."""

    mass: float  # volume (m3), or mass times gravity (Pa m2)
    tracers: tuple[float, ...]  # mass times tracer
    energy: float  # J per kg/m3 of reference density (ocean), J times gravity (atmosphere)


def energy_of_motion(grid: Grid, stretching: np.ndarray, velocity: np.ndarray, at_u: bool) -> float:
    """Half the square of a component of the velocity, over the volume about its faces; all [k, j, i] with halo."""
    metrics = grid.metrics
    floor, fraction, area = ((metrics.floor_u, metrics.fraction_u, metrics.area_u) if at_u else
                             (metrics.floor_v, metrics.fraction_v, metrics.area_v))
    levels = HALO_LEVELS + np.arange(grid.cells[0])[:, None, None]
    dr = metrics.dr[HALO_LEVELS: HALO_LEVELS + grid.cells[0], None, None]
    open_part = np.where(levels > interior(floor), 1.0, np.where(levels == interior(floor), interior(fraction), 0.0))
    mean = 0.5 * interior(stretching + np.roll(stretching, 1, axis=1 if at_u else 0))
    return float((0.5 * interior(velocity) ** 2 * open_part * dr * interior(area) * mean).sum())


def content(model: Model, state: State) -> Content:
    """Mass, tracers and total energy of a state."""
    grid, metrics, fluid = model.grid, model.grid.metrics, model.parameters.fluid
    surface, u, v = (np.asarray(model.backend.to_numpy(part)) for part in (state.surface, state.u, state.v))
    wet = metrics.floor < metrics.top
    stretching = np.where(wet, (surface - metrics.fixed) * metrics.inverse_thickness, 1.0)
    area, inside = interior(metrics.area), interior(wet)
    mass = grid.volume * interior(stretching)
    tracers = [interior(np.asarray(model.backend.to_numpy(part))) for part in state.tracers]
    moving = energy_of_motion(grid, stretching, u, True) + energy_of_motion(grid, stretching, v, False)
    columns = area * inside * interior(surface - metrics.fixed)
    if isinstance(fluid, Atmosphere):  # cp T, and phi p of the ground: the sum of internal and potential energy
        temperature = tracers[0] * fluid.reference_s(grid.interfaces)[1][:, None, None] * interior(stretching) ** fluid.kappa
        still = fluid.heat_capacity * (mass * temperature).sum() + (columns * interior(metrics.surface_geopotential)).sum()
    else:
        centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
        height = interior(metrics.fixed) + interior(stretching) * (centre - interior(metrics.fixed_reference))
        buoyancy = fluid.gravity * (fluid.thermal_expansion * (tracers[0] - fluid.reference_temperature)
                                    - fluid.haline_contraction * (tracers[1] - fluid.reference_salinity))
        still = -(mass * buoyancy * height).sum() + 0.5 * fluid.surface_gravity * (area * inside * interior(surface) ** 2).sum()
    return Content(float(columns.sum()), tuple(float((mass * tracer).sum()) for tracer in tracers), float(moving + still))


class History(NamedTuple):
    """Contents at some steps, and the energy of motion at the same."""

    steps: np.ndarray
    contents: list[Content]


def history(model: Model, state: State, steps: int, samples: int) -> History:
    """Contents from the beginning to the end of a run."""
    at, contents = np.linspace(0, steps, samples + 1).astype(int), [content(model, state)]
    for before, after in zip(at[:-1], at[1:], strict=True):
        state = model.steps(state, int(after - before))
        contents.append(content(model, state))
    return History(at, contents)
