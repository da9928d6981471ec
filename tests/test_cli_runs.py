"""Runs from the command line: what they tell, how they end, and how they go on."""

import dataclasses
import errno
import importlib.util
import io
import os
import re
import shlex
import signal
import sys
import time
from types import SimpleNamespace

import numpy
import pytest
from command_line import RUN, dycore, fields_of, same

from dycore import Model, cases, stopping
from dycore.commands import loading, run
from dycore.forcing import Forcing
from dycore.running.progress import ProgressBar
from dycore.stencils import stencil

# Progress


def clocked(monkeypatch, seconds_of_step, first=60.0):
    """Steps of a day each that take so many seconds of a clock, the first a minute: lines about the first eleven of 41."""
    clock = [1000.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    with ProgressBar(41, 86400.0, wanted=True, start=59) as advance:
        for step in range(1, 12):
            clock[0] += seconds_of_step if step > 1 else first
            advance(step)


def test_lines_tell_simulated_time_years_per_day_and_time_left(capsys, monkeypatch):
    """Ten steps of a day in 200 s are 4320 days, or 11.8 years, a day; 30 more take 600 s. The first step may compile."""
    clocked(monkeypatch, 20.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "day 60.00 of 100.00"
    assert lines[-1] == "day 70.00 of 100.00, 11.8 simulated years per day, 0:10:00 left"


def test_lines_are_few(capsys, monkeypatch):
    """Not more often than every ten seconds, nor than a hundredth of the time so far: 2000 s here."""
    clocked(monkeypatch, 4.0)
    assert len(capsys.readouterr().err.splitlines()) == 1 + 3
    clocked(monkeypatch, 15.0, first=2000.0)
    assert len(capsys.readouterr().err.splitlines()) == 1 + 5


def test_a_terminal_shows_a_bar_with_the_same_words(monkeypatch):
    pytest.importorskip("rich")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    clocked(monkeypatch, 20.0)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue()).rstrip().splitlines()[-1]
    assert last.startswith("day 70.00 of 100.00") and last.rstrip().endswith("11.8 simulated years per day, 0:10:00 left")


def test_a_notebook_shows_a_bar_where_it_can(monkeypatch):
    """A stand-in for the kernel: what rich asks of a notebook is its own business."""
    pytest.importorskip("rich")
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    for widgets in (None, "found"):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, widgets=widgets: widgets)
        assert (ProgressBar(10, 600.0, True).bar is not None) == (widgets is not None)


def test_a_quiet_run_says_nothing_and_its_log_all_with_the_time_of_day(capsys, tmp_path):
    log = tmp_path / "run.log"
    for _ in range(2):  # as jobs of a chain: appended
        assert dycore(capsys, *RUN, "--steps", 3, "--quiet", "--log", log) == (0, "", "")
    lines = log.read_text().splitlines()
    assert len(lines) == 6
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO ", line) for line in lines)
    assert "baroclinic_channel: 4 x 8 x 6 cells, float64, numpy" in lines[0]
    assert lines[1].endswith("day 0.01 of 0.02") and "simulated years per day" in lines[2]


# What ends a run


@stencil
def undefined_at_rest(k, j, i, grid, column, values, now):
    """0 / 0 where nothing moves."""
    return now.u[k, j, i] / now.u[k, j, i]


def test_a_forcing_that_is_no_number_ends_the_run_with_step_field_and_place(capsys, monkeypatch, tmp_path):
    def windy(**options):
        grid, parameters, state = cases.baroclinic_channel(**options)
        return grid, dataclasses.replace(parameters, forcing=(Forcing(u=undefined_at_rest),)), state

    monkeypatch.setitem(cases.CASES, "baroclinic_channel", windy)
    log = tmp_path / "run.log"
    code, _, err = dycore(capsys, *RUN, "--steps", 3, "--log", log, "--state-out", tmp_path / "x.npz")
    assert code == 1
    assert err.startswith("dycore: u is no longer a finite number at step 1 in cell [") and err.count("\n") == 1
    assert "ERROR u is no longer a finite number at step 1" in log.read_text()
    assert os.listdir(tmp_path) == ["run.log"]


