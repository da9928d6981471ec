"""The main picture: time against cells, a panel for each case, all competitors in each, and one key for all."""

import math
from pathlib import Path
from typing import Any, NamedTuple

from dycore.benchmarks import tables
from dycore.benchmarks.drawing import COLOURS, DASHES, DOTS, GREY, MARKERS, figure, heading, words

PANEL_INCHES = (3.9, 3.1)  # two side by side are as wide as a README shows them, in letters of about its own size


class Line(NamedTuple):
    """A line of a panel."""

    competitor: str
    label: str
    dashed: bool
    records: list[dict[str, Any]]


def scaling(records: list[dict[str, Any]], path: Path, precision: str) -> None:
    """Log-log: wall time per step per 1M cells against number of cells, in one precision."""
    from matplotlib import ticker

    records = [record for record in records if record["precision"] == precision]
    cases = list(dict.fromkeys(record["case"] for record in records))
    columns = min(2, len(cases))
    rows = math.ceil(len(cases) / columns)
    with figure(rows, columns, path, PANEL_INCHES, sharex=True, sharey=True) as (drawing, panels):
        key: dict[str, Any] = {}
        cells = [record["n_cells"] for record in records]
        if max(cells) < 10 * min(cells):  # an axis of a part of a decade has no room for its numbers
            panels.flat[0].set_xlim(min(cells) / 4.0, max(cells) * 4.0)
        for case, panel in zip(cases, panels.flat, strict=False):
            key |= draw_times(panel, [record for record in records if record["case"] == case and not record["error"]])
            heading(panel, case.replace("_", " "))
            panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            panel.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            panel.yaxis.set_minor_locator(ticker.NullLocator())
            panel.xaxis.set_minor_formatter(ticker.NullFormatter())
        for number, panel in enumerate(panels.flat):
            panel.axis("on" if number < len(cases) else "off")
            panel.set_xlabel("grid cells" if number + columns >= len(cases) else "")
            panel.tick_params(labelbottom=True)
        for panel in panels[:, 0]:
            panel.set_ylabel("ms per step per 1M cells")
        free = rows * columns > len(cases)
        place = {"loc": "center", "borderaxespad": 0.0} if free else {"loc": "outside right center"}
        (panels.flat[-1] if free else drawing).legend(key.values(), key.keys(), frameon=False, fontsize=11, **place)
        words(drawing, f"Wall time per step per 1M cells, {precision}: lower is better{mpi_words(records)}",
              f"bands span all samples; {tables.origin(records)[0]}{tables.busy_words(records, '; ')}")


def mpi_words(records: list[dict[str, Any]]) -> str:
    several = [line.records[0] for line in lines(records) if line.records[0]["ranks"] > 1]
    if not several:
        return ""
    cores = "more than cores" if several[0]["oversubscribed"] else "one core each" if several[0]["threads"] == 1 else (
        f"{several[0]['threads']} cores each")
    return f"\n+ MPI: {several[0]['ranks']} ranks, {cores}"


def lines(records: list[dict[str, Any]]) -> list[Line]:
    """With several ranks measured, Fortran alone and all + MPI on the most ranks that have cores; else all on one."""
    strong = [record for record in records if not record["error"] and record["ranks"] > 1 and record["scaling"] == "strong"]
    cored = [record for record in strong if not record["oversubscribed"]] or strong
    most = max((record["ranks"] for record in cored), default=1)
    found = []
    for name in tables.COMPETITORS:
        own = [record for record in records if record["competitor"] == name and not record["error"]]
        alone = [record for record in own if record["ranks"] == 1]
        mpi = [record for record in own if record["ranks"] == most > 1 and record["scaling"] == "strong"]
        on_gpu = [record for record in alone if tables.on_gpu(record)]
        alone = [record for record in alone if record not in on_gpu]
        if name == "fortran" or not strong:
            found.append(Line(name, tables.LABELS[name], bool(mpi), alone))
        found += [Line(name, f"{tables.LABELS[name]} + MPI", False, mpi), Line(name, f"{tables.LABELS[name]}, GPU", True, on_gpu)]
    return [line._replace(records=sorted(line.records, key=lambda record: record["n_cells"])) for line in found if line.records]


def draw_times(panel: Any, records: list[dict[str, Any]]) -> dict[str, Any]:
    """The lines of one panel; returns what the key shows of each, by label."""
    panel.set_xscale("log")
    panel.set_yscale("log")
    key: dict[str, Any] = {}
    shown = lines(records)
    for name, label, dashed, group in shown:
        cells = [record["n_cells"] for record in group]
        scales = [1e6 / record["n_cells"] for record in group]
        panel.fill_between(cells, [record["ms_min"] * scale for record, scale in zip(group, scales, strict=True)],
                           [record["ms_max"] * scale for record, scale in zip(group, scales, strict=True)],
                           color=COLOURS[name], alpha=0.18, linewidth=0)
        key[label], = panel.plot(
            cells, [record["ms_per_million_cells"] for record in group], color=COLOURS[name], marker=MARKERS[name], markersize=5.5,
            markerfacecolor="white" if dashed else COLOURS[name], linewidth=1.5 if dashed else 1.9,
            linestyle=DASHES if dashed else "-", markeredgecolor=COLOURS[name] if dashed else "white",
            markeredgewidth=1.0 if dashed else 0.6)
    ranks = max((line.records[0]["ranks"] for line in shown), default=1)
    floors = sorted({(record["n_cells"], record["floor_ms_per_million_cells"], record["device"])
                     for line in shown for record in line.records
                     if record["floor_ms_per_million_cells"] and (record["ranks"] == ranks or line.label.endswith("GPU"))})
    for device in dict.fromkeys(floor[2] for floor in floors):
        points = [floor[:2] for floor in floors if floor[2] == device]
        key["bandwidth floor"], = panel.plot(*zip(*points, strict=True), color=GREY, linestyle=DOTS, linewidth=1.5,
                                             marker="_" if len(points) == 1 else "")
    return key
