"""The tables of a run in Markdown: results.md."""

from typing import Any

from dycore.benchmarks import model, ratios, tables


def markdown(records: list[dict[str, Any]]) -> str:
    lines = ["# Wall time per step per 1M cells (ms; lower is better)", "",
             "Median (least to greatest sample), ratio to Fortran, multiple of the bandwidth floor. "
             "The floor is the time that a triad of the same run takes to move the compulsory traffic.", ""]
    lines += [f"- {line}" for line in tables.origin(records) + tables.marks(records) + tables.failures(records)]
    for heading, columns, rows in tables.timings(records):
        lines += ["", f"## {heading}", "", *tables.markdown_table(columns, rows)]
    if over_fortran := ratios.found(records):
        lines += ["", "## Against Fortran, by ranks", "", ratios.words(over_fortran), "",
                  *tables.markdown_table(*ratios.table(ratios.large(over_fortran), by_size=False)), "",
                  *tables.markdown_table(*ratios.table(over_fortran, by_size=True))]
    columns, rows = tables.scaling_table(records)
    if rows:
        lines += ["", "## Scaling over MPI ranks", "", tables.SCALING_WORDS, "", *tables.markdown_table(columns, rows)]
        lines += prediction_markdown(records)
    if (taken := tables.gradients(records))[1]:
        lines += ["", "## Gradients of runs", "", tables.GRADIENT_WORDS, "", *tables.markdown_table(*taken)]
    lines += ["", "## All figures", "", tables.energy_words(records), "", *tables.markdown_table(*tables.details(records)), ""]
    return "\n".join(lines)


def prediction_markdown(records: list[dict[str, Any]]) -> list[str]:
    """The performance model against what was measured; nothing where it cannot be calibrated."""
    columns, rows = tables.prediction_table(records)
    if not rows:
        return []
    networks = [f"- {network.name}: {network.latency_seconds * 1e6:g} us, {network.bandwidth_bytes_per_second / 1e9:g} GB/s "
                f"({network.source})" for network in model.NETWORKS]
    return ["", "## Prediction (a model, not a measurement)", "", tables.MODEL_WORDS, "", *tables.markdown_table(columns, rows), "",
            "Networks of prediction.png:", "", *networks]
