"""Several devices in one JAX program give the answer of one, to round-off."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
HERE = Path(__file__).parent
# In float64 XLA's other order of sums (1e-16) may grow a hundred-thousandfold in fifty steps. In float32 the same growth
# (6e-8) shows in w, the small divergence of large numbers, a thousandth of whose range is then noise.
TOLERANCE = {"float64": 1e-11, "float32": 1e-2}
SAME = [("channel", "float64", [[2, 2]], 50), ("channel", "float64", [[4, 1], [1, 2]], 25), ("channel", "float32", [[2, 1]], 50),
        ("wave", "float64", [[2, 2]], 50), ("wave", "float64", [[1, 4], [4, 1], [2, 1]], 20), ("wave", "float32", [[2, 2]], 50)]
CALLS = [("messages", ("channel", [2, 2])), ("messages", ("wave", [2, 1])), ("place", ("wave", [2, 2])),
         ("total", ("wave", [2, 2])),
         ("refused", ("wave", [3, 1])), ("refused", ("wave", [4, 2])), *(("same_answer", call) for call in SAME)]


@pytest.fixture(scope="module")
def results():
    """Of all calls, from one process: devices are made when JAX starts, and starting takes longer than a case."""
    # more threads than devices: else XLA may wait for a message whose sender has no thread to run on
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "NPROC": "8", "JAX_PLATFORMS": "cpu",
                                "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
    ran = subprocess.run([sys.executable, str(HERE / "several_devices.py"), json.dumps(CALLS)], env=environment,
                         capture_output=True, text=True, timeout=900, check=False)
    assert ran.returncode == 0, ran.stderr
    return {json.dumps(call): result for call, result in zip(CALLS, json.loads(ran.stdout.splitlines()[-1]), strict=True)}


@pytest.mark.parametrize("call", SAME, ids=str)
def test_any_number_of_devices_gives_the_same_answer(results, call):
    """Where there are several shapes, the run goes on in the next one from the gathered fields."""
    assert results[json.dumps(("same_answer", call))] < TOLERANCE[call[1]]


def test_messages_of_a_step_are_few(results):
    """One in each of four directions for all fields of an exchange: four of them, and two more between portions of substeps.
    Between poles rows go two ways, and nothing crosses a pole to another device where rows are whole."""
    assert results[json.dumps(CALLS[0])] == 4 * (4 + 2)
    assert results[json.dumps(CALLS[1])] == 2 * 2


def test_a_value_that_is_not_a_number_is_found_at_its_place_in_the_domain(results):
    assert "surface is no longer a finite number at step 0 in cell [j=11, i=20]" in results[json.dumps(CALLS[2])]


def test_the_total_is_that_of_one_device(results):
    assert abs(results[json.dumps(CALLS[3])]) < 1e-7  # of 6e5 K in 1536 cells: round-off


def test_divisions_that_cannot_be_are_refused_with_numbers(results):
    assert results[json.dumps(CALLS[4])].startswith("16 rows cannot be divided evenly among 3 devices")
    assert results[json.dumps(CALLS[5])].startswith("processes=4,2 need 8 devices, but JAX finds 4 (cpu).")
