"""Parameter sweep: one case many times, with a parameter replaced; Numba compiles the first run and uses it for all."""

import sys
from dataclasses import replace

import numpy as np

from dycore import Model, cases
from dycore.backends import on_numba


def draw(factors, transports, path):
    """Picture of the transports (Sv) by the factors of the wind."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(factors, transports, "o-")
    axes.set(xlabel="wind over the usual wind", ylabel="transport of the gyre (Sv)", xlim=(0.0, None), ylim=(0.0, None))
    figure.savefig(path)


def main(backend=on_numba, factors=(0.5, 1.0, 2.0), cells=(1, 40, 40), days=20.0, picture=None):
    """Transport (Sv) of a wind-driven gyre under so many times the usual wind."""
    grid, parameters, start = cases.barotropic_gyre(cells)
    backend = backend.create()
    assert parameters.surface_stress is not None
    eastward, northward = parameters.surface_stress
    transports = []
    for factor in factors:
        model = Model(grid, replace(parameters, surface_stress=(factor * eastward, northward)), backend)
        velocity = model.dataset(model.run(start, days=days, progress=False)).northward_velocity
        northward_transport = np.cumsum(velocity.values[0], axis=-1) * np.diff(grid.x_face) * np.ptp(grid.interfaces)
        transports.append(1.0e-6 * float(np.abs(northward_transport).max()))
        print(f"wind stress up to {factor * np.max(eastward):.2f} N/m2: {transports[-1]:.1f} Sv after {days:g} days")
    if picture:
        draw(factors, transports, picture)
    return transports


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
