"""Page of an experiment with posterior sampling: rows beside 4D-Var and LETKF, figures, and the card of the prior."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dycore.learning import model_card
from dycore.learning.diffusion_page import OURS, data_of_card, draw_ranks, fields_figure, training_of_card
from dycore.learning.diffusion_scores import TAILS, DrawnScores, departure_from_flat, outliers
from dycore.learning.downscaler import in_cells
from dycore.learning.posterior_experiment import FILTERED, SAMPLED, VARIATIONAL, PosteriorExperiment
from dycore.learning.posterior_settings import PosteriorSettings
from dycore.validation.evidence import Evidence, Kind, Row, within

HEADING = "Assimilation by posterior sampling"
COLOURS = {SAMPLED: "C1", VARIATIONAL: "C0", FILTERED: "C2"}


def rows_of(found: PosteriorExperiment) -> list[Row]:
    """Rows: error, probability, spread, ranks and tails at the last time, with those of 4D-Var and LETKF as references."""
    def row(quantity: str, value: Callable[[DrawnScores], float], low: float | None, high: float | None, reason: str) -> Row:
        others = ", ".join(f"{name} {value(found.scores[name]):.3g}" for name in (VARIATIONAL, FILTERED))
        return within(quantity, value(found.scores[SAMPLED]), low, high, others, reason, OURS, Kind.MODEL)

    def tail(number: int) -> Callable[[DrawnScores], float]:
        return lambda scores: scores.tails["drawn"][number] / scores.tails["truth"][number]

    least = min(scores.mean_errors.get("analysis", scores.mean_errors["drawn"]) for scores in found.scores.values())
    analysis = found.scores[VARIATIONAL].mean_errors["analysis"]
    seconds = ", ".join(f"{name} {each:.3g}" for name, each in found.seconds.items())
    return [
        row("error of the mean of members (standard deviations)", lambda scores: scores.mean_errors["drawn"], None,
            found.scores[FILTERED].mean_errors["drawn"],
            f"no larger than that of LETKF; the analysis of 4D-Var itself has {analysis:.3g}"),
        within("error of the mean of members over the least of all three", found.scores[SAMPLED].mean_errors["drawn"] / least, None,
               1.0, "1", f"none is nearer; processor seconds a window: {seconds}", OURS, Kind.MODEL),
        row("CRPS (standard deviations)", lambda scores: scores.probability, None, found.scores[FILTERED].probability,
            "no larger than that of LETKF"),
        row("spread over error", lambda scores: scores.spread_over_error, 0.8, 1.2,
            "members are as far from their mean as the truth"),
        row("values beyond all members, over the share by chance", lambda scores: outliers(scores.ranks), 0.8, 1.25,
            "1 where the rank histogram is flat"),
        row("rank histogram, largest relative departure from flat", lambda scores: departure_from_flat(scores.ranks), None, 0.5,
            "0 where members and truth are of one distribution"),
        *(row(f"quantile of {100.0 * quantile:g} % of |vorticity| of members over the truth's", tail(number), 0.95, 1.05,
              "1 where extremes are not blurred") for number, quantile in enumerate(TAILS))]


def evidence(found: PosteriorExperiment) -> Evidence:
    """Rows and figures of an experiment."""
    return Evidence(rows_of(found), {"fields": fields(found), "ranks": ranks_figure(found)})


def fields(found: PosteriorExperiment) -> Any:
    """The truth at the last time of a window, what was observed of it, means of members and a member that was drawn."""
    truth = found.truth[0]
    panels = {"truth": truth, "observed": in_cells(found.observed[0, -1], len(truth) // found.observed.shape[-1]),
              f"{SAMPLED}: a member": found.members[SAMPLED][0, 0],
              **{f"{name}: mean": members[:, 0].mean(axis=0) for name, members in found.members.items()}}
    return fields_figure(panels, float(np.abs(truth).max()))


def ranks_figure(found: PosteriorExperiment) -> Any:
    """Rank histograms, and spectra of members over the truth's."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.0, 3.6), layout="constrained")
    *histograms, right = figure.subplots(1, 4)
    for axes, (name, scores) in zip(histograms, found.scores.items(), strict=True):
        draw_ranks(axes, scores.ranks, COLOURS[name])
        axes.set(title=name)
        ratio = scores.spectra["drawn"] / scores.spectra["truth"]
        right.plot(np.arange(1, 1 + len(ratio)), ratio, color=COLOURS[name], label=name)
    right.axhspan(0.8, 1.2, color="0.9", zorder=0)
    right.set(xlabel="wavenumber", ylabel="variance of members over the truth's", ylim=(0.0, 2.0))
    right.legend()
    return figure


def write_card(path: Path, settings: PosteriorSettings, found: PosteriorExperiment) -> None:
    """Write the card of the prior: what it is, of what, what for, how it was trained, how good it is."""
    ny, nx = found.truth.shape[1:]
    weights = model_card.number_of_weights(found.prior)
    about = (f"A diffusion model (Karras et al. 2022) of {weights} weights that draws trajectories of vorticity, {settings.times} "
             f"states of {ny} x {nx} cells {settings.record_every:.4g} days apart; observations guide it "
             "(`dycore.learning.load_sequence_diffusion`, `posterior_samples`).")
    limits = ("For this flow, at this spacing and these intervals. The covariance that guides it takes errors to be alike "
              "everywhere and Gaussian. Observations are values on a lattice, all at once.")
    model_card.write_card(path, "posterior_sampling.safetensors", about, data_of_card(settings, len(found.truth), "windows"),
                          training_of_card(settings, found.fit), settings.seed, rows_of(found), limits)
