"""Fields brought to regular longitudes and latitudes: of a rotated or a tripolar grid, or of any other on the sphere.

Weights are found once, for all levels and times: linear ones in the triangles of a Delaunay triangulation of the cell centres
(scipy), or those of xESMF, which keep integrals. Places without fluid take no part: a value is the mean, by these weights, of the
cells that have one, and is missing where they have less than half of the weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.diagnostics.cells import alone, at_centre, axes, goes_round, need, open_thickness, velocity_of
from dycore.geometry.geographic import mean_longitude, unit_vectors
from dycore.grid import EARTH_RADIUS
from dycore.inputs.given import is_number, shown

METHODS = ("linear", "conservative")
BELOW = -60.0  # degrees of latitude, of a hemisphere northward: how far beyond the equator its triangulation goes
TOLERANCE = 1e-9  # of barycentric coordinates: places that lie on cell centres are else searched for among all triangles
OF_THE_GRID = ("cells", "x_boundary", "y_boundary", "identity")  # attributes that are not those of regular places
VELOCITY = ("eastward_velocity", "northward_velocity")
OF_AIR, OF_WATER = ("eastward_wind", "northward_wind"), ("eastward_sea_water_velocity", "northward_sea_water_velocity")


def on_regular_grid(dataset: Any, spacing: float | None = None, method: str = "linear") -> Any:
    """Dataset of all fields on regular longitudes and latitudes, `spacing` degrees apart; velocities are eastward and northward.

    spacing: rounded so that a whole number fits into 360 degrees; that of the mean cell if None. method: "linear" between cell
    centres by scipy, or "conservative" means over cells by xESMF. What is at faces comes to cell centres first. A part of the
    sphere stays a part. Raises ValueError on a plane and for what is no spacing or method, ImportError where xESMF is missing.
    """
    names = axes(dataset)
    need(dataset, "cell_area", "west_face_length", "south_face_length")
    if "longitude" not in names.x:
        raise ValueError(f"The dataset is on a plane ({names.x}, {names.y}), which has no longitudes and latitudes.")
    if method not in METHODS:
        raise ValueError(f"method={shown(method)} is none that there is. Use one of {', '.join(METHODS)}.")
    longitude, latitude = places(dataset)
    east, north = regular_places(dataset, longitude, latitude, spacing)
    find = linear_weights if method == "linear" else conservative_weights
    there = np.meshgrid(east, north)
    weights = find(dataset, longitude, latitude, *there)
    centres = at_centres(dataset)
    fields = {name: regridded(field, weights, names, east, north) for name, field in centres.items()}
    if {*VELOCITY} <= {*centres}:  # as a vector in space: east is another direction on each side of a pole
        here, regular = directions((names.y, names.x), longitude, latitude), directions(("latitude", "longitude"), *there)
        parts = [regridded(sum(centres[name] * way[part] for name, way in zip(VELOCITY, here, strict=True)), weights, names, east,
                           north) for part in range(3)]
        for name, way in zip(VELOCITY, regular, strict=True):
            turned = sum(part * along for part, along in zip(parts, way, strict=True))
            fields[name] = turned.transpose(*fields[name].dims).assign_attrs(fields[name].attrs)
    return with_coordinates(dataset, fields, east, north)


def directions(dims: tuple[str, str], longitude: np.ndarray, latitude: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Unit vectors to the east and to the north at places [j, i] (degrees): three components in space of each."""
    from xarray import DataArray

    x, y = np.radians(longitude), np.radians(latitude)
    east, north = (-np.sin(x), np.cos(x), 0.0 * x), (-np.sin(y) * np.cos(x), -np.sin(y) * np.sin(x), np.cos(y))
    return [DataArray(part, dims=dims) for part in east], [DataArray(part, dims=dims) for part in north]


