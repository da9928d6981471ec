"""Scaling in the suite: arithmetic, what is said where ranks cannot be, and that none of them is waited for in vain."""

import json
import math
import os
import stat
import subprocess
import sys
import time

import pytest
from benchmark_records import record

from dycore import cli
from dycore.benchmarks import (
    competitor,
    drawing,
    fortran_reference,
    groups,
    launching,
    measuring,
    on_cores,
    results_file,
    suite,
    tables,
    worker,
)
from dycore.benchmarks.competitor import Competitor, Group

PAIR = Group("baroclinic_channel", (20, 16, 32), "float64", ranks=2, base_cells=(20, 16, 32))
BENCH = ["bench", "--cases", "baroclinic_channel", "--cells", "3000", "--precisions", "float64", "--backends", "numpy",
         "--samples", "1"]


def settings(**changes):
    asked = groups.Settings(["baroclinic_channel"], [10**5], ["numpy"], ["float64", "float32"], 1, 3, "cpu", None)
    return asked._replace(**changes)


# Arithmetic


def test_efficiency_is_that_of_one_rank_over_all():
    one = record()
    strong = record(ranks=2, ms_per_million_cells=62.5)  # 100 / (2 * 62.5)
    weak = record(ranks=2, scaling="weak", cells=[20, 320, 320], ms_per_million_cells=55.0)  # twice the cells in 1.1 times the time
    assert results_file.efficiency(one, [one]) == 1.0
    assert results_file.efficiency(strong, [one, strong]) == pytest.approx(0.8)
    assert results_file.efficiency(weak, [one, weak]) == pytest.approx(1.0 / 1.1)


@pytest.mark.parametrize("other", [{"run": "another"}, {"cells": [20, 16, 32]}, {"competitor": "jax"}, {"error": "none"}])
def test_there_is_no_efficiency_without_the_same_on_one_rank(other):
    assert results_file.efficiency(record(ranks=2), [record(**other)]) is None


def test_bandwidth_allows_what_it_keeps_of_so_many_times_that_of_one_rank():
    several = record(ranks=4, bandwidth_bytes_per_second=3.2e10)
    assert tables.allowed_efficiency(several, [record(), several]) == pytest.approx(0.8)


@pytest.mark.parametrize("silent_seconds, share", [(0.75, 0.25), (1.2, 0.0)])
def test_the_messages_share_is_what_silence_saves(silent_seconds, share):
    def measured(seconds, silent):
        each = Competitor("numpy", PAIR, 1, "cpu", silent=silent)
        each.steps, each.seconds = 20, [seconds, seconds, 9.0]
        return each

    loud, quiet = measured(1.0, False), measured(silent_seconds, True)
    loud.about = {"processes": [1, 2], "messages_per_step": 6, "bytes_per_step": 137280}
    found = measuring.record(loud, Competitor("triad", PAIR, 1, "cpu", "none"), measuring.Beside(quiet, None, None))
    assert found["message_share"] == pytest.approx(share)
    assert found["ms_per_step_silent"] == pytest.approx(1e3 * silent_seconds / 20)
    assert (found["ranks"], found["processes"], found["messages_per_step"], found["bytes_per_step"]) == (2, [1, 2], 6, 137280)


def test_a_machine_that_drifts_from_round_to_round_does_not_drift_efficiency():
    """Two ranks with twice the cells take 1.25 times as long, and both triads together 1.6 times, in every round."""
    both = PAIR._replace(scaling="weak", cells=(20, 32, 32))
    drift = [1.0, 3.0, 0.5, 2.0]

    def measured(name, group, times):
        each = Competitor(name, group, 1, "cpu")
        each.steps, each.seconds = 20, [times * slower for slower in drift]
        each.about = {"bytes_per_pass": 1e6 * group.ranks, "time_step": 100.0, "tracers": 2}
        return each

    triad, triad_alone = measured("triad", both, 1.6), measured("triad", both.alone, 1.0)
    alone = measured("numpy", both.alone, 1.0)
    alone.steps = 40  # of half the time each
    found = measuring.record(measured("numpy", both, 1.25), triad, measuring.Beside(None, alone, triad_alone))
    assert found["efficiency"] == pytest.approx(0.4)  # (1 / 40) / (1.25 / 20), both with the same cells of a rank
    assert found["allowed_efficiency"] == pytest.approx(1.0 / 1.6)


