"""Twin basins: small seas of which drag and viscosity are known functions of static maps, to learn them back from sea level.

Each has its own latitude, ridges, islands and wind, at random. Drag is strong where it is shallow and steep, viscosity far from
coasts: columns in a basin that was not trained on have what their like had elsewhere.

Measured by `python examples/parameters_from_maps.py PICTURE` (four basins, 36 hours of sea level with errors of 5 mm, some 200 s of
one core): in six basins that were not trained on, sea level is wrong by 3.9 mm (root mean square) with fields of the network and by
8.7 mm with the best constants; the logarithm of drag is wrong by 0.55 and 1.11, that of viscosity by 0.27 and 0.58. In a single
basin the gain in sea level depends on how long is trained: 14 to 47 % in basin 5. Both parameters can be seen: with half the
drag everywhere sea level in basin 1 changes by 7.8 mm in 48 hours, with half the viscosity by 3.1 mm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dycore import Model, Parameters, initial_state
from dycore.equations import momentum_weno
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import shallow_water
from dycore.grid import Grid, interior, latitude_longitude
from dycore.learning.parameters_from_maps import Range, with_fields
from dycore.learning.seeds import random_numbers
from dycore.learning.static_maps import static_maps
from dycore.parameters import Mixing

DRAG, VISCOSITY = "vertical_mixing.linear_drag", "friction"
RANGES = {DRAG: Range(1e-4, 1e-2), VISCOSITY: Range(1e3, 1e5)}  # m/s, m2/s: between which a network may choose
STEP, LOOK = 240.0, 45  # s; steps from one observation of sea level to the next
DEEPEST, SHALLOWEST = 200.0, 20.0  # m: what would be shallower is land
DEGREES = 0.2, 0.26  # of a cell: latitude, longitude
WIND = 0.5  # N/m2


class Basin(NamedTuple):
    """A basin: its grid, parameters with even fields of drag and viscosity, static maps [j, i], and the true fields of both."""

    grid: Grid
    parameters: Parameters
    maps: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]


def true_fields(maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Drag (m/s) and viscosity (m2/s) [j, i] that belong to maps."""
    shallow, steep = np.tanh((90.0 - maps["depth"]) / 40.0), np.tanh(maps["bottom_slope"] / 8e-4 - 1.0)
    return {DRAG: 1e-3 * np.exp(shallow + 0.7 * steep), VISCOSITY: 1e4 * np.exp(np.tanh(maps["distance_to_coast"] / 8e4 - 1.0))}


def twin_basin(seed: int, n: int = 16) -> Basin:
    """A walled basin of n x n cells of 22 km and one layer, with what is at random from a seed, under a steady wind."""
    rng, (y, x) = random_numbers(seed), (np.indices((n, n)) + 0.5) * np.pi / n
    waves = sum(rng.normal() * np.cos(p * y + rng.uniform(0.0, 6.0)) * np.cos(q * x + rng.uniform(0.0, 6.0))
                for p, q in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 2)))
    depth, south = np.clip(110.0 + 60.0 * waves, 0.0, DEEPEST), rng.uniform(25.0, 55.0)
    wind = tuple(WIND * (rng.normal() + 1.5 * np.sin(angle + rng.uniform(0.0, 3.0))) for angle in (y, x))
    grid = latitude_longitude((1, n, n), latitudes=(south, south + DEGREES[0] * n), longitudes=(0.0, DEGREES[1] * n),
                              interfaces=np.array([-DEEPEST, 0.0]), bottom=-depth, land=depth < SHALLOWEST, terrain_following=True)
    drag: Any = np.full((n, n), 1e-3)  # fields, in the place of which others will be
    viscosity = np.full((n, n), 1e4)
    parameters = Parameters(fluid=shallow_water(), time_step=STEP, surface_stress=wind,
                            friction=Mixing(viscosity, viscosity, no_slip=True), vertical_mixing=VerticalMixing(linear_drag=drag))
    maps = static_maps(grid)
    return Basin(grid, parameters, maps, true_fields(maps))


def sea_levels(model: Model, fields: Mapping[str, Any], looks: int) -> np.ndarray:
    """Sea levels [time, j, i] (m), every LOOK steps, of a run from rest with fields of parameters, on any backend."""
    model, state, seen = with_fields(model, fields), initial_state(model.grid, surface=0.0), []
    for _ in range(looks):
        state = model.steps(state, LOOK)
        seen.append(np.asarray(interior(state.surface)))
    return np.array(seen)


def true_levels(basin: Basin, looks: int, backend: Any) -> np.ndarray:
    """Sea levels [time, j, i] (m) of a basin with its true fields, and with another advection than its parameters have (WENO)."""
    return sea_levels(Model(basin.grid, replace(basin.parameters, advection=momentum_weno.weno), backend), basin.truth, looks)


def errors_in(basins: Sequence[Basin], fields_of: Callable[[Basin], Mapping[str, Any]], looks: int,
              backend: Any) -> dict[str, float]:
    """Errors, root mean square over the water of basins: of "sea level" (m), and of the logarithms of fields by their names."""
    squares: dict[str, list[np.ndarray]] = {}
    for basin in basins:
        fields = fields_of(basin)
        levels = sea_levels(Model(basin.grid, basin.parameters, backend), fields, looks)
        off = {"sea level": levels - true_levels(basin, looks, backend)}
        off |= {name: np.log(np.asarray(each) / basin.truth[name]) for name, each in fields.items()}
        for name, error in off.items():
            squares.setdefault(name, []).append((error[..., basin.grid.wet[0]] ** 2).ravel())
    return {name: float(np.sqrt(np.concatenate(each).mean())) for name, each in squares.items()}
