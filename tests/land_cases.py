"""Land and weather of several columns that tests share."""

import numpy as np

from dycore import land

CELLS = (3, 4)


def seasons(cells=CELLS, steps=365, seed=5, length=1.0):
    """Weather of a temperate year with rain by chance, warmer to the east."""
    random, days = np.random.default_rng(seed), np.arange(steps) * length
    summer = -np.cos(2.0 * np.pi * (days - 15.0) / 365.25)[:, None, None]
    warm = 10.0 + 12.0 * summer + np.linspace(-3.0, 3.0, cells[1])
    span = random.uniform(4.0, 12.0, (steps, *cells))
    return land.weather(
        cells, days, latitude=45.0, minimum_temperature=warm - 0.5 * span, maximum_temperature=warm + 0.5 * span,
        shortwave=12.0 + 8.0 * summer * random.uniform(0.5, 1.0, (steps, *cells)), vapour_pressure_deficit=6.0 + 4.0 * summer,
        precipitation=random.gamma(0.3, 8.0, (steps, *cells)))


def parameters(cells=CELLS, seed=7):
    """Parameters within their ranges, others in every column."""
    random = np.random.default_rng(seed)

    def between(name):
        bounds = land.RANGES[name]
        middle, across = np.sqrt(bounds.least * bounds.greatest), np.log(bounds.greatest / bounds.least)
        return middle * np.exp(0.6 * across * (random.random(cells) - 0.5))

    return land.with_values(land.Parameters(), {name: between(name) for name in land.RANGES})


def total_carbon(state):
    """Carbon of all pools (g C/m2)."""
    return sum(np.asarray(pool) for pool in state.pools)
