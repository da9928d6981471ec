"""The command line: what it prints, what it writes, and one sentence for every mistake."""

import dataclasses
import errno
import importlib.util
import io
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib

import numpy
import pytest

from dycore import Model, cases, cli, stopping
from dycore.commands import loading, run
from dycore.forcing import Forcing
from dycore.grid import interior
from dycore.running.progress import ProgressBar
from dycore.stencils import stencil

RUN = ["run", "baroclinic_channel", "--cells", "4,8,6", "--time-step", 600]


def dycore(capsys, *arguments):
    """Exit code, output and errors of a command line."""
    try:
        code = cli.main(list(map(str, arguments)))
    except SystemExit as end:  # argparse ends --help and --version so
        code = end.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_line_loads_nothing_but_numpy():
    program = "import sys, dycore.cli; print({'numba', 'jax', 'rich', 'matplotlib', 'xarray'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "set()"


def test_cases_are_listed_with_a_line_each(capsys):
    code, out, _ = dycore(capsys, "cases")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert {"baroclinic_channel", "baroclinic_wave", "steady_zonal_flow"} <= set(lines)


@pytest.mark.parametrize("command", [[], ["cases"], ["run"], ["validate"], ["plot"], ["bench"], ["check"]])
def test_help_shows_examples(capsys, command):
    code, out, _ = dycore(capsys, *command, "--help")
    assert code == 0
    assert "examples:\n  dycore" in out


def test_a_run_writes_global_fields_without_halo(capsys, tmp_path):
    file = tmp_path / "channel.npz"
    code, out, _ = dycore(capsys, *RUN, "--steps", 3, "--precision", "float32", "--state-out", file)
    assert code == 0
    assert str(file) in out
    assert os.listdir(tmp_path) == ["channel.npz"]
    with numpy.load(file) as fields:
        assert {"u", "v"} <= set(fields)
        assert fields["u"].dtype == numpy.float32
        for name, field in fields.items():
            assert field.shape[-1] in (6, 7), name
            assert numpy.isfinite(field).all(), name


