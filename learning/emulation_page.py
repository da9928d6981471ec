"""Page of an experiment with an emulator: rows of numbers against references, figures, and the card of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dycore.learning import model_card
from dycore.learning.emulation import Emulation
from dycore.learning.emulation_settings import EmulationSettings
from dycore.learning.emulator import PRESSURE, Layout, trained
from dycore.learning.emulator_scores import distances
from dycore.learning.model_card import number_of_weights
from dycore.tiles import Boundary
from dycore.validation.evidence import Evidence, Kind, Row, within

HEADING = "Emulator of the core"
OURS = "measured here"
FASTER, DAYS = 20.0, 5.0  # times the core; of the forecasts that are judged
COLOURS = {"emulator": "C1", "linear": "C0", "persistence": "0.5", "climatology": "0.75"}


class Fluid(NamedTuple):
    """Names for a fluid: of its zonal velocity, of the mean that is kept and how the change of that is told, and of levels."""

    velocity: str
    kept: str
    change: str
    levels: str


AIR = Fluid("zonal wind", "mean surface pressure", "relative change in the rollout", "level from the top")
WATER = Fluid("zonal velocity", "mean height of the sea's surface",
              "change in the rollout over the standard deviation of the height", "level from the floor")


def fluid_of(layout: Layout) -> Fluid:
    """The fluid of a layout: air, which has a surface pressure, or water."""
    return AIR if layout.surface == PRESSURE else WATER


def rows_of(found: Emulation) -> list[Row]:
    """Rows: forecasts against each reference, the climate of the long rollout, mass, and speed."""
    layout, (mean, deviation, drift) = found.emulator.layout, found.accepted
    every, fluid = layout.every, fluid_of(layout)
    lead_time = min(len(found.forecasts.error["emulator"]), max(1, round(DAYS / every)))
    at = {name: float(values[lead_time - 1]) for name, values in found.forecasts.error.items()}
    rows = [within(f"error after {lead_time * every:.3g} days, over that of {name}", at["emulator"] / each, None, 1.0,
                   f"1 ({each:.4f})", f"below {name}; the emulator's is {at['emulator']:.4f} standard deviations", OURS, Kind.MODEL)
            for name, each in at.items() if name != "emulator"]
    climates, emulator = found.climates, found.emulator
    off, halves = distances(emulator, climates["emulator"], climates["core"]), distances(
        emulator, climates["first half"], climates["second half"])
    size = float(np.sqrt((layout.weights[:, 0] * climates["core"].deviation**2).mean()))
    rows += [
        within(f"mean {fluid.velocity} of the long rollout less the core's, root mean square (m/s)", off.mean, None, mean,
               f"{found.sampling.mean:.3g}", "two halves of the core's training days differ by that", OURS, Kind.MODEL),
        within(f"standard deviation of {fluid.velocity} less the core's, root mean square (m/s)", off.deviation, None, deviation,
               f"{found.sampling.deviation:.3g}",
               f"two halves of the core's training days differ by that; the core has {size:.3g} m/s", OURS, Kind.MODEL),
        within(f"mean {fluid.velocity}, first half of the rollout less second, root mean square (m/s)", halves.mean, None, drift,
               f"{found.sampling.mean:.3g}", "no drift", OURS, Kind.MODEL),
        within(f"{fluid.kept}, largest {fluid.change}", found.mass, None, 1.0e-5, "0",
               "round-off of single precision in as many steps", "conservation"),
        within(f"spread over error of {len(found.ensemble.ranks) - 1} members at the last lead time",
               float(found.ensemble.spread_over_error[-1]), 0.8, 1.2, "1",
               f"members are given errors of steps in held-out days, times {found.ensemble.size:.3g}, which is fitted there",
               OURS, Kind.MODEL)]
    mine, core = found.seconds
    if core is not None:
        rows.append(within("simulated days per processor second, over the core's on one core", core / mine, FASTER, None, "1",
                           f"{mine * 1e3:.3g} ms a day, and {core * 1e3:.4g} ms of the core under Numba on the run's own grid",
                           OURS, Kind.MODEL))
    return rows


def evidence(found: Emulation) -> Evidence:
    """Rows and figures of an experiment."""
    return Evidence(rows_of(found), {"forecasts": forecast_figure(found), "climate": climate_figure(found),
                                     "spectra": spectra_figure(found)})


def forecast_figure(found: Emulation) -> Any:
    """Errors and anomaly correlations by lead time, with the ensemble."""
    from matplotlib.figure import Figure

    figure, every = Figure(figsize=(11.0, 4.0), layout="constrained"), found.emulator.layout.every
    left, right = figure.subplots(1, 2)
    for axes, scores in ((left, found.forecasts.error), (right, found.forecasts.correlation)):
        for name, values in scores.items():
            axes.plot(every * np.arange(1, 1 + len(values)), values, "o-", ms=3, color=COLOURS[name],
                      label=f"linear, {found.forecasts.modes} EOFs" if name == "linear" else name)
    days = every * np.arange(1, 1 + len(found.ensemble.error))
    left.plot(days, found.ensemble.error, "C1--", label="mean of an ensemble")
    left.plot(days, found.ensemble.error * found.ensemble.spread_over_error, "C1:", label="its spread")
    left.plot(days, found.ensemble.probability, "C3-.", label="its CRPS")
    left.set(xlabel="days", ylabel="error / standard deviation")
    right.set(xlabel="days", ylabel="anomaly correlation")
    left.legend(fontsize=8)
    return figure


def climate_figure(found: Emulation) -> Any:
    """Mean and standard deviation of zonal velocity of the core, of the emulator, and their difference."""
    from matplotlib.figure import Figure

    figure, layout = Figure(figsize=(12.0, 6.0), layout="constrained"), found.emulator.layout
    fluid, sphere, furthest = fluid_of(layout), layout.boundary is Boundary.POLE, 3.0 * max(found.accepted[:2])
    places, ends = np.array(layout.places) * (1.0 if sphere else 1.0e-3), (-0.5, len(found.climates["core"].mean) - 0.5)
    core, own = found.climates["core"], found.climates["emulator"]
    for panels, name, one, other, colours in zip(figure.subplots(2, 3, sharex=True, sharey=True), ("mean", "standard deviation"),
                                                 core[:2], own[:2], ("RdBu_r", "magma_r"), strict=True):
        limits = (-abs(one).max(), abs(one).max()) if colours == "RdBu_r" else (0.0, one.max())
        for axes, title, values in zip(panels, ("core", "emulator", "difference"), (one, other, other - one), strict=True):
            least, most = limits if title != "difference" else (-furthest, furthest)
            drawn = axes.pcolormesh(places, np.arange(len(values)), values, vmin=least, vmax=most,
                                    cmap=colours if title != "difference" else "PuOr_r")
            axes.set(title=f"{name}: {title}", ylim=ends[::-1] if fluid is AIR else ends)
            figure.colorbar(drawn, ax=axes)
        panels[0].set(ylabel=fluid.levels)
    figure.suptitle(f"{fluid.velocity} (m/s)")
    for axes in panels:
        axes.set(xlabel="latitude" if sphere else "y (km)")
    return figure


def spectra_figure(found: Emulation) -> Any:
    """Spectra of zonal velocity, and the rank histogram of the ensemble."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, colour in (("core", "k"), ("emulator", "C1")):
        values = found.climates[name].spectrum
        left.loglog(np.arange(1, 1 + len(values)), values, color=colour, label=name)
    rows = ", 30 to 60 degrees" if found.emulator.layout.boundary is Boundary.POLE else ""
    left.set(xlabel="zonal wavenumber", ylabel=f"energy of {fluid_of(found.emulator.layout).velocity}{rows} (m2/s2)")
    left.legend()
    ranks = found.ensemble.ranks
    right.bar(range(len(ranks)), ranks / ranks.sum() * len(ranks), color="C1")
    right.axhline(1.0, color="k", lw=0.7)
    right.set(xlabel="rank of the truth among members", ylabel="frequency over that of a flat histogram")
    return figure


