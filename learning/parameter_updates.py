"""Parameters of an ensemble filter: they have no place, so that no localisation keeps chance correlations from them.

An ensemble that learns from many observations of itself loses spread whether they tell of a parameter or not. So members are in
groups, and those of one have changes by gains of all others (cross validation: Houtekamer and Mitchell 1998, Mon. Weather Rev. 126,
796; Buehner 2020, Mon. Weather Rev. 148, 2265), with observations of their own errors,

    p_l  +  s mean of K (y + e_l - H(x_l)),          e_l of the errors of observations, the mean over columns of cells

where a gain K of chance alone adds to the spread, as it adds to the error, instead of taking from it. The share s, from 0 to 1, of
such changes is that which leaves the least spread between members of other groups: nearly none where nothing is to be learnt.

In forty twins of twenty members (tests/test_letkf.py) the truth is off the mean by 0.96 of the spread that is left (root mean
square) where observations tell nothing of a parameter, and by 0.92 where they tell of it; with the mean of the weights of states,
as of Aksoy, Zhang and Nielsen-Gammon (2006, Mon. Weather Rev. 134, 2951), by 2.1 and 1.6. The errors are as large with both.
"""

from __future__ import annotations

import numpy as np

GROUPS = 5  # of members
AT_ONCE = 64  # columns of cells, of which each takes m n numbers


def updated(controls: np.ndarray, modelled: np.ndarray, observed: np.ndarray, weights: np.ndarray,
            rng: np.random.Generator) -> np.ndarray:
    """Controls [m, p] after an analysis.

    modelled [m, n], observed [n]: over errors. weights [c, n]: of observations for each column that has any.
    """
    members = np.arange(len(controls))
    groups = np.array_split(members, min(GROUPS, len(members)))
    errors = rng.standard_normal(modelled.shape)
    departures = observed + (errors - errors.mean(axis=0)) - modelled
    changes = np.zeros_like(controls)
    for group in groups:
        others = np.setdiff1d(members, group)
        if len(others) > 1:
            changes[group] = change(controls[others], modelled[others], departures[group], weights)
    after = controls.copy()
    for group in groups:
        others = np.setdiff1d(members, group)
        after[group] += share(controls[others], changes[others]) * changes[group]
    return after


def change(controls: np.ndarray, modelled: np.ndarray, departures: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Changes [l, p] for departures [l, n] by gains of members with controls [m, p] and modelled values [m, n]."""
    deviations, of_members = modelled - modelled.mean(axis=0), np.zeros((len(controls), len(departures)))
    for first in range(0, len(weights), AT_ONCE):
        weighted = deviations * weights[first: first + AT_ONCE, None, :]  # [c, m, n]
        precision = weighted @ deviations.T + (len(controls) - 1) * np.eye(len(controls))
        of_members += np.linalg.solve(precision, weighted @ departures.T).sum(axis=0)
    return of_members.T @ (controls - controls.mean(axis=0)) / len(weights)


def share(controls: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """The share [p] of changes [m, p] after which controls [m, p] have the least spread, from 0 to 1."""
    deviations, off = controls - controls.mean(axis=0), changes - changes.mean(axis=0)
    squares = (off**2).sum(axis=0)
    return np.clip(-(off * deviations).sum(axis=0) / np.where(squares > 0.0, squares, 1.0), 0.0, 1.0)
