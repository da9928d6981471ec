"""Parameters of a run, all of it besides its grid and its state: one record, constant through the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dycore import printing
from dycore.assembly.values import is_traced
from dycore.calendars import check_start
from dycore.closures import Closure, Convective, PacanowskiPhilander, Uniform
from dycore.closures.records import check_closures
from dycore.equations.advection import upwind3
from dycore.equations.eddies import Eddies, check_numbers, follows_flow
from dycore.equations.friction import with_spacing
from dycore.equations.momentum import energy_conserving
from dycore.equations.steppers import AdamsBashforth3, Stepper
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Fluid
from dycore.forcing import Forcing, Module
from dycore.inputs.given import check_number, is_array, shown
from dycore.open_boundaries import OpenBoundaries
from dycore.tracers import check_names, read_by

Coefficient = float | ArrayLike  # a number, a profile [nz], a plane [ny, nx] or a volume [nz, ny, nx] at cell centres


@dataclass(frozen=True)
class Mixing:
    """Friction along the levels: harmonic (m2/s) or biharmonic (m4/s) coefficients, zero is off.

    `divergence` and `vorticity` are the viscosities that act on either part of the flow. On the sphere they hold at the
    equator, and elsewhere by `share`, a function of the cosine of latitude [j, i] (dycore.equations.friction). With
    `with_spacing` the harmonic viscosity falls with it, the biharmonic one with its square along rows, where cells become
    narrower, and not along meridians, where they do not; a wave of two cells decays about as fast everywhere.
    `constant` keeps both the same everywhere, which needs shorter steps near poles. On a plane it changes nothing.
    `no_slip`: the flow along a coast stops there; otherwise it slips freely.
    """

    divergence: Coefficient = 0.0  # m2/s or m4/s, on the divergent part of the flow
    vorticity: Coefficient = 0.0  # m2/s or m4/s, on the rotational part
    biharmonic: bool = False  # coefficients in m4/s
    no_slip: bool = False  # the flow along a coast stops there
    share: Callable = with_spacing  # no unit; how viscosity falls towards the poles of a sphere


@dataclass(frozen=True, repr=False)
class Parameters:
    """Fluid, time step and schemes. `None` is off; a scheme is chosen by passing a function.

    time_step: seconds. stepper: dycore.equations.steppers.AdamsBashforth3 or WickerSkamarock. substeps: barotropic
    substeps a step, 1 for none (they are needed where external waves cross less than a cell a step).
    tracer_names: names in the order of State.tracers, which is free: letters, digits and underscores, none twice, none that
    output has for something else. The fluid says which of them its buoyancy reads (dycore.fluid).
    tracer_face, vertical_face: face values of tracers along and across the levels (dycore.equations.advection, which says when to
    take weno5 with weno3 instead: upwind3 leaves the range of a tracer at fronts, by a quarter of it in a lock exchange, but
    a step with the others takes 1.2 to 1.7 times as long). advection: of momentum,
    energy_conserving or linear of dycore.equations.momentum, or momentum_weno.weno. friction: Mixing.
    diffusivity (m2/s; m4/s with `biharmonic_diffusion`). Coefficients are numbers, profiles [nz], planes [ny, nx] or volumes
    (dycore.coefficients), and may be new from call to call (`Model.with_parameters`).
    surface_stress: pair of arrays [j, i] on west and south faces (N/m2), eastward and northward, or of
    dycore.time_series.TimeSeries. polar_filter: latitude (degrees) poleward of which a full sphere is filtered. polar_damping:
    seconds in which the filter removes from the velocity what it slows down, a step at least (dycore.equations.filters).
    extrapolated_pressure: the share of the pressure force that is extrapolated with the advection (dycore.equations.steppers).
    vertical_mixing: dycore.equations.vertical_mixing. eddies: mesoscale eddies that the grid does not resolve, which mix tracers
    along neutral surfaces and flatten these (dycore.equations.eddies). closures: what carries fields of its own (dycore.closures).
    open_boundaries: sides through which water comes in and leaves, in place of walls (dycore.open_boundaries).
    forcing: what else acts on momentum and tracers (dycore.forcing; ready ones in dycore.physics).
    start: the date on which the run starts, a cftime.datetime in its calendar (dycore.calendars.date), which output, restarts and
    progress show; None for a run without a date.
    """

    fluid: Fluid  # dycore.fluid.Ocean or dycore.fluid.Atmosphere, with their constants
    time_step: float  # s
    substeps: int = 1  # barotropic substeps a step; 1 for none
    tracer_names: tuple[str, ...] = ()  # in the order of State.tracers
    tracer_face: Callable = upwind3  # face values of tracers along the levels
    vertical_face: Callable = upwind3  # face values of tracers across the levels
    advection: Callable = energy_conserving  # of momentum
    friction: Mixing | None = None  # along the levels
    diffusivity: Coefficient | None = None  # m2/s (m4/s if biharmonic), of tracers along the levels
    biharmonic_diffusion: bool = False  # diffusivity in m4/s
    surface_stress: tuple[ArrayLike, ArrayLike] | None = None  # N/m2, eastward at west faces and northward at south faces [j, i]
    polar_filter: float | None = 60.0  # degrees of latitude, poleward of which a full sphere is filtered
    polar_damping: float = 3600.0  # s, in which the filter removes velocity
    extrapolated_pressure: float = 0.1  # no unit, 0 to 1: share of the pressure force that is extrapolated
    vertical_mixing: VerticalMixing | None = None  # implicit mixing across the levels, and bottom drag
    eddies: Eddies | None = None  # mesoscale eddies that the grid does not resolve
    closures: tuple[Closure, ...] = ()  # what carries fields of its own
    open_boundaries: OpenBoundaries | None = None  # what flows in and out through the edges of a region
    forcing: tuple[Forcing | Module, ...] = ()  # what else acts on momentum and tracers
    stepper: Stepper = AdamsBashforth3()  # noqa: RUF009 (an immutable record)
    start: Any = None  # cftime.datetime: the date on which the run starts

    def __repr__(self) -> str:
        return printing.of_parameters(self).text()

    def _repr_html_(self) -> str:
        return printing.of_parameters(self).html()


def in_plain_numbers(value: Any) -> Any:
    """A record whose numbers of NumPy are numbers of Python, which take the precision of what they are combined with.

    Where a record says `float`, 600 is 600.0: a number that may be new from call to call (dycore.assembly.values).
    """
    if isinstance(value, (np.generic, np.ndarray)) or hasattr(value, "coords"):
        real = getattr(value, "shape", None) == () and value.dtype.kind in "biuf" and not np.ma.isMaskedArray(value)
        return value.item() if real else value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(part_in_plain_numbers(value, name) for name in value._fields))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: part_in_plain_numbers(value, field.name) for field in fields(value)})
    return value


def part_in_plain_numbers(record: Any, name: str) -> Any:
    """A part of a record as `in_plain_numbers` has it."""
    said = str(getattr(type(record), "__annotations__", {}).get(name))
    value = in_plain_numbers(getattr(record, name))
    real = "float" in said or "Coefficient" in said  # a number that need not be whole
    return float(value) if type(value) is int and real and abs(value) < 2**1000 else value


def in_plain_form(parameters: Any) -> Any:
    """Parameters with lists as tuples, and arrays without axes, also those of xarray, as numbers of Python, before all checks.

    Records of others, which may be anything as yet, stay what they are.
    """
    if not isinstance(parameters, Parameters):
        return parameters

    def plain_form(name: str, value: Any) -> Any:
        if isinstance(value, list) and name in ("tracer_names", "closures", "forcing"):
            return tuple(value)
        own = isinstance(value, (Mixing, VerticalMixing, Eddies)) or not is_dataclass(value)
        return in_plain_numbers(value) if own else value

    names = [field.name for field in fields(parameters)]
    return replace(parameters, **{name: plain_form(name, getattr(parameters, name)) for name in names})


def check_values(parameters: Parameters) -> None:
    """Raise ValueError where a parameter is no number that makes sense, or none of the records that a model takes."""
    for name, record, kind in (("friction", parameters.friction, Mixing), ("eddies", parameters.eddies, Eddies),
                               ("vertical_mixing", parameters.vertical_mixing, VerticalMixing)):
        if not isinstance(record, kind | None):
            raise ValueError(f"{name}={shown(record)} must be a {kind.__module__}.{kind.__name__}, or None.")
    check_start(parameters.start)
    check_closures(parameters)
    check_names(parameters.tracer_names)
    read_by(parameters.fluid.buoyancy, parameters.tracer_names)
    check_number("time_step", parameters.time_step, "a positive number of seconds", lambda dt: 0.0 < dt < inf)
    check_number("substeps", parameters.substeps, "1 (no substeps) or a whole number of at least 5 (and below 10000)",
                 lambda n: n == 1 or (5 <= n <= 9999 and n == int(n)))
    check_number("polar_damping", parameters.polar_damping, "a positive number of seconds", lambda damping: damping > 0.0)
    check_number("extrapolated_pressure", parameters.extrapolated_pressure, "a number from 0 to 1",
                 lambda share: 0.0 <= share <= 1.0)
    if parameters.polar_filter is not None:
        check_number("polar_filter", parameters.polar_filter, "a latitude from 0 to 90 degrees, or None",
                     lambda latitude: 0.0 <= latitude <= 90.0)
    for name, value in coefficients(parameters).items():
        if is_traced(value) or is_array(value):  # a field is held against a grid (dycore.coefficients)
            continue
        check_number(name, value, "a number that is not negative", lambda value: 0.0 <= value < inf)
    if parameters.eddies is not None:
        check_numbers(parameters.eddies)
    for name, value in plain(parameters.fluid).items():
        if not is_array(value):
            check_number(f"fluid.{name}", value, "a finite number", isfinite)


def coefficients(parameters: Parameters) -> dict[str, Any]:
    """Coefficients of mixing and friction by name: numbers that cannot be negative."""
    found: dict[str, Any] = {} if parameters.diffusivity is None else {"diffusivity": parameters.diffusivity}
    friction, mixing = parameters.friction, parameters.vertical_mixing
    if friction is not None:
        found |= {"friction.divergence": friction.divergence, "friction.vorticity": friction.vorticity}
    if parameters.eddies is not None:
        found |= {f"eddies.{name}": value for name, value in parameters.eddies.diffusivities.items() if not follows_flow(value)}
    if mixing is not None:
        drags = {"linear_drag": mixing.linear_drag, "quadratic_drag": mixing.quadratic_drag}
        found |= {f"vertical_mixing.{name}": value for name, value in drags.items() if value is not None}
        if isinstance(mixing.values, Uniform | Convective | PacanowskiPhilander):
            found |= {f"vertical_mixing.values.{name}": value for name, value in plain(mixing.values).items()}
    return found


def plain(record: Any) -> dict[str, Any]:
    """The parts of a named tuple by name, without functions and what JAX may trace."""
    parts = record._asdict() if hasattr(record, "_asdict") else {}
    return {name: value for name, value in parts.items() if isinstance(value, (bool, int, float, complex, str, list, np.generic,
                                                                              np.ndarray))}
