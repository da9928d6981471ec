"""Downscaling: a diffusion model draws the fine vorticity of a turbulent flow of which coarse means are known.

`python examples/downscaling.py PICTURE` makes a run of Kolmogorov flow and trains on it;
`python -m dycore.learning.downscale FILE.toml` makes the whole of it from settings, and benchmarks/downscaling has those of a
longer one.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from dycore.backends import on_numba
from dycore.learning import downscaling, downscaling_page
from dycore.learning.downscaling_settings import DownscalingSettings


def main(folder, runs_on=on_numba, cells=64, days=1200.0, passes=12, picture=None, **sizes):
    """Returns the result of the experiment (dycore.learning.downscaling.Downscaling). sizes: other settings of it."""
    parts = {"training": (0.1, 0.8), "held_out": (0.81, 0.87), "test": (0.88, 1.0)}
    chosen: dict[str, Any] = {name: (days * first, days * last) for name, (first, last) in parts.items()}
    chosen |= {"cells": cells, "coarsen": 1, "passes": passes, "members": 8, "fields": 8, "blocks": 4} | sizes
    settings = DownscalingSettings(Path(folder) / "kolmogorov.zarr", Path(folder) / "downscaling", **chosen)
    found = downscaling.experiment(settings, progress=False, runs_on=runs_on)
    for row in downscaling_page.rows_of(found):
        print(f"{row.quantity}: {row.ours:.4g} ({row.published})")
    if picture:
        downscaling_page.fields(found).savefig(picture)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place, picture=sys.argv[1] if len(sys.argv) > 1 else None)
