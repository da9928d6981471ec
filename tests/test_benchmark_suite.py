"""The suite: its records, its arithmetic, and that nothing that goes wrong loses a measurement."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dycore import Model, cases, cli
from dycore.benchmarks import competitor, fortran_reference, groups, launching, measuring, programs, report, tables
from dycore.tiles import HALO

FIELDS = {"case", "competitor", "backend", "device", "ranks", "threads", "precision", "cells", "n_cells", "steps",
          "ms_per_step", "ms_per_million_cells", "ms_min", "ms_max", "compile_seconds", "peak_memory_bytes",
          "floor_ratio", "versions", "commit", "stepper", "right_hand_sides", "substeps", "tracers", "tracer_scheme",
          "time_step", "simulated_years_per_day", "samples", "steps_per_sample", "run", "utc", "machine", "error",
          "bandwidth_bytes_per_second", "floor_ms_per_million_cells", "scaling", "base_cells", "processes",
          "oversubscribed", "nodes", "messages_per_step", "bytes_per_step", "ms_per_step_silent", "message_share", "efficiency",
          "allowed_efficiency", "silent_error", "joules_per_step", "energy_counters", "command", "gradient_steps", "over_forward",
          "forward_ms_per_step", "forward_compile_seconds", "others_cores", "triad_spread", "busy", "sampled_apart"}
BENCH = ["bench", "--cases", "baroclinic_wave", "--cells", "3000", "--precisions", "float64", "--ranks", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two runs of NumPy, and of a Fortran reference that has neither program nor compiler, into one folder."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FC", "no-such-compiler")
        patch.setattr(fortran_reference, "FORTRAN", folder / "nowhere")
        for _ in range(2):
            assert cli.main([*BENCH, "--backends", "numpy,fortran", "--samples", "2", "--output", str(folder)]) == 0
    return folder


def records_in(folder):
    return json.loads((folder / "results.json").read_text())


def test_records_have_every_field(folder):
    for record in records_in(folder):
        assert set(record) == FIELDS
        nz, ny, nx = record["cells"]
        assert record["n_cells"] == nz * ny * nx


def test_a_second_run_is_added_to_the_first(folder):
    records = records_in(folder)
    assert [record["competitor"] for record in records] == ["numpy", "fortran"] * 2
    assert len({record["run"] for record in records}) == 2


def test_a_measurement_is_consistent(folder):
    record = records_in(folder)[0]
    assert record["error"] is None
    assert 0.0 < record["ms_min"] <= record["ms_per_step"] <= record["ms_max"]
    assert record["ms_per_million_cells"] == pytest.approx(record["ms_per_step"] * 1e6 / record["n_cells"])
    assert record["samples"] == 2 and record["steps"] == 2 * record["steps_per_sample"]
    assert record["steps_per_sample"] >= (20 if record["ms_max"] < 50.0 else 2)  # fewer than 20 in two seconds of a busy machine
    assert record["peak_memory_bytes"] > 10**7
    simulated_seconds_per_second = record["time_step"] / (1e-3 * record["ms_per_step"])
    assert record["simulated_years_per_day"] == pytest.approx(simulated_seconds_per_second / 365.25)
    assert record["floor_ratio"] == pytest.approx(record["ms_per_million_cells"] / record["floor_ms_per_million_cells"])
    assert {"python", "numpy"} <= set(record["versions"])
    assert (record["ranks"], record["efficiency"], record["oversubscribed"]) == (1, 1.0, False)


def test_a_competitor_that_cannot_run_is_a_record_and_a_line(folder):
    record = records_in(folder)[1]
    assert record["ms_per_step"] is None
    assert "no-such-compiler was not found: apt-get install gfortran" in record["error"]
    assert "Fortran could not run (baroclinic_wave, " in (folder / "results.md").read_text()


def test_a_picture_is_drawn(folder):
    assert (folder / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "scaling.png").stat().st_size > 10_000


def test_the_floor_counts_every_prognostic_array_and_its_history_once():
    # Two tracers: reads u, v, w, 2 x 2 tendencies, 2 x 3 tracers; writes u, v, w, 2 tendencies, 2 tracers: 20 arrays
    # of 8 bytes; 160 bytes a cell at 10 GB/s is 16 ns, and 16 ms for 1M cells.
    assert measuring.floor_ms_per_million_cells(2, "float64", 1e10) == pytest.approx(16.0)
    assert measuring.floor_ms_per_million_cells(1, "float32", 1e10) == pytest.approx(6.4)
    assert measuring.floor_ms_per_million_cells(2, "float64", 1e10, closure_fields=1) == pytest.approx(17.6)


def test_a_sample_has_twenty_steps_unless_a_step_takes_long():
    assert competitor.steps_of_a_sample(1e-4) == competitor.MOST_STEPS  # not weeks of simulated time
    assert competitor.steps_of_a_sample(0.4) == 20
    assert competitor.steps_of_a_sample(1.0) == 10
    assert competitor.steps_of_a_sample(60.0) == 2
    assert competitor.steps_of_a_sample(0.4, most_seconds=2.0) == 5
    # of runs of 8 steps whole runs: 20 steps, or 0.3 s, or one run however long
    assert [competitor.steps_of_a_sample(seconds, 2.0, 8) for seconds in (0.02, 0.005, 10.0)] == [24, 64, 24]


def scripted(monkeypatch, program):
    """A competitor that is this Python program."""
    monkeypatch.setattr(competitor, "command", lambda *_: [sys.executable, "-c", program])
    each = competitor.Competitor("numpy", competitor.Group("case", (1, 1, 1), "float64"), 1, "cpu")
    each.attempt(competitor.Competitor.start)
    each.attempt(competitor.Competitor.sample)
    each.attempt(competitor.Competitor.finish)
    each.stop()
    return each


def test_a_program_that_speaks_the_protocol_is_measured(monkeypatch):
    each = scripted(monkeypatch, """