def test_weak_scaling_keeps_the_cells_of_a_rank():
    assert [groups.weak_cells((20, 50, 100), ranks) for ranks in (1, 2, 4, 6)] == [
        (20, 50, 100), (20, 100, 100), (20, 100, 200), (20, 150, 200)]


def test_one_rank_comes_before_several_and_both_scalings_are_measured():
    found = list(groups.groups(settings(ranks=[4, 1], scaling=("strong", "weak"), precisions=["float64"])))
    assert [(group.ranks, group.scaling, group.cells) for group in found] == [
        (1, "strong", (20, 50, 100)), (4, "strong", (20, 50, 100)), (4, "weak", (20, 100, 200))]
    assert all(group.base_cells == (20, 50, 100) for group in found if group.ranks > 1)


@pytest.mark.parametrize("cores, mpiexec, wanted", [([0, 1], "mpiexec", [(1, 2), (1,)]), ([0], "mpiexec", [(1,), (1,)]),
                                                    ([0, 1], None, [(1,), (1,)])])
def test_by_default_two_ranks_are_measured_where_they_can_be(monkeypatch, cores, mpiexec, wanted):
    monkeypatch.setattr(groups, "allowed_cores", lambda: cores)
    monkeypatch.setattr(groups, "launcher", lambda: mpiexec)
    assert [tuple(groups.ranks_wanted(settings(), precision)) for precision in ("float64", "float32")] == wanted


def test_each_rank_has_cores_of_its_own():
    assert [on_cores.cores_of(rank, 2, [4, 5, 6, 7]) for rank in range(3)] == [[4, 5], [6, 7], [4, 5]]


def test_labels_are_moved_no_more_than_they_must():
    assert drawing.spread([0.2, 0.5], 0.1) == pytest.approx([0.2, 0.5])
    assert drawing.spread([0.5, 0.5, 0.9], 0.1) == pytest.approx([0.45, 0.55, 0.9])
    assert drawing.spread([0.97, 0.97], 0.1, (0.0, 1.0)) == pytest.approx([0.9, 1.0])


# What cannot be


def test_a_missing_mpi_is_a_sentence_and_the_suite_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(competitor, "launcher", lambda: None)
    assert cli.main([*BENCH, "--ranks", "1,2", "--output", str(tmp_path)]) == 0
    one, two = json.loads((tmp_path / "results.json").read_text())
    assert one["error"] is None and (two["ranks"], two["ms_per_step"]) == (2, None)
    assert two["error"].startswith("MPI is missing (there is no mpiexec): apt-get install mpich")
    assert capsys.readouterr().out.count("numpy n/a: MPI is missing") == 1


