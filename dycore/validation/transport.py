"""Transport by winds that are given: once round the sphere over the poles, and stretched into filaments and back.

The model's own step carries the tracers: its momentum is frozen (`still` in place of the advection of
momentum, next to no gravity, no rotation), and winds that vary are put into the state before every step.
They derive from a stream function at the corners of cells, so that they have no divergence to round-off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dycore.equations.advection import centred, upwind3, weno5
from dycore.equations.momentum import Advection
from dycore.fluid import shallow_water
from dycore.grid import Grid, interior, latitude_longitude
from dycore.model import Model
from dycore.parameters import Parameters
from dycore.state import State, initial_state, padded
from dycore.terms import Term, Vector
from dycore.tiles import Place
from dycore.validation import measures
from dycore.validation.evidence import Evidence, Row, within
from dycore.validation.measures import Norms, cells_of, great_circle, volume

SCHEMES: dict[str, Callable] = {"centred": centred, "upwind3": upwind3, "weno5": weno5}
COLOURS = {"centred": "tab:gray", "upwind3": "tab:blue", "weno5": "tab:red"}
DEPTH, NO_GRAVITY = 1000.0, 1.0e-12  # m, m/s2
CENTRES = ((5.0 * np.pi / 6.0, 0.0), (7.0 * np.pi / 6.0, 0.0))  # longitude, latitude of the two hills
Function = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of longitude and latitude (radians)


def still(on: Any, grid: Any, layers: Any, at: Any) -> Advection:
    """In place of the advection of momentum: the wind stays as it is given."""
    return Advection(None, Vector(), Term(), Vector())


def sphere(ny: int, radius: float) -> Grid:
    """One layer, ny by 2 ny cells."""
    return latitude_longitude((1, ny, 2 * ny), interfaces=np.array([0.0, DEPTH]), radius=radius, rotation=0.0)


def carrier(grid: Grid, scheme: Callable, time_step: float, names: tuple[str, ...], backend: Any) -> Model:
    """A model that carries tracers and leaves the wind as it is."""
    return Model(grid, Parameters(fluid=shallow_water(NO_GRAVITY), time_step=time_step, tracer_names=names, tracer_face=scheme,
                                  advection=still), backend)


def wind(grid: Grid, stream_function: Function) -> tuple[np.ndarray, np.ndarray]:
    """u = -d psi / dy, v = d psi / dx (m/s) on west and south faces, padded [k, j, i], of psi (m2/s) at the corners."""
    psi = stream_function(np.radians(grid.x_face)[None, :], np.radians(grid.y_face)[:, None]) + 0.0 * grid.x_face
    u = (psi[:-1, :-1] - psi[1:, :-1]) / interior(grid.metrics.dy_u)
    v = (psi[:-1, 1:] - psi[:-1, :-1]) * interior(grid.metrics.inverse_dx_v)
    return padded(grid, Place.WEST_FACE, u[None]), padded(grid, Place.SOUTH_FACE, v[None])


def fields(grid: Grid, functions: Mapping[str, Function]) -> tuple[np.ndarray, ...]:
    """Tracers at the centres of cells."""
    longitude, latitude = np.radians(grid.x)[None, :], np.radians(grid.y)[:, None]
    return tuple(np.broadcast_to(function(longitude, latitude), grid.cells) for function in functions.values())


def norms(grid: Grid, found: np.ndarray, exact: np.ndarray) -> Norms:
    """Errors of an interior field [k, j, i]."""
    return measures.norms(interior(grid.metrics.area), found, exact)


def tracer(model: Model, state: State, number: int) -> np.ndarray:
    """A tracer as a NumPy array, interior [k, j, i]."""
    return cells_of(model, state.tracers[number])


def content(model: Model, state: State, number: int) -> float:
    """Tracer content of the domain (m3 times its unit)."""
    return float((volume(model, state) * tracer(model, state, number)).sum())


def shifted(function: Function, east: float, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """A function carried eastwards by an angle (radians)."""
    return function(longitude - east, latitude)


def order(coarse: float, fine: float, ratio: float) -> float:
    """Order of convergence from two errors at spacings so many times apart."""
    return float(np.log(coarse / fine) / np.log(ratio))


# Deformational flow ----------------------------------------------------------------------------------

PERIOD = 5.0  # of the test and of its background rotation, on a sphere of radius 1
MILD = 1.0  # period of the same flow when it turns round sooner, and filaments stay wider than cells


# Parts of the stream function of case 4 of Nair and Lauritzen, with kappa = 2: two vortices that turn round
# at half time, 2 sin2(lambda - shift) cos2(phi) cos(pi t / period), on a background rotation -2 pi sin(phi) / PERIOD.
DEFORMATION: tuple[Function, ...] = (
    lambda longitude, latitude: -2.0 * np.pi * np.sin(latitude) / PERIOD,
    lambda longitude, latitude: np.cos(latitude) ** 2,
    lambda longitude, latitude: -np.cos(2.0 * longitude) * np.cos(latitude) ** 2,
    lambda longitude, latitude: -np.sin(2.0 * longitude) * np.cos(latitude) ** 2)


def weights(time: float, period: float) -> tuple[float, ...]:
    """How much of each part of `DEFORMATION` blows at a time."""
    shift, swing = 2.0 * np.pi * time / PERIOD, np.cos(np.pi * time / period)
    return 1.0, swing, swing * np.cos(2.0 * shift), swing * np.sin(2.0 * shift)


def gaussian_hills(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """0.95 exp(-5 |X - X_i|2) about both centres."""
    total = np.zeros(())
    for centre in CENTRES:
        chord = 2.0 * np.sin(0.5 * great_circle(longitude, latitude, centre))
        total = total + 0.95 * np.exp(-5.0 * chord**2)
    return total


def cosine_bells(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Two bells of radius 1/2 and height 0.9 on a background of 0.1."""
    total = np.array(0.1)
    for centre in CENTRES:
        distance = great_circle(longitude, latitude, centre)
        total = total + np.where(distance < 0.5, 0.45 * (1.0 + np.cos(np.pi * distance / 0.5)), 0.0)
    return total


