"""Content and energy of the whole domain, the rate at which it changes, and what of it is available to motion.

    ocean        E = rho_0 [sum of V (u^2 + v^2) / 2 - sum of V b z + sum of A g eta^2 / 2]                      (J)
    atmosphere   E = 1/g [sum of V (u^2 + v^2) / 2 + sum of V cp T + sum of A p_s phi_ground]

V is the volume of a cell (m3), of air its mass times gravity. The kinetic energy is that on the faces over the volume about them,
and both are the sums that the scheme conserves in space without dissipation (Sadourny 1975, J. Atmos. Sci. 32, 680; Arakawa and
Suarez 1983, Mon. Wea. Rev. 111, 34). The energy of air is kinetic, internal and potential together (total potential energy).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.diagnostics.atmospheres import air_temperature
from dycore.diagnostics.cells import (
    alone,
    axes,
    check_dataset,
    constant,
    described,
    face_stretching,
    field,
    in_one_chunk,
    interfaces,
    is_air,
    need,
    open_thickness,
    stretching,
    velocity_of,
)
from dycore.diagnostics.densities import buoyancy, fluid_of
from dycore.diagnostics.means import mass_of_columns
from dycore.diagnostics.times import days_of
from dycore.fluid import linear_seawater, no_buoyancy
from dycore.inputs.given import check_text


def cell_volume(dataset: Any) -> Any:
    """Volume (m3), or mass times gravity (Pa m2), of every cell [k, j, i]; zero in dry ones. Needs the moving boundary."""
    need(dataset, "cell_area")
    volume = open_thickness(dataset) * alone(dataset["cell_area"]) * stretching(dataset)
    air = is_air(dataset)
    return described(volume.transpose(..., *axes(dataset)[::-1]), "cell_volume", "mass of cells times gravity" if air else
                     "volume of cells", "Pa m2" if air else "m3", "" if air else "ocean_volume")


def content(dataset: Any, name: str | None = None) -> Any:
    """Volume of an ocean (m3) or mass of air (kg), or with the name of a tracer its content: unit of the tracer times m3 or kg."""
    air, names = is_air(dataset), axes(dataset)
    factor, unit = (1.0 / constant(dataset, "gravity"), "kg") if air else (1.0, "m3")
    if name is None:
        total = factor * mass_of_columns(dataset).sum([names.y, names.x])
        return described(total, "mass" if air else "volume", "mass of the air" if air else "volume of the ocean", unit)
    check_text("name", name, "salinity")
    total = factor * (alone(cell_volume(dataset)) * field(dataset, name)).sum([*names])
    of_tracer = dataset[name].attrs.get("units", "1")
    return described(total, f"content_of_{name}", f"content of {name.replace('_', ' ')}",
                     unit if of_tracer == "1" else f"{of_tracer} {unit}")


def motion(dataset: Any, along_x: bool) -> Any:
    """Half the square of a component of the velocity, summed over the volume about its faces (m5 s-2, or m4 s-2 Pa)."""
    ending = "_west_face" if along_x else "_south_face"
    need(dataset, f"{ending[1:]}_area")
    velocity, names = field(dataset, velocity_of(dataset)[0 if along_x else 1]), axes(dataset)
    area = alone(dataset[f"{ending[1:]}_area"])
    volume = 0.5 * velocity**2 * open_thickness(dataset, ending) * area * face_stretching(dataset, ending)
    return volume.sum([dim for dim in volume.dims if dim != "time" and dim.removesuffix("_face") in names])


def energy(dataset: Any) -> Any:
    """Kinetic, potential and total energy (J) of the whole domain, a Dataset, of every time.

    Potential energy of an ocean is that of its buoyancy, counted from z = 0, and of its surface; of air, internal and potential
    energy together. Needs all of velocity, the moving boundary and the tracers that the buoyancy reads. Raises ValueError where one
    is missing, and for an equation of state that is not known (dycore.diagnostics.densities).
    """
    kinetic, still = motion(dataset, True) + motion(dataset, False), at_rest(dataset)
    factor = 1.0 / constant(dataset, "gravity") if is_air(dataset) else constant(dataset, "reference_density")
    name = "total potential energy (internal and potential)" if is_air(dataset) else "potential energy"
    found = described(factor * kinetic, "kinetic_energy", "kinetic energy of the domain", "J").to_dataset()
    return found.assign(potential_energy=described(factor * still, "potential_energy", f"{name} of the domain", "J"),
                        energy=described(factor * (kinetic + still), "energy", "energy of the domain", "J"))


def at_rest(dataset: Any) -> Any:
    """Potential energy over reference density, or energy of air at rest times gravity."""
    names, mass = axes(dataset), alone(cell_volume(dataset))
    plane = [names.y, names.x]
    if is_air(dataset):
        need(dataset, "surface_geopotential")
        internal = constant(dataset, "heat_capacity") * (mass * alone(air_temperature(dataset)).fillna(0.0)).sum([*names])
        return internal + (mass_of_columns(dataset) * alone(dataset["surface_geopotential"])).sum(plane)
    surface = field(dataset, "sea_surface_height")
    tilted = 0.5 * constant(dataset, "surface_gravity") * (alone(dataset["cell_area"]) * surface**2).sum(plane)
    if dataset.attrs.get("buoyancy") == no_buoyancy.__name__:
        return tilted
    height = heights(dataset)
    return tilted - (mass * alone(buoyancy(dataset, -height)).fillna(0.0) * height).sum([*names])


def heights(dataset: Any) -> Any:
    """Heights (m) of the centres of levels [k, j, i], which move with the surface."""
    lower, upper = interfaces(dataset)
    fixed, base = alone(dataset["fixed_boundary"]), alone(dataset["column_base"])
    return fixed + stretching(dataset) * (0.5 * (lower + upper) - base)


def energy_tendency(dataset: Any) -> Any:
    """Rates of change (W) of kinetic, potential and total energy between the times of a dataset, a Dataset on their middles.

    The budget as far as output permits it: in a run without forcing and dissipation the total is zero but for errors of the time
    step, else it is forcing less dissipation, which no output holds apart. Of means it is the rate between the means of the fields.
    Raises ValueError for less than two times.
    """
    check_dataset(dataset)
    if dataset.sizes.get("time", 1) < 2:
        raise ValueError("A rate of change needs two times or more, and the dataset has one.")
    factor, number = days_of(dataset["time"].variable)
    seconds = 86400.0 * factor * np.asarray(number, float)
    times = dataset["time"].values
    middle = dataset["time"].isel(time=slice(-1)).copy(data=times[:-1] + (times[1:] - times[:-1]) / 2)
    made = {}
    for name, values in energy(dataset).items():
        rate = values.drop_vars("time").diff("time") / middle.drop_vars("time").copy(data=np.diff(seconds)).variable
        made[f"{name}_tendency"] = described(rate.assign_coords(time=middle), f"{name}_tendency",
                                             f"rate of change of the {values.attrs['long_name']}", "W")
    return next(iter(made.values())).to_dataset().assign(made)


def available_potential_energy(dataset: Any) -> Any:
    """Potential energy (J) of an ocean above that of the state of rest with the same water in the same basin, of every time.

    The water is sorted by buoyancy and fills the basin from the bottom (Lorenz 1955, Tellus 7, 157; Winters, Lombard, Riley and
    D'Asaro 1995, J. Fluid Mech. 289, 115), to which comes that of the tilted surface. For linear seawater, whose order does not
    depend on pressure: raises ValueError for another equation of state, and for air. Takes a state at a time into memory.
    """
    import xarray

    if is_air(dataset) or fluid_of(dataset).buoyancy is not linear_seawater:
        raise ValueError(f"Available potential energy by sorting is that of linear seawater, and buoyancy="
                         f"{dataset.attrs.get('buoyancy')!r}: the order of other fluids depends on pressure.")
    names, surface = [*axes(dataset)[::-1]], field(dataset, "sea_surface_height")
    need(dataset, "cell_area", "column_base")
    lower, upper = interfaces(dataset)
    area = alone(dataset["cell_area"]).where(alone(dataset["column_base"]) < float(upper[-1]), 0.0)
    water = alone(buoyancy(dataset, 0.0)).fillna(0.0), alone(cell_volume(dataset)), heights(dataset)
    layers = (open_thickness(dataset) * area).sum(names[1:])
    above_rest = xarray.apply_ufunc(
        of_sorted, *(in_one_chunk(part, *names) for part in water), in_one_chunk(layers, names[0]),
        xarray.Variable("edge", np.append(lower.values, upper.values[-1])),
        input_core_dims=[names, names, names, names[:1], ["edge"]], vectorize=True, dask="parallelized", output_dtypes=[float])
    level = (area * surface).sum(names[1:]) / area.sum(names[1:])
    total = above_rest + 0.5 * constant(dataset, "surface_gravity") * (area * (surface - level) ** 2).sum(names[1:])
    return described(constant(dataset, "reference_density") * total, "available_potential_energy",
                     "available potential energy of the domain", "J")


def of_sorted(buoyancy: np.ndarray, volume: np.ndarray, height: np.ndarray, layers: np.ndarray, ends: np.ndarray) -> float:
    """Sum of V b (z* - z) (m5 s-2): z* is where the water would be, the heaviest first, in a basin of such volumes of layers."""
    order = np.argsort(buoyancy, axis=None, kind="stable")
    b, v, z = (part.ravel()[order] for part in (buoyancy, volume, height))
    below = np.concatenate([[0.0], np.cumsum(v)])
    full = np.concatenate([[0.0], np.cumsum(layers)]) * (below[-1] / layers.sum())
    moment = np.concatenate([[0.0], np.cumsum(np.diff(full) * 0.5 * (ends[1:] + ends[:-1]))])  # of height, over volume
    k = np.clip(np.searchsorted(full, below, side="right") - 1, 0, len(layers) - 1)
    size = np.where(np.diff(full) > 0.0, np.diff(full), 1.0)[k]
    top = ends[k] + (below - full[k]) / size * np.diff(ends)[k]
    at = moment[k] + (below - full[k]) * 0.5 * (ends[k] + top)
    return float((b * np.diff(at)).sum() - (b * v * z).sum())
