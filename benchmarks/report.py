"""Tables and the picture, made from records of the suite (see suite.py for what a record holds).

`python -m benchmarks.report DIR` makes those of the newest run in DIR/results.json again.
"""

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMPETITORS = ("fortran", "numba", "jax", "numpy")
# Okabe and Ito's colours, told apart by all eyes; the marker and the label say the same again.
COLOURS = {"fortran": "#000000", "numba": "#0072B2", "jax": "#D55E00", "numpy": "#CC79A7"}
MARKERS = {"fortran": "s", "numba": "o", "jax": "^", "numpy": "D"}
LABELS = {"fortran": "Fortran", "numba": "Numba", "jax": "JAX", "numpy": "NumPy"}
FLOOR_COLOUR = "#777777"


# Words


def title(record: dict[str, Any]) -> str:
    return f"{record['case']}, {size(math.prod(record['cells']))} cells, {record['precision']}"


def size(n_cells: int) -> str:
    """1.03e5 for 102960."""
    mantissa, exponent = f"{n_cells:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def figure(number: float | None) -> str:
    """Three digits, no exponent."""
    if number is None:
        return "n/a"
    return f"{number:.{max(0, 2 - math.floor(math.log10(abs(number))))}f}" if number else "0"


def sentence(record: dict[str, Any]) -> str:
    if record["error"]:
        return f"{title(record)}: {record['competitor']} n/a: {record['error']}"
    return f"{title(record)}: {record['competitor']} {spread(record)} ms per 1M cells" + floor_words(record)


def spread(record: dict[str, Any]) -> str:
    """The median and, in brackets, the least and the greatest, all per 1M cells (ms)."""
    scale = record["ms_per_million_cells"] / record["ms_per_step"]
    return (f"{figure(record['ms_per_million_cells'])} ({figure(record['ms_min'] * scale)}"
            f" to {figure(record['ms_max'] * scale)})")


def floor_words(record: dict[str, Any]) -> str:
    return f", {figure(record['floor_ratio'])} x floor" if record["floor_ratio"] else ""


# Tables


def by(records: list[dict[str, Any]], *names: str) -> dict[tuple, list[dict[str, Any]]]:
    """The records in groups, in the order in which they came."""
    grouped: dict[tuple, list[dict[str, Any]]] = {}
    for record in records:
        grouped.setdefault(tuple(record[name] for name in names), []).append(record)
    return grouped


