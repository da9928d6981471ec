"""The wind-driven gyre in a box: Munk's western boundary current, and MITgcm's numbers of its own tutorial."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore.cases.barotropic_gyre import BETA, DENSITY, DEPTH, LENGTH, VISCOSITY, WIND_STRESS, barotropic_gyre
from dycore.model import Model
from dycore.validation.evidence import Evidence, Kind, Row, close_to, within
from dycore.validation.measures import cells_of
from dycore.validation.wave_runs import record

SVERDRUP = 1.0e6  # m3/s
SECTION = 0.5  # latitude of the section, of the length of the box
# of MITgcm: largest transport (Sv), x where v changes sign (km), largest v (m/s), lowest and highest surface (m)
MITGCM = {"linear": (32.33, 117.5, 0.0873, -0.0211, 0.0503), "nonlinear": (31.03, 121.4, 0.0837, -0.0210, 0.0475)}
YEAR = 360.0 * 86400.0  # s: 77,760 steps of 1200 s are three of these


def munk(x: np.ndarray, viscosity: float, no_slip: bool) -> tuple[np.ndarray, np.ndarray]:
    """Transport stream function (m3/s) and its slope (m2/s) along the middle of the box: the steady linear gyre.

    psi = X(x) sin(l y), l = pi / L, is exact with walls in the north and south that let the flow slip:

        A (d2/dx2 - l^2)^2 X - beta dX/dx = l tau / rho,    X = 0 and X'' = 0 (slip) or X' = 0 (no slip) at x = 0, L
    """
    l = np.pi / LENGTH
    roots = np.roots([viscosity, 0.0, -2.0 * viscosity * l**2, -BETA, viscosity * l**4])
    start = np.where(roots.real > 0.0, LENGTH, 0.0)  # exponentials that are 1 at the wall from which they fall
    order = 1 if no_slip else 2
    level = WIND_STRESS * l / (DENSITY * viscosity * l**4)

    def terms(x: Any, derivative: int) -> np.ndarray:
        return roots**derivative * np.exp(roots * (np.asarray(x)[..., None] - start))

    walls = np.array([0.0, LENGTH])
    amplitudes = np.linalg.solve(np.concatenate([terms(walls, 0), terms(walls, order)]), [-level, -level, 0.0, 0.0])
    return (level + terms(x, 0) @ amplitudes).real, (terms(x, 1) @ amplitudes).real


def munk_on_grid(n: int, viscosity: float) -> np.ndarray:
    """The steady linear gyre on n x n cells of the C grid, walls slip: X (m3/s) at the corners along the middle [i].

    As `munk`, with differences over the spacing d: vorticity from five corners and none at walls, the planetary term
    over two cells in x and the mean of two rows, the curl of the stress over one row.
    """
    d, l = LENGTH / n, np.pi / LENGTH
    inner = n - 1
    second = (np.eye(inner, k=1) - 2.0 * np.eye(inner) + np.eye(inner, k=-1)) / d**2
    laplacian = second - (2.0 * np.sin(0.5 * l * d) / d) ** 2 * np.eye(inner)
    slope = np.cos(l * d) * (np.eye(inner, k=1) - np.eye(inner, k=-1)) / (2.0 * d)
    curl = WIND_STRESS / DENSITY * 2.0 * np.sin(0.5 * l * d) / d
    inside = np.linalg.solve(viscosity * laplacian @ laplacian - BETA * slope, np.full(inner, curl))
    return np.concatenate([[0.0], inside, [0.0]])


def run(backend: Any, n: int, seconds: float, samples: int = 0, **options: Any) -> dict[str, Any]:
    """Stream function (m3/s) at corners [j, i], v (m/s) and surface (m) of the gyre on n x n cells.

    After so many seconds; with `samples`, the mean of as many over the last third of them.
    """
    grid, parameters, state = barotropic_gyre((1, n, n), **options)
    model = Model(grid, parameters, backend)
    steps = round(seconds / parameters.time_step)
    every = steps // (3 * samples) if samples else 1
    state = model.run(state, steps=steps - samples * every, progress=False)
    _, seen = record(model, state, samples, every, lambda state: np.stack(
        [cells_of(model, state.v)[0], cells_of(model, state.surface)]))
    mean, surface = seen[1:].mean(axis=0) if samples else seen[0]
    v = np.concatenate([mean, np.zeros((1, n))])  # the northern wall too
    psi = np.concatenate([np.zeros((n + 1, 1)), np.cumsum(v * DEPTH * LENGTH / n, axis=1)], axis=1)
    row = v[round(SECTION * n)]
    first = np.flatnonzero((row[:-1] > 0.0) & (row[1:] <= 0.0))[0]
    j, i = np.unravel_index(psi.argmax(), psi.shape)
    return {"x": grid.x, "x_corner": grid.x_face, "psi": psi, "v": v, "row": row, "surface": surface,
            "turn": grid.x[first] + LENGTH / n * row[first] / (row[first] - row[first + 1]),
            "place": (grid.x_face[i], grid.y_face[j])}


def wind_driven_gyre(backend: Any, short: bool = False) -> Evidence:
    """The wind-driven gyre: Munk's solution where it is exact, MITgcm's numbers on the same grid.

    Munk (1950), J. Meteor. 7, 79, for the steady linear gyre, exact here with walls that let the flow slip. MITgcm's
    tutorial_barotropic_gyre (viscosity 400 m2/s, walls where the flow stops, which is MITgcm's default), linear and
    nonlinear, after 77,760 steps of 1200 s: checkpoint 69p, run for this project.
    """
    viscosity, n, seconds = (32.0 * VISCOSITY, 20, 0.5 * YEAR) if short else (VISCOSITY, 60, 3.0 * YEAR)
    slip = run(backend, n, seconds, 36, linear=True, no_slip=False, viscosity=viscosity)
    rows = rows_of_munk(slip, n, viscosity)
    if short:
        return Evidence(rows, {"gyre": gyre_figure({"linear, walls slip": slip}, viscosity)})

    linear = run(backend, n, seconds, linear=True)
    nonlinear = run(backend, n, seconds)
    rows += rows_of_mitgcm("linear", linear) + rows_of_mitgcm("nonlinear", nonlinear)
    zero = zero_of(np.linspace(0.0, LENGTH, 4001), viscosity)
    rows.append(close_to("linear: x where v changes sign (km), continuous", linear["turn"] / 1e3, zero / 1e3,
                         3.0, "the boundary current is 6 cells wide", "Munk 1950, walls where the flow stops"))
    return Evidence(rows, {"gyre": gyre_figure({"linear": linear, "nonlinear": nonlinear, "linear, walls slip": slip}, viscosity)})


def rows_of_munk(slip: dict[str, Any], n: int, viscosity: float) -> list[Row]:
    """The linear gyre on n x n cells with walls that let the flow slip, held against Munk's solution."""
    exact, _ = munk(slip["x_corner"], viscosity, no_slip=False)
    on_grid = munk_on_grid(n, viscosity)
    middle = slip["psi"][round(SECTION * n)]
    width = float((viscosity / BETA) ** (1.0 / 3.0))
    spacing = LENGTH / n
    largest = munk(np.linspace(0.0, LENGTH, 4001), viscosity, False)[0].max()
    reason = f"second order: (dx / Munk's length)^2 / 12 = {spacing**2 / width**2 / 12.0:.3f}, and the next row"
    return [
        within("linear, walls slip: rms error of the stream function in the middle / its maximum", float(
            np.sqrt(((middle - exact) ** 2).mean()) / exact.max()), None, 0.03, "0", reason, "Munk 1950, exact for these walls"),
        within("linear, walls slip: rms error on this grid / its maximum", float(
            np.sqrt(((middle - on_grid) ** 2).mean()) / exact.max()), None, 0.01, "0",
            "basin waves of the spin-up, which fade in years: they are weeks long and averaged over a year",
            "the same equation in differences"),
        close_to("linear, walls slip: largest transport (Sv)", middle.max() / SVERDRUP, largest / SVERDRUP,
                 0.03 * exact.max() / SVERDRUP, reason, "Munk 1950, exact for these walls"),
    ]


def rows_of_mitgcm(name: str, gyre: dict[str, Any]) -> list[Row]:
    """A gyre with walls where the flow stops, held against the numbers of MITGCM."""
    transport, turn, fastest, low, high = MITGCM[name]
    source = "MITgcm tutorial_barotropic_gyre"
    return [
        close_to(f"{name}: largest transport (Sv)", gyre["psi"].max() / SVERDRUP, transport, 0.005 * transport,
                 "0.5 %: printed digits, and basin waves that MITgcm's implicit surface damps otherwise", source, Kind.MODEL),
        close_to(f"{name}: x where v changes sign (km)", gyre["turn"] / 1e3, turn, 1.0,
                 "a twentieth of the spacing: the crossing is interpolated", source, Kind.MODEL),
        close_to(f"{name}: largest v (m/s)", gyre["v"].max(), fastest, 0.01 * fastest, "1 %: as the transport; printed digits",
                 source, Kind.MODEL),
        close_to(f"{name}: lowest surface (m)", gyre["surface"].min(), low, 3.0e-4, "0.5 % of the range", source, Kind.MODEL),
        close_to(f"{name}: highest surface (m)", gyre["surface"].max(), high, 3.0e-4, "0.5 % of the range", source, Kind.MODEL),
    ]


def zero_of(x: np.ndarray, viscosity: float) -> float:
    """Where v of Munk's solution with walls that stop the flow changes sign (m)."""
    v = munk(x, viscosity, no_slip=True)[1]
    return float(x[1:-1][(v[1:-1] > 0.0) & (v[2:] <= 0.0)][0])


def gyre_figure(gyres: dict[str, dict[str, Any]], viscosity: float) -> Any:
    """Stream functions, and sections of v through the western boundary current beside Munk's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 * len(gyres) + 1.0, 6.0) if len(gyres) > 1 else (6.0, 9.0), layout="constrained")
    axes = figure.subplot_mosaic([list(gyres), ["section"] * len(gyres)])
    levels = np.arange(-4.0, 37.0, 4.0)
    for name, gyre in gyres.items():
        axis, x = axes[name], gyre["x_corner"] / 1e3
        filled = axis.contourf(x, x, gyre["psi"] / SVERDRUP, levels, cmap="viridis", extend="both")
        axis.contour(x, x, gyre["psi"] / SVERDRUP, levels, colors="k", linewidths=0.6)
        axis.set(title=name, xlabel="x (km)", ylabel="y (km)", aspect="equal")
    figure.colorbar(filled, ax=[axes[name] for name in gyres], label="transport (Sv)")
    axis, fine = axes["section"], np.linspace(0.0, LENGTH, 2000)
    for no_slip, style, label in ((True, "-", "Munk, flow stops at the walls"), (False, "--", "Munk, walls slip")):
        axis.plot(fine / 1e3, munk(fine, viscosity, no_slip)[1] / DEPTH, style, color="0.4", lw=1.2, label=label)
    for (name, gyre), marker, colour in zip(gyres.items(), "osv", ("C0", "C3", "C2"), strict=False):
        axis.plot(gyre["x"] / 1e3, gyre["row"], marker, ms=4, color=colour, mfc="none", label=f"{name}, run")
    axis.axhline(0.0, color="0.8", lw=0.8)
    axis.set(xlim=(0.0, 400.0 * max(1.0, (viscosity / VISCOSITY) ** (1.0 / 3.0))), xlabel="x (km)", ylabel="v (m/s)",
             title="Northward velocity across the middle")
    axis.legend(fontsize=8)
    return figure
