"""Diagnostics of the velocity along levels: speed, vorticity, kinetic energy, and that of eddies.

They take datasets of any part of the levels and times, also with coordinates in km, as pictures have them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.diagnostics.cells import alone, along, at_centre, check_dataset, described, goes_round, moved, need, velocity_of
from dycore.grid import EARTH_RADIUS


def components(dataset: Any) -> list[tuple[Any, str]]:
    """Components of the velocity on their faces, zero at walls, and the names of the dimensions of centres across them."""
    check_dataset(dataset)
    need(dataset, *velocity_of(dataset))
    found = []
    for name, axis in zip(velocity_of(dataset), "XY", strict=True):
        face = along(dataset[name], axis)
        cell = str(face).removesuffix("_face")
        if face not in dataset[name].dims or cell not in dataset.dims:
            raise ValueError(f"{name} has no dimension of faces along {axis} (attribute axis of coordinates), or the dataset none "
                             "of cells: give all that Model.dataset or the output of a run holds along rows and columns.")
        found.append((alone(dataset[name]).fillna(0.0), cell))
    return found


def speed(dataset: Any) -> Any:
    """Speed at cell centres (m s-1), of the means of both faces. Needs both components of the velocity."""
    squares = sum(at_centre(dataset, velocity, dim) ** 2 for velocity, dim in components(dataset))
    return described(np.sqrt(squares), "speed", "speed along levels", "m s-1")


def kinetic_energy(dataset: Any) -> Any:
    """Kinetic energy per mass at cell centres (m2 s-2): half the mean of the squares on both faces, of either component."""
    squares = sum(at_centre(dataset, velocity**2, dim) for velocity, dim in components(dataset))
    return described(0.5 * squares, "kinetic_energy", "kinetic energy per mass, of the velocity along levels", "m2 s-2",
                     "specific_kinetic_energy_of_air" if "surface_pressure" in dataset else
                     "specific_kinetic_energy_of_sea_water")


def eddy_kinetic_energy(dataset: Any) -> Any:
    """Kinetic energy per mass (m2 s-2) of the departures from the mean over the times of a dataset, at cell centres.

    EKE = (mean of u'^2 + mean of v'^2) / 2 with u' = u - mean of u. Of snapshots: a mean over an interval has lost what is
    shorter. Raises ValueError for less than two times.
    """
    parts = components(dataset)
    if dataset.sizes.get("time", 1) < 2:
        raise ValueError("Eddies are departures from a mean over time, and the dataset has one time. Write snapshots into the "
                         "output (dycore.writing.Snapshots, --output and --output-every of dycore run) and give all of them.")
    squares = sum(at_centre(dataset, ((velocity - velocity.mean("time")) ** 2).mean("time"), dim) for velocity, dim in parts)
    return described(0.5 * squares, "eddy_kinetic_energy", "kinetic energy per mass of departures from the time mean", "m2 s-2",
                     cell_methods="time: mean")


def relative_vorticity(dataset: Any) -> Any:
    """Vorticity of the velocity along levels (s-1) at corners, dv/dx - du/dy, on a sphere of the Earth's radius or a plane.

    Corners on the edges of the domain are left out, where it has any. Raises ValueError for less than two rows or columns of
    cells, and on a tripolar grid.
    """
    (u, x), (v, y) = components(dataset)
    if min(dataset.sizes[x], dataset.sizes[y]) < 2:
        raise ValueError("the vorticity needs at least two rows and two columns of cells.")
    if dataset.attrs.get("y_boundary") == "fold":
        raise ValueError("the vorticity here is that of evenly spaced longitudes and latitudes, and those of a tripolar grid are "
                         "not: take differences with dycore.diagnostics.xgcm_grid, which knows its lengths.")
    row, corner, metres = 1.0, 1.0, 1e3 if dataset[x].attrs.get("units") == "km" else 1.0
    if y in ("latitude", "grid_latitude"):
        row, corner = np.cos(np.radians(dataset[y])), np.cos(np.radians(dataset[f"{y}_face"]))
        row, corner = (alone(part) for part in (row, corner))
        metres = np.radians(EARTH_RADIUS)
    dx, dy = (metres * float(dataset[name][1] - dataset[name][0]) for name in (x, y))
    across = moved(dataset, v - v.roll({x: 1}), x, f"{x}_face") / (dx * corner)
    along_rows = moved(dataset, u * row - (u * row).roll({y: 1}), y, f"{y}_face") / (dy * corner)
    columns_go_round = dataset.attrs.get("y_boundary") == "periodic" and int(dataset.attrs["cells"][1]) == dataset.sizes[y]
    inside = {f"{dim}_face": slice(1, None) for dim, cyclic in ((y, columns_go_round), (x, goes_round(dataset, x))) if not cyclic}
    standard = "atmosphere_relative_vorticity" if "surface_pressure" in dataset else "ocean_relative_vorticity"
    return described((across - along_rows).transpose(*across.dims).isel(inside), "relative_vorticity", "relative vorticity", "s-1",
                     standard)