def interrupt(monkeypatch, *numbers, at=2):
    """Send signals to this process at the end of a call for steps."""
    steps, calls = Model.steps, []

    def interrupted(*arguments):
        state = steps(*arguments)
        calls.append(1)
        for number in numbers if len(calls) == at else ():
            signal.raise_signal(number)
        return state

    monkeypatch.setattr(Model, "steps", interrupted)


@pytest.mark.parametrize("number, asked", [(signal.SIGTERM, False), *((number, True) for number in stopping.SIGNALS)])
def test_a_signal_ends_a_run_with_a_restart_from_which_it_goes_on_bit_for_bit(capsys, monkeypatch, tmp_path, number, asked):
    monkeypatch.chdir(tmp_path)
    whole = fields_of(capsys, tmp_path, *RUN, "--steps", 9)
    arguments = [*RUN, "--steps", 9, *(["--restarts", "my restarts"] if asked else [])]
    with monkeypatch.context() as patch:
        interrupt(patch, number)
        code, _, err = dycore(capsys, *arguments)
    assert code == 128 + number
    folder = "my restarts" if asked else "baroclinic_channel-restarts"
    assert err.startswith(f"dycore: stopped by {number.name} on day ") and err.count("\n") == 1
    assert re.search(rf" and wrote {folder}/restart_\d+\.npz\. Go on with: dycore run ", err), err
    program, *command = shlex.split(err.partition("Go on with: ")[2])
    assert program == "dycore" and command[-2:] == ["--continue", folder]
    assert same(fields_of(capsys, tmp_path, *command), whole)


def test_the_command_that_goes_on_continues_from_one_place():
    for arguments in (["run", "x.toml"], ["run", "x.toml", "--continue", "old"], ["run", "--continue=old", "x.toml"]):
        assert run.command_from(run.Path("new"), arguments) == "dycore run x.toml --continue new"


def test_a_second_interrupt_ends_at_once(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stopping, "AGAIN", -1.0)  # no matter how soon
    interrupt(monkeypatch, signal.SIGINT, signal.SIGINT)
    assert dycore(capsys, *RUN, "--steps", 9, "--backend", "numpy") == (
        130, "baroclinic_channel: 4 x 8 x 6 cells, float64, numpy, time step 600 s, from the beginning\n", "dycore: interrupted.\n")
    assert not os.listdir(tmp_path)


def test_a_run_leaves_signals_as_they_were(capsys):
    before = [signal.getsignal(number) for number in stopping.SIGNALS]
    assert dycore(capsys, *RUN, "--steps", 1)[0] == 0
    assert [signal.getsignal(number) for number in stopping.SIGNALS] == before


# Output and restarts


def test_jobs_of_a_chain_run_only_what_is_missing(capsys, monkeypatch, tmp_path):
    """The same command for all: the first finds no restart, the second runs to the end, the third finds nothing to do."""
    xarray = pytest.importorskip("xarray")
    monkeypatch.chdir(tmp_path)
    job = [*RUN, "--time-step", 1800, "--output", "channel.nc", "--output-every", 0.125, "--fields", "temperature,salinity",
           "--means", "means.nc", "--means-every", 0.25, "--restarts", "restarts", "--continue", "restarts"]
    code, out, _ = dycore(capsys, *job, "--days", 0.5)
    assert code == 0 and "from the beginning (no restart in restarts)" in out
    code, out, _ = dycore(capsys, *job, "--days", 1)
    assert code == 0 and "from restarts/restart_0000000024.npz, day 0.5" in out
    code, out, _ = dycore(capsys, *job, "--days", 1)
    assert code == 0 and "nothing to do" in out
    with (xarray.open_dataset("channel.nc", decode_times=False) as snapshots,
          xarray.open_dataset("means.nc", decode_times=False) as means):
        assert {"temperature", "salinity"} <= {*snapshots.data_vars} and "eastward_velocity" not in snapshots
        assert snapshots.time.values.tolist() == [n * 10800.0 for n in range(9)]
        assert means.sizes["time"] == 4


