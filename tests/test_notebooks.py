"""Errors in IPython: a sentence of dycore stands right below the line of the user; a fault is shown whole."""

import re
import subprocess
import sys

import pytest

pytest.importorskip("IPython")
SCRIPT = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
for number, cell in enumerate({cells}):
    print("cell", number, flush=True)
    shell.run_cell(cell)
"""
CELLS = ["from dycore import cases, notebooks", "cases.baroclinic_channel(cells=(5, 16))",
         "from unittest import mock\nwith mock.patch('dycore.vertical.np', None):\n    cases.baroclinic_channel(cells=(4, 8, 8))",
         "1 / 0", "cases.baroclinic_channel(cells=(5, 16))\n", "%tb", "notebooks.short_errors(False)",
         "cases.baroclinic_channel(cells=(5, 16))"]


@pytest.fixture(scope="module")
def shown():
    """What IPython shows of each cell."""
    found = subprocess.run([sys.executable, "-c", SCRIPT.format(cells=CELLS)], capture_output=True, text=True, check=True)
    return re.split(r"cell \d\n", found.stdout)[1:]


def test_a_sentence_of_dycore_stands_below_the_line_of_the_user(shown):
    assert shown[0] == ""
    lines = shown[1].strip().splitlines()
    assert "dycore/" not in shown[1] and len(lines) < 8
    assert lines[-1].startswith("ValueError: cells=(5, 16) are not three whole numbers.")
    assert "1 cases.baroclinic_channel(cells=(5, 16))" in shown[1]


def test_faults_are_shown_whole(shown):
    assert "dycore/vertical.py" in shown[2] and "AttributeError" in shown[2]
    assert "ZeroDivisionError" in shown[3]


def test_the_whole_of_a_sentence_is_to_be_had(shown):
    for asked in (shown[5], shown[7]):
        assert "dycore/geometry/coordinates.py" in asked and "are not three whole numbers" in asked
