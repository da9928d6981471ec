"""Several devices in one JAX program give the answer of one, to round-off."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
HERE = Path(__file__).parent
# In float64 XLA's other order of sums (1e-16) may grow a hundred-thousandfold in sixty steps. In float32 the same growth
# (6e-8) shows in w, the small divergence of large numbers, a thousandth of whose range is then noise.
TOLERANCE = {"float64": 1e-11, "float32": 1e-2}
SAME = [("channel", "float64", [[2, 2]], 25), ("wave", "float64", [[1, 4], [4, 1]], 20),
        ("over the poles", "float32", [[2, 2]], 50)]
# the narrow ones have parts that are as wide as their halo
HALOS = [("periodic", "wall", [2, 2], [2, 12, 24], [3, 3]), ("periodic", "wall", [4, 1], [2, 12, 24], [3, 3]),
         ("periodic", "wall", [1, 2], [2, 12, 24], [3, 8]), ("wall", "wall", [2, 2], [2, 8, 10], [4, 5]),
         ("wall", "wall", [1, 4], [2, 8, 12], [3, 3]), ("wall", "wall", [3, 1], [2, 12, 8], [3, 3]),
         ("periodic", "periodic", [2, 2], [2, 8, 12], [4, 4]), ("wall", "periodic", [1, 3], [2, 8, 12], [3, 3]),
         ("periodic", "pole", [2, 2], [2, 8, 12], [3, 3]), ("periodic", "pole", [1, 4], [2, 8, 12], [3, 3]),
         ("periodic", "pole", [4, 1], [2, 16, 12], [3, 3]), ("periodic", "pole", [1, 1], [2, 8, 12], [3, 3])]
FILTERED = [[2, 2], [1, 4], [4, 1]]
SCATTERED = [("periodic", "wall", [2, 2], [3, 3]), ("wall", "wall", [2, 2], [6, 6]), ("periodic", "pole", [1, 4], [3, 3])]
# by fields, halos summed with the cells that they copy, and by coefficients: an even number of devices meets across a pole
SLOPES = [("over the poles", [[2, 2], [1, 2]])]
CALLS = [*(("slopes", call) for call in SLOPES),
         ("messages", ("channel", [2, 2])), ("messages", ("wave", [2, 1])), ("place", ("wave", [2, 2])),
         ("total", ("wave", [2, 2])), ("chosen", ()), ("handed_over", ([2, 2],)),
         ("refused", ("wave", [3, 1])), ("refused", ("wave", [4, 2])), ("refused", ("wave", [1, 3])),
         *(("halos", call) for call in HALOS), *(("rows_filtered", (shape,)) for shape in FILTERED),
         *(("scattered", call) for call in SCATTERED), *(("same_answer", call) for call in SAME)]


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


@pytest.mark.parametrize("call", SLOPES, ids=str)
def test_slopes_of_a_run_on_two_and_four_devices_are_those_of_one(results, call):
    found = results[json.dumps(("slopes", call))]
    assert {"value", "surface", "time_step", "fluid.surface_gravity"} <= set(found)
    assert max(found.values()) < 1e-10


@pytest.mark.parametrize("call", HALOS, ids=str)
def test_every_value_of_a_halo_is_the_one_that_belongs_there(results, call):
    assert results[json.dumps(("halos", call))] == 0


@pytest.mark.parametrize("shape", FILTERED, ids=str)
def test_the_polar_filter_changes_its_rows_and_no_other_by_a_bit(results, shape):
    """Though every device runs the same program, in which some rows are filtered only on other devices."""
    rows, apart = results[json.dumps(("rows_filtered", (shape,)))]
    assert rows == [0, 1, 14, 15]
    assert apart < 1e-14  # values of order one, a few additions in another order


@pytest.mark.parametrize("call", SCATTERED, ids=str)
def test_every_device_holds_its_part_of_a_constant_and_no_more_where_it_does_not_change(results, call):
    assert results[json.dumps(("scattered", call))]


def test_a_state_goes_straight_to_another_model_on_the_same_devices(results):
    assert results[json.dumps(("handed_over", ([2, 2],)))] < 1e-11  # after ten steps, as between backends


def test_without_a_shape_all_devices_are_used_or_what_would_work_is_said(results):
    shape, said = results[json.dumps(("chosen", ()))]
    assert shape == [2, 2]
    assert said == ("9 x 15 columns cannot be divided evenly among 4 devices. Use processes=1,3 or 3,1, "
                    "or MPI (dycore.backends.mpi).")


def test_messages_of_a_step_are_few(results):
    """One in each of four directions for all fields of an exchange: two of them, and two more between portions of substeps.
    Between poles rows go two ways, and nothing crosses a pole to another device where rows are whole."""
    assert results[json.dumps(("messages", ("channel", [2, 2])))] == 4 * (2 + 2)
    assert results[json.dumps(("messages", ("wave", [2, 1])))] == 2 * 2


def test_a_value_that_is_not_a_number_is_found_at_its_place_in_the_domain(results):
    assert "surface is no longer a finite number at step 0 in cell [j=11, i=20]" in results[json.dumps(("place", ("wave", [2, 2])))]


def test_the_total_is_that_of_one_device(results):
    assert abs(results[json.dumps(("total", ("wave", [2, 2])))]) < 1e-7  # of 6e5 K in 1536 cells: round-off


def test_divisions_that_cannot_be_are_refused_with_numbers_and_what_would_work(results):
    uneven, many, odd = (results[json.dumps(("refused", ("wave", shape)))] for shape in ([3, 1], [4, 2], [1, 3]))
    assert uneven.startswith("16 rows cannot be divided evenly among 3 devices") and "Use processes=2,1 or 1,2" in uneven
    assert many.startswith("processes=4,2 need 8 devices, but JAX finds 4 (cpu).") and "device_count=8" in many
    assert odd.startswith("3 devices in i do not match across the pole") and "Use processes=2,1 or 1,2" in odd