def test_output_that_is_there_is_not_overwritten(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "channel.nc").write_bytes(b"earlier")
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--output", "channel.nc")
    assert code == 2 and "'channel.nc' is there already" in err
    assert (tmp_path / "channel.nc").read_bytes() == b"earlier"


def test_a_restart_of_another_run_is_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert dycore(capsys, *RUN, "--steps", 2, "--restarts", "restarts")[0] == 0
    code, _, err = dycore(capsys, *RUN, "--steps", 4, "--precision", "float32", "--continue", "restarts")
    assert code == 2 and "precision is float64 there and float32 in the model" in err and err.count("\n") == 1


def test_a_run_goes_on_with_a_shorter_time_step_where_it_was_in_time(capsys, monkeypatch, tmp_path):
    xarray = pytest.importorskip("xarray")
    monkeypatch.chdir(tmp_path)
    days = [*RUN[:-2], "--output", "o.nc", "--output-every", 1 / 24, "--restarts", "r", "--continue", "r"]
    assert dycore(capsys, *days, "--time-step", 600, "--days", 0.125)[0] == 0
    code, out, _ = dycore(capsys, *days, "--time-step", 200, "--days", 0.25)
    assert code == 0 and "from r/restart_0000000018.npz, day 0.125, where the time step was 600 s" in out
    with xarray.open_dataset("o.nc", decode_times=False) as output:
        assert output.time.values.tolist() == [n * 3600.0 for n in range(7)]
    code, _, err = dycore(capsys, *days, "--time-step", 700, "--days", 0.5)
    assert code == 2 and "day 0.25 is not a whole number of time steps of 700 s" in err
    assert "Use a time step of 696.774193548 or 720 s" in err and err.count("\n") == 1


def test_a_backend_that_is_not_installed_says_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "dycore.backends.on_jax", None)
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--backend", "jax")
    assert code == 2
    assert "pip install 'dycore[jax]'" in err


def test_jax_on_several_processes_without_mpi4jax_says_where_to_look(capsys, monkeypatch):
    monkeypatch.setattr(loading, "launched", lambda: (0, 2))
    monkeypatch.setattr(run, "world", lambda processes: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--backend", "jax")
    assert code == 2
    assert "mpi4jax" in err and "'dycore check'" in err


def test_an_unstable_time_step_is_a_sentence(capsys):
    code, _, err = dycore(capsys, *RUN, "--steps", 200, "--time-step", 1e6)
    assert code in (1, 2)
    assert "Traceback" not in err and "step" in err


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(capsys, monkeypatch, tmp_path):
    def full(file, *_, **__):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "channel.npz"
    file.write_bytes(b"earlier")
    monkeypatch.setattr(numpy.lib.format, "write_array", full)
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--state-out", file)
    assert code == 1
    assert f"the state could not be written to '{file}': No space left on device." in err
    assert file.read_bytes() == b"earlier"
    assert os.listdir(tmp_path) == ["channel.npz"]


@pytest.mark.parametrize("installed, cells, steps, ranks, expected, why", [
    (("numba", "jax"), 1e5, 1000, 1, "numba", "the fastest that is installed"),
    (("jax",), 1e5, 1000, 1, "jax", "the fastest that is installed"),
    (("jax",), 1e5, 1000, 2, "numpy", "the only one that is installed"),  # JAX needs mpi4jax there
    (("jax", "mpi4jax"), 1e5, 1000, 2, "jax", "the fastest that is installed"),
    ((), 1e5, 1000, 1, "numpy", "pip install 'dycore[numba]'"),
    (("numba", "jax"), 1e5, 10, 1, "numpy", "to compile would take longer"),
])
def test_a_run_takes_the_backend_that_is_first_at_its_end_and_says_why(monkeypatch, installed, cells, steps, ranks, expected, why):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setattr(loading, "launched", lambda: (0, ranks))
    name, reason = loading.fastest_backend(cells, steps)
    assert name == expected and why in reason


def test_the_first_line_of_a_run_says_why_it_has_its_backend(capsys):
    said = dycore(capsys, *RUN, "--steps", 1)[1]
    assert "float64, numpy (a run so short that to compile would take longer), time step 600 s" in said
