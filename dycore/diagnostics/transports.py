"""Transports of volume (an ocean, in sverdrup = 1e6 m3/s), of mass (air, kg/s), of heat and of tracers.

    volume through a west face = u dy dr J,   through a south face = v dx dr J       (m3/s; of air Pa m2/s, over gravity kg/s)

dr is the open thickness of a level and J the mean stretching of the columns on both sides. Velocities are those on the faces, so
that transports of a state add up to what its mass does. Of time means they are products of means, without what eddies carry: make
them of snapshots, and average then. Tracers at faces are means of the cells on both sides, while a model may have another scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dycore.diagnostics.atmospheres import air_temperature
from dycore.diagnostics.cells import (
    alone,
    at_edges,
    at_face,
    axes,
    check_region,
    constant,
    described,
    face_stretching,
    field,
    goes_round,
    is_air,
    need,
    on_parallels,
    open_thickness,
    velocity_of,
)
from dycore.diagnostics.densities import potential_density
from dycore.inputs.given import as_array, check_labelled, check_text, finite, shown
from dycore.physics.surface import HEAT_CAPACITY

SVERDRUP = 1.0e6  # m3/s


def through_faces(dataset: Any, along_x: bool) -> Any:
    """Volume (m3/s), or mass times gravity (Pa m2/s), through west or south faces [k, j, i] by level."""
    ending = "_west_face" if along_x else "_south_face"
    need(dataset, f"{ending[1:]}_length")
    velocity = field(dataset, velocity_of(dataset)[0 if along_x else 1])
    width = alone(dataset[f"{ending[1:]}_length"]) * face_stretching(dataset, ending)
    return open_thickness(dataset, ending) * velocity * width


def factor_and_unit(dataset: Any) -> tuple[float, str]:
    """The factor that makes a transport of volume, or mass times gravity, what is shown, and its unit."""
    return (1.0 / constant(dataset, "gravity"), "kg s-1") if is_air(dataset) else (1.0 / SVERDRUP, "sverdrup")


def barotropic_stream_function(dataset: Any) -> Any:
    """Stream function of the vertically integrated flow (sverdrup; kg s-1 of air) on west faces [y_edge, x_face].

    U = -d(psi)/dy, zero along the southern edge: the eastward transport between two edges is psi of the southern one less that of
    the northern one. Needs the velocity along x and the moving boundary. As observed ones of the ocean (for example Colin de
    Verdiere and Ollitrault 2016, J. Phys. Oceanogr. 46, 245) it is positive in anticyclonic gyres of the northern hemisphere.
    """
    names, ending = axes(dataset), "_west_face"
    factor, unit = factor_and_unit(dataset)
    need(dataset, "west_face_length")
    velocity = open_thickness(dataset, ending) * field(dataset, velocity_of(dataset)[0])
    width = alone(dataset["west_face_length"]) * face_stretching(dataset, ending)
    eastward = velocity.sum(names.level, skipna=False) * width
    return described(-factor * at_edges(dataset, eastward, names.y), "barotropic_stream_function",
                     "barotropic stream function, zero along the southern edge", unit,
                     "" if is_air(dataset) else "ocean_barotropic_streamfunction")


def section_transport(dataset: Any, x: float | tuple[float, float] | None = None,
                      y: float | tuple[float, float] | None = None) -> Any:
    """Transport through a section (sverdrup; kg s-1 of air): eastward through the faces nearest to a longitude, or northward.

        section_transport(dataset, x=295.0, y=(-70.0, -50.0))       # Drake Passage
        section_transport(dataset, x=(280.0, 360.0), y=26.5)        # the Atlantic at 26.5 degrees north

    One of `x`, `y` is a number (degrees, or m on a plane), the other the ends between which centres of cells belong to it, or None.
    Longitudes may be of another convention. Raises ValueError for anything else and where no face or cell belongs to it.
    """
    names = axes(dataset)
    along_x = x is not None and np.ndim(x) == 0
    if along_x == (y is not None and np.ndim(y) == 0):
        raise ValueError(f"x={shown(x)}, y={shown(y)}: one of them must be a number, where the section is, and the other the two "
                         "ends of the section or None.")
    at, between, across, along = (x, y, names.x, names.y) if along_x else (y, x, names.y, names.x)
    place = finite("x" if along_x else "y", at, dataset[across].attrs.get("units", "m"))
    flow = through_faces(dataset, along_x).isel({f"{across}_face": nearest_face(dataset, across, place)})
    if between is not None:
        flow = flow.isel({along: np.flatnonzero(within(dataset[along], between))})
    if not flow.sizes[along]:
        raise ValueError(f"No cell of the dataset has its {along} within {shown(between)}.")
    factor, unit = factor_and_unit(dataset)
    towards = "eastward" if along_x else "northward"
    return described(factor * flow.sum([names.level, along]), "section_transport",
                     f"{towards} transport through {across} = {place:g}", unit)


def nearest_face(dataset: Any, dim: str, place: float) -> int:
    """The number of the west or south face nearest to a place. Raises ValueError more than half a cell beside all of them."""
    faces = dataset[f"{dim}_face"].values
    spacing = float(faces[1] - faces[0]) if len(faces) > 1 else np.inf
    distance, period = faces - place, 360.0 if "longitude" in dim else np.inf
    if dim == axes(dataset).x and goes_round(dataset, dim):
        period = len(faces) * spacing
    if np.isfinite(period):
        distance = (distance + 0.5 * period) % period - 0.5 * period
    nearest = int(np.abs(distance).argmin())
    if abs(distance[nearest]) > 0.5001 * spacing:
        raise ValueError(f"{dim} = {place:g} is not there: the faces of the dataset are from {faces[0]:g} to {faces[-1]:g}.")
    return nearest


def within(coordinate: Any, ends: Any) -> np.ndarray:
    """Where a coordinate is between two values, from west to east of longitudes. Raises ValueError where they are not two."""
    first, last = (float(end) for end in as_array("ends", ends).ravel()) if np.size(ends) == 2 else (np.nan, np.nan)
    if not np.isfinite([first, last]).all():
        raise ValueError(f"{shown(ends)} must be the two ends of a section, for example (-70.0, -50.0).")
    if "longitude" in coordinate.name:
        return (coordinate.values - first) % 360.0 <= (last - first if last >= first else last - first + 360.0)
    return (coordinate.values >= first) & (coordinate.values <= last)


def in_region(dataset: Any, region: Any, ending: str = "_face") -> Any:
    """1 where a cell, or both sides of a south face, belongs to a region [y, x] (None: everywhere), else 0."""
    names = axes(dataset)
    if region is None:
        return 1.0
    check_region(region, dataset, names.y, names.x, every=True)
    inside = alone(region)
    return (at_face(dataset, inside, names.y) == 1.0).astype(float) if ending else inside


def northward(dataset: Any, region: Any) -> Any:
    """Volume, or mass times gravity, through the south faces of a region by level [k, j, i], along parallels."""
    return on_parallels(dataset, through_faces(dataset, False) * in_region(dataset, region), "A meridional transport")


def overturning(dataset: Any, region: Any = None) -> Any:
    """Meridional stream function [level_edge, y_face]: of an ocean in depth (sverdrup), of air its mass in pressure (kg s-1).

        ocean  psi = -int dx int_bottom^z v dz',      air  psi = int dx int_0^p v dp' / g

    Positive where the northward flow is above and the southward below, as in the Atlantic and in the northern Hadley cell (Peixoto
    and Oort 1992, Physics of Climate, section 7.4.3). Levels are those of reference, which move with the moving boundary. `region`:
    True [y, x] in the cells of a basin, of which both sides of a face must be. Needs northward velocity and moving boundary.
    Of a tripolar grid it has the rows that are parallels, as the other meridional transports.
    """
    names, air = axes(dataset), is_air(dataset)
    factor, unit = factor_and_unit(dataset)
    flow = at_edges(dataset, northward(dataset, region).sum(names.x), names.level)
    return described(factor * flow if air else -factor * flow, "overturning_stream_function",
                     "meridional overturning stream function" + (" of mass" if air else ""), unit,
                     "" if air else "ocean_meridional_overturning_streamfunction")


def overturning_in_density(dataset: Any, edges: Sequence[float] | np.ndarray, region: Any = None, density: Any = None,
                           reference_depth: float = 2000.0) -> Any:
    """Meridional stream function (sverdrup) in classes of density [density_edge, y_face].

    Edges (kg m-3) increase; psi at an edge is that of all water as heavy or heavier, with the sign of `overturning` (Doos and Webb
    1994, J. Phys. Oceanogr. 24, 429). `density` at cell centres is that referenced to `reference_depth` (m) unless given, for
    example a neutral density or a buoyancy with the sign turned. Raises ValueError for edges that do not increase.
    """
    import xarray

    names, bounds = axes(dataset), as_array("edges", edges)
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0.0).all():
        raise ValueError(f"edges={shown(edges)} must be densities (kg m-3) that increase, two or more.")
    density = potential_density(dataset, reference_depth) if density is None else density
    check_labelled("density", density)
    dense, flow = alone(density), northward(dataset, region)
    # next to land that of the one wet side; such a face is closed
    at_faces = on_parallels(dataset, at_face(dataset, dense, names.y), "A meridional transport")
    heavier = [flow.where(at_faces >= edge, 0.0).sum([names.level, names.x]) for edge in bounds]
    edge = xarray.Variable("density_edge", bounds, {"long_name": "density", "units": density.attrs.get("units", "kg m-3")})
    psi = xarray.concat(heavier, dim="density_edge").assign_coords(density_edge=edge)
    factor, unit = factor_and_unit(dataset)
    return described(-factor * psi, "overturning_stream_function", "meridional overturning stream function in classes of density",
                     unit)


def northward_transport(dataset: Any, name: str, region: Any = None) -> Any:
    """Northward transport [y_face] of a tracer: its unit times m3 s-1, of air times kg s-1. Raises ValueError for other fields."""
    check_text("name", name, "salinity")
    names, air, tracer = axes(dataset), is_air(dataset), field(dataset, name)
    if {*tracer.dims} - {"time"} != {*names}:
        raise ValueError(f"name={name!r} has the dimensions {', '.join(map(str, tracer.dims))}, and a tracer has those of cells: "
                         f"{names.level}, {names.y}, {names.x}.")
    carried = northward(dataset, region) * at_face(dataset, tracer, names.y)
    total = carried.sum([names.level, names.x]) * (1.0 / constant(dataset, "gravity") if air else 1.0)
    unit = dataset[name].attrs.get("units", "1")
    return described(total, f"northward_transport_of_{name}", f"northward transport of {name.replace('_', ' ')}",
                     ("kg s-1" if air else "m3 s-1") if unit == "1" else f"{unit} {'kg' if air else 'm3'} s-1")


def heat_transport(dataset: Any, region: Any = None) -> Any:
    """Northward transport of heat (W) [y_face]: of an ocean rho_0 cp T, with conservative temperature, of air cp T.

    Of an ocean it depends on the zero of temperature where there is a net transport of volume (Warren 1999, J. Geophys. Res. 104,
    7915). Needs temperature (an ocean), potential_temperature and surface_pressure (air) and the northward velocity.
    """
    if is_air(dataset):
        carried = northward_transport(dataset.assign(air_temperature=air_temperature(dataset)), "air_temperature", region)
        return described(carried * constant(dataset, "heat_capacity"), "heat_transport",
                         "northward transport of enthalpy by the atmosphere", "W")
    need(dataset, "temperature")
    carried = northward_transport(dataset, "temperature", region) * (constant(dataset, "reference_density") * HEAT_CAPACITY)
    return described(carried, "heat_transport", "northward transport of heat", "W", "northward_ocean_heat_transport")


def salt_transport(dataset: Any, region: Any = None) -> Any:
    """Northward transport of salt (kg s-1) [y_face] by an ocean. Needs salinity and the northward velocity."""
    need(dataset, "salinity")
    carried = northward_transport(dataset, "salinity", region) * (1e-3 * constant(dataset, "reference_density"))
    return described(carried, "salt_transport", "northward transport of salt", "kg s-1", "northward_ocean_salt_transport")
