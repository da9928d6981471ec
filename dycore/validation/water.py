"""Measures and pictures of the shallow-water programs: norms, invariants, fields on coarser grids, maps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from dycore.equations import operators
from dycore.fields import Region
from dycore.grid import interior
from dycore.model import Model
from dycore.validation.evidence import Row, close_to
from dycore.validation.measures import cells_of


class Run(NamedTuple):
    """A case that was run: the model, its first state and its last."""

    model: Model
    before: Any
    after: Any


def run_of(case: Callable, backend: Any, rows: int, days: float, **options: Any) -> Run:
    """A shallow-water case with so many rows of cells, and twice as many columns, run for so many days."""
    grid, parameters, state = case(cells=(1, rows, 2 * rows), **options)
    model = Model(grid, parameters, backend)
    before = model.asarrays(state)
    return Run(model, before, model.run(before, days=days, progress=False))


def layer_of(model: Model, array: Any) -> np.ndarray:
    """A field [j, i], or the one level of a field, without halo in NumPy (float64)."""
    cells = cells_of(model, array)
    return cells[0] if cells.ndim == 3 else cells


def area_of(model: Model) -> np.ndarray:
    """Areas of the cells [j, i] (m2)."""
    return interior(np.asarray(model.grid.metrics.area, float))


def depth_of(model: Model, state: Any) -> np.ndarray:
    """Depth of the water [j, i] (m)."""
    return layer_of(model, state.surface) - interior(np.asarray(model.grid.metrics.fixed, float))


def mass(model: Model, state: Any) -> float:
    """Volume of the water (m3)."""
    return float((area_of(model) * depth_of(model, state)).sum())


def evaluated(model: Model, stencil: Any, region: Region, state: Any) -> np.ndarray:
    """A stencil (k, j, i, grid, u, v) of a state over a region of one level [j, i]."""
    field = model.backend.apply(stencil, region, model.equations.grid, state.u, state.v)
    return np.asarray(model.backend.to_numpy(field[region.indices()]), float)[0]


def energy(model: Model, state: Any) -> float:
    """Kinetic and potential energy over density (m5/s2), the sum that the scheme conserves in space."""
    metrics, gravity = model.grid.metrics, model.parameters.fluid.surface_gravity
    kinetic = evaluated(model, operators.kinetic_energy, model.tile.region, state)
    fixed, surface = interior(np.asarray(metrics.fixed, float)), layer_of(model, state.surface)
    return float((area_of(model) * ((surface - fixed) * kinetic + 0.5 * gravity * (surface**2 - fixed**2))).sum())


def vorticity_of(model: Model, state: Any) -> np.ndarray:
    """Relative vorticity (1/s) at the corners between the poles: [j - 1, i] is the south-west corner of cell [j, i], j > 0."""
    return evaluated(model, operators.vorticity, model.tile.region, state)[1:]


def mass_row(run: Run, source: str) -> Row:
    """A row for the conservation of mass."""
    return close_to("change of mass, relative", mass(run.model, run.after) / mass(run.model, run.before) - 1.0, 0.0, 1e-14,
                    "round-off of 64-bit sums (unit 2e-16), which does not grow with the number of steps", source)


def energy_change(run: Run) -> float:
    """Relative change of the energy."""
    return energy(run.model, run.after) / energy(run.model, run.before) - 1.0


def orders(errors: list[float]) -> list[float]:
    """Order of accuracy between errors at resolutions that double."""
    return [float(np.log2(coarse / fine)) for coarse, fine in pairwise(errors)]


def on_half_the_cells(field: np.ndarray) -> np.ndarray:
    """A field at cell centres [j, i] of a sphere at the centres of half as many cells each way, to fourth order.

    Those centres are corners of the finer cells: the four values about them in either direction have the
    weights (-1, 9, 9, -1) / 16. Rows beyond a pole are those across it.
    """
    turned = np.roll(field, field.shape[1] // 2, axis=1)
    rows = np.concatenate([turned[:1], field, turned[-1:]])
    rows = (9.0 * (rows[1:-2] + rows[2:-1]) - rows[:-3] - rows[3:])[::2] / 16.0
    west, east = np.roll(rows, 1, axis=1), np.roll(rows, -1, axis=1)
    return ((9.0 * (rows + east) - west - np.roll(rows, -2, axis=1)) / 16.0)[:, ::2]


def map_of(axes: Any, longitude: np.ndarray, latitude: np.ndarray, field: np.ndarray, levels: Any, colours: str, label: str,
           title: str) -> None:
    """Draw filled contours of a field [j, i] over longitude and latitude (degrees) with a colour bar.

    No lines: they would make the picture file five times as large.
    """
    drawn = axes.contourf(longitude, latitude, field, levels=levels, cmap=colours, extend="both")
    axes.figure.colorbar(drawn, ax=axes, label=label, pad=0.02, ticks=levels if len(levels) < 13 else levels[::2])
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("longitude (degrees east)")
    axes.set_ylabel("latitude (degrees north)")
