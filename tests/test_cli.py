"""The command line: what it prints, what it writes, and one sentence for every mistake."""

import errno
import importlib.util
import os
import subprocess
import sys

import numpy
import pytest

from dycore import cli
from dycore.commands import run, shared

RUN = ["run", "baroclinic_channel", "--cells", "4,8,6"]


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


@pytest.mark.parametrize("command", [[], ["cases"], ["run"], ["validate"], ["bench"], ["check"]])
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
    ([*RUN, "--steps", 1, "--cells", "1,1,1"], "cell"),
    ([*RUN, "--steps", 1, "--backend", "nunba"], "'nunba'"),
    ([*RUN, "--steps", 1, "--precision", "float16"], "'float16'"),
    ([*RUN, "--steps", 1, "--threads", 10**6], "give --threads "),
    ([*RUN, "--steps", 1, "--state-out", "/no/such/folder/x.npz"], "nothing can be written in '/no/such/folder'"),
    ([*RUN, "--steps", 1, "--state-out", "x.nc"], "Use 'x.npz'"),
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


def test_a_backend_that_is_not_installed_says_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "dycore.backends.on_jax", None)
    code, _, err = dycore(capsys, *RUN, "--steps", 1, "--backend", "jax")
    assert code == 2
    assert "pip install 'dycore[jax]'" in err


def test_jax_on_several_processes_without_mpi4jax_says_where_to_look(capsys, monkeypatch):
    monkeypatch.setattr(shared, "launched", lambda: (0, 2))
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
