"""The climate of Held and Suarez: jets, temperature and eddies, at two resolutions and two strengths of dissipation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dycore import cases, diagnostics
from dycore.grid import interior
from dycore.model import Model
from dycore.validation.evidence import Evidence, Kind, Row, within
from dycore.validation.measures import cells_of

PAPER = "Held and Suarez 1994, Bull. Amer. Meteor. Soc. 75, 1825"
MITGCM = "MITgcm manual, held_suarez experiments, figure of zonal-mean u (cubed sphere 28 to 32, latitude-longitude 36 to 38 m/s)"
SAMPLE = 0.25  # days
MOMENTS = ("u", "temperature", "eddy_heat_flux", "temperature_variance", "u_variance")  # of dycore.diagnostics.zonal_statistics


class Climate(NamedTuple):
    """Time and zonal means [level, latitude], levels from the top to the ground."""

    latitude: np.ndarray  # degrees
    pressure: np.ndarray  # hPa, of the levels over flat ground
    u: np.ndarray  # m/s
    temperature: np.ndarray  # K
    heat_flux: np.ndarray  # [v* T*] (K m/s), * is the departure from the zonal mean
    temperature_variance: np.ndarray  # [T*^2] (K2)
    u_variance: np.ndarray  # [u*^2] (m2/s2)
    mass_drift: float  # relative


def climate(backend: Any, cells: tuple[int, int, int], dissipation: float, spin_up: float, days: float) -> Climate:
    """Statistics over so many days after the spin-up."""
    grid, parameters, state = cases.held_suarez(cells, dissipation=dissipation)
    model = Model(grid, parameters, backend)
    area = interior(grid.metrics.area)
    first_mass = float((interior(state.surface) * area).sum())
    state = model.run(state, days=spin_up, progress=False)
    every = max(1, round(SAMPLE * 86400.0 / parameters.time_step))
    samples = max(1, round(days / SAMPLE))
    sums = np.zeros((5, *cells[:2]))
    for sample in range(samples):
        state = model.steps(state, every)
        found = diagnostics.zonal_statistics(model.dataset(state))
        sums += np.array([found[name].values for name in MOMENTS])
        if not np.isfinite(sums).all():
            raise FloatingPointError(f"The climate of {cells} cells at {dissipation:g} times the dissipation is no longer finite "
                                     f"on day {spin_up + (sample + 1) * SAMPLE:g}.")
    mass = float((cells_of(model, state.surface) * area).sum())
    pressure = 0.005 * (grid.interfaces[1:] + grid.interfaces[:-1])
    u, temperature, heat_flux, temperature_variance, u_variance = sums / samples
    return Climate(grid.y, pressure, u, temperature, heat_flux, temperature_variance, u_variance, abs(mass / first_mass - 1.0))


def jet(climate: Climate, sign: float) -> tuple[float, float, float]:
    """(strength (m/s), latitude (degrees), pressure (hPa)) of the westerly jet below 100 hPa in a hemisphere."""
    u = np.where((climate.latitude * sign > 15.0) & (climate.latitude * sign < 75.0) & (climate.pressure[:, None] > 100.0),
                 climate.u, -np.inf)
    k, j = np.unravel_index(int(u.argmax()), u.shape)
    return float(u[k, j]), abs(float(climate.latitude[j])), float(climate.pressure[k])


def held_suarez(backend: Any, short: bool = False) -> Evidence:
    """Held and Suarez (1994): the climate of a dry sphere, statistics over the last 1000 of 1200 days.

    Bull. Amer. Meteor. Soc. 75, 1825. The paper prints pictures of two models, no table, and warns that the
    results depend on resolution; MITgcm's manual prints those of two grids. The jets are set by dissipation,
    so their strength has a floor and a ceiling here, and a third of it and another resolution stand beside.
    """
    if short:
        runs = {"coarse": climate(backend, (8, 24, 48), 1.0, 100.0, 60.0)}
        name = "coarse"
    else:
        runs = {"2.8 degrees": climate(backend, (20, 64, 128), 1.0, 200.0, 1000.0),
                "2.8 degrees, a third of the dissipation": climate(backend, (20, 64, 128), 1.0 / 3.0, 200.0, 1000.0),
                "5.6 degrees": climate(backend, (20, 32, 64), 1.0, 200.0, 1000.0)}
        name = "2.8 degrees"
    rows = rows_of(runs[name], short)
    for other, result in runs.items():
        if other != name:
            strength = 0.5 * (jet(result, 1.0)[0] + jet(result, -1.0)[0])
            rows.append(within(f"jet (m/s), {other}", strength, 20.0, 45.0, "28 to 38", "a floor and a ceiling: cores with too "
                               "much or too little dissipation give 3 to 66 m/s", MITGCM, Kind.FIGURE))
    return Evidence(rows, figures(runs))


def rows_of(result: Climate, short: bool) -> list[Row]:
    """Rows of what is held against the pictures."""
    north, south = jet(result, 1.0), jet(result, -1.0)
    strength = 0.5 * (north[0] + south[0])
    low = result.pressure > 850.0
    middle = (np.abs(result.latitude) > 30.0) & (np.abs(result.latitude) < 60.0)
    tropics = np.abs(result.latitude) < 25.0
    flux = result.heat_flux * np.sign(result.latitude)
    lowest = result.temperature[-1]
    wide = "; at 7.5 degrees, after 160 days, jets stand nearer to the equator" if short else ""
    return [
        within("jet (m/s), mean of both hemispheres", strength, 15.0 if short else 26.0, 50.0 if short else 40.0, "28 to 38",
               "two cores of one model differ by 8" + wide, MITGCM, Kind.FIGURE),
        within("latitude of the jets (degrees)", 0.5 * (north[1] + south[1]), 20.0 if short else 36.0, 48.0,
               "40", "a row is 2.8 degrees" + wide, MITGCM, Kind.FIGURE),
        within("level of the jets (hPa)", 0.5 * (north[2] + south[2]), 100.0 if short else 175.0, 400.0 if short else 325.0,
               "220 to 300", "a level is 50 hPa thick" + wide, MITGCM, Kind.FIGURE),
        within("difference of the jets of both hemispheres (m/s)", abs(north[0] - south[0]), None, 12.0 if short else 3.0, "0",
               "sampling: the forcing is symmetric" + wide, PAPER),
        within("westerlies of the lowest level (m/s)", float(result.u[-1, middle].max()), 2.0 if short else 6.0, 12.0,
               "8 to 9", "read off contours of 4 m/s" + wide, MITGCM, Kind.FIGURE),
        within("easterlies below 850 hPa in the tropics (m/s)", float(result.u[low][:, tropics].min()), -12.0, -2.0, "-4 to -6",
               "read off contours of 4 m/s", MITGCM, Kind.FIGURE),
        within("temperature of the lowest level, warmest less coldest (K)", float(lowest.max() - lowest.min()), 30.0, 60.0,
               "less than the 60 K of the equilibrium", "eddies carry heat poleward, and cannot reverse the contrast", PAPER),
        within("least temperature (K)", float(result.temperature.min()), 180.0, 215.0, "200", "the equilibrium of the stratosphere",
               PAPER),
        within("poleward eddy heat flux, largest below 850 hPa (K m/s)", float(flux[low].max()), 5.0, 40.0, "poleward",
               "baroclinic eddies carry heat down the gradient; the size is read off no table", PAPER, Kind.FIGURE),
        within("drift of mass, relative", result.mass_drift, None, 1e-12, "0", "round-off of 4e5 steps", "conservation"),
    ]


def figures(runs: dict[str, Climate]) -> dict[str, Any]:
    """The four pictures of the paper for the first run, and the jets of all."""
    from matplotlib.figure import Figure

    first = next(iter(runs.values()))
    panels = (("zonal-mean u (m/s)", first.u, np.arange(-40, 44, 4), "RdBu_r"),
              ("zonal-mean temperature (K)", first.temperature, np.arange(190, 320, 10), "viridis"),
              ("eddy variance of temperature (K2)", first.temperature_variance, np.arange(0, 65, 5), "magma_r"),
              ("northward eddy heat flux (K m/s)", first.heat_flux, np.arange(-30, 34, 4), "RdBu_r"))
    figure = Figure(figsize=(11, 8), layout="constrained")
    for axes, (title, values, levels, colours) in zip(figure.subplots(2, 2, sharex=True, sharey=True).flat, panels, strict=True):
        filled = axes.contourf(first.latitude, first.pressure, values, levels=levels, cmap=colours, extend="both")
        lines = axes.contour(first.latitude, first.pressure, values, levels=levels, colors="k", linewidths=0.4)
        axes.clabel(lines, fontsize=7)
        figure.colorbar(filled, ax=axes)
        axes.set(title=title, xlabel="latitude (degrees)", ylabel="pressure (hPa)", ylim=(1000.0, 0.0))
    sensitivity = Figure(figsize=(8, 4), layout="constrained")
    axes = sensitivity.subplots()
    for name, result in runs.items():
        axes.plot(result.latitude, result.u[result.pressure > 100.0].max(axis=0), label=name)
    axes.axhspan(28.0, 38.0, color="0.9", label="MITgcm, two grids: strength of the jet")
    axes.set(xlabel="latitude (degrees)", ylabel="largest zonal-mean u below 100 hPa (m/s)")
    axes.legend(loc="center", fontsize=8)
    return {"climate": figure, "jets": sensitivity}
