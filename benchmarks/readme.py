"""The committed records, and the figures of the top README that come from them.

    python -m dycore.benchmarks.readme DIR    the newest run of DIR becomes benchmarks/results, with pictures and figures
    python -m dycore.benchmarks.readme        the README's figures anew

The figures stand between two comments, and a test holds them against benchmarks/results.
"""

import statistics
import sys
from pathlib import Path
from typing import Any

from dycore.benchmarks import ratios, report, tables
from dycore.benchmarks.launching import ROOT
from dycore.benchmarks.results_file import newest_run, write_json

BEGIN, END = "<!-- figures: python -m dycore.benchmarks.readme -->", "<!-- end of figures -->"
SHOWN_CELLS = 1e6


def figures(records: list[dict[str, Any]]) -> str:
    """What stands between the comments."""
    columns, rows = times(records)
    lines = [*tables.markdown_table(columns, rows), ""] if rows else []
    if over_fortran := ratios.found(records):
        columns, rows = ratios.table(ratios.large(over_fortran), by_size=False)
        lines += [*tables.markdown_table([f"over Fortran's time, {ratios.span(over_fortran)} cells", *columns[1:]], rows), ""]
    if over_forward := [record for record in records if record.get("over_forward")]:
        lines.append(gradient_sentence(over_forward))
    return "\n".join([*lines, f"{tables.origin(records)[0]}{tables.busy_words(records, '; ')}."])


def times(records: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """One rank at about 1M cells, or at the most there are: milliseconds in each precision, and as a multiple of Fortran's."""
    alone = [record for record in tables.of_steps(records)
             if record["ranks"] == 1 and not record["error"] and not tables.on_gpu(record)]
    sizes = {ratios.about(record["n_cells"]) for record in alone}
    size = SHOWN_CELLS if SHOWN_CELLS in sizes else max(sizes, default=0.0)
    shown = [record for record in alone if ratios.about(record["n_cells"]) == size]
    names = [name for name in ("numba", "jax-native", "jax", "numpy", "fortran")
             if any(record["competitor"] == name for record in shown)]
    rows = [[f"`{case}`, {tables.size(group[0]['n_cells'])}", *(cell(group, name) for name in names),
             ", ".join(tables.figure(record["floor_ratio"]) for record in group if record["competitor"] == "fortran") or "n/a"]
            for (case,), group in tables.by(shown, "case").items()]
    precisions = ", ".join(dict.fromkeys(record["precision"] for record in shown))
    return [f"ms ({precisions})", *(tables.LABELS[name] for name in names), "Fortran / floor"], rows


def cell(records: list[dict[str, Any]], name: str) -> str:
    """Milliseconds of a competitor in each precision and, in brackets, as multiples of Fortran's."""
    own = {record["precision"]: record["ms_per_million_cells"] for record in records if record["competitor"] == name}
    fortran = {record["precision"]: record["ms_per_million_cells"] for record in records if record["competitor"] == "fortran"}
    multiples = [f"{time / fortran[precision]:.2f}" for precision, time in own.items() if precision in fortran]
    if name == "fortran":
        multiples = []
    return (", ".join(map(tables.figure, own.values())) or "n/a") + (f" ({', '.join(multiples)})" if multiples else "")


def gradient_sentence(records: list[dict[str, Any]]) -> str:
    """The time of gradients over that of the forward run, of each competitor."""
    parts = []
    for (name,), group in tables.by(records, "competitor").items():
        values = [record["over_forward"] for record in group]
        parts.append(f"{tables.LABELS[name].removeprefix('gradient, ')} {statistics.geometric_mean(values):.1f} "
                     f"({min(values):.1f} to {max(values):.1f})")
    steps = "/".join(str(number) for number in dict.fromkeys(record["gradient_steps"] for record in records))
    return (f"Gradient of a run of {steps} steps, a checkpoint at each, as a multiple of the forward run that XLA compiles: "
            f"{', '.join(parts)}.")


def replaced(text: str, records: list[dict[str, Any]]) -> str:
    """The README with these records' figures. Raises ValueError where it lacks the comments."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the README has no lines '{BEGIN}' and '{END}'.")
    return f"{before}{begin}\n{figures(records)}\n{end}{after}"


def main(arguments: list[str]) -> None:
    readme, committed = ROOT / "README.md", ROOT / "benchmarks" / "results"
    if arguments:
        write_json(committed / "results.json", newest_run(Path(arguments[0])))
    records = newest_run(committed)
    print("\n".join(report.write(committed, records)))
    readme.write_text(replaced(readme.read_text(), records))


if __name__ == "__main__":
    main(sys.argv[1:])
