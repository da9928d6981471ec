"""A global ocean with real coastlines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore.bathymetry import basins, largest_basin
from dycore.cases import sea_surface
from dycore.cases.default_step import with_time_step
from dycore.cases.southern_channel import background_diffusivity
from dycore.closures import PacanowskiPhilander, TurbulentKineticEnergy, pacanowski_philander
from dycore.directions import along_grid
from dycore.equations.eddies import Eddies
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.geometry.coordinates import check_cells
from dycore.geometry.land_fraction import land_fraction
from dycore.grid import EARTH_RADIUS, Grid, interior, latitude_longitude
from dycore.grid import tripolar as tripolar_grid
from dycore.inputs.given import check_switch
from dycore.parameters import Mixing, Parameters
from dycore.physics.surface import surface_relaxation
from dycore.seawater import teos10
from dycore.state import State, initial_state
from dycore.tiles import Place
from dycore.vertical import stretched

NORTHERNMOST, DEPTH, SHELF, SLOPE, DAY = 76.0, 5000.0, 400.0, 4.0e5, 86400.0  # degrees, m, m, m, s
EDDY_DIFFUSIVITY, SALINITY = 1000.0, 34.7  # m2/s of both kinds; g/kg at first, with all physics
FIRST_SURFACE, ABYSS = 18.0, 1.5  # degree C: at first, at the surface (near the mean of what it is relaxed to) and far below it
# zonal wind stress (N/m2) at latitudes (degrees): trades, westerlies, polar easterlies, rounded
WIND = ((-90.0, 0.0), (-70.0, -0.01), (-50.0, 0.16), (-32.0, 0.0), (-15.0, -0.07), (0.0, -0.03), (15.0, -0.07), (30.0, 0.0),
        (45.0, 0.09), (62.0, 0.0), (75.0, -0.02), (90.0, 0.0))


def bordered(field: np.ndarray, value: float, fold: bool) -> np.ndarray:
    """A field [j, i] with a row of a value before and behind it; behind it the last row turned round, along a fold."""
    padded = np.pad(field, ((1, 1), (0, 0)), constant_values=value)
    if fold:
        padded[-1] = field[-1, ::-1]
    return padded


def distance_to_land(wet: np.ndarray, dx: np.ndarray, dy: Any, fold: bool = False) -> np.ndarray:
    """Distance (m) along rows, columns and diagonals from a cell to the nearest land; dx, dy [j, i], [j, 1] or one for all."""
    distance = np.where(wet, np.inf, 0.0)
    steps = [(a, b, np.hypot(a * dy, b * dx)) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
    while True:
        padded = bordered(distance, np.inf, fold)
        new = np.minimum.reduce([distance] + [np.roll(padded, b, 1)[1 + a: 1 + a + len(wet)] + step for a, b, step in steps])
        if (new == distance).all():
            return distance
        distance = new


def surface_temperature(latitude: np.ndarray) -> np.ndarray:
    """Temperature (degree C) to which the surface is relaxed: 28 in the tropics, freezing at the poles."""
    return -1.8 + 29.8 * np.cos(np.radians(latitude)) ** 2


def depths(away: np.ndarray) -> np.ndarray:
    """Position of the bottom (m) so far away from land (m)."""
    return -SHELF - (DEPTH - SHELF) * (1.0 - np.exp(-away / SLOPE))


class World(NamedTuple):
    """A grid with coasts and depths, its latitudes [j, i], the shortest cell (m), and stress by zonal wind along it (N/m2)."""

    grid: Grid
    latitude: np.ndarray
    shortest: float
    stress: tuple[Any, Any]


def on_parallels(cells: tuple[int, int, int], precision: str) -> World:
    """The world without the Arctic."""
    nz, ny, nx = cells
    latitudes = (-NORTHERNMOST, NORTHERNMOST)
    wet = largest_basin(basins(land_fraction(ny, nx, latitudes) < 0.5, periodic=True))
    latitude = -NORTHERNMOST + (np.arange(ny) + 0.5) * 2.0 * NORTHERNMOST / ny
    dy = EARTH_RADIUS * np.radians(2.0 * NORTHERNMOST / ny)
    dx = EARTH_RADIUS * np.radians(360.0 / nx) * np.cos(np.radians(latitude))[:, None]
    bottom = depths(np.where(wet, distance_to_land(wet, dx, dy), 0.0))
    grid = latitude_longitude(cells, interfaces=stretched(nz, DEPTH, 20.0), latitudes=latitudes, bottom=bottom, land=~wet,
                              partial_cells=0.2, precision=precision)
    stress = np.interp(latitude, *np.transpose(WIND))
    return World(grid, np.broadcast_to(latitude[:, None], (ny, nx)), float(dx.min()),
                 (np.broadcast_to(stress[:, None], (ny, nx)), 0.0))


def with_the_arctic(cells: tuple[int, int, int], precision: str) -> World:
    """The world on a tripolar grid. Raises ValueError for cells that make none."""
    options: dict[str, Any] = {"interfaces": stretched(cells[0], DEPTH, 20.0), "precision": precision}
    plain = tripolar_grid(cells, **options)
    dx, dy = (interior(length).astype(float) for length in (plain.metrics.dx_u, plain.metrics.dy_v))
    land = (land_on(plain) >= 0.5) | sea_surface.closed(plain.longitude, plain.latitude)
    wet = largest_basin(basins(~land[:-1], periodic=True, fold=True))
    away = np.where(wet, distance_to_land(wet, dx[:-1], dy[:-1], fold=True), 0.0)
    land, bottom = (np.concatenate([field, field[-1:, ::-1]]) for field in (~wet, depths(away)))  # the fold row
    grid = tripolar_grid(cells, bottom=bottom, land=land, partial_cells=0.2, **options)
    stress = [along_grid(grid, np.interp(grid.geographic(place).latitude, *np.transpose(WIND)), 0.0, place)
              for place in (Place.WEST_FACE, Place.SOUTH_FACE)]
    shortest = (1.0 / np.hypot(1.0 / dx, 1.0 / dy))[:-1][wet].min()
    return World(grid, grid.latitude, float(shortest), (stress[0][0], stress[1][1]))


def land_on(grid: Grid) -> np.ndarray:
    """Share of land in the cells of a grid [j, i]: its mean over the nine points of the supergrid in and about each."""
    ny, nx = 1080, 2160  # a sixth of a degree
    fraction, (_, rows, columns) = land_fraction(ny, nx, (-90.0, 90.0)), grid.cells
    total = np.zeros((rows, columns))
    for south in (slice(0, -1, 2), slice(1, None, 2), slice(2, None, 2)):
        for west in (slice(0, -1, 2), slice(1, None, 2), slice(2, None, 2)):
            places = grid.points.at(south, west)
            j = np.minimum(((places.latitude + 90.0) / 180.0 * ny).astype(int), ny - 1)
            total += fraction[j, (places.longitude % 360.0 / 360.0 * nx).astype(int) % nx]
    return total / 9.0


def global_ocean(cells: tuple[int, int, int] = (15, 76, 180), precision: str = "float64", time_step: float | None = None,
                 tripolar: bool = False, full_physics: bool = False) -> tuple[Grid, Parameters, State]:
    """Ocean: the world with real coastlines and invented depths, driven by zonal winds and a relaxed temperature.

    From 76 degrees south to 76 north, 2 degrees wide by default; with `tripolar` from 78 degrees south across the Arctic, where
    cells=(15, 93, 180) are 2 degrees, (15, 184, 360) are 1 degree wide (dycore.grid.tripolar). Coasts are those of the package
    global-land-mask; seas that are cut off are filled, as are cells that are half land or more. With `tripolar`
    Panama and the Bering Strait are land too, open seas on cells of this size (without, Panama is open). The depth is
    invented: 400 m at the coast, 5000 m far from it, with partial cells. TEOS-10; Pacanowski-Philander mixing and convection;
    temperature of the surface relaxed in 30 days to 28 degrees in the tropics and freezing at high latitudes; salinity not forced.
    Starts at rest with a temperature that depends on depth alone, for which the pressure force is exactly zero over whole and
    partial cells: wind and surface set it in motion, and build the contrast between latitudes.
    (A first temperature that varies along the levels drives 100 Sv and more over the slopes, in closed seas too.)

    `full_physics`: what climate models of this kind have besides, for runs of years. Temperature and salinity of the surface are
    relaxed in 50 and 60 days to rounded observed means (dycore.cases.sea_surface), which make the Atlantic salty; neutral
    diffusion and transport by eddies, mixing by turbulent kinetic energy over a background that grows downwards, and steps of
    Wicker and Skamarock, of 7200 s at 2 degrees. There is no sea ice and no season.
    """
    cells = check_cells(cells)
    check_switch("tripolar", tripolar)
    check_switch("full_physics", full_physics)
    world = with_the_arctic(cells, precision) if tripolar else on_parallels(cells, precision)
    grid = world.grid
    spacing = EARTH_RADIUS * np.radians(360.0 / cells[2])
    warm = surface_temperature(world.latitude)
    parameters = Parameters(
        fluid=Ocean(buoyancy=teos10), time_step=1600.0,
        substeps=max(20, round(4.4e6 / world.shortest) + 1), tracer_names=("temperature", "salinity"),
        friction=Mixing(divergence=0.5 * spacing, vorticity=0.5 * spacing), diffusivity=0.005 * spacing,
        surface_stress=world.stress, forcing=(surface_relaxation(0, warm, 30.0 * DAY),),
        vertical_mixing=VerticalMixing(pacanowski_philander, PacanowskiPhilander(), quadratic_drag=2.5e-3))
    if full_physics:
        parameters = with_full_physics(world, parameters)
    depth = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])[:, None, None]
    temperature = ABYSS + (FIRST_SURFACE - ABYSS) * np.exp(depth / 800.0)
    state = initial_state(grid, surface=0.0, tracers=(temperature[:, 0, 0], SALINITY if full_physics else 35.0))
    return grid, with_time_step(grid, parameters, time_step), state


def with_full_physics(world: World, parameters: Parameters) -> Parameters:
    """The parameters with unresolved eddies, turbulence, and a surface whose salinity is relaxed too.

    Along the levels tracers are diffused near the surface alone, where neutral surfaces are steep and eddies mix along them.
    """
    grid, latitude = world.grid, world.latitude
    longitude = np.broadcast_to(grid.longitude, latitude.shape)
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    return replace(
        parameters, stepper=WickerSkamarock(), time_step=min(7200.0, 0.154 * world.shortest),
        substeps=max(20, round(3.8e6 / world.shortest) + 1),
        diffusivity=EDDY_DIFFUSIVITY * np.exp(centre / 50.0),
        eddies=None if grid.cells[0] == 1 else Eddies(EDDY_DIFFUSIVITY, EDDY_DIFFUSIVITY, 0.01),
        forcing=(surface_relaxation(0, sea_surface.temperature(latitude), 50.0 * DAY),
                 surface_relaxation(1, sea_surface.salinity(longitude, latitude), 60.0 * DAY)),
        vertical_mixing=VerticalMixing(TurbulentKineticEnergy(diffusivity=background_diffusivity(grid.interfaces[:-1])),
                                       quadratic_drag=2.5e-3))
