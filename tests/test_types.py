"""Types: what a user calls says them, and a type checker holds a user's script against them."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dycore import Model, cases

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = '''
import numpy as np

from dycore import Model, Parameters, State, cases, initial_state
from dycore.backends import on_jax, on_numba, on_numpy
from dycore.fluid import Ocean
from dycore.grid import rectilinear
from dycore.stencils import stencil, where
from dycore.vertical import stretched


@stencil
def upwind1(velocity: float, c3: float, c2: float, c1: float, d1: float, d2: float, d3: float) -> float:
    return float(where(velocity > 0.0, c1, d1))


grid = rectilinear((4, 8, 12), extent=(1.0e6, 5.0e5), interfaces=stretched(4, 4000.0), land=np.zeros((8, 12), bool))
parameters = Parameters(Ocean(), time_step=600.0, substeps=12, tracer_names=("temperature",), tracer_face=upwind1)
state: State = initial_state(grid, surface=0.0, u=np.zeros((4, 8, 12)), tracers=(10.0,))
for backend in (on_numpy, on_numba, on_jax):
    model = Model(grid, parameters, backend)
Model(grid, parameters, on_numpy.create(threads=1)).run(state, days=1.0)
speed: float = model.dataset(model.step(state)).eastward_velocity.max().item()

Model(grid, parameters, "jax")  # wrong
Model(grid, parameters, np)  # wrong
Model(parameters, grid, on_numpy)  # wrong
model.run(state, day=1.0)  # wrong
model.steps(state, "ten")  # wrong
model.dataset(state.u, 1.0)  # wrong
Parameters(Ocean, time_step=600.0)  # wrong
Parameters(Ocean(), time_step="600")  # wrong
Parameters(Ocean(), time_step=600.0, tracer_face="upwind3")  # wrong
cases.baroclinic_wave(cells=(10, 32))  # wrong
initial_state(grid, u=0.0)  # wrong
rectilinear((4, 8, 12), extent=1.0e6, interfaces=stretched(4, 4000.0))  # wrong
upwind1(1.0, 2.0)  # wrong
'''


def test_a_strict_type_checker_takes_a_users_script_and_finds_every_wrong_call(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(script)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    found = {int(line) for line in re.findall(r"script\.py:(\d+): error", checked.stdout)}
    assert found == {number for number, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith("# wrong")}, checked.stdout


@pytest.mark.parametrize("path", sorted((ROOT / "dycore").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_function_that_is_no_stencil_says_its_types(path):
    for function in public_functions(ast.parse(path.read_text())):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        untyped = [argument.arg for argument in arguments if argument.annotation is None and argument.arg not in ("self", "cls")]
        assert not untyped, f"{function.name} does not say the type of {', '.join(untyped)}"
        assert function.returns is not None or function.name == "__init__", f"{function.name} does not say what it returns"


def public_functions(scope):
    """Functions of a module and methods of its public classes, those without underscore that are no stencils."""
    for node in scope.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)
        elif (isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_"))
                and "stencil" not in (getattr(decorator, "id", "") for decorator in node.decorator_list)):
            yield node


def test_the_package_says_that_it_is_typed_and_ships_it(monkeypatch):
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.chdir(ROOT)
    distribution = setuptools.Distribution()
    distribution.parse_config_files(["pyproject.toml"])
    files = distribution.get_command_obj("build_py")
    files.ensure_finalized()
    assert "py.typed" in {package: names for package, _, _, names in files.get_data_files_without_manifest()}["dycore"]


@pytest.mark.parametrize("backend", ["jax", None])
def test_what_is_no_backend_is_refused_in_one_sentence(backend):
    grid, parameters, _ = cases.barotropic_gyre((1, 8, 8))
    with pytest.raises(TypeError, match=rf"backend={backend!r} is no backend. Give on_numpy"):
        Model(grid, parameters, backend)


def test_a_stress_on_an_atmosphere_is_refused_in_one_sentence(numpy_backend):
    grid, parameters, _ = cases.baroclinic_wave((2, 8, 12))
    with pytest.raises(ValueError, match="surface_stress is divided by the reference density of an Ocean"):
        Model(grid, replace(parameters, surface_stress=(0.1, 0.0)), numpy_backend)