def places(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """True longitudes and latitudes of cell centres [j, i] (degrees)."""
    names = axes(dataset)
    if names.x == "longitude":
        longitude, latitude = np.meshgrid(dataset[names.x].values.astype(float), dataset[names.y].values.astype(float))
    else:
        need(dataset, "longitude", "latitude", "angle")
        longitude, latitude = (dataset[name].transpose(names.y, names.x).values.astype(float) for name in ("longitude", "latitude"))
    return longitude, latitude


def regular_places(dataset: Any, longitude: np.ndarray, latitude: np.ndarray, spacing: Any) -> tuple[np.ndarray, np.ndarray]:
    """Regular longitudes eastward and latitudes northward (degrees), about the middles of intervals that begin at 0 and -90."""
    area = dataset["cell_area"].values
    if spacing is None:
        spacing = min(30.0, np.degrees(np.sqrt(area[area > 0.0].mean()) / EARTH_RADIUS))
    if not is_number(spacing, lambda degrees: 0.0 < degrees <= 90.0):
        raise ValueError(f"spacing={shown(spacing)} must be a number of degrees, above 0 and at most 90.")
    columns = max(4, round(360.0 / float(spacing)))
    width, rows = 360.0 / columns, max(2, round(columns / 2))
    east, north = width * (0.5 + np.arange(columns)), 180.0 / rows * (0.5 + np.arange(rows)) - 90.0
    names = axes(dataset)
    if goes_round(dataset, names.x):
        height = 180.0 / rows
        return east, north[(north > latitude.min() - height) & (north < latitude.max() + height)]
    middle = mean_longitude(longitude)
    turned = (longitude - middle + 180.0) % 360.0 - 180.0
    east = (east - middle + 180.0) % 360.0 - 180.0
    east = np.sort(east[(east > turned.min() - width) & (east < turned.max() + width)]) + middle
    return east, north[(north > latitude.min() - width) & (north < latitude.max() + width)]


def at_centres(dataset: Any) -> dict[str, Any]:
    """Fields of a dataset at cell centres, missing where there is no fluid, and the velocity along east and north."""
    names, found = axes(dataset), {}
    horizontal = {names.x, names.y, f"{names.x}_face", f"{names.y}_face"}
    u, v = velocity_of(dataset)
    for name, field in dataset.data_vars.items():
        dims = horizontal & set(field.dims)
        if len(dims) == 2 and field.dtype.kind in "fiu":
            values = alone(field)
            for dim, side in ((names.x, "west"), (names.y, "south")):
                if f"{dim}_face" in dims:  # by lengths: a face at a pole has none, and no velocity
                    length = alone(dataset[f"{side}_face_length"])
                    values = at_centre(dataset, values.fillna(0.0) * length, dim) / at_centre(dataset, length, dim)
            found[name] = values.assign_attrs({key: value for key, value in field.attrs.items()
                                               if key not in ("cell_measures", "grid_mapping", "coordinates")})
    for name in {u, v} & {*found}:
        found[name] = found[name].where(open_thickness(dataset) > 0.0)
    if {u, v} & {*found} and u not in VELOCITY:
        need(dataset, u, v, "angle")
        cosine, sine = (function(np.radians(alone(dataset["angle"]))) for function in (np.cos, np.sin))
        along_x, along_y = found.pop(u), found.pop(v)
        standard = OF_AIR if dataset[names.level].attrs.get("units") == "Pa" else OF_WATER
        turned = cosine * along_x - sine * along_y, sine * along_x + cosine * along_y
        for name, values, standard_name in zip(VELOCITY, turned, standard, strict=True):
            found[name] = values.assign_attrs(standard_name=standard_name, long_name=name.replace("_", " "), units="m s-1")
    return found


def linear_weights(dataset: Any, longitude: np.ndarray, latitude: np.ndarray, east: np.ndarray, north: np.ndarray) -> Any:
    """Weights [place, cell] of the three cell centres about every place: a sparse matrix of scipy; none beyond the cells.

    Triangles are those of a stereographic projection of each hemisphere, whose circles are circles on the sphere, so that it is
    the triangulation of the sphere.
    """
    from scipy.sparse import csr_array
    from scipy.spatial import Delaunay, KDTree

    names = axes(dataset)
    cells = np.flatnonzero(dataset["cell_area"].transpose(names.y, names.x).values > 0.0)  # not the images on a fold
    vectors = unit_vectors(longitude, latitude)
    here, there = vectors.reshape(3, -1)[:, cells].T, unit_vectors(east, north).reshape(3, -1).T
    diagonal = np.hypot(*(np.linalg.norm(np.diff(vectors, axis=axis), axis=0).max(initial=0.0) for axis in (1, 2)))
    distance, nearest = KDTree(here).query(there)
    near = distance <= 0.55 * diagonal  # within a cell, for which half would do on a plane
    weights, three = np.zeros((len(there), 3)), np.stack([nearest] * 3, axis=1)
    weights[:, 0] = near  # of the nearest alone, in the outer half of cells on the edge
    for pole in (1.0, -1.0):
        within = np.flatnonzero(pole * here[:, 2] > np.sin(np.radians(BELOW)))
        wanted = np.flatnonzero(near & ((there[:, 2] > 0.0) == (pole > 0.0)))
        if len(within) < 3 or not len(wanted):
            continue
        plane, points = (each[:, :2] / (1.0 + pole * each[:, 2:]) for each in (here[within], there[wanted]))
        triangles = Delaunay(plane)
        number = triangles.find_simplex(points, tol=TOLERANCE)
        corners = here[within[triangles.simplices]]
        small = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1) <= 1.5 * diagonal  # spans no gap
        inside = (number >= 0) & small[number]
        transform = triangles.transform[number[inside]]
        two = np.einsum("nij,nj->ni", transform[:, :2], points[inside] - transform[:, 2])
        weights[wanted[inside]] = np.concatenate([two, 1.0 - two.sum(axis=1, keepdims=True)], axis=1)
        three[wanted[inside]] = within[triangles.simplices[number[inside]]]
    rows = np.repeat(np.arange(len(there)), 3)
    return csr_array((weights.ravel(), (rows, cells[three].ravel())), shape=(len(there), longitude.size))


