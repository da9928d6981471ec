"""Uncertain parameters: which numbers of a model's parameters are estimated, and what is known of them beforehand.

    value = background exp(error z)        where it has to be positive
    value = background + error z           otherwise

z is a standard normal number beforehand: the control of an estimation, of which a step of one is an error of the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf
from typing import Any

import numpy as np

from dycore.inputs.given import check_kind, check_number, check_switch, check_text, shown
from dycore.learning.differentiable import numbers, with_numbers
from dycore.learning.state_fields import check_names
from dycore.model import Model
from dycore.parameters import Parameters


@dataclass(frozen=True)
class UncertainParameter:
    """A parameter that is estimated: its name, its background (first guess) and the standard error of that.

    name: as `dycore.learning.numbers` gives it: "vertical_mixing.linear_drag", "friction.vorticity", "forcing.0.values.rate".
    background: in the parameter's unit. error: where `positive`, of its logarithm (0.5: within a factor of 1.6 in two of three
    cases); otherwise in its unit. factor: whether what is estimated is a factor (no unit) on all numbers under that name, such as
    a field [j, i] or a pair of them: UncertainParameter("surface_stress", 1.0, 0.5, factor=True).
    Raises ValueError where a number makes no sense.
    """

    name: str
    background: float
    error: float
    positive: bool = True
    factor: bool = False

    def __post_init__(self) -> None:
        check_text("name", self.name, "vertical_mixing.linear_drag")
        check_switch("positive", self.positive)
        check_switch("factor", self.factor)
        what, least = ("a positive finite number", 0.0) if self.positive else ("a finite number", -inf)
        check_number(f"The background of {self.name}", self.background, what, lambda value: least < value < inf)
        check_number(f"The error of {self.name}", self.error, "a positive finite number", lambda value: 0.0 < value < inf)


Uncertain = UncertainParameter | Sequence[UncertainParameter]  # one, or several


def value_of(uncertain: UncertainParameter, control: Any) -> Any:
    """The value that belongs to a control z, of Python, NumPy or JAX."""
    if not uncertain.positive:
        return uncertain.background + uncertain.error * control
    power = uncertain.error * control
    if isinstance(power, (float, np.floating)):
        return uncertain.background * exp(power)
    return uncertain.background * power.__array_namespace__().exp(power)


def with_controls(parameters: Parameters, uncertain: Sequence[UncertainParameter], controls: Sequence[Any]) -> Parameters:
    """Parameters with the values that belong to controls z."""
    for each, control in zip(uncertain, controls, strict=True):
        value, found = value_of(each, control), numbers_under(parameters, each.name)
        given = {name: number * value if each.factor else value for name, number in found.items()}
        parameters = with_numbers(parameters, given)
    return parameters


def with_estimates(model: Model, uncertain: Sequence[UncertainParameter], controls: Sequence[float]) -> Model:
    """The model with the values that belong to controls z, none of which JAX traces."""
    return model.with_parameters(with_controls(model.parameters, uncertain, [float(z) for z in controls]))


def numbers_under(parameters: Parameters, name: str) -> dict[str, Any]:
    """All numbers and arrays that stand under a name."""
    return {each: number for each, number in numbers(parameters).items() if f"{each}.".startswith(f"{name}.")}


def check_uncertain(model: Model, uncertain: Uncertain, least: int = 1) -> tuple[UncertainParameter, ...]:
    """Uncertain parameters of a model as a tuple.

    Raises ValueError where there are fewer than `least`, one is given twice, does not exist, is no single number, or has a
    background with which there is no model.
    """
    uncertain = (uncertain,) if isinstance(uncertain, UncertainParameter) else tuple(uncertain)
    if len(uncertain) < least:
        raise ValueError("No parameter is given that is uncertain. Give records of dycore.learning.UncertainParameter.")
    for each in uncertain:
        check_kind("parameters", each, UncertainParameter)
        check_exists(model.parameters, each)
    names = [each.name for each in uncertain]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"The parameter {name!r} is given {names.count(name)} times. Give it once.")
    with_estimates(model, uncertain, [0.0] * len(uncertain))
    return uncertain


def check_exists(parameters: Parameters, uncertain: UncertainParameter) -> None:
    """Raise ValueError where no number stands under a name, or not a single one that could be replaced."""
    found = numbers_under(parameters, uncertain.name)
    if not found:
        check_names("The parameter", (uncertain.name,), numbers(parameters))
    if not uncertain.factor and (list(found) != [uncertain.name] or np.ndim(found[uncertain.name])):
        raise ValueError(f"{uncertain.name} is not one number, but has {shown(found)}. Give factor=True to estimate a factor on "
                         "all of it.")
