"""What cannot be printed or logged: a run goes on without, and what a command exists to print is an error."""

import io
import os
import sys

import pytest
from test_restart import same, wave

from dycore.cli import main

RUN = ["run", "baroclinic_channel", "--cells", "4,8,6", "--backend", "numpy", "--steps", "2"]


@pytest.mark.parametrize("unbuffered", [True, False])
@pytest.mark.parametrize("arguments", [["cases"], ["cases", "held_suarez"], ["--help"], ["--version"], [*RUN, "--dry-run"]])
def test_what_a_command_exists_to_print_fails_in_a_sentence_on_a_full_disk(monkeypatch, capsys, arguments, unbuffered):
    with open("/dev/full", "wb", buffering=0) as full:
        raw = full if unbuffered else io.BufferedWriter(os.fdopen(os.dup(full.fileno()), "wb", buffering=0), 2**20)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, write_through=unbuffered))
        assert main(arguments) == 1
    assert capsys.readouterr().err == "dycore: what this command prints could not be written: No space left on device.\n"
    monkeypatch.undo()


def test_a_run_whose_log_is_on_a_full_disk_ends_well_with_one_warning(tmp_path, capsys):
    assert main([*RUN, "--log", "/dev/full", "--state-out", str(tmp_path / "s.npz")]) == 0
    assert (tmp_path / "s.npz").exists()
    assert capsys.readouterr().err.splitlines() == [
        "dycore: warning: The log '/dev/full' can no longer be written: No space left on device. The run goes on without it."]


@pytest.mark.parametrize("lost", ["none", "closed"])
def test_a_run_without_standard_error_is_as_any_other(numpy_backend, monkeypatch, lost):
    model, start = wave(numpy_backend)
    stream = None
    if lost == "closed":
        stream = io.StringIO()
        stream.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        found = model.run(start, steps=2)
    assert same(found, model.steps(start, 2))