def tables(records: list[dict[str, Any]]) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Heading, columns and rows: one table for each case and precision, a row for each size."""
    present = [name for name in COMPETITORS if any(record["competitor"] == name for record in records)]
    for (case, precision), group in by(records, "case", "precision").items():
        rows = []
        for _, same_size in by(group, "n_cells").items():
            entry = {record["competitor"]: record for record in same_size}
            fortran = entry.get("fortran", {}).get("ms_per_million_cells")
            floor = next((record["floor_ms_per_million_cells"] for record in same_size
                          if record["floor_ms_per_million_cells"]), None)
            cells = " x ".join(map(str, same_size[0]["cells"]))
            rows.append([f"{size(same_size[0]['n_cells'])} ({cells})",
                         *(cell(entry.get(name), fortran) for name in present), figure(floor)])
        yield f"{case}, {precision}", ["cells", *(LABELS[name] for name in present), "floor"], rows


def cell(record: dict[str, Any] | None, fortran: float | None) -> str:
    if record is None or record["error"]:
        return "n/a"
    ratio = f", {record['ms_per_million_cells'] / fortran:.2f} x Fortran" if fortran else ""
    return spread(record) + (ratio if record["competitor"] != "fortran" else "") + floor_words(record)


def details(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    columns = ["case", "cells", "precision", "competitor", "samples x steps", "M cells/s", "compile s", "peak MB",
               "simulated years/day"]
    rows = [[record["case"], size(record["n_cells"]), record["precision"], LABELS[record["competitor"]],
             f"{record['samples']} x {record['steps_per_sample']}", figure(1e3 / record["ms_per_million_cells"]),
             f"{record['compile_seconds']:.2f}",
             figure(record["peak_memory_bytes"] and record["peak_memory_bytes"] / 1e6),
             figure(record["simulated_years_per_day"])]
            for record in records if not record["error"]]
    return columns, rows


def failures(records: list[dict[str, Any]]) -> list[str]:
    """One line for each competitor and reason, with where it was."""
    lines = []
    for (name, error), group in by([record for record in records if record["error"]], "competitor", "error").items():
        where = "; ".join(title(record) for record in group) if len(group) < 4 else f"{len(group)} measurements"
        lines.append(f"{LABELS[name]} could not run ({where}): {error}")
    return lines


def origin(records: list[dict[str, Any]]) -> list[str]:
    """Where, when and with what, in a few lines."""
    first = records[0]
    versions = {name: version for record in records for name, version in record["versions"].items()}
    on = ", ".join(dict.fromkeys(f"{record['device']}" for record in records))
    return [f"{on}; threads: {first['threads']}, cores: {first['machine']['cores']}; {first['utc'][:10]}; "
            f"commit {first['commit'][:12]}{'-changed' * first['commit'].endswith('-changed')}",
            ", ".join(f"{name} {version}" for name, version in versions.items()),
            *(f"{case}: {group[0]['stepper']}, {group[0]['right_hand_sides']} right-hand side a step, "
              f"{group[0]['substeps']} barotropic substeps, "
              f"tracers: {group[0]['tracers']} ({group[0]['tracer_scheme']})"
              for (case,), group in by(records, "case").items())]


def markdown(records: list[dict[str, Any]]) -> str:
    lines = ["# Wall time per step per 1M cells (ms; lower is better)", "",
             "Median (least to greatest sample), ratio to Fortran, multiple of the bandwidth floor. "
             "The floor is the time that a triad of the same run takes to move the compulsory traffic.", ""]
    lines += [f"- {line}" for line in origin(records) + failures(records)]
    for heading, columns, rows in tables(records):
        lines += ["", f"## {heading}", "", *markdown_table(columns, rows)]
    return "\n".join([*lines, "", "## All figures", "", *markdown_table(*details(records)), ""])


def markdown_table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]


# The picture


def picture(records: list[dict[str, Any]], path: Path) -> None:
    """Log-log: wall time per step per 1M cells against number of cells, a panel for each case and precision."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    measured = [record for record in records if not record["error"]]
    rows = list(dict.fromkeys(record["precision"] for record in records))
    columns = list(dict.fromkeys(record["case"] for record in records))
    settings: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#999999",
                "xtick.color": "#444444", "ytick.color": "#444444", "figure.dpi": 150}
    with pyplot.rc_context(settings):
        drawing, panels = pyplot.subplots(len(rows), len(columns), figsize=(5.2 * len(columns), 3.6 * len(rows) + 0.7),
                                          sharex=True, sharey=True, squeeze=False, layout="constrained")
        ends = []
        for (case, precision), panel in zip([(case, precision) for precision in rows for case in columns],
                                            panels.flat, strict=True):
            ends.append(draw_lines(panel, [record for record in measured
                                           if (record["case"], record["precision"]) == (case, precision)]))
            panel.set_title(f"{case.replace('_', ' ')}, {precision}", loc="left", fontsize=10.5, fontweight="bold")
        for panel, ends_here in zip(panels.flat, ends, strict=True):
            label_ends(panel, ends_here)
            panel.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            panel.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            panel.yaxis.set_minor_locator(ticker.NullLocator())
            panel.grid(which="major", color="#e6e6e6", linewidth=0.8)
            panel.set_axisbelow(True)
        for panel in panels[-1]:
            panel.set_xlabel("grid cells")
        for panel in panels[:, 0]:
            panel.set_ylabel("ms per step per 1M cells")
        drawing.suptitle("Wall time per step per 1M cells: lower is better; bands span all samples",
                         x=0.01, ha="left", fontsize=12)
        drawing.supxlabel(origin(records)[0], x=0.01, ha="left", fontsize=7.5, color="#666666")
        # Written aside: a full disk must not leave half a picture.
        aside = path.with_name(f".{path.name}")
        try:
            drawing.savefig(aside, format="png", bbox_inches="tight", pad_inches=0.15)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
            pyplot.close(drawing)


