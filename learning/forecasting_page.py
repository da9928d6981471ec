"""Page of an experiment with ensemble forecasts: rows of numbers against references, figures, and the card of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dycore.learning import model_card
from dycore.learning.diffusion_page import (
    OURS,
    data_of_card,
    fields_figure,
    rank_rows,
    spectra_figure,
    spread_row,
    tail_rows,
    training_of_card,
)
from dycore.learning.diffusion_scores import largest_departure
from dycore.learning.forecasting import Forecasting
from dycore.learning.forecasting_settings import ForecastingSettings
from dycore.validation.evidence import Evidence, Kind, Row, within

HEADING = "Ensemble forecasts by diffusion"


def rows_of(found: Forecasting) -> list[Row]:
    """Rows: spread, ranks, probability and error of the mean, spectra and tails, with single forecasts as references."""
    scores = found.scores
    beaten = [within(f"CRPS over the mean absolute error of {about}", scores.probability / scores.errors[name], None, 1.0,
                     f"1 ({scores.errors[name]:.4f})", f"{scores.probability:.4f} standard deviations", OURS, Kind.MODEL)
              for name, about in (("deterministic", "the deterministic network"), ("persistence", "persistence"))]
    drawn, single = (scores.mean_errors[name] for name in ("drawn", "deterministic"))
    return [
        spread_row(scores.spread_over_error, len(found.members)), *rank_rows(scores.ranks), *beaten,
        within("error of the mean of members over that of the deterministic network", drawn / single, None, 1.1,
               f"1 ({single:.4f})", f"root mean square; persistence has {scores.mean_errors['persistence']:.4f} standard "
               f"deviations, the climatology {scores.mean_errors['climatology']:.4f}", OURS, Kind.MODEL),
        within("spectrum, largest departure from the truth's up to the Nyquist wavenumber", largest_departure(scores, "drawn"),
               None, 0.2, f"{largest_departure(scores, 'deterministic'):.3g}", "the deterministic network's", OURS, Kind.MODEL),
        *tail_rows(scores, "deterministic", "the deterministic network's")]


def evidence(found: Forecasting) -> Evidence:
    """Rows and figures of an experiment."""
    return Evidence(rows_of(found), {"fields": fields(found),
                                     "spectra": spectra_figure(found.scores, ("deterministic", "persistence"))})


def fields(found: Forecasting) -> Any:
    """A present state, the next, the deterministic forecast, two members, and the spread of all members."""
    members, truth = found.members, found.truth[0]
    return fields_figure({
        "given: the present state": found.present[0], "deterministic": found.deterministic[0], "truth: the next state": truth,
        "drawn": members[0, 0], "drawn, another": members[1, 0],
        f"standard deviation of {len(members)}": members[:, 0].std(axis=0, ddof=1)}, float(np.abs(truth).max()))


def write_card(path: Path, settings: ForecastingSettings, found: Forecasting) -> None:
    """Write the model card beside the model: what it is, of what, what for, how it was trained, how good it is."""
    ny, nx = found.truth.shape[1:]
    weights, every = model_card.number_of_weights(found.model), f"{settings.record_every:g} days"
    about = (f"A diffusion model (Karras et al. 2022) of {weights} weights that draws the vorticity of {ny} x {nx} cells {every} "
             "after a state that is given (`dycore.learning.load_sequence_diffusion`, `drawn_sequences`), in "
             f"{found.seconds:.2g} s of processor time a state with {settings.steps} steps.")
    limits = (f"For this flow, as means over these cells and steps of {every}. One step is judged; members that are given back to "
              "it to go on are not. It has learnt one climate: what is drawn for other flows is of this one.")
    model_card.write_card(path, "forecasting.safetensors", about, data_of_card(settings, len(found.truth), "pairs of states"),
                          training_of_card(settings, found.fit), settings.seed, rows_of(found), limits)
