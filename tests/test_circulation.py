"""The circulation beside that of Veros: measures of a known flow, a table with both, and a sentence where Veros is not there."""

import json
import sys

import numpy as np
import pytest

from dycore import cases
from dycore.benchmarks.peers import __main__ as command
from dycore.benchmarks.peers import circulation
from dycore.benchmarks.peers.circulation import CELLS, Fields
from dycore.grid import interior

SV = 1.0e6
FAKE = """
import sys, numpy
cells = (15, 42, 30)
numpy.savez(sys.argv[2], u=numpy.full(cells, 0.01), v=numpy.zeros(cells), temperature=numpy.full(cells, 5.0),
            before=numpy.full(cells, 4.0),
            energy=numpy.full(cells, 1e-4), wet=numpy.ones(cells, bool), thickness=numpy.load(sys.argv[0] + ".npy"), radius=6.37e6)
"""


def fields(**changes):
    """The case at rest, in the form of both models."""
    grid, _, state = cases.southern_channel()
    nothing = np.zeros(CELLS)
    temperature, thickness = interior(state.tracers[0]), np.diff(grid.interfaces)
    return Fields(nothing, nothing, temperature, temperature, nothing + 1e-6, grid.wet, thickness)._replace(**changes)


def test_measures_are_those_of_a_flow_that_is_known():
    current, upward = np.zeros(CELLS), np.zeros(CELLS)
    current[:, :11] = 0.02  # in the channel, whose 11 rows are 22 degrees wide
    upward[0, 20], upward[1, 20] = 0.01, -0.01 * 276.0 / 256.0  # the same transport in two levels
    found = circulation.rows(fields(u=current, temperature=fields().temperature + 0.5), fields(v=upward))
    metre = 6.371229e6 * np.radians(2.0)
    assert found[0].ours == pytest.approx(0.02 * 2080.0 * 11 * metre / SV) and found[0].theirs == 0.0
    assert found[1] == (found[1].name, 0.0, 0.0)
    assert found[2].theirs == pytest.approx(-0.01 * 276.0 * 30 * metre * np.cos(0.0) / SV, rel=1e-3) and found[3].theirs < 1e-9
    assert (found[4].ours, found[4].theirs, found[5].ours) == (pytest.approx(0.5), 0.0, pytest.approx(0.5))
    assert found[6].ours == found[6].theirs == pytest.approx(1e-6)


def test_both_stand_in_one_table(tmp_path, monkeypatch, capsys):
    program = tmp_path / "acc.py"
    program.write_text(FAKE)
    np.save(f"{program}.npy", fields().thickness)
    monkeypatch.setenv("VEROS_PYTHON", sys.executable)
    monkeypatch.setattr(circulation, "PROGRAM", program)
    monkeypatch.setattr(circulation, "missing", lambda: None)
    assert command.main(["--circulation", "0.06", "--backend", "numpy", "--output", str(tmp_path)]) == 0, capsys.readouterr()
    page, of_all = (tmp_path / "circulation.md").read_text(), json.loads((tmp_path / "circulation.json").read_text())
    first, energy = of_all["rows"][0], of_all["rows"][6]
    assert of_all["days"] == 0.06 and first["theirs"] == pytest.approx(0.01 * 2080.0 * 11 * 6.37e6 * np.radians(2.0) / SV)
    assert f"| {first['name']} | {first['ours']:.4g} | {first['theirs']:.4g} | " in page and energy["ours"] > 1e-7


def test_where_veros_is_not_it_is_said_with_how_to_name_it(tmp_path, monkeypatch, capsys):
    nothing = tmp_path / "python"
    nothing.write_text("#!/bin/sh\nexit 1\n")
    nothing.chmod(0o755)
    monkeypatch.setenv("VEROS_PYTHON", str(nothing))
    assert command.main(["--circulation", "1", "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "pip install veros" in said and "VEROS_PYTHON=PATH/bin/python" in said
    assert not (tmp_path / "out").exists()


def test_veros_that_fails_is_said(tmp_path, monkeypatch, capsys):
    program = tmp_path / "acc.py"
    program.write_text("import sys; sys.exit('no such set-up')")
    monkeypatch.setenv("VEROS_PYTHON", sys.executable)
    monkeypatch.setattr(circulation, "PROGRAM", program)
    monkeypatch.setattr(circulation, "missing", lambda: None)
    assert command.main(["--circulation", "1", "--output", str(tmp_path / "out")]) == 1
    assert "Veros failed: no such set-up" in capsys.readouterr().err
