"""Several folders of results as a leaderboard: for each case, size and precision the runs by their fastest program."""

from pathlib import Path
from typing import Any

from dycore.benchmarks import tables
from dycore.benchmarks.problems import CannotStart

SAME_PROBLEM = ("case", "precision", "n_cells")
COLUMNS = ["case", "precision", "cells", "place", "results", "device", "program", "ranks", "ms per 1M cells", "times the first",
           "commit"]
WORDS = ("Of each run the fastest program that steps this case, on whatever number of ranks: its median (the least to the "
         "greatest sample). Runs share a place where all before them at that place have samples among theirs. What a single run "
         "measured is left out.")


def check_distinct(folders: list[Path], runs: list[list[dict[str, Any]]]) -> None:
    """Raise CannotStart where a run is given twice: as the same folder, or as a copy of it."""
    for number, (folder, run) in enumerate(zip(folders, runs, strict=True)):
        for other, earlier in zip(folders[:number], runs[:number], strict=True):
            if folder.resolve() == other.resolve() or run == earlier:
                raise CannotStart(f"'{folder}' and '{other}' hold the same run, which cannot be compared with itself. "
                                  "Name each folder of results once.")


def best(run: list[dict[str, Any]]) -> dict[tuple, dict[str, Any]]:
    """The record of the least time per step for each problem of a run."""
    found: dict[tuple, dict[str, Any]] = {}
    for record in tables.of_steps(run):
        key = tuple(record[name] for name in SAME_PROBLEM)
        if not record["error"] and (key not in found or record["ms_per_step"] < found[key]["ms_per_step"]):
            found[key] = record
    return found


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["ms_min"] <= other["ms_max"] and other["ms_min"] <= one["ms_max"]


def placed(records: list[tuple[str, dict[str, Any]]]) -> list[tuple[int, str, dict[str, Any]]]:
    """(place, label, record) by time, from (label, record)."""
    ranking: list[tuple[int, str, dict[str, Any]]] = []
    for label, record in sorted(records, key=lambda entry: entry[1]["ms_per_step"]):
        place = ranking[-1][0] if ranking else 1
        shared = all(overlap(record, earlier) for at, _, earlier in ranking if at == place)
        ranking.append((place if shared else len(ranking) + 1, label, record))
    return ranking


def table(runs: list[list[dict[str, Any]]], labels: list[str]) -> tuple[list[str], list[list[str]]]:
    """(columns, rows) of the leaderboard of these runs."""
    bests = [best(run) for run in runs]
    rows = []
    for key in sorted({key for each in bests for key in each}):
        entries = [(label, each[key]) for label, each in zip(labels, bests, strict=True) if key in each]
        if len(entries) < 2:
            continue
        ranking = placed(entries)
        rows += [[record["case"], record["precision"], tables.size(record["n_cells"]), str(place), label, record["device"],
                  tables.LABELS[record["competitor"]], str(record["ranks"]), tables.spread(record),
                  f"{record['ms_per_step'] / ranking[0][2]['ms_per_step']:.2f}", commit_words(record["commit"])]
                 for place, label, record in ranking]
    return COLUMNS, rows


def commit_words(commit: str) -> str:
    return commit.removesuffix("-changed")[:12] + (" with changes" if commit.endswith("-changed") else "")


def differences(runs: list[list[dict[str, Any]]], labels: list[str]) -> list[str]:
    """A sentence for what the runs were made with that is not the same in all: commits, and versions of libraries."""
    lines = []
    commits = [commit_words(run[0]["commit"]) for run in runs]
    if len(set(commits)) > 1:
        lines.append("The runs are of different commits: "
                     + "; ".join(f"{label}: {commit}" for label, commit in zip(labels, commits, strict=True)) + ".")
    versions = [{name: version for record in run for name, version in record["versions"].items()} for run in runs]
    for name in sorted(set.intersection(*map(set, versions))):
        if len({each[name] for each in versions}) > 1:
            lines.append(f"The runs have different versions of {name}: "
                         + "; ".join(f"{label}: {each[name]}" for label, each in zip(labels, versions, strict=True)) + ".")
    return lines
