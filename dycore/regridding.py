"""Fields on points of longitudes and latitudes brought to the places of a grid on the sphere, by weights that are found once.

    regrid = bilinear(source, target)
    regrid(values)                      # [J, I] of the source -> [n], the places of the target that are needed

A method is a function of a Source and a Target that returns such a function: `bilinear` (scipy), or `conservative`.
Points without a value, such as land, first take that of the nearest point that has one (`Gaps`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.datasets import SAME_PLACE, eastward
from dycore.geometry.geographic import unit_vectors
from dycore.grid import Grid
from dycore.inputs.checked_arguments import checked
from dycore.inputs.named_axes import coordinates_of
from dycore.inputs.places import degrees_of
from dycore.tiles import Place

GAP = 1.5  # times the next widest spacing of longitudes: a wider one is the part that a dataset of a region leaves out
NEAR = 3.0  # times the wider spacing of dataset and grid: how far a value goes into points without one, unless a user says
ROTATED = {"grid_longitude", "grid_latitude", "rlon", "rlat"}  # longitudes and latitudes about another pole


class Source(NamedTuple):
    """Points of a dataset: latitudes [J] northward and longitudes [I] eastward (degrees), and which of its rows and columns."""

    latitude: np.ndarray
    longitude: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    closed: bool  # whether they go round the sphere

    def ordered(self, values: np.ndarray) -> np.ndarray:
        """Values of the dataset [J, I] in this order."""
        return values[np.ix_(self.rows, self.columns)]

    def turned(self, longitude: np.ndarray) -> np.ndarray:
        """Longitudes (degrees) in the convention of these: not before the first, or half round the sphere from their middle."""
        first, last = self.longitude[0], self.longitude[-1]
        return eastward(longitude, first if self.closed else 0.5 * (first + last) - 180.0)

    @property
    def spacing(self) -> float:
        """The wider of the usual spacings (degrees)."""
        return float(max(np.median(np.diff(self.latitude)), np.median(np.diff(self.longitude))))


class Target(NamedTuple):
    """Places of a grid: true longitudes and latitudes [j, i] (degrees), where values are needed, and the grid itself."""

    longitude: np.ndarray
    latitude: np.ndarray
    needed: np.ndarray
    grid: Any  # dycore.grid.Grid
    place: Place


def source_of(name: str, field: Any, rows: Any, columns: Any) -> Source:
    """The points of a field (xarray.DataArray) along its dimensions of latitude and of longitude.

    Raises ValueError where these are no true latitudes and longitudes, or fewer than two.
    """
    found = []
    for dim, what in ((rows, "latitude"), (columns, "longitude")):
        degrees = degrees_of(field, dim)
        rotated = {str(dim), *(str(each.attrs.get("standard_name", "")) for each in coordinates_of(field, dim))} & ROTATED
        if degrees is None or rotated:
            raise ValueError(f"{name} has no {what} of one dimension along {dim}, in degrees: it has the coordinates "
                             f"{', '.join(map(str, field.coords)) or 'none'}. One on a curvilinear or a rotated grid must be "
                             "regridded first, for example with xESMF or CDO.")
        found.append(degrees)
    latitude, longitude = found
    order = np.argsort(latitude, kind="stable")
    turned, columns_in_order, closed = round_the_sphere(longitude)
    several = len(latitude) > 1 and len(turned) > 1 and (np.diff(latitude[order]) > 0.0).all()
    if not several or np.abs(latitude).max() > 90.0 + SAME_PLACE:
        raise ValueError(f"{name} has {len(latitude)} latitudes from {latitude.min():g} to {latitude.max():g} and {len(turned)} "
                         "longitudes. It needs two different ones of either at least, within 90 degrees.")
    return Source(latitude[order], turned, order, columns_in_order, closed)


def round_the_sphere(longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Longitudes (degrees) eastward, each place once, beginning after the widest gap; which ones they are; whether they close."""
    def sorted_from(west: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        turned = eastward(longitude, west)
        order = np.argsort(turned, kind="stable")
        order = order[np.diff(turned[order], append=turned.min() + 360.0) > SAME_PLACE]  # 0 and 360 degrees are one place
        return turned[order], order, np.diff(turned[order], append=turned[order][:1] + 360.0)

    turned, _, gaps = sorted_from(0.0)
    widest = int(np.argmax(gaps))
    if len(gaps) > 2 and gaps[widest] <= GAP * np.sort(gaps)[-2]:
        return *sorted_from(float(longitude[0]) - SAME_PLACE)[:2], True
    return *sorted_from(turned[(widest + 1) % len(turned)] - 0.5 * gaps[widest])[:2], False


def target_of(grid: Grid, place: Place) -> Target:
    """Centres or faces of a grid on the sphere, of which those in wet columns, or open at some level, are needed."""
    floors = {Place.WEST_FACE: grid.metrics.floor_u, Place.SOUTH_FACE: grid.metrics.floor_v}
    needed = np.asarray(grid.open_levels(floors.get(place, grid.metrics.floor)).any(axis=0))
    places = grid.geographic(place)
    return Target(places.longitude, places.latitude, needed, grid, place)


# Methods


class Bilinear(NamedTuple):
    """Bilinear interpolation between points at latitudes [J] and longitudes [I + 2 if they close], to places [n, 2] (degrees)."""

    latitude: np.ndarray
    longitude: np.ndarray
    closed: bool
    places: np.ndarray
    in_words: str = "bilinear by scipy"

    def __call__(self, values: np.ndarray) -> np.ndarray:
        from scipy.interpolate import RegularGridInterpolator

        around = np.concatenate([values[:, -1:], values, values[:, :1]], axis=1) if self.closed else values
        return RegularGridInterpolator((self.latitude, self.longitude), around)(self.places)


@checked
def bilinear(source: Source, target: Target) -> Bilinear:
    """Bilinear interpolation in longitude and latitude; half a spacing beyond the outermost points, and to a pole, these hold.

    Raises ValueError where a place that is needed lies further out.
    """
    check_extent(source, target)
    first, last, around = source.longitude[0], source.longitude[-1], source.longitude
    if source.closed:
        around = np.concatenate([[last - 360.0], around, [first + 360.0]])
    latitude = np.clip(target.latitude[target.needed], source.latitude[0], source.latitude[-1])
    longitude = np.clip(source.turned(target.longitude[target.needed]), around[0], around[-1])
    return Bilinear(source.latitude, around, source.closed, np.stack([latitude, longitude], axis=-1))


def check_extent(source: Source, target: Target) -> None:
    """Raise ValueError, with both extents, where a place that is needed lies outside of the cells about the points of a dataset."""
    latitude, longitude = target.latitude[target.needed], target.longitude[target.needed]
    south, north, west, east = edges(source)
    turned, outside = source.turned(longitude), (latitude < south) | (latitude > north)
    if not source.closed:
        outside |= (turned < west) | (turned > east)
    if outside.any():
        row, column = latitude[outside][0], longitude[outside][0]
        first, last = source.longitude[[0, -1]] + 360.0 * np.round((longitude.mean() - source.longitude.mean()) / 360.0)
        raise ValueError(f"{outside.sum()} of the {latitude.size} wet places of the grid, which are from {latitude.min():g} to "
                         f"{latitude.max():g} degrees north and from {longitude.min():g} to {longitude.max():g} east, lie outside "
                         f"of the dataset, from {source.latitude[0]:g} to {source.latitude[-1]:g} north and from {first:g} to "
                         f"{last:g} east; the first is at {row:g} north, {column:g} east. Choose a grid within, or a dataset that "
                         "covers it.")


def edges(source: Source) -> tuple[float, float, float, float]:
    """South, north, west and east of the cells about the points of a dataset (degrees); the last row is that of a pole if near."""
    (south, north), (west, east) = (
        (places[0] - 0.5 * (places[1] - places[0]) - SAME_PLACE, places[-1] + 0.5 * (places[-1] - places[-2]) + SAME_PLACE)
        for places in (source.latitude, source.longitude))
    if source.latitude[0] - (source.latitude[1] - source.latitude[0]) <= -90.0:
        south = -90.0
    if source.latitude[-1] + (source.latitude[-1] - source.latitude[-2]) >= 90.0:
        north = 90.0
    return float(south), float(north), float(west), float(east)


class Overlaps(NamedTuple):
    """Means over cells between parallels and meridians: shares of a row [j, J] and of a column [i, I], sparse matrices of scipy."""

    rows: Any
    columns: Any
    needed: np.ndarray  # [j, i]
    in_words: str = "conservative by overlaps of latitudes and longitudes"

    def __call__(self, values: np.ndarray) -> np.ndarray:
        known = np.isfinite(values)
        total, share = ((self.columns @ (self.rows @ field).T).T[self.needed]
                        for field in (np.where(known, values, 0.0), known.astype(float)))
        return np.where(share > 0.0, total, np.nan) / np.where(share > 0.0, share, 1.0)


class Conservative(NamedTuple):
    """Means over cells by weights of xESMF: a sparse matrix of scipy, a row for each cell that is needed."""

    weights: Any
    in_words: str = "conservative by xESMF"

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self.weights @ values.ravel())


