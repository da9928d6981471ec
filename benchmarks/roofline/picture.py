"""The picture of a roofline: ceilings and competitors, then, for each case, what every ceiling allows beside what they take."""

from pathlib import Path
from typing import Any

from dycore.benchmarks.drawing import COLOURS, DASHES, GREY, MARKERS, End, figure, heading, label_ends, words
from dycore.benchmarks.roofline.ceilings import Ceilings
from dycore.benchmarks.roofline.standings import Standing, limits
from dycore.benchmarks.roofline.tables import NAMES
from dycore.benchmarks.tables import LABELS

INTENSITIES = (0.1, 30.0)  # flops per byte
FILLED = ("full", "left", "none", "top")  # markers of the first case, the second, the third, the fourth


def draw(ceilings: Ceilings, standings: list[Standing], path: Path, below: str) -> None:
    cases = list(dict.fromkeys(standing.step.case for standing in standings))
    with figure(1 + len(cases) // 2, 2, path) as (drawing, panels):
        roofs, *others = panels.flat
        draw_roofs(roofs, ceilings, standings, cases)
        for panel in others[len(cases):]:
            panel.set_visible(False)
        for panel, case in zip(others, cases, strict=False):
            draw_limits(panel, ceilings, [standing for standing in standings if standing.step.case == case])
            heading(panel, f"{case.replace('_', ' ')}: what each ceiling allows")
        words(drawing, "Roofline of one core: where the competitors stand under what it can do", below)


def draw_roofs(panel: Any, ceilings: Ceilings, standings: list[Standing], cases: list[str]) -> None:
    """Flops per second against flops per byte that a step has to move; both logarithmic."""
    panel.set(xscale="log", yscale="log", xlim=INTENSITIES, xlabel="flops per byte that a step has to move", ylabel="Gflop/s")
    top, ends = ceilings.multiply_add / 1e9, []
    for label, rate in (("L1", ceilings.l1), ("L2", ceilings.l2), ("memory", ceilings.memory)):
        corner = min(INTENSITIES[1], 1e9 * top / rate)
        panel.plot([INTENSITIES[0], corner], [INTENSITIES[0] * rate / 1e9, corner * rate / 1e9], color=GREY, linewidth=1.4)
        panel.annotate(label, (INTENSITIES[0], INTENSITIES[0] * rate / 1e9), xytext=(14, -2), textcoords="offset points",
                       fontsize=9, color=GREY, va="center")
    for label, rate, style in (("multiply-add", top, "-"), ("multiply or add", ceilings.multiply_or_add / 1e9, DASHES)):
        panel.plot(INTENSITIES, [rate, rate], color=GREY, linewidth=1.4, linestyle=style)
        ends.append(End(INTENSITIES[1], rate, label, GREY))
    for standing in standings:
        if standing.least:
            panel.plot(standing.step.flops.total / standing.step.bytes, standing.step.flops.total / standing.least,
                       marker=MARKERS[standing.competitor], color=COLOURS[standing.competitor], markersize=7, linestyle="",
                       fillstyle=FILLED[cases.index(standing.step.case) % len(FILLED)])
    panel.set_ylim(min(1.0, INTENSITIES[0] * ceilings.memory / 2e9), 2.0 * top)
    label_ends(panel, ends)
    for number, case in enumerate(cases):
        panel.plot(0.42, 0.05 + 0.07 * number, marker="o", color=GREY, markersize=7, fillstyle=FILLED[number % len(FILLED)],
                   transform=panel.transAxes)
        panel.text(0.45, 0.05 + 0.07 * number, case.replace("_", " "), color=GREY, transform=panel.transAxes, va="center",
                   fontsize=9)
    heading(panel, "ceilings and competitors")


def draw_limits(panel: Any, ceilings: Ceilings, standings: list[Standing]) -> None:
    """A row for each ceiling, a mark for whose counts it is, and a line for the time of each competitor."""
    from matplotlib import ticker

    names = list(NAMES)
    panel.set(xscale="log", xlabel="ns per cell and step", ylim=(len(names) - 0.5, -2.6), yticks=range(len(names)),
              yticklabels=list(NAMES.values()))
    shown = []
    for standing in standings:
        own = [(limit, names.index(name)) for name, limit in limits(standing, ceilings).items()]
        if standing.counts is not None or standing is standings[0]:
            panel.plot(*zip(*own, strict=True), linestyle="", marker=MARKERS[standing.competitor], markersize=7,
                       color=COLOURS[standing.competitor], fillstyle="none", markeredgewidth=1.5)
        if standing.least:
            panel.axvline(standing.least, color=COLOURS[standing.competitor], linewidth=1.8)
            shown.append(standing)
    for number, standing in enumerate(sorted(shown, key=lambda standing: standing.least or 0.0)):
        panel.annotate(LABELS[standing.competitor], (standing.least, -2.3 + 0.5 * (number % 4)), xytext=(-4, 0), ha="right",
                       textcoords="offset points", fontsize=8, color=COLOURS[standing.competitor], va="center")
    panel.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_locator(ticker.NullLocator())
