"""Transport by deformational flow: two vortices stretch hills into filaments and back, on a background rotation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dycore.grid import Grid
from dycore.state import initial_state
from dycore.validation.evidence import Evidence, Row, within
from dycore.validation.measures import Norms, great_circle
from dycore.validation.transport import DEPTH, SCHEMES, Function, carrier, content, fields, norms, order, sphere, tracer, wind

COLOURS = {"centred": "tab:gray", "upwind3": "tab:blue", "weno5": "tab:red"}
CENTRES = ((5.0 * np.pi / 6.0, 0.0), (7.0 * np.pi / 6.0, 0.0))  # longitude, latitude of the two hills
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


def shifted(function: Function, east: float, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """A function carried eastwards by an angle (radians)."""
    return function(longitude - east, latitude)


class Deformed(NamedTuple):
    """Results of a run."""

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
    everything = [run for runs in (*mild.values(), *full.values()) for run in runs]
    rows = [*error_rows(mild, full, sizes, paper, short), *conservation_rows(everything)]
    return Evidence(rows, {"map": _picture_of_filaments(full), "order": _picture_of_orders(mild, full)})


def error_rows(mild: dict[str, list[Deformed]], full: dict[str, list[Deformed]], sizes: tuple[int, ...], paper: tuple[int, ...],
               short: bool) -> list[Row]:
    """Orders and ratios of errors, of runs of so many rows in the mild flow and in that of the paper."""
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
    return rows


def conservation_rows(everything: list[Deformed]) -> list[Row]:
    """Rows of what no run may change: a constant tracer, and the content."""
    return [
        within("largest departure of a constant tracer, all runs", max(run.constant for run in everything), None, 1e-12,
               "0", "round-off (2e-16) of thousands of steps", "conservation"),
        within("relative drift of the tracer content per step, all runs",
               max(run.drift / run.steps for run in everything), None, 1e-16, "0",
               "round-off, which mostly cancels in the sum over cells", "conservation"),
    ]


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