def draw_lines(panel: Any, records: list[dict[str, Any]]) -> list[tuple[float, float, str, str]]:
    """The lines of one panel; returns their right ends: cells, time, name, colour."""
    panel.set_xscale("log")
    panel.set_yscale("log")
    ends = []
    for name in COMPETITORS:
        group = sorted((record for record in records if record["competitor"] == name), key=lambda r: r["n_cells"])
        if not group:
            continue
        cells = [record["n_cells"] for record in group]
        scales = [1e6 / record["n_cells"] for record in group]
        panel.fill_between(cells, [record["ms_min"] * scale for record, scale in zip(group, scales, strict=True)],
                           [record["ms_max"] * scale for record, scale in zip(group, scales, strict=True)],
                           color=COLOURS[name], alpha=0.18, linewidth=0)
        times = [record["ms_per_million_cells"] for record in group]
        panel.plot(cells, times, color=COLOURS[name], marker=MARKERS[name], markersize=5, linewidth=1.8,
                   markeredgecolor="white", markeredgewidth=0.6)
        ends.append((cells[-1], times[-1], LABELS[name], COLOURS[name]))
    floors = sorted({(record["n_cells"], record["floor_ms_per_million_cells"], record["device"])
                     for record in records if record["floor_ms_per_million_cells"]})
    for device in dict.fromkeys(floor[2] for floor in floors):
        cells = [floor[0] for floor in floors if floor[2] == device]
        times = [floor[1] for floor in floors if floor[2] == device]
        panel.plot(cells, times, color=FLOOR_COLOUR, linestyle=(0, (4, 3)), linewidth=1.4,
                   marker="_" if len(cells) == 1 else "")
        ends.append((cells[-1], times[-1], "bandwidth floor", FLOOR_COLOUR))
    return ends


def label_ends(panel: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """A name at the right end of each line, moved up where two would lie on each other."""
    lowest, highest = panel.get_ylim()
    label_height = 0.065 * math.log10(highest / lowest)
    offset = -math.inf
    for cells, time, label, colour in sorted(ends, key=lambda end: end[1]):
        height = max(math.log10(time), offset + label_height)
        panel.annotate(label, (cells, 10**height), xytext=(7, 0), textcoords="offset points", va="center",
                       color=colour, fontsize=9, annotation_clip=False)
        offset = height


# Files and terminal


def write(folder: Path, records: list[dict[str, Any]]) -> list[str]:
    """results.md and scaling.png; the notes say what was written, or why not."""
    if not records:
        return ["Nothing was measured."]
    aside = folder / ".results.md"
    try:
        aside.write_text(markdown(records))
        aside.replace(folder / "results.md")
    finally:
        aside.unlink(missing_ok=True)
    written = [str(folder / "results.json"), str(folder / "results.md")]
    try:
        picture(records, folder / "scaling.png")
    except ImportError:
        return [f"Wrote {', '.join(written)}. No picture: pip install 'dycore[bench]' brings matplotlib."]
    return [f"Wrote {', '.join(written)}, {folder / 'scaling.png'}."]


def show(records: list[dict[str, Any]], notes: list[str]) -> None:
    """The tables on the terminal."""
    try:
        import rich.console
        import rich.table
    except ImportError:
        print(markdown(records) if records else "")
    else:
        console = rich.console.Console(width=None if sys.stdout.isatty() else 160)
        for heading, columns, rows in tables(records):
            table = rich.table.Table(*columns, title=f"{heading}: ms per step per 1M cells", title_justify="left")
            for row in rows:
                table.add_row(*(text.replace(", ", "\n") for text in row))
            console.print(table)
        for line in failures(records):
            console.print(line, style="yellow", markup=False, highlight=False)
    print("\n".join(notes))


class Lines:
    """Progress where nobody watches: a line for each result."""

    def doing(self, what: str) -> None:
        pass

    def advance(self) -> None:
        pass

    def line(self, text: str) -> None:
        print(text, flush=True)


class Bar(Lines):
    """Progress on a terminal: what is done now, and how much is left."""

    def __init__(self, progress: Any, task: Any) -> None:
        self.progress, self.task = progress, task

    def doing(self, what: str) -> None:
        self.progress.update(self.task, description=what)

    def advance(self) -> None:
        self.progress.advance(self.task)

    def line(self, text: str) -> None:
        self.progress.console.print(text, markup=False, highlight=False)


@contextlib.contextmanager
def progress(total: int) -> Iterator[Lines]:
    try:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield Lines()
        return
    if not sys.stdout.isatty():
        yield Lines()
        return
    # One refresh a second: the bar must not compete with what is measured.
    with Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} of {task.total}"),
                  TimeElapsedColumn(), refresh_per_second=1) as bar:
        yield Bar(bar, bar.add_task("", total=total))


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "bench-results")
    records = json.loads((folder / "results.json").read_text())
    newest = [record for record in records if record["run"] == records[-1]["run"]]
    show(newest, write(folder, newest))
    return 0


if __name__ == "__main__":
    sys.exit(main())
