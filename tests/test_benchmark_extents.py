"""How much `dycore bench` measures: its extents, what there is time and memory for, and a machine that is busy."""

import time

import pytest
from benchmark_records import record

from dycore import cli
from dycore.benchmarks import busy, groups, lineup, memory, ratios, results_file, tables, time_limit
from dycore.benchmarks.competitor import Competitor, Group
from dycore.commands import bench

SMALL = Group("baroclinic_channel", (20, 16, 32), "float64")
LARGE = SMALL._replace(cells=(20, 160, 320))


def asked(*words):
    """The settings of `dycore bench` with these words."""
    options = cli.command_line().parse_args(["bench", *words])
    return groups.Settings(**bench.measured(options), ranks=options.ranks, output=options.output)


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(groups, "allowed_cores", lambda: [0, 1])
    monkeypatch.setattr(groups, "launcher", lambda: "mpiexec")


# Extents


def test_the_default_measures_all_cases_and_competitors_small_sizes_first_and_one_rank_before_two(two_cores):
    settings = asked()
    assert settings.backends == ["numpy", "numba", "jax", "jax-native", "fortran"] and settings.minutes == 10.0
    found = [(group.case, ratios.about(group.n_cells), group.ranks) for group in groups.groups(settings)]
    assert found == [(case, cells, ranks) for cells in (1e4, 1e5, 1e6) for ranks in (1, 2) for case in bench.STANDARD_CASES]


def test_quick_is_one_size_within_two_minutes_and_full_goes_up_to_ten_million_cells_without_a_limit(two_cores):
    quick, full = asked("--quick"), asked("--full")
    assert (quick.cells, quick.minutes, quick.samples) == ([10**4], 2.0, 1)
    assert full.cells == [10**4, 10**5, 10**6, 10**7] and full.minutes >= groups.NO_LIMIT and full.messages
    kinds = {(group.precision, group.ranks, group.scaling, bool(group.gradient_steps)) for group in groups.groups(full)}
    assert kinds == {("float64", 1, "strong", False), ("float64", 2, "strong", False), ("float64", 2, "weak", False),
                     ("float32", 1, "strong", False), ("float64", 1, "strong", True), ("float32", 1, "strong", True)}
    assert {group.case for group in groups.groups(full)} == {*bench.STANDARD_CASES, "southern_channel"}
    assert max(group.n_cells for group in groups.groups(full) if group.scaling == "weak") < 3e6
    assert max(group.n_cells for group in groups.groups(full) if group.gradient_steps) < 2e5


@pytest.mark.parametrize("words", [(), ("--quick",), ("--full",), ("--gradient", "--cells", "2e4"), ("--ranks", "1,4", "--quick"),
                                   ("--full", "--no-messages", "--minutes", "7", "--gradient-steps", "30")])
def test_the_command_of_a_record_measures_the_same_again(words):
    settings = asked(*words)
    again = asked(*groups.command_line(settings).split()[2:])
    assert again == settings


def test_what_options_say_takes_the_place_of_an_extent():
    settings = asked("--quick", "--cells", "2e4", "--samples", "7")
    assert (settings.cells, settings.gradient_cells, settings.samples, settings.minutes) == ([20000], [20000], 7, 2.0)
    assert asked("--ranks", "1,2").messages and not asked().messages


def test_gradients_alone_are_measured_beside_nothing_but_what_is_named():
    settings = asked("--gradient")
    assert settings.backends == list(bench.GRADIENTS) and settings.precisions == ["float64", "float32"]
    assert {(group.ranks, group.gradient_steps) for group in groups.groups(settings)} == {(1, 100)}
    both = asked("--gradient", "--backends", "numba", "--cells", "1e4", "--ranks", "1", "--precisions", "float64")
    assert [groups.competitors_of(group, both) for group in groups.groups(both)] == [["numba"]] * 3 + [list(bench.GRADIENTS)] * 3


# Time


def test_a_group_takes_as_long_as_the_longest_that_is_like_it():
    taken = [time_limit.Taken(SMALL, 40.0), time_limit.Taken(SMALL._replace(case="held_suarez"), 30.0)]
    assert time_limit.expected(SMALL, taken) == 40.0
    assert time_limit.expected(LARGE, taken) == 40.0 * time_limit.LARGER
    assert time_limit.expected(SMALL._replace(ranks=2), taken) == 40.0 * time_limit.OTHER_RANKS
    taken.append(time_limit.Taken(SMALL._replace(ranks=2), 90.0))
    assert time_limit.expected(SMALL._replace(ranks=2), taken) == 90.0
    assert time_limit.expected(SMALL, taken) == 40.0


