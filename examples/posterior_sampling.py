"""Assimilation by posterior sampling: observations guide a diffusion model of a turbulent flow, beside 4D-Var and LETKF.

`python examples/posterior_sampling.py PICTURE` makes a run of Kolmogorov flow, trains a prior on it and analyses a twin;
its training is short, so that members are still noisy. `python -m dycore.learning.sample_posterior FILE.toml` makes the whole of
it from settings, and benchmarks/posterior_sampling has settings for a longer one.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from dycore.backends import on_numba
from dycore.learning import posterior_experiment, posterior_page
from dycore.learning.posterior_settings import PosteriorSettings


def main(folder, runs_on=on_numba, days=2000.0, passes=8, picture=None, **sizes):
    """Returns the result of the experiment (dycore.learning.posterior_experiment.PosteriorExperiment). sizes: its settings."""
    parts = {"training": (0.04, 0.85), "held_out": (0.86, 0.92), "test": (0.93, 1.0)}
    chosen: dict[str, Any] = {name: (days * first, days * last) for name, (first, last) in parts.items()}
    chosen |= {"passes": passes, "members": 10, "fields": 2, "blocks": 4, "modes": 20, "iterations": 30} | sizes
    settings = PosteriorSettings(Path(folder) / "kolmogorov.zarr", Path(folder) / "posterior_sampling", **chosen)
    found = posterior_experiment.experiment(settings, progress=False, runs_on=runs_on)
    for row in posterior_page.rows_of(found):
        print(f"{row.quantity}: {row.ours:.4g} ({row.published})")
    if picture:
        posterior_page.fields(found).savefig(picture)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place, picture=sys.argv[1] if len(sys.argv) > 1 else None)
