"""Mesoscale eddies that the grid does not resolve: what they mix along neutral surfaces, and what they carry.

Parameters(..., eddies=Eddies(neutral_diffusivity=1000.0, transport_diffusivity=1000.0)) is an ocean with both, for which
coarse grids (a degree or so) ask; a grid that resolves the eddies needs neither. A step under Numba of the channel with two
tracers (20 x 64 x 128 cells) took 1.8 times as long with both, 1.65 with the one and 1.4 with the other alone (processor time
of runs in turn, on a machine that others used too); about 500 to 1000 m2/s are usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dycore.assembly.values import is_traced
from dycore.closures import EddyKineticEnergy, Visbeck
from dycore.closures.records import fields_of, has_fields
from dycore.equations import bolus, neutral_diffusion
from dycore.equations.continuity import Flow
from dycore.equations.dissipation import dissipated
from dycore.equations.neutral_slopes import Neutral, neutral_slopes
from dycore.fields import axes_of
from dycore.inputs.given import check_number, not_negative, shown
from dycore.terms import Term, Vector, bound


@dataclass(frozen=True)
class Eddies:
    """Mixing and transport by eddies that the grid does not resolve, in an ocean whose levels do not follow the bottom.

    neutral_diffusivity: of tracers along neutral surfaces (m2/s; dycore.equations.neutral_diffusion), in place of
    Parameters.diffusivity. transport_diffusivity: kappa of Gent and McWilliams (m2/s), whose bolus flow flattens these surfaces
    (dycore.equations.bolus). Both are numbers, profiles [nz], planes [ny, nx] or volumes [nz, ny, nx] at cell centres, or follow
    from the flow: dycore.closures.Visbeck, or EddyKineticEnergy, which carries a field of its own, and is given to the transport,
    or to both. All numbers may be new from call to call (`Model.with_parameters`). None is none.
    greatest_slope: neutral surfaces that are steeper count for less, by the square of how much (no unit; 1e-3 to 1e-2). It may
    be at most the least dx d_e / (4 kappa dt) of the grid, where d_e is the distance of the levels; else a step overshoots.

    Next to the floor and the surface the outer half of a level has no triads, and mixes half as much; the bolus flow returns there.
    Where neutral surfaces are steep, as in a mixed layer, eddies do nothing: that is for vertical_mixing and a small diffusivity.
    """

    neutral_diffusivity: float | ArrayLike | Visbeck | EddyKineticEnergy | None = None  # m2/s, of tracers along neutral surfaces
    transport_diffusivity: float | ArrayLike | Visbeck | EddyKineticEnergy | None = None  # m2/s, of Gent and McWilliams
    greatest_slope: float = 5.0e-3  # no unit, of neutral surfaces, beyond which they count for less

    @property
    def diffusivities(self) -> dict[str, Any]:
        """Those that there are (m2/s), by name."""
        both = {"neutral_diffusivity": self.neutral_diffusivity, "transport_diffusivity": self.transport_diffusivity}
        return {name: value for name, value in both.items() if value is not None}


def follows_flow(diffusivity: Any) -> bool:
    """Whether a diffusivity is a record that makes it of the flow, as dycore.closures.Visbeck."""
    return hasattr(diffusivity, "diffusivity") and hasattr(diffusivity, "greatest")


def check_numbers(eddies: Eddies) -> None:
    """Raise ValueError where the greatest slope, or a number of a diffusivity that follows the flow, makes no sense."""
    if not is_traced(eddies.greatest_slope):
        check_number("eddies.greatest_slope", eddies.greatest_slope, "a number above zero, such as 5e-3",
                     lambda slope: 0.0 < slope < inf)
    for name, value in eddies.diffusivities.items():
        parts = value._asdict() if isinstance(value, Visbeck) else {}
        for part, number in parts.items():
            if not is_traced(number):
                not_negative(f"eddies.{name}.{part}", number, "in the unit that the record says")
    if has_fields(eddies.neutral_diffusivity) and not alike(eddies.neutral_diffusivity, eddies.transport_diffusivity):
        raise ValueError(f"eddies.neutral_diffusivity={shown(eddies.neutral_diffusivity)} has fields of its own, those of the "
                         f"transport, but transport_diffusivity={shown(eddies.transport_diffusivity)}. Give one record to "
                         "both, or a number or a field as neutral_diffusivity.")


def alike(one: Any, other: Any) -> bool:
    """Whether two records are of one kind and have the same numbers, where these are known."""
    pairs = zip(one, other, strict=True) if type(one) is type(other) and isinstance(one, tuple) else [(one, other)]
    return all(a is b or is_traced(a) or is_traced(b) or np.array_equal(a, b) for a, b in pairs)


class NeutralFlux(NamedTuple):
    """Explicit flux of a tracer along neutral surfaces; zero without a neutral diffusivity."""

    along: Vector = Vector()  # through west and south faces, per reference thickness (m2/s times the unit of the tracer)
    across: Any = 0.0  # through lower-r faces (unit of r per s times that of the tracer)


class Diagnosed(NamedTuple):
    """Unresolved eddies at an instant."""

    slopes: Neutral
    neutral_diffusivity: Any  # (m2/s), or None
    transport_diffusivity: Any
    released: Any = Term()  # potential energy that the bolus flow releases, per mass (m2/s3), at centres: for a closure of eddies
    dissipated: Any = Term()  # kinetic energy that friction along the levels takes from the flow, as `released`
    dissipation: Any = Term()  # energy that eddies lose to turbulence, as `released`


def diagnosed(on: Any, equations: Any, at: Any) -> Diagnosed | None:
    """The unresolved eddies of an instant (dycore.forcing.Instant); None where there are no parameters for them."""
    eddies = equations.parameters.eddies
    if eddies is None:
        return None
    slopes = neutral_slopes(on, equations, at, eddies.greatest_slope)

    closure, closes = eddies.transport_diffusivity, has_fields(eddies.transport_diffusivity)
    fields = fields_of(equations.parameters, closure, at.closure) if closes else ()

    def at_this_time(value: Any, *fields: Any) -> Any:
        if not follows_flow(value):
            return value
        made = value.diffusivity(on, equations.grid, at.layers, slopes, *fields)
        return on.whole(made) if axes_of(made) == 3 else made

    transport = at_this_time(closure, *fields)
    neutral = transport if has_fields(eddies.neutral_diffusivity) else at_this_time(eddies.neutral_diffusivity)
    if not closes:
        return Diagnosed(slopes, neutral, transport)
    return Diagnosed(slopes, neutral, transport, bound(bolus.released, equations.grid, at.layers.stretching, transport, slopes),
                     dissipated(equations, at), closure.dissipation(transport, *fields))


def residual_flow(on: Any, grid: Any, layers: Any, eddies: Diagnosed | None, flow: Flow) -> Flow:
    """The flow that moves tracers: `flow` itself, but for the bolus flow of eddies."""
    if eddies is None or eddies.transport_diffusivity is None:
        return flow
    return bolus.residual_flow(on, grid, layers, eddies.slopes, eddies.transport_diffusivity, flow)


def neutral_flux(on: Any, equations: Any, layers: Any, eddies: Diagnosed | None, tracer: Any) -> NeutralFlux:
    """Explicit flux of a tracer along neutral surfaces."""
    if eddies is None or eddies.neutral_diffusivity is None:
        return NeutralFlux()
    return NeutralFlux(*neutral_diffusion.flux(on, equations, layers, eddies.slopes, eddies.neutral_diffusivity, tracer))


def diffusivity_across(on: Any, grid: Any, layers: Any, eddies: Diagnosed | None, mixed: Any) -> Any:
    """Diffusivity of tracers across the levels (m2/s), with that of neutral surfaces; None where there is none."""
    background = None if mixed is None else mixed.diffusivity
    if eddies is None or eddies.neutral_diffusivity is None:
        return background
    return on.whole(on(neutral_diffusion.diffusivity_across, grid, layers, eddies.slopes, eddies.neutral_diffusivity,
                       0.0 if background is None else background))
