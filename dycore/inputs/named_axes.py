"""Arrays whose dimensions have names (xarray.DataArray), brought to the axes of a grid by these names: [k, j, i], [j, i] or [k].

A dimension is known by the attributes `axis`, `standard_name` or `units` of its coordinate, as CF has them, or by a usual name. An
array of which some dimension is not known is taken in the order that it has, as any other array, where its lengths differ.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

AXES = "kji"
OF_CF = {"Z": "k", "Y": "j", "X": "i"}
OF_STANDARD_NAMES = {
    "longitude": "i", "grid_longitude": "i", "projection_x_coordinate": "i", "latitude": "j", "grid_latitude": "j",
    "projection_y_coordinate": "j", "height": "k", "depth": "k", "altitude": "k", "air_pressure": "k",
    "height_above_mean_sea_level": "k", "model_level_number": "k", "ocean_sigma_coordinate": "k", "ocean_s_coordinate": "k"}
OF_UNITS = {"degrees_east": "i", "degree_east": "i", "degrees_e": "i", "degree_e": "i", "degreese": "i", "degreee": "i",
            "degrees_north": "j", "degree_north": "j", "degrees_n": "j", "degree_n": "j", "degreesn": "j", "degreen": "j"}
USUAL = {
    "k": ("z", "lev", "level", "depth", "height", "altitude", "plev", "pressure", "air_pressure", "nz", "k", "zl", "zc", "zt",
          "deptht", "depthu", "depthv", "nav_lev", "bottom_top", "s_rho", "height_face", "air_pressure_face", "st_ocean",
          "sw_ocean", "z_t", "z_w", "levels", "nlev", "pfull", "zi", "zw"),
    "j": ("y", "lat", "latitude", "grid_latitude", "rlat", "ny", "j", "yh", "yq", "yc", "yg", "yt", "yu", "yv", "nlat", "nj", "jj",
          "south_north", "south_north_stag", "northing", "northings", "y_face", "latitude_face", "grid_latitude_face",
          "eta_rho", "eta_u", "eta_v", "eta_psi", "row", "rows"),
    "i": ("x", "lon", "longitude", "grid_longitude", "rlon", "nx", "i", "xh", "xq", "xc", "xg", "xt", "xu", "xv", "nlon", "ni",
          "ii", "west_east", "west_east_stag", "easting", "eastings", "x_face", "longitude_face", "grid_longitude_face",
          "xi_rho", "xi_u", "xi_v", "xi_psi", "column", "columns", "cols")}
# longitudes and latitudes by themselves or with the point of a cell: lons, nav_lon, XLONG_U, TLAT, geolon_t, x_rho, grid_yt
POINTS = r"(_?([tuvwqfchgp]|rho|psi|centers?|centres?|faces?|corners?|edges?|m|stag))?"
PATTERNS = {
    "j": rf"(nav_|geo|grid_|x|[tuvq])?lat(s|itudes?)?{POINTS}|y{POINTS}(_ocean)?|grid_y{POINTS}",
    "i": rf"(nav_|geo|grid_|x|[tuvq])?lon(s|g|gitudes?)?{POINTS}|x{POINTS}(_ocean)?|grid_x{POINTS}"}
KNOWN = {name: axis for axis, names in USUAL.items() for name in names}
WAY = {"j": "rows of a grid go northward", "i": "columns of a grid go eastward",
       "k": "levels of a grid go upward from the sea floor, or downward from the top of the atmosphere"}
PRESSURES = ("plev", "pressure", "air_pressure")


def is_labelled(values: Any) -> bool:
    """Whether an array has dimensions with names and coordinates, as an xarray.DataArray has."""
    return all(hasattr(values, part) for part in ("dims", "coords", "dtype"))


def coordinates_of(array: Any, dim: Any) -> list:
    """The coordinates along a dimension alone, that of its own name first."""
    return sorted((each for each in array.coords.values() if each.dims == (dim,)), key=lambda each: each.name != dim)


def axis_of(array: Any, dim: Any) -> str | None:
    """Which axis of a grid a dimension is; None where that is not known."""
    for coordinate in coordinates_of(array, dim):
        about = {name: str(coordinate.attrs.get(name, "")).strip() for name in ("axis", "standard_name", "units")}
        found = (OF_CF.get(about["axis"].upper()) or OF_STANDARD_NAMES.get(about["standard_name"])
                 or OF_UNITS.get(about["units"].lower()))
        if found:
            return found
    name = str(dim).lower()
    return KNOWN.get(name) or next((axis for axis, pattern in PATTERNS.items() if re.fullmatch(pattern, name)), None)


def on_axes(name: str, values: Any) -> Any:
    """An array with its known dimensions in the order of a grid, with length 1 along those that it lacks; all else as it is.

    A profile along k stays one. Unknown dimensions of length 1 beside known ones are left out. Raises ValueError where a coordinate
    runs against the axis that it is, and where a dimension is not known and the shape cannot tell which one it is.
    """
    if not is_labelled(values):
        return values
    known = [dim for dim in values.dims if axis_of(values, dim)]
    if known and all(dim in known or values.sizes[dim] == 1 for dim in values.dims):
        values = values.isel({dim: 0 for dim in values.dims if dim not in known})
    axes = {axis_of(values, dim): dim for dim in values.dims}
    if None in axes or len(axes) < len(values.dims) or not axes:
        check_shape(name, values)
        return values
    for axis, dim in axes.items():
        check_direction(name, values, dim, str(axis))
    array = np.asanyarray(values.transpose(*(axes[axis] for axis in AXES if axis in axes)))
    if [*axes] == ["k"]:
        return array
    sizes = iter(array.shape)
    return array.reshape([next(sizes) if axis in axes else 1 for axis in (AXES if "k" in axes else AXES[1:])])


def check_shape(name: str, array: Any) -> None:
    """Raise ValueError where dimensions are not known and two are of one length, unless the last two are rows and columns."""
    lengths = [length for length in array.shape if length > 1]
    if len(set(lengths)) == len(lengths) or [axis_of(array, dim) for dim in array.dims[-2:]] == ["j", "i"]:
        return
    unknown = [str(dim) for dim in array.dims if axis_of(array, dim) is None] or [str(dim) for dim in array.dims]
    raise ValueError(f"{name} has the dimensions {', '.join(f'{dim} ({n})' for dim, n in array.sizes.items())}, of which "
                     f"{', '.join(unknown)} may be any axis of the grid. Bring them into the order of the grid, levels, rows, "
                     f"columns, with .transpose(...), and give the .values; or rename them, for example to z, y, x.")


def check_direction(name: str, array: Any, dim: Any, axis: str) -> None:
    """Raise ValueError where the coordinate of a dimension runs against the axis of a grid that it is."""
    places = np.asarray(array.coords[dim]) if dim in array.coords else np.zeros(0)
    if places.size < 2 or places.dtype.kind not in "iuf":
        return
    downward = axis == "k" and is_depth(array.coords[dim], str(dim).lower(), places)
    steps = -np.diff(places) if downward else np.diff(places)
    if (steps < 0.0).all():
        raise ValueError(f"{name} has its coordinate {dim} from {places[0]:g} to {places[-1]:g}, and {WAY[axis]}. Turn it round "
                         f"with .isel({dim}=slice(None, None, -1)).")


def is_depth(coordinate: Any, name: str, places: np.ndarray) -> bool:
    """Whether a vertical coordinate counts metres downward, and so against the levels of an ocean."""
    pressure = name in PRESSURES or str(coordinate.attrs.get("units", "")).lower() in ("pa", "hpa", "mbar", "millibar", "dbar")
    return not pressure and bool((places >= 0.0).all()) and (coordinate.attrs.get("positive") == "down" or "depth" in name)
