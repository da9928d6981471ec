"""The posterior of an analysis: what is known, after observations, of the errors of a state and of parameters.

    H = 1 + D^T D,     D^T D v = a v,     H^(-1/2) = 1 - sum of (1 - (1 + a)^(-1/2)) v v^T,     a > 0

H is the Gauss-Newton Hessian of the cost of dycore.learning.assimilation, whose controls are white noise beforehand, and so its
inverse the covariance of errors of an analysis. Of D^T D the modes v are taken of which observations tell most (Fisher and Courtier
1995, ECMWF Tech. Memo. 220); of what is left they are taken to tell nothing, so that a spread from few modes is too large, and one
from none that of the background. Members are H^(-1/2) of white noise. It is the error of the lowest cost: descend to there, with
enough iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dycore.inputs.given import integer
from dycore.learning.seeds import random_numbers
from dycore.learning.state_fields import incremented
from dycore.model import Model
from dycore.state import State

CLOSE = 0.05  # of its eigenvalue: how far from solved a mode may be
SAMPLES = 400  # of which standard deviations are known to within 4 percent


@dataclass(frozen=True, eq=False)
class Posterior:
    """Posterior of an analysis by its leading modes; `assimilate(..., modes=...)` makes one.

    increments: a function of controls [n] that returns (increments of fields on the cells, controls of parameters). information:
    eigenvalues a [k] of D^T D, the largest first: how often observations tell what was known of a mode beforehand. modes: v [n, k],
    in controls. inflation: of the standard deviations, the root of `Analysis.chi_square` where that is above one. products: of H
    with a vector, which the modes took.
    """

    model: Model
    state: State
    increments: Callable[[Any], tuple[dict[str, Any], Any]]
    information: np.ndarray
    modes: np.ndarray
    inflation: float
    products: int

    @property
    def degrees_of_freedom(self) -> float:
        """How many numbers the observations tell: the sum of a / (1 + a) (Rodgers 2000, section 2.4)."""
        return float((self.information / (1.0 + self.information)).sum())

    def controls(self, rng: np.random.Generator) -> np.ndarray:
        """Random controls [n] of the posterior, about those of the analysis."""
        noise = rng.standard_normal(len(self.modes))
        shrunk = 1.0 - 1.0 / np.sqrt(1.0 + self.information)
        return self.inflation * (noise - self.modes @ (shrunk * (self.modes.T @ noise)))

    def errors(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Random errors of the analysed state: of each field that has an error beforehand, on the cells."""
        increments, _ = self.increments(self.controls(rng).astype(self.model.grid.dtype))
        return {name: np.asarray(values) for name, values in increments.items()}

    def members(self, number: int, seed: int = 0) -> tuple[State, ...]:
        """So many states about the analysis, of which the spread is its error: members of an ensemble."""
        number, rng = integer("number", number, 1), random_numbers(seed)
        return tuple(incremented(self.model, self.state, self.errors(rng)) for _ in range(number))

    def deviations(self, samples: int = SAMPLES, seed: int = 0) -> dict[str, np.ndarray]:
        """Standard deviations of the errors of each field on the cells, in its unit, from so many samples."""
        samples, rng = integer("samples", samples, 2), random_numbers(seed)
        squares = self.errors(rng)
        squares = {name: values**2 for name, values in squares.items()}
        for _ in range(samples - 1):
            squares = {name: squares[name] + values**2 for name, values in self.errors(rng).items()}
        return {name: np.sqrt(total / samples) for name, total in squares.items()}


class Hessian:
    """Products of H = 1 + D^T D of residuals [z, departures] with vectors, linearised at some controls, and how many were taken."""

    def __init__(self, residuals: Callable[[Any], Any], at: Any):
        import jax

        from dycore.backends.on_jax import jit

        def product(z: Any, vector: Any) -> Any:
            values, along = jax.jvp(residuals, (z,), (vector,))
            return jax.vjp(residuals, z)[1](along.astype(values.dtype))[0]

        self._program, self._at, self.products = jit(product), at, 0

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        self.products += 1
        return np.asarray(self._program(self._at, np.asarray(vector, self._at.dtype).reshape(-1)), float)


def leading_modes(times: Callable[[np.ndarray], np.ndarray], size: int, modes: int) -> tuple[np.ndarray, np.ndarray]:
    """(a [k], v [n, k]) of D^T D, the largest first, from products of H = 1 + D^T D with vectors; Lanczos's method of ARPACK.

    modes: how many; all but one of what there are is the most. With none there are no products.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    if not modes:
        return np.zeros(0), np.zeros((size, 0))
    number = min(modes, size - 1)
    hessian = LinearOperator((size, size), times, dtype=float)
    start = np.random.default_rng(0).standard_normal(size)
    values, vectors = eigsh(hessian, number, v0=start, ncv=min(size, number + max(number // 2, 10)), tol=CLOSE)
    return np.maximum(values[::-1] - 1.0, 0.0), vectors[:, ::-1].copy()
