"""Programs that hold the core below physics of JCM against what is known; each prints one line of JSON.

    python -m dycore.coupling.evidence aquaplanet --cells 8 32 64 --time-step 600 --dynamics-steps 3 --days 30
    python -m dycore.coupling.evidence held_suarez --cells 8 24 48 --days 60
    python -m dycore.coupling.evidence gradient --cells 8 24 48 --days 1
    python -m dycore.coupling.evidence moist_gradient --cells 8 24 48 --days 1
    python -m dycore.coupling.evidence time --cells 8 64 128 --time-step 360 --dynamics-steps 5
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dycore.cases.held_suarez import held_suarez
from dycore.coupling import columns
from dycore.coupling.jcm import PRESSURE, DycoreCore, aquaplanet
from dycore.model import Model

DAY = 86400.0  # s
GRAVITY = 9.81  # m/s2, of JCM
QUOTIENTS = 1.0e-4, 1.0e-2, 1.0  # sizes of difference quotients, of a slope's direction
WATER = "water_positivity_correction.total_water_tendency"


def moist(cells: tuple[int, int, int], time_step: float, dynamics_steps: int) -> Any:
    """JCM's model with SPEEDY over a sphere of water, on SPEEDY's levels."""
    from jcm.model import Model as Coupled
    from jcm.physics.speedy.physical_constants import compute_sigma_boundaries
    from jcm.physics.speedy.speedy_terms import speedy_physics

    interfaces = 1.0e5 * np.asarray(compute_sigma_boundaries(cells[0]), float)
    core = DycoreCore(*aquaplanet(cells, time_step, interfaces), dynamics_steps=dynamics_steps)
    return Coupled(dycore=core, physics=speedy_physics())


def dry(cells: tuple[int, int, int], time_step: float | None, dynamics_steps: int) -> tuple[Any, Any]:
    """JCM's model with its forcing of Held and Suarez, and the state of our case without forcing, from which it starts."""
    from jcm.model import Model as Coupled
    from jcm.physics.held_suarez.held_suarez_physics import held_suarez_physics

    grid, parameters, state = held_suarez(cells, time_step=time_step)
    parameters = replace(parameters, forcing=(), time_step=float(int(parameters.time_step)))
    core = DycoreCore(grid, parameters, dynamics_steps=dynamics_steps)
    coupled = Coupled(dycore=core, physics=held_suarez_physics())
    start = core.initial_state(None)
    return coupled, start._replace(state=core.model.asarrays(state)._replace(step=jnp.asarray(0, jnp.int32)))


def mean(core: DycoreCore, values: Any) -> np.ndarray:
    """Means over the sphere of planes [..., i, j]."""
    area = core.model.grid.area.T
    return np.asarray((np.asarray(values, float) * area).sum(axis=(-2, -1)) / area.sum())


def column_mass(core: DycoreCore, values: Any, surface_pressure: Any) -> np.ndarray:
    """Means over the sphere of the mass in columns (kg/m2) of what has these values [..., k, i, j] a kg of air; pressure in Pa."""
    thickness = np.diff(np.asarray(core.coords.vertical.boundaries, float))[:, None, None]
    return mean(core, (np.asarray(values) * thickness).sum(axis=-3) * np.asarray(surface_pressure) / GRAVITY)


