"""Slopes of a loss by each number of the parameters alone, against differences: for tests of gradients."""

import numpy as np

STEP = 1e-4  # of a number
ROUND_OFF = 2e-14  # of a loss in double precision, which sums over a few hundred values
OFF = "friction.", "diffusivity", "eddies.", "vertical_mixing.", "surface_stress.", "forcing."  # what may be without effect, zero,
NEEDED = "c_k", "c_eps", "_prandtl", "least_energy", "least_length", "greatest_slope"  # and what divides, and may not


def with_zeros(numbers):
    """Numbers by name, those that may be zero without any effect."""
    return {name: 0.0 * value if name.startswith(OFF) and not name.endswith(NEEDED) else value for name, value in numbers.items()}


def check_each_number(program, at, seed=3):
    """Assert that the slope by each number of `at["parameters"]` is that of differences; returns those it can be told of.

    program: a compiled `jax.value_and_grad` of a loss. In a corner, such as that of an upwind scheme in a fluid at rest, the slope
    is between those on either side. An array changes by a part of itself that differs from place to place.
    """
    random = np.random.default_rng(seed)
    value, gradient = program(at)
    noise, told = ROUND_OFF * abs(float(value)) / STEP, set()
    for name, number in at["parameters"].items():
        typical = np.abs(number).max() or 1e-3
        along = np.where(number == 0.0, typical, number) * random.uniform(0.5, 1.0, number.shape)
        slope = float((np.asarray(gradient["parameters"][name]) * along).sum())

        def change(part, name=name, number=number, along=along):
            return float(program(at | {"parameters": at["parameters"] | {name: number + part * along}})[0]) - float(value)

        ahead = change(STEP)
        sides = (ahead / STEP,) if slope == 0.0 == ahead else (ahead / STEP, -change(-STEP) / STEP)
        allowed = 1e-4 * max(map(abs, (slope, *sides))) + noise
        smooth = abs(slope - np.mean(sides)) <= allowed
        assert smooth or min(sides) - allowed <= slope <= max(sides) + allowed, (name, slope, sides)
        if smooth and abs(slope) > 10.0 * noise:
            told.add(name)
    return told
