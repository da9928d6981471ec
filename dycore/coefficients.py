"""Coefficients of parameters: a number, or a profile [nz], a plane [ny, nx] or a volume [nz, ny, nx] at cell centres.

Fields may stand for what mixes along the levels (`diffusivity`, `friction.divergence`, `friction.vorticity`) and along neutral
surfaces (`eddies.neutral_diffusivity`, `eddies.transport_diffusivity`), for bottom drag (numbers and planes), for what mixes across
the levels (at their lower faces: `vertical_mixing.values`, and the background diffusivity of TurbulentKineticEnergy), and for the
expansion of seawater (dycore.fluid.linear_seawater).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dycore.assembly.values import is_traced
from dycore.closures import TurbulentKineticEnergy
from dycore.equations.eddies import follows_flow
from dycore.fluid import Ocean, linear_seawater
from dycore.grid import Grid
from dycore.inputs.choices import SEAWATER, VALUES
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, Form, given, is_array
from dycore.parameters import Parameters

ANY = NUMBER, PROFILE, PLANE, VOLUME


def is_field(value: Any) -> bool:
    """Whether a coefficient is an array; a number that JAX traces is taken as it is."""
    return bool(value.ndim) if is_traced(value) else is_array(value)


def on_grid(grid: Grid, parameters: Parameters) -> Parameters:
    """The parameters with fields among their coefficients as arrays of the grid's precision.

    Raises ValueError where a field does not fit the grid, is no finite number where there is fluid, or is negative.
    """
    def field(name: str, value: Any, *forms: Form, signed: bool = False) -> Any:
        if not is_field(value):
            return value
        array = given(name, value, grid.cells, *forms, precision=grid.dtype, needed=grid.wet, places=grid.places())
        if not signed and not is_traced(array) and (array < 0.0).any():
            raise ValueError(f"{name} is {array.min():g} somewhere. Give coefficients that are not negative.")
        return array

    def record(name: str, part: Any, names: tuple[str, ...], *forms: Form, signed: bool = False) -> Any:
        found = {each: field(f"{name}.{each}", getattr(part, each), *forms, signed=signed) for each in names}
        return part._replace(**found) if hasattr(part, "_replace") else replace(part, **found)

    fluid, friction, mixing = parameters.fluid, parameters.friction, parameters.vertical_mixing
    if isinstance(fluid, Ocean) and fluid.buoyancy is linear_seawater:
        fluid = record("fluid", fluid, SEAWATER, *ANY, signed=True)
    if friction is not None:
        friction = record("friction", friction, ("divergence", "vorticity"), *ANY)
    if mixing is not None:
        mixing = record("vertical_mixing", mixing, ("linear_drag", "quadratic_drag"), NUMBER, PLANE)
        if hasattr(mixing.values, "_fields"):
            mixing = replace(mixing, values=record("vertical_mixing.values", mixing.values, mixing.values._fields, *ANY,
                                                   signed=not any(mixing.scheme is each for each in VALUES)))
        elif is_field(mixing.values):
            mixing = replace(mixing, values=field("vertical_mixing.values", mixing.values, *ANY, signed=True))
        if isinstance(mixing.scheme, TurbulentKineticEnergy):
            mixing = replace(mixing, scheme=record("vertical_mixing.scheme", mixing.scheme, ("diffusivity",), *ANY))
    eddies = parameters.eddies
    if eddies is not None:
        given_ones = tuple(name for name, value in eddies.diffusivities.items() if not follows_flow(value))
        eddies = record("eddies", eddies, given_ones, *ANY)
    return replace(parameters, fluid=fluid, friction=friction, vertical_mixing=mixing, eddies=eddies,
                   diffusivity=field("diffusivity", parameters.diffusivity, *ANY))


def largest_in_columns(value: Any) -> Any:
    """The largest of a coefficient over the levels: a number, or a plane [j, i]."""
    if np.ndim(value) in (1, 3):
        return np.asarray(value).max(axis=0)
    return value
