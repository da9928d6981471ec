"""One year of a global ocean with real coastlines: its gyres, its circumpolar current, its budgets."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import cases, diagnostics
from dycore.fluid import Ocean
from dycore.grid import EARTH_RADIUS, EARTH_ROTATION, Grid
from dycore.model import Model
from dycore.validation.evidence import Evidence, Kind, within
from dycore.validation.measures import cells_of, volume

SVERDRUP = 1.0e6  # m3/s
# (south, north, west, east) in degrees: seas without a way through, that winds of this size drive some Sv around in
CLOSED_SEAS = {"Nordic Seas": (62.0, 76.0, 345.0, 380.0), "Labrador Sea and Baffin Bay": (55.0, 72.0, 295.0, 315.0),
               "Arabian Sea": (8.0, 24.0, 50.0, 76.0), "Bay of Bengal": (8.0, 22.0, 80.0, 98.0)}
DRAKE = "Donohue et al. 2016 (173 Sv) and Cunningham et al. 2003 (137 Sv), observed in Drake Passage"


def mean_stream_function(model: Model, state: Any, days: float) -> tuple[Any, np.ndarray]:
    """The state so many days later, and the mean of the barotropic stream function (Sv) at the end of each of them.

    [j, i] at west faces and north edges of cells.
    """
    psi, samples = np.zeros(model.grid.cells[1:]), max(1, round(days))
    for _ in range(samples):
        state = model.steps(state, max(1, round(86400.0 / model.parameters.time_step)))
        psi += diagnostics.barotropic_stream_function(model.dataset(state)).values[1:] / samples
    return state, psi


def transport_in(grid: Grid, psi: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """The range of a stream function [j, i] (Sv) on the sea within (south, north, west, east) (degrees)."""
    south, north, west, east = box
    between = ((grid.longitude - west) % 360.0 <= east - west) & (grid.latitude >= south) & (grid.latitude <= north)
    inside = between & grid.wet[-1]
    return float(np.ptp(psi[inside]))


def sverdrup_transport(model: Model, stress: np.ndarray, latitude: float, west: float, east: float) -> float:
    """Southward transport (Sv) that the wind stress [j] drives between two longitudes: -curl(tau) / (beta rho) times the width."""
    curl = -np.gradient(stress * np.cos(np.radians(model.grid.y)), np.radians(model.grid.y)) / (
        EARTH_RADIUS * np.cos(np.radians(model.grid.y)))
    beta = 2.0 * EARTH_ROTATION * np.cos(np.radians(latitude)) / EARTH_RADIUS
    width = EARTH_RADIUS * np.cos(np.radians(latitude)) * np.radians(east - west)
    assert isinstance(model.parameters.fluid, Ocean)
    density = model.parameters.fluid.reference_density
    return float(-np.interp(latitude, model.grid.y, curl) * width / (beta * density * SVERDRUP))


def global_ocean(backend: Any, short: bool = False) -> Evidence:
    """A global ocean at 2 degrees with real coastlines, one simulated year from rest (depths invented).

    Coastlines of the package global-land-mask; the depth falls from 400 m at the coast to 5000 m and is
    invented, as are the rounded winds and the temperature that the surface is relaxed to. So nothing
    here is to be compared with the sea to better than the sign and the size. The ocean begins level, so that what
    flows is driven by the winds and by the contrast that the surface builds: a first temperature that is warmer in the
    tropics at all depths drove 100 Sv and more over the invented slopes, in seas without a way through as well.
    """
    cells, days = ((6, 30, 72), 60.0) if short else ((15, 76, 180), 365.0)
    grid, parameters, state = cases.global_ocean(cells)
    model = Model(grid, parameters, backend)
    before = budgets(model, state)
    state, psi = mean_stream_function(model, model.run(state, days=days / 2.0, progress=False), days / 2.0)
    after = budgets(model, state)
    speed = float(np.abs(cells_of(model, state.u)).max())
    stress = np.asarray(parameters.surface_stress[0])[:, 0]  # type: ignore[index]

    j, i = np.argmin(np.abs(grid.y - 30.0)), np.abs(grid.x[:, None] - np.arange(125.0, 240.0, 10.0)).argmin(axis=0)
    psi_coast = float(psi[j, np.argmin(np.abs(grid.x - 255.0))])  # on land in the east: the constant of the continent
    pacific = float(psi[j, i].max() - psi_coast)
    theory = sverdrup_transport(model, stress, float(grid.y[j]), 122.0, 245.0)
    drake = np.argmin(np.abs(grid.x - 295.0))
    eastward = -float(psi[(grid.y < -50.0), drake][-1])
    rows = [
        within("drift of volume over the run, relative", abs(after[0] / before[0] - 1.0), None, 1e-12, "0",
               "round-off of every step", "conservation"),
        within("drift of the salt content over the run, relative", abs(after[1] / before[1] - 1.0), None, 1e-11, "0",
               "round-off of every step; salinity has no forcing", "conservation"),
        within("gyre of the North Pacific at 30 N (Sv)", pacific, 0.4 * theory, 1.6 * theory, f"{theory:.1f}",
               "Sverdrup's balance has no bottom, friction or spin-up: size and sign", "Sverdrup 1947, with this wind"),
        within("transport through Drake Passage (Sv)", eastward, 10.0 if short else 34.0, 250.0, "137 to 173",
               "invented depths, one year from rest, in which the transport only begins to grow: a quarter of "
               "what is observed", DRAKE, Kind.FIGURE),
        within(f"transport in a closed sea, the largest of {len(CLOSED_SEAS)} (Sv)",
               max(transport_in(grid, psi, box) for box in CLOSED_SEAS.values()), None, 30.0, "some Sv",
               "a linear solution with this wind alone gives up to 30; a tilted beginning gave more than 100", "sanity"),
        within("largest speed (m/s)", speed, 0.1, 3.0, "-", "currents on a grid of 2 degrees", "sanity"),
    ]
    return Evidence(rows, {"stream-function": picture(model, state, psi, days)})


def budgets(model: Model, state: Any) -> tuple[float, float]:
    """(volume (m3), salt content (g/kg m3))."""
    water = volume(model, state)
    return float(water.sum()), float((water * cells_of(model, state.tracers[1])).sum())


def picture(model: Model, state: Any, psi: np.ndarray, days: float) -> Any:
    """Maps of the stream function and of the temperature of the uppermost layer."""
    from matplotlib.figure import Figure

    grid, wet = model.grid, model.grid.wet[-1]
    figure = Figure(figsize=(10, 9), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    americas = psi[np.argmin(np.abs(grid.y - 40.0)), np.argmin(np.abs(grid.x - 255.0))]
    sea = np.ma.masked_where(~wet, psi - americas)
    levels = np.arange(-100.0, 101.0, 10.0)
    temperature = np.ma.masked_where(~wet, cells_of(model, state.tracers[0])[-1])
    mean = f"barotropic stream function (Sv; 0 on the Americas), mean of days {days / 2:.0f} to {days:.0f}"
    for axes, values, title, options in (
            (upper, sea, mean, {"levels": levels, "cmap": "RdBu_r"}),
            (lower, temperature, f"temperature of the uppermost layer (degree C), day {days:.0f}",
             {"levels": np.arange(-2.0, 30.0, 2.0), "cmap": "inferno"})):
        filled = axes.contourf(grid.x, grid.y, values, extend="both", **options)
        axes.contour(grid.x, grid.y, values, levels=options["levels"], colors="k", linewidths=0.3)
        figure.colorbar(filled, ax=axes)
        axes.set(title=title, ylabel="latitude (degrees)", facecolor="0.8")
    lower.set_xlabel("longitude (degrees east); depths are invented")
    return figure
