"""Linear forecasts by empirical orthogonal functions (EOFs): the reference that an emulator has to beat.

A state's anomaly is projected on the leading EOFs of the states that are learnt from; a matrix for each lead time, found by least
squares, takes their amplitudes to those at that time (as in linear inverse models: Penland and Sardeshmukh 1995, J. Climate 8,
1999; with a fit of its own for each lead time, which is at least as good over what is learnt from).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dycore.inputs.given import as_array, integer


class LinearForecast(NamedTuple):
    """Mean state [c, j, i], EOFs [m, c, j, i] of unit norm over the area, and matrices [m, m] by lead time in steps."""

    mean: np.ndarray
    modes: np.ndarray
    operators: dict[int, np.ndarray]

    def at(self, lead_time: int, states: Any, weights: Any) -> np.ndarray:
        """Forecasts [n, c, j, i] from states [n, c, j, i] for a lead time that was learnt; weights [j, 1]: of rows."""
        flat = (np.sqrt(weights) * (states - self.mean)).reshape(len(states), -1)
        modes = self.modes.reshape(len(self.modes), -1)
        found = flat @ modes.T @ self.operators[lead_time] @ modes
        return self.mean + found.reshape(np.shape(states)) / np.sqrt(weights)


def mean_state(states: np.ndarray) -> np.ndarray:
    """Mean [c, j, i] over time and along rows of states [n, c, j, i]: the climatology of a planet that is even along them."""
    return np.broadcast_to(states.mean(axis=(0, -1), dtype=float)[..., None], states.shape[1:]).astype(np.float32)


def linear_forecast(states: np.ndarray, weights: np.ndarray, leads: Sequence[int], modes: int) -> LinearForecast:
    """The linear forecast learnt from states [n, c, j, i] in sequence. weights [j, 1]: of rows; leads: in steps.

    Raises ValueError for fewer states than modes and the longest lead time take.
    """
    states, modes = as_array("states", states, np.float32), integer("modes", modes, 1)
    leads = [integer("leads", lead_time, 1) for lead_time in leads]
    if states.ndim != 4 or not leads or len(states) < modes + max(leads) + 1:
        raise ValueError(f"states have the shape {states.shape}, and {modes} modes with lead times {leads} were asked for. Give "
                         "states [n, c, j, i], of which there are more than modes and the longest lead time together.")
    mean = mean_state(states)
    flat = (np.sqrt(weights) * (states - mean)).reshape(len(states), -1).astype(np.float32)
    squares, vectors = np.linalg.eigh((flat @ flat.T).astype(float))
    leading = (vectors[:, ::-1][:, :modes] / np.sqrt(np.maximum(squares[::-1][:modes], 1e-30))).T @ flat
    amplitudes = flat @ leading.T
    operators = {lead_time: np.linalg.lstsq(amplitudes[:-lead_time], amplitudes[lead_time:], rcond=None)[0] for lead_time in leads}
    return LinearForecast(mean, leading.reshape(modes, *states.shape[1:]), operators)