def conservative_weights(dataset: Any, longitude: np.ndarray, latitude: np.ndarray, east: np.ndarray, north: np.ndarray) -> Any:
    """Weights [place, cell] of xESMF: shares of the cells in each interval of longitudes and latitudes."""
    try:
        import xesmf
    except ImportError:
        raise ImportError("Conservative regridding needs xESMF, which comes with the library ESMF from conda-forge (conda install "
                          "-c conda-forge xesmf). Install it, or choose method='linear'.") from None
    from xarray import Dataset

    names = axes(dataset)
    if names.x == "longitude":
        edges = [np.append(dataset[f"{dim}_bounds"].values[:, 0], dataset[f"{dim}_bounds"].values[-1, 1]) for dim in names[:2]]
        corners = list(np.meshgrid(*edges))
    else:
        corners = [whole_corners(dataset[f"{name}_vertices"].values) for name in ("longitude", "latitude")]
    half = 0.5 * (east[0, 1] - east[0, 0]), 0.5 * (north[1, 0] - north[0, 0])
    here = Dataset(coords={"lon": (("y", "x"), longitude), "lat": (("y", "x"), latitude), "lon_b": (("y_b", "x_b"), corners[0]),
                           "lat_b": (("y_b", "x_b"), corners[1])})
    regular = Dataset(coords={"lon": east[0], "lat": north[:, 0], "lon_b": np.append(east[0] - half[0], east[0, -1] + half[0]),
                              "lat_b": np.clip(np.append(north[:, 0] - half[1], north[-1, 0] + half[1]), -90.0, 90.0)})
    return xesmf.Regridder(here, regular, "conservative", unmapped_to_nan=False).weights.data.to_scipy_sparse().tocsr()


def whole_corners(vertices: np.ndarray) -> np.ndarray:
    """Corners [j + 1, i + 1] of cells from the four of each, counterclockwise from the south-west one."""
    south = np.concatenate([vertices[:, :, 0], vertices[:, -1:, 1]], axis=1)
    return np.concatenate([south, np.append(vertices[-1, :, 3], vertices[-1, -1, 2])[None]], axis=0)


def regridded(field: Any, weights: Any, names: Any, east: np.ndarray, north: np.ndarray) -> Any:
    """A field on regular places, in the dimensions latitude and longitude; lazy where it is."""
    import xarray

    def apply(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, weights.shape[1]).T
        known = np.isfinite(flat)
        total, share = weights @ np.where(known, flat, 0.0), weights @ known.astype(float)
        result = np.where(share >= 0.5, total, np.nan) / np.where(share >= 0.5, share, 1.0)
        return result.T.reshape(*values.shape[:-2], north.size, east.size)

    if field.chunks is not None:
        field = field.chunk({names.y: -1, names.x: -1})
    return xarray.apply_ufunc(
        apply, field.drop_vars([names.x, names.y], errors="ignore"), input_core_dims=[[names.y, names.x]],
        output_core_dims=[["latitude", "longitude"]], exclude_dims={names.y, names.x}, dask="parallelized", output_dtypes=[float],
        keep_attrs=True, dask_gufunc_kwargs={"output_sizes": {"latitude": north.size, "longitude": east.size}})


def with_coordinates(dataset: Any, fields: dict[str, Any], east: np.ndarray, north: np.ndarray) -> Any:
    """A dataset of fields on regular places, with the levels and times of another."""
    import xarray

    found = xarray.Dataset(fields, attrs={name: value for name, value in dataset.attrs.items() if name not in OF_THE_GRID})
    for name, values, units, axis in (("longitude", east, "degrees_east", "X"), ("latitude", north, "degrees_north", "Y")):
        attributes = {"standard_name": name, "long_name": name, "units": units, "axis": axis}
        found = found.assign_coords({name: (name, values, attributes)})
    kept = [name for name in found.dims if name in dataset.coords and name not in ("longitude", "latitude")]
    return found.assign_coords({name: dataset[name].variable for name in kept})