def test_what_would_end_too_late_is_left_out_but_never_the_first():
    limit = time_limit.Limit(minutes=0.01)
    assert limit.leaves_time_for(SMALL)
    limit.taken.append(time_limit.Taken(SMALL, 5.0))
    assert not limit.leaves_time_for(SMALL)
    limit.end = time.monotonic() + 6.0
    assert limit.leaves_time_for(SMALL) and not limit.leaves_time_for(LARGE)


# Memory


def test_competitors_sit_apart_where_memory_is_short_and_say_so_where_one_has_no_room(monkeypatch):
    settings = asked("--full", "--backends", "numba,jax")._replace(ranks=[1, 2])
    two = LARGE._replace(cells=(20, 500, 1000), ranks=2, base_cells=(20, 500, 1000))
    sat = {}
    for gigabytes in (64.0, 21.0, 12.0, 3.0):
        monkeypatch.setattr(memory, "free", lambda group, gigabytes=gigabytes: 1e9 * gigabytes)
        sat[gigabytes] = lineup.sittings(two, settings, {"numba": None, "jax": None})
        monkeypatch.undo()
    names = {gigabytes: [[each.name for each in sitting.everyone] for sitting in found] for gigabytes, found in sat.items()}
    assert names[64.0] == [["triad", "numba", "jax", "triad", "numba", "numba", "jax", "jax"]]
    assert [sitting[1] for sitting in names[21.0]] == ["numba", "jax"]
    assert len(names[21.0][0]) == 5  # with itself silent and on one rank, and a triad on one
    assert names[12.0][1] == ["triad", "jax"]
    assert "needs about" in sat[3.0][1].competitors[0].error and "GB are free" in sat[3.0][1].competitors[0].error


def test_a_gradient_needs_memory_for_each_step_of_its_run():
    short, long = (memory.needed([Competitor("gradient", LARGE._replace(gradient_steps=steps), 1, "cpu")]) for steps in (10, 110))
    assert long - short == 100 * memory.CHECKPOINT_NUMBERS * 8 * LARGE.n_cells


# A busy machine


STAT = "cpu  9 9 9 9\ncpu0 {0} 0 0 500 0 0 0 0 0 0\ncpu1 100 0 50 0 7 0 0 {1} 0 0\nintr 5\n"


def test_work_of_the_cores_is_counted_whoever_for_and_waiting_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(busy, "allowed_cores", lambda: [0, 1])
    (tmp_path / "stat").write_text(STAT.format(200, 50))
    assert busy.seconds_at_work(tmp_path / "stat") * busy.os.sysconf("SC_CLK_TCK") == 400
    assert busy.seconds_at_work(tmp_path / "nothing") is None


@pytest.mark.parametrize("worked, cores", [(2.0, 0.0), (5.0, 1.5)])
def test_others_use_what_the_competitor_does_not(monkeypatch, worked, cores):
    clock, counter = iter([10.0, 12.0]), iter([100.0, 100.0 + worked])
    monkeypatch.setattr(busy.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(busy, "seconds_at_work", lambda: next(counter))
    monkeypatch.setattr(busy, "allowed_cores", lambda: [0, 1])
    others = busy.Others()
    others.begin()
    others.end(own_cores=1)
    assert others.cores == pytest.approx(cores)


def test_a_busy_machine_is_marked_on_records_and_in_tables(tmp_path):
    values = {"device": "x", "nodes": 1, "bandwidth_bytes_per_second": 2e10, "ms_min": 100.0, "ms_max": 110.0, "floor_ratio": None,
              "floor_ms_per_million_cells": None, "efficiency": 1.0, "gradient_steps": 0}
    quiet = record(**values, others_cores=0.05)
    slow = record(**values | {"bandwidth_bytes_per_second": 1.25e10}, others_cores=0.0, case="held_suarez")
    crowded = record(**values, others_cores=1.3, case="baroclinic_wave")
    results = results_file.Results(tmp_path, "dycore bench")
    for each in (slow, crowded, quiet):  # the best triad comes after the slow one
        results.keep([each])
    reasons = {each["case"]: each["busy"] for each in results.of_this_run}
    assert reasons == {"baroclinic_channel": None, "baroclinic_wave": "others used 1.3 cores",
                       "held_suarez": "the triad took 1.60 times its best"}
    assert tables.sentence(results.of_this_run[1]).endswith("machine busy")
    assert "2 of 3 measured while the machine was busy" in tables.marks(results.of_this_run)[0]
    assert "busy" not in tables.sentence(results.of_this_run[2]) and busy.of_record(quiet, [quiet]) is None
