"""The state as labelled data: an xarray.Dataset with CF names, units and coordinates."""

from __future__ import annotations

from typing import Any

from dycore.fluid import Atmosphere
from dycore.grid import interior
from dycore.state import State

TRACERS = {
    "temperature": ("sea_water_conservative_temperature", "degree_C"),
    "salinity": ("sea_water_absolute_salinity", "g kg-1"),
    "potential_temperature": ("air_potential_temperature", "K"),
}


def dataset(model: Any, state: State) -> Any:
    """An xarray.Dataset of the interior: velocity on its faces, tracers, and the moving boundary.

    With several processes it is made on rank 0, of all parts; the others get None. Dry cells of tracers
    are NaN. Raises ImportError with what to install when xarray is missing.
    """
    try:
        import xarray as xr
    except ImportError:
        raise ImportError("model.dataset needs xarray: install dycore with the extra 'io' (pip install 'dycore[io]').") from None
    grid, parameters = model.grid, model.parameters
    gathered = model.gather(state)
    if gathered is None:
        return None
    state = gathered
    air = isinstance(parameters.fluid, Atmosphere)
    x, y = ("longitude", "latitude") if grid.spherical else ("x", "y")
    units = ("degrees_east", "degrees_north") if grid.spherical else ("m", "m")
    level = "air_pressure" if air else "height"

    def values(array: Any) -> Any:
        return interior(array)

    fluid = "air" if air else "sea_water"
    center = (level, y, x)
    surface, place = (("surface_pressure", ("surface_air_pressure", "Pa")) if air else
                      ("sea_surface_height", ("sea_surface_height_above_geoid", "m")))
    variables = {
        "eastward_velocity": ((level, y, f"{x}_face"), values(state.u),
                              {"standard_name": "eastward_wind" if air else "eastward_sea_water_velocity", "units": "m s-1"}),
        "northward_velocity": ((level, f"{y}_face", x), values(state.v),
                               {"standard_name": "northward_wind" if air else "northward_sea_water_velocity", "units": "m s-1"}),
        surface: ((y, x), values(state.surface), {"standard_name": place[0], "units": place[1]}),
    }
    for name, tracer in zip(parameters.tracer_names, state.tracers, strict=True):
        standard, unit = TRACERS.get(name, (None, "1"))
        attributes = {"units": unit, "long_name": name.replace("_", " ")} | ({"standard_name": standard} if standard else {})
        variables[name] = (center, values(tracer), attributes)
    interfaces = grid.interfaces
    coordinates = {
        x: (x, grid.x, {"units": units[0], "axis": "X"}), y: (y, grid.y, {"units": units[1], "axis": "Y"}),
        f"{x}_face": (f"{x}_face", grid.x_face[:-1], {"units": units[0], "axis": "X", "c_grid_axis_shift": -0.5}),
        f"{y}_face": (f"{y}_face", grid.y_face[:-1], {"units": units[1], "axis": "Y", "c_grid_axis_shift": -0.5}),
        level: (level, 0.5 * (interfaces[1:] + interfaces[:-1]),
                {"units": "Pa" if air else "m", "axis": "Z", "positive": "down" if air else "up",
                 "long_name": "reference position of the level"}),
        "time": ((), float(state.step) * parameters.time_step, {"units": "s", "long_name": "time since the start"}),
    }
    result = xr.Dataset(variables, coordinates,
                        {"Conventions": "CF-1.11",
                         "source": f"dycore, {fluid.replace('_', ' ')}, time step {parameters.time_step:g} s"})
    for name in parameters.tracer_names:
        result[name] = result[name].where(grid.wet)
    return result
