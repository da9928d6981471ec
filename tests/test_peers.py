"""Peers: what is missing is said with how to name it, and a peer that is there stands in one table with ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from dycore.benchmarks.peers import __main__ as command
from dycore.benchmarks.peers import comparison, mitgcm, peer, python_peers
from dycore.benchmarks.peers.comparison import Compared
from dycore.benchmarks.peers.peer import Case, Peer
from dycore.benchmarks.problems import Failed

ROOT = Path(__file__).resolve().parent.parent
CASE = Case("baroclinic_channel", (4, 12, 24), "a little less", 3)


def test_what_is_missing_is_said_with_how_to_name_it(tmp_path):
    nothing = tmp_path / "python"
    nothing.write_text("#!/bin/sh\nexit 1\n")
    nothing.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "MITGCM_ROOT"}
    ran = subprocess.run([sys.executable, "-m", "dycore.benchmarks.peers", "--output", str(tmp_path / "out")], cwd=ROOT, text=True,
                         capture_output=True, check=False, timeout=60,
                         env=environment | {"VEROS_PYTHON": str(nothing), "DINOSAUR_PYTHON": str(nothing)})
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1 and ran.stderr.startswith("dycore: nothing could be compared: ")
    for words in ("MITGCM_ROOT=FOLDER, with a clone of github.com/MITgcm/MITgcm", "pip install veros", "pip install dinosaur",
                  "VEROS_PYTHON=PATH/bin/python", "DINOSAUR_PYTHON=PATH/bin/python"):
        assert words in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_of_mitgcm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MITGCM_ROOT", str(tmp_path))
    assert f"MITGCM_ROOT names '{tmp_path}', in which there is no tools/genmake2" in mitgcm.missing()


def test_a_python_that_cannot_be_started_is_named(monkeypatch):
    monkeypatch.setenv("VEROS_PYTHON", "/no/such/python")
    assert python_peers.VEROS.missing().startswith("VEROS_PYTHON names '/no/such/python', which cannot be started")


def fake(program, case=CASE):
    """A peer that is a program of one line."""
    return Peer("fake", "Fake", lambda: None, (case,),
                lambda case, folder: lambda: peer.answered([sys.executable, "-c", program, str(case.steps)], folder, "Fake"))


def test_a_peer_stands_in_one_table_with_ours(tmp_path, capsys):
    answer = "import sys; assert sys.argv[1] == '3'; print('loading'); print('seconds_per_step', 0.5)"
    code = command.main(["--samples", "2", "--backend", "numpy", "--output", str(tmp_path)], [fake(answer)])
    assert code == 0, capsys.readouterr()
    page = (tmp_path / "peers.md").read_text()
    ours, theirs = (line.split(" | ") for line in page.splitlines() if line.startswith("| baroclinic_channel"))
    assert ours[3] == "ours (NumPy)" and "barotropic substeps" in ours[6]
    assert theirs[3] == "Fake" and theirs[4] == "434028 (434028)" and theirs[6] == "a little less |"
    one = json.loads((tmp_path / "peers.json").read_text())["compared"][0]
    assert one["theirs"] == pytest.approx([0.5e9 / (4 * 12 * 24)] * 2)
    assert min(one["ours"]) > 10.0 and float(theirs[5]) == pytest.approx(comparison.statistics.median(
        a / b for a, b in zip(one["theirs"], one["ours"], strict=True)), rel=0.01)


def test_a_peer_that_fails_is_said(tmp_path, capsys):
    assert command.main(["--backend", "numpy", "--output", str(tmp_path)], [fake("import sys; sys.exit('no such grid')")]) == 1
    assert "Fake, baroclinic_channel: Fake failed: no such grid" in capsys.readouterr().err
    with pytest.raises(Failed, match="did not say 'seconds_per_step'"):
        fake("print(1)").start(CASE, tmp_path)()


def test_the_ratio_is_the_median_of_rounds():
    assert Compared("Fake", CASE, [4.0, 9.0, 8.0], [2.0, 3.0, 1.0]).ratio == 3.0


TIMERS = '''
(PID.TID 0000.0001)   Seconds in section "ALL                    [THE_MODEL_MAIN]":
(PID.TID 0000.0001)           User time:   9.0
(PID.TID 0000.0001)         System time:   9.0
(PID.TID 0000.0001)          No. starts:           1
(PID.TID 0000.0001)   Seconds in section "FORWARD_STEP        [MAIN_DO_LOOP]":
(PID.TID 0000.0001)           User time:   2.5000000000000000
(PID.TID 0000.0001)         System time:  0.50000000000000000
(PID.TID 0000.0001)     Wall clock time:   7.0
(PID.TID 0000.0001)          No. starts:          20
(PID.TID 0000.0001)   Seconds in section "LOAD_FIELDS_DRIVER  [FORWARD_STEP]":
(PID.TID 0000.0001)           User time:   1.0
'''


def test_mitgcm_is_timed_by_its_own_sections(tmp_path):
    assert mitgcm.seconds_per_step(TIMERS, Path("STDERR.0000")) == pytest.approx(3.0 / 20)
    (tmp_path / "STDERR.0000").write_text("*** ERROR *** no delX\n*** ERROR *** S/R ALL_PROC_DIE\n")
    with pytest.raises(Failed, match="before its last step: no delX"):
        mitgcm.seconds_per_step("STOP ABNORMAL END", tmp_path / "STDERR.0000")


@pytest.mark.parametrize("write", [mitgcm.channel, mitgcm.held_suarez], ids=lambda write: write.__name__)
def test_input_of_mitgcm_is_our_case(write, tmp_path):
    write(CASE, tmp_path)
    data = (tmp_path / "data").read_text()
    assert all(f" &PARM0{number}\n" in data for number in range(1, 6)) and " nTimeSteps=3,\n" in data
    theta = numpy.fromfile(tmp_path / "theta", ">f8").reshape(CASE.cells)
    assert (numpy.diff(theta.mean(axis=(1, 2))) > 0).all() == (write is mitgcm.held_suarez)  # the first level is the lowest there
    if write is mitgcm.channel:
        bottom = numpy.fromfile(tmp_path / "bottom", ">f8").reshape(CASE.cells[1:])
        assert (bottom[0] == 0.0).all() and bottom.min() == pytest.approx(-4000.0, abs=1.0)


def test_values_are_written_as_fortran_reads_them():
    assert mitgcm.namelist("B", {"x": [0.5] * 7}) == " &B\n x=0.5, 0.5, 0.5, 0.5, 0.5, 0.5,\n   0.5,\n &\n"
    assert mitgcm.namelist("A", {"x": [1.5, 2e-9], "flag": True, "n": 3, "name": "b"}) == (
        " &A\n x=1.5, 2e-09,\n flag=.TRUE.,\n n=3,\n name='b',\n &\n")
