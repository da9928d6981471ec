"""Page of an experiment with downscaling: rows of numbers against references, figures, and the card of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dycore.learning import model_card
from dycore.learning.coarse_graining import block_means
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
from dycore.learning.downscaler import in_cells, interpolated
from dycore.learning.downscaling import Downscaling
from dycore.learning.downscaling_settings import DownscalingSettings
from dycore.validation.evidence import Evidence, Kind, Row, within

HEADING = "Downscaling by diffusion"


def rows_of(found: Downscaling) -> list[Row]:
    """Rows: probability, error and correlation of the mean, spectra, means of blocks, spread, ranks, tails, with those of bicubic
    interpolation as references."""
    scores = found.scores
    bicubic, corrected, error = scores.errors["bicubic"], scores.errors["corrected"], scores.mean_errors
    return [
        within("CRPS over the mean absolute error of bicubic interpolation", scores.probability / bicubic, None, 0.7,
               f"1 ({bicubic:.4f})", f"{scores.probability:.4f} standard deviations; bicubic with means of blocks restored "
               f"has {corrected:.4f}", OURS, Kind.MODEL),
        within("error of the mean of members over that of bicubic interpolation", error["drawn"] / error["bicubic"], None, 1.0,
               f"1 ({error['bicubic']:.4f})", f"root mean square; {error['drawn']:.4f} standard deviations; bicubic with means of "
               f"blocks restored has {error['corrected']:.4f}", OURS, Kind.MODEL),
        within("anomaly correlation of the mean of members", found.correlations["drawn"], found.correlations["bicubic"], None,
               f"{found.correlations['bicubic']:.4f}", "bicubic interpolation's; with means of blocks restored it has "
               f"{found.correlations['corrected']:.4f}", OURS, Kind.MODEL),
        within("spectrum, largest departure from the truth's up to the Nyquist wavenumber", largest_departure(scores, "drawn"),
               None, 0.2, f"{largest_departure(scores, 'bicubic'):.3g}", "bicubic interpolation's", OURS, Kind.MODEL),
        within("means of blocks, largest difference from what was given, over the standard deviation", found.means, None, 1e-5,
               "0", "round-off of single precision", "conservation"),
        spread_row(scores.spread_over_error, len(found.members)), *rank_rows(scores.ranks),
        *tail_rows(scores, "bicubic", "bicubic interpolation's")]


def evidence(found: Downscaling) -> Evidence:
    """Rows and figures of an experiment."""
    dotted = len(found.scores.spectra["truth"]) / found.downscaler.factor
    return Evidence(rows_of(found), {"fields": fields(found), "spectra": spectra_figure(found.scores, ("bicubic",), dotted)})


def fields(found: Downscaling) -> Any:
    """A coarse field, its interpolation, two members that were drawn, the truth, and the spread of all members."""
    factor, truth = found.downscaler.factor, found.truth[0]
    coarse = block_means(truth, factor)
    return fields_figure({
        "given: means of blocks": in_cells(coarse, factor), "bicubic": np.asarray(interpolated(coarse, factor)),
        "truth": truth, "drawn": found.members[0, 0], "drawn, another": found.members[1, 0],
        f"standard deviation of {len(found.members)}": found.members[:, 0].std(axis=0, ddof=1)}, float(np.abs(truth).max()))


def write_card(path: Path, settings: DownscalingSettings, found: Downscaling) -> None:
    """Write the model card beside the model: what it is, of what, what for, how it was trained, how good it is."""
    own, (ny, nx) = found.downscaler, found.truth.shape[1:]
    about = (f"A diffusion model (Karras et al. 2022) of {model_card.number_of_weights(own)} weights that draws {ny} x {nx} cells "
             f"of vorticity of which means over blocks of {own.factor} x {own.factor} are given "
             f"(`dycore.learning.load_downscaler`, `drawn`), in {found.seconds:.2g} s of processor time a field with "
             f"{settings.steps} steps. Gains of {own.gains.min():.3g} to {own.gains.max():.3g} by wavenumber give what is drawn "
             "the variance of fields of the training.")
    limits = ("For vorticity of this flow at this spacing, on planes of any size that go round in both directions. Means of blocks "
              "are kept, and nothing else: fields that are drawn at two times have nothing to do with one another beyond them. "
              "It has learnt one climate: what is drawn for other flows is of this one.")
    model_card.write_card(path, "downscaling.safetensors", about,
                          data_of_card(settings, len(found.truth), "fields"), training_of_card(settings, found.fit), settings.seed,
                          rows_of(found), limits)
