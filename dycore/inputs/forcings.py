"""Drivers of a model besides its own dynamics: its forcings and the surface stress, as they come in from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dycore.abstract import names_of
from dycore.assembly.values import EXACT, is_record, is_traced
from dycore.fields import map_arguments
from dycore.fluid import Ocean
from dycore.forcing import Forcing, Module, Stress, stress_u, stress_v
from dycore.grid import Grid
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, as_array, check_function, given, is_array, is_masked, shown
from dycore.inputs.units import STRESS
from dycore.parameters import Parameters
from dycore.tiles import Place
from dycore.time_series import TimeSeries, of_each


def forcings(grid: Grid, parameters: Parameters) -> tuple[Forcing | Module, ...]:
    """Forcings of the fluid besides its own dynamics, with values that fit the grid. Raises ValueError for what does not."""
    if isinstance(parameters.forcing, Forcing | Module) or not isinstance(parameters.forcing, (tuple, list)):
        raise ValueError("forcing must be a tuple of dycore.forcing.Forcing; for a single one write forcing=(one,).")
    own = [checked(grid, parameters, f"forcing[{number}]", forcing) for number, forcing in enumerate(parameters.forcing)]
    if parameters.surface_stress is None:
        return tuple(own)
    return checked(grid, parameters, "surface_stress", surface_stress(grid, parameters)), *own


def surface_stress(grid: Grid, parameters: Parameters) -> Forcing:
    """The forcing by the surface stress, along the grid's i and j, which are east and north where it is not rotated.

    Raises ValueError where it is no pair of numbers or planes [ny, nx].
    """
    if not isinstance(parameters.fluid, Ocean):
        raise ValueError("surface_stress is divided by the reference density of an Ocean, which an Atmosphere lacks. Give "
                         "surface_stress=None and a forcing of u and v.")
    pair: Any = parameters.surface_stress
    if not (isinstance(pair, (tuple, list)) or (isinstance(pair, np.ndarray) and pair.ndim)) or len(pair) != 2:
        raise ValueError("surface_stress must have two components, on west and on south faces: (eastward, northward), of which "
                         "each is a number or an array [ny, nx] (N/m2), or a TimeSeries of them"
                         + (", along the rows and columns of this rotated grid (dycore.directions.along_grid)."
                            if grid.supergrid is not None else "."))
    density = parameters.fluid.reference_density

    def part(number: int, floor: np.ndarray, place: Place) -> Any:
        def over_density(record: int | None, values: Any) -> np.ndarray:
            name, precision = named(f"surface_stress[{number}]", record), grid.dtype if is_traced(values) else float
            stress = given(name, values, grid.cells, NUMBER, PLANE, precision=precision, needed=grid.open_levels(floor),
                           units=STRESS, places=grid.places(place))
            if is_traced(stress):
                return stress / density + np.zeros(grid.cells[1:], grid.dtype)
            return np.broadcast_to(stress, grid.cells[1:]) / density

        return of_each(over_density, pair[number])

    return Forcing(stress_u, stress_v, values=Stress(part(0, grid.metrics.floor_u, Place.WEST_FACE),
                                                  part(1, grid.metrics.floor_v, Place.SOUTH_FACE)))


def named(name: str, record: int | None) -> str:
    """The name of a value, or of one of its records."""
    return name if record is None else f"record {record} of {name}"


def checked(grid: Grid, parameters: Parameters, name: str, forcing: Any) -> Forcing | Module:
    """A forcing with its values in the precision and the shapes of the grid: numbers, [nz], [ny, nx] or [nz, ny, nx]."""
    if not isinstance(forcing, Forcing | Module):
        raise ValueError(f"{name} is of the type {type(forcing).__name__}. Give a dycore.forcing.Forcing, or a Module.")
    leaves = iter(names_of(forcing.values, f"{name}.values"))
    values = map_arguments(lambda leaf: value(grid, next(leaves), leaf), forcing.values)
    if isinstance(forcing, Module):
        check_function(f"{name}.function", forcing.function, "on", "grid", "at", "values", "weights")
        names = iter(names_of(forcing.weights, f"{name}.weights"))
        forcing = forcing._replace(weights=map_arguments(lambda leaf: weight(grid, next(names), leaf), forcing.weights))
    else:
        check_functions(name, forcing)
        check_tracers(name, forcing, tuple(parameters.tracer_names))
    return forcing._replace(values=values)


def check_tracers(name: str, forcing: Forcing, names: tuple[str, ...]) -> None:
    """Raise ValueError where a forcing acts on tracers that are not there, or are others than it takes them for."""
    if len(forcing.tracers) > len(names):
        raise ValueError(f"{name} acts on tracer {len(forcing.tracers) - 1}, but there are {len(names)}: tracer_names={names}. The "
                         "first is tracer 0.")
    for number, (expected, found) in enumerate(zip(forcing.names, names, strict=False)):
        if expected not in (None, found):
            raise ValueError(f"{name} takes tracer {number} for {expected}, but tracer_names={names} have {found} there. Make the "
                             "forcing for the number of the tracer that it is about.")


def check_functions(name: str, forcing: Forcing) -> None:
    """Raise ValueError where what a forcing does is no function, or its functions or names are no tuple."""
    for part in ("tracers", "names"):
        if not isinstance(getattr(forcing, part), (tuple, list)):
            raise ValueError(f"{name}.{part}={shown(getattr(forcing, part))} must be a tuple, with one for each of the first "
                             "tracers.")
    if not all(each is None or isinstance(each, str) for each in forcing.names):
        raise ValueError(f"{name}.names={shown(forcing.names)} must be names of tracers, or None for any name.")
    functions = {"u": forcing.u, "v": forcing.v} | {f"tracers[{number}]": each for number, each in enumerate(forcing.tracers)}
    for part, function in functions.items():
        if function is not None:
            check_function(f"{name}.{part}", function)


def value(grid: Grid, name: str, leaf: Any) -> Any:
    """A part of what a forcing is made of. Whole numbers, functions, None, records and numbers that JAX traces stay what
    they are."""
    if isinstance(leaf, TimeSeries):
        return replace(leaf, name=name).mapped(lambda number, record: of_record(grid, named(name, number), record))
    if isinstance(leaf, (str, bytes)):
        raise ValueError(f"{name}={shown(leaf)} is text. Give a number, a profile, a plane or a volume.")
    whole = isinstance(leaf, (int, np.integer, np.bool_)) and not isinstance(leaf, np.timedelta64) and abs(int(leaf)) <= EXACT
    if leaf is None or whole or (is_traced(leaf) and not leaf.ndim) or callable(leaf) or is_record(leaf):
        return leaf
    return of_record(grid, name, leaf)


def weight(grid: Grid, name: str, leaf: Any) -> Any:
    """An array of finite numbers of any shape in the precision of the grid, whole numbers and truth values as they are.

    A list of layers, arrays of which some may have other shapes, becomes a tuple of them; what is no array stays what it is.
    """
    if isinstance(leaf, list) and any(isinstance(each, (tuple, list)) or getattr(each, "shape", None) for each in leaf) and not (
            is_array(leaf) and not any(hasattr(each, "shape") for each in leaf)):
        return tuple(weight(grid, f"{name}[{number}]", each) for number, each in enumerate(leaf))
    if is_traced(leaf) or callable(leaf) or not (isinstance(leaf, list) or getattr(leaf, "shape", None)):
        return leaf
    values = getattr(leaf, "values", leaf)
    if getattr(getattr(values, "dtype", None), "kind", None) in ("b", "i", "u") and not is_masked(values):
        return np.asarray(values)
    array = as_array(name, values, grid.dtype)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite numbers or masked in {grid.dtype}. Give numbers.")
    return array


def of_record(grid: Grid, name: str, values: Any) -> Any:
    """A number, also one that is whole, a profile, a plane or a volume, in the precision of the grid."""
    array = given(name, values, grid.cells, NUMBER, PROFILE, PLANE, VOLUME, precision=grid.dtype, needed=grid.wet,
                  places=grid.places())
    return array if array.ndim else array[()]


def with_values(parameters: Parameters, values: tuple) -> Parameters:
    """Parameters whose forcings have other values, in their order. Raises ValueError where there are not as many."""
    if not isinstance(values, (tuple, list)) or len(values) != len(parameters.forcing):
        raise ValueError(f"forcing must be a tuple with the values of each of the {len(parameters.forcing)} forcings of the "
                         "parameters, in their order.")
    return replace(parameters, forcing=tuple(forcing._replace(values=own) for forcing, own in zip(
        parameters.forcing, values, strict=True)))
