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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dycore import printing
from dycore.geometry.coordinates import (
    check_boundary,
    check_cells,
    check_coriolis,
    check_extent,
    check_ground,
    check_interfaces,
    check_join,
    check_lengths,
    check_pole,
    check_precision,
)
from dycore.geometry.geographic import Geographic, at_half_spacing, rotated, unrotated
from dycore.geometry.metrics import Ground, Metrics, interior, metrics_of, padded_plane
from dycore.geometry.sphere import lengths_on_sphere, over_the_pole, tile_on_sphere, vertical_rotation
from dycore.geometry.tripolar import lengths, nominal, padded, shape_of
from dycore.geometry.tripolar import supergrid as tripolar_supergrid
from dycore.inputs.given import NUMBER, PLANE, finite, given, positive
from dycore.inputs.places import Places, on_sphere
from dycore.tiles import HALO, HALO_LEVELS, Boundary, Place, Tile

__all__ = ["EARTH_RADIUS", "EARTH_ROTATION", "Grid", "Metrics", "interior", "latitude_longitude", "rectilinear",
           "tripolar"]

EARTH_RADIUS = 6.371229e6  # m
EARTH_ROTATION = 7.29212e-5  # 1/s


@dataclass(frozen=True, eq=False, repr=False)
class Grid:
    """A grid: tile (cells and boundaries), metrics and coordinates.

    `x`, `y` [i], [j] are cell centres (m, or degrees east and north on the sphere), `x_face`, `y_face`
    the west and south faces; `interfaces` [k] the reference levels. On a rotated grid these are longitudes and latitudes
    about `north_pole`, which is at (longitude, latitude) in degrees; `longitude`, `latitude` and `angle` [j, i] are true ones
    on any grid of a sphere, at cell centres. `supergrid`: those at half the spacing (dycore.geometry.geographic), None where
    rows and columns are parallels and meridians.
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
    north_pole: tuple[float, float] | None = None
    supergrid: Geographic | None = None

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
        """Grid over mountains, else the same: geopotential of the ground, a number or interior [j, i] (m2/s2)."""
        ground = given("The geopotential of the ground", values, self.cells, NUMBER, PLANE, precision=self.dtype, needed=self.wet,
                       units=("m2 s-2",), places=self.places())
        values = padded_plane(ground, self.tile, 0.0).astype(self.dtype)
        return replace(self, metrics=self.metrics._replace(surface_geopotential=values))

    def geographic(self, place: Place = Place.CENTER) -> Geographic:
        """Longitude, latitude and the angle from east to the grid's i direction (degrees), interior [j, i], of centres or faces.

        Raises ValueError on a plane.
        """
        rows = slice(0, -1, 2) if place is Place.SOUTH_FACE else slice(1, None, 2)
        columns = slice(0, -1, 2) if place is Place.WEST_FACE else slice(1, None, 2)
        return self.points.at(rows, columns)

    def places(self, place: Place = Place.CENTER) -> Places | None:
        """Longitudes and latitudes (on a rotated grid those about its pole) of centres or faces; None on a plane."""
        if not self.spherical:
            return None
        x = self.x_face[:-1] if place is Place.WEST_FACE else self.x
        y = self.y_face[:-1] if place is Place.SOUTH_FACE else self.y
        return on_sphere(x, y, self.x_face, self.y_face)

    @property
    def corners(self) -> Geographic:
        """Longitudes and latitudes of all corners of cells [ny + 1, nx + 1], as `geographic`."""
        return self.points.at(slice(0, None, 2), slice(0, None, 2))

    @property
    def longitude(self) -> np.ndarray:
        """Degrees east of cell centres, interior [j, i]. Raises ValueError on a plane."""
        return self.geographic().longitude

    @property
    def latitude(self) -> np.ndarray:
        """Degrees north of cell centres, interior [j, i]. Raises ValueError on a plane."""
        return self.geographic().latitude

    @property
    def angle(self) -> np.ndarray:
        """Angle of the grid's i direction, counterclockwise from east (degrees), at cell centres, interior [j, i]."""
        return self.geographic().angle

    @property
    def points(self) -> Geographic:
        """Longitudes and latitudes at half the spacing [2 ny + 1, 2 nx + 1], as `geographic`: centres, faces and corners."""
        if not self.spherical:
            raise ValueError("The grid is a plane: it has no longitudes and latitudes.")
        if self.supergrid is not None:
            return self.supergrid
        return unrotated(at_half_spacing(self.x, self.x_face)[None, :], at_half_spacing(self.y, self.y_face)[:, None])

    @property
    def wet(self) -> np.ndarray:
        """True in wet cells, interior [k, j, i]; images of cells, on the fold row of a tripolar grid, are none."""
        return self.open_levels(self.metrics.floor) & self.counted[:, None]

    @property
    def counted(self) -> np.ndarray:
        """True on the rows of cells [j] that are no images of others: all but the fold row of a tripolar grid."""
        return np.arange(self.cells[1]) < self.cells[1] - self.tile.fold_rows

    def open_levels(self, floor: np.ndarray) -> np.ndarray:
        """True where cells are wet or faces open, interior [k, j, i]; `floor` of the metrics for either."""
        return HALO_LEVELS + np.arange(self.cells[0])[:, None, None] >= interior(floor)

    @property
    def volume(self) -> np.ndarray:
        """Reference volume of every cell, interior [k, j, i] (m2 times the unit of r); zero in dry cells and in images of cells."""
        return self.area * self.open_thickness(self.metrics.floor, self.metrics.fraction)

    @property
    def area(self) -> np.ndarray:
        """Area of cells, interior [j, i] (m2), zero of images of cells (the fold row of a tripolar grid)."""
        return interior(self.metrics.area).astype(float) * self.counted[:, None]

    def open_thickness(self, floor: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """Reference thickness of what is open of every level, interior [k, j, i] (unit of r), of cells or of faces.

        `floor`, `fraction`: those of the metrics for cells, west faces or south faces.
        """
        dr = self.metrics.dr[HALO_LEVELS: HALO_LEVELS + self.cells[0], None, None]
        levels, floor = HALO_LEVELS + np.arange(self.cells[0])[:, None, None], interior(floor)
        return (levels >= floor) * dr * np.where(levels == floor, interior(fraction).astype(float), 1.0)


def _grid(tile: Tile, precision: Any, interfaces: Any, lengths: dict[str, np.ndarray], coriolis: np.ndarray, ground: Ground,
          **coordinates: Any) -> Grid:
    """A grid from its lengths (m) and Coriolis parameters, padded [j, i]."""
    dtype, interfaces = check_precision(precision), check_interfaces(interfaces, tile.cells[0])
    check_ground(ground.terrain_following, ground.partial_cells)
    if coordinates["spherical"]:
        ground = ground._replace(places=on_sphere(*(coordinates[name] for name in ("x", "y", "x_face", "y_face"))))
    metrics, has_land = metrics_of(tile, dtype, interfaces, lengths, coriolis, ground)
    check_lengths(metrics, dtype)
    return Grid(tile, metrics, interfaces=interfaces, has_land=has_land, **coordinates)


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
    return _grid(tile, precision, interfaces, lengths, f, Ground(bottom, land, terrain_following, partial_cells),
                 x=(np.arange(nx) + 0.5) * dx, y=(np.arange(ny) + 0.5) * dy, x_face=np.arange(nx + 1) * dx,
                 y_face=np.arange(ny + 1) * dy, spherical=False)


def latitude_longitude(cells: tuple[int, int, int], *, interfaces: np.ndarray,
                       latitudes: tuple[float, float] = (-90.0, 90.0), longitudes: tuple[float, float] = (0.0, 360.0),
                       x_boundary: Boundary | None = None, pole: tuple[float, float] | None = None, radius: float = EARTH_RADIUS,
                       rotation: float = EARTH_ROTATION, coriolis: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
                       bottom: ArrayLike | None = None, land: ArrayLike | None = None, terrain_following: bool = False,
                       partial_cells: float | None = None, precision: str = "float64") -> Grid:
    """A sphere or part of it, with uniform spacing in longitude and latitude (degrees).

    Latitudes (south, north) that reach both poles make a full sphere, others are bounded by walls; longitudes
    (west, east) that span 360 degrees are periodic, others walled, without an `x_boundary` (with Boundary.PERIODIC a sector
    is one of several that are alike, as if the Earth had but these longitudes). A western edge beyond the eastern one means
    a region across the seam, (160, -160) or (350, 10): x then increases beyond 180 or 360. `coriolis(longitude,
    latitude)` (radians, [1, i] and [j, 1]) replaces 2 rotation sin(latitude). Bottom, land and partial cells are as
    in `rectilinear`.

    `pole` (longitude, latitude in degrees) is where the north pole of a rotated grid is, as regional models have it: latitudes
    and longitudes are then those about that pole (dycore.geometry.geographic.rotated), lengths and areas are as if unrotated, the
    Coriolis parameter is that of the true latitude, and `coriolis` takes true coordinates [j, i]. Velocities and stresses are
    along the grid; dycore.directions turns them. Raises ValueError for sizes and edges that make no grid.
    """
    radius, rotation = positive("radius", radius, "m"), finite("rotation", rotation, "1/s")
    pole = None if pole is None else check_pole(pole)
    tile, (south, north), (west, east) = tile_on_sphere(cells, latitudes, longitudes, x_boundary, pole is not None)
    _, ny, nx = tile.cells
    dlon, dlat = np.radians(east - west) / nx, np.radians(north - south) / ny
    shape = (ny + 2 * HALO, nx + 2 * HALO)
    face = np.radians(south) + (np.arange(shape[0]) - HALO) * dlat
    rows = lengths_on_sphere(face, dlon, dlat, radius, tile.y is Boundary.POLE)
    lengths = {name: np.broadcast_to(values[:, None], shape) for name, values in rows.items()}
    x_face, y_face = west + np.degrees(np.arange(nx + 1) * dlon), np.degrees(np.radians(south) + np.arange(ny + 1) * dlat)
    x, y = 0.5 * (x_face[1:] + x_face[:-1]), np.degrees((face + 0.5 * dlat)[HALO: HALO + ny])
    places = (np.radians(west) + (np.arange(shape[1]) - HALO) * dlon)[None, :], over_the_pole(face)[:, None]
    supergrid = None
    if pole is not None:
        corners = rotated(np.degrees(places[0]), np.degrees(face)[:, None], pole)
        places = np.radians(corners.longitude), np.radians(corners.latitude)
        supergrid = rotated(at_half_spacing(x, x_face)[None, :], at_half_spacing(y, y_face)[:, None], pole)
    f = check_coriolis(vertical_rotation(rotation) if coriolis is None else coriolis, *places)
    return _grid(tile, precision, interfaces, lengths, f, Ground(bottom, land, terrain_following, partial_cells), x=x, y=y,
                 x_face=x_face, y_face=y_face, spherical=True, north_pole=pole, supergrid=supergrid)


def tripolar(cells: tuple[int, int, int], *, interfaces: np.ndarray, south: float = -78.0, join: float = 60.0, pole: float = 60.0,
             radius: float = EARTH_RADIUS, rotation: float = EARTH_ROTATION,
             coriolis: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None, bottom: ArrayLike | None = None,
             land: ArrayLike | None = None, terrain_following: bool = False, partial_cells: float | None = None,
             precision: str = "float64") -> Grid:
    """A sphere for oceans, from the latitude `south` (degrees) to the North Pole, without small cells in the Arctic.

    Parallels and meridians up to the latitude `join`; north of it Murray's bipolar cap (dycore.geometry.tripolar), whose two
    poles, at the longitudes `pole` and `pole` + 180 on the join, are to lie on land: by default in Russia and Canada. Columns
    begin at `pole`, and 4 has to divide their number. Rows are as thick on either side of the join.

    The last of the ny rows is the fold row: its cells are images of those of the row before, in the opposite order, and count in
    no sum; whatever a field has there is replaced, but for velocities on the western half of its south faces, which lie on the
    fold and move. So there are ny - 1 rows of cells. Velocities and stresses are along the grid; dycore.directions turns them,
    and `longitude`, `latitude` and `angle` say where it lies. `x` and `y` are nominal: longitudes of columns south of the join,
    latitudes of rows halfway between the poles of the grid. `coriolis(longitude, latitude)` takes true coordinates [j, i]
    (radians). Bottom, land and partial cells are as in `rectilinear`. Raises ValueError for sizes and latitudes that make no grid.
    """
    radius, rotation = positive("radius", radius, "m"), finite("rotation", rotation, "1/s")
    cells = check_cells(cells)
    south, join, pole = check_join(south, join, pole)
    tile, shape = Tile(cells, Boundary.PERIODIC, Boundary.FOLD), shape_of(cells, south, join, pole)
    supergrid, y = tripolar_supergrid(shape), nominal(shape)
    x = pole + 180.0 * np.arange(2 * shape.columns + 1) / shape.columns
    corners = supergrid.at(slice(0, -2, 2), slice(0, -1, 2))
    places = np.radians(corners.longitude), np.radians(corners.latitude)
    f = check_coriolis(vertical_rotation(rotation) if coriolis is None else coriolis, *places)
    f = np.concatenate([np.broadcast_to(f[:1], (HALO, f.shape[1])), f])
    return _grid(tile, precision, interfaces, lengths(shape, radius), padded(shape, f, True, True),
                 Ground(bottom, land, terrain_following, partial_cells), x=x[1::2], y=y[1::2], x_face=x[::2], y_face=y[::2],
                 spherical=True, supergrid=supergrid)
