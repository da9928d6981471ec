"""The command line: what it prints, and one sentence for every mistake."""

import dataclasses
import os
import subprocess
import sys
import tomllib

import numpy
import pytest
from command_line import RUN, dycore, fields_of, same

from dycore import Model, cases
from dycore.grid import interior


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
    ([*RUN, "--steps", 1, "--state-out", "/"], "Use '/state.npz'"),
    ([*RUN, "--steps", 1, "--continue", __file__], "is a file, and no restart"),
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
    ([*RUN, "--steps", 1, "--output", "x.grib"], "'x.grib' does not end in .zarr, .icechunk or .nc"),
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
