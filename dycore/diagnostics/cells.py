"""Cells of a dataset as dycore writes it: names of axes, thickness of levels, fields moved between faces and centres.

Everything is lazy where the dataset is (dask), in double precision, and zero where there is no fluid. Faces are those to the west
and south of cells; beyond the last one is the first again where the domain is periodic, else a closed one without velocity, so
that a roll along a dimension does no harm there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore.inputs.given import check_labelled, check_text, shown

VELOCITIES = (("eastward_velocity", "northward_velocity"), ("x_velocity", "y_velocity"))  # the latter along a rotated grid
SURFACES = ("sea_surface_height", "surface_pressure")  # of an ocean, of air


class Axes(NamedTuple):
    """Names of the dimensions of cell centres."""

    x: str
    y: str
    level: str


def check_dataset(dataset: Any) -> None:
    """Raise TypeError unless something is a dataset, and ValueError where its cells are none, or not as many as their faces."""
    check_labelled("dataset", dataset)
    if not hasattr(dataset, "data_vars"):
        raise TypeError(f"dataset={shown(dataset)} must be an xarray.Dataset, as Model.dataset and the output of a run are.")
    empty = [name for name, size in dataset.sizes.items() if size == 0]
    if empty:
        raise ValueError(f"The dataset holds nothing: it has no {' and no '.join(map(str, empty))}.")
    for face in (name for name in dataset.coords if str(name).endswith("_face") and dataset[name].attrs.get("axis") != "Z"):
        cell = face.removesuffix("_face")
        if cell in dataset.coords and dataset[face].ndim < 2 and dataset[face].sizes.get(face) != dataset[cell].sizes.get(cell):
            raise ValueError(f"The dataset has {dataset[cell].size} of {cell} and {dataset[face].size} of {face}, and needs the "
                             "faces of its cells, all in their dimensions: select from the result of a diagnostic, not before it.")
    for name, coordinate in dataset.coords.items():
        if coordinate.dims == (name,) and coordinate.attrs.get("axis") in ("X", "Y"):
            check_order(dataset, str(name), coordinate.values)


def check_order(dataset: Any, name: str, places: np.ndarray) -> None:
    """Raise ValueError where a coordinate does not increase, but for a seam of longitudes, or cells are not beyond their faces.

    Neighbours are found by their place in the array.
    """
    backward, seam = np.flatnonzero(np.diff(places) <= 0.0), "longitude" in name
    if len(backward) > seam:
        raise ValueError(f"{name} of the dataset goes from {places[0]:g} to {places[-1]:g} and does not increase, as it does where "
                         f"a run writes it. Sort the dataset (.sortby('{name}')), and turn the result of the diagnostic.")
    faces = dataset.coords.get(f"{name}_face")
    if faces is not None and faces.dims == (f"{name}_face",) and faces.shape == places.shape:
        offset = (places - faces.values) % 360.0 if seam else places - faces.values
        if (offset < 0.0).any() or (seam and (offset > 180.0).any()):
            raise ValueError(f"{name} and {name}_face of the dataset are in different orders: sort or turn both of them alike.")


def axes(dataset: Any) -> Axes:
    """Names of the dimensions, by the attribute `axis` of coordinates. Raises ValueError where one is missing."""
    check_dataset(dataset)
    found = {data.attrs.get("axis"): name for name, data in dataset.coords.items()
             if data.dims == (name,) and not name.endswith(("_face", "_edge"))}
    missing = [axis for axis in "XYZ" if axis not in found]
    if missing:
        raise ValueError(f"The dataset has no dimension along the axis {' and '.join(missing)} (attribute axis of coordinates): "
                         "give the whole of what Model.dataset or the output of a run holds, not a part of it.")
    return Axes(*(found[axis] for axis in "XYZ"))


def along(data: Any, axis: str) -> Any:
    """The name of a coordinate along X, Y, Z (the attribute axis of CF) or T, a dimension or one place; None without."""
    return next((name for name, coordinate in data.coords.items()
                 if axis == ("T" if name == "time" else coordinate.attrs.get("axis"))), None)


def goes_round(dataset: Any, x: str) -> bool:
    """Whether the rows of a dataset go round: by its attribute x_boundary, else where its longitudes are a whole circle."""
    places = dataset[x].values
    if "cells" in dataset.attrs and "x_boundary" in dataset.attrs:
        return dataset.attrs["x_boundary"] == "periodic" and int(dataset.attrs["cells"][2]) == np.size(places)
    return "longitude" in x and np.size(places) > 1 and bool(np.isclose(len(places) * (places[1] - places[0]), 360.0))


def need(dataset: Any, *names: str) -> None:
    """Raise ValueError with what to write into the output where variables or coordinates are missing, or are no numbers."""
    check_dataset(dataset)
    for name in names:
        check_text("name", name, "temperature")
    missing = [name for name in names if name not in dataset]
    if not missing:
        no_numbers = [name for name in names if dataset[name].dtype.kind not in "fiub"]
        if no_numbers:
            raise ValueError(f"{no_numbers[0]} of the dataset must be numbers, and is of type {dataset[no_numbers[0]].dtype}.")
        return
    fields = [name for name in missing if not name.startswith(METRICS)]
    metrics = [name for name in missing if name.startswith(METRICS)]
    advice = [f"Write {', '.join(fields)} into the output of the run (all fields are written where none are named: fields of "
              "dycore.writing.Snapshots and Means, --fields of dycore run)."] if fields else []
    advice += [f"{', '.join(metrics)} come from the grid: this file was written by an earlier version of dycore, or they were "
               "dropped. Take them from the model: dataset.assign_coords(model.dataset(state).coords)."] if metrics else []
    raise ValueError(f"The dataset lacks {', '.join(missing)}; it has {', '.join(map(str, dataset.data_vars)) or 'no variables'}. "
                     + " ".join(advice))


METRICS = ("west_face_", "south_face_", "column_base", "fixed_boundary", "cell_area", "surface_geopotential")


def is_air(dataset: Any) -> bool:
    """Whether the levels are those of pressure."""
    return dataset[axes(dataset).level].attrs.get("units") == "Pa"


def velocity_of(dataset: Any) -> tuple[str, str]:
    """Names of the components of the velocity, along x and along y."""
    return VELOCITIES[int(VELOCITIES[1][0] in dataset)]


def check_meridional(dataset: Any, what: str) -> None:
    """Raise ValueError on a rotated grid, whose rows are no parallels."""
    if axes(dataset).x == "grid_longitude":
        raise ValueError(f"{what} is along parallels, and the rows of this rotated grid are none. Turn velocities to east and "
                         "north (dycore.directions) and interpolate the fields to latitudes first, for example with xESMF.")


def on_parallels(dataset: Any, data: Any, what: str) -> Any:
    """Data on south faces along parallels: on a tripolar grid those up to its cap. Raises ValueError where no row is one."""
    names = axes(dataset)
    places = dataset.coords.get("latitude_south_face")
    if names.x != "grid_longitude" or places is None:
        check_meridional(dataset, what)
        return data
    straight = np.flatnonzero(np.ptp(places.transpose(..., names.x).values, axis=-1) < 1e-3)  # degrees; more than single precision
    if not straight.size:
        check_meridional(dataset, what)
    return data.isel({f"{names.y}_face": straight})


def constant(dataset: Any, name: str) -> float:
    """A constant of the fluid, which is an attribute of the dataset. Raises ValueError where it is missing."""
    if name not in dataset.attrs:
        raise ValueError(f"The dataset lacks the attribute {name}, a constant of the fluid: it was written by an earlier version "
                         f"of dycore, or with a {name} that is no number. Set dataset.attrs['{name}'].")
    return float(dataset.attrs[name])


def alone(data: Any) -> Any:
    """A variable in double precision with no coordinates but its own dimensions and the time, and without attributes."""
    data = data.drop_vars([name for name in data.coords if name not in (*data.dims, "time")]).astype(float)
    return data.drop_attrs(deep=False)


def check_region(region: Any, data: Any, *dims: str, every: bool = False) -> None:
    """Raise ValueError unless a region is true or false along dimensions (every: all of them) of data, and true somewhere."""
    check_labelled("region", region)
    if not hasattr(region, "dtype") or not {*region.dims} <= {*dims} or (every and len(region.dims) < len(dims)):
        raise ValueError(f"region has the dimensions {', '.join(map(str, region.dims))}, and must have {', '.join(dims)}: True in "
                         "cells that belong to it.")
    for dim in region.dims:
        here, there = (each[dim].values for each in (region, data))
        if here.shape != there.shape or not np.allclose(here, there):
            raise ValueError(f"region has {here.size} of {dim} from {here[0]:g} to {here[-1]:g}, and the data have {there.size} "
                             f"from {there[0]:g} to {there[-1]:g}: make it of their coordinates.")
    inside = np.asarray(region)
    if not np.isin(inside, (0, 1)).all():
        raise ValueError(f"region={shown(inside)} must be True in cells that belong to it and else False.")
    if not inside.any():
        places = (f"{dim} from {data[dim].values[0]:g} to {data[dim].values[-1]:g}" for dim in region.dims)
        raise ValueError("region has no cell: it is False everywhere. Choose one within the places of the data, "
                         f"{' and '.join(places)}.")


def in_one_chunk(data: Any, *dims: str) -> Any:
    """A variable with all of some dimensions in one chunk, where it is lazy: a store of several ranks has one for each of them."""
    return data if data.chunks is None else data.chunk(dict.fromkeys(dims, -1))


def field(dataset: Any, name: str) -> Any:
    """A variable, zero where there is no fluid. Raises ValueError where it is missing."""
    need(dataset, name)
    return alone(dataset[name]).fillna(0.0)


def moved(dataset: Any, data: Any, here: str, there: str) -> Any:
    """Data on another place of the cell along one dimension."""
    return data.drop_vars(here, errors="ignore").rename({here: there}).assign_coords({there: dataset[there].variable})


def at_face(dataset: Any, data: Any, dim: str) -> Any:
    """Mean of the cells on both sides of west or south faces."""
    return moved(dataset, 0.5 * (data + data.roll({dim: 1})), dim, f"{dim}_face")


def at_centre(dataset: Any, data: Any, dim: str) -> Any:
    """Mean of the two faces of cells."""
    return moved(dataset, 0.5 * (data + data.roll({f"{dim}_face": -1})), f"{dim}_face", dim)


def bounds_of(dataset: Any, dim: str) -> Any:
    """The ends of the cells along a dimension [dim, 2]. Raises ValueError where they are missing, or no pairs."""
    name = dataset[dim].attrs.get("bounds", dataset[dim].encoding.get("bounds", f"{dim}_bounds"))
    if name not in dataset or dataset[name].ndim != 2 or dataset[name].dims[0] != dim or dataset[name].shape[1] != 2:
        raise ValueError(f"The dataset lacks {name}, the two ends of each {dim}: give all coordinates that the run has written.")
    return dataset[name]


def interfaces(dataset: Any) -> tuple[Any, Any]:
    """Reference levels (unit of r) below and above every level, in the order of the model (towards the moving boundary).

    Raises ValueError for a part of the levels, and for levels in another order.
    """
    level = axes(dataset).level
    cells = dataset.attrs.get("cells")
    if cells is not None and int(cells[0]) != dataset.sizes[level]:
        raise ValueError(f"The dataset has {dataset.sizes[level]} of {int(cells[0])} levels, and whole columns are needed. Select "
                         "levels after the diagnostic, not before it.")
    bounds = alone(bounds_of(dataset, level))
    if (bounds.values[1:, 0] != bounds.values[:-1, 1]).any():
        raise ValueError(f"{level} of the dataset does not go from level to level as a run writes it, from below in an ocean, from "
                         f"above in air. Sort the dataset (.sortby('{level}')), and turn the result of the diagnostic.")
    lower, upper = (bounds.isel({bounds.dims[-1]: end}) for end in (0, 1))
    return lower, upper


def open_thickness(dataset: Any, ending: str = "") -> Any:
    """Reference thickness of what is open of every level (unit of r), of cells or of faces ("_west_face", "_south_face")."""
    need(dataset, f"column_base{ending}")
    lower, upper = interfaces(dataset)
    return (upper - np.maximum(lower, alone(dataset[f"column_base{ending}"]))).clip(min=0.0)


def stretching(dataset: Any) -> Any:
    """Thickness of the columns over that of reference; 1 on land."""
    surface = next((name for name in SURFACES if name in dataset), SURFACES[is_air(dataset)])
    need(dataset, surface, "column_base", "fixed_boundary")
    base, top = alone(dataset["column_base"]), interfaces(dataset)[1].isel({axes(dataset).level: -1}, drop=True)
    column = (top - base).where(base < top, 1.0)
    thickness = field(dataset, surface) - alone(dataset["fixed_boundary"])
    return (thickness * (1.0 / column)).where(base < top, 1.0)


def face_stretching(dataset: Any, ending: str) -> Any:
    """Mean of the stretching on both sides of west or south faces."""
    return at_face(dataset, stretching(dataset), axes(dataset).x if ending == "_west_face" else axes(dataset).y)


def at_edges(dataset: Any, data: Any, dim: str) -> Any:
    """Sums from the first cell on along a dimension, at all edges between cells [n + 1]: zero at the first.

    The new dimension is DIM_edge; its positions are those of the bounds of `dim`.
    """
    bounds = bounds_of(dataset, dim).values
    about = {name: value for name, value in dataset[dim].attrs.items() if name != "bounds"}
    here = next(name for name in (dim, f"{dim}_face") if name in data.dims)
    sums = data.drop_vars(here, errors="ignore").cumsum(here).pad({here: (1, 0)}, constant_values=0.0)
    edge = f"{dim}_edge"
    about |= {"long_name": f"{about.get('long_name', dim)}, edges"}
    return sums.rename({here: edge}).assign_coords({edge: (edge, np.append(bounds[:, 0], bounds[-1, 1]), about)})


def described(data: Any, name: str, long_name: str, units: str, standard_name: str = "", **others: Any) -> Any:
    """A result with its name and attributes; the time in front."""
    attributes = {"long_name": long_name, "units": units} | ({"standard_name": standard_name} if standard_name else {}) | others
    return data.transpose("time", ..., missing_dims="ignore").rename(name).drop_attrs(deep=False).assign_attrs(attributes)
