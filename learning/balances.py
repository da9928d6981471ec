"""Balances: errors of some fields that those of others imply, so that a background or an analysis makes few waves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dycore.grid import interior
from dycore.learning.horizontal_slopes import slope_between_cells
from dycore.model import Model

SLOWEST = 1e-5  # 1/s: where the Coriolis parameter is less, nothing is in geostrophic balance


def geostrophic(model: Model) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The balance of u and v with the sea level: the geostrophic current of its errors is added to theirs, on all levels.

        u = -g/f d(eta)/dy,     v = g/f d(eta)/dx

    by centred differences (one-sided at coasts) in cells, of which faces have the mean. Raises ValueError for a fluid whose
    moving boundary has no weight, such as an atmosphere.
    """
    grid, gravity = model.grid, model.parameters.fluid.surface_gravity
    if not gravity:
        raise ValueError("The surface of this fluid is a pressure, not a sea level, so that its errors imply no current. Leave "
                         "balance out.")
    corners, wet = grid.metrics.coriolis.astype(float), grid.wet.any(axis=0)
    coriolis = interior(0.25 * sum(np.roll(corners, shift, (0, 1)) for shift in ((0, 0), (-1, 0), (0, -1), (-1, -1))))
    weight = np.where(wet & (np.abs(coriolis) > SLOWEST), gravity / np.where(np.abs(coriolis) > SLOWEST, coriolis, 1.0), 0.0)
    slope = slope_between_cells(grid)

    def on_faces(values: Any, axis: int) -> Any:
        return 0.5 * (values + values.__array_namespace__().roll(values, 1, axis))

    def balanced(errors: dict[str, Any]) -> dict[str, Any]:
        eta = errors["surface"]
        currents = {"u": -on_faces(slope(eta, -2, weight), -1), "v": on_faces(slope(eta, -1, weight), -2)}
        return errors | {name: errors.get(name, 0.0) + current.astype(eta.dtype) * np.ones(grid.cells, grid.dtype)
                         for name, current in currents.items()}

    return balanced
