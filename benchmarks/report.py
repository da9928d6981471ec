"""What a run of the suite leaves: tables and pictures in a folder, tables and progress on the terminal.

`python -m dycore.benchmarks.report DIR` makes those of the newest run in DIR/results.json again.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dycore.benchmarks import pictures, results_markdown, tables
from dycore.files import whole


def newest_run(folder: Path) -> list[dict[str, Any]]:
    """The records in a folder of results that were measured last."""
    records = json.loads((folder / "results.json").read_text())
    return [record for record in records if record["run"] == records[-1]["run"]]


def write(folder: Path, records: list[dict[str, Any]]) -> list[str]:
    """results.md and the pictures; the notes say what was written, or why not."""
    if not records:
        return ["Nothing was measured."]
    with whole(folder / "results.md") as place:
        place.write_text(results_markdown.markdown(records))
    written = [str(folder / "results.json"), str(folder / "results.md")]
    try:
        written += pictures.draw(records, folder)
    except ImportError:
        return [f"Wrote {', '.join(written)}. No picture: pip install 'dycore[bench]' brings matplotlib."]
    return [f"Wrote {', '.join(written)}."]


def show(records: list[dict[str, Any]], notes: list[str]) -> None:
    """The tables on the terminal."""
    titled = [(f"{heading}: ms per step per 1M cells", columns, rows) for heading, columns, rows in tables.timings(records)]
    show_tables([*titled, ("Scaling over MPI ranks", *tables.scaling_table(records)),
                 ("Gradients of runs", *tables.gradients(records))],
                tables.marks(records) + tables.failures(records))
    print("\n".join(notes))


def show_tables(titled: list[tuple[str, list[str], list[list[str]]]], remarks: list[str]) -> None:
    """Headings, columns and rows on the terminal, and remarks below."""
    try:
        import rich.console
        import rich.markup
        import rich.table
    except ImportError:
        for heading, columns, rows in titled:
            print("\n".join([heading, *tables.markdown_table(columns, rows), ""] if rows else []))
        print("\n".join(remarks))
        return
    console = rich.console.Console(width=None if sys.stdout.isatty() else 160)
    for heading, columns, rows in titled:
        table = rich.table.Table(*columns, title=heading, title_justify="left")
        for row in rows:
            table.add_row(*(rich.markup.escape(text.replace(", ", "\n")) for text in row))
        if rows:
            console.print(table)
    for line in remarks:
        console.print(line, style="yellow", markup=False, highlight=False)


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


def again(folder: Path) -> None:
    """Tables and pictures of the newest run of a folder."""
    newest = newest_run(folder)
    show(newest, write(folder, newest))


if __name__ == "__main__":
    again(Path(sys.argv[1] if len(sys.argv) > 1 else "bench-results"))
