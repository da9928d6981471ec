"""What eddies carry: heat across a channel, made during the run, against what the mean flow carries of the mean temperature."""

import sys
import tempfile
from pathlib import Path

import xarray

from dycore import Model, cases, diagnostics
from dycore.backends import on_numpy
from dycore.writing import Diagnostics, Means


def draw(whole, of_mean, path):
    """Picture of both transports across the channel (TW)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for heat, style, name in ((whole, "k", "all of it"), (of_mean, "C1--", "mean flow"), (whole - of_mean.values, "C2", "eddies")):
        axes.plot(1e-3 * whole.y_face, 1e-12 * heat, style, label=name)
    axes.set(xlabel="y (km)", ylabel="heat northward (TW)")
    axes.legend()
    figure.savefig(path)


def main(backend=on_numpy, cells=(4, 12, 16), days=4.0, samples=32, folder=".", picture=None):
    """Returns northward transports of heat [y_face] (W): all of it, and that of the mean flow. The rest is that of eddies.

    `python examples/eddy_transport.py [PICTURE.png] numba` is a longer run of more cells, in which a wave has time to grow.
    """
    grid, parameters, state = cases.baroclinic_channel(cells)
    model, every = Model(grid, parameters, backend), days / samples
    found, means = Path(folder) / "found.nc", Path(folder) / "means.nc"
    model.run(state, days=days, write=(Diagnostics(found, every, (diagnostics.heat_transport, diagnostics.overturning)),
                                       Means(means, days, samples=samples)))
    with xarray.open_dataset(found) as instants, xarray.open_dataset(means) as mean:
        whole = instants.heat_transport.isel(time=slice(1, None)).mean("time").load()  # the first is the start, in no mean
        of_mean = diagnostics.heat_transport(mean).isel(time=-1).load()
    print(f"Across the middle {whole[cells[1] // 2].item() / 1e12:.4g} TW of heat go north, of which the mean flow carries "
          f"{of_mean[cells[1] // 2].item() / 1e12:.4g}.")
    if picture:
        draw(whole, of_mean, picture)
    return whole, of_mean


if __name__ == "__main__":
    drawn = next((word for word in sys.argv[1:] if word != "numba"), None)
    with tempfile.TemporaryDirectory() as here:
        if "numba" in sys.argv:
            from dycore.backends import on_numba

            main(on_numba, (20, 48, 96), 100.0, 400, folder=here, picture=drawn)
        else:
            main(folder=here, picture=drawn)
