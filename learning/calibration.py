"""Calibration: parameters of a model from observations of a run of which the beginning is known.

    J(z) = 1/2 |z|^2 + 1/2 |departures(z)|^2,     covariance of z = (1 + D^T D)^-1,     D = d departures / dz

z are the controls of dycore.learning.uncertain_parameters. `cost_along` is to be looked at before any slope of J is used: a valley
says that a parameter can be seen, and how many minima there are; a plain says that it cannot. `calibrate` then goes down with the
Gauss-Newton method of scipy (trust regions) and Jacobians in forward mode: a run with one slope for each parameter, of which no
state needs to be kept (Rodgers 2000, Inverse Methods for Atmospheric Sounding, section 5.2 for the method and the covariance).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dycore.inputs.given import integer, shown
from dycore.learning.estimates import Estimates
from dycore.learning.observations import Kinds, departures, equivalents, number_of_values, schedule_of, traced_equivalents
from dycore.learning.uncertain_parameters import (
    Uncertain,
    UncertainParameter,
    check_uncertain,
    value_of,
    with_controls,
    with_estimates,
)
from dycore.model import Model
from dycore.state import State


@dataclass(frozen=True, eq=False)
class CostCurve:
    """The cost along one parameter, all others at their background: values [n] in its unit, costs [n] (no unit)."""

    name: str
    values: np.ndarray
    costs: np.ndarray

    @property
    def lowest(self) -> float:
        """The value with the lowest cost."""
        return float(self.values[self.costs.argmin()])


@dataclass(frozen=True, eq=False)
class Calibration:
    """Calibrated parameters, the model with them, and how they were found.

    cost: of every run that was made, from the background on. chi_square: twice the last cost
    over the number of observations, about 1 where their errors and the background's are as was said; where it is larger, as
    where the model is not the truth's, the covariance of the estimates was multiplied by it (Birge 1932, Phys. Rev. 40, 207).
    """

    estimates: Estimates
    model: Model
    cost: tuple[float, ...]
    chi_square: float


def cost_along(model: Model, state: State, observations: Kinds, parameters: Uncertain,
               controls: Sequence[float] = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)) -> tuple[CostCurve, ...]:
    """The cost along each parameter, at so many errors of its background from it: a run for each, on any backend.

    Raises ValueError as `calibrate`.
    """
    observations, schedule = schedule_of(model, state, observations)
    parameters = check_uncertain(model, parameters)

    def cost(number: int, control: float) -> float:
        z = np.zeros(len(parameters))
        z[number] = control
        seen = equivalents(with_estimates(model, parameters, list(z)), state, observations, schedule)
        return 0.5 * float(z @ z + sum((row**2).sum() for row in departures(seen, observations)))

    return tuple(CostCurve(each.name, np.array([float(value_of(each, float(z))) for z in controls]),
                           np.array([cost(number, float(z)) for z in controls])) for number, each in enumerate(parameters))


def calibrate(model: Model, state: State, observations: Kinds, parameters: Uncertain, *,
              runs: int = 20) -> Calibration:
    """Parameters with which a run from a state comes nearest to observations and to what was known of them beforehand.

    runs: the most that are made. Raises ValueError for a model that is not on JAX, or that Numba steps within programs of JAX
    (`on_jax.create(native=True)`, which has no forward mode), a parameter that does not exist or is no number, and observations
    that do not fit; FloatingPointError where the run from the background does not stay finite.
    """
    from scipy.optimize import least_squares

    check_forward_mode(model)
    observations, schedule = schedule_of(model, state, observations)
    parameters, runs = check_uncertain(model, parameters), integer("runs", runs, 1)
    state = model.asarrays(state)

    def residuals(z: Any) -> Any:
        stepped = model.with_parameters(with_controls(model.parameters, parameters, list(z)))
        return jnp.concatenate([z, *departures(traced_equivalents(stepped, state, observations, schedule), observations)])

    linearised = Linearised(residuals, len(parameters))
    linearised.check(np.zeros(len(parameters)), parameters)
    found = least_squares(linearised.values, np.zeros(len(parameters)), linearised.jacobian, max_nfev=runs, xtol=1e-4, ftol=1e-6)
    chi_square = 2.0 * float(found.cost) / max(1, number_of_values(observations))
    covariance = np.linalg.inv(found.jac.T @ found.jac) * max(1.0, chi_square)
    estimates = Estimates(parameters, found.x, covariance)
    return Calibration(estimates, with_estimates(model, parameters, found.x), tuple(linearised.costs), chi_square)


class Linearised:
    """Residuals and their Jacobian by one compiled program in forward mode, computed once for each point."""

    def __init__(self, residuals: Callable[[Any], Any], size: int):
        from dycore.backends.on_jax import jit

        def both(z: Any) -> tuple:
            values, columns = jax.vmap(lambda tangent: jax.jvp(residuals, (z,), (tangent,)))(jnp.eye(size, dtype=z.dtype))
            return values[0], columns.T

        self._program, self.costs = jit(both), list[float]()
        self._point, self._found = np.full(size, np.nan), (np.zeros(0), np.zeros((0, size)))  # the last, and what was found there

    def at(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(residuals [m], Jacobian [m, n])."""
        if not (self._point == z).all():
            values, columns = self._program(jnp.asarray(z))
            self._point, self._found = z.copy(), (np.asarray(values, float), np.asarray(columns, float))
            self.costs.append(0.5 * float((self._found[0] ** 2).sum()))
        return self._found

    def values(self, z: np.ndarray) -> np.ndarray:
        """Residuals [m]; huge where the run did not stay finite, which the optimiser steps back from."""
        return np.nan_to_num(self.at(z)[0], nan=1e10, posinf=1e10, neginf=-1e10)

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """Jacobian [m, n]."""
        return self.at(z)[1]

    def check(self, z: np.ndarray, parameters: Sequence[UncertainParameter]) -> None:
        """Raise FloatingPointError where a run or its slopes are not finite."""
        if not all(np.isfinite(part).all() for part in self.at(z)):
            values = {each.name: each.background for each in parameters}
            raise FloatingPointError(f"The run with the background {shown(values)}, or its slopes, do not stay finite. Take "
                                     "another background, a shorter window or a shorter time step.")


def check_forward_mode(model: Model) -> None:
    """Raise ValueError for a model of which JAX has no slopes in forward mode."""
    check_on_jax(model)
    if getattr(model.backend, "everywhere", False):
        raise ValueError("The model is on on_jax.create(native=True), whose kernels have no slopes in forward mode. Make it with "
                         "on_jax.create(native=False).")


def check_on_jax(model: Model) -> None:
    """Raise ValueError for a model that is not on JAX."""
    if getattr(model.backend, "library", None) is not jnp:
        raise ValueError(f"Slopes are needed, and the model is on the backend {model.backend.name}, which has none. Make it with "
                         "dycore.backends.on_jax.")