@pytest.mark.parametrize("arguments, words", [
    ([], "COMMAND"),
    (["rum"], "invalid choice: 'rum'"),
    (["run", "baroclinic_chanel", "--steps", 1], "did you mean 'baroclinic_channel'?"),
    (["run", "zzz", "--steps", 1], "there are baroclinic_channel, "),
    (RUN, "one of the options --steps and --days is required"),
    ([*RUN, "--steps", 0], "'0' is not a whole number of at least 1"),
    ([*RUN, "--steps", "many"], "'many' is not a whole number"),
    ([*RUN, "--days", -1], "'-1' is not a number above zero"),
    ([*RUN, "--steps", 1, "--time-step", -600], "'-600' is not a number above zero"),
    ([*RUN, "--steps", 1, "--cells", "4,8"], "'4,8' is not levels, rows and columns"),
    ([*RUN, "--steps", 1, "--cells", "4,8,-6"], "'-6' is not a whole number of at least 1"),
    ([*RUN, "--steps", 1, "--cells", "0,1,1"], "cell"),
    ([*RUN, "--steps", 1, "--cells", "1,1,9999999999999"], "are more than 10^12 cells"),
    ([*RUN, "--days", "1e308"], "'1e308' is not a number above zero and below 1e30"),
    ([*RUN, "--steps", 1, "--set", "substeps=1000000000000"], "(and below 10000)"),
    ([*RUN, "--steps", 1, "--backend", "nunba"], "'nunba'"),
    ([*RUN, "--steps", 1, "--precision", "float16"], "'float16'"),
    ([*RUN, "--steps", 1, "--threads", 10**6], "give --threads "),
    ([*RUN, "--steps", 1, "--state-out", "/no/such/folder/x.npz"], "nothing can be written in '/no/such/folder'"),
    ([*RUN, "--steps", 1, "--state-out", "x.nc"], "Use 'x.npz'"),
    ([*RUN, "--step", 1], "there is no option '--step': did you mean '--steps'?"),
    ([*RUN, "--steps", 1, "--days", 1], "one of the options --steps and --days is required, not both"),
    ([*RUN, "--steps", 1, "--set", "angle=45"], "--set angle=45: there is no parameter of baroclinic_channel 'angle'"),
    ([*RUN, "--steps", 1, "--set", "substep=9"], "did you mean 'substeps'?"),
    ([*RUN, "--steps", 1, "--set", "substeps=many"], "--set substeps=many: 'many' is not a whole number"),
    ([*RUN, "--steps", 1, "--set", "substeps=3"], "must be 1 (no substeps) or a whole number of at least 5"),
    ([*RUN, "--steps", 1, "--set", "diffusivity=nan"], "'nan' is not a number"),
    ([*RUN, "--steps", 1, "--set", "diffusivity=-1"], "diffusivity=-1.0 must be a number that is not negative"),
    ([*RUN, "--steps", 1, "--set", "polar_filter=91"], "polar_filter=91.0 must be a latitude from 0 to 90"),
    ([*RUN, "--steps", 1, "--set", "biharmonic_diffusion=maybe"], "'maybe' is neither true nor false"),
    ([*RUN, "--steps", 1, "--set", "substeps"], "'substeps' is not NAME=VALUE"),
    ([*RUN, "--steps", 1, "--output", "x.grib"], "'x.grib' ends neither in .zarr nor in .nc"),
    ([*RUN, "--steps", 1, "--output", "x.nc", "--means", "x.nc"], "means and output are both 'x.nc'"),
    ([*RUN, "--steps", 1, "--output", "x.nc", "--fields", "salt"], "there is no field 'salt': did you mean 'salinity'?"),
    ([*RUN, "--steps", 1, "--output", "x.nc", "--fields", "salinity,"], "'salinity,' is not names of fields"),
    ([*RUN, "--steps", 1, "--output-every", 5], "output_every = 5.0 is given without output"),
    ([*RUN, "--steps", 1, "--keep", 5], "keep = 5 is given without restarts"),
    ([*RUN, "--steps", 1, "--continue", "/no/such/restart.npz"], "There is no restart '/no/such/restart.npz'"),
    ([*RUN, "--steps", 1, "--log", "/no/such/folder/log"], "nothing can be written in '/no/such/folder'"),
    (["run", "/no/such/run.toml"], "'/no/such/run.toml' cannot be read: No such file or directory."),
    (["cases", "held_suares"], "did you mean 'held_suarez'?"),
    (["bench", "--cases", "baroclinic_wav"], "did you mean 'baroclinic_wave'?"),
    (["bench", "--backends", "numpy,fortan"], "did you mean 'fortran'?"),
    (["bench", "--precisions", "double"], "there is no precision 'double'"),
    (["bench", "--cells", "1e4,tall"], "'tall' is not a number above zero"),
    (["check", "--timeout", 0], "'0' is not a number above zero"),
    (["bench", "--samples", 0], "'0' is not a whole number of at least 1"),
    (["bench", "--threads", 10**6], "give --threads "),
    (["bench", "--ranks", "1,none"], "'none' is not a whole number of at least 1"),
    (["bench", "--processes", "2"], "'2' is not processes in j and in i"),
    (["bench", "--processes", "2,2", "--ranks", "1,2"], "give --ranks 1,4"),
    (["bench", "--scaling", "strongest"], "did you mean 'strong'?"),
])
def test_bad_input_is_one_sentence(capsys, arguments, words):
    code, out, err = dycore(capsys, *arguments)
    assert code == 2
    assert words in err
    assert err.startswith("dycore: ") and err.count("\n") == 1
    assert not out


@pytest.mark.parametrize("text, words", [
    ("cases = 'held_suarez'", "there is no key 'cases': did you mean 'case'?"),
    ("dayz = 3", "there is no key 'dayz': did you mean 'days'?"),
    ("steps = 1\ndays = 1", "one of the options --steps and --days is required, not both"),
    ("days = -1", "days = -1: '-1' is not a number above zero"),
    ("days = true", "days = true: 'true' is not a number above zero"),
    ("days = '1'", 'days = "1" has to be written days = 1.0'),
    ("days = [1]", "days = [1] has to be written days = 1.0"),
    ("days = inf", "'Infinity' is not a number above zero"),
    ("days = 1979-05-27", "days = \"1979-05-27\": '\"1979-05-27\"' is not a number above zero"),
    ("steps = 1.5", "steps = 1.5: '1.5' is not a whole number of at least 1"),
    ("cells = '4,8,6'", 'cells = "4,8,6" has to be written cells = [4, 8, 6]'),
    ("cells = [4, 8]", "cells = [4, 8]: '4,8' is not levels, rows and columns"),
    ("backend = 'nunba'", "there is no backend 'nunba': did you mean 'numba'?"),
    ("log = ''", "log = \"\": '' is no name of a file"),
    ("[output]\nfile = 'x.zarr'", "output = "),
    ("parameters = 3", "parameters = 3 is not a table"),
    ("steps = 1\n[parameters]\nsubstep = 9", "parameters.substep = 9: there is no parameter of baroclinic_channel 'substep': "
                                            "did you mean 'substeps'?"),
    ("steps = 1\n[parameters]\nsubsteps = 9.5", "parameters.substeps = 9.5: '9.5' is not a whole number"),
    ("steps = 1\n[parameters]\nsubsteps = '9'", 'parameters.substeps = "9" has to be written substeps = 9'),
    ("steps = ", "is not TOML: Invalid value "),
    ("x = " + 9999 * "[", "is not TOML: "),
    ("x = '\udcff'", "is not TOML: 'utf-8' codec can't decode"),
])
def test_a_file_that_makes_no_sense_is_refused_with_its_name_and_the_key(capsys, tmp_path, text, words):
    file = tmp_path / "run.toml"
    file.write_bytes(f"case = 'baroclinic_channel'\n{text}".encode(errors="surrogateescape"))
    code, out, err = dycore(capsys, "run", file)
    assert code == 2
    assert words in err and (str(file) in err or "options" in words)
    assert err.startswith("dycore: ") and err.count("\n") == 1
    assert not out


