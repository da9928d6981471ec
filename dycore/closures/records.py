"""Records of closures: one with fields of its own, and what one of vertical mixing gives."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple, Protocol

from dycore.inputs.given import check_number, check_switch, shown
from dycore.state import Prognostic
from dycore.tiles import Place
from dycore.tracers import LONGEST, NAME


class Closure(Protocol):
    """A record of numbers, with the fields that a state carries for it."""

    prognostics: tuple[Prognostic, ...]

    def advance(self, on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> Any:
        """The fields at the end of a step, from those at its `start`; see dycore.closures."""


class Mixed(NamedTuple):
    """Result of a closure of vertical mixing: its fields, and viscosity and diffusivity at lower-r faces [k, j, i] (m2/s)."""

    fields: tuple
    viscosity: Any
    diffusivity: Any


def closures_of(parameters: Any) -> tuple[Closure, ...]:
    """Closures that have fields of their own, that of vertical mixing first."""
    scheme = getattr(parameters.vertical_mixing, "scheme", None)
    return (*((scheme,) if hasattr(scheme, "advance") else ()), *parameters.closures)


def prognostics_of(parameters: Any) -> tuple[Prognostic, ...]:
    """The fields that a state carries for closures, in order. Raises ValueError for no such record, or the same name twice."""
    if not isinstance(parameters.closures, tuple) or hasattr(parameters.closures, "_fields"):
        raise ValueError(f"closures={shown(parameters.closures)} must be a tuple of closures (dycore.closures), "
                         "(Closure(),) for one.")
    prognostics: list[Prognostic] = []
    for closure in closures_of(parameters):
        declared = getattr(closure, "prognostics", None)
        if not isinstance(declared, tuple) or not all(isinstance(field, Prognostic) for field in declared) or not callable(
                getattr(closure, "advance", None)):
            raise ValueError(f"closures must be records with `prognostics`, a tuple of dycore.state.Prognostic, and a function "
                             f"`advance` (dycore.closures); given {closure!r}.")
        for field in declared:
            check_prognostic(field)
        prognostics += declared
    names = [field.name for field in prognostics]
    if len(set(names)) < len(names):
        raise ValueError(f"The fields of closures {', '.join(names)} have one name twice. Give each a name of its own.")
    return tuple(prognostics)


def check_prognostic(field: Prognostic) -> None:
    """Raise ValueError where what a closure declares of a field is not what states, files and checks need to know."""
    if not isinstance(field.name, str) or not NAME.fullmatch(field.name) or len(field.name) > LONGEST:
        raise ValueError(f"The field {shown(field.name)} of a closure has no name for a variable: use letters, digits and "
                         f"underscores, a letter first, at most {LONGEST} of them.")
    if not isinstance(field.place, Place):
        raise ValueError(f"place={shown(field.place)} of {field.name} must be one of dycore.tiles.Place.")
    if not isinstance(field.unit, str):
        raise ValueError(f"unit={shown(field.unit)} of {field.name} must be text, as udunits knows it, for example 'm2 s-2'.")
    check_number(f"minimum of {field.name}", field.minimum, "a number, or -inf for none", lambda least: least < inf)
    check_switch(f"levels of {field.name}", field.levels)


def advanced(on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> tuple[tuple, Mixed | None]:
    """The fields of all closures at the end of a step, and what that of vertical mixing gives, if there is one."""
    mixed, fields, left = None, [], start
    for closure in closures_of(equations.parameters):
        own, left = left[:len(closure.prognostics)], left[len(closure.prognostics):]
        result = closure.advance(on, equations, time_step, at, own)
        if isinstance(result, Mixed):
            mixed, result = result, result.fields
        fields += [on.at_least(field, about.minimum) for field, about in zip(result, closure.prognostics, strict=True)]
    return tuple(fields), mixed
