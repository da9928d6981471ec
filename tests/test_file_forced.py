"""Runs forced by files: the same bits on NumPy and Numba, across a restart and on several ranks."""

import file_forced
import numpy as np
import pytest
from conftest import create, fields_of

from dycore import Model, restart

for library in ("xarray", "netCDF4", "scipy", "cf_units", "cftime"):
    pytest.importorskip(library)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("forcing") / "forcing.nc"
    file_forced.write(made)
    return made


@pytest.fixture(scope="module")
def whole(path, numpy_backend):
    grid, parameters, state = file_forced.case(path)
    return fields_of(Model(grid, parameters, numpy_backend).steps(state, 9))


def assert_same(found, whole):
    assert all(np.array_equal(found[name], field) for name, field in whole.items())
    assert np.ptp(whole["u"]) > 1e-3 and np.ptp(whole["tracer 0"]) > 0.01 and np.ptp(whole["tracer 1"]) > 1e-4


def test_a_run_forced_by_a_file_goes_on_from_a_restart_with_the_same_bits(path, whole, numpy_backend, tmp_path):
    for n in (3, 4):  # records change within steps 3 and 7
        grid, parameters, state = file_forced.case(path)
        model = Model(grid, parameters, numpy_backend)
        there = restart.write(tmp_path / f"{n}.npz", model, model.steps(state, n))
        again = Model(*file_forced.case(path)[:2], numpy_backend)
        assert_same(fields_of(again.steps(restart.read(there, again), 9 - n)), whole)


def test_a_run_forced_by_a_file_is_the_same_under_numba(path, whole):
    grid, parameters, state = file_forced.case(path)
    assert_same(fields_of(Model(grid, parameters, create("numba")).steps(state, 9)), whole)


def test_a_run_forced_by_a_file_is_the_same_on_two_ranks(path):
    from test_ranks import MPIEXEC, results_of

    pytest.importorskip("mpi4py")
    if MPIEXEC is None:
        pytest.skip("no mpiexec: install an MPI library, or the extra bundled-mpi")
    calls = [("file_forced", ("numpy", shape, 9, str(path)), {}) for shape in ((2, 1), (1, 2))]
    assert results_of(2, *calls) == [0.0, 0.0]
