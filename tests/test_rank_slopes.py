"""Slopes of runs on several MPI ranks are those of one process: messages have transposes, which send slopes of halos home."""

import json

import pytest
from test_ranks import HERE, MPIEXEC, launch

pytest.importorskip("mpi4py")
pytest.importorskip("mpi4jax")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="no mpiexec: install an MPI library, or the extra bundled-mpi")


def test_slopes_by_fields_and_coefficients_are_those_of_one_process_on_all_ranks():
    """Over the poles, and with rows that the polar filter needs whole: they are divided between the two ranks."""
    ran = launch(2, [str(HERE / "rank_slopes.py"), json.dumps([("over the poles", (1, 2))])])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (found,) = json.loads(ran.stdout.splitlines()[-1])
    assert found.pop("same")  # by coefficients, which all ranks hold
    assert {"value", "surface", "time_step", "fluid.surface_gravity"} <= set(found)
    assert max(found.values()) < 1e-10
