"""The pictures of a run: time against cells, efficiency against ranks, and what a model predicts for many more."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dycore.benchmarks import calibration, model, tables
from dycore.benchmarks.drawing import COLOURS, DASHES, GREY, MARKERS, End, figure, heading, label_ends, ranks_axis, words
from dycore.benchmarks.times_picture import scaling

NETWORK_COLOURS = ("#E69F00", "#009E73", "#56B4E9", "#000000")


def draw(records: list[dict[str, Any]], folder: Path, suffix: str = ".png") -> list[str]:
    """Every picture that these records give; their paths. Those of precisions after the first have them in their names."""
    steps = tables.of_steps(records)
    precisions = list(dict.fromkeys(record["precision"] for record in steps))
    wanted: dict[str, Callable] = {f"scaling{f'-{precision}' if number else ''}": partial(scaling, precision=precision)
                                   for number, precision in enumerate(precisions)}
    if any(record["ranks"] > 1 and record["efficiency"] for record in steps):
        wanted["efficiency"] = efficiency
    if calibration.fitted(steps):
        wanted["prediction"] = prediction
    for name, picture in wanted.items():
        picture(steps, folder / (name + suffix))
    for stale in {"scaling-float32", "scaling-float64", "efficiency", "prediction"} - wanted.keys():
        (folder / (stale + suffix)).unlink(missing_ok=True)
    return [str(folder / (name + suffix)) for name in wanted]


# Efficiency against ranks


def efficiency(records: list[dict[str, Any]], path: Path) -> None:
    """A row of panels for each case, a column for each scaling: at the most cells, in the first precision measured so."""
    several = [record for record in records if record["ranks"] > 1 and record["efficiency"]]
    columns = [scaling for scaling in ("strong", "weak") if any(record["scaling"] == scaling for record in several)]
    rows = list(dict.fromkeys(record["case"] for record in several))
    with figure(len(rows), len(columns), path, sharex=True, sharey=True) as (drawing, panels):
        ends = []
        for (case, kind), panel in zip([(case, kind) for case in rows for kind in columns], panels.flat, strict=True):
            group = [record for record in several if (record["case"], record["scaling"]) == (case, kind)]
            ends.append(draw_efficiencies(panel, group, records) if group else [])
            if group:
                largest = max(group, key=lambda record: math.prod(record["base_cells"]))
                cells = tables.size(math.prod(largest["base_cells"]))
                heading(panel, f"{case.replace('_', ' ')}, {kind}: {cells} cells{' a rank' if kind == 'weak' else ''}, "
                               f"{group[0]['precision']}")
        for panel, ends_here in zip(panels.flat, ends, strict=True):
            ranks_axis(panel, sorted({1} | {record["ranks"] for record in several}))
            panel.set_ylim(0.0, max(1.1, panel.get_ylim()[1]))
            label_ends(panel, ends_here)
        for panel in panels[-1]:
            panel.set_xlabel("MPI ranks")
        for panel in panels[:, 0]:
            panel.set_ylabel("efficiency")
        hollow = ["hollow: more ranks than cores"] if any(record["oversubscribed"] for record in several) else []
        words(drawing, "Parallel efficiency: t1 / (R tR), per cell; 1 is ideal",
              "; ".join([*hollow, tables.origin(records)[0]]))


def draw_efficiencies(panel: Any, group: list[dict[str, Any]], records: list[dict[str, Any]]) -> list[End]:
    """The most cells of the first precision; and, dashed, what the bandwidth of memory allows."""
    precision = group[0]["precision"]
    cells = max((record["base_cells"] for record in group if record["precision"] == precision), key=math.prod)
    group = [record for record in group if (record["base_cells"], record["precision"]) == (cells, precision)]
    panel.axhline(1.0, color="#bbbbbb", linewidth=1.0)
    ends = []
    for name in tables.COMPETITORS:
        own = sorted((record for record in group if record["competitor"] == name), key=lambda record: record["ranks"])
        if not own:
            continue
        ranks, values = [1, *(record["ranks"] for record in own)], [1.0, *(record["efficiency"] for record in own)]
        panel.plot(ranks, values, color=COLOURS[name], linewidth=1.8)
        for rank, value, filled in zip(ranks, values, [True, *(not record["oversubscribed"] for record in own)], strict=True):
            panel.plot(rank, value, color=COLOURS[name], marker=MARKERS[name], markersize=6, markeredgewidth=1.2,
                       markerfacecolor=COLOURS[name] if filled else "white")
        ends.append(End(ranks[-1], values[-1], tables.LABELS[name], COLOURS[name]))
    allowed = sorted({(record["ranks"], value) for record in group if (value := tables.allowed_efficiency(record, records))})
    if allowed:
        ranks, values = [1, *dict(allowed)], [1.0, *dict(allowed).values()]
        panel.plot(ranks, values, color=GREY, linestyle=DASHES, linewidth=1.4)
        ends.append(End(ranks[-1], values[-1], "bandwidth allows", GREY))
    return ends


# The model


def prediction(records: list[dict[str, Any]], path: Path) -> None:
    """A row for each case: the model against what was measured, then strong and weak scaling to many ranks on networks."""
    found = calibration.fitted(records)
    rows = list(dict.fromkeys(one.case for one in found))
    with figure(len(rows), 3, path) as (drawing, panels):
        for case, (check, strong, weak) in zip(rows, panels, strict=True):
            of_case = [one for one in found if one.case == case]
            order = ("numba", "fortran", "jax-native", "jax", "numpy")
            shown = next(one for name in order for one in of_case if one.competitor == name)
            draw_checks(check, of_case)
            heading(check, f"{case.replace('_', ' ')}, check")
            levels = next(tuple(record["cells"]) for record in records if record["case"] == case)
            for panel, is_weak in ((strong, False), (weak, True)):
                draw_prediction(panel, shown, levels, is_weak)
                cells = f"{tables.size(round(calibration.WEAK_CELLS))} cells a rank" if is_weak else (
                    f"{tables.size(round(calibration.STRONG_CELLS))} cells")
                heading(panel, f"predicted, {'weak' if is_weak else 'strong'}: {cells}, {tables.LABELS[shown.competitor]}")
        for panel in panels[-1, 1:]:
            panel.set_xlabel("MPI ranks")
        words(drawing, "Predicted, not measured: compute, messages and networks, calibrated on this machine",
              f"{found[0].precision}; calibrated with {tables.origin(records)[0]}; latencies and 64 ranks to a link are assumed")


def draw_checks(panel: Any, found: list[calibration.Fitted]) -> None:
    """Each measurement on several ranks as a point; on the line the model is right."""
    times = [time for one in found for check in one.checks for time in (check.measured, check.predicted)]
    span = (10 ** math.floor(math.log10(min(times) / 1.1)), 10 ** math.ceil(math.log10(max(times) * 1.1)))
    panel.set(xscale="log", yscale="log", xlim=span, ylim=span, xlabel="measured (ms a step)", ylabel="predicted (ms a step)")
    panel.plot(span, span, color="#bbbbbb", linewidth=1.0)
    for one in found:
        x, y = [check.measured for check in one.checks], [check.predicted for check in one.checks]
        panel.plot(x, y, linestyle="", marker=MARKERS[one.competitor], color=COLOURS[one.competitor], markersize=5.5,
                   markeredgecolor="white", markeredgewidth=0.6)
    for number, name in enumerate(dict.fromkeys(one.competitor for one in found)):
        panel.plot(0.06, 0.94 - number * 0.08, marker=MARKERS[name], color=COLOURS[name], markersize=5.5, transform=panel.transAxes)
        panel.text(0.1, 0.94 - number * 0.08, tables.LABELS[name], color=COLOURS[name], transform=panel.transAxes, va="center",
                   fontsize=9)


def draw_prediction(panel: Any, one: calibration.Fitted, cells: tuple[int, int, int], weak: bool) -> None:
    panel.set_xscale("log")
    panel.axhline(1.0, color="#bbbbbb", linewidth=1.0)
    ends = []
    for network, colour in zip((*model.NETWORKS, one.memory), NETWORK_COLOURS, strict=True):
        points = calibration.prediction(one, network, cells, weak)
        panel.plot(*zip(*points, strict=True), color=colour, linewidth=1.8, linestyle=DASHES if network is one.memory else "-")
        ends.append(End(*points[-1], network.name, colour))
    panel.set_ylim(0.0, max(1.1, panel.get_ylim()[1]))
    panel.set_xlim(1, calibration.MOST_RANKS)
    panel.set_ylabel("efficiency")
    label_ends(panel, ends)
