"""Parameters from maps: a network learns bottom drag and viscosity from sea level, and knows them in a basin it has not seen."""

import sys

import jax
import numpy as np
import optax

from dycore import Model, initial_state, learning
from dycore.backends import on_jax, on_numpy
from dycore.grid import interior
from dycore.learning.twin_basins import LOOK, RANGES, errors_in, sea_levels, true_levels, twin_basin

ERROR, ADAM = 0.005, optax.adam(optax.exponential_decay(0.1, 60, 0.5))  # of an observed sea level (m); the optimiser


def misfit(network, batch):
    """The mean square of departures of the sea level from what was seen, over its error, in wet cells."""
    model, start, maps, seen = batch
    model = learning.with_fields(model, network(maps))
    _, level = learning.trajectory(model, start, LOOK * len(seen), LOOK, lambda now: interior(now.surface))
    return (((level - seen) / ERROR) ** 2)[:, model.grid.wet[0]].mean()


def draw(basin, fields, looks, path):
    """Picture of both fields [j, i], true, by the network and constant, and of the greatest errors of sea level by the latter."""
    from matplotlib.figure import Figure
    figure, most = Figure(figsize=(12.0, 5.6), layout="constrained"), {"drag (m/s)": 5e-3, "viscosity (m2/s)": 2e4}
    model, truth, wet = Model(basin.grid, basin.parameters, on_numpy), true_levels(basin, looks, on_numpy), basin.grid.wet[0]
    for row, name, what, who in zip(figure.subplots(2, 4), RANGES, most, fields, strict=True):
        shown = {f"{what}, {each}": (made[name], most[what]) for each, made in {"truth": basin.truth, **fields}.items()}
        shown[f"error of sea level (m), {who}"] = abs(sea_levels(model, fields[who], looks) - truth).max(axis=0), 0.02
        for axes, (title, (plane, greatest)) in zip(row, shown.items(), strict=True):
            axes.set(title=title, xlabel="degrees east", ylabel="degrees north", facecolor="0.75")
            mesh = axes.pcolormesh(basin.grid.x, basin.grid.y, np.where(wet, plane, np.nan), vmin=0.0, vmax=greatest)
            figure.colorbar(mesh, ax=axes, extend="max")
    figure.savefig(path)


def main(n=16, looks=12, training=(1, 2, 3, 4), unseen=(5, 6, 7, 8, 9, 10), passes=60, picture=None):
    """Returns errors in basins not seen, by the network and by the best constants (dycore.learning.twin_basins.errors_in)."""
    rng, basins, batches = np.random.default_rng(7), {seed: twin_basin(seed, n) for seed in (*training, *unseen)}, []
    scales = learning.normalisation_of([basins[seed].maps for seed in training])
    for seed in training:
        model = Model(basins[seed].grid, basins[seed].parameters, on_jax.create(native=False))
        seen = true_levels(basins[seed], looks, on_numpy) + ERROR * rng.normal(size=(looks, n, n))
        batches.append((model, model.asarrays(initial_state(model.grid, surface=0.0)), scales.normalised(basins[seed].maps), seen))
    blind = [(model, start, 0.0 * maps, seen) for model, start, maps, seen in batches]  # without maps: the best constants
    network = learning.MapNetwork(scales.names, RANGES, key=jax.random.key(0))
    found, even = (learning.fit(misfit, network, each, ADAM, passes=passes).weights for each in (batches, blind))
    learnt = {"network": lambda b: found(scales.normalised(b.maps)), "constants": lambda b: even(0.0 * scales.normalised(b.maps))}
    errors = {who: errors_in([basins[seed] for seed in unseen], fields_of, looks, on_numpy) for who, fields_of in learnt.items()}
    print(*(f"{who}: errors in basins that were not seen {each}" for who, each in errors.items()), sep="\n")
    if picture:
        draw(basins[unseen[0]], {who: fields_of(basins[unseen[0]]) for who, fields_of in learnt.items()}, looks, picture)
    return errors


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
