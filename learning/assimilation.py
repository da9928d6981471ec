"""Assimilation in four dimensions: the state at the beginning, and parameters, from observations of a run (4D-Var).

    J(z) = 1/2 |z|^2 + 1/2 |departures(z)|^2,     x = x_b + B^(1/2) z_x,     p = p_b exp(error z_p)

The controls z are white noise beforehand (dycore.learning.covariance, dycore.learning.uncertain_parameters), which is the
preconditioning by the background covariance. L-BFGS-B of scipy goes down with gradients in reverse mode; the model is a strong
constraint and stays nonlinear (full, not incremental, 4D-Var: Courtier, Thepaut and Hollingsworth 1994, Q. J. R. Meteorol. Soc.
120, 1367). Errors of parameters are those of the inverse of the Gauss-Newton Hessian of all controls together,

    H = 1 + D^T D,      D = d departures / dz,

so that what the state could explain as well is in them; conjugate gradients, preconditioned by what L-BFGS learnt of H
(Tshimanga et al. 2008, Q. J. R. Meteorol. Soc. 134, 751), solve for the columns that belong to parameters. Errors of the state
are those of its leading modes (dycore.learning.posterior).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from dycore.inputs.given import check_kind, integer
from dycore.learning.calibration import check_on_jax
from dycore.learning.covariance import Covariance
from dycore.learning.estimates import Estimates
from dycore.learning.observations import Kinds, departures, number_of_values, schedule_of, traced_equivalents
from dycore.learning.posterior import Hessian, Posterior, leading_modes
from dycore.learning.state_fields import check_names, incremented, names_of_fields, open_points
from dycore.learning.uncertain_parameters import Uncertain, check_uncertain, with_controls, with_estimates
from dycore.model import Model
from dycore.state import State

MEMORY = 50  # pairs of steps and changes of the gradient that L-BFGS keeps
MOST = 25  # products with the Hessian for a column of the covariance
CLOSE = 0.1  # of its right-hand side: how far a column of the covariance may be from solved


@dataclass(frozen=True, eq=False)
class Analysis:
    """The analysed state at the beginning of the window, the parameters with the model that has them, and how they were found.

    increments: of each field, on the cells. cost: of every gradient that was taken, from the background on. background_cost,
    observation_cost: the two terms of the last. chi_square: twice the last cost over the number of observations, about 1
    where all errors are as was said (Talagrand 1999); where it is larger the covariance of the parameters was multiplied by it.
    products: of H with a vector, which the covariance of the parameters took. posterior: of the state, as
    far as modes were asked for.
    """

    state: State
    model: Model
    estimates: Estimates
    increments: dict[str, np.ndarray]
    cost: tuple[float, ...]
    background_cost: float
    observation_cost: float
    chi_square: float
    products: int
    posterior: Posterior


class Problem:
    """Residuals [z, departures] as a function of controls z [n], which JAX differentiates."""

    def __init__(self, model: Model, background: State, observations: Kinds, covariance: Covariance, parameters: Uncertain):
        self.observations, self.schedule = schedule_of(model, background, observations)
        self.parameters = check_uncertain(model, parameters, least=0)
        check_fields(model, covariance)
        self.background, self.covariance = model.asarrays(background), covariance
        noise = {name: np.zeros(shape, model.grid.dtype) for name, shape in covariance.shapes.items()}
        self.first, self._unravel = ravel_pytree((noise, np.zeros(len(self.parameters), model.grid.dtype)))

    def taken_apart(self, z: Any) -> tuple[dict[str, Any], Any]:
        """(increments of the state on the cells, controls of the parameters)."""
        noise, controls = self._unravel(z)
        return self.covariance.errors(noise), controls

    def residuals(self, model: Model, z: Any) -> Any:
        """Residuals of a model: on which backend is its affair."""
        increments, controls = self.taken_apart(z)
        stepped = model.with_parameters(with_controls(model.parameters, self.parameters, list(controls)))
        seen = traced_equivalents(stepped, incremented(model, self.background, increments), self.observations, self.schedule)
        return jnp.concatenate([z, *departures(seen, self.observations)])

    def cost(self, model: Model, z: Any) -> Any:
        """Half of the sum of squares of residuals."""
        return 0.5 * (self.residuals(model, z) ** 2).sum()


def assimilate(model: Model, background: State, observations: Kinds, covariance: Covariance, parameters: Uncertain = (), *,
               iterations: int = 100, modes: int = 0) -> Analysis:
    """The state and the parameters from which a run comes nearest to observations, weighed against a background.

    background: the first guess of the state at the beginning of the window. covariance: of its errors (`background_covariance`).
    parameters: those that are uncertain too; with none the state alone is analysed. iterations: the most of L-BFGS-B, each of which
    takes about one gradient. modes: how many of the Hessian are taken, from which the errors of the analysed state follow
    (`Analysis.posterior`, dycore.learning.posterior). Raises ValueError for a model that is not on JAX, a parameter that does
    not exist, and observations that do not fit; FloatingPointError where the run from the background does not stay finite.
    """
    from scipy.optimize import minimize

    from dycore.backends.on_jax import jit

    check_on_jax(model)
    iterations, modes = integer("iterations", iterations, 1), integer("modes", modes, 0)
    check_kind("covariance", covariance, Covariance, "dycore.learning.background_covariance makes one.")
    problem = Problem(model, background, observations, covariance, parameters)
    descent = Descent(jit(jax.value_and_grad(lambda z: problem.cost(model, z))), problem.first.dtype)
    descent.check(problem.first)
    found = minimize(descent, np.asarray(problem.first, float), jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations, "maxcor": MEMORY, "ftol": 1e-8})
    chi_square = 2.0 * float(found.fun) / max(1, number_of_values(problem.observations))
    increments, controls = problem.taken_apart(jnp.asarray(found.x, problem.first.dtype))
    smooth, state = without_kernels(model), incremented(model, problem.background, increments)
    hessian = Hessian(lambda z: problem.residuals(smooth, z), jnp.asarray(found.x, problem.first.dtype))
    columns = parameter_covariance(hessian, found, len(problem.parameters)) * max(1.0, chi_square)
    products = hessian.products
    information, vectors = leading_modes(hessian, found.x.size, modes)
    posterior = Posterior(model, state, jit(problem.taken_apart), information, vectors, max(1.0, chi_square) ** 0.5,
                          hessian.products - products)
    return Analysis(state, with_estimates(model, problem.parameters, list(controls)),
                    Estimates(problem.parameters, np.asarray(controls, float), columns),
                    {name: np.asarray(values) for name, values in increments.items()}, tuple(descent.costs),
                    background_cost := 0.5 * float(found.x @ found.x), float(found.fun) - background_cost, chi_square, products,
                    posterior)


def check_fields(model: Model, covariance: Covariance) -> None:
    """Raise ValueError where a covariance is of fields that a model has not, or of another grid."""
    check_names("The field of the covariance", covariance.shapes, names_of_fields(model))
    for name, shape in covariance.shapes.items():
        if shape != open_points(model.grid, name).shape:
            raise ValueError(f"The covariance has errors of {name} of the shape {shape}, but the model has "
                             f"{open_points(model.grid, name).shape}. Make it with background_covariance of this model.")


class Descent:
    """The cost and its gradient as an optimiser asks for them, with a record of all costs."""

    def __init__(self, program: Callable, dtype: Any):
        self._program, self._dtype, self.costs = program, dtype, list[float]()

    def __call__(self, z: np.ndarray) -> tuple[float, np.ndarray]:
        cost, gradient = self._program(jnp.asarray(z, self._dtype))
        self.costs.append(float(cost))
        if not np.isfinite(self.costs[-1]):
            return 1e30, z  # too far: the line search takes a shorter step
        return self.costs[-1], np.asarray(gradient, float)

    def check(self, z: Any) -> None:
        """Raise FloatingPointError where the cost of the background or its gradient is not finite."""
        cost, gradient = self._program(z)
        self.costs.append(float(cost))
        if not (np.isfinite(cost) and np.isfinite(gradient).all()):
            raise FloatingPointError(f"The cost of the background is {float(cost):g}, and its gradient is finite at "
                                     f"{int(np.isfinite(gradient).sum())} of {gradient.size} controls. Take another background, a "
                                     "shorter window or a shorter time step.")


def parameter_covariance(hessian: Hessian, found: Any, number: int) -> np.ndarray:
    """The covariance of the controls of parameters [n, n], the last of all controls."""
    from scipy.sparse.linalg import LinearOperator, cg

    size, columns = found.x.size, []
    operator = LinearOperator((size, size), hessian, dtype=float)
    for place in range(size - number, size):
        unit = np.zeros(size)
        unit[place] = 1.0
        column, _ = cg(operator, unit, found.hess_inv @ unit, rtol=CLOSE, maxiter=MOST, M=found.hess_inv)
        columns.append(column[-number:])
    covariance = np.array(columns).reshape(number, number)
    return 0.5 * (covariance + covariance.T)


def without_kernels(model: Model) -> Model:
    """The model as XLA runs it, which has slopes in forward mode."""
    from dycore.backends.on_jax import create

    return Model(model.grid, model.parameters, create(native=False)) if getattr(model.backend, "everywhere", False) else model
