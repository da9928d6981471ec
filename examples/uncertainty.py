"""Uncertainty: how far off 4D-Var and an ensemble filter say that they are, and how far off they are, on one twin.

`python examples/uncertainty.py PICTURE` takes some 65 s of a core a seed; `dycore.learning.uncertainty_experiment` says what is
estimated and what was found.
"""

import sys

import numpy as np

from dycore.learning import reliability
from dycore.learning.uncertainty_experiment import experiment


def draw(reduced, ranks, path):
    """Picture of errors over deviations [n] of both methods, with what they would be, and of the filter's rank histogram."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.linspace(-4.0, 4.0, 100)
    left.plot(x, np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi), "k", label="as was said")
    for name, errors in reduced.items():
        left.hist(errors, np.linspace(-4.0, 4.0, 25), density=True, histtype="step", label=name)
    left.set(xlabel="error of the state over its deviation", ylabel="density")
    left.legend()
    right.bar(np.arange(len(ranks)), ranks)
    right.axhline(ranks.mean(), color="black")
    right.set(xlabel="rank of an observation among members", ylabel="number")
    figure.savefig(path)


def main(seeds=range(3), members=20, times=12, iterations=30, modes=200, picture=None):
    """Returns by method the reliability of the spread of the state, distances [seed, parameter] of the truth from estimates in
    deviations, and the filter's rank histogram [m + 1]."""
    errors, distances, ranks = experiment(seeds, members, times, iterations, modes)
    for method, each in errors.items():
        print(method, reliability(each, 1.0), "of the state; root mean square of distances of the truth from estimates:",
              np.sqrt((distances[method] ** 2).mean(axis=0)).round(2))
    print("ranks over their mean:", (ranks / ranks.mean()).round(2).tolist())
    if picture:
        draw(errors, ranks, picture)
    return {method: reliability(each, 1.0) for method, each in errors.items()}, distances, ranks


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
