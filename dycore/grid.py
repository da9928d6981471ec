"""The grid: metrics, levels, land, and what lies beyond the edges.

        +----v----+        u, v at [k, j, i] stand on the west and south face of cell [k, j, i],
        |  [j+1]  |        vorticity on its south-west corner, w[k] on its lower-r face:
    u[i] >   c    > u[i+1] k = HALO_LEVELS touches the fixed boundary (sea floor, top of the atmosphere).
        |         |        All arrays are padded (dycore.tiles), 3-D ones [k, j, i], 2-D ones [j, i].
        +----^----+
            v[j]

Topography is made of whole cells: a cell is wet where k >= floor[j, i]. With `partial_cells` the lowest
wet cell of a column is only as thick as its level reaches down to the bottom (Adcroft, Hill and Marshall
1997, Mon. Wea. Rev. 125, 2293); faces are open as far as both sides are, and tracers stay at the nominal
level, so that a stratified fluid at rest stays at rest. With `terrain_following`, the levels follow the
bottom instead and all cells are wet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore import printing
from dycore.coordinates import (
    check_boundary,
    check_cells,
    check_coriolis,
    check_extent,
    check_ground,
    check_interfaces,
    check_latitudes,
    check_lengths,
    check_longitudes,
    check_precision,
)
from dycore.given import NUMBER, PLANE, finite, given, masked_points, positive, truths
from dycore.stencils import stencil, where
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Halo, Place, Tile, copies_x, copies_y, copy_strips

EARTH_RADIUS = 6.371229e6  # m
EARTH_ROTATION = 7.29212e-5  # 1/s


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
    part: Any  # stencil: a value times a fraction where k is the lowest level (partial cells), or the value itself
    over_corner: Any  # stencil: a value over the open fraction about a corner, or the value itself
    fraction: Any  # of its level that the lowest wet cell of a column takes [j, i]
    fraction_u: Any  # that a west face is open at floor_u
    fraction_v: Any  # that a south face is open at floor_v
    fraction_z: Any  # mean about a corner at floor_z
    inverse_fraction: Any
    inverse_fraction_u: Any
    inverse_fraction_v: Any


@dataclass(frozen=True, eq=False, repr=False)
class Grid:
    """A grid: tile (cells and boundaries), metrics and coordinates.

    `x`, `y` [i], [j] are cell centres (m, or degrees east and north on the sphere), `x_face`, `y_face`
    the west and south faces; `interfaces` [k] the reference levels.
    """

    tile: Tile
    metrics: Metrics
    x: np.ndarray
    y: np.ndarray
    x_face: np.ndarray
    y_face: np.ndarray
    interfaces: np.ndarray
    spherical: bool
    has_land: bool

    def __repr__(self) -> str:
        return printing.of_grid(self).text()

    def _repr_html_(self) -> str:
        return printing.of_grid(self).html()

    @property
    def cells(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        return self.tile.cells

    @property
    def dtype(self) -> np.dtype:
        """The precision of the grid's fields."""
        return self.metrics.area.dtype

    def with_surface_geopotential(self, values: ArrayLike) -> Grid:
        """The same grid over mountains: geopotential of the ground, a number or interior [j, i] (m2/s2)."""
        ground = given("The geopotential of the ground", values, self.cells, NUMBER, PLANE, precision=self.dtype, needed=self.wet)
        values = _padded(ground, self.tile, 0.0).astype(self.dtype)
        return replace(self, metrics=self.metrics._replace(surface_geopotential=values))

    @property
    def wet(self) -> np.ndarray:
        """True in wet cells, interior [k, j, i]."""
        return self.open_levels(self.metrics.floor)

    def open_levels(self, floor: np.ndarray) -> np.ndarray:
        """True where cells are wet or faces open, interior [k, j, i]; `floor` of the metrics for either."""
        return HALO_LEVELS + np.arange(self.cells[0])[:, None, None] >= interior(floor)

    @property
    def volume(self) -> np.ndarray:
        """Reference volume of every cell, interior [k, j, i] (m2 times the unit of r); zero in dry cells."""
        return interior(self.metrics.area).astype(float) * self.open_thickness(self.metrics.floor, self.metrics.fraction)

    def open_thickness(self, floor: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """Reference thickness of what is open of every level, interior [k, j, i] (unit of r), of cells or of faces.

        `floor`, `fraction`: those of the metrics for cells, west faces or south faces.
        """
        dr = self.metrics.dr[HALO_LEVELS: HALO_LEVELS + self.cells[0], None, None]
        levels, floor = HALO_LEVELS + np.arange(self.cells[0])[:, None, None], interior(floor)
        return (levels >= floor) * dr * np.where(levels == floor, interior(fraction).astype(float), 1.0)


def interior(array: Any) -> Any:
    """The cells of a padded array [k, j, i] or [j, i], without halo."""
    cut = slice(HALO, -HALO)
    return array[HALO_LEVELS:-HALO_LEVELS, cut, cut] if array.ndim == 3 else array[..., cut, cut]


def _padded(values: Any, tile: Tile, beyond_wall: float) -> np.ndarray:
    """A cell field [j, i] with halo: repeated, mirrored over the pole, or a constant beyond walls."""
    out = np.full(tile.region.padded[1:], beyond_wall, dtype=float)
    interior(out)[...] = values
    halo = Halo(tile, Place.CENTER)
    if tile.y is not Boundary.WALL:
        copy_strips(out, copies_y(halo))
    if tile.x is not Boundary.WALL:
        copy_strips(out, copies_x(halo))
    return out


def _shifted(field: np.ndarray, south: int, west: int) -> np.ndarray:
    """field[j - south, i - west] with the first row or column repeated."""
    j = np.maximum(np.arange(field.shape[0]) - south, 0)
    i = np.maximum(np.arange(field.shape[1]) - west, 0)
    return field[np.ix_(j, i)]


def _build(tile: Tile, dtype: np.dtype, interfaces: np.ndarray, lengths: dict[str, np.ndarray], coriolis: np.ndarray,
           bottom: ArrayLike | None, land: ArrayLike | None, terrain_following: bool, partial_cells: float | None,
           **coordinates: Any) -> Grid:
    nz, ny, nx = tile.cells
    interfaces = check_interfaces(interfaces, nz)
    check_ground(terrain_following, partial_cells)
    dr = np.ones(nz + 2 * HALO_LEVELS)
    dr[HALO_LEVELS: HALO_LEVELS + nz] = np.diff(interfaces)
    lowest, top = HALO_LEVELS, HALO_LEVELS + nz

    wet = np.ones((ny, nx), bool) if land is None else ~truths("land", land, tile.cells)
    bottom = interfaces[0] if bottom is None else bottom
    wet &= ~masked_points("bottom", bottom, tile.cells)
    bottom = np.broadcast_to(given("bottom", bottom, tile.cells, NUMBER, PLANE, needed=wet, otherwise=interfaces[0]), (ny, nx))
    levels, fraction = np.full((ny, nx), lowest), np.ones((ny, nx))
    if partial_cells is not None:
        above = np.clip((interfaces[1:, None, None] - bottom) / np.diff(interfaces)[:, None, None], 0.0, 1.0)
        # the nearer of a cell of that fraction and none, so that the depth is right to half of it
        open_part = np.where(above < 0.5 * partial_cells, 0.0, np.maximum(above, partial_cells))
        levels = lowest + (open_part == 0.0).sum(axis=0)
        fraction = np.take_along_axis(open_part, np.minimum(levels - lowest, nz - 1)[None], axis=0)[0]
        fraction = np.where(wet & (levels < top), fraction, 1.0)
    elif not terrain_following:
        centres = 0.5 * (interfaces[1:] + interfaces[:-1])
        levels = lowest + (centres[:, None, None] < bottom).sum(axis=0)  # a cell is wet if its centre is
    wet &= levels < top
    if not wet.any():
        raise ValueError("There is no wet cell: bottom lies above the surface everywhere, or all is land.")
    floor = _padded(np.where(wet, levels, top), tile, beyond_wall=top).astype(np.int32)
    floor_u = np.maximum(floor, _shifted(floor, 0, 1))
    floor_v = np.maximum(floor, _shifted(floor, 1, 0))
    if tile.y is Boundary.POLE:  # faces of length zero
        floor_v[[HALO, HALO + ny]] = top
    floor_z = np.maximum(floor_u, _shifted(floor_u, 1, 0))
    fraction = _padded(fraction, tile, beyond_wall=1.0)

    def open_at(level: np.ndarray, south: int, west: int) -> np.ndarray:
        """What the cell to the south or west takes of a level at which it is wet."""
        return np.where(_shifted(floor, south, west) == level, _shifted(fraction, south, west), 1.0)

    fraction_u = np.minimum(open_at(floor_u, 0, 0), open_at(floor_u, 0, 1))
    fraction_v = np.minimum(open_at(floor_v, 0, 0), open_at(floor_v, 1, 0))
    about = [(south, west, _shifted(lengths["area"], south, west)) for south in (0, 1) for west in (0, 1)]
    fraction_z = sum(area * open_at(floor_z, south, west) for south, west, area in about) / sum(area for _, _, area in about)

    def missing(lowest_level: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """What partial cells lack of the thickness of a column."""
        return (1.0 - fraction) * dr[lowest_level]

    def column(lowest_level: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        return interfaces[-1] - interfaces[lowest_level - lowest] - missing(lowest_level, fraction)

    on_land = floor == top
    reference = interfaces[np.where(on_land, lowest, floor) - lowest] + missing(floor, fraction)
    fixed = np.where(on_land, reference, _padded(bottom, tile, interfaces[0])) if terrain_following else reference
    thickness = interfaces[-1] - reference
    thickness_u, thickness_v = column(floor_u, fraction_u), column(floor_v, fraction_v)

    def inverse(values: np.ndarray) -> np.ndarray:
        return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0.0)

    m = lengths
    fields = Metrics(
        dy_u=m["dy_u"], dx_v=m["dx_v"], dx_u=m["dx_u"], dy_v=m["dy_v"],
        inverse_dx_u=inverse(m["dx_u"]), inverse_dy_v=inverse(m["dy_v"]),
        inverse_dy_u=inverse(m["dy_u"]), inverse_dx_v=inverse(m["dx_v"]),
        area_u=m["dx_u"] * m["dy_u"], area_v=m["dx_v"] * m["dy_v"],
        area=m["area"], inverse_area=inverse(m["area"]), inverse_area_z=inverse(m["area_z"]), coriolis=coriolis,
        floor=floor, floor_u=floor_u, floor_v=floor_v, floor_z=floor_z, top=top,
        dr=dr, inverse_dr=1.0 / dr, thickness=thickness, inverse_thickness=1.0 / thickness,
        thickness_u=thickness_u, thickness_v=thickness_v,
        inverse_thickness_u=inverse(thickness_u), inverse_thickness_v=inverse(thickness_v),
        fixed=fixed, fixed_reference=reference, surface_geopotential=np.zeros_like(coriolis, float),
        part=whole_cell if partial_cells is None else partial_cell,
        over_corner=whole_corner if partial_cells is None else partial_corner,
        fraction=fraction, fraction_u=fraction_u, fraction_v=fraction_v, fraction_z=fraction_z,
        inverse_fraction=1.0 / fraction, inverse_fraction_u=1.0 / fraction_u, inverse_fraction_v=1.0 / fraction_v)

    check_lengths(fields, dtype)

    def convert(values: Any) -> Any:
        if not isinstance(values, np.ndarray):
            return values
        return np.ascontiguousarray(values, np.int32 if values.dtype.kind == "i" else dtype)

    has_land = bool((interior(floor) != lowest).any() or Boundary.WALL in (tile.x, tile.y))
    return Grid(tile, Metrics(*(convert(f) for f in fields)), interfaces=interfaces, has_land=has_land, **coordinates)


def rectilinear(cells: tuple[int, int, int], *, extent: tuple[float, float], interfaces: np.ndarray,
                x_boundary: Boundary = Boundary.PERIODIC, y_boundary: Boundary = Boundary.WALL,
                coriolis: float = 0.0, beta: float = 0.0, bottom: ArrayLike | None = None, land: ArrayLike | None = None,
                terrain_following: bool = False, partial_cells: float | None = None,
                precision: str = "float64") -> Grid:
    """A plane of extent (length in x, length in y) in metres, with uniform spacing.

    The Coriolis parameter is `coriolis + beta * y` (1/s), y measured from the middle. `bottom` [j, i]
    is the position of the fixed boundary (unit of r), `land` [j, i] is True on land; columns that are masked
    in either (as netCDF4 masks what is missing) are land. `partial_cells` is the smallest fraction of a level
    that the lowest cell of a column may take; None is whole cells only.
    Raises ValueError for sizes that make no grid.
    """
    tile = Tile(check_cells(cells), check_boundary("x_boundary", x_boundary), check_boundary("y_boundary", y_boundary))
    extent = check_extent(extent)
    coriolis, beta = finite("coriolis", coriolis, "1/s"), finite("beta", beta, "1/(m s)")
    _, ny, nx = tile.cells
    dx, dy = extent[0] / nx, extent[1] / ny
    shape = (ny + 2 * HALO, nx + 2 * HALO)
    lengths = {"dx_u": np.full(shape, dx), "dx_v": np.full(shape, dx), "dy_u": np.full(shape, dy),
               "dy_v": np.full(shape, dy), "area": np.full(shape, dx * dy), "area_z": np.full(shape, dx * dy)}
    y_corner = (np.arange(shape[0]) - HALO) * dy - 0.5 * extent[1]
    f = np.broadcast_to((coriolis + beta * y_corner)[:, None], shape)
    return _build(tile, check_precision(precision), interfaces, lengths, f, bottom, land, terrain_following, partial_cells,
                  x=(np.arange(nx) + 0.5) * dx, y=(np.arange(ny) + 0.5) * dy, x_face=np.arange(nx + 1) * dx,
                  y_face=np.arange(ny + 1) * dy, spherical=False)


def latitude_longitude(cells: tuple[int, int, int], *, interfaces: np.ndarray,
                       latitudes: tuple[float, float] = (-90.0, 90.0), longitudes: tuple[float, float] = (0.0, 360.0),
                       radius: float = EARTH_RADIUS, rotation: float = EARTH_ROTATION,
                       coriolis: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
                       bottom: ArrayLike | None = None, land: ArrayLike | None = None, terrain_following: bool = False,
                       partial_cells: float | None = None, precision: str = "float64") -> Grid:
    """A sphere or part of it, with uniform spacing in longitude and latitude (degrees).

    Latitudes (south, north) that reach both poles make a full sphere, others are bounded by walls; longitudes
    (west, east) that span 360 degrees are periodic, others walled. A western edge beyond the eastern one means
    a region across the seam, (160, -160) or (350, 10): x then increases beyond 180 or 360. `coriolis(longitude,
    latitude)` (radians, [1, i] and [j, 1]) replaces 2 rotation sin(latitude). Bottom, land and partial cells are as
    in `rectilinear`. Raises ValueError for sizes and edges that make no grid.
    """
    nz, ny, nx = check_cells(cells)
    (south, north), (west, east) = check_latitudes(latitudes), check_longitudes(longitudes)
    radius, rotation = positive("radius", radius, "m"), finite("rotation", rotation, "1/s")
    poles, full_circle = south == -90.0, np.isclose(east - west, 360.0)
    if poles and not full_circle:
        raise ValueError(f"longitudes=({west:g}, {east:g}) must span 360 degrees on a grid with poles.")
    if poles and nx % 2 and nx > 1:
        raise ValueError(f"{nx} cells in longitude do not match across the pole. Use an even number, or a single one.")
    if poles and ny < HALO:
        raise ValueError(f"{ny} cells in latitude do not reach from pole to pole. Use at least {HALO}, or latitudes that stop "
                         "short of the poles.")
    tile = Tile((nz, ny, nx), Boundary.PERIODIC if full_circle else Boundary.WALL, Boundary.POLE if poles else Boundary.WALL)
    dlon, dlat = np.radians(east - west) / nx, np.radians(north - south) / ny
    shape = (ny + 2 * HALO, nx + 2 * HALO)

    def over_the_pole(latitude: np.ndarray) -> np.ndarray:
        return np.arcsin(np.clip(np.sin(latitude), -1.0, 1.0))

    rows = np.arange(shape[0]) - HALO
    face = np.radians(south) + rows * dlat
    centre = face + 0.5 * dlat
    half = over_the_pole(face), over_the_pole(face + dlat)
    cos_face = np.abs(np.cos(face))
    if poles:
        cos_face[[HALO, HALO + ny]] = 0.0
    area = np.abs(np.sin(half[1]) - np.sin(half[0])) * radius**2 * dlon
    below, above = np.sin(centre - dlat), np.sin(centre)
    area_z = np.abs(above - below) * radius**2 * dlon
    if poles:  # about a pole corner: the triangle of the polar cap, and something positive beyond it
        area_z[[HALO, HALO + ny]] = radius**2 * dlon * (1.0 - np.abs(np.sin(centre[HALO])))
    everywhere = {"dx_u": radius * np.abs(np.cos(centre)) * dlon, "dy_u": np.full(shape[0], radius * dlat),
                  "dx_v": radius * cos_face * dlon, "dy_v": np.full(shape[0], radius * dlat), "area": area, "area_z": area_z}
    lengths = {name: np.broadcast_to(values[:, None], shape) for name, values in everywhere.items()}
    x_face = west + np.degrees(np.arange(nx + 1) * dlon)
    corner_longitude = np.radians(west) + (np.arange(shape[1]) - HALO) * dlon
    if coriolis is None:
        def coriolis(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
            return 2.0 * rotation * np.sin(latitude) + 0.0 * longitude
    f = check_coriolis(coriolis, corner_longitude[None, :], over_the_pole(face)[:, None])
    return _build(tile, check_precision(precision), interfaces, lengths, f, bottom, land, terrain_following, partial_cells,
                  x=0.5 * (x_face[1:] + x_face[:-1]), y=np.degrees(centre[HALO: HALO + ny]), x_face=x_face,
                  y_face=np.degrees(np.radians(south) + np.arange(ny + 1) * dlat), spherical=True)