def test_what_python_or_fortran_lacks_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(competitor, "launcher", lambda: "mpiexec")
    monkeypatch.setattr(fortran_reference, "FORTRAN", tmp_path)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(competitor.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'dycore[mpi]'" in competitor.missing_mpi("numpy", PAIR, "cpu")
    assert "dycore_reference_mpi_float64 was not built" in competitor.missing_mpi("fortran", PAIR, "cpu")
    assert "give --ranks 1" in competitor.missing_mpi("jax", PAIR, "gpu")


def test_more_ranks_than_cores_is_said(monkeypatch):
    monkeypatch.setattr(groups, "allowed_cores", lambda: [0, 1])
    wanted = list(groups.groups(settings(ranks=[1, 2, 4])))
    assert list(suite.warnings(settings(), wanted)) == [
        "4 ranks are more than the 2 cores: they share cores, and their records say oversubscribed."]
    assert groups.oversubscribed(PAIR, 2) and not groups.oversubscribed(PAIR, 1)
    assert not groups.oversubscribed(PAIR._replace(launcher=launching.Launcher("srun -n {ranks}", nodes=2)), 2)
    assert "oversubscribed" in tables.scaling_table([record(), record(
        ranks=4, oversubscribed=True, efficiency=0.4, message_share=None, ms_min=1.0, ms_max=2.0)])[1][0][4]


def measured(monkeypatch, program):
    """Two ranks of this program, as far as they come."""
    monkeypatch.setattr(competitor, "command", lambda *_: program)
    each = Competitor("numpy", PAIR, 1, "cpu")
    start = time.monotonic()
    each.attempt(Competitor.start)
    each.attempt(Competitor.sample)
    each.stop()
    assert time.monotonic() - start < 60.0
    return each


def test_a_launcher_that_dies_tells_the_last_words_of_the_ranks(monkeypatch, tmp_path):
    mpiexec = tmp_path / "mpiexec"
    mpiexec.write_text("""#!/bin/sh
echo 'ValueError: the ridge is too high' >&2
echo 'Abort(1) on node 1 (rank 1 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 1) - process 1' >&2
echo '===================================' >&2
echo '=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES' >&2
echo 'Please see the FAQ page for debugging suggestions' >&2
exit 1
""")
    mpiexec.chmod(mpiexec.stat().st_mode | stat.S_IXUSR)
    each = measured(monkeypatch, [str(mpiexec)])
    assert each.error == "ended early (exit code 1): ValueError: the ridge is too high"


needs_mpi = pytest.mark.skipif(competitor.missing_mpi("numpy", PAIR, "cpu") is not None, reason="needs mpi4py and mpiexec")


@needs_mpi
def test_a_rank_that_raises_ends_all(monkeypatch):
    program = ("from mpi4py import MPI\nif MPI.COMM_WORLD.rank == 1: raise ValueError('the ridge is too high')\n"
               "MPI.COMM_WORLD.barrier()")
    each = measured(monkeypatch, launching.launched([sys.executable, "-m", "mpi4py", "-c", program], 2, 1))
    assert each.error.endswith("ValueError: the ridge is too high")


@needs_mpi
def test_ranks_that_gives_no_answer_are_stopped(monkeypatch):
    monkeypatch.setattr(competitor, "ANSWER_SECONDS", 2.0)
    program = "from mpi4py import MPI\nMPI.COMM_WORLD.rank or __import__('time').sleep(600)\nMPI.COMM_WORLD.barrier()"
    each = measured(monkeypatch, launching.launched([sys.executable, "-m", "mpi4py", "-c", program], 2, 1))
    assert "gave no answer" in each.error and each.process is None


@needs_mpi
def test_ranks_that_do_not_see_each_other_are_an_error():
    program = [sys.executable, "-m", "dycore.benchmarks.worker", "--case", "baroclinic_channel", "--cells", "4,8,8",
               "--precision", "float64", "--backend", "numpy", "--ranks", "2"]
    told = subprocess.run(program, cwd=launching.ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stdout.startswith("error 2 ranks were asked for and mpi4py sees 1: mpiexec belongs to another MPI library")


@needs_mpi
def test_two_ranks_are_measured_on_a_core_each(tmp_path, monkeypatch):
    for name in ("LEAST_STEPS", "MOST_STEPS"):
        monkeypatch.setattr(competitor, name, 2)
    monkeypatch.setattr(competitor, "WARM_UP_STEPS", 3)
    assert cli.main([*BENCH, "--ranks", "1,2", "--scaling", "strong,weak", "--output", str(tmp_path)]) == 0
    one, strong, weak = json.loads((tmp_path / "results.json").read_text())
    assert [each["error"] for each in (one, strong, weak)] == [None] * 3
    assert strong["cells"] == one["cells"] and weak["n_cells"] == 2 * one["n_cells"]
    for each in (strong, weak):
        assert math.prod(each["processes"]) == each["ranks"] == 2
        assert each["messages_per_step"] > 0 and each["bytes_per_step"] > 0 and each["ms_per_step_silent"] > 0.0
        assert each["efficiency"] > 0.0 and each["allowed_efficiency"] > 0.0
        assert each["peak_memory_bytes"] > one["peak_memory_bytes"]
        assert each["oversubscribed"] == (len(launching.allowed_cores()) < 2)
    words = (tmp_path / "results.md").read_text()
    assert "## Scaling over MPI ranks" in words
    assert ("## Prediction" in words) == (not strong["oversubscribed"])
    assert {"efficiency.png", "scaling.png"} <= set(os.listdir(tmp_path))


def test_a_rank_alone_hears_all_lines(monkeypatch):
    monkeypatch.setattr(sys, "stdin", iter(()))
    alone = worker.Alone()
    assert (alone.rank, alone.largest(2.0), alone.total(3)) == (0, 2.0, 3)