def aquaplanet_water(cells: tuple[int, int, int], time_step: float, dynamics_steps: int, days: float) -> dict[str, Any]:
    """Precipitation of the last third of a run from dry air with SPEEDY, and how well its water budget is closed.

    What JCM adds where humidity would fall below zero is taken from each call of physics, with the surface pressure that this has
    seen: a mean over a day times that of the pressure is another mass.
    """
    coupled = moist(cells, time_step, dynamics_steps)
    core, found = coupled.dycore, []
    seen = np.full((1, *core.coords.horizontal.nodal_shape), core.model.grid.interfaces[-1])
    for part in range(round(days)):
        run = coupled.run if part == 0 else coupled.resume
        data = run(save_interval=core.dt_seconds / DAY, total_time=1.0, output_averages=True).to_xarray()
        pressures = np.concatenate([seen, PRESSURE * data.normalized_surface_pressure.values])
        fixed, seen = column_mass(core, data[WATER].values, pressures[:-1]).mean(), pressures[-1:]
        rates = [data[f"surface_exchange.{name}"].values.mean(axis=0) for name in ("evaporation", "precipitation")]
        air = columns.columns(core.model, coupled.dycore_state.state)
        water = float(column_mass(core, air.humidity, air.surface_pressure))
        found.append([*(DAY * mean(core, rate) for rate in rates), DAY * fixed, water, float(air.humidity.min())])
        print(part + 1, *(f"{value:.6g}" for value in found[-1]), flush=True)
    evaporation, precipitation, fixed, water, least_humidity = np.array(found).T
    third = slice(-max(1, len(found) // 3), None)
    imbalance = np.diff(water, prepend=0.0) - (evaporation - precipitation + fixed)  # the air is dry at the start
    return {"precipitation_mm_day": precipitation[third].mean(), "evaporation_mm_day": evaporation[third].mean(),
            "column_water_kg_m2": water[-1], "limited_tendencies_mm_day": fixed[third].mean(),
            "least_humidity_kg_kg": least_humidity.min(), "largest_daily_imbalance_kg_m2": np.abs(imbalance).max(),
            "imbalance_of_all_days_kg_m2": imbalance.sum()}


def zonal(model: Model, state: Any) -> np.ndarray:
    """Zonal means of eastward wind (m/s) and temperature (K), [2, k, j]."""
    air = columns.columns(model, state)
    return np.stack([np.asarray(air.u).mean(axis=1), np.asarray(air.temperature).mean(axis=1)])


def held_suarez_climates(cells: tuple[int, int, int], time_step: float | None, dynamics_steps: int, days: float) -> dict[str, Any]:
    """Root-mean-square differences of zonal means of the last half of a run, through JCM and by our own forcing."""
    coupled, start = dry(cells, time_step, dynamics_steps)
    grid, parameters, _ = held_suarez(cells, time_step=time_step)
    own = Model(grid, replace(parameters, time_step=coupled.dycore.model.parameters.time_step), coupled.dycore.model.backend)
    state, ours, theirs = start.state, [], []
    for day in range(round(days)):
        (coupled.run(initial_state=start, save_interval=1.0, total_time=1.0) if day == 0
         else coupled.resume(save_interval=1.0, total_time=1.0))
        state = own.steps(state, round(DAY / own.parameters.time_step))
        if day >= days / 2:
            ours.append(zonal(own, state))
            theirs.append(zonal(own, coupled.dycore_state.state))
    mine, other = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    weights = np.cos(np.radians(grid.y))
    wind, temperature = np.sqrt(((mine - other) ** 2 * weights).mean(axis=(1, 2)) / weights.mean())
    return {"wind_difference_m_s": wind, "temperature_difference_K": temperature, "jet_ours_m_s": mine[0].max(),
            "jet_through_jcm_m_s": other[0].max()}


def dry_gradient(cells: tuple[int, int, int], time_step: float, dynamics_steps: int, days: float) -> dict[str, Any]:
    """The slope of the final mean square wind by the first temperature along a random direction, with Held and Suarez's forcing."""
    coupled, start = dry(cells, time_step, dynamics_steps)
    pattern = jnp.asarray(np.random.default_rng(1).standard_normal(start.state.tracers[0].shape))
    return gradient(coupled, start, days, pattern, lambda air: jnp.mean(air.u**2))


def moist_gradient(cells: tuple[int, int, int], time_step: float, dynamics_steps: int, days: float) -> dict[str, Any]:
    """The slope of the final mean temperature by a first one that is higher everywhere, with SPEEDY, after ten days.

    By then there are clouds and rain. Where convection sets in or not the outcome has steps, which a slope does not see, and a
    quotient of small size may fall on.
    """
    coupled = moist(cells, time_step, dynamics_steps)
    coupled.run(save_interval=10.0, total_time=10.0)
    return gradient(coupled, coupled.dycore_state, days, 1.0, lambda air: jnp.mean(air.temperature))


def gradient(coupled: Any, start: Any, days: float, pattern: Any, outcome: Callable[[Any], Any]) -> dict[str, Any]:
    """The slope of an outcome of the final air by the first potential temperature along a direction, beside a quotient."""
    from jcm.forcing import default_forcing

    core, forcing = coupled.dycore, default_forcing(coupled.coords.horizontal)
    theta, *others = start.state.tracers

    def loss(size: Any, days: float) -> Any:
        begun = start._replace(state=start.state._replace(tracers=(theta + size * pattern, *others)))
        run, _ = coupled.run_from_state(begun, forcing, save_interval=days, total_time=days)
        return outcome(columns.columns(core.model, run.dynamics.state))

    found: dict[str, Any] = {}
    for name, length in (("6_steps", 6 * core.dt_seconds / DAY), ("all_steps", days)):
        value: Callable = partial(loss, days=length)
        slope = float(jax.grad(value)(0.0))
        quotients = [float((value(size) - value(-size)) / (2.0 * size)) for size in QUOTIENTS]
        found |= {f"slope_after_{name}": slope, f"relative_difference_after_{name}": abs(slope / quotients[0] - 1.0)}
        found |= {f"quotient_of_{size:g}_after_{name}": quotient for size, quotient in zip(QUOTIENTS, quotients, strict=True)}
    return found | {"steps": round(days * DAY / core.dt_seconds)}


def times(cells: tuple[int, int, int], time_step: float, dynamics_steps: int, days: float) -> dict[str, Any]:
    """Processor time of a day with SPEEDY, of this core and of dinosaur on as many points, which calls physics as often."""
    from jcm.model import Model as Coupled
    from jcm.physics.speedy.speedy_coords import get_speedy_coords
    from jcm.physics.speedy.speedy_terms import speedy_physics

    spectral = get_speedy_coords(layers=cells[0], spectral_truncation=42)
    models = {"dycore": moist(cells, time_step, dynamics_steps),
              "dinosaur": Coupled(coords=spectral, physics=speedy_physics(), time_step=time_step * dynamics_steps / 60.0)}
    taken: dict[str, list[float]] = {name: [] for name in models}
    for sample in range(4):
        for name, model in models.items():
            began = time.process_time()
            result = model.run(save_interval=days, total_time=days)
            jax.block_until_ready(result.dynamics)
            if sample:  # the first time compiles
                taken[name].append(time.process_time() - began)
    least = {f"{name}_s_a_day": min(values) / days for name, values in taken.items()}
    return least | {"ratio": least["dinosaur_s_a_day"] / least["dycore_s_a_day"], "dinosaur_points": spectral.nodal_shape}


def main() -> None:
    """Run one program and print its record."""
    programs = {"aquaplanet": aquaplanet_water, "held_suarez": held_suarez_climates, "gradient": dry_gradient,
                "moist_gradient": moist_gradient, "time": times}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("program", choices=programs)
    parser.add_argument("--cells", type=int, nargs=3, default=(8, 24, 48), metavar=("NZ", "NY", "NX"))
    parser.add_argument("--time-step", type=float, default=900.0, help="seconds")
    parser.add_argument("--dynamics-steps", type=int, default=1, help="steps from one call of physics to the next")
    parser.add_argument("--days", type=float, default=1.0)
    given = parser.parse_args()
    cells = tuple(given.cells)
    found = programs[given.program](cells, given.time_step, given.dynamics_steps, given.days)
    about = {"program": given.program, "cells": cells, "time_step_s": given.time_step, "dynamics_steps": given.dynamics_steps,
             "days": given.days,
             "date": datetime.now(UTC).date().isoformat(), "jcm": version("jcm"), "jax": jax.__version__}
    plain = {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in found.items()}
    print(json.dumps(about | plain))


if __name__ == "__main__":
    main()
