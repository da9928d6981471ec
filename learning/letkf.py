"""An ensemble Kalman filter on any backend: the local ensemble transform Kalman filter (LETKF).

    w = P Y^T R^-1 (y - mean of H(x)),    P = ((m - 1) / inflation + Y^T R^-1 Y)^-1,    W = ((m - 1) P)^(1/2)
    analysis of member n:  mean of x + X (w + (1 - relaxation) W_n + relaxation 1_n)

X, Y are m members less their mean, of the state and of what would be observed of it. Every column of cells has weights of its own,
from observations nearby, whose inverse error variance R^-1 falls with their distance to zero (Hunt, Kostelich and
Szunyogh 2007, Physica D 230, 112; Gaspari and Cohn 1999, Q. J. R. Meteorol. Soc. 125, 723). Parameters are part of the members, and
have an analysis of their own, which chance correlations do not make too sure (dycore.learning.parameter_updates).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from dycore.grid import EARTH_RADIUS, Grid
from dycore.inputs.given import check_number
from dycore.learning.ensembles import Ensemble, advanced, as_ensemble, with_cells
from dycore.learning.estimates import Estimates
from dycore.learning.observations import Kinds, Observations, check_index, schedule_of
from dycore.learning.parameter_updates import updated
from dycore.learning.scores import continuous_ranked_probability, ranks
from dycore.learning.seeds import random_numbers
from dycore.learning.uncertain_parameters import Uncertain, check_uncertain
from dycore.model import Model
from dycore.state import State
from dycore.tiles import Boundary


@dataclass(frozen=True, eq=False)
class Innovations:
    """Forecasts of one time against what was observed: root mean square error of the mean over the observations' errors, the spread
    of members and observations together on the same scale (as large where the ensemble is reliable), the mean continuous
    ranked probability score (on that scale too), and the rank of every observation among the members with random errors of
    observations added, from 0 to m: evenly spread where the ensemble is reliable (Hamill 2001, Mon. Weather Rev. 129, 550).
    """

    time: float
    error: float
    spread: float
    score: float
    ranks: np.ndarray


@dataclass(frozen=True, eq=False)
class Filtered:
    """Members at the last time that anything was observed, and the innovations of all times before."""

    ensemble: Ensemble
    estimates: Estimates
    innovations: tuple[Innovations, ...]

    @property
    def rank_histogram(self) -> np.ndarray:
        """How many observations had each rank [m + 1]."""
        return np.bincount(np.concatenate([each.ranks for each in self.innovations]), minlength=len(self.ensemble.controls) + 1)


def filtered(model: Model, states: Sequence[State], observations: Kinds, parameters: Uncertain = (), *, radius: float,
             inflation: float = 1.05, relaxation: float = 0.5, seed: int = 0) -> Filtered:
    """Members brought by a run towards observations, each time that there are any.

    states: the members at the beginning, of which the spread is the uncertainty there. parameters: those that are uncertain too;
    members, which should be twenty at least, draw theirs from what is known beforehand. radius: at which observations count for
    nothing any more (m); they need `cells`. inflation: of the forecasts' covariance of states before each analysis. relaxation:
    share of the forecasts' deviations of states from their mean that stays in the analyses' (Zhang, Snyder and Sun 2004, Mon.
    Weather Rev. 132, 1238). seed: of what is random. Raises ValueError for fewer than two members, observations without cells or
    that do not fit, a parameter that does not exist, and numbers that make no sense; FloatingPointError where a member does not
    stay finite.
    """
    check_number("radius", radius, "a positive number of metres", lambda radius: 0.0 < radius < inf)
    check_number("inflation", inflation, "a number of at least 1", lambda inflation: 1.0 <= inflation < inf)
    check_number("relaxation", relaxation, "a number from 0 to 1", lambda relaxation: 0.0 <= relaxation <= 1.0)
    states = states if isinstance(states, State) else tuple(states)
    ensemble, rng = as_ensemble(model, states, check_uncertain(model, parameters, least=0), seed), random_numbers(seed)
    observations, schedule = schedule_of(model, states[0], observations)
    for number, each in enumerate(observations):
        if each.cells is None:
            raise ValueError(f"observations[{number}] have no cells, by which analyses are localised. Give cells=(j, i).")
        for axis, index, size in zip("ji", each.cells, model.grid.cells[1:], strict=True):
            check_index(axis, index, size, f"the cells of observations[{number}]")
    localised = [localisation(model.grid, each, radius) for each in observations]
    innovations, own = [], rng.spawn(1)[0]
    for time in range(1, schedule.steps // schedule.every + 1):
        ensemble = advanced(model, ensemble, schedule.every)
        here = [number for number, (stride, each) in enumerate(zip(schedule.strides, observations, strict=True))
                if time % stride == 0 and time // stride <= len(each.values)]
        seen = [at_time(ensemble, observations[number], time // schedule.strides[number] - 1) for number in here]
        modelled, observed = (np.concatenate(parts, axis=-1) for parts in zip(*seen, strict=True))
        if not np.isfinite(observed).any():
            continue  # all of it masked
        innovations.append(innovations_of(time * schedule.every * model.parameters.time_step, modelled, observed, rng))
        weights = np.concatenate([localised[number] for number in here], axis=-1)
        ensemble = analysed(model, ensemble, modelled, observed, weights, inflation, relaxation, own)
    controls = ensemble.controls
    covariance = np.atleast_2d(np.cov(controls.T)) if controls.size else np.zeros((0, 0))
    return Filtered(ensemble, Estimates(ensemble.parameters, controls.mean(axis=0), covariance), tuple(innovations))


def at_time(ensemble: Ensemble, observed: Observations, number: int) -> tuple[np.ndarray, np.ndarray]:
    """(what members have of a kind of observation [m, n], what was seen [n]), over its error; not a number where nothing was."""
    error = np.broadcast_to(observed.error, observed.values.shape)[number].reshape(-1)
    values = np.ma.filled(observed.values[number].astype(float), np.nan).reshape(-1)
    return np.stack([np.asarray(observed.operator(state), float).reshape(-1) for state in ensemble.states]) / error, values / error


def innovations_of(time: float, modelled: np.ndarray, observed: np.ndarray, rng: np.random.Generator) -> Innovations:
    """Innovations of a time. Raises FloatingPointError where a member is not finite."""
    if not np.isfinite(modelled).all():
        members = np.flatnonzero(~np.isfinite(modelled).all(axis=-1)).tolist()
        raise FloatingPointError(f"Members {members} have no finite numbers any more after {time:g} s. Take a shorter time step, "
                                 "or less spread between members.")
    known = np.isfinite(observed)
    modelled, observed = modelled[:, known], observed[known]
    noisy = modelled + rng.standard_normal(modelled.shape)
    error = float(np.sqrt(((modelled.mean(axis=0) - observed) ** 2).mean()))
    return Innovations(time, error, float(np.sqrt(noisy.var(axis=0, ddof=1).mean())),
                       float(continuous_ranked_probability(noisy, observed).mean()), ranks(noisy, observed, rng))


def analysed(model: Model, ensemble: Ensemble, modelled: np.ndarray, observed: np.ndarray, weights: np.ndarray,
             inflation: float, relaxation: float, rng: np.random.Generator) -> Ensemble:
    """Members after an analysis; modelled [m, n], observed [n] over errors, weights [j, i, n] of observations for each column."""
    known = np.isfinite(observed)
    modelled, observed, weights = modelled[:, known], observed[known], weights[..., known]
    # one row of columns at a time, of which each takes m n numbers
    rows = [transform(modelled, observed, row, inflation, relaxation) for row in weights]

    def changed(members: np.ndarray) -> np.ndarray:
        """Members [m, ..., j, i] with the weights of each column."""
        mean = members.mean(axis=0)
        of_rows = [np.einsum("n...i,inl->l...i", (members - mean)[..., j, :], row) for j, row in enumerate(rows)]
        return mean + np.stack(of_rows, axis=-2)

    near = np.asarray(weights.any(axis=-1) & model.grid.wet.any(axis=0))  # columns that count for parameters
    controls = ensemble.controls
    if controls.size and near.any():
        controls = updated(controls, modelled, observed, weights[near], rng)
    return with_cells(model, ensemble, changed, controls)


def transform(modelled: np.ndarray, observed: np.ndarray, weights: np.ndarray, inflation: float,
              relaxation: float) -> np.ndarray:
    """Weights [c, n, l] of the deviation of member n in the analysis of member l, with weights [c, n] of observations."""
    mean, members = modelled.mean(axis=0), len(modelled)
    deviations = modelled - mean
    weighted = deviations * weights[:, None, :]  # [c, m, n]
    values, vectors = np.linalg.eigh(weighted @ deviations.T + (members - 1) / inflation * np.eye(members))
    of_mean = np.einsum("cmn,n->cm", weighted, observed - mean)
    of_mean = np.einsum("cmk,ck,clk,cl->cm", vectors, 1.0 / values, vectors, of_mean, optimize=True)
    root = np.einsum("cmk,ck,clk->cml", vectors, np.sqrt((members - 1) / values), vectors, optimize=True)
    return (1.0 - relaxation) * root + relaxation * np.eye(members) + of_mean[:, :, None]


def localisation(grid: Grid, observed: Observations, radius: float) -> np.ndarray:
    """Weights [j, i, n] of observations for the column of each cell."""
    places = positions(grid)
    j, i = (index.reshape(-1) for index in observed.cells)
    separation = places[:, :, None, :] - places[j, i]
    if not grid.spherical:
        extent = np.array([np.ptp(grid.x_face), np.ptp(grid.y_face)])
        around = np.array([edge is Boundary.PERIODIC for edge in (grid.tile.x, grid.tile.y)])
        separation = np.where(around, separation - extent * np.round(separation / extent), separation)
    return gaspari_cohn(2.0 * np.sqrt((separation**2).sum(axis=-1)) / radius)


def positions(grid: Grid) -> np.ndarray:
    """Positions of cells [j, i, :] (m): x, y on a plane; on the sphere in space, so that distances are chords."""
    if not grid.spherical:
        return np.stack(np.meshgrid(grid.x, grid.y), axis=-1)
    longitude, latitude = np.radians(grid.longitude), np.radians(grid.latitude)
    towards = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)
    return EARTH_RADIUS * np.stack(towards, axis=-1)


def gaspari_cohn(r: np.ndarray) -> np.ndarray:
    """The fifth-order piecewise rational function of Gaspari and Cohn (1999, eq. 4.10): 1 at zero, 0 from 2 on."""
    near = (((-0.25 * r + 0.5) * r + 0.625) * r - 5.0 / 3.0) * r**2 + 1.0
    far = ((((r / 12.0 - 0.5) * r + 0.625) * r + 5.0 / 3.0) * r - 5.0) * r + 4.0 - 2.0 / (3.0 * np.maximum(r, 1.0))
    return np.where(r <= 1.0, near, np.where(r < 2.0, np.maximum(far, 0.0), 0.0))
