"""The first run on a GPU, on a CPU: kernels are counted right, and whatever ends the program, what it found is there, whole."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dycore.benchmarks import competitor, gpu, gpu_processes, gpu_work, kernels, measuring
from dycore.benchmarks.competitor import Group
from dycore.benchmarks.launching import ROOT

PROGRAM = """HloModule jit_steps, is_scheduled=true

%fused_write (p0: f64[4,10], p1: f64[1,10]) -> f64[4,10] {
  %p0 = f64[4,10]{1,0} parameter(0)
  %p1 = f64[1,10]{1,0} parameter(1)
  %zero = s32[] constant(0)
  ROOT %out = f64[4,10]{1,0} dynamic-update-slice(%p0, %p1, %zero, %zero)
}

%fused_read (p0: f64[4,10]) -> (f64[1,10], f64[1,10]) {
  %p0 = f64[4,10]{1,0} parameter(0)
  %a = f64[1,10]{1,0} slice(%p0), slice={[0:1], [0:10]}
  %b = f64[1,10]{1,0} negate(%a)
  ROOT %both = (f64[1,10]{1,0}, /*index=1*/f64[1,10]{1,0}) tuple(%a, %b)
}

%inner (state: (s32[], f64[4,10])) -> (s32[], f64[4,10]) {
  %state = (s32[], f64[4,10]{1,0}) parameter(0)
  %n = s32[] get-tuple-element(%state), index=0
  %x = f64[4,10]{1,0} get-tuple-element(%state), index=1
  %read = (f64[1,10]{1,0}, f64[1,10]{1,0}) fusion(%x), kind=kLoop, calls=%fused_read
  %row = f64[1,10]{1,0} get-tuple-element(%read), index=1
  %write = f64[4,10]{1,0} fusion(%x, %row), kind=kLoop, calls=%fused_write
  ROOT %next = (s32[], f64[4,10]{1,0}) tuple(%n, %write)
}

%always (state: (s32[], f64[4,10])) -> pred[] {
  %state = (s32[], f64[4,10]{1,0}) parameter(0)
  ROOT %yes = pred[] constant(true)
}

%outer (state: (s32[], f64[4,10])) -> (s32[], f64[4,10]) {
  %state = (s32[], f64[4,10]{1,0}) parameter(0)
  %loop = (s32[], f64[4,10]{1,0}) while(%state), condition=%always, body=%inner, backend_config={"known_trip_count":{"n":"6"}}
  %n = s32[] get-tuple-element(%loop), index=0
  %x = f64[4,10]{1,0} get-tuple-element(%loop), index=1
  %copy = f64[4,10]{1,0} copy(%x)
  ROOT %next = (s32[], f64[4,10]{1,0}) tuple(%n, %copy)
}

