"""How the same measurements compare between runs; the first run is what the others are held against."""

import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dycore.benchmarks import tables
from dycore.benchmarks.drawing import COLOURS, MARKERS, figure, heading

SAME = ("case", "competitor", "precision", "cells", "ranks", "threads", "scaling")
WORDS = ("Times are milliseconds per step; below 1 the later run is faster. A change is called faster or slower where no sample "
         "of one run lies among those of the other. A shared machine drifts by more than that from hour to hour.")


class Pair(NamedTuple):
    """A measurement of the first run, and the same one of another run, by its label."""

    label: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def ratio(self) -> float:
        return self.after["ms_per_step"] / self.before["ms_per_step"]

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest ratio of any two samples."""
        return self.after["ms_min"] / self.before["ms_max"], self.after["ms_max"] / self.before["ms_min"]

    @property
    def verdict(self) -> str:
        least, greatest = self.span
        return "faster" if greatest < 1.0 else "slower" if least > 1.0 else "within the samples"


def labels(folders: list[Path]) -> list[str]:
    """The folders' names; as they were given where two have the same."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def pairs(runs: list[list[dict[str, Any]]], names: list[str]) -> list[Pair]:
    """The largest change first, be it up or down."""
    before = measured(runs[0])
    found = [Pair(name, before[key], record) for run, name in zip(runs[1:], names[1:], strict=True)
             for key, record in measured(run).items() if key in before]
    return sorted(found, key=lambda pair: -abs(math.log(pair.ratio)))


def measured(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str([record[name] for name in SAME] + [tables.on_gpu(record), record.get("gradient_steps", 0)]): record
            for record in records if not record["error"]}


def table(found: list[Pair]) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "precision", "cells", "ranks", "competitor", "results", "before", "after", "after / before", "change"]
    return columns, [[pair.after["case"], pair.after["precision"], tables.size(pair.after["n_cells"]),
                      f"{pair.after['ranks']}{' (weak)' if pair.after['scaling'] == 'weak' else ''}",
                      tables.LABELS[pair.after["competitor"]], pair.label, tables.figure(pair.before["ms_per_step"]),
                      tables.figure(pair.after["ms_per_step"]),
                      f"{pair.ratio:.2f} ({pair.span[0]:.2f} to {pair.span[1]:.2f})", pair.verdict] for pair in found]


def card(ratios: list[float], name: str, of_what: str) -> tuple[str, str, str]:
    """Whose times they are, their mean, and of how many."""
    return (name, f"{statistics.geometric_mean(ratios):.2f} x",
            f"{of_what}: geometric mean of {len(ratios)}, from {min(ratios):.2f} to {max(ratios):.2f}")


def warnings(runs: list[list[dict[str, Any]]], names: list[str], found: list[Pair]) -> list[str]:
    """What a reader has to know before any number."""
    machines = {name: f"{run[0]['machine']['cpu']} with {run[0]['machine']['cores']} cores"
                for run, name in zip(runs, names, strict=True)}
    lines = []
    if len(set(machines.values())) > 1:
        lines.append("The machines differ, so that the ratios say as much of them as of the programs: "
                     + "; ".join(f"{name}: {machine}" for name, machine in machines.items()) + ".")
    for run, name in zip(runs[1:], names[1:], strict=True):
        own = sum(pair.label == name for pair in found)
        lines += [f"{other} lacks {len(measured(these)) - own} of the measurements of {whose}: they are not compared."
                  for these, whose, other in ((runs[0], names[0], name), (run, name, names[0])) if len(measured(these)) > own]
    return lines


def setup(runs: list[list[dict[str, Any]]], names: list[str]) -> tuple[list[str], list[list[str]]]:
    """What each run ran on and with; with several, whether that differs."""
    facts = [dict(facts_of(run)) for run in runs]
    rows = []
    for fact in dict.fromkeys(fact for each in facts for fact in each):
        values = [each.get(fact, "n/a") for each in facts]
        rows.append([fact, *values, *(["differs" if len(set(values)) > 1 else "no"] if len(runs) > 1 else [])])
    return ["what", *names, *(["differs"] if len(runs) > 1 else [])], rows


def facts_of(records: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    first = records[0]
    yield "processor", first["machine"]["cpu"]
    yield "cores", str(first["machine"]["cores"])
    if gpus := dict.fromkeys(record["device"] for record in records if tables.on_gpu(record)):
        yield "GPU", ", ".join(gpus)
    yield "threads", str(first["threads"])
    yield "date", first["utc"][:10]
    yield "commit", first["commit"]
    yield "energy", " or ".join(dict.fromkeys(record.get("energy_counters", tables.NOT_LOOKED_FOR) for record in records))
    for record in records:
        yield from record["versions"].items()


def draw(found: list[Pair], names: list[str], path: Path) -> None:
    """A panel for each later run, a line for each case and precision, a point for each measurement."""
    from matplotlib import ticker

    rows = sorted({(pair.after["case"], pair.after["precision"]) for pair in found}, reverse=True)
    competitors = [name for name in tables.LABELS if any(pair.after["competitor"] == name for pair in found)]
    with figure(1, len(names), path, sharex=True, sharey=True) as (drawing, panels):
        for name, panel in zip(names, panels.flat, strict=True):
            for number, competitor in enumerate(reversed(competitors)):
                own = [pair for pair in found if pair.label == name and pair.after["competitor"] == competitor]
                heights = [rows.index((pair.after["case"], pair.after["precision"]))
                           + 0.6 * ((number + 0.5) / len(competitors) - 0.5) for pair in own]
                colour = COLOURS[competitor]
                panel.hlines(heights, [pair.span[0] for pair in own], [pair.span[1] for pair in own], color=colour, alpha=0.3)
                panel.plot([pair.ratio for pair in own], heights, linestyle="", marker=MARKERS[competitor], color=colour,
                           markeredgecolor="white", markeredgewidth=0.6, label=tables.LABELS[competitor])
            panel.axvline(1.0, color="#999999", linewidth=1.0)
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0, 8.0, 9.0)))
            panel.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            panel.xaxis.set_minor_locator(ticker.NullLocator())
            panel.set_yticks(range(len(rows)), [f"{case.replace('_', ' ')}, {precision}" for case, precision in rows])
            heading(panel, name)
            panel.set_xlabel("time, as a multiple of the first results'")
        handles, words = panels.flat[0].get_legend_handles_labels()
        drawing.legend(handles[::-1], words[::-1], loc="outside lower center", ncols=len(competitors), frameon=False)
