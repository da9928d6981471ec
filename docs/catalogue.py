"""The catalogue of cases, made from their docstrings: what each is, how large by default, what may be chosen, a picture."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docs.interface import code, linked, table, write_if_new
from dycore.cases import CASES
from dycore.commands.settings import as_toml, case_parameters

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path("pictures")
TIMES = ROOT / "docs" / PICTURES / "run_times.json"  # made by python -m docs.pictures


def run_times() -> dict[str, Any]:
    """What a simulated day of each case was measured to take, by case, and on what; empty where that was not measured."""
    return json.loads(TIMES.read_text()) if TIMES.exists() else {}


def section(name: str, case: Callable, times: dict[str, Any]) -> Iterator[str]:
    """One case."""
    first, *others = linked(inspect.getdoc(case) or "").split("\n")
    cells = inspect.signature(case).parameters["cells"].default
    yield from (f"## {name}", "", f"**{first}**", *others, "")
    picture = PICTURES / f"case_{name}.png"
    if (ROOT / "docs" / picture).exists():
        yield from (f"![{first}](/{picture})", "")
    yield from ("```text", f"dycore run {name} --backend numba --days 1 --output {name}.zarr", "```", "")
    yield f"Cells by default (levels, rows, columns): {' x '.join(map(str, cells))}."
    if name in times:
        yield f"One simulated day then takes {times[name]:.2g} s ({times['on']})."
    rows = [(code(each), kind.words, code(as_toml(default))) for each, (kind, default) in case_parameters(case).items()]
    yield from ("", *table(("parameter", "", "default"), rows)) if rows else ("", "The case has no parameters of its own.", "")


def write_page(path: Path) -> None:
    """Write the page."""
    times = run_times()
    lines = ["# Catalogue of cases", "",
             "A case is a function that returns a grid, parameters and a state, as in `cases.held_suarez(cells=(20, 64, 128))`,",
             "and a name for `dycore run`. All take `cells`, `precision` and `time_step` (s; `None` chooses one that is",
             "stable); what else they take is listed here, and goes to `--set NAME=VALUE` on the command line.", ""]
    for name, case in CASES.items():
        lines += section(name, case, times)
    write_if_new(path, "\n".join(lines))
