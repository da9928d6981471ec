"""One HTML page of a run, or of a comparison of runs, that asks for nothing from elsewhere: page.html is its template."""

import base64
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dycore.benchmarks import comparison, leaderboard, pictures, ratios, report, tables
from dycore.benchmarks.results_file import newest_run, writing

TIMES = "Wall time per step per 1M cells against the number of cells; both axes are logarithmic, lower is better."
CAPTIONS = {
    "scaling": TIMES, **{f"scaling-{precision}": f"The same in {precision}." for precision in ("float64", "float32")},
    "efficiency": "Parallel efficiency against ranks; the dashed line is what the bandwidth of memory allows.",
    "prediction": "What a model predicts (not a measurement): left against what was measured, then for many ranks on networks.",
    "comparison": "Wall time as a multiple of the first results': left of 1 is faster. Bars span all samples."}

WALL_TIME = (
    "Milliseconds per step per 1M cells: the median of all samples (the least to the greatest), as a multiple of the Fortran "
    "reference and of the floor, which is the time that memory takes to move what a step has to read and write, at the bandwidth "
    "of a triad in the same run.")
METHOD = (
    "Every competitor is a process of its own on cores of its own. After a warm-up all competitors of one case, size and "
    "precision, and the triad, are asked for samples in turn, in an order that rotates, so that the drift of the machine hits "
    "all alike; only one computes at a time. A sample is 20 steps or more, fewer where they take long.",
    "Compiling is not in the times, and has a column of its own. Reading and writing files is not part of a step.")


class Section(NamedTuple):
    """A part of a page; of pictures the names of CAPTIONS, of `tables` (heading, columns, rows)."""

    heading: str
    words: Sequence[str]
    tables: Sequence[tuple[str, list[str], list[list[str]]]] = ()
    pictures: Sequence[str] = ()
    code: str = ""


class Page(NamedTuple):
    """What the template shows; cards are (heading, [(name, number, words)])."""

    title: str
    below: str
    cards: Sequence[tuple[str, Sequence[tuple[str, str, str]]]]
    warnings: Sequence[str]
    sections: Sequence[Section]


def write(folders: list[Path], path: Path) -> None:
    """The page of the newest run in a folder; of several folders, how the others compare with the first, and their leaderboard.

    That is printed too.
    """
    runs = [newest_run(folder) for folder in folders]
    leaderboard.check_distinct(folders, runs)
    with tempfile.TemporaryDirectory() as scratch:
        if len(runs) == 1:
            pictures.draw(runs[0], Path(scratch), ".svg")
            page = page_of_run(runs[0])
        else:
            labels = comparison.labels(folders)
            pairs = comparison.pairs(runs, labels)
            if pairs:
                comparison.draw(pairs, labels[1:], Path(scratch) / "comparison.svg")
            page = page_of_comparison(runs, labels, pairs)
            report.show_tables([("Leaderboard", *leaderboard.table(runs, labels))], leaderboard.differences(runs, labels))
        drawn = {file.stem: "data:image/svg+xml;base64," + base64.b64encode(file.read_bytes()).decode()
                 for file in Path(scratch).glob("*.svg")}
    with writing(path):
        path.write_text(render(page, drawn), encoding="utf-8")


def render(page: Page, drawn: dict[str, str]) -> str:
    """`drawn` are the pictures, as addresses that hold them."""
    import jinja2

    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
                                   lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return templates.get_template("page.html").render(page=page, drawn=drawn, captions=CAPTIONS, parts=parts, numeric=numeric)


def parts(cell: str) -> list[str]:
    """A cell that begins with a number, in lines: the number, then what is said of it."""
    return re.split(r", | (?=\(\d)", cell) if cell[:1].isdigit() else [cell]


def numeric(rows: list[list[str]]) -> list[bool]:
    """Which columns are to be set as numbers; the first one names its row."""
    columns = [set(cells) - {"n/a", tables.NO_COUNTERS} for cells in zip(*rows, strict=True)]
    return [number > 0 and all(cell[:1].isdigit() for cell in cells) for number, cells in enumerate(columns)]


