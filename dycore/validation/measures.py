"""Measures of several programs: fields without halo, norms of errors, angles on the sphere; more is in dycore.diagnostics."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore import diagnostics
from dycore.grid import interior
from dycore.model import Model


def cells_of(model: Model, array: Any) -> np.ndarray:
    """The cells of a padded field as a NumPy array (float64), without halo."""
    return interior(np.asarray(model.backend.to_numpy(array), float))


def volume(model: Model, state: Any) -> np.ndarray:
    """Volume (m3), or mass times gravity (Pa m2), of every cell [k, j, i]; zero in dry ones."""
    return diagnostics.cell_volume(model.dataset(state)).values


class Norms(NamedTuple):
    """l1, l2 and linf of an error, relative to those of the truth: equations (82) to (84) of Williamson et al. 1992."""

    l1: float
    l2: float
    linf: float


def norms(area: np.ndarray, field: np.ndarray, truth: np.ndarray) -> Norms:
    """Relative norms of field - truth ([j, i] or one layer), weighted by `area` [j, i]."""
    error = field - truth
    return Norms(float((area * np.abs(error)).sum() / (area * np.abs(truth)).sum()),
                 float(np.sqrt((area * error**2).sum() / (area * truth**2).sum())),
                 float(np.abs(error).max() / np.abs(truth).max()))


def great_circle(longitude: Any, latitude: Any, centre: tuple[float, float]) -> Any:
    """Angle (radians) between points and a centre (longitude, latitude)."""
    cosine = np.sin(centre[1]) * np.sin(latitude) + np.cos(centre[1]) * np.cos(latitude) * np.cos(longitude - centre[0])
    return np.arccos(np.clip(cosine, -1.0, 1.0))