print("a library says hello\\nready 0.0", flush=True)
while (words := input().split())[0] == "sample":
    print("seconds", 0.01 * int(words[1]), flush=True)
print("peak_memory_bytes 4096", flush=True)
""")
    assert (each.error, each.steps, each.peak_memory_bytes) == (None, 30, 4096)
    assert each.seconds == pytest.approx([0.3])


@pytest.mark.parametrize("program, why", [
    ("import sys; sys.exit('ridge: too high')", "ended early (exit code 1): ridge: too high"),
    ("import os; os.kill(os.getpid(), 9)", "was killed (signal 9), most likely for want of memory"),
    ("import os; os.kill(os.getpid(), 11)", "crashed (signal 11)"),
    ("print('error no module')", "no module"),
    ("print('ready 0', flush=True); input()", "ended early (exit code 0)"),
])
def test_a_crash_is_a_sentence(monkeypatch, program, why):
    assert scripted(monkeypatch, program).error == why


def test_a_halo_may_hold_anything_after_a_step_but_a_cell_has_to_be_a_number(numpy_backend):
    grid, parameters, state = cases.baroclinic_channel((3, 6, 8))
    model = Model(grid, parameters, numpy_backend)
    state = model.steps(state, 1)
    for field in programs.fields_of(state):
        if np.ndim(field) > 1:
            field[..., :HALO, :] = field[..., -HALO:] = np.nan
    assert programs.is_finite(model, state)
    state.tracers[1][3, HALO, HALO + 7] = np.inf
    assert not programs.is_finite(model, state)


def test_a_competitor_that_gives_no_answer_is_stopped(monkeypatch):
    monkeypatch.setattr(competitor, "ANSWER_SECONDS", 0.5)
    each = scripted(monkeypatch, "import time; time.sleep(60)")
    assert "gave no answer" in each.error and each.process is None


def test_competitors_run_on_their_own_cores(monkeypatch):
    before = os.sched_getaffinity(0)
    each = scripted(monkeypatch, "import os; print('error', len(os.sched_getaffinity(0)))")
    assert each.error == "1"
    assert os.sched_getaffinity(0) == before


def test_samples_are_taken_in_turn_in_an_order_that_rotates(monkeypatch):
    order = []

    class Silent(competitor.Competitor):
        def start(self):
            self.about, self.steps = {"tracers": 2, "time_step": 600.0, "bytes_per_pass": 1e6}, 20

        def sample(self):
            order.append(self.name)
            self.seconds.append(1.0)

        def finish(self):
            self.peak_memory_bytes = 1

    monkeypatch.setattr(measuring, "Competitor", Silent)
    settings = groups.Settings(["case"], [1], ["numpy", "numba"], ["float64"], 1, 3, "cpu", pathlib.Path("nowhere"))
    rounds = list(measuring.measure(competitor.Group("case", (1, 1, 1), "float64"), settings, {}, report.Lines()))
    assert order == ["triad", "numpy", "numba", "numpy", "numba", "triad", "numba", "triad", "numpy"]
    assert [records[0]["samples"] for records in rounds] == [1, 2, 3, 3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_was_measured_and_stops_the_workers(tmp_path, number):
    psutil = pytest.importorskip("psutil")
    suite_process = subprocess.Popen(
        [sys.executable, "-m", "dycore.cli", *BENCH, "--backends", "numpy", "--samples", "100000",
         "--output", tmp_path], cwd=launching.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120.0
        while not (tmp_path / "results.json").exists() or not records_in(tmp_path):
            assert suite_process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        workers = psutil.Process(suite_process.pid).children()
        assert workers
        suite_process.send_signal(number)
        assert suite_process.wait(timeout=60.0) == 130
    finally:
        suite_process.kill()
        suite_process.wait()
    assert not psutil.wait_procs(workers, timeout=10.0)[1]
    assert records_in(tmp_path)[0]["ms_per_step"] > 0.0
    assert sorted(os.listdir(tmp_path)) == ["results.json", "results.md", "scaling.png"]


def test_a_full_disk_is_a_sentence_and_leaves_earlier_records(tmp_path, monkeypatch, capsys):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "results.json").write_text('[{"run": "earlier"}]')
    monkeypatch.setattr(pathlib.Path, "write_text", full)
    assert cli.main([*BENCH, "--backends", "numpy", "--output", str(tmp_path)]) == 1
    assert "results.json' could not be written: No space left on device." in capsys.readouterr().err
    assert records_in(tmp_path) == [{"run": "earlier"}]


@pytest.mark.parametrize("text", ["half a fi", '{"a": 1}'])
def test_a_file_that_is_not_ours_is_left_alone(tmp_path, capsys, text):
    (tmp_path / "results.json").write_text(text)
    assert cli.main([*BENCH, "--backends", "numpy", "--output", str(tmp_path)]) == 2
    assert "is not a list of records" in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text() == text


def test_an_output_folder_that_cannot_be_made_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main([*BENCH, "--output", str(tmp_path / "file" / "below")]) == 2
    assert "Name another folder with --output." in capsys.readouterr().err


def test_tables_show_the_ratio_to_fortran(folder):
    numpy = records_in(folder)[0]
    fortran = numpy | {"competitor": "fortran", "ms_per_million_cells": numpy["ms_per_million_cells"] / 4.0}
    (heading, columns, rows), = tables.timings([numpy, fortran])
    assert heading == "baroclinic_wave, float64"
    assert columns == ["cells", "Fortran", "NumPy", "floor"]
    assert "4.00 x Fortran" in rows[0][2] and "Fortran" not in rows[0][1]


def test_sizes_are_written_short():
    assert [tables.size(n) for n in (1, 10_000, 102_960, 999_999)] == ["1e0", "1e4", "1.03e5", "1e6"]
    assert [tables.figure(x) for x in (0.01234, 1.234, 12345.6, None)] == ["0.0123", "1.23", "12346", "n/a"]
