"""Ensemble: `jax.vmap` over `Model.steps` takes all members through one compiled program, on a CPU or a GPU."""

import sys

import jax
import jax.numpy as jnp
import numpy as np

from dycore import Model, State, cases
from dycore.backends import on_jax
from dycore.grid import interior


def spread(states: State) -> float:
    """Standard deviation between the members, root mean square over the globe, of surface pressure (Pa)."""
    return float(np.sqrt(jax.vmap(interior)(states.surface).var(axis=0).mean()))


def draw(grid, states, path):
    """Map of the standard deviation between the members of surface pressure (Pa)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    axes = figure.subplots()
    mesh = axes.pcolormesh(grid.x, grid.y, jax.vmap(interior)(states.surface).std(axis=0))
    axes.set(xlabel="longitude (degrees)", ylabel="latitude (degrees)", aspect="equal")
    figure.colorbar(mesh, label="Pa between the members")
    figure.savefig(path)


def main(perturbations=(0.8, 0.9, 1.0, 1.1), cells=(6, 16, 32), days=6.0, picture=None):
    """A baroclinic wave from several first perturbations (m/s). Returns the states at the end, every field [member, ...]."""
    members = [cases.baroclinic_wave(cells, perturbation=perturbation) for perturbation in perturbations]
    grid, parameters, _ = members[0]
    model = Model(grid, parameters, on_jax)
    steps = round(days * 86400.0 / parameters.time_step)

    start = jax.tree.map(lambda *fields: jnp.stack(fields), *(model.asarrays(state) for _, _, state in members))
    soon = jax.vmap(lambda state: model.steps(state, steps // 2))(start)
    end = jax.vmap(lambda state: model.steps(state, steps - steps // 2))(soon)
    print(f"{len(members)} members differ by {spread(soon):.2f} Pa of surface pressure after {days / 2.0:g} days and by "
          f"{spread(end):.2f} Pa after {days:g}.")
    if picture:
        draw(grid, end, picture)
    return end


if __name__ == "__main__":
    main(picture=sys.argv[1] if len(sys.argv) > 1 else None)
