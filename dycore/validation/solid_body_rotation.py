"""Transport by solid-body rotation: a bell is carried once round the sphere, along the equator and over the poles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dycore.grid import Grid, interior
from dycore.state import initial_state
from dycore.validation.evidence import Evidence, Row, within
from dycore.validation.measures import Norms, great_circle
from dycore.validation.transport import DEPTH, SCHEMES, Function, carrier, content, fields, norms, order, sphere, tracer, wind

EARTH, DAYS = 6.37122e6, 12.0  # m, days of one revolution
SPEED = 2.0 * np.pi * EARTH / (DAYS * 86400.0)  # m/s
BELL = (1.5 * np.pi, 0.0)  # where it starts: longitude, latitude


def rotation(angle: float) -> Function:
    """Stream function (m2/s) of solid-body rotation about an axis tilted by `angle` (degrees)."""
    alpha = np.radians(angle)
    return lambda longitude, latitude: -EARTH * SPEED * (
        np.sin(latitude) * np.cos(alpha) - np.cos(longitude) * np.cos(latitude) * np.sin(alpha))


def cosine_bell(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """500 (1 + cos(pi r / R)) m within R = a / 3."""
    distance = great_circle(longitude, latitude, BELL)
    return np.where(distance < 1.0 / 3.0, 500.0 * (1.0 + np.cos(3.0 * np.pi * distance)), 0.0)


class Turned(NamedTuple):
    """Bell after one revolution."""

    grid: Grid
    errors: Norms
    constant: float
    drift: float
    end: np.ndarray  # [j, i]


BELLS: dict[str, Function] = {"bell": cosine_bell, "constant": lambda longitude, latitude: 1.0 + 0.0 * longitude}


def turn(backend: Any, scheme: Callable, ny: int, angle: float) -> Turned:
    """One revolution; the greatest Courant number away from the poles is about 0.3."""
    grid = sphere(ny, EARTH)
    steps = 20 * ny
    model = carrier(grid, scheme, DAYS * 86400.0 / steps, tuple(BELLS), backend)
    initial = fields(grid, BELLS)
    u, v = (interior(part) for part in wind(grid, rotation(angle)))
    state = model.asarrays(initial_state(grid, surface=DEPTH, u=u, v=v, tracers=initial))
    before = content(model, state, 0)
    state = model.steps(state, steps)
    return Turned(grid, norms(grid, tracer(model, state, 0), initial[0]), float(np.abs(tracer(model, state, 1) - 1.0).max()),
                  abs(content(model, state, 0) / before - 1.0), tracer(model, state, 0)[0].copy())


WILLIAMSON = "Williamson et al. 1992, test 1"


def tracer_over_the_pole(backend: Any, short: bool = False) -> Evidence:
    """A cosine bell is carried once round the sphere: along the equator, tilted by 45 degrees, and over both poles.

    Williamson et al. (1992, J. Comput. Phys. 102, 211), section 3.1 (test 1), 12 days. The exact end is the
    beginning. The paper publishes how to measure errors, no errors: what is asked is that the poles, where
    meridians converge and the polar filter works, are no special place.
    """
    sizes: tuple[int, ...] = (32,) if short else (32, 64, 128)
    names: tuple[str, ...] = ("weno5",) if short else ("upwind3", "weno5")
    angles: tuple[float, ...] = (0.0, 90.0) if short else (0.0, 45.0, 90.0)
    turned = {(name, ny, angle): turn(backend, SCHEMES[name], ny, angle) for name in names for ny in sizes for angle in angles}
    rows: list[Row] = []
    for name in names:
        along = turned[name, sizes[-1], 0.0].errors
        for angle in angles[1:]:
            errors = turned[name, sizes[-1], angle].errors
            rows.append(within(f"l2 error at {angle:.0f} degrees over that at 0, {name}, {sizes[-1]} rows", errors.l2 / along.l2,
                               None, 1.5, "1 on a sphere without poles",
                               "cells are half as wide at 60 degrees, and waves shorter than their equatorial spacing are damped "
                               "near the poles: half as much again is allowed", WILLIAMSON))
        if not short:
            coarse, fine = turned[name, sizes[-2], 90.0].errors, turned[name, sizes[-1], 90.0].errors
            rows.append(within(f"order of the l2 error over the poles, {name}, {sizes[-2]} to {sizes[-1]} rows",
                               order(coarse.l2, fine.l2, sizes[-1] / sizes[-2]), 1.4, None, "about 2",
                               "the second derivative of the bell jumps at its rim and at most order 2.5 can be had in l2; "
                               "upwind3 spreads the rim over several cells", WILLIAMSON))
    rows.append(within("largest departure of a constant tracer, all runs", max(run.constant for run in turned.values()), None,
                       1e-12, "0", "round-off of transforms in the polar filter, thousands of steps", "conservation"))
    rows.append(within("largest relative drift of the tracer content in 12 days", max(run.drift for run in turned.values()), None,
                       1e-13, "0", "round-off of thousands of steps; the filter keeps zonal sums", "conservation"))
    return Evidence(rows, {"map": _picture_of_bells(turned, names[-1], sizes[-1], angles)})


def _picture_of_bells(turned: dict[tuple[str, int, float], Turned], name: str, ny: int, angles: tuple[float, ...]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.4 * len(angles), 3.4), layout="constrained")
    axes = figure.subplots(1, len(angles), sharey=True)
    for axis, angle in zip(axes, angles, strict=True):
        run = turned[name, ny, angle]
        drawn = axis.contourf(run.grid.x, run.grid.y, run.end, np.arange(-75.0, 1026.0, 50.0), cmap="viridis", extend="both")
        exact = np.asarray(fields(run.grid, {"bell": cosine_bell})[0])[0]
        axis.contour(run.grid.x, run.grid.y, exact, [10.0, 250.0, 500.0, 750.0], colors="white", linewidths=0.9)
        axis.set(xlim=(225.0, 315.0), ylim=(-45.0, 45.0), xlabel="longitude (degrees)",
                 title=f"{angle:.0f} degrees, l2 error {run.errors.l2:.3f}")
    axes[0].set_ylabel("latitude (degrees)")
    figure.suptitle(f"{name}, {ny} rows; white: exact (10, 250, 500, 750 m)", fontsize=10)
    figure.colorbar(drawn, ax=axes, label="height after 12 days (m)")
    return figure