def write_card(path: Path, settings: EmulationSettings, found: Emulation) -> None:
    """Write the model card beside the model: what it is, of what, what for, how it was trained, how good it is."""
    layout = found.emulator.layout
    days = {"training": settings.training, "held out": settings.held_out, "test": settings.test}
    place = "sphere" if layout.boundary is Boundary.POLE else "channel"
    about = (f"A convolutional network of {number_of_weights(trained(found.emulator))} weights that steps "
             f"{', '.join(f'{name} ({n})' for name, n in layout.levels)} (levels) on {layout.rows} x {layout.columns} cells of a "
             f"{place} by {layout.every:.3g} days (`dycore.learning.load_emulator`).")
    data = (f"The run in `{settings.run.name}`, means over blocks of {settings.coarsen} x {settings.coarsen} cells. Days for "
            + "; ".join(f"{name}: {first:g} to {last:g}" for name, (first, last) in days.items())
            + f". Windows are turned along rows{' and mirrored at the equator' if layout.mirrored else ''} at random; first states "
            f"have noise of {settings.noise:g} standard deviations.")
    training = ["| steps of rollouts | passes | optimiser steps | held-out loss, first and lowest | processor time (s) |",
                "|---|---|---|---|---|",
                *(f"| {steps} | {passes} | {len(fit.losses)} | {fit.held_out_losses[0]:.4f}, {fit.held_out_losses.min():.4f} | "
                  f"{fit.seconds:.0f} |" for (steps, passes), fit in zip(settings.rollouts, found.fits, strict=True))]
    part = float(found.emulator.damping[0, 0, 0])
    limits = ("For states of this run, or of another one of the same case, grid, levels and step: others are refused or not known "
              f"to the network. It keeps the {fluid_of(layout).kept}, but neither energy nor angular momentum. It has learnt one "
              "climate: forcing, topography and parameters other than those of the run are out of its range. Training minimises "
              "the mean square error, which makes long forecasts smoother than the flow. Each step takes back "
              f"{part:.3g} of the departure from the mean of the training days, which is fitted to a rollout from the first "
              f"held-out day{': the mean of a long rollout is near that mean by construction' if part else ''}.")
    model_card.write_card(path, "emulator.safetensors", about, data, training, settings.seed, rows_of(found), limits)
