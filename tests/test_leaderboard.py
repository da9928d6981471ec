"""Several folders of results as a leaderboard: as a table, and from the command line."""

import json

import pytest
from benchmark_records import record

from dycore import cli
from dycore.benchmarks import launching, leaderboard


def measured(median, **values):
    return record(ms_per_step=median, ms_min=0.9 * median, ms_max=1.1 * median, ms_per_million_cells=median / 1.024,
                  device="a core", commit="abc", versions={"numpy": "2.4"}, **values)


def test_runs_are_ranked_by_their_fastest_program_for_each_case_size_and_precision():
    laptop = [measured(100.0), measured(40.0, competitor="numba"), measured(7.0, precision="float32")]
    cluster = [measured(10.0, competitor="fortran", ranks=4), measured(5.0, competitor="jax", error="no JAX"),
               measured(9.0, case="held_suarez")]
    columns, rows = leaderboard.table([laptop, cluster], ["laptop", "cluster"])
    shown = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [(row["case"], row["precision"], row["place"], row["results"], row["program"], row["ranks"], row["times the first"])
            for row in shown] == [("baroclinic_channel", "float64", "1", "cluster", "Fortran", "4", "1.00"),
                                  ("baroclinic_channel", "float64", "2", "laptop", "Numba", "1", "4.00")]


def test_runs_whose_samples_overlap_share_a_place_and_the_next_counts_them():
    ranking = leaderboard.placed([("slow", measured(20.0)), ("a", measured(10.0)), ("b", measured(11.0)), ("c", measured(12.5))])
    assert [(place, label) for place, label, _ in ranking] == [(1, "a"), (1, "b"), (3, "c"), (4, "slow")]


def test_other_commits_and_versions_are_said():
    one, other = [measured(1.0)], [measured(1.0) | {"commit": "def-changed", "versions": {"numpy": "2.5", "jax": "0.10"}}]
    assert leaderboard.differences([one, other], ["one", "other"]) == [
        "The runs are of different commits: one: abc; other: def with changes.",
        "The runs have different versions of numpy: one: 2.4; other: 2.5."]
    assert leaderboard.differences([one, one], ["one", "two"]) == []


def folder_of(place, scale, **changes):
    records = json.loads((launching.ROOT / "benchmarks" / "results" / "results.json").read_text())[:4]
    times = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells")
    place.mkdir()
    (place / "results.json").write_text(json.dumps(
        [each | changes | {name: each[name] * scale for name in times} for each in records]))
    return place


def test_the_command_prints_and_writes_the_leaderboard(tmp_path, capsys):
    folders = [folder_of(tmp_path / "slow", 3.0), folder_of(tmp_path / "middle", 2.0, device="a second device"),
               folder_of(tmp_path / "fast", 1.0, commit="0123456789abcdef")]
    assert cli.main(["bench", "--results", *map(str, folders)]) == 0
    told, text = capsys.readouterr().out, (tmp_path / "fast" / "comparison.html").read_text()
    for words in ("Leaderboard", "0123456789ab", "3.00"):
        assert words in told and words in text
    assert "a second device" in text
    found = [text.index(f'<td class="">{name}</td>') for name in ("fast", "middle", "slow")]
    assert found == sorted(found)


@pytest.mark.parametrize("second", ["first", "copy"])
def test_a_run_that_is_given_twice_is_a_sentence(tmp_path, capsys, second):
    first = folder_of(tmp_path / "first", 1.0)
    folder_of(tmp_path / "copy", 1.0)
    assert cli.main(["bench", "--results", str(first), str(tmp_path / second)]) == 2
    assert "hold the same run, which cannot be compared with itself. Name each folder of results once." in capsys.readouterr().err
