"""Arrays whose dimensions have names (xarray.DataArray), brought to the axes of a grid by these names: [k, j, i], [j, i] or [k].

A dimension is known by the attribute `axis` of its coordinate, as CF has it, or by a usual name. An array of which some dimension
is not known is taken in the order that it has, as any other array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

AXES = "kji"
OF_CF = {"Z": "k", "Y": "j", "X": "i"}
USUAL = {
    "k": ("z", "lev", "level", "depth", "height", "altitude", "plev", "pressure", "air_pressure", "nz", "k", "zl", "zc", "zt",
          "deptht", "depthu", "depthv", "nav_lev", "bottom_top", "s_rho", "height_face", "air_pressure_face"),
    "j": ("y", "lat", "latitude", "grid_latitude", "rlat", "ny", "j", "yh", "yq", "yc", "yg", "yt", "nlat", "eta_rho", "eta_v",
          "south_north", "y_face", "latitude_face", "grid_latitude_face"),
    "i": ("x", "lon", "longitude", "grid_longitude", "rlon", "nx", "i", "xh", "xq", "xc", "xg", "xt", "nlon", "xi_rho", "xi_u",
          "west_east", "x_face", "longitude_face", "grid_longitude_face")}
KNOWN = {name: axis for axis, names in USUAL.items() for name in names}
WAY = {"j": "rows of a grid go northward", "i": "columns of a grid go eastward",
       "k": "levels of a grid go upward from the sea floor, or downward from the top of the atmosphere"}
PRESSURES = ("plev", "pressure", "air_pressure")


def axis_of(array: Any, dim: Any) -> str | None:
    """Which axis of a grid a dimension is; None where that is not known."""
    attributes = array.coords[dim].attrs if dim in array.coords else {}
    return OF_CF.get(str(attributes.get("axis", "")), KNOWN.get(str(dim).lower()))


def on_axes(name: str, values: Any) -> Any:
    """An array with its known dimensions in the order of a grid, with length 1 along those that it lacks; all else as it is.

    A profile along k stays one. Raises ValueError where a coordinate runs against the axis that it is.
    """
    if not all(hasattr(values, part) for part in ("dims", "coords", "dtype")):
        return values
    axes = {axis_of(values, dim): dim for dim in values.dims}
    if None in axes or len(axes) < len(values.dims) or not axes:
        return values
    for axis, dim in axes.items():
        check_direction(name, values, dim, str(axis))
    array = np.asanyarray(values.transpose(*(axes[axis] for axis in AXES if axis in axes)))
    if [*axes] == ["k"]:
        return array
    sizes = iter(array.shape)
    return array.reshape([next(sizes) if axis in axes else 1 for axis in (AXES if "k" in axes else AXES[1:])])


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
