"""Ensemble forecasts: a diffusion model draws what a turbulent flow may be like some days after a coarse state.

`python examples/ensemble_forecast.py PICTURE` makes a run of Kolmogorov flow and trains on it;
`python -m dycore.learning.forecast FILE.toml` makes the whole of it from settings, and benchmarks/forecasting has those of a
longer one.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from dycore.backends import on_numba
from dycore.learning import forecasting, forecasting_page
from dycore.learning.forecasting_settings import ForecastingSettings


def main(folder, runs_on=on_numba, days=2000.0, passes=15, picture=None, **sizes):
    """Returns the result of the experiment (dycore.learning.forecasting.Forecasting). sizes: other settings of it."""
    parts = {"training": (0.05, 0.8), "held_out": (0.81, 0.87), "test": (0.88, 1.0)}
    chosen: dict[str, Any] = {name: (days * first, days * last) for name, (first, last) in parts.items()}
    chosen |= {"passes": passes, "members": 8, "fields": 24, "blocks": 4, "width": 32} | sizes
    settings = ForecastingSettings(Path(folder) / "kolmogorov.zarr", Path(folder) / "forecasting", **chosen)
    found = forecasting.experiment(settings, progress=False, runs_on=runs_on)
    for row in forecasting_page.rows_of(found):
        print(f"{row.quantity}: {row.ours:.4g} ({row.published})")
    if picture:
        forecasting_page.fields(found).savefig(picture)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place, picture=sys.argv[1] if len(sys.argv) > 1 else None)
