"""A circumpolar channel that joins a basin.

Held against Veros 1.7 after a year from rest: its ACCSetup on NumPy as it comes, but with dt_tracer = dt_mom = 4800 s, and this
case with Numba and its usual cells and step (`VEROS_PYTHON=... python -m dycore.benchmarks.peers --circulation 365`).

    365 days                                                       here          Veros
    eastward transport through the channel (Sv)                    157.6         157.0
    greatest transport north of it, from its edge northwards (Sv)  33.9          34.5
    least and greatest of the Eulerian overturning (Sv)            -16.4, 7.5    -16.9, 7.3
    change of the zonal-mean temperature, root mean square (K)     0.8745        0.8767      (of the difference: 0.030)
    mean energy of eddies (1e-4 m2/s2)                             6.6           7.6

All but the energy are within 5 %, after 30 and 120 days too (-4.8 and +0.3 % of transport). During the first weeks the transports
differ, by the rigid lid of Veros: the deformation radius of external waves, 2000 km, is like the width of the channel, and part of
the wind raises the surface at first. Between 15 and 22 degrees north, where the wind and the surface cool the basin, every other
column convects here after two months, which leaves 0.5 K of noise from cell to cell at the surface, and 0.4 K in the simple form;
Veros has 0.1 K. Neither `unstable` of TurbulentKineticEnergy nor the diffusion along the levels changes that, and the transport by
the eddies there is that of this noise.

The simple form (eddy_energy=False) against Veros without enable_eke and enable_kappaH_profile, with K_iso_steep 0 and
eq_of_state_type 1, after a year: 161.8 and 160.8 Sv, 34.6 and 35.1, overturning -15.6, 8.0 and -16.1, 7.2, change of temperature
0.874 and 0.877 K (of the difference 0.024). A step takes two thirds of the time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dycore.cases.default_step import with_time_step
from dycore.closures import EddyKineticEnergy, TurbulentKineticEnergy
from dycore.equations.eddies import Eddies
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.geometry.coordinates import check_cells
from dycore.grid import EARTH_RADIUS, Grid, latitude_longitude
from dycore.inputs.eddies import steepest_slope
from dycore.inputs.given import check_switch
from dycore.parameters import Mixing, Parameters
from dycore.physics.surface import surface_relaxation
from dycore.seawater import quadratic_seawater
from dycore.state import State, initial_state
from dycore.tiles import Boundary

WIDTH, WALL, COAST, CHANNEL, FORCED = 60.0, 4.0, 42.0, -20.0, 45.0  # degrees: of the sector, its wall, latitudes of edges
# thickness of the levels (m) from the floor
THICKNESS = np.array([690.0, 640.0, 590.0, 540.0, 490.0, 440.0, 390.0, 340.0, 290.0, 240.0, 190.0, 140.0, 100.0, 70.0, 50.0]) / 2.5
WIND_STRESS, WARMEST, RELAXATION = 0.1, 15.0, 30.0 * 86400.0  # N/m2, degree C, s
EDDY_DIFFUSIVITY, STEEPEST, GREATEST = 1000.0, 0.01, 1.0e4  # m2/s, of both kinds; no unit; m2/s
ALONG = 500.0  # m2/s, along the levels, with an energy of eddies
EXPANSION, CONTRACTION, DENSITY, REFERENCE_TEMPERATURE = 1.67e-4, 7.8e-4, 1024.0, 9.85  # 1/K, kg/g, kg/m3, degree C
VISCOSITY_OVER_CUBE, BOTTOM_FRICTION = 2.0e-11, 1.0e-5  # 1/(m s), 1/s in the lowest of the usual levels


def levels(nz: int) -> np.ndarray:
    """Interfaces [nz + 1] (m): those of the 15 usual levels, between which a grid of other levels has its own."""
    usual = np.concatenate([[0.0], np.cumsum(THICKNESS)]) - THICKNESS.sum()
    return np.interp(np.linspace(0.0, len(THICKNESS), nz + 1), np.arange(len(usual)), usual)


def latitudes(ny: int) -> np.ndarray:
    """Latitudes [ny] of the centres (degrees)."""
    return -COAST + (np.arange(ny) + 0.5) * 2.0 * COAST / ny


def wind(latitude: np.ndarray) -> np.ndarray:
    """Eastward stress (N/m2) at latitudes (degrees): westerlies over the channel, and twice as strong ones in the north."""
    southern = np.sin(np.pi * (latitude + FORCED) / (CHANNEL + FORCED))
    northern = 1.0 - np.cos(2.0 * np.pi * (latitude - 9.0) / (FORCED - 9.0))
    return WIND_STRESS * np.where(latitude < CHANNEL, southern, np.where(latitude > 10.0, northern, 0.0))


def surface_temperature(latitude: np.ndarray) -> np.ndarray:
    """Temperature (degree C) to which the surface is relaxed: uniform between 20 degrees south and north, falling beyond."""
    return WARMEST * np.minimum(1.0, (FORCED - np.abs(latitude)) / (FORCED + CHANNEL))


def background_diffusivity(height: np.ndarray) -> np.ndarray:
    """Background diffusivity (m2/s) across levels at heights (m), which grows downwards (Bryan and Lewis 1979, JGR 84, 2503)."""
    return 1.0e-4 * (0.8 + 1.05 / np.pi * np.arctan((-height - 2500.0) / 222.2))


def southern_channel(cells: tuple[int, int, int] = (15, 42, 30), precision: str = "float64", time_step: float | None = None,
                     eddy_energy: bool = True) -> tuple[Grid, Parameters, State]:
    """Ocean: a circumpolar current beside a basin, with unresolved eddies and mixing by turbulent kinetic energy.

    The set-up "ACC" of pyOM2 and Veros (Haefner et al. 2018, Geosci. Model Dev. 11, 3299): a sector of 60 degrees that repeats
    itself, 42 degrees south to 42 north, 2080 m deep, 2 degrees wide by default, with a wall of 4 degrees north of 20 degrees
    south, so that the south is a channel and the rest a basin. Westerlies over the channel and in the north, temperature of the
    surface relaxed in 30 days; salinity is 35 everywhere and not forced. Neutral diffusion and transport by eddies with an energy
    of their own (dycore.closures.EddyKineticEnergy), a density that falls faster in warm water, a background diffusivity that
    grows downwards, friction that holds a western boundary current of the width of a cell, linear bottom drag. Starts at rest,
    with a temperature that rises linearly from 0 degrees at 1804 m to 15 at the surface.

    Diffusion of 500 m2/s along the levels is added, where Veros has at least as much together with that along neutral surfaces.
    Without `eddy_energy`, the simple form: eddies of 1000 m2/s, a linear density, a background diffusivity of 2e-5 m2/s, no
    diffusion along the levels. What Veros has and this has not: advection of the energy of eddies, what bottom drag dissipates
    as a source of turbulence, and a rigid lid. Grids of one level have no eddies.
    """
    nz, ny, nx = cells = check_cells(cells)
    check_switch("eddy_energy", eddy_energy)
    latitude, longitude = latitudes(ny), (np.arange(nx) + 0.5) * WIDTH / nx
    wall = min(max(1, round(WALL / WIDTH * nx)), nx // 2) * WIDTH / nx
    grid = latitude_longitude(cells, interfaces=levels(nz), latitudes=(-COAST, COAST), longitudes=(0.0, WIDTH),
                              x_boundary=Boundary.PERIODIC, land=(longitude < wall) & (latitude > CHANNEL)[:, None],
                              precision=precision)

    parameters = with_time_step(grid, simple_parameters(grid), time_step)
    if eddy_energy:
        parameters = with_eddy_energy(grid, parameters)
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    temperature = WARMEST * (1.0 + centre / THICKNESS[1:].sum())
    return grid, parameters, initial_state(grid, surface=0.0, tracers=(temperature, 35.0))


def simple_parameters(grid: Grid) -> Parameters:
    """Parameters of the simple form, with the usual time step."""
    nz, ny, nx = grid.cells
    spacing = EARTH_RADIUS * np.radians(min(WIDTH / nx, 2.0 * COAST / ny))
    narrowest = EARTH_RADIUS * np.radians(WIDTH / nx) * np.cos(np.radians(COAST))
    viscosity = VISCOSITY_OVER_CUBE * spacing**3
    latitude = latitudes(ny)[:, None]
    warm = np.broadcast_to(surface_temperature(latitude), (ny, nx))
    return Parameters(
        fluid=Ocean(thermal_expansion=EXPANSION, haline_contraction=CONTRACTION, reference_density=DENSITY),
        time_step=min(0.04 * narrowest, 2400.0), substeps=24, tracer_names=("temperature", "salinity"),
        friction=Mixing(divergence=viscosity, vorticity=viscosity),
        surface_stress=(np.broadcast_to(wind(latitude), (ny, nx)), 0.0),
        forcing=(surface_relaxation(0, warm, RELAXATION),),
        vertical_mixing=mixed_by_turbulence(2.0e-5),
        eddies=None if nz == 1 else Eddies(EDDY_DIFFUSIVITY, EDDY_DIFFUSIVITY, STEEPEST))


def mixed_by_turbulence(background: float | np.ndarray) -> VerticalMixing:
    """Mixing by turbulence over a background diffusivity (m2/s), and linear bottom drag."""
    return VerticalMixing(TurbulentKineticEnergy(viscosity=2.0e-4, diffusivity=background),
                          linear_drag=float(BOTTOM_FRICTION * THICKNESS[0]))


def with_eddy_energy(grid: Grid, parameters: Parameters) -> Parameters:
    """The parameters with an energy of eddies and what else of Veros' set-up the simple form has not.

    The diffusivity is bounded, as in Veros by 10,000 m2/s, and by nine tenths of what the steepest slopes and the step allow.
    """
    fluid = Ocean(quadratic_seawater, thermal_expansion=EXPANSION, haline_contraction=CONTRACTION, reference_density=DENSITY,
                  reference_temperature=REFERENCE_TEMPERATURE)
    mixing = mixed_by_turbulence(background_diffusivity(grid.interfaces[:-1]))
    parameters = replace(parameters, fluid=fluid, vertical_mixing=mixing, diffusivity=ALONG)
    if parameters.eddies is None:
        return parameters
    allowed = steepest_slope(grid, 1.0, parameters.time_step).slope / STEEPEST
    energy = EddyKineticEnergy(greatest=min(GREATEST, 0.9 * allowed), least_mixing=min(250.0, 0.9 * allowed))
    return replace(parameters, eddies=Eddies(energy, energy, STEEPEST))
