"""Covariance of the errors of a background state, by its square root: an operator that makes errors of white noise.

    x - x_b = S C L chi,      B = S C L (S C L)^T,      chi white noise

L correlates levels (a Gaussian of their distance), C cells along a level (diffusion for as long as gives a Gaussian of the length
that is asked for: Weaver and Courtier 2001, Q. J. R. Meteorol. Soc. 127, 1815), and S scales to standard deviations. Diffusion
stops at coasts: what two basins have in common goes around the land between them. Errors of different fields are independent,
but where a balance is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, inf
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from dycore.grid import Grid, interior
from dycore.inputs.given import NUMBER, PLANE, PROFILE, VOLUME, check_kind, check_number, given
from dycore.learning.seeds import random_numbers
from dycore.learning.state_fields import check_names, names_of_fields, open_points
from dycore.model import Model
from dycore.tiles import Boundary

SAMPLES = 400  # of white noise, from which the variance of what is correlated is known to within a few percent
MOST_STEPS = 2000  # of diffusion
STABLE = 0.2  # share that neighbours may exchange in a step of diffusion; it grows beyond 1/4


class Exchange(NamedTuple):
    """Diffusion along the levels: shares of a cell that it exchanges with its neighbours to the west and to the south in a step."""

    is_open: np.ndarray  # [k, j, i]: where the field has values
    west: np.ndarray  # [k, j, i], zero towards what is closed
    south: np.ndarray
    inverse_area: np.ndarray  # [j, i] (1/m2), over the largest
    steps: int


class Covariance(NamedTuple):
    """Square root of the covariance of errors of fields, by their names; `background_covariance` makes one."""

    deviations: dict[str, np.ndarray]  # [k, j, i] or [j, i]: standard deviations over those of what is correlated
    levels: dict[str, np.ndarray]  # [k, k]
    exchanges: dict[str, Exchange]
    balance: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the fields that have errors."""
        return {name: deviation.shape for name, deviation in self.deviations.items()}

    def errors(self, noise: Mapping[str, Any]) -> dict[str, Any]:
        """Errors of each field, in its unit, of white noise of the same shape; linear, of NumPy or JAX."""
        errors = {name: self.deviations[name] * correlated(noise[name], self.levels[name], self.exchanges[name])
                  for name in self.deviations}
        return errors if self.balance is None else self.balance(errors)

    def sample(self, rng: np.random.Generator | int) -> dict[str, np.ndarray]:
        """Random errors of each field; rng: a generator of NumPy, or a seed."""
        rng = rng if isinstance(rng, np.random.Generator) else random_numbers(rng)
        return self.errors({name: rng.standard_normal(shape) for name, shape in self.shapes.items()})


