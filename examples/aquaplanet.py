"""Aquaplanet: thirty days of rain over a sphere of water, by SPEEDY, physics of JCM (`pip install 'dycore[jcm,numba,plot]'`)."""

import sys

import numpy as np
from jcm.model import Model
from jcm.physics.speedy.physical_constants import compute_sigma_boundaries
from jcm.physics.speedy.speedy_terms import speedy_physics
from matplotlib.figure import Figure

from dycore.coupling.jcm import DycoreCore, aquaplanet

DAY = 86400.0  # s, and kg/m2/s are mm/s of water


def draw(water, path):
    """A map of the rain of the last day, and what rains and evaporates at each latitude in the last third of the run."""
    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    over_globe, over_latitudes = figure.subplots(1, 2, width_ratios=(2, 1))
    water["precipitation"][-1].T.plot(ax=over_globe, vmin=0.0, cmap="Blues", cbar_kwargs={"label": "precipitation (mm/day)"})
    for name, values in water.items():
        values[-max(1, len(values) // 3):].mean(("time", "lon")).plot(ax=over_latitudes, y="lat", label=name)
    over_globe.set(title="last day", xlabel="longitude", ylabel="latitude")
    over_latitudes.set(title="last third", xlabel="mm/day", ylabel="latitude")
    over_latitudes.legend()
    figure.savefig(path)


def main(cells=(8, 32, 64), time_step=600.0, dynamics_steps=3, days=30.0, picture=None):
    """Returns rain and evaporation (mm/day), means of days [time, lon, lat] by name, and their means over the last third."""
    levels = 1.0e5 * np.asarray(compute_sigma_boundaries(cells[0]))  # Pa, from 0 to the ground: those of SPEEDY
    grid, parameters = aquaplanet(cells, time_step, levels)
    core = DycoreCore(grid, parameters, dynamics_steps=dynamics_steps)  # physics once in so many steps, every 1800 s
    run = Model(dycore=core, physics=speedy_physics()).run(save_interval=min(1.0, days), total_time=days, output_averages=True)
    data = run.to_xarray()
    water = {name: DAY * data[f"surface_exchange.{name}"] for name in ("precipitation", "evaporation")}
    weights = np.cos(np.radians(data.lat))
    means = {name: values[-max(1, len(values) // 3):].weighted(weights).mean().item() for name, values in water.items()}
    print(*(f"{name} {value:.2f} mm/day" for name, value in means.items()), sep=", ")
    if picture:
        draw(water, picture)
    return water, means


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
