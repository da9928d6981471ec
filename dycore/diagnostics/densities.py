"""Density of seawater from a dataset, and the mixed layer that follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import seawater
from dycore.diagnostics.cells import alone, axes, constant, described, in_one_chunk, interfaces, is_air, need, stretching
from dycore.fluid import Ocean, linear_seawater, no_buoyancy
from dycore.inputs.given import not_negative, positive

EQUATIONS_OF_STATE = {function.__name__: function for function in (linear_seawater, no_buoyancy, seawater.teos10,
                                                                   seawater.quadratic_seawater)}
TRACERS = ("temperature", "salinity")
BY_DENSITY, BY_TEMPERATURE = 0.03, 0.2  # kg/m3, K: thresholds of de Boyer Montegut et al.


class Everywhere:
    """A field as stencils read it, all of it at once whatever the point."""

    def __init__(self, values: Any):
        self.values = values

    def __getitem__(self, _: Any) -> Any:
        return self.values


def equation_of_state(dataset: Any) -> Any:
    """The function of buoyancy of an ocean, of the attribute of this name. Raises ValueError for one of a user, and for air."""
    if is_air(dataset):
        raise ValueError("The dataset is of air, which has no density of seawater: its levels are those of pressure.")
    name = dataset.attrs.get("buoyancy", "")
    if name not in EQUATIONS_OF_STATE:
        raise ValueError(f"The attribute buoyancy={name!r} of the dataset is no equation of state that is known: there are "
                         f"{', '.join(EQUATIONS_OF_STATE)}. Give a density of your own, or set dataset.attrs['buoyancy'].")
    return EQUATIONS_OF_STATE[name]


def fluid_of(dataset: Any) -> Ocean:
    """The ocean whose constants are attributes of the dataset. Raises ValueError where one is missing."""
    names = ("gravity", "thermal_expansion", "haline_contraction", "reference_temperature", "reference_salinity",
             "reference_density")
    constants: dict[str, Any] = {name: constant(dataset, name) for name in names}
    return Ocean(buoyancy=equation_of_state(dataset), **constants)


def by_array(dataset: Any, function: Any, *others: Any) -> Any:
    """A function of arrays (temperature, salinity, ...) as a lazy variable."""
    import xarray

    need(dataset, *TRACERS)
    arrays = [alone(dataset[name]) for name in TRACERS]
    return xarray.apply_ufunc(function, *arrays, *others, dask="parallelized", output_dtypes=[float])


def buoyancy(dataset: Any, depth: Any) -> Any:
    """Buoyancy (m s-2) of seawater at a depth (m), a number or [k, j, i], by the equation of state of the run; NaN on land."""
    fluid = fluid_of(dataset)

    def of(temperature: np.ndarray, salinity: np.ndarray, below: Any) -> np.ndarray:
        tracers = (Everywhere(temperature), Everywhere(salinity))
        return fluid.buoyancy(0, 0, 0, fluid, -np.asarray(below), tracers) + 0.0 * temperature

    return by_array(dataset, of, depth)


def potential_density(dataset: Any, reference_depth: float = 0.0) -> Any:
    """Potential density (kg m-3) referenced to a depth (m, which stands for dbar), at cell centres, NaN on land.

    By TEOS-10 in the form of Roquet et al. 2015 (dycore.seawater) or rho_0 (1 - b / g) of linear or quadratic seawater, as the run
    had it. Needs temperature and salinity. Raises ValueError for another equation of state.
    """
    depth = not_negative("reference_depth", reference_depth, "m")
    if equation_of_state(dataset) is seawater.teos10:
        density = by_array(dataset, lambda temperature, salinity: sum(seawater.density(salinity, temperature, depth)))
    else:
        fluid = fluid_of(dataset)
        density = fluid.reference_density * (1.0 - buoyancy(dataset, depth) / fluid.gravity)
    return described(density, "potential_density", f"potential density referenced to {depth:g} m", "kg m-3",
                     "sea_water_potential_density")


def depths(dataset: Any) -> tuple[Any, Any]:
    """Depth below the sea surface (m) of the centres of levels [k, j, i], and of the sea floor [j, i]; zero on land."""
    lower, upper = interfaces(dataset)
    need(dataset, "column_base")
    stretched, top = stretching(dataset), upper.isel({axes(dataset).level: -1}, drop=True)
    return (top - 0.5 * (lower + upper)) * stretched, (top - alone(dataset["column_base"])) * stretched


def mixed_layer_depth(dataset: Any, threshold: float | None = None, by_temperature: bool = False, from_depth: float = 10.0) -> Any:
    """Depth of the mixed layer (m) [j, i]: where density is 0.03 kg m-3 more than at 10 m, or temperature 0.2 K from that at 10 m.

    de Boyer Montegut et al. 2004, J. Geophys. Res. 109, C12003. Density is potential density referenced to the surface. Linear
    between the centres of levels; where the first level is deeper than `from_depth`, the value of that level; the depth of the sea
    floor where nothing is different down to it; NaN on land. Needs temperature, salinity (by density) and sea_surface_height.
    """
    import xarray

    need(dataset, "temperature")
    usual = BY_TEMPERATURE if by_temperature else BY_DENSITY
    difference = positive("threshold", usual if threshold is None else threshold, "K" if by_temperature else "kg/m3")
    start, names = not_negative("from_depth", from_depth, "m"), axes(dataset)
    values = alone(dataset["temperature"]) if by_temperature else alone(potential_density(dataset))
    centres, floor = depths(dataset)
    found = xarray.apply_ufunc(
        lambda values, depth, floor: depth_of_threshold(values[..., ::-1], depth[..., ::-1], floor, difference, start,
                                                        by_temperature),
        *(in_one_chunk(part, names.level) for part in (values, centres.where(values.notnull()))), floor,
        input_core_dims=[[names.level], [names.level], []], dask="parallelized", output_dtypes=[float])
    what = f"temperature differs by {difference:g} K from" if by_temperature else f"density is {difference:g} kg m-3 more than"
    standard = "temperature" if by_temperature else "sigma_theta"
    return described(found, "mixed_layer_depth", f"depth at which {what} that at {start:g} m", "m",
                     f"ocean_mixed_layer_thickness_defined_by_{standard}")


def depth_of_threshold(values: np.ndarray, depth: np.ndarray, floor: np.ndarray, difference: float, start: float,
                       either: bool) -> np.ndarray:
    """Depth at which values [..., k], downward from the surface and NaN below the floor, differ so much from that at `start`.

    either: whether less counts as well as more. NaN where all of a column is.
    """
    levels = np.arange(values.shape[-1])
    depth, values = np.broadcast_arrays(depth, values)
    last = np.maximum(np.isfinite(values).sum(axis=-1) - 1, 0)[..., None]

    def at(array: np.ndarray, k: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, k, axis=-1)[..., 0]

    # the two centres about the start, or the first or last one
    below = np.minimum((depth <= start).sum(axis=-1)[..., None], last)
    above = np.maximum(below - 1, 0)
    reference = between(np.clip(start, at(depth, above), at(depth, below)), at(depth, above), at(depth, below), at(values, above),
                        at(values, below))
    change = values - reference[..., None]
    reached = (np.abs(change) if either else change) >= difference
    reached &= (depth > start) & (levels <= last)
    first = reached.argmax(axis=-1)[..., None]
    before = np.maximum(first - 1, 0)
    size = np.abs(change) if either else change
    shallower, smaller = at(depth, before), at(size, before)
    begins = shallower < start  # the layer begins at the start, where there is no difference
    shallower, smaller = np.where(begins, np.minimum(start, at(depth, first)), shallower), np.where(begins, 0.0, smaller)
    found = between(difference, smaller, at(size, first), shallower, at(depth, first))
    found = np.where(reached.any(axis=-1), found, np.maximum(floor, 0.0))
    return np.where(np.isfinite(values).any(axis=-1), found, np.nan)


def between(value: Any, first: np.ndarray, last: np.ndarray, at_first: np.ndarray, at_last: np.ndarray) -> np.ndarray:
    """Linear interpolation; the first value where both ends are one."""
    weight = np.divide(value - first, last - first, out=np.zeros(np.broadcast_shapes(np.shape(value), np.shape(first))),
                       where=last != first)
    return at_first + weight * (at_last - at_first)