def background_covariance(model: Model, deviations: Mapping[str, ArrayLike], *, length: float,
                          depth: float | None = None,
                          balance: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> Covariance:
    """The covariance of errors of a background state.

    deviations: standard deviations of u, v (m/s), surface and tracers by name, each a number, a profile [nz], a plane [ny, nx] or a
    volume; a field without one is taken to be known. length: along the levels, at which a correlation has fallen to
    exp(-1/2) (m). depth: the same across them (unit of r); None for levels that are independent. balance: a linear function
    of errors of all fields that adds to some what others imply, such as `geostrophic(model)`; deviations are then those of
    what is not implied. Raises ValueError where a field does not exist, a number is not positive, or a length takes too many steps
    of diffusion.
    """
    check_kind("deviations", deviations, Mapping, "Give standard deviations by the names of fields.")
    check_names("The field", deviations, names_of_fields(model))
    check_number("length", length, "a positive number of metres", lambda length: 0.0 < length < inf)
    if depth is not None:
        check_number("depth", depth, "a positive number, or None", lambda depth: 0.0 < depth < inf)
    grid = model.grid
    scaled, levels, exchanges = {}, {}, {}
    for name, deviation in deviations.items():
        levels[name] = np.eye(1, dtype=grid.dtype) if name == "surface" else root_of_levels(grid, depth)
        exchanges[name] = exchange_of(grid, name, length)
        scaled[name] = deviation_of(grid, name, deviation) / spread(open_points(grid, name), levels[name], exchanges[name])
    return Covariance(scaled, levels, exchanges, balance)


def deviation_of(grid: Grid, name: str, deviation: ArrayLike) -> np.ndarray:
    """Standard deviations of a field, zero where it has no values.

    Raises ValueError where they are negative, not finite or of another shape.
    """
    forms = (NUMBER, PLANE) if name == "surface" else (NUMBER, PROFILE, PLANE, VOLUME)
    is_open = open_points(grid, name)
    values = given(f"The standard deviation of {name}", deviation, grid.cells, *forms, precision=grid.dtype, needed=is_open)
    if (values < 0.0).any():
        raise ValueError(f"The standard deviation of {name} is {values.min():g} somewhere. Give numbers that are not negative.")
    values = values[:, None, None] if values.ndim == 1 else values
    return np.where(is_open, values, values.dtype.type(0.0))


def root_of_levels(grid: Grid, depth: float | None) -> np.ndarray:
    """The symmetric square root [k, k] of the correlation of levels."""
    centre = 0.5 * (grid.interfaces[1:] + grid.interfaces[:-1])
    if depth is None:
        return np.eye(len(centre), dtype=grid.dtype)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * ((centre[:, None] - centre) / depth) ** 2))
    return ((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T).astype(grid.dtype)


def exchange_of(grid: Grid, name: str, length: float) -> Exchange:
    """Diffusion that makes of white noise what is correlated over a length (m): for half of length squared over two.

    Raises ValueError where that takes too many steps.
    """
    is_open = np.atleast_3d(open_points(grid, name).T).T
    plane = {metric: interior(getattr(grid.metrics, metric)).astype(float) for metric in ("dy_u", "dx_u", "dx_v", "dy_v", "area")}
    west, south = is_open & np.roll(is_open, 1, -1), is_open & np.roll(is_open, 1, -2)
    if grid.tile.x is not Boundary.PERIODIC:
        west[..., 0] = False
    if grid.tile.y is not Boundary.PERIODIC:
        south[..., 0, :] = False
    flow_x, flow_y = west * plane["dy_u"] / plane["dx_u"], south * plane["dx_v"] / np.where(plane["dy_v"] > 0.0, plane["dy_v"], 1.0)
    time = 0.25 * length**2  # m2: diffusivity times time, of which the kernel has the variance 2 time = length^2 / 2
    steps = ceil(time * max((flow_x / plane["area"]).max(), (flow_y / plane["area"]).max(), 1e-30) / STABLE)
    if steps > MOST_STEPS:
        raise ValueError(f"length={length:g} m takes {steps} steps of diffusion at the narrowest cells; {MOST_STEPS} are the most. "
                         f"Give at most {length * (MOST_STEPS / steps) ** 0.5:.3g} m.")
    largest = plane["area"].max()
    west, south = ((flow * time / steps / largest).astype(grid.dtype) for flow in (flow_x, flow_y))
    return Exchange(is_open, west, south, (largest / plane["area"]).astype(grid.dtype), steps)


def correlated(noise: Any, levels: np.ndarray, exchange: Exchange) -> Any:
    """White noise [..., k, j, i], or [j, i] of a plane, correlated across and along the levels."""
    xp = noise.__array_namespace__()

    def diffused(_: Any, values: Any) -> Any:
        from_west = exchange.west * (xp.roll(values, 1, -1) - values)
        from_south = exchange.south * (xp.roll(values, 1, -2) - values)
        change = from_west - xp.roll(from_west, -1, -1) + from_south - xp.roll(from_south, -1, -2)
        return values + exchange.inverse_area * change

    values = (noise if noise.ndim > 2 else noise[None]) * exchange.is_open
    values = xp.einsum("kl,...lji->...kji", levels, values) * exchange.inverse_area**0.5
    if isinstance(values, jax.Array):
        values = jax.lax.fori_loop(0, exchange.steps, diffused, values)  # a loop in the program too
    else:
        for step in range(exchange.steps):
            values = diffused(step, values)
    return values if noise.ndim > 2 else values[0]


def spread(is_open: np.ndarray, levels: np.ndarray, exchange: Exchange) -> np.ndarray:
    """Standard deviation of what is correlated, from samples; one where a field has no values."""
    rng, total = np.random.default_rng(0), np.zeros(is_open.shape)
    for _ in range(SAMPLES):
        total += correlated(rng.standard_normal(is_open.shape).astype(levels.dtype), levels, exchange) ** 2
    return np.where(is_open, np.sqrt(total / SAMPLES), 1.0).astype(levels.dtype)