ENTRY %main (state: (s32[], f64[4,10])) -> (s32[], f64[4,10]) {
  %state = (s32[], f64[4,10]{1,0}) parameter(0)
  ROOT %loop = (s32[], f64[4,10]{1,0}) while(%state), condition=%always, body=%outer
}
"""
GROUP = Group("held_suarez", (20, 8, 16), "float64")
OPTIONS = ["--device", "cpu", "--cells", "300", "--cases", "held_suarez", "--precisions", "float64"]


def test_kernels_and_bytes_of_a_step_are_those_of_the_program():
    """Of three steps in a loop: a loop of six reads of a row and writes in place, and a copy."""
    counted = {each.name: each for each in kernels.of_a_step(PROGRAM, period=3)}
    assert {name: (each.read, each.written, each.times, each.loop) for name, each in counted.items()} == {
        "read": (80, 160, 2.0, True), "write": (80, 80, 2.0, True), "copy": (320, 320, pytest.approx(1 / 3), False)}
    summary = kernels.summary(list(counted.values()), (4, 1, 10), 1, "float64")
    assert summary["launches"] == pytest.approx(4 + 1 / 3)
    assert summary["bytes"] == pytest.approx(2 * (240 + 160) + 640 / 3)
    assert summary["over_compulsory"] == pytest.approx(summary["bytes"] / (16 * 8 * 40))


def run(folder, monkeypatch, parts, minutes=1.0):
    """The exit code of a run of these parts, and what it left."""
    monkeypatch.setattr(gpu, "parts_of", lambda results: {"agreement": lambda run: None, "suite": lambda run: None} | parts)
    code = gpu.main([*OPTIONS, "--parts", ",".join(parts), "--minutes", str(minutes), "--output", str(folder)])
    return code, json.loads((folder / "gpu.json").read_text())["parts"]


def result(**others):
    return {"case": "held_suarez", "cells": [20, 8, 16], "precision": "float64", "error": None} | others


def test_a_part_that_takes_too_long_keeps_what_it_has_and_leaves_time_for_the_next(tmp_path, monkeypatch):
    def slow(run):
        run.findings.add("gradient", result(error="a first result"))
        time.sleep(60.0)

    begun = time.monotonic()
    code, parts = run(tmp_path, monkeypatch, {"gradient": slow, "host": lambda run: run.findings.add("host", result(error="no"))},
                      minutes=0.05)
    assert time.monotonic() - begun < 20.0
    assert code == 1 and parts["gradient"]["state"] == "cut short" and "share of the time" in parts["gradient"]["why"]
    assert [each["error"] for each in parts["gradient"]["results"]] == ["a first result"]
    assert parts["host"]["state"] == "incomplete" and parts["host"]["results"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_leaves_a_whole_file(tmp_path, monkeypatch, capsys, number):
    def ended(run):
        run.findings.add("gradient", result(error="a first result"))
        os.kill(os.getpid(), number)
        time.sleep(60.0)

    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)
    code, parts = run(tmp_path, monkeypatch, {"gradient": ended, "host": lambda run: pytest.fail("it was begun")})
    assert code == 130 and parts["gradient"]["state"] == "cut short" and parts["host"]["state"] == "not begun"
    assert parts["gradient"]["results"] and f"Ended: {signal.Signals(number).name} came" in capsys.readouterr().out
    assert handlers == (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM))


def test_a_part_that_fails_is_a_sentence_and_the_next_follows(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")  # of conftest.py
    code, parts = run(tmp_path, monkeypatch, {"gradient": lambda run: 1 / 0, "host": lambda run: None})
    assert code == 1 and parts["host"]["state"] == "done"
    assert "gradient: failed: ZeroDivisionError: division by zero." in capsys.readouterr().out
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    run(tmp_path, monkeypatch, {"host": lambda run: None})
    assert len(list(tmp_path.glob("gpu*.json"))) == 2  # what an earlier run has found stays


def scripted(monkeypatch, program):
    monkeypatch.setattr(gpu_processes, "part_command", lambda *_, **__: [sys.executable, "-c", program])


def test_results_of_a_process_come_as_it_prints_them_and_its_end_is_a_sentence(monkeypatch):
    scripted(monkeypatch, "print('{\"a\": 1}', flush=True); print('{\"a\": 2}', flush=True); import sys; sys.exit('no memory')")
    about = {"case": "held_suarez", "cells": [20, 8, 16], "precision": "float64"}
    assert list(gpu_processes.lines_of("agreement", [GROUP], "cpu")) == [
        about | {"a": 1}, about | {"a": 2}, about | {"error": "ended with exit code 1: no memory"}]


def test_programs_are_compiled_side_by_side_and_each_says_why_it_could_not(monkeypatch):
    scripted(monkeypatch, "import sys; print('error no such GPU'); sys.exit(1)")
    found = list(gpu_processes.compile_all([("gradient", GROUP, None)] * 3, "cpu"))
    assert [(each["program"], each["error"]) for each in found] == [("gradient", "no such GPU")] * 3


def test_starts_that_are_broken_off_say_so_and_leave_no_process(monkeypatch):
    monkeypatch.setattr(competitor, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    everyone = [competitor.Competitor("jax", GROUP, 1, "cpu") for _ in range(2)]
    begun = time.monotonic()
    with pytest.raises(gpu.TimeIsUp), gpu.limited(1.0):
        measuring.start_together(everyone)
    assert time.monotonic() - begun < 15.0
    assert [(each.error, each.process) for each in everyone] == [("its start was broken off", None)] * 2


def test_what_cannot_be_asked_for_is_a_sentence(tmp_path, capsys):
    assert gpu.main([*OPTIONS, "--minutes", "0"]) == 2
    assert "--minutes 0 is no time to measure in" in capsys.readouterr().err


def test_groups_above_2e7_cells_are_measured_in_single_precision_alone():
    options = gpu.options_of(["--cells", "1e5,1e8", "--cases", "held_suarez"])
    sizes = [(group.precision, group.n_cells > 10**7) for group in gpu_work.Run(options, None, None).groups]
    assert sizes == [("float64", False), ("float32", False), ("float32", True)]


# A machine with JAX, NumPy and nothing else: what is not there is hidden from Python.
BARE = """
import importlib.machinery, sys
hidden = {"numba", "mpi4py", "mpi4jax", "matplotlib", "rich", "scipy", "ducc0", "pynvml", "xarray", "psutil", "filelock"}
found = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, path=None, target=None: None if name.partition(".")[0] in hidden else found(name, path, target))
"""


def test_on_a_bare_machine_all_parts_run_and_say_what_is_missing(tmp_path):
    pytest.importorskip("jax")
    (tmp_path / "sitecustomize.py").write_text(BARE)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run([sys.executable, "-m", "dycore.benchmarks.gpu", *OPTIONS, "--samples", "1", "--minutes", "60",
                           "--parts", "suite,kernels,host", "--output", str(tmp_path / "results")],
                          cwd=ROOT, env=environment, capture_output=True, text=True)
    parts = json.loads((tmp_path / "results" / "gpu.json").read_text())["parts"]
    assert {name: part["state"] for name, part in parts.items()} == {
        "suite": "done", "kernels": "done", "host": "incomplete"}, done.stdout + done.stderr
    measured, counted = parts["suite"]["results"][0], parts["kernels"]["results"][0]
    assert measured["ms_per_step"] > 0.0 and measured["floor_ratio"] > 0.0
    assert counted["profiled_launches"] == pytest.approx(counted["launches"])  # what is counted is what runs
    assert "No module named 'numba'" in parts["host"]["why"] and "pip install 'dycore[numba]'" in parts["host"]["why"]
    assert "Kernels a step" in done.stdout
