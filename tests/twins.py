"""A small twin experiment: a wind-driven channel of one layer, with a drag, whose truth NumPy runs with another scheme."""

from dataclasses import replace
from functools import cache

import numpy as np

from dycore import Model, Parameters, initial_state
from dycore.backends import on_numpy
from dycore.equations import momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.learning import Observations, UncertainParameter, at_cells, background_covariance, observed_twin
from dycore.learning.state_fields import incremented, open_points

WIND, DRAG = "surface_stress", "vertical_mixing.linear_drag"
STEP = 1200.0  # s
UNCERTAIN = (UncertainParameter(WIND, 0.7, 0.5, factor=True), UncertainParameter(DRAG, 1e-3, 0.7))
ERRORS, LENGTH = {"u": 0.003, "v": 0.003, "surface": 0.01}, 2.5e5  # of a background; how far they are correlated (m)
TRUTH = {WIND: 1.0, DRAG: 5e-4}


def channel(backend=on_numpy, drag=TRUTH[DRAG], **changes):
    """A model of 8 x 12 cells, 400 m deep, under a westerly wind that is strongest in the middle."""
    grid = rectilinear((1, 8, 12), extent=(1.8e6, 1.2e6), interfaces=np.array([-400.0, 0.0]), coriolis=1e-4, beta=1.5e-11)
    stress = np.broadcast_to(0.1 * np.sin(np.pi * grid.y / 1.2e6)[:, None], (8, 12))
    parameters = Parameters(fluid=shallow_water(), time_step=STEP, surface_stress=(stress, 0.0),
                            vertical_mixing=VerticalMixing(linear_drag=drag))
    return Model(grid, replace(parameters, **changes), backend)


def flow(model):
    """A state after a day, with an eddy."""
    grid = model.grid
    eddy = 0.3 * np.exp(-(((grid.x - 6e5) / 2.5e5) ** 2) - (((grid.y - 6e5) / 2.5e5) ** 2)[:, None])
    return model.steps(initial_state(grid, surface=eddy), 72)


def seen(model, times, every=6 * STEP, share=0.4, errors=(0.001, 0.003)):
    """What is to be observed, as yet without values: a share of all velocities (m/s) and of the sea level (m)."""
    rng, found = np.random.default_rng(5), []
    for name, error in (("u", errors[0]), ("v", errors[0]), ("surface", errors[1])):
        is_open = open_points(model.grid, name)
        index = np.nonzero(is_open & (rng.random(is_open.shape) < share))
        found.append(Observations(at_cells(model, name, *index), np.zeros((times, len(index[0]))), error, every, index[-2:]))
    return tuple(found)


@cache
def uncertain_twin():
    """(the truth at the beginning, a background with errors of known covariance, observations, the covariance)."""
    start, observations = twin()
    covariance = background_covariance(channel(), ERRORS, length=LENGTH)
    return start, incremented(channel(), start, covariance.sample(np.random.default_rng(11))), observations, covariance


@cache
def twin(times=12):
    """(the state of the truth at the beginning, what was observed of it)."""
    truth = channel(advection=momentum_weno.weno)
    start = flow(truth)
    return start, observed_twin(truth, start, seen(truth, times), seed=2)
