"""Times as multiples of Fortran's on as many ranks: one summary, which the page and the README both show.

The cells of a wave and of a channel of "a million cells" differ by some percent: sizes are told apart by `about`.
"""

import math
import statistics
from typing import Any, NamedTuple

from dycore.benchmarks import tables

SUMMARISED_CELLS = 90_000  # on smaller grids the figures say more of calls than of kernels
STEPS_OF_A_DECADE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)


class Kind(NamedTuple):
    """What is summarised apart: ratios on other numbers of ranks say other things."""

    ranks: int
    scaling: str
    on_gpu: bool

    @property
    def words(self) -> str:
        ranks = "1 rank" if self.ranks == 1 else f"{self.ranks} ranks, {self.scaling} scaling"
        return ranks + (", on a GPU against one core" if self.on_gpu else "")


class Ratio(NamedTuple):
    """One measurement over that of Fortran."""

    kind: Kind
    competitor: str
    cells: float
    value: float


def about(n_cells: int) -> float:
    """The nearest of 1, 1.5, 2, 3, 5 and 7 times a power of ten, in ratios."""
    decade = 10.0 ** math.floor(math.log10(n_cells))
    return min((decade * step for step in STEPS_OF_A_DECADE), key=lambda size: abs(math.log(size / n_cells)))


def found(records: list[dict[str, Any]]) -> list[Ratio]:
    """All that has a Fortran of the same case, size and precision on as many ranks beside it; one rank first."""
    steps = [record for record in tables.of_steps(records) if not record["error"]]
    ratios = []
    for group in tables.by(steps, "case", "precision", "n_cells", "ranks", "scaling").values():
        fortran = next((record["ms_per_million_cells"] for record in group if record["competitor"] == "fortran"), None)
        if fortran is not None:
            ratios += [Ratio(Kind(record["ranks"], record["scaling"], tables.on_gpu(record)), record["competitor"],
                             about(record["n_cells"]), record["ms_per_million_cells"] / fortran)
                       for record in group if record["competitor"] != "fortran"]
    return sorted(ratios, key=lambda ratio: (ratio.kind, [*tables.LABELS].index(ratio.competitor)))


def large(ratios: list[Ratio]) -> list[Ratio]:
    """Those of grids that are summarised; all where there is none of these."""
    return [ratio for ratio in ratios if ratio.cells >= SUMMARISED_CELLS] or ratios


def spread(values: list[float]) -> str:
    """The geometric mean and, in brackets, the least and the greatest."""
    return f"{statistics.geometric_mean(values):.2f}" + (f" ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else "")


def table(ratios: list[Ratio], by_size: bool) -> tuple[list[str], list[list[str]]]:
    """A row for each number of ranks, or for each and each size; a column for each competitor."""
    names = [name for name in tables.COMPETITORS if any(ratio.competitor == name for ratio in ratios)]
    rows: dict[tuple, list[Ratio]] = {}
    for ratio in sorted(ratios, key=lambda ratio: (ratio.kind, ratio.cells)):
        rows.setdefault((ratio.kind, ratio.cells) if by_size else (ratio.kind,), []).append(ratio)
    columns = ["ranks", *(["cells"] if by_size else []), *(tables.LABELS[name] for name in names)]
    return columns, [[key[0].words, *(tables.size(round(cells)) for cells in key[1:]),
                      *(spread(values) if (values := [ratio.value for ratio in row if ratio.competitor == name]) else "n/a"
                        for name in names)] for key, row in rows.items()]


def span(ratios: list[Ratio]) -> str:
    """The sizes that are summarised."""
    sizes = sorted({ratio.cells for ratio in large(ratios)})
    return " to ".join(dict.fromkeys(tables.size(round(size)) for size in (sizes[0], sizes[-1])))


def words(ratios: list[Ratio]) -> str:
    """What a summary of these is of."""
    return (f"Time as a multiple of Fortran's on as many ranks, {span(ratios)} cells: geometric mean (least to greatest) over "
            "cases, sizes and precisions.")