@checked
def conservative(source: Source, target: Target) -> Overlaps | Conservative:
    """Means of the dataset over the cells of a grid, over the part of them that has values, which keep integrals of fluxes.

    Exact where rows and columns of the grid are parallels and meridians; on a rotated grid by xESMF (conservative_normed), of which
    every rank finds all weights: it needs an ESMF without MPI then, as conda-forge has it by default. Raises ValueError as
    `bilinear`, and at faces, which have no cells of their own; ImportError where xESMF is needed and missing.
    """
    if target.place is not Place.CENTER:
        raise ValueError("Conservative regridding goes to the cells of a grid, not to its faces. For a stress choose "
                         "method=dycore.regridding.bilinear.")
    check_extent(source, target)
    south, north, west, east = edges(source)
    rows, columns = (0.5 * (places[1:] + places[:-1]) for places in (source.latitude, source.longitude))
    rows = np.clip([south, *rows, north], -90.0, 90.0)
    if source.closed:  # the edge between the last and the first
        west = 0.5 * (source.longitude[0] + source.longitude[-1]) - 180.0
        east = west + 360.0
    columns = np.array([west, *columns, east])
    grid = target.grid
    if grid.supergrid is not None:
        return by_xesmf(source, target, rows, columns)
    turns = 360.0 * (np.round((grid.x.mean() - columns.mean()) / 360.0) + np.arange(-1.0, 2.0))
    return Overlaps(shares(np.sin(np.radians(rows)), np.sin(np.radians(grid.y_face))),
                    sum(shares(columns + turn, grid.x_face) for turn in turns), target.needed)


