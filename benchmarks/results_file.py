"""The file results.json: records are read, added and replaced whole, so that nothing measured is ever lost."""

import contextlib
import datetime
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dycore.benchmarks import busy, tables
from dycore.benchmarks import records as records_of_runs
from dycore.benchmarks.launching import ROOT, is_checkout
from dycore.benchmarks.problems import CannotStart, CannotWrite
from dycore.check.machine import processor
from dycore.files import end_of_links, make_folder


def efficiency(record: dict[str, Any], records: list[dict[str, Any]]) -> float | None:
    """Against the record of one rank among these (of the same cells, or for weak scaling of the base cells)."""
    base = tables.alone(record, records)
    if base is None or base["error"] or record["error"]:
        return None
    return base["ms_per_million_cells"] / (record["ranks"] * record["ms_per_million_cells"])


class Results:
    """results.json: read, added to, replaced whole after every round, so that nothing measured is ever lost."""

    def __init__(self, folder: Path, command: str) -> None:
        self.path = folder / "results.json"
        self.origin = {"commit": commit(), "machine": {"cpu": processor(), "cores": os.cpu_count()},
                       "run": uuid.uuid4().hex[:12], "command": command}
        try:
            make_folder(folder)
            self.of_other_runs()
        except OSError as problem:
            raise CannotStart(f"results cannot be written in '{folder}': {problem.strerror}. "
                              "Name another folder with --output.") from problem
        except (ValueError, TypeError, KeyError, RecursionError) as problem:
            raise CannotStart(f"'{self.path}' is not a list of records ({problem}). "
                              "Move it away, or name another folder with --output.") from problem
        self.finished: list[dict] = []
        self.of_last_group: list[dict] = []
        self.group: Any = None
        self.save()

    @property
    def of_this_run(self) -> list[dict]:
        return self.finished + self.of_last_group

    def keep(self, records: list[dict]) -> None:
        """Records of the group measured last take the place of those of an earlier round."""
        group = [tuple(record[name] for name in ("case", "cells", "precision", "ranks", "scaling", "gradient_steps"))
                 for record in records[:1]]
        if group != self.group:
            self.finished, self.group = self.of_this_run, group
        utc = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.of_last_group = [record | self.origin | {"utc": utc} for record in records]
        for record in self.of_last_group:
            record["efficiency"] = record["efficiency"] or efficiency(record, self.of_this_run)
        for record in self.of_this_run:  # a later triad may be the best
            record["busy"] = busy.of_record(record, self.of_this_run)
        self.save()

    def of_other_runs(self) -> list[dict]:
        records = json.loads(self.path.read_text()) if self.path.exists() else []
        return [record for record in records if record["run"] != self.origin["run"]]

    def save(self) -> None:
        write_json(self.path, self.of_other_runs() + self.of_this_run)


def write_json(path: Path, content: Any) -> None:
    """Written aside and moved into place. Raises CannotWrite."""
    with writing(path):
        end = end_of_links(path)  # a link stays
        aside = end.with_name(f".{end.name}.{os.getpid()}")
        try:
            aside.write_text(json.dumps(content, indent=1) + "\n")
            os.replace(aside, end)
        finally:
            aside.unlink(missing_ok=True)


def newest_run(folder: Path) -> list[dict]:
    """The records in a folder of results that were measured last."""
    records = all_records(folder)
    if not records:
        raise CannotStart(f"'{folder / 'results.json'}' holds no records: measure with 'dycore bench --output {folder}'.")
    return [record for record in records if record["run"] == records[-1]["run"]]


def all_records(folder: Path) -> list[dict]:
    """The records in a folder of results. Raises CannotStart where they cannot be shown."""
    path = folder / "results.json"
    try:
        records = json.loads(path.read_text())
        records_of_runs.check(records, tables.LABELS)
    except OSError as problem:
        raise CannotStart(f"'{path}' cannot be read: {problem.strerror}. "
                          "Name a folder that 'dycore bench' has written.") from problem
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise CannotStart(f"'{path}' is not a list of records ({problem}).") from problem
    return records


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise CannotWrite(f"'{path}' could not be written: {problem.strerror}. "
                          "What was written before is untouched.") from problem


def commit() -> str:
    """The commit of this checkout; an installed package has none, whatever repository its environment lies in."""
    if not is_checkout():
        return "unknown"
    changed = first_line(["git", "status", "--porcelain", "--untracked-files=no"])
    return (first_line(["git", "rev-parse", "HEAD"]) or "unknown") + ("-changed" if changed else "")


def first_line(program: list[str]) -> str:
    try:
        told = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.partition("\n")[0]
