"""JAX in its process: numbers of 64 bits only where asked for, a platform that is there, and no hanging after a fork."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")
ROOT = Path(__file__).parent.parent

PRECISIONS = """
import json, warnings, numpy as np, jax, jax.numpy as jnp
from dycore import Model, cases
from dycore.backends import on_jax

def made(precision):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        grid, parameters, state = cases.steady_zonal_flow((1, 8, 12), precision=precision)
        model = Model(grid, parameters, on_jax.create(native=False))
    return model, state, [str(each.message) for each in said if each.category.__name__ == "PrecisionWarning"]

def bits(model, state):
    return [np.asarray(each).tobytes().hex() for each in model.steps(state, 3)[:4]]

found = {"imported": jax.config.jax_enable_x64}
single, state, found["of single"] = made("float32")
before = bits(single, state)
found |= {"single": jax.config.jax_enable_x64, "own": str(jnp.ones(2).dtype)}
double, wide, found["of double"] = made("float64")
found |= {"double": jax.config.jax_enable_x64, "u": str(double.asarrays(wide).u.dtype), "of another": made("float64")[2]}
found["same"] = bits(*made("float32")[:2]) == before
print(json.dumps(found))
"""

FORKED = """
import os, sys, time
import jax
from dycore import Model, cases
from dycore.backends import on_jax
{before}
if os.fork() == 0:
    try:
        {within}
    except RuntimeError as problem:
        print(problem, flush=True)
        os._exit(3)
    os._exit(0)
print("rc", os.waitstatus_to_exitcode(os.wait()[1]))
"""
GRID = "grid, parameters, state = cases.steady_zonal_flow((1, 8, 12), precision='float32')"


def python(program, **environment):
    return subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, text=True,
                          capture_output=True, timeout=120, check=False)


def test_only_a_model_of_double_precision_switches_jax_to_it_and_says_so_and_single_gives_the_same_bits_either_way():
    ran = python(PRECISIONS, JAX_ENABLE_X64="0")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["imported"], found["single"], found["own"], found["of single"]) == (False, False, "float32", [])
    assert found["double"] and found["u"] == "float64" and found["of another"] == []
    (said,) = found["of double"]
    assert "jax_enable_x64" in said and "JAX_ENABLE_X64=1" in said and "float32" in said
    assert found["same"]


@pytest.mark.parametrize("before, within", [
    (f"{GRID}; model = Model(grid, parameters, on_jax.create(native=False))", "model.steps(state, 1)"),
    (f"{GRID}; model = Model(grid, parameters, on_jax)", "model.steps(state, 1)"),  # with kernels, where Numba is installed
    ("jax.devices()", f"{GRID}; Model(grid, parameters, on_jax.create(native=False))"),  # started by somebody else
], ids=["a model of the parent", "a model with kernels", "a model of its own"])
def test_a_process_forked_after_jax_has_started_says_so_instead_of_hanging(before, within):
    ran = python(FORKED.format(before=before, within=within))
    assert "rc 3" in ran.stdout, ran.stderr
    assert "was forked from one in which JAX had started" in ran.stdout and "get_context('spawn')" in ran.stdout


LATE = """
import multiprocessing, os, jax

def work(_):
    from dycore import Model, cases
    from dycore.backends import on_jax
    grid, parameters, state = cases.steady_zonal_flow((1, 8, 12), precision="float32")
    try:
        return type(Model(grid, parameters, on_jax)).__name__
    except RuntimeError as problem:
        return str(problem)

if __name__ == "__main__":
    jax.devices()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        print("there:", pool.map(work, [0])[0])
    print("here:", work(0))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="the threads of a process cannot be seen here")
def test_a_process_forked_after_jax_has_started_says_so_even_where_it_alone_imports_the_backend():
    ran = python(LATE)
    assert "there: This process was forked from one in which JAX had started" in ran.stdout, ran.stdout + ran.stderr
    assert "here: Model" in ran.stdout


def test_a_process_forked_before_jax_has_started_is_as_any_other():
    ran = python(FORKED.format(before="", within=f"{GRID}; Model(grid, parameters, on_jax.create(native=False))"))
    assert "rc 0" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize("platform", ["rocm", "nonsense"])  # known, but not installed; and not known
def test_a_platform_that_is_not_there_is_a_sentence(platform):
    ran = subprocess.run([sys.executable, "-m", "dycore", "run", "baroclinic_channel", "--cells", "4,12,16", "--steps", "1",
                          "--backend", "jax"], env=os.environ | {"JAX_PLATFORMS": platform}, cwd=ROOT, text=True,
                         capture_output=True, check=False)
    assert ran.returncode == 2 and not ran.stdout
    assert ran.stderr.startswith(f"dycore: JAX cannot start: JAX_PLATFORMS={platform} names a platform that is not there")
    assert ran.stderr.count("\n") == 1