def test_a_file_without_a_case_is_refused(capsys, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("steps = 1")
    assert "names no case" in dycore(capsys, "run", file)[2]


def fields_of(capsys, tmp_path, *arguments):
    """What a run of these arguments writes with --state-out."""
    file = tmp_path / "fields.npz"
    code, _, err = dycore(capsys, *arguments, "--state-out", file)
    assert code == 0, err
    with numpy.load(file) as fields:
        return dict(fields)


def same(one, other):
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def test_parameters_come_from_options_or_a_file_and_reach_the_case_and_the_model(capsys, tmp_path, numpy_backend):
    grid, parameters, state = cases.steady_zonal_flow((1, 10, 16), angle=45.0)
    state = Model(grid, dataclasses.replace(parameters, polar_damping=7200.0), numpy_backend).run(state, steps=3, progress=False)
    file = tmp_path / "flow.toml"
    file.write_text("case = 'steady_zonal_flow'\ncells = [1, 10, 16]\nsteps = 3\n"
                    "[parameters]\nangle = 45\npolar_damping = 7200")
    for arguments in (["run", file], ["run", "steady_zonal_flow", "--cells", "1,10,16", "--steps", 3, "--set", "angle=45", "--set",
                                      "polar_damping=7200"]):
        assert (fields_of(capsys, tmp_path, *arguments)["u"] == interior(state.u)).all()


def test_options_override_a_file(capsys, tmp_path):
    file = tmp_path / "flow.toml"
    file.write_text("case = 'steady_zonal_flow'\ncells = [1, 10, 16]\ndays = 1\ntime_step = 900\n[parameters]\nangle = 45")
    _, out, _ = dycore(capsys, "run", file, "--steps", 3, "--time-step", 600, "--set", "angle=30", "--dry-run")
    found = tomllib.loads(out)
    assert (found["steps"], found["time_step"], found["parameters"]["angle"]) == (3, 600.0, 30.0)
    assert found["cells"] == [1, 10, 16] and "days" not in found


@pytest.mark.parametrize("case", [case for case in cases.CASES if case != "global_ocean"])  # whose coastlines take seconds
def test_what_a_dry_run_prints_is_the_whole_run(capsys, tmp_path, case):
    cells = "1,10,16" if cases.cells_for(case, 1e4)[0] == 1 else "3,10,16"
    arguments = ["run", case, "--cells", cells, "--steps", 2]
    code, out, err = dycore(capsys, *arguments, "--dry-run")
    assert code == 0 and not err
    assert not os.listdir(tmp_path)
    file = tmp_path / "run.toml"
    file.write_text(out)
    assert same(fields_of(capsys, tmp_path, "run", file), fields_of(capsys, tmp_path, *arguments))
    assert dycore(capsys, "run", file, "--dry-run")[1] == out


def test_parameters_of_a_case_are_listed_with_kind_and_default(capsys):
    code, out, _ = dycore(capsys, "cases", "barotropic_gyre")
    assert code == 0
    assert "Munk 1950" in out
    rows = [line.split(maxsplit=1) for line in out.splitlines()]
    assert ["linear", "true or false, false by default"] in rows
    assert ["viscosity", "number, 400.0 by default"] in rows
    assert ["substeps", "whole number, of the model"] in rows


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
    assert dycore(capsys, *RUN, "--steps", 9) == (
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
    def full(file, **fields):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "channel.npz"
    file.write_bytes(b"earlier")
    monkeypatch.setattr(numpy, "savez", full)
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--state-out", file)
    assert code == 1
    assert f"the state could not be written to '{file}': No space left on device." in err
    assert file.read_bytes() == b"earlier"
    assert os.listdir(tmp_path) == ["channel.npz"]
