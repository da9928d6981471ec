"""The state as labelled data: an xarray.Dataset with CF names, units, coordinates and cell boundaries; and back again.

Time is seconds since the start of a run (Parameters.start); where that has no date, since the first of January of the year 1 in a
calendar without leap years: a double holds whole seconds exactly, and all years are alike. Faces are those to the west and south
of cells, and below them (towards lower r); xgcm finds them by `c_grid_axis_shift` (position "left"). What lies beyond the last cell
is the first face again where the domain is periodic, else a closed one, where the velocity is zero. Values without fluid are NaN; a
closed face beside fluid has a velocity of zero. On a tripolar grid the last row is the fold row: its cells are images of others,
without area and NaN, and its south faces are those on the fold, each of which is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from dycore.calendars import time_since
from dycore.datasets import in_units, on_places
from dycore.fluid import Atmosphere
from dycore.grid import interior
from dycore.inputs.given import check_model, shown
from dycore.inputs.nearest_name import instead_of
from dycore.running import cell_metrics, two_dimensional
from dycore.state import Prognostic, State, initial_state
from dycore.tiles import Boundary, Place

TRACERS = {
    "temperature": ("sea_water_conservative_temperature", "degree_C"),
    "salinity": ("sea_water_absolute_salinity", "g kg-1"),
    "potential_temperature": ("air_potential_temperature", "K"),
}

PLANE, SPHERE, ROTATED = ("x", "y"), ("longitude", "latitude"), ("grid_longitude", "grid_latitude")  # horizontal coordinates
NOMINAL = {"X": "nominal longitude of the columns of a tripolar grid", "Y": "nominal latitude of the rows of a tripolar grid"}
LEVEL = {False: "height", True: "air_pressure"}  # of an ocean, of air
SURFACE = {False: ("sea_surface_height", "sea_surface_height_above_geoid"), True: ("surface_pressure", "surface_air_pressure")}


class Axes(NamedTuple):
    """Names of the coordinates of a model."""

    x: str
    y: str
    level: str

    @property
    def center(self) -> tuple[str, str, str]:
        """Dimensions of a field in the centre of cells."""
        return self.level, self.y, self.x


class Variable(NamedTuple):
    """A field of a dataset: where it is in a state, its dimensions and attributes, and True where there is fluid [(k,) j, i]."""

    of: Callable[[State], Any]
    dims: tuple[str, ...]
    attributes: dict[str, str]
    fluid: np.ndarray


def load_xarray() -> Any:
    """The library. Raises ImportError with what to install when it is missing."""
    try:
        import xarray
    except ImportError:
        raise ImportError("Datasets need xarray: install dycore with the extra 'io' (pip install 'dycore[io]').") from None
    return xarray


def is_air(model: Any) -> bool:
    """Whether the levels are those of pressure."""
    return isinstance(model.parameters.fluid, Atmosphere)


def axes(model: Any) -> Axes:
    """Names of the coordinates."""
    grid = model.grid
    return Axes(*(ROTATED if grid.supergrid is not None else SPHERE if grid.spherical else PLANE), LEVEL[is_air(model)])


def possible_axes() -> list[str]:
    """Names of the coordinates of all models."""
    return [*PLANE, *SPHERE, *ROTATED, *LEVEL.values()]


def possible_surfaces() -> list[str]:
    """Names of the moving boundary of all models."""
    return [name for name, _ in SURFACE.values()]


def beside_fluid(grid: Any, south: int = 0, west: int = 0) -> np.ndarray:
    """True in wet cells, interior [k, j, i], or with 1 for `south` or `west` on faces that have a wet cell on either side.

    On the fold row of a tripolar grid, whose cells are images, on south faces alone.
    """
    floor = grid.metrics.floor
    lowest = np.minimum(floor, np.roll(floor, (south, west), (0, 1)))
    return grid.open_levels(lowest) & (grid.counted[:, None] | bool(south))


def own_variables(model: Any) -> dict[str, Variable]:
    """The fields of a dataset that are no tracers."""
    grid, air, (x, y, level) = model.grid, is_air(model), axes(model)
    wet = grid.wet
    unit = "Pa" if air else "m"
    surface, standard = SURFACE[air]
    fluid = "wind" if air else "sea_water_velocity"
    names = ("eastward_velocity", "northward_velocity"), (f"eastward_{fluid}", f"northward_{fluid}")
    if grid.supergrid is not None:
        names = two_dimensional.VELOCITY, two_dimensional.STANDARD_VELOCITY[air]
    (u, v), (standard_u, standard_v) = names
    return {
        u: Variable(
            lambda state: state.u, (level, y, f"{x}_face"),
            {"standard_name": standard_u, "long_name": u.replace("_", " "), "units": "m s-1"}, beside_fluid(grid, west=1)),
        v: Variable(
            lambda state: state.v, (level, f"{y}_face", x),
            {"standard_name": standard_v, "long_name": v.replace("_", " "), "units": "m s-1"}, beside_fluid(grid, south=1)),
        # no standard name: all that there are count the motion of the levels in
        "vertical_velocity": Variable(
            lambda state: state.w, (f"{level}_face", y, x),
            {"long_name": f"velocity through the moving levels, {'downward' if air else 'upward'}", "units": f"{unit} s-1"}, wet),
        surface: Variable(lambda state: state.surface, (y, x), {
            "standard_name": standard, "long_name": surface.replace("_", " "), "units": unit}, wet.any(axis=0)),
    }


def variables(model: Any, names: Iterable[str] | None = None) -> dict[str, Variable]:
    """Fields of a dataset, all or those that are named. Raises ValueError for a name that is none of them."""
    wet, (x, y, level), found = model.grid.wet, axes(model), own_variables(model)
    for number, name in enumerate(model.parameters.tracer_names):
        standard, unit = TRACERS.get(name, ("", "1"))
        found[name] = Variable(lambda state, number=number: state.tracers[number], (level, y, x), {  # type: ignore[misc]
            "long_name": name.replace("_", " "), "units": unit} | ({"standard_name": standard} if standard else {}), wet)
    for number, field in enumerate(model.layout.closure):
        found[field.name] = Variable(
            lambda state, number=number: state.closure[number],  # type: ignore[misc]
            dimensions(axes(model), field), {"long_name": field.name.replace("_", " "), "units": field.unit},
            fluid_of(model.grid, field))
    for name, variable in found.items():
        if not {f"{x}_face", f"{y}_face"} & {*variable.dims}:
            found[name].attributes["cell_measures"] = "area: cell_area"
        if model.grid.supergrid is not None:
            found[name].attributes.update(two_dimensional.of_field(model.grid, variable.dims, x, y))
    if names is None:
        return found
    if not isinstance(names, (tuple, list)) or not names:
        raise ValueError(f"fields={shown(names)} must be a tuple of names, for example ({next(iter(found))!r},).")
    for name in names:
        if not isinstance(name, str) or name not in found:
            raise ValueError(f"There is no field {shown(name)}: {instead_of(name, found)}")
    return {name: found[name] for name in names}


def dimensions(names: Axes, field: Prognostic) -> tuple[str, ...]:
    """The dimensions of a field that a closure declares."""
    staggered = {Place.LOWER_FACE: 0, Place.SOUTH_FACE: 1, Place.WEST_FACE: 2}.get(field.place)
    found = tuple(f"{name}_face" if axis == staggered else name for axis, name in enumerate(names.center))
    return found if field.levels else found[1:]


def fluid_of(grid: Any, field: Prognostic) -> np.ndarray:
    """True where a field that a closure declares has values."""
    fluid = grid.wet
    if field.place.is_vector:
        fluid = beside_fluid(grid, south=int(field.place is Place.SOUTH_FACE), west=int(field.place is Place.WEST_FACE))
    return fluid if field.levels else fluid.any(axis=0)


def coordinates(model: Any) -> dict[str, tuple]:
    """(dimensions, values, attributes) of the coordinates, their boundaries, the area of cells and other metrics."""
    grid, (x, y, level) = model.grid, axes(model)
    air = level == "air_pressure"
    units = {x: "degrees_east", y: "degrees_north"} if grid.spherical else {x: "m", y: "m"}
    if grid.supergrid is not None:
        units = {x: "degrees", y: "degrees"}
    units[level] = "Pa" if air else "m"
    interfaces = grid.interfaces
    found: dict[str, tuple] = {}
    for name, axis, centres, faces in ((x, "X", grid.x, grid.x_face), (y, "Y", grid.y, grid.y_face),
                                       (level, "Z", 0.5 * (interfaces[1:] + interfaces[:-1]), interfaces)):
        attributes = {"long_name": name.replace("_", " ") if axis != "Z" else f"reference {name.replace('_', ' ')} of the level",
                      "units": units[name], "axis": axis}
        if axis == "Z":
            attributes["positive"] = "down" if air else "up"
        elif grid.tile.y is Boundary.FOLD:
            attributes["long_name"] = NOMINAL[axis]
        elif grid.spherical:
            attributes["standard_name"] = name
        found[name] = name, centres, attributes | {"bounds": f"{name}_bounds"}
        found[f"{name}_bounds"] = (name, "bound"), np.stack([faces[:-1], faces[1:]], axis=1), {}
        found[f"{name}_face"] = f"{name}_face", faces[:-1], attributes | {
            "long_name": f"{attributes['long_name']}, {'west' if axis == 'X' else 'south' if axis == 'Y' else 'lower-r'} faces",
            "c_grid_axis_shift": -0.5}
    area = np.where(grid.counted[:, None], interior(grid.metrics.area), grid.dtype.type(0.0))
    found["cell_area"] = (y, x), area, {"standard_name": "cell_area", "long_name": "area of cells", "units": "m2"}
    found |= cell_metrics.coordinates(grid, x, y, units[level])
    return found if grid.supergrid is None else found | two_dimensional.coordinates(grid, x, y)


def time_attributes(model: Any) -> dict[str, str]:
    """Attributes of the time of a run."""
    since = time_since(model.parameters.start)
    return {"standard_name": "time", "long_name": "time since the start, as a date", "axis": "T"} | since


def attributes(model: Any) -> dict[str, Any]:
    """Attributes of a dataset: conventions, program and version, and what of the parameters makes a run what it is."""
    from dycore import __version__

    parameters = model.parameters
    return {"Conventions": "CF-1.11", "source": f"dycore {__version__}, {'atmosphere' if is_air(model) else 'ocean'}",
            "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} made by dycore {__version__}",
            "precision": model.grid.dtype.name, "backend": model.backend.name, "time_step": float(parameters.time_step),
            "time_stepper": type(parameters.stepper).__name__, "barotropic_substeps": parameters.substeps,
            "tracer_scheme": parameters.tracer_face.__name__, **cell_metrics.attributes(model)}


def cells_of(model: Any, state: State, variable: Variable) -> np.ndarray:
    """The values of a field in the cells that this process keeps."""
    return model.backend.communication.cells(model.tile, model.backend.to_numpy(variable.of(state)))


def with_nan(model: Any, variable: Variable, cells: np.ndarray) -> np.ndarray:
    """The cells of this process in the precision of the model, NaN where there is no fluid."""
    (south, _), (west, _), (nj, ni) = model.tile.rows, model.tile.columns, cells.shape[-2:]
    fluid = variable.fluid[..., south: south + nj, west: west + ni]
    return np.where(fluid, cells, np.nan).astype(model.grid.dtype, copy=False)


def dataset(model: Any, state: State) -> Any:
    """An xarray.Dataset of the interior: velocity on its faces, tracers, and the moving boundary.

    With several processes it is made on rank 0, of all parts, and the others get None; all have to call it. Raises
    ImportError with what to install when xarray is missing.
    """
    xarray = load_xarray()
    state = model.asarrays(state)
    communication = model.backend.communication
    fields = {}
    for name, variable in variables(model).items():
        cells = with_nan(model, variable, cells_of(model, state, variable))
        fields[name] = variable.dims, communication.assembled(model.tile, cells), variable.attributes
    if communication.rank != 0:
        return None
    time = (), float(state.step) * model.parameters.time_step, time_attributes(model)
    return xarray.Dataset(fields, coordinates(model) | {"time": time}, attributes(model))


def at_one_time(dataset: Any) -> Any:
    """A dataset without a dimension `time`. Raises ValueError where it has several times."""
    if dataset.sizes.get("time", 1) != 1:
        raise ValueError(f"The dataset has {dataset.sizes['time']} times. Choose one, for example with dataset.isel(time=-1).")
    return dataset.squeeze("time") if "time" in dataset.dims else dataset


def state_from_dataset(model: Any, dataset: Any) -> State:
    """The state of the whole domain with velocity, surface and tracers of a dataset: a start anew, without history, at step 0.

    The fields are those of `dataset`, in any order of their dimensions, with coordinates in any order and longitudes from -180 or
    from 0 degrees; others are ignored, and so are values where there is no fluid. What has an attribute `units` is converted (by
    cf-units, where it is not as `dataset` writes it), what has none is taken to be in those of the model; tracers that the model
    knows no unit of are taken as they are. Raises ValueError with the name of what is missing, stands elsewhere, is not a number
    or is something else.
    """
    xarray = load_xarray()
    check_model(model)
    if not isinstance(dataset, xarray.Dataset):
        raise TypeError(f"The state is made of an xarray.Dataset, not of a {type(dataset).__name__}.")
    dataset = xarray.decode_cf(dataset, decode_times=False)  # what a file keeps packed, or a number for what is missing
    grid, names = model.grid, axes(model)
    closure = [field.name for field in model.layout.closure]  # of which a dataset may say nothing
    wanted = {name: variable for name, variable in variables(model).items() if name not in ("vertical_velocity", *closure)}
    dataset = at_one_time(dataset)
    missing = [name for name in wanted if name not in dataset]
    if missing:
        raise ValueError(f"The dataset lacks {', '.join(missing)}. A state of this model needs {', '.join(wanted)}.")
    places = {name: (values, about) for name, (dims, values, about) in coordinates(model).items() if dims == name}
    two_dimensional.check_places(grid, dataset, {dim: places[dim] for dim in (names.y, names.x)})

    def values(name: str) -> np.ndarray:
        _, dims, attributes, fluid = wanted[name]
        field, standard = dataset[name], attributes.get("standard_name")
        if name in TRACERS and field.attrs.get("standard_name", standard) != standard:
            raise ValueError(f"{name} has the standard name '{field.attrs['standard_name']}', and this model needs '{standard}'. "
                             "Convert it, or drop the attribute where it is that already.")
        if name in TRACERS or name not in model.parameters.tracer_names:
            field = in_units(field, attributes["units"])
        found = on_places(field, {dim: places[dim] for dim in dims})
        if not np.isfinite(found[fluid]).all():
            raise ValueError(f"{name} has {np.sum(~np.isfinite(found[fluid]))} values where there is fluid that are not finite "
                             "numbers.")
        return np.where(fluid, found, grid.interfaces[-1] if dims == (names.y, names.x) else 0.0)

    u, v, surface, *tracers = map(values, wanted)
    return initial_state(grid, u=u, v=v, surface=surface, tracers=tuple(tracers))
