"""What all pictures of the suite share: colours, panels, headings, and names at the ends of lines that do not overlap."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dycore.commands.bench import GRADIENTS
from dycore.files import whole

# Okabe and Ito's colours, told apart by all eyes; the marker and the label say the same again.
COLOURS = {"fortran": "#000000", "numba": "#0072B2", "jax-native": "#009E73", "jax": "#D55E00", "numpy": "#CC79A7"}
MARKERS = {"fortran": "s", "numba": "o", "jax-native": "v", "jax": "^", "numpy": "D"}
COLOURS |= dict(zip(GRADIENTS, ("#E69F00", "#56B4E9", "#F0E442", "#7A5195", "#8C6D31"), strict=False))
MARKERS |= dict(zip(GRADIENTS, ("<", ">", "P", "X", "*"), strict=False))
GREY = "#777777"
DASHES, DOTS = (0, (4, 3)), (0, (1, 2))
PANEL_INCHES = (5.2, 3.6)
LABEL_HEIGHT = 0.068  # of a panel
SETTINGS: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#999999",
                 "xtick.color": "#444444", "ytick.color": "#444444", "figure.dpi": 150}


class End(NamedTuple):
    """The right end of a line, and its label."""

    x: float
    y: float
    label: str
    colour: str


@contextlib.contextmanager
def figure(rows: int, columns: int, path: Path, inches: tuple[float, float] = PANEL_INCHES,
           **axes: Any) -> Iterator[tuple[Any, Any]]:
    """A figure, and its panels of so many inches; written aside, for a full disk must not leave half a picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context(SETTINGS):
        drawing, panels = pyplot.subplots(rows, columns, figsize=(inches[0] * columns, inches[1] * rows + 0.7), squeeze=False,
                                          layout="constrained", **axes)
        try:
            yield drawing, panels
            for panel in panels.flat:
                panel.grid(which="major", color="#e6e6e6", linewidth=0.8)
                panel.set_axisbelow(True)
            with whole(path) as place:
                drawing.savefig(place, format=path.suffix[1:], bbox_inches="tight", pad_inches=0.15)
        finally:
            pyplot.close(drawing)


def heading(panel: Any, text: str) -> None:
    panel.set_title(text, loc="left", fontsize=10.5, fontweight="bold")


def words(drawing: Any, above: str, below: str) -> None:
    drawing.suptitle(above, x=0.01, ha="left", fontsize=12)
    drawing.supxlabel(below, x=0.01, ha="left", fontsize=7.5, color="#666666")


def ranks_axis(panel: Any, ranks: list[int]) -> None:
    """A tick for each number of ranks."""
    from matplotlib import ticker

    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_locator(ticker.FixedLocator(ranks))
    panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_locator(ticker.NullLocator())


def label_ends(panel: Any, ends: list[End]) -> None:
    """A name at the right end of each line, as little moved as it takes that none lies on another."""
    lowest, highest = panel.get_ylim()
    logarithmic = panel.get_yscale() == "log"

    def height_of(value: float) -> float:  # of the panel, 0 to 1
        if logarithmic:
            return math.log(value / lowest) / math.log(highest / lowest)
        return (value - lowest) / (highest - lowest)

    ends = sorted(ends, key=lambda end: end.y)
    for end, height in zip(ends, spread([height_of(end.y) for end in ends]), strict=True):
        panel.annotate(end.label, (end.x, height), xycoords=("data", "axes fraction"),
                       xytext=(7, 0), textcoords="offset points", va="center", color=end.colour, fontsize=9, annotation_clip=False)


def spread(heights: list[float], least: float = LABEL_HEIGHT, ends: tuple[float, float] = (0.02, 0.98)) -> list[float]:
    """Increasing heights so far apart at least and between the ends, each as near as can be to the given one (also increasing)."""
    blocks: list[list[float]] = []  # of heights less the room below them: these may not fall
    for number, height in enumerate(heights):
        blocks.append([height - number * least])
        while len(blocks) > 1 and sum(blocks[-2]) / len(blocks[-2]) > sum(blocks[-1]) / len(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    apart = [sum(block) / len(block) for block in blocks for _ in block]
    return [max(ends[0] + number * least, min(height + number * least, ends[1] - (len(heights) - 1 - number) * least))
            for number, height in enumerate(apart)]