HILLS: dict[str, Function] = {
    "gaussian_hills": gaussian_hills, "cosine_bells": cosine_bells, "constant": lambda longitude, latitude: 1.0 + 0.0 * longitude}


class Deformed(NamedTuple):
    """What a run found."""

    grid: Grid
    errors: dict[str, Norms]
    constant: float  # largest departure of the constant tracer
    drift: float  # of the content of the hills, relative, over all steps
    half: np.ndarray  # cosine bells at half time, interior [j, i]
    end: np.ndarray
    steps: int


def deform(backend: Any, scheme: Callable, ny: int, period: float = PERIOD) -> Deformed:
    """One period of the flow, after which all is where the background rotation carried it.

    The greatest Courant number is about 0.3, of both directions together.
    """
    grid = sphere(ny, 1.0)
    steps = round(8 * ny * period)
    dt = period / steps
    model = carrier(grid, scheme, dt, tuple(HILLS), backend)
    initial = fields(grid, HILLS)
    state = model.asarrays(initial_state(grid, surface=DEPTH, tracers=initial))
    before, half = content(model, state, 0), initial[1]
    parts = [wind(grid, part) for part in DEFORMATION]
    for n in range(steps):
        u, v = (sum(weight * part[component] for weight, part in zip(weights((n + 0.5) * dt, period), parts, strict=True))
                for component in (0, 1))
        state = model.step(state._replace(u=u, v=v))
        if 2 * (n + 1) == steps:
            half = tracer(model, state, 1).copy()
    moved = {name: partial(shifted, function, 2.0 * np.pi * period / PERIOD) for name, function in HILLS.items()}
    errors = {name: norms(grid, tracer(model, state, m), exact) for m, (name, exact) in enumerate(
        zip(HILLS, fields(grid, moved), strict=True))}
    return Deformed(grid, errors, float(np.abs(tracer(model, state, 2) - 1.0).max()),
                    abs(content(model, state, 0) / before - 1.0), half[0], tracer(model, state, 1)[0].copy(), steps)


NAIR = "Nair and Lauritzen 2010, case 4"
# formal order along a line of cells; the lowest order accepted in the mild flow, and in its short version on coarse cells
ORDERS = {
    "centred": (2, 1.7, 1.4), "upwind3": (3, 2.0, 1.7), "weno5": (5, 2.0, 2.0)}


