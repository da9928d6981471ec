"""Emulator: a network that steps the coarse state of Held and Suarez's atmosphere by half a day, trained on Zarr that a run wrote.

`python examples/emulator.py PICTURE` takes a few minutes of a core, a run and a training that are too short for skill of days;
`python -m dycore.learning.emulate FILE.toml` makes the whole of it from settings, and benchmarks/emulator has those of a long one.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from dycore import Model, cases
from dycore.backends import on_numba
from dycore.learning import emulation, emulation_page
from dycore.learning.emulation_settings import FIELDS, EmulationSettings
from dycore.writing import Snapshots


def main(folder, runs_on=on_numba, cells=(4, 16, 32), days=300.0, rollouts=((1, 20), (2, 4)), picture=None, **sizes):
    """Returns the result of the experiment (dycore.learning.emulation.Emulation). sizes: other settings of it."""
    run, (grid, parameters, state) = Path(folder) / "held_suarez.zarr", cases.held_suarez(cells, precision="float32")
    Model(grid, parameters, runs_on).run(state, days=days, progress=False, write=(Snapshots(run, 0.5, FIELDS),))
    parts = {"training": (0.3, 0.7), "held_out": (0.72, 0.8), "test": (0.82, 0.99)}
    chosen: dict[str, Any] = {name: (days * first, days * last) for name, (first, last) in parts.items()}
    chosen |= {"coarsen": 2, "rollouts": rollouts, "width": 24, "blocks": 3, "long": 200} | sizes
    settings = EmulationSettings(run, Path(folder) / "emulator", **chosen)
    found = emulation.experiment(settings, progress=False)
    for row in emulation_page.rows_of(found):
        print(f"{row.quantity}: {row.ours:.4g} ({row.published})")
    if picture:
        emulation_page.forecast_figure(found).savefig(picture)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place, picture=sys.argv[1] if len(sys.argv) > 1 else None)
