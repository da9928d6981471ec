"""Evidence of a validation program: rows that compare a number with a published one, and figures.

Every row says what kind of number it is held against (VERDICT is met or not met, nothing between), why
the tolerance is what it is, and where the number stands. Results are kept by case: a program that is run
again replaces its own rows and figures, and no others.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from dycore.check.machine import processor
from dycore.files import make_folder, whole

HEADING = "The core against published cases"


class Kind(Enum):
    """Kind of a published number."""

    EXACT = "exact"  # an analytic solution, a conservation law, a symmetry, an order of accuracy
    MODEL = "another model"  # a number that another program printed
    FIGURE = "figure"  # read off a published picture


class Row(NamedTuple):
    """A quantity, what is published of it, ours, and between which numbers ours is accepted."""

    quantity: str  # with its unit
    published: str  # as the source gives it
    ours: float
    low: float
    high: float
    reason: str  # for this tolerance
    kind: Kind
    source: str

    @property
    def met(self) -> bool:
        """Whether ours is accepted; a value that is no number is not."""
        return self.low <= self.ours <= self.high

    @property
    def tolerance(self) -> str:
        """The accepted range in words."""
        if self.low == float("-inf"):
            return f"at most {self.high:.4g}"
        return f"at least {self.low:.4g}" if self.high == float("inf") else f"{self.low:.5g} to {self.high:.5g}"


class Evidence(NamedTuple):
    """The rows of a case and its figures (matplotlib) by name."""

    rows: list[Row]
    figures: dict[str, Any]


def close_to(quantity: str, ours: float, published: float, tolerance: float, reason: str, source: str,
             kind: Kind = Kind.EXACT) -> Row:
    """A row that accepts what is within an absolute `tolerance` of a published number."""
    return Row(quantity, f"{published:.6g}", float(ours), published - tolerance, published + tolerance, reason, kind, source)


def within(quantity: str, ours: float, low: float | None, high: float | None, published: str, reason: str, source: str,
           kind: Kind = Kind.EXACT) -> Row:
    """A row that accepts a range; None is no limit on that side."""
    return Row(quantity, published, float(ours), float("-inf") if low is None else low, float("inf") if high is None else high,
               reason, kind, source)


def gather(name: str, program: Callable[..., Evidence], backend: Any, short: bool, command: str, folder: Path,
           heading: str = HEADING) -> Evidence:
    """Run a program, keep its rows in `folder`/results.json and its figures beside, and renew the page under its heading."""
    started = time.perf_counter()
    evidence = program(backend, short=short)
    seconds = time.perf_counter() - started
    make_folder(folder)
    for old in folder.glob(f"{name}-*.png"):
        old.unlink()
    pictures = []
    for title, figure in evidence.figures.items():
        pictures.append(f"{name}-{title}.png")
        figure.savefig(folder / pictures[-1], dpi=110, bbox_inches="tight")
    about = {"command": command, "backend": backend.name, "short": short, "device": device(), "python": platform.python_version(),
             "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "seconds": round(seconds, 1)}
    rows = [{"quantity": row.quantity, "published": row.published, "ours": row.ours, "tolerance": row.tolerance,
             "verdict": "met" if row.met else "not met", "kind": row.kind.value, "reason": row.reason, "source": row.source}
            for row in evidence.rows]
    results = read(folder)
    text = (program.__doc__ or "").strip().splitlines()
    results[name] = {"title": text[0] if text else name, "about": about, "rows": rows, "figures": pictures}
    replace(folder / "results.json", json.dumps(dict(sorted(results.items())), indent=1) + "\n")
    replace(folder / "results.md", page(dict(sorted(results.items())), heading))
    return evidence


def read(folder: Path) -> dict[str, Any]:
    """The results by case that a folder holds. Raises ValueError where they cannot be shown again."""
    path = folder / "results.json"
    try:
        results = json.loads(path.read_text()) if path.exists() else {}
        page(results)
    except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError) as problem:
        raise ValueError(f"'{path}' is not what 'dycore validate' writes ({problem}): move it away, or name another "
                         "folder.") from None
    return results


def replace(path: Path, text: str) -> None:
    """A file written as a whole or not at all."""
    with whole(path) as place:
        place.write_text(text)


def device() -> str:
    """The processor of this machine."""
    return f"{processor()}, {os.cpu_count()} cores"


def page(results: dict[str, Any], heading: str = HEADING) -> str:
    """All results as Markdown: a table of verdicts, then each case with its figures."""
    rows = [row for result in results.values() for row in result["rows"]]
    met = sum(row["verdict"] == "met" for row in rows)
    lines = [f"# {heading}", "", f"{met} of {len(rows)} verdicts met.", "",
             "*exact*: an analytic solution, a conservation law or an order of accuracy; *another model*: a number that another "
             "program printed; *figure*: read off a published picture.", ""]
    for name, result in results.items():
        about = result["about"]
        lines += [f"## {name}", "", result["title"], "",
                  f"`{about['command']}`: {about['backend']}, {about['device']}, {about['date']}, {about['seconds']:.0f} s"
                  + (", the short version" if about["short"] else "") + ".", "",
                  "| quantity | published | ours | tolerance | verdict | kind | source | why this tolerance |",
                  "|---|---|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join([row["quantity"], row["published"], f"{row['ours']:.6g}", row["tolerance"],
                                     f"**{row['verdict']}**" if row["verdict"] != "met" else "met", row["kind"], row["source"],
                                     row["reason"]]) + " |" for row in result["rows"]]
        lines += ["", *(f"![{picture.removesuffix('.png')}]({picture})\n" for picture in result["figures"])]
    return "\n".join(lines).rstrip() + "\n"
