"""Page of an experiment with downscaling: rows of numbers against references, figures, and the card of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dycore.learning import model_card
from dycore.learning.coarse_graining import block_means
from dycore.learning.downscaler import in_cells, interpolated
from dycore.learning.downscaling import Downscaling
from dycore.learning.downscaling_scores import TAILS, largest_departure
from dycore.learning.downscaling_settings import DownscalingSettings
from dycore.validation.evidence import Evidence, Kind, Row, within

HEADING = "Downscaling by diffusion"
OURS = "measured here"
COLOURS = {"truth": "k", "drawn": "C1", "bicubic": "C0"}


def rows_of(found: Downscaling) -> list[Row]:
    """Rows: probability, spectra, means of blocks, spread and tails, with those of bicubic interpolation as references."""
    scores = found.scores
    rows = [
        within("CRPS over the mean absolute error of bicubic interpolation", scores.probability / scores.bicubic, None, 0.7,
               f"1 ({scores.bicubic:.4f})", f"{scores.probability:.4f} standard deviations; bicubic with means of blocks restored "
               f"has {scores.corrected:.4f}", OURS, Kind.MODEL),
        within("spectrum, largest departure from the truth's up to the Nyquist wavenumber", largest_departure(scores, "drawn"),
               None, 0.2, f"{largest_departure(scores, 'bicubic'):.3g}", "bicubic interpolation's", OURS, Kind.MODEL),
        within("means of blocks, largest difference from what was given, over the standard deviation", scores.means, None, 1e-5,
               "0", "round-off of single precision", "conservation"),
        within(f"spread over error of {found.members.shape[0]} members", scores.spread_over_error, 0.8, 1.2, "1",
               "members are as far from their mean as the truth", OURS, Kind.MODEL)]
    for number, quantile in enumerate(TAILS):
        drawn, smooth = (scores.tails[name][number] / scores.tails["truth"][number] for name in ("drawn", "bicubic"))
        rows.append(within(f"quantile of {100.0 * quantile:g} % of |vorticity| over the truth's", drawn, 0.95, 1.05,
                           f"{smooth:.4f}", "bicubic interpolation's", OURS, Kind.MODEL))
    return rows


def evidence(found: Downscaling) -> Evidence:
    """Rows and figures of an experiment."""
    return Evidence(rows_of(found), {"fields": fields_figure(found), "spectra": spectra_figure(found)})


def fields_figure(found: Downscaling) -> Any:
    """A coarse field, its interpolation, two members that were drawn, the truth, and the spread of all members."""
    from matplotlib.figure import Figure

    figure, factor, truth = Figure(figsize=(11.0, 7.0), layout="constrained"), found.downscaler.factor, found.truth[0]
    coarse = block_means(truth, factor)
    panels = {"given: means of blocks": in_cells(coarse, factor), "bicubic": np.asarray(interpolated(coarse, factor)),
              "truth": truth, "drawn": found.members[0, 0], "drawn, another": found.members[1, 0],
              f"standard deviation of {len(found.members)}": found.members[:, 0].std(axis=0, ddof=1)}
    most = float(np.abs(truth).max())
    for axes, (title, values) in zip(figure.subplots(2, 3).flat, panels.items(), strict=True):
        spread = title.startswith("standard")
        drawn = axes.pcolormesh(values, cmap="magma_r" if spread else "RdBu_r", vmin=0.0 if spread else -most,
                                vmax=0.5 * most if spread else most, rasterized=True)
        axes.set(title=title, aspect="equal", xticks=[], yticks=[])
        figure.colorbar(drawn, ax=axes, label="vorticity (1/s)", shrink=0.8)
    return figure


def spectra_figure(found: Downscaling) -> Any:
    """Spectra, their ratios to the truth's, and the ranks of the truth among members."""
    from matplotlib.figure import Figure

    figure, scores = Figure(figsize=(12.0, 3.8), layout="constrained"), found.scores
    left, middle, right = figure.subplots(1, 3)
    for name, values in scores.spectra.items():
        numbers = np.arange(1, 1 + len(values))
        left.loglog(numbers, values, color=COLOURS[name], label=name)
        middle.plot(numbers, values / scores.spectra["truth"], color=COLOURS[name])
    middle.axhspan(0.8, 1.2, color="0.9", zorder=0)
    middle.axvline(len(scores.spectra["truth"]) / found.downscaler.factor, color="0.5", ls=":")
    left.set(xlabel="wavenumber", ylabel="variance / that of the fields")
    middle.set(xlabel="wavenumber (dotted: the shortest of the coarse field)", ylabel="over the truth's", ylim=(0.0, 1.5))
    right.bar(range(len(scores.ranks)), scores.ranks / scores.ranks.sum() * len(scores.ranks), color="C1")
    right.axhline(1.0, color="k", lw=0.7)
    right.set(xlabel="rank of the truth among members", ylabel="frequency over that of a flat histogram")
    left.legend()
    return figure


def write_card(path: Path, settings: DownscalingSettings, found: Downscaling) -> None:
    """Write the model card beside the model: what it is, of what, what for, how it was trained, how good it is."""
    own, fit, (ny, nx) = found.downscaler, found.fit, found.truth.shape[1:]
    about = (f"A diffusion model (Karras et al. 2022) of {model_card.number_of_weights(own)} weights that draws {ny} x {nx} cells "
             f"of vorticity of which means over blocks of {own.factor} x {own.factor} are given "
             f"(`dycore.learning.load_downscaler`, `drawn`), in {found.seconds:.2g} s of processor time a field with "
             f"{settings.steps} steps.")
    days = {"training": settings.training, "held out": settings.held_out, "test": settings.test}
    data = (f"The run in `{settings.run.name}`, vorticity as means over {settings.coarsen} x {settings.coarsen} of its cells. Days "
            "for " + "; ".join(f"{name}: {first:g} to {last:g}" for name, (first, last) in days.items())
            + f". {len(found.truth)} fields of the test. Fields are turned by 180 degrees at random.")
    training = ["| passes | optimiser steps | held-out loss, first and lowest | processor time (s) |", "|---|---|---|---|",
                f"| {settings.passes} | {len(fit.losses)} | {fit.held_out_losses[0]:.4f}, {fit.held_out_losses.min():.4f} | "
                f"{fit.seconds:.0f} |"]
    limits = ("For vorticity of this flow at this spacing, on planes of any size that go round in both directions. Means of blocks "
              "are kept, and nothing else: fields that are drawn at two times have nothing to do with one another beyond them. "
              "It has learnt one climate: what is drawn for other flows is of this one.")
    model_card.write_card(path, "downscaling.safetensors", about, data, training, settings.seed, rows_of(found), limits)
