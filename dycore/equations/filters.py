"""The polar filter: short zonal waves are slowed down where meridians converge.

    S_j(m) = min(1, [cos(phi_j) / cos(phi_c)] / sin(m pi / nx))^2

m is the zonal wavenumber, phi_c the latitude poleward of which rows are filtered. Applied to the
change of velocity, to the divergence and to the divergence of tracers, always with the same response:
zonal sums stay (S(0) = 1), so mass and tracers are conserved and constants stay constant (after
Arakawa and Lamb 1977, Methods in Computational Physics 17, 173).

Waves that are slowed down pile up when a wind blows over the pole, and without more the rows next to it
blow up in turbulent flow, at any time step and viscosity (found with Held-Suarez at 2.8 degrees). So the
filter also removes them from the velocity, at the rate (1 - S) / tau, tau = Parameters.polar_damping: it acts
on du/dt + u / tau, and u / tau is taken away again. Scales that are resolved at phi_c have S = 1 and feel nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.assembly.values import is_traced
from dycore.grid import Grid
from dycore.stencils import maximum
from dycore.terms import Vector, as_term


def polar_response(grid: Grid, latitude: float, faces: bool) -> np.ndarray:
    """S[row, m] of the rows poleward of `latitude` (degrees): the southern rows, then the northern ones.

    `faces` picks the rows of south faces instead of those of cell centres. Raises ValueError for a latitude that JAX traces.
    """
    if is_traced(latitude):
        raise ValueError("polar_filter is traced by JAX, but it says which rows are filtered, which a program has to know. Give "
                         "its number, and take no derivative by it.")
    _, ny, nx = grid.cells
    half = ny // 2
    rows = max(1, min(half, int((np.abs(grid.y_face[:half]) > latitude).sum())))
    south = np.cos(np.radians(grid.y_face[: rows + 1] if faces else grid.y[:rows]))
    cosine = np.concatenate([south[:rows], south[:0:-1] if faces else south[::-1]])  # the north mirrors the south, to the bit
    ratio = np.maximum(cosine, 0.0) / np.cos(np.radians(latitude))
    sine = np.sin(np.arange(nx // 2 + 1) * np.pi / nx)
    with np.errstate(divide="ignore", invalid="ignore"):
        response = np.minimum(1.0, ratio[:, None] / sine) ** 2
    response[:, 0] = 1.0
    return response.astype(grid.dtype)


def damping(equations: Any, velocity: Any) -> Vector:
    """Damping by the filter on faces (m/s2): velocity over its time scale, filtered with the change; zero without filter."""
    if not equations.filtered:
        return Vector()
    parameters = equations.parameters
    # with the whole step in every stage, so that all of them integrate the same equation
    rate = 1.0 / maximum(parameters.polar_damping, parameters.time_step)
    return rate * Vector(as_term(velocity.u), as_term(velocity.v))


def filtered(on: Any, equations: Any, change: Vector) -> Vector:
    """A vector on faces whose short zonal waves near poles are slowed down; as it is where nothing is filtered."""
    if not equations.filtered:
        return change
    return Vector(*on.filtered((change.u, equations.response_u), (change.v, equations.response_v)))
