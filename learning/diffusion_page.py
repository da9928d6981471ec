"""Pages of experiments with diffusion models: rows, figures and words that they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dycore.learning.diffusion_scores import TAILS, DrawnScores, departure_from_flat, outliers
from dycore.learning.diffusion_settings import DiffusionSettings
from dycore.learning.fitting import Fit
from dycore.validation.evidence import Kind, Row, within

OURS = "measured here"
COLOURS = {"truth": "k", "drawn": "C1"}  # others have the next ones


def spread_row(spread_over_error: float, members: int, of: str = "") -> Row:
    """The row of the spread over the error of the mean of members."""
    return within(f"spread over error of {members} members{of}", spread_over_error, 0.8, 1.2, "1",
                  "members are as far from their mean as the truth", OURS, Kind.MODEL)


def rank_rows(ranks: np.ndarray, of: str = "") -> list[Row]:
    """Rows of a rank histogram: values beyond all members, and the rank that is furthest from as frequent as others."""
    return [within(f"values beyond all members{of}, over the share by chance", outliers(ranks), 0.8, 1.25, "1",
                   f"{200.0 / len(ranks):.3g} % of {ranks.sum()} where the histogram is flat", OURS, Kind.MODEL),
            within(f"rank histogram{of}, largest relative departure from flat", departure_from_flat(ranks), None, 0.25, "0",
                   "flat where members and truth are of one distribution", OURS, Kind.MODEL)]


def tail_rows(scores: DrawnScores, beside: str, about: str) -> list[Row]:
    """Rows of quantiles of magnitudes over the truth's, with those of single fields as references."""
    return [within(f"quantile of {100.0 * quantile:g} % of |vorticity| over the truth's",
                   scores.tails["drawn"][number] / scores.tails["truth"][number], 0.95, 1.05,
                   f"{scores.tails[beside][number] / scores.tails['truth'][number]:.4f}", about, OURS, Kind.MODEL)
            for number, quantile in enumerate(TAILS)]


def fields_figure(panels: Mapping[str, np.ndarray], most: float) -> Any:
    """Panels of vorticity by title, in two rows; those that begin with "standard deviation" have colours of their own."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 7.4), layout="constrained")
    everywhere, meshes = figure.subplots(2, (len(panels) + 1) // 2), {}
    for axes, (title, values) in zip(everywhere.flat, panels.items(), strict=True):
        spread = title.startswith("standard deviation")
        meshes[spread] = axes.pcolormesh(values, cmap="magma_r" if spread else "RdBu_r", vmin=0.0 if spread else -most,
                                         vmax=0.5 * most if spread else most, rasterized=True)
        axes.set(title=title, aspect="equal", xticks=[], yticks=[])
    for spread, mesh in meshes.items():
        label, extend = ("standard deviation of members (1/s)", "max") if spread else ("vorticity (1/s)", "both")
        figure.colorbar(mesh, ax=everywhere, location="bottom", aspect=40, shrink=0.7, label=label, extend=extend)
    return figure


def spectra_figure(scores: DrawnScores, single: tuple[str, ...], dotted: float | None = None) -> Any:
    """Spectra of truth, members and single fields, their ratios to the truth's, and the ranks of the truth among members.

    dotted: a wavenumber that is marked, the shortest of a coarse field.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    colours = COLOURS | {name: f"C{number}" for name, number in zip(single, (0, 2, 3), strict=False)}
    for name, colour in colours.items():
        values = scores.spectra[name]
        numbers = np.arange(1, 1 + len(values))
        left.loglog(numbers, values, color=colour, label=name)
        middle.plot(numbers, values / scores.spectra["truth"], color=colour)
    middle.axhspan(0.8, 1.2, color="0.9", zorder=0)
    if dotted is not None:
        middle.axvline(dotted, color="0.5", ls=":")
    left.set(xlabel="wavenumber", ylabel="variance / that of the fields")
    left.minorticks_off()
    powers = 2 ** np.arange(len(scores.spectra["truth"]).bit_length())
    left.set_xticks(powers, [str(power) for power in powers])
    middle.set(xlabel="wavenumber" + (" (dotted: the shortest of the coarse field)" if dotted else ""), ylabel="over the truth's",
               ylim=(0.0, 1.5))
    draw_ranks(right, scores.ranks, "C1")
    left.legend()
    return figure


def draw_ranks(axes: Any, ranks: np.ndarray, colour: str) -> None:
    """Draw a rank histogram."""
    axes.bar(range(len(ranks)), ranks / ranks.mean(), color=colour)
    axes.axhline(1.0, color="k", lw=0.7)
    axes.set(xlabel="rank of the truth among members", ylabel="frequency over that of a flat histogram")


def data_of_card(settings: DiffusionSettings, number: int, of: str) -> str:
    """The paragraph on data of a model card."""
    parts = {"training": settings.training, "held out": settings.held_out, "test": settings.test}
    return (f"The run in `{settings.run.name}`, vorticity as means over {settings.coarsen} x {settings.coarsen} of its cells. Days "
            "for " + "; ".join(f"{name}: {first:g} to {last:g}" for name, (first, last) in parts.items())
            + f". {number} {of} of the test. Fields are turned by 180 degrees at random.")


def training_of_card(settings: DiffusionSettings, fit: Fit) -> list[str]:
    """The table of the training of a model card."""
    return ["| passes | optimiser steps | held-out loss, first and lowest | processor time (s) |", "|---|---|---|---|",
            f"| {settings.passes} | {len(fit.losses)} | {fit.held_out_losses[0]:.4f}, {fit.held_out_losses.min():.4f} | "
            f"{fit.seconds:.0f} |"]
