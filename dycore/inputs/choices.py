"""Of what kind the parts of parameters are: records, functions and switches. What numbers may be is said by dycore.parameters."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from dycore.assembly.values import is_traced
from dycore.closures import Convective, PacanowskiPhilander, Uniform, convective, pacanowski_philander, uniform
from dycore.equations.steppers import AdamsBashforth3, Stepper, WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Rest, linear_seawater
from dycore.inputs.given import check_function, check_kind, check_number, check_switch, is_array, positive, shown
from dycore.parameters import Mixing, Parameters

# of the schemes of dycore
VALUES: dict[Callable, Any] = {uniform: Uniform, convective: Convective, pacanowski_philander: PacanowskiPhilander}
STEPPERS: tuple[type[Stepper], ...] = (AdamsBashforth3, WickerSkamarock)
SEAWATER = "thermal_expansion", "haline_contraction", "reference_temperature", "reference_salinity"  # may be fields
ABOVE_ZERO = ("reference_density", "heat_capacity", "kappa", "reference_pressure")  # they divide, or make waves


def check_choices(parameters: Parameters) -> None:
    """Raise ValueError or TypeError, with what to give, where a part of parameters is not of the kind that a model needs."""
    check_kind("parameters", parameters, Parameters)
    for name in ("tracer_face", "vertical_face"):
        check_function(name, getattr(parameters, name), "flow", "c3", "c2", "c1", "d1", "d2", "d3")
    check_function("advection", parameters.advection, "on", "grid", "layers", "at")
    check_switch("biharmonic_diffusion", parameters.biharmonic_diffusion)
    if not isinstance(parameters.stepper, STEPPERS):
        raise ValueError(f"stepper={shown(parameters.stepper)} is no time stepper. Give AdamsBashforth3() or "
                         "WickerSkamarock() of dycore.equations.steppers.")
    check_fluid(parameters.fluid)
    friction, mixing = parameters.friction, parameters.vertical_mixing
    if isinstance(friction, Mixing):
        check_switch("friction.biharmonic", friction.biharmonic)
        check_switch("friction.no_slip", friction.no_slip)
        check_function("friction.share", friction.share, "cosine")
    if isinstance(mixing, VerticalMixing) and not hasattr(mixing.scheme, "advance"):
        scheme: Any = mixing.scheme
        check_function("vertical_mixing.scheme", scheme)
        if scheme in VALUES:
            check_kind("vertical_mixing.values", mixing.values, VALUES[scheme],
                       f"The scheme {scheme.__name__} reads its values from that record.")
            check_parts("vertical_mixing.values", mixing.values, VALUES[scheme]._fields)


def check_fluid(fluid: Any) -> None:
    """Raise ValueError where a fluid is no record, or has a part that is none of its kind."""
    if isinstance(fluid, type) or not hasattr(fluid, "buoyancy"):
        raise ValueError(f"fluid={shown(fluid)} is no fluid. Give a record, for example dycore.fluid.Ocean().")
    check_function("fluid.buoyancy", fluid.buoyancy)
    check_parts("fluid", fluid, SEAWATER if fluid.buoyancy is linear_seawater else ())
    for name in ABOVE_ZERO:
        if hasattr(fluid, name) and not is_traced(getattr(fluid, name)):
            positive(f"fluid.{name}", getattr(fluid, name), "above zero, in the unit that the record says")


def check_parts(name: str, record: Any, fields: tuple[str, ...] = ()) -> None:
    """Raise ValueError where a part of a named tuple is of another kind than its default; some may be `fields`."""
    defaults = getattr(record, "_field_defaults", {})
    for part in getattr(record, "_fields", ()):
        value, default = getattr(record, part), defaults.get(part)
        if callable(default):
            check_function(f"{name}.{part}", value)
        elif isinstance(default, Rest):
            check_kind(f"{name}.{part}", value, Rest, "dycore.fluid.Atmosphere.at_rest makes one.")
        elif not is_traced(value) and not (is_array(value) and part in fields):
            check_number(f"{name}.{part}", value, "a finite number", isfinite)
