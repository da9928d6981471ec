"""Gradients of runs as competitors: what is differentiated, what is recorded, and that they stand beside steps, not among them."""

import sys

import numpy as np
import pytest
from benchmark_records import record
from conftest import create

from dycore import Model, cases
from dycore.backends import on_numpy
from dycore.benchmarks import competitor, gradient_run, lineup, measuring, ratios, readme, results_file, tables
from dycore.benchmarks.competitor import Competitor, Group
from dycore.check.machine import processor

RUN = Group("baroclinic_channel", (20, 16, 32), "float64", gradient_steps=10)


def test_the_gradient_of_a_run_is_the_slope_of_the_sum_of_squares_after_it():
    jax = pytest.importorskip("jax")
    grid, parameters, state = cases.barotropic_gyre(cells=(1, 4, 6))
    on_numpy_too, steps, random = Model(grid, parameters, on_numpy), 3, np.random.default_rng(3)
    state = on_numpy_too.steps(on_numpy_too.asarrays(state), 20)
    direction = np.zeros_like(state.u)
    direction[:, 2:-2, 2:-2] = random.normal(size=direction[:, 2:-2, 2:-2].shape)

    def outcome(scale):
        after = on_numpy_too.steps(state._replace(u=state.u + scale * direction), steps)
        return sum((np.asarray(field) ** 2).sum() for field in jax.tree.leaves(after[:-2]))

    model = Model(grid, parameters, create("jax"))
    slopes = gradient_run.gradient_of_a_run(model, model.asarrays(state), steps)(tuple(model.asarrays(state)[:-2]))
    by_difference = (outcome(1e-4) - outcome(-1e-4)) / 2e-4
    assert by_difference != 0.0
    assert float((np.asarray(slopes[0]) * direction).sum()) == pytest.approx(by_difference, rel=1e-4)


def measured(name, seconds_a_step, first):
    """A competitor that took three samples of two runs."""
    each = Competitor(name, RUN, 1, "cpu")
    each.steps, each.first_seconds = 20, first
    each.seconds = [20 * seconds_a_step * drift for drift in (1.0, 2.0, 0.5)]
    each.about = {"bytes_per_pass": 1e8, "tracers": 2, "time_step": 600.0}
    return each


def test_a_gradient_is_recorded_as_a_multiple_of_the_forward_run_in_the_same_rounds():
    gradient, forward = measured("gradient", 0.6, 26.0), measured("jax", 0.05, 10.5)
    found = measuring.record(gradient, measured("triad", 0.01, 0.01), lineup.Beside(forward=forward))
    assert (found["backend"], found["gradient_steps"]) == ("jax", 10)
    assert found["over_forward"] == pytest.approx(12.0)
    assert found["ms_per_step"] == pytest.approx(600.0) and found["forward_ms_per_step"] == pytest.approx(50.0)
    assert found["compile_seconds"] == pytest.approx(20.0)  # the first run less a later one of ten steps
    assert found["forward_compile_seconds"] == pytest.approx(10.0)
    assert found["floor_ratio"] is None and found["simulated_years_per_day"] is None


def test_worker_and_forward_run_take_runs_of_as_many_steps():
    for name, backend in (("gradient-native", "gradient-native"), ("jax", "jax")):
        words = competitor.command(name, RUN, 1, "cpu")
        assert words[words.index("--backend") + 1] == backend and words[words.index("--gradient-steps") + 1] == "10"
    assert "--gradient-steps" not in competitor.command("triad", RUN, 1, "cpu")


def test_gradients_have_a_table_of_their_own_and_are_in_no_other_ratio(tmp_path):
    steps = [record(competitor=name, ms_per_million_cells=each, ms_per_step=each, ms_min=each, ms_max=each, floor_ratio=5.0,
                    floor_ms_per_million_cells=5.0, efficiency=None, device=processor(), nodes=1, gradient_steps=0)
             for name, each in (("jax", 60.0), ("fortran", 30.0))]
    gradient = steps[0] | {"competitor": "gradient", "gradient_steps": 100, "over_forward": 12.5, "ms_per_million_cells": 750.0,
                           "ms_per_step": 768.0, "forward_ms_per_step": 61.44, "compile_seconds": 20.0, "floor_ratio": None,
                           "peak_memory_bytes": 4e8}
    results = results_file.Results(tmp_path, "dycore bench")
    results.keep(steps)
    results.keep([gradient])  # of the same case, size and ranks
    assert [each["competitor"] for each in results.of_this_run] == ["jax", "fortran", "gradient"]
    (_, columns, rows), = tables.timings(results.of_this_run)
    assert columns == ["cells", "Fortran", "JAX (XLA)", "floor"] and len(rows) == 1
    columns, (row,) = tables.gradients(results.of_this_run)
    shown = dict(zip(columns, row, strict=True))
    assert (shown["gradient / forward"], shown["forward (XLA)"], shown["compile s"]) == ("12.5", "60.0", "20.00")
    assert [ratio.value for ratio in ratios.found(results.of_this_run)] == [2.0]
    assert "JAX (XLA) 12.5 (12.5 to 12.5)." in readme.gradient_sentence([results.of_this_run[2]])


@pytest.mark.parametrize("seconds, long, said", [(0.0, 60.0, []), (2.0, 0.05, ["compiling (about 20 s)"])])
def test_compiling_is_said_where_it_takes_long(monkeypatch, seconds, long, said):
    program = f"""
import time
print("compiling", flush=True); time.sleep({seconds}); print("ready 0.0", flush=True)
while (words := input().split())[0] == "sample": print("seconds", 0.01 * int(words[1]), flush=True)
"""
    monkeypatch.setattr(competitor, "command", lambda *_: [sys.executable, "-c", program])
    monkeypatch.setattr(competitor, "SAID_AFTER_SECONDS", long)
    each, heard = Competitor("numba", Group("case", (1, 1, 1), "float64"), 1, "cpu"), []
    each.say_compiling = heard.append
    each.attempt(Competitor.start)
    each.stop()
    assert (each.error, heard) == (None, said)