def deformational_flow(backend: Any, short: bool = False) -> Evidence:
    """Two vortices stretch two hills into filaments and back, on a background rotation.

    Nair and Lauritzen (2010, J. Comput. Phys. 229, 8868), case 4 (no divergence, kappa = 2, T = 5),
    with the Gaussian hills and cosine bells of Lauritzen et al. (2012, Geosci. Model Dev. 5, 887). All errors
    are against the exact end: the hills where they began. Orders of accuracy are measured in the same flow
    turned round after a fifth of the time, in which the hills stay wider than cells; in the flow of the
    paper filaments are a few cells wide on any grid here, and the order is that of what is still unresolved.
    """
    sizes: tuple[int, ...] = (16, 32) if short else (32, 64, 128)
    paper = (16,) if short else sizes
    mild = {name: [deform(backend, scheme, ny, MILD) for ny in sizes] for name, scheme in SCHEMES.items()}
    full = {name: [deform(backend, scheme, ny) for ny in paper] for name, scheme in SCHEMES.items()}
    rows: list[Row] = []
    for name, runs in mild.items():
        formal, least, least_short = ORDERS[name]
        coarse, fine = runs[-2:]
        rows.append(within(
            f"order of the l2 error of Gaussian hills, {name}, {sizes[-2]} to {sizes[-1]} rows, period 1",
            order(coarse.errors["gaussian_hills"].l2, fine.errors["gaussian_hills"].l2, sizes[-1] / sizes[-2]),
            least_short if short else least, formal + 0.3, "2" if formal == 2 else f"2 to {formal}",
            f"order {formal} along a line of cells; the product of mean wind and mean tracer on a face is of second order, but "
            "much of its error turns round with the flow; coarse cells reach a little less", NAIR))
    for better, worse in (("upwind3", "centred"), ("weno5", "upwind3")):
        rows.append(within(f"l2 error of cosine bells after T = 5, {better} over {worse}, {paper[-1]} rows",
                           full[better][-1].errors["cosine_bells"].l2 / full[worse][-1].errors["cosine_bells"].l2, None, 1.0,
                           "-", "a higher order and less dispersion give a smaller error", NAIR))
    if not short:
        for name in ("upwind3", "weno5"):
            coarse, fine = full[name][-2:]
            rows.append(within(f"order of the l2 error of Gaussian hills, {name}, {paper[-2]} to {paper[-1]} rows, T = 5",
                               order(coarse.errors["gaussian_hills"].l2, fine.errors["gaussian_hills"].l2, paper[-1] / paper[-2]),
                               1.0, None, "2", "filaments are a few cells wide: more of them is resolved, and the order is below "
                               "that of smooth flow", NAIR))
    everything = [run for runs in (*mild.values(), *full.values()) for run in runs]
    rows.append(within("largest departure of a constant tracer, all runs", max(run.constant for run in everything), None, 1e-12,
                       "0", "round-off (2e-16) of thousands of steps", "conservation"))
    rows.append(within("relative drift of the tracer content per step, all runs",
                       max(run.drift / run.steps for run in everything), None, 1e-16, "0",
                       "round-off, which mostly cancels in the sum over cells", "conservation"))
    return Evidence(rows, {"map": _picture_of_filaments(full), "order": _picture_of_orders(mild, full)})


def _picture_of_filaments(full: dict[str, list[Deformed]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 6.6), layout="constrained")
    axes = figure.subplots(3, 2, sharex=True, sharey=True)
    levels = np.arange(-0.025, 1.03, 0.05)  # the background in the middle of a colour
    for row, (name, runs) in zip(axes, full.items(), strict=True):
        run = runs[-1]
        for axis, values, when in zip(row, (run.half, run.end), ("T / 2", "T"), strict=True):
            drawn = axis.contourf(run.grid.x, run.grid.y, values, levels, cmap="viridis", extend="both")
            axis.set_title(f"{name}, t = {when}: {values.min():.2f} to {values.max():.2f}", fontsize=10)
            axis.set_xticks(range(0, 361, 90))
            axis.set_yticks(range(-90, 91, 45))
        exact = np.asarray(fields(run.grid, {"bells": cosine_bells})[0])[0]
        row[1].contour(run.grid.x, run.grid.y, exact, [0.2, 0.5, 0.8], colors="white", linewidths=0.8)
        row[0].set_ylabel("latitude (degrees)")
    for axis in axes[-1]:
        axis.set_xlabel("longitude (degrees)")
    figure.colorbar(drawn, ax=axes, label="cosine bells (0.1 to 1); white: exact at the end", shrink=0.6)
    return figure


def _picture_of_orders(mild: dict[str, list[Deformed]], full: dict[str, list[Deformed]]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    for axis, results, title in zip(figure.subplots(1, 2), (mild, full), ("turned round after T = 1", "T = 5, as published"),
                                    strict=True):
        for name, runs in results.items():
            rows = [run.grid.cells[1] for run in runs]
            for tracer_name, line in (("gaussian_hills", "o-"), ("cosine_bells", "s--")):
                axis.loglog(rows, [run.errors[tracer_name].l2 for run in runs], line, color=COLOURS[name],
                            label=f"{name}, {tracer_name.replace('_', ' ')}")
        ends = np.array([rows[0], rows[-1]], float)
        top = axis.get_ylim()[1]
        for power in (1, 2, 3):
            axis.loglog(ends, 0.6 * top * (ends / ends[0]) ** -power, ":", color="black", linewidth=0.8)
            axis.annotate(f"order {power}", (ends[1], 0.6 * top * (ends[1] / ends[0]) ** -power), fontsize=8)
        axis.set_xticks(rows, [str(n) for n in rows])
        axis.minorticks_off()
        axis.set_xlabel("rows of cells from pole to pole")
        axis.set_title(title, fontsize=10)
    figure.axes[0].set_ylabel("relative l2 error at the end")
    figure.axes[0].legend(fontsize=7)
    return figure


# Solid-body rotation over the poles -------------------------------------------------------------------

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
    """What one revolution left of the bell."""

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
