"""Estimates of uncertain parameters: values with what is known of their errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dycore.learning.state_fields import check_names
from dycore.learning.uncertain_parameters import UncertainParameter, value_of


@dataclass(frozen=True, eq=False)
class Estimates:
    """Estimates of parameters: their controls z [n] (dycore.learning.uncertain_parameters) and the covariance of these [n, n]."""

    uncertain: tuple[UncertainParameter, ...]
    controls: np.ndarray
    covariance: np.ndarray

    @property
    def values(self) -> dict[str, float]:
        """Values by name, each in its unit."""
        return {each.name: float(value_of(each, float(z))) for each, z in zip(self.uncertain, self.controls, strict=True)}

    @property
    def deviations(self) -> dict[str, float]:
        """Posterior standard deviations by name: of the logarithm where a parameter is positive, otherwise in its unit."""
        return {each.name: float(each.error * np.sqrt(variance))
                for each, variance in zip(self.uncertain, np.diagonal(self.covariance), strict=True)}

    def interval(self, name: str, deviations: float = 2.0) -> tuple[float, float]:
        """(least, largest) value within so many standard deviations. Raises ValueError for a name that was not estimated."""
        check_names("The parameter", (name,), self.values)
        number = list(self.values).index(name)
        off = deviations * float(np.sqrt(self.covariance[number, number]))
        low, high = (float(value_of(self.uncertain[number], float(self.controls[number]) + side)) for side in (-off, off))
        return low, high

    def distance(self, name: str, value: float) -> float:
        """How many posterior standard deviations a value, such as the truth of a twin, is off the estimate."""
        check_names("The parameter", (name,), self.values)
        each, z = self.uncertain[number := list(self.values).index(name)], self.controls[list(self.values).index(name)]
        of_value = np.log(value / each.background) if each.positive else value - each.background
        return float((of_value / each.error - z) / np.sqrt(self.covariance[number, number]))

    def __str__(self) -> str:
        return "; ".join(f"{name} = {value:.4g} ({low:.4g} to {high:.4g})" for name, value in self.values.items()
                         for low, high in (self.interval(name),))


