"""A region of your own: grid, parameters and a state at rest from a file of bathymetry.

    region = from_bathymetry("gebco.nc", (-10.0, 5.0, 34.0, 46.0), 0.1, 20, straits={"Gibraltar": (-6.2, 35.9, -5.0, 36.0, 300.0)})
    print(region.changes.in_words)
    model = Model(region.grid, region.parameters, on_numba)

The four sides of a region are walls (a full circle of longitudes goes on); a sponge (dycore.physics.sponge) damps what comes to
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from dycore.bathymetry import (
    HALF,
    Box,
    depths_of,
    heights_of,
    kept_basins,
    line_of_cells,
    on_cells,
    opened_strait,
    part_of_file,
    smoothed,
    steepness,
)
from dycore.closures import PacanowskiPhilander, pacanowski_philander
from dycore.datasets import eastward
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.geometry.coordinates import check_interfaces, check_latitudes, check_longitudes, parts
from dycore.geometry.sides import Side
from dycore.grid import Grid, interior, latitude_longitude
from dycore.inputs.given import as_array, check_number, integer, is_number, positive, shown
from dycore.parameters import Mixing, Parameters
from dycore.seawater import teos10
from dycore.stability import MARGIN, limits, shortest_limit
from dycore.state import State, initial_state
from dycore.tiles import Boundary
from dycore.vertical import stretched

FEWEST = 2  # cells of a region along either direction
SURFACE, ABYSS, SALINITY, DECAY = 18.0, 2.0, 35.0, 800.0  # degree C, degree C, g/kg, m
SHARE = 0.7  # of the longest step at rest


class Changes(NamedTuple):
    """Changes that were made to the bathymetry of a file, and the cells that came of it."""

    cells: tuple[int, int, int]  # (nz, ny, nx)
    spacing: tuple[float, float]  # of longitudes and of latitudes (degrees)
    sea: int  # columns of the sea in the end
    deepened: int  # columns that were less than the shallowest
    levelled: int  # columns that were deeper than the lowest level
    smoothed: int  # columns that smoothing changed by more than a millimetre
    greatest: float  # change of a depth by smoothing (m)
    steepest: float  # |h1 - h2| / (h1 + h2) of neighbours in the end
    volume_of_file: float  # of the sea (m3), by the means over cells, without the basins that were filled
    volume: float  # in the end, before levels round it
    file_spacing: float = 0.0  # the wider one (degrees)
    missing: int = 0  # values that the file lacks, taken for land
    cut_off: int = 0  # columns of basins that were filled
    straits: Mapping[str, int] = {}  # by name the columns of land that were opened

    @property
    def in_words(self) -> str:
        """Sentences about the changes."""
        nz, ny, nx = self.cells
        straits = ", ".join(f"{name} ({number})" for name, number in self.straits.items()) or "none"
        return (f"{self.sea} of {ny} x {nx} columns are sea, on {nz} levels, {self.spacing[0]:.4g} by {self.spacing[1]:.4g} "
                f"degrees wide, from a file of {self.file_spacing:.4g} degrees of which {self.missing} values were missing. "
                f"Columns of basins that were cut off and filled: {self.cut_off}; of land opened in straits: {straits}; "
                f"deepened: {self.deepened}; raised to the lowest level: {self.levelled}. Smoothing changed {self.smoothed} "
                f"columns, by up to {self.greatest:.4g} m; the steepest slope |h1 - h2| / (h1 + h2) is {self.steepest:.3f}. The "
                f"volume went from {self.volume_of_file:.6g} to {self.volume:.6g} m3.")


class Region(NamedTuple):
    """A grid, parameters and a state at rest of a region, and what was changed of its bathymetry."""

    grid: Grid
    parameters: Parameters
    state: State
    changes: Changes


def from_bathymetry(data: Any, region: tuple[float, float, float, float], spacing: float | tuple[float, float], levels: Any, *,
                    name: str | None = None, downward: bool | None = None, missing_is_land: bool | None = None,
                    straits: Mapping[str, tuple] | None = None, keep: Side | tuple[float, float] | None = None,
                    shallowest: float | None = None, steepest: float | None = None, partial_cells: float = 0.2,
                    precision: str = "float64", time_step: float | None = None) -> Region:
    """Grid, parameters, state and changes of a region of the ocean, whose bottom and coasts are those of a bathymetry.

    data: the path of a file or a store, an xarray.Dataset or an xarray.DataArray [latitude, longitude] in any order and
    convention of longitudes, of heights or depths in any unit of length (m without one); `name` is that of its variable, where
    several are known as such. `downward`: whether it counts downward, where no attribute `positive`, standard name or name says it.
    Missing values are land if the file has no other; beside heights of land they are refused, unless `missing_is_land`.
    region: (west, east, south, north) in degrees. spacing: of cells (degrees), one number or that of longitudes and of
    latitudes, to the nearest whole number of cells. levels: a number of levels (dycore.vertical.stretched down to the deepest
    cell) or their interfaces (m, increasing from negative ones to 0).

    The depth of a cell is the mean over its part that is sea, and land is what is land by more than half. Of basins that are not
    connected the greatest stays, or those that reach a Side `keep`, or that of a point `keep` (longitude, latitude); others are
    filled. straits: by name (longitude, latitude, longitude, latitude) of both ends and, as a fifth number, the least depth (m)
    or None: a line of cells that stays open (without a depth, with what sea the file has there). shallowest: least depth (m), the
    uppermost level if None. steepest: the bound of |h1 - h2| / (h1 + h2) of neighbours, to which
    the bottom is smoothed with its volume as it was; None leaves it as it is. partial_cells: as in dycore.grid.

    The parameters are those of an ocean at rest without forcing (TEOS-10, Pacanowski and Philander mixing, friction in proportion
    to the spacing); take others with dataclasses.replace. The temperature depends on depth alone, from 18 degrees to 2. Raises
    ValueError for a file or a region that will not do, TypeError for what is no dataset.
    """
    box, flat = flat_grid(region, spacing, precision)
    field, counts_down = heights_of(data, name, downward)
    part, source = part_of_file(field, box)
    found, missing = depths_of(part, counts_down, missing_is_land)
    mean, share = on_cells(found, source, flat)
    wet, mean, opened = with_straits(mean, share <= HALF, straits_on(flat, straits))
    kept = kept_basins(wet, flat.tile, keep if keep is None or isinstance(keep, Side) else cell_at(flat, "keep", keep))
    interfaces = interfaces_of(levels, float(mean[kept].max()))
    bottom, changes = shaped(flat, mean, kept, interfaces, least_depth(shallowest, interfaces, partial_cells), steepest)
    changes = changes._replace(file_spacing=source.spacing, missing=missing, cut_off=int((wet & ~kept).sum()), straits=opened)
    grid = latitude_longitude(changes.cells, interfaces=interfaces, latitudes=box[2:], longitudes=box[:2], bottom=-bottom,
                              land=~kept, partial_cells=partial_cells, precision=precision)
    return Region(grid, usual_parameters(grid, time_step), at_rest(grid), changes)


def shaped(flat: Grid, mean: np.ndarray, sea: np.ndarray, interfaces: np.ndarray, least: float,
           steepest: Any) -> tuple[np.ndarray, Changes]:
    """Depths [j, i] within the levels and the bound of slopes, and what of the mean depths of the sea that changed."""
    area, periodic = interior(flat.metrics.area).astype(float), flat.tile.x is Boundary.PERIODIC
    deepest = -float(interfaces[0])
    depth = bottom = np.where(sea, np.clip(mean, least, deepest), 1.0)
    if steepest is not None:
        check_number("steepest", steepest, "the greatest |h1 - h2| / (h1 + h2) of neighbours, more than 0 and at most 1, or None",
                     lambda slope: 0.0 < slope <= 1.0)
        bottom = smoothed(depth, sea, area, float(steepest), periodic)
    moved = np.abs(bottom - depth)[sea]
    return bottom, Changes(
        cells=(len(interfaces) - 1, *flat.cells[1:]),
        spacing=(float(flat.x_face[1] - flat.x_face[0]), float(flat.y_face[1] - flat.y_face[0])), sea=int(sea.sum()),
        deepened=int((mean[sea] < least).sum()), levelled=int((mean[sea] > deepest * (1.0 + 1e-9)).sum()),
        smoothed=int((moved > 1e-3).sum()), greatest=float(moved.max()), steepest=steepness(bottom, sea, periodic),
        volume_of_file=float((area * mean)[sea].sum()), volume=float((area * bottom)[sea].sum()))


def flat_grid(region: Any, spacing: Any, precision: Any) -> tuple[Box, Grid]:
    """The region, and a grid of its cells with neither land nor depth. ValueError for what is none."""
    edges, steps = parts(region), parts(spacing) or [spacing, spacing]
    if len(edges) != 4:
        raise ValueError(f"region={shown(region)} must be four numbers in degrees: (west, east, south, north).")
    west, east = check_longitudes(edges[:2])
    south, north = check_latitudes(edges[2:])
    if south == -90.0:
        raise ValueError("The region reaches from pole to pole, where barotropic substeps have no place. Stop short of the poles.")
    if len(steps) != 2:
        raise ValueError(f"spacing={shown(spacing)} must be a positive number of degrees, or two: of longitudes, of latitudes.")
    nx, ny = (number_of_cells(*each) for each in (("longitude", east - west, steps[0]), ("latitude", north - south, steps[1])))
    flat = latitude_longitude((1, ny, nx), interfaces=np.array([-1.0, 0.0]), latitudes=(south, north), longitudes=(west, east),
                              precision=precision)
    return Box(west, east, south, north), flat


def number_of_cells(direction: str, extent: float, spacing: Any) -> int:
    """Cells of about a spacing in an extent (degrees). ValueError where it has not several of them."""
    spacing = positive("spacing", spacing, "degrees")
    if spacing * FEWEST > extent * (1.0 + 1e-9):
        raise ValueError(f"spacing={spacing:g} degrees leaves fewer than {FEWEST} cells of the {extent:g} degrees of {direction} "
                         "of the region. Give a finer spacing or a larger region.")
    return round(extent / spacing)


def interfaces_of(levels: Any, deepest: float) -> np.ndarray:
    """Interfaces (m) of so many levels down to the deepest cell, or as they were given."""
    if is_number(levels, lambda number: True):
        nz = integer("levels", levels, 1, 10000)
        return stretched(nz, deepest)
    found = check_interfaces(levels, len(as_array("levels", levels)) - 1 if np.ndim(levels) == 1 else 1)
    if found[-1] != 0.0:
        raise ValueError(f"levels={shown(levels)} end at {found[-1]:g}: the uppermost interface must be 0, the sea at rest.")
    return found


def least_depth(shallowest: Any, interfaces: np.ndarray, partial_cells: Any) -> float:
    """The least depth of the sea (m). ValueError for one that leaves no cell in a column."""
    uppermost = float(interfaces[-1] - interfaces[-2])
    if shallowest is None:
        return uppermost
    fraction = check_number("partial_cells", partial_cells, "the smallest fraction of a level that a cell may take: more than 0 "
                            "and at most 1, for example 0.2", lambda fraction: 0.0 < fraction <= 1.0)
    return check_number("shallowest", shallowest, f"a depth from {fraction * uppermost:g} m, the smallest cell of the uppermost "
                        f"level (partial_cells), to {-interfaces[0]:g} m",
                        lambda depth: fraction * uppermost <= depth <= -interfaces[0])


def cell_at(flat: Grid, name: str, point: Any) -> tuple[int, int]:
    """The cell (j, i) of a point (longitude, latitude). ValueError where that is none, or outside of the region."""
    numbers = parts(point)
    if len(numbers) != 2 or not all(is_number(number, np.isfinite) for number in numbers):
        raise ValueError(f"{name}={shown(point)} must be a longitude and a latitude in degrees"
                         f"{', or a dycore.geometry.sides.Side' if name == 'keep' else ''}.")
    (west, east), (south, north) = flat.x_face[[0, -1]], flat.y_face[[0, -1]]
    longitude, latitude = float(eastward(np.array(float(numbers[0])), west)), float(numbers[1])
    if not (longitude <= east and south <= latitude <= north):
        raise ValueError(f"{name} has the point {float(numbers[0]):g} degrees east, {latitude:g} north, which is outside of the "
                         f"region, from {west:g} to {east:g} east and from {south:g} to {north:g} north. Give one within.")
    _, ny, nx = flat.cells
    return (min(int((latitude - south) / (north - south) * ny), ny - 1), min(int((longitude - west) / (east - west) * nx), nx - 1))


def straits_on(flat: Grid, straits: Any) -> dict[str, tuple[list, float | None]]:
    """By name the cells of straits and their least depth (m), or None. ValueError for what is none."""
    if straits is not None and not isinstance(straits, Mapping):
        raise ValueError(f"straits={shown(straits)} must be a dictionary: a name and (longitude, latitude, longitude, latitude, "
                         "depth or None) for each.")
    found = {}
    for name, place in (straits or {}).items():
        numbers = parts(place)
        least = numbers[4] if len(numbers) == 5 else None
        if len(numbers) not in (4, 5):
            raise ValueError(f"The strait {shown(name)} is {shown(place)}. Give (longitude, latitude, longitude, latitude) of both "
                             "ends, in degrees, and a fifth number, the least depth in m, or None.")
        if least is not None:
            least = positive(f"the depth of the strait {name}", least, "m")
        ends = (cell_at(flat, f"The strait {name}", numbers[:2]), cell_at(flat, f"The strait {name}", numbers[2:4]))
        found[str(name)] = line_of_cells(*ends), least
    return found


def with_straits(mean: np.ndarray, wet: np.ndarray, lines: dict) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """The sea and its depths [j, i] with straits opened, and how many columns of land each of them took."""
    wet, opened = wet.copy(), {}
    for name, (cells, least) in lines.items():
        mean = opened_strait(mean, wet, cells, least)
        rows, columns = np.transpose(cells)
        if not np.isfinite(mean[rows, columns]).all():
            raise ValueError(f"The strait {name} begins and ends in cells without any sea. Give its depth as a fifth number.")
        opened[name] = int((~wet[rows, columns]).sum())
        wet[rows, columns] = True
    return wet, mean, opened


def usual_parameters(grid: Grid, time_step: float | None) -> Parameters:
    """Parameters of an ocean without forcing, with as many barotropic substeps as its step needs."""
    dx = interior(grid.metrics.dx_u).astype(float)
    spacing = float(min(dx.min(), interior(grid.metrics.dy_v).astype(float).min()))
    parameters = Parameters(
        fluid=Ocean(buoyancy=teos10), time_step=min(0.04 * spacing, 1800.0), substeps=20,
        tracer_names=("temperature", "salinity"), friction=Mixing(divergence=0.01 * spacing, vorticity=0.01 * spacing),
        vertical_mixing=VerticalMixing(pacanowski_philander, PacanowskiPhilander(), quadratic_drag=2.5e-3))
    if time_step is not None:
        return with_substeps(grid, replace(parameters, time_step=positive("time_step", time_step, "s")))
    chosen = with_substeps(grid, parameters)
    longest = SHARE * shortest_limit(grid, chosen).time_step
    return chosen if chosen.time_step <= longest else replace(chosen, time_step=longest)


def with_substeps(grid: Grid, parameters: Parameters) -> Parameters:
    """The parameters with so many substeps that external waves allow the step with a margin."""
    for substeps in count(20, 4):
        enough = replace(parameters, substeps=substeps)
        if SHARE * MARGIN * limits(grid, enough)[0].time_step >= parameters.time_step or substeps >= 400:
            return enough
    raise AssertionError


def at_rest(grid: Grid) -> State:
    """A state at rest whose temperature depends on depth alone, for which the pressure force is zero over any bottom."""
    depth = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    return initial_state(grid, surface=0.0, tracers=(ABYSS + (SURFACE - ABYSS) * np.exp(depth / DECAY), SALINITY))