def page_of_run(records: list[dict[str, Any]]) -> Page:
    sections = []
    if timings := list(tables.timings(records)):
        sections.append(Section("Wall time", [WALL_TIME], timings, [name for name in CAPTIONS if name.startswith("scaling")]))
    if over_fortran := ratios.found(records):
        sections.append(Section("Against Fortran, by ranks", [ratios.words(over_fortran)], [
            ("", *ratios.table(ratios.large(over_fortran), by_size=False)),
            ("By size", *ratios.table(over_fortran, by_size=True))]))
    columns, rows = tables.scaling_table(records)
    if rows:
        sections.append(Section("Scaling over MPI ranks", [tables.SCALING_WORDS], [("", columns, rows)], ["efficiency"]))
    columns, rows = tables.prediction_table(records)
    if rows:
        sections.append(Section("Prediction, not measured", [tables.MODEL_WORDS], [("", columns, rows)], ["prediction"]))
    if (gradients := tables.gradients(records))[1]:
        sections.append(Section("Gradients of runs", [tables.GRADIENT_WORDS], [("", *gradients)]))
    sections += [
        Section("All figures, cost and energy", [tables.energy_words(records)], [("", *tables.details(records))]),
        Section("How it was measured", [*METHOD, *tables.origin(records)[2:]]),
        Section("Repeat it", ["In a clone of dycore" + changed_words(records)], code=repeat(records)),
        Section("Machine and versions", [], [("", *comparison.setup([records], ["this run"]))])]
    return Page("dycore benchmark", tables.origin(records)[0], cards(ratios.large(ratios.found(records))),
                tables.marks(records) + tables.failures(records), sections)


def changed_words(records: list[dict[str, Any]]) -> str:
    return ("; the run had changes that no commit holds, and this commit comes nearest:"
            if records[0]["commit"].endswith("-changed") else ":")


def repeat(records: list[dict[str, Any]]) -> str:
    """The commands; runs older than the record of the command say so."""
    command = records[0].get("command")
    return (f"git checkout {records[0]['commit'].removesuffix('-changed')[:12]}\nmake setup\n"
            + (f".venv/bin/{command}" if command else ".venv/bin/dycore bench    # this run kept no options"))


def cards(over_fortran: list[ratios.Ratio]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """How each competitor compares with Fortran, for each number of ranks: the numbers of the README's summary."""
    kinds: dict[ratios.Kind, dict[str, list[float]]] = {}
    for ratio in over_fortran:
        kinds.setdefault(ratio.kind, {}).setdefault(ratio.competitor, []).append(ratio.value)
    return [(kind.words, [comparison.card(values, tables.LABELS[name], "the time of Fortran")
                          for name, values in of_kind.items()]) for kind, of_kind in kinds.items()]


def page_of_comparison(runs: list[list[dict[str, Any]]], labels: list[str], pairs: list[comparison.Pair]) -> Page:
    columns, rows = comparison.table(pairs)
    by_label = {(label, name): [pair.ratio for pair in pairs if (pair.label, pair.after["competitor"]) == (label, name)]
                for label in labels[1:] for name in tables.LABELS}
    return Page(
        f"dycore benchmark: {', '.join(labels[1:])} against {labels[0]}",
        f"{len(pairs)} measurements are compared",
        [("", [comparison.card(of_both, f"{tables.LABELS[name]}, {label}", f"the time in {labels[0]}")
               for (label, name), of_both in by_label.items() if of_both])],
        comparison.warnings(runs, labels, pairs) + leaderboard.differences(runs, labels),
        [Section("Leaderboard", [leaderboard.WORDS], [("", *leaderboard.table(runs, labels))]),
         Section("Changes, largest first", [comparison.WORDS], [("", columns, rows)], ["comparison"]),
         Section("Machines and versions", [], [("", *comparison.setup(runs, labels))]),
         Section("Repeat it", [], code="\n\n".join(f"# {label}\n{repeat(run)}" for run, label in zip(runs, labels, strict=True)))])
