"""Land by processes, by processes with a network for photosynthesis, and by a network: one argument, and a table of skill.

In the truth frost and dry air slow photosynthesis, of which the process model knows nothing. `dycore.learning.land_modules` has
the table that `python examples/land_modules.py PICTURE` prints, after some two minutes of a core.
"""

import sys

import numpy as np

from dycore.learning.land_experiment import experiment, table_of
from dycore.learning.land_modules import HYBRID, NETWORK, PROCESS
from dycore.learning.twin_land import limited_acm, twin_land


def draw(twin, results, path):
    """Picture of GPP of all columns that were not seen, day by day, against the truth."""
    from matplotlib.figure import Figure

    figure, unseen = Figure(figsize=(5.0 * len(results), 5.0), layout="constrained"), ~twin.known.ravel()
    true = twin.true.gpp.reshape(len(twin.true.gpp), -1)[:, unseen]
    for axes, (who, result) in zip(np.atleast_1d(figure.subplots(1, len(results))), results.items(), strict=True):
        axes.hist2d(true.ravel(), result.runs.gpp[..., unseen].mean(axis=1).ravel(), bins=60, cmap="Greys", norm="log")
        axes.axline((0.0, 0.0), slope=1.0, lw=0.7)
        axes.set(title=f"{who}\ncorrelation {result.scores['gpp'].correlation:.3f}", xlabel="true GPP (g C/(m2 day))")
    figure.savefig(path)


def main(cells=(10, 12), days=730, passes=150, modules=(PROCESS, HYBRID, NETWORK), picture=None):
    """Returns results by the names of modules (dycore.learning.land_experiment.LandExperiment)."""
    twin = twin_land(1, cells, days, limited_acm)
    results = {module.name: experiment(twin, module, passes=passes) for module in modules}
    print("correlation and error where nothing was seen", table_of(results), sep="\n")
    if picture:
        draw(twin, results, picture)
    return results


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
