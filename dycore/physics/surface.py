"""Exchanges of an ocean with the air, given to its uppermost layer: fluxes, and relaxation to observed values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.forcing import Forcing, only, tracer_number
from dycore.inputs.given import as_array, check_number, positive
from dycore.inputs.named_axes import is_labelled
from dycore.stencils import made_by, stencil, where
from dycore.time_series import TimeSeries, of_each

HEAT_CAPACITY = 3991.86795711963  # J/(kg K), of seawater for conservative temperature (TEOS-10)


class Flux(NamedTuple):
    """Flux into the fluid [j, i] (unit of the tracer times m/s)."""

    flux: Any


class Target(NamedTuple):
    """Value to relax to [j, i], and the rate (1/s)."""

    target: Any
    rate: float


@stencil
def into_uppermost(k, j, i, grid, column, values, now):
    """Rate of a tracer at centres of the uppermost layer by a flux (its unit per s)."""
    source = values.flux[j, i] * grid.inverse_dr[k] / column.stretching[j, i]
    return where(k == grid.top - 1, grid.open_fraction_of(k, j, i, grid.floor, grid.inverse_fraction, source), 0.0)


def planes(name: str, values: ArrayLike | TimeSeries, divisor: float = 1.0) -> Any:
    """A field [j, i] over a divisor, or a series of such fields."""
    return of_each(partial(plane, name, divisor), values)


def plane(name: str, divisor: float, record: int | None, values: Any) -> Any:
    """A field [j, i] from a number, which then holds everywhere, or an array [ny, nx]; NaN where it is masked."""
    array = as_array(name, values)
    if array.ndim not in (0, 2):
        which = name if record is None else f"record {record} of {name}"
        raise ValueError(f"{which} has shape {array.shape}; it must be a number or a plane [ny, nx].")
    if is_labelled(values) and array.ndim:
        return values / divisor  # names and coordinates tell a model where it lies
    return np.atleast_2d(array) / divisor


def surface_flux(tracer: int, flux: ArrayLike | TimeSeries) -> Forcing:
    """A flux into the uppermost layer, a number or [j, i] (unit of the tracer times m/s), of a tracer, numbered as in tracer_names.

    It may be masked or NaN where there is no fluid, and a dycore.time_series.TimeSeries.
    """
    return Forcing(tracers=only(tracer, into_uppermost), values=Flux(planes("flux", flux)))


def heat_flux(tracer: int, flux: ArrayLike | TimeSeries, density: float = 1025.0) -> Forcing:
    """A heat flux, a number, [j, i] or a series (W/m2, positive into the ocean), that warms a tracer that is a temperature."""
    check_number("density", density, "a positive number of kg/m3", lambda density: 1e-30 < density < 1e30)
    return surface_flux(tracer, planes("flux", flux, density * HEAT_CAPACITY))


def fresh_water_flux(tracer: int, flux: ArrayLike | TimeSeries, salinity: float = 35.0, density: float = 1025.0) -> Forcing:
    """A flux of fresh water, a number, [j, i] or a series (kg m-2 s-1, positive into the ocean: precipitation and rivers less
    evaporation), that freshens a tracer that is a salinity.

    It is a virtual flux of salt, -salinity flux / density: the mass of the ocean stays as it is. With one reference `salinity`
    (g/kg) everywhere salt is kept to the mean of the flux. Raises ValueError for a salinity or a density that is not positive.
    """
    divisor = -positive("density", density, "kg/m3") / positive("salinity", salinity, "g/kg")
    return surface_flux(tracer, planes("flux", flux, divisor))


@cache
def towards(tracer: int) -> Callable:
    """The stencil that relaxes a tracer in the uppermost layer."""

    @stencil
    @made_by(towards, tracer)
    def relaxed(k, j, i, grid, column, values, now):
        """Rate of a tracer at centres of the uppermost layer by relaxation (its unit per s)."""
        return where(k == grid.top - 1, -values.rate * (now.tracers[tracer][k, j, i] - values.target[j, i]), 0.0)

    return relaxed


def surface_relaxation(tracer: int, target: ArrayLike | TimeSeries, seconds: float) -> Forcing:
    """Relaxation of a tracer in the uppermost layer to `target`, a number, [j, i] or a series, on a time scale in seconds."""
    check_number("seconds", seconds, "the time scale of the relaxation, a positive number of seconds",
                 lambda seconds: seconds > 0.0)
    return Forcing(tracers=only(tracer, towards(tracer_number(tracer))), values=Target(planes("target", target), 1.0 / seconds))
