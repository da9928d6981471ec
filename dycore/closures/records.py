"""Records of closures: one with fields of its own, and what one of vertical mixing gives."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple, Protocol

from dycore.fields import Field, as_field, axes_of
from dycore.inputs.given import check_number, check_switch, shown
from dycore.state import Prognostic
from dycore.tiles import Place
from dycore.tracers import LONGEST, NAME


class Closure(Protocol):
    """A record of numbers, with the fields that a state carries for it."""

    @property
    def prognostics(self) -> tuple[Prognostic, ...]:
        """Declarations of the fields, in order."""

    def advance(self, on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> Any:
        """The fields at the end of a step, from those at its `start`; see dycore.closures."""


class Mixed(NamedTuple):
    """Result of a closure of vertical mixing: its fields, and viscosity and diffusivity at lower-r faces [k, j, i] (m2/s)."""

    fields: tuple
    viscosity: Any
    diffusivity: Any


def closures_of(parameters: Any) -> tuple[Closure, ...]:
    """Closures that have fields of their own, that of vertical mixing first, then that of the transport by eddies."""
    schemes = getattr(parameters.vertical_mixing, "scheme", None), getattr(parameters.eddies, "transport_diffusivity", None)
    return (*filter(has_fields, schemes), *parameters.closures)


def has_fields(record: Any) -> bool:
    """Whether a scheme of vertical mixing, or a diffusivity of eddies, is a closure with fields of its own."""
    return hasattr(record, "advance")


def fields_of(parameters: Any, wanted: Any, fields: tuple) -> tuple:
    """Those that are of one closure among the fields of all closures."""
    left = fields
    for closure in closures_of(parameters):
        own, left = left[:len(closure.prognostics)], left[len(closure.prognostics):]
        if closure is wanted:
            return own
    raise LookupError(f"{wanted!r} is no closure of these parameters.")


def prognostics_of(parameters: Any) -> tuple[Prognostic, ...]:
    """The fields that a state carries for closures, in order. Raises ValueError for no such record, or the same name twice."""
    if not isinstance(parameters.closures, tuple) or hasattr(parameters.closures, "_fields"):
        raise ValueError(f"closures={shown(parameters.closures)} must be a tuple of closures (dycore.closures), "
                         "(Closure(),) for one.")
    prognostics: list[Prognostic] = []
    for closure in closures_of(parameters):
        declared: Any = getattr(closure, "prognostics", None)
        record = not isinstance(closure, type) and isinstance(declared, tuple) and callable(getattr(closure, "advance", None))
        if not record or not all(isinstance(field, Prognostic) for field in declared):
            raise ValueError(f"closures must be records with `prognostics`, a tuple of dycore.state.Prognostic, and a function "
                             f"`advance` (dycore.closures); given {closure!r}.")
        for field in declared:
            check_prognostic(field)
        prognostics += declared
    names = [field.name for field in prognostics]
    if len(set(names)) < len(names):
        raise ValueError(f"The fields of closures {', '.join(names)} have one name twice. Give each a name of its own.")
    return tuple(prognostics)


def check_closures(parameters: Any) -> None:
    """Raise ValueError where closures, or parameters for a closure, are not what a model needs."""
    prognostics_of(parameters)
    for closure in closures_of(parameters):
        if callable(check := getattr(closure, "check", None)):
            check(parameters)


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


def completes(closure: Closure) -> bool:
    """Whether a closure finds its fields at the end of a step from the flow there (`complete`)."""
    return callable(getattr(closure, "complete", None))


def advanced(on: Any, equations: Any, time_step: Any, at: Any, start: tuple) -> tuple:
    """Results of all closures, one for each, from what is known at the time of the tendencies and their fields at the start."""
    results, left = [], start
    for number, closure in enumerate(closures_of(equations.parameters)):
        own, left = left[:len(closure.prognostics)], left[len(closure.prognostics):]
        result = closure.advance(on, equations, time_step, at, own)
        mixes = number == 0 and closure is getattr(equations.parameters.vertical_mixing, "scheme", None)
        check_result(closure, result, mixes, on.tile.region.padded)
        results.append(result)
    return tuple(results)


def completed(on: Any, equations: Any, time_step: Any, results: tuple, before: Any, after: Any) -> tuple:
    """The fields of all closures at the end of a step, from what `advanced` gave and the flow before and after the step."""
    fields: list[Any] = []
    if any(map(completes, closures_of(equations.parameters))):  # which may read beyond the cells and levels, as before the step
        u, v, *tracers = (on.whole(as_field(field)) for field in (after.u, after.v, *after.tracers))
        after = after._replace(u=u, v=v, tracers=tuple(tracers))
    for closure, result in zip(closures_of(equations.parameters), results, strict=True):
        if completes(closure):
            own = closure.complete(on, equations, time_step, result, before, after)  # type: ignore[attr-defined]
            check_fields(closure, own, on.tile.region.padded)
        else:
            own = result.fields if isinstance(result, Mixed) else result
        fields += [on.at_least(field, about.minimum) for field, about in zip(own, closure.prognostics, strict=True)]
    return tuple(fields)


def check_result(closure: Closure, result: Any, mixes: bool, padded: tuple[int, ...]) -> None:
    """Raise TypeError where a closure returns others than its fields, or as the scheme of vertical mixing no `Mixed`."""
    if isinstance(result, Mixed) != mixes:
        raise TypeError(f"The closure {type(closure).__name__} returns {shown(result)}. " + (
            "As the scheme of vertical mixing return dycore.closures.Mixed(fields, viscosity, diffusivity)." if mixes else
            "Return a tuple of its fields; dycore.closures.Mixed is for a closure that is the scheme of vertical mixing."))
    if not completes(closure):
        check_fields(closure, result.fields if isinstance(result, Mixed) else result, padded)
    if isinstance(result, Mixed):
        for name, field in (("viscosity", result.viscosity), ("diffusivity", result.diffusivity)):
            check_field(closure, name, field, 3, padded)


def check_fields(closure: Closure, fields: Any, padded: tuple[int, ...]) -> None:
    """Raise TypeError where what a closure returns is not a field for each of its prognostics."""
    names = [about.name for about in closure.prognostics]
    if not isinstance(fields, (tuple, list)) or len(fields) != len(names):
        what = f"{len(fields)} fields" if isinstance(fields, (tuple, list)) else shown(fields)
        raise TypeError(f"The closure {type(closure).__name__} returns {what}, but it has {len(names)}. Return a tuple with one "
                        f"for each of its prognostics{': ' if names else ''}{', '.join(names)}.")
    for about, field in zip(closure.prognostics, fields, strict=True):
        check_field(closure, about.name, field, 3 if about.levels else 2, padded)


def check_field(closure: Closure, name: str, field: Any, needed: int, padded: tuple[int, ...]) -> None:
    """Raise TypeError where what a closure returns as a field is none with so many axes."""
    if not isinstance(field, Field) and not hasattr(field, "shape"):
        what = shown(field)
    elif axes_of(field) != needed:
        what = {0: "a number", 1: "a profile [k]", 2: "a plane [j, i]", 3: "a volume [k, j, i]"}.get(axes_of(field), "an array")
    elif not isinstance(field, Field) and tuple(field.shape) != padded[-needed:]:
        what = f"an array of shape {tuple(field.shape)}"
    else:
        return
    raise TypeError(f"The closure {type(closure).__name__} returns {what} as {name}. Return a field "
                    f"[{'k, ' * (needed == 3)}j, i], as stencils give it (on(stencil, ...)), or one that it was given.")
