"""Metrics of a grid: what stencils read of lengths, areas, levels, land and topography, and how they follow from cells and bottom.

The picture of a cell is in dycore.grid. Lengths are given (of a plane, of a sphere); what partial cells, walls and poles make of
them is found here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.halo_sources import copies_x, copies_y, copy_strips
from dycore.inputs.given import NUMBER, PLANE, given, masked_points, truths
from dycore.inputs.places import Places
from dycore.inputs.units import VERTICAL
from dycore.stencils import stencil, where
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Halo, Place, Tile


@stencil
def whole_cell(k, j, i, floor, fraction, value):
    """The value: cells are whole."""
    return value


@stencil
def partial_cell(k, j, i, floor, fraction, value):
    """The value times the fraction that belongs to the lowest wet level; no sense below it."""
    return where(k > floor[j, i], 1.0, fraction[j, i]) * value


@stencil
def whole_corner(k, j, i, grid, value):
    """The value: cells are whole."""
    return value


@stencil
def partial_corner(k, j, i, grid, value):
    """The value over the thickness about a corner, as a fraction of the level: the mean of the wet cells about it."""
    wet_a, wet_b = wet_part(k, j, i, grid), wet_part(k, j, i - 1, grid)
    wet_c, wet_d = wet_part(k, j - 1, i, grid), wet_part(k, j - 1, i - 1, grid)
    area = wet_a + wet_b + wet_c + wet_d
    volume = (partial_cell(k, j, i, grid.floor, grid.fraction, wet_a) + partial_cell(k, j, i - 1, grid.floor, grid.fraction, wet_b)
              + partial_cell(k, j - 1, i, grid.floor, grid.fraction, wet_c)
              + partial_cell(k, j - 1, i - 1, grid.floor, grid.fraction, wet_d))
    return value * where(area > 0.0, area, 1.0) / where(area > 0.0, volume, 1.0)


@stencil
def wet_part(k, j, i, grid):
    """The area of a wet cell, zero of a dry one (m2)."""
    return where(k >= grid.floor[j, i], grid.area[j, i], 0.0)


class Metrics(NamedTuple):
    """The arrays of a grid that stencils read; lengths in m, areas in m2, all padded."""

    dy_u: Any  # length of a west face [j, i]
    dx_v: Any  # length of a south face [j, i]
    dx_u: Any  # distance across a west face, between cell centres [j, i]
    dy_v: Any  # distance across a south face [j, i]
    inverse_dx_u: Any
    inverse_dy_v: Any
    inverse_dy_u: Any
    inverse_dx_v: Any  # zero on a face of length zero
    area_u: Any  # dx_u dy_u
    area_v: Any  # dx_v dy_v
    area: Any  # of a cell [j, i]
    inverse_area: Any
    inverse_area_z: Any  # about a corner [j, i]
    coriolis: Any  # Coriolis parameter at corners [j, i] (1/s)
    floor: Any  # lowest wet level of a column [j, i]
    floor_u: Any  # lowest open level of a west face [j, i]
    floor_v: Any  # of a south face
    floor_z: Any  # lowest level at which all four cells about a corner are wet
    top: Any  # one past the highest level
    dr: Any  # reference thickness of a level [k] (unit of r)
    inverse_dr: Any
    thickness: Any  # reference thickness of the wet column [j, i] (unit of r)
    inverse_thickness: Any
    thickness_u: Any  # of the open part of a west face [j, i]; zero where closed
    thickness_v: Any
    inverse_thickness_u: Any  # zero where closed
    inverse_thickness_v: Any
    fixed: Any  # position of the fixed boundary [j, i] (unit of r)
    fixed_reference: Any  # reference level of that boundary [j, i] (unit of r)
    surface_geopotential: Any  # geopotential of the moving boundary at r = 0 [j, i] (m2/s2): mountains
    open_fraction_of: Any  # stencil: a value times a fraction where k is the lowest level (partial cells), or the value itself
    over_open_fraction: Any  # stencil: a value over the open fraction about a corner, or the value itself
    fraction: Any  # of its level that the lowest wet cell of a column takes [j, i]
    fraction_u: Any  # that a west face is open at floor_u
    fraction_v: Any  # that a south face is open at floor_v
    fraction_z: Any  # mean about a corner at floor_z
    inverse_fraction: Any
    inverse_fraction_u: Any
    inverse_fraction_v: Any


def interior(array: Any) -> Any:
    """The cells of a padded array [k, j, i] or [j, i], without halo."""
    cut = slice(HALO, -HALO)
    return array[HALO_LEVELS:-HALO_LEVELS, cut, cut] if array.ndim == 3 else array[..., cut, cut]


def padded_plane(values: Any, tile: Tile, beyond_wall: float) -> np.ndarray:
    """A cell field [j, i] with halo: repeated, mirrored over the pole or the fold, or a constant beyond walls."""
    out = np.full(tile.region.padded[1:], beyond_wall, dtype=float)
    interior(out)[...] = values
    halo = Halo(tile, Place.CENTER)
    if tile.y is not Boundary.WALL:
        copy_strips(out, copies_y(halo))
    if tile.x is not Boundary.WALL:
        copy_strips(out, copies_x(halo))
    if tile.y is Boundary.FOLD:
        out[: tile.region.j[0]] = beyond_wall
    return out


def shifted(field: np.ndarray, south: int, west: int) -> np.ndarray:
    """field[j - south, i - west] with the first row or column repeated."""
    j = np.maximum(np.arange(field.shape[0]) - south, 0)
    i = np.maximum(np.arange(field.shape[1]) - west, 0)
    return field[np.ix_(j, i)]


class Ground(NamedTuple):
    """Bottom and land as a user gives them to a grid (see dycore.grid.rectilinear)."""

    bottom: ArrayLike | None
    land: ArrayLike | None
    terrain_following: bool
    partial_cells: float | None
    places: Places | None = None  # of the grid's centres; None on a plane


class Floor(NamedTuple):
    """Lower ends of columns: lowest wet level and its wet fraction, padded [j, i], and the bottom, interior [j, i]."""

    level: np.ndarray
    fraction: np.ndarray
    bottom: np.ndarray


class Faces(NamedTuple):
    """Lowest open levels of west faces, south faces and corners, and the fractions of them that are open, padded [j, i]."""

    level_u: np.ndarray
    level_v: np.ndarray
    level_z: np.ndarray
    fraction_u: np.ndarray
    fraction_v: np.ndarray
    fraction_z: np.ndarray


def floor_of(tile: Tile, interfaces: np.ndarray, ground: Ground) -> Floor:
    """The floor of every column. Raises ValueError for what is no bottom or land, and where no cell is wet."""
    nz, ny, nx = tile.cells
    lowest, top = HALO_LEVELS, HALO_LEVELS + nz
    wet = np.ones((ny, nx), bool) if ground.land is None else ~truths("land", ground.land, tile.cells, ground.places)
    values = interfaces[0] if ground.bottom is None else ground.bottom
    wet &= ~masked_points("bottom", values, tile.cells, ground.places)
    bottom = np.broadcast_to(given("bottom", values, tile.cells, NUMBER, PLANE, needed=wet, otherwise=interfaces[0],
                                   units=VERTICAL, places=ground.places), (ny, nx))
    levels, fraction = np.full((ny, nx), lowest), np.ones((ny, nx))
    if ground.partial_cells is not None:
        above = np.clip((interfaces[1:, None, None] - bottom) / np.diff(interfaces)[:, None, None], 0.0, 1.0)
        # the nearer of a cell of that fraction and none, so that the depth is right to half of it
        open_part = np.where(above < 0.5 * ground.partial_cells, 0.0, np.maximum(above, ground.partial_cells))
        levels = lowest + (open_part == 0.0).sum(axis=0)
        fraction = np.take_along_axis(open_part, np.minimum(levels - lowest, nz - 1)[None], axis=0)[0]
        fraction = np.where(wet & (levels < top), fraction, 1.0)
    elif not ground.terrain_following:
        centres = 0.5 * (interfaces[1:] + interfaces[:-1])
        levels = lowest + (centres[:, None, None] < bottom).sum(axis=0)  # a cell is wet if its centre is
    wet &= levels < top
    if not wet.any():
        raise ValueError("There is no wet cell: bottom lies above the surface everywhere, or all is land.")
    return Floor(padded_plane(np.where(wet, levels, top), tile, beyond_wall=top).astype(np.int32),
                 padded_plane(fraction, tile, beyond_wall=1.0), bottom)


def faces_of(tile: Tile, floor: Floor, area: np.ndarray, dy_u: np.ndarray) -> Faces:
    """Open fractions of faces and corners: as far as the cells on both sides, or all four cells, are wet.

    `area` of cells, `dy_u` the lengths of west faces, of which those at the ends of a fold have none.
    """
    level, top = floor.level, HALO_LEVELS + tile.cells[0]
    level_u = np.maximum(level, shifted(level, 0, 1))
    level_v = np.maximum(level, shifted(level, 1, 0))
    if tile.y is Boundary.POLE:  # faces of length zero
        level_v[[HALO, HALO + tile.cells[1]]] = top
    if tile.y is Boundary.FOLD:
        level_u = np.where(dy_u > 0.0, level_u, top)
    level_z = np.maximum(level_u, shifted(level_u, 1, 0))

    def open_at(lowest: np.ndarray, south: int, west: int) -> np.ndarray:
        """Open fraction of the cell to the south or west at a level at which it is wet."""
        return np.where(shifted(level, south, west) == lowest, shifted(floor.fraction, south, west), 1.0)

    about = [(south, west, shifted(area, south, west)) for south in (0, 1) for west in (0, 1)]
    return Faces(level_u, level_v, level_z,
                 np.minimum(open_at(level_u, 0, 0), open_at(level_u, 0, 1)),
                 np.minimum(open_at(level_v, 0, 0), open_at(level_v, 1, 0)),
                 sum(area * open_at(level_z, south, west) for south, west, area in about) / sum(area for _, _, area in about))


def inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, zero where they are zero."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0.0)


def vertical_metrics(tile: Tile, interfaces: np.ndarray, ground: Ground, floor: Floor, faces: Faces) -> dict[str, Any]:
    """The metrics of levels and columns, by name."""
    nz, lowest, top = tile.cells[0], HALO_LEVELS, HALO_LEVELS + tile.cells[0]
    dr = np.ones(nz + 2 * HALO_LEVELS)
    dr[lowest: top] = np.diff(interfaces)

    def missing(level: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """Thickness of a column that partial cells lack."""
        return (1.0 - fraction) * dr[level]

    def column(level: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        return interfaces[-1] - interfaces[level - lowest] - missing(level, fraction)

    on_land = floor.level == top
    reference = interfaces[np.where(on_land, lowest, floor.level) - lowest] + missing(floor.level, floor.fraction)
    fixed = reference
    if ground.terrain_following:
        fixed = np.where(on_land, reference, padded_plane(floor.bottom, tile, interfaces[0]))
    thickness = interfaces[-1] - reference
    thickness_u, thickness_v = column(faces.level_u, faces.fraction_u), column(faces.level_v, faces.fraction_v)
    return {"top": top, "dr": dr, "inverse_dr": 1.0 / dr, "thickness": thickness, "inverse_thickness": 1.0 / thickness,
            "thickness_u": thickness_u, "thickness_v": thickness_v, "inverse_thickness_u": inverse(thickness_u),
            "inverse_thickness_v": inverse(thickness_v), "fixed": fixed, "fixed_reference": reference}


def metrics_of(tile: Tile, dtype: np.dtype, interfaces: np.ndarray, lengths: dict[str, np.ndarray], coriolis: np.ndarray,
               ground: Ground) -> tuple[Metrics, bool]:
    """(metrics, whether there is land or a wall) of cells whose lengths (m) and areas (m2) are known, padded [j, i].

    `lengths`: dx_u, dx_v, dy_u, dy_v, area, area_z of Metrics; `coriolis` at corners (1/s); `interfaces` [k] are checked already.
    Raises ValueError as floor_of.
    """
    floor = floor_of(tile, interfaces, ground)
    faces, m = faces_of(tile, floor, lengths["area"], lengths["dy_u"]), lengths
    whole = ground.partial_cells is None
    fields = Metrics(
        dy_u=m["dy_u"], dx_v=m["dx_v"], dx_u=m["dx_u"], dy_v=m["dy_v"],
        inverse_dx_u=inverse(m["dx_u"]), inverse_dy_v=inverse(m["dy_v"]),
        inverse_dy_u=inverse(m["dy_u"]), inverse_dx_v=inverse(m["dx_v"]),
        area_u=m["dx_u"] * m["dy_u"], area_v=m["dx_v"] * m["dy_v"],
        area=m["area"], inverse_area=inverse(m["area"]), inverse_area_z=inverse(m["area_z"]), coriolis=coriolis,
        floor=floor.level, floor_u=faces.level_u, floor_v=faces.level_v, floor_z=faces.level_z,
        surface_geopotential=np.zeros_like(coriolis, float),
        open_fraction_of=whole_cell if whole else partial_cell, over_open_fraction=whole_corner if whole else partial_corner,
        fraction=floor.fraction, fraction_u=faces.fraction_u, fraction_v=faces.fraction_v, fraction_z=faces.fraction_z,
        inverse_fraction=1.0 / floor.fraction, inverse_fraction_u=1.0 / faces.fraction_u,
        inverse_fraction_v=1.0 / faces.fraction_v, **vertical_metrics(tile, interfaces, ground, floor, faces))

    def convert(values: Any) -> Any:
        if not isinstance(values, np.ndarray):
            return values
        with np.errstate(over="ignore", under="ignore"):  # what is too large or too small is refused with all of it
            return np.ascontiguousarray(values, np.int32 if values.dtype.kind == "i" else dtype)

    walled = Boundary.WALL in (tile.x, tile.y) or tile.y is Boundary.FOLD
    has_land = bool(walled or (interior(floor.level) != HALO_LEVELS).any())
    return Metrics(*(convert(field) for field in fields)), has_land