def shares(there: np.ndarray, here: np.ndarray) -> Any:
    """Shares of the intervals between edges `here` that lie in those between edges `there`: a sparse matrix [here, there]."""
    from scipy.sparse import csr_array

    overlap = np.minimum(here[1:, None], there[1:]) - np.maximum(here[:-1, None], there[:-1])
    return csr_array(np.maximum(overlap, 0.0) / np.diff(here)[:, None])


def by_xesmf(source: Source, target: Target, rows: np.ndarray, columns: np.ndarray) -> Conservative:
    """Weights of xESMF from cells between edges of rows and columns (degrees) to those of a grid of any kind."""
    try:
        import xesmf
    except ImportError:
        raise ImportError("Conservative regridding to a rotated grid needs xESMF, which comes with the library ESMF from "
                          "conda-forge (conda install -c conda-forge xesmf). Install it, or choose "
                          "method=dycore.regridding.bilinear.") from None
    from xarray import Dataset

    corners = target.grid.corners
    there = Dataset(coords={"lat": source.latitude, "lon": source.longitude, "lat_b": rows, "lon_b": columns})
    here = Dataset(coords={"lat": (("y", "x"), target.latitude), "lon": (("y", "x"), target.longitude),
                           "lat_b": (("y_b", "x_b"), corners.latitude), "lon_b": (("y_b", "x_b"), corners.longitude)})
    regridder = xesmf.Regridder(there, here, "conservative_normed", unmapped_to_nan=True)
    return Conservative(regridder.weights.data.to_scipy_sparse().tocsr()[target.needed.ravel()])


# Points without a value


class Gaps(NamedTuple):
    """Points without a value, and for each that is near enough the nearest with one, both as places in a flat field."""

    missing: np.ndarray  # [J, I]
    points: np.ndarray
    nearest: np.ndarray

    def filled(self, values: np.ndarray) -> np.ndarray:
        """Values [J, I] that go on into the gaps; NaN where they do not."""
        found = np.where(self.missing, np.nan, values)
        found.flat[self.points] = found.flat[self.nearest]
        return found


def gaps_of(source: Source, missing: np.ndarray, distance: float) -> Gaps:
    """The points without a value [J, I], and the nearest ones with a value within a distance (degrees of a great circle)."""
    from scipy.spatial import KDTree

    points, others = np.flatnonzero(missing), np.flatnonzero(~missing)
    if not (points.size and others.size):
        return Gaps(missing, points[:0], points[:0])
    vectors = unit_vectors(source.longitude[None, :], source.latitude[:, None]).reshape(3, -1).T
    chord = 2.0 * np.sin(0.5 * np.radians(min(distance, 180.0)))
    distances, which = KDTree(vectors[others]).query(vectors[points], distance_upper_bound=chord * (1.0 + 1e-9))
    near = np.isfinite(distances)
    return Gaps(missing, points[near], others[which[near]])
