"""The unstable jet of Galewsky, Scott and Polvani (2004, Tellus A 56, 429)."""

from __future__ import annotations

from typing import Any

import numpy as np

from dycore import cases
from dycore.cases.barotropic_jet import balanced_depth, bump, jet
from dycore.validation import spectral
from dycore.validation.evidence import Evidence, Kind, Row, close_to, within
from dycore.validation.measures import norms
from dycore.validation.water import Run, area_of, energy_change, layer_of, map_of, mass_row, orders, run_of, vorticity_of

PAPER = "Galewsky et al. 2004, section 2"
# largest northward and southward speed (m/s) on day 6 in dycore.validation.spectral with the truncation T85
SPEEDS_T85 = (50.4, 55.4)


def galewsky(backend: Any, short: bool = False) -> Evidence:
    """A barotropically unstable jet, steady without and rolling up with a bump (Galewsky, Scott and Polvani 2004).

    Tellus A 56, 429, section 2. Without the bump and without friction the jet is an exact steady solution: five
    days. With it, six days, biharmonic friction as the case has it (it scales with the fourth power of the spacing,
    so the flow tends to that without friction), compared with a spectral transform model (dycore.validation.spectral).
    """
    steady_sizes, sizes = ((32, 64), [96]) if short else ((64, 128), [64, 128, 256])
    rows = rows_of_steady_jet(backend, steady_sizes)
    runs = [run_of(cases.barotropic_jet, backend, number, 6.0) for number in sizes]
    finest = runs[-1]
    v = layer_of(finest.model, finest.after.v)
    reason = ("cells of 1.9 degrees see the jet with 10 cells and friction takes its share: 30 %" if short else
              "5 %: friction and truncation of both")
    rows += [
        close_to(f"largest {direction} speed of the perturbed jet on day 6 (m/s), {sizes[-1]} rows", ours, theirs,
                 (0.3 if short else 0.05) * theirs, reason, "spectral model, T85", Kind.MODEL)
        for direction, ours, theirs in zip(("northward", "southward"), (v.max(), -v.min()), SPEEDS_T85, strict=True)]
    rows += [
        mass_row(finest, PAPER),
        within("change of energy with friction, relative", energy_change(finest), -5e-4 if short else -5e-5, 1e-8,
               "0 without friction", "friction removes energy only; 1 in 100 of it is kinetic, of which 5 % (0.5 % with 256 rows) "
               "may go", PAPER)]
    if short:
        return Evidence(rows, {})
    spectrally = against_spectral_model(runs, sizes)
    return Evidence(rows + spectrally.rows, spectrally.figures)


def rows_of_steady_jet(backend: Any, sizes: tuple[int, int]) -> list[Row]:
    """The jet without bump and friction, which stays as it is, with two numbers of rows of cells."""
    steady = [run_of(cases.barotropic_jet, backend, rows, 5.0, perturbation=0.0, friction=0.0) for rows in sizes]
    rates = []
    for name, of in (("depth", lambda state: state.surface), ("zonal velocity", lambda state: state.u)):
        errors = [norms(area_of(run.model), layer_of(run.model, of(run.after)), layer_of(run.model, of(run.before))).l2
                  for run in steady]
        rates.append(within(f"order of l2 of {name} of the steady jet on day 5, {sizes[0]} to {sizes[1]} rows",
                            orders(errors)[0], 1.8, None, "2",
                            "the scheme is of second order; 0.2 for cells that are not small yet", "theory"))
    northward = layer_of(steady[-1].model, steady[-1].after.v)
    return [
        *rates,
        within("largest v less its zonal mean of the steady jet on day 5 (m/s)",
               np.abs(northward - northward.mean(axis=1, keepdims=True)).max(), None, 1e-9, "0",
               "round-off (1e-14 m/s) of the filtered rows, which grows by e in half a day at most", "symmetry"),
        mass_row(steady[-1], PAPER)]


def against_spectral_model(runs: list[Run], sizes: list[int]) -> Evidence:
    """Runs of the perturbed jet with these numbers of rows, held against a spectral transform model on day 6."""
    reference = spectral.transform(85)
    longitude, latitude = spectral.places(reference)
    start = spectral.waves_of(reference, jet(latitude), 0.0, balanced_depth(latitude) + bump(longitude, latitude))
    waves = spectral.run(reference, start, 6.0)
    errors = [norms(area_of(run.model), layer_of(run.model, run.after.surface),
                    spectral.on_cells(reference, waves.surface, rows)).l2 for run, rows in zip(runs, sizes, strict=True)]
    title = ", ".join(f"l2 {error:.1e} with {rows} rows" for error, rows in zip(errors, sizes, strict=True))
    return Evidence([
        within("order of l2 of depth less that of the spectral model on day 6, 128 to 256 rows", orders(errors)[-1], 1.0, None,
               "2", "second order where the flow is resolved: its filaments are not", "spectral model, T85", Kind.MODEL),
        within("l2 of depth less that of the spectral model on day 6, 256 rows", errors[-1], None, 2e-3, "0",
               "0.2 %, 20 m: a tenth of the depth of the vortices, which may stand half a degree apart", "spectral model, T85",
               Kind.MODEL),
    ], {"vorticity": vorticity_figure(runs[-1], spectral.on_corners(reference, waves.vorticity, sizes[-1]), title)})


def vorticity_figure(run: Run, other: np.ndarray, title: str) -> Any:
    """Maps of the relative vorticity north of 10 degrees, of a run and below it another [j, i] (1/s) at the same corners."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 7.0), layout="constrained")
    grid = run.model.grid
    rows = len(grid.y)
    x, y = grid.x_face[:-1], grid.y_face[1:-1]
    east, north = np.roll(np.where(x < 180.0, x, x - 360.0), rows), y > 10.0
    levels = np.arange(-19.0, 20.0, 2.0)
    for axes, field, name in zip(
            figure.subplots(2, 1, sharex=True), (vorticity_of(run.model, run.after), other),
            (f"relative vorticity on day 6, {rows} x {2 * rows} cells; depth: {title}", "the same in a spectral model, T85"),
            strict=True):
        map_of(axes, east, y[north], 1e5 * np.roll(field, rows, axis=1)[north], levels, "RdBu_r", "1e-5 / s", name)
    return figure
