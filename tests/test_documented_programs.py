"""The programs in the documentation run, or compile where they need a cluster, and its command lines are understood."""

import re
import runpy
import shlex
from pathlib import Path

import pytest
from conftest import create

from dycore.cli import command_line

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("howto/*.md"), *DOCS.glob("explanation/*.md"), *DOCS.glob("reference/*.md")])
NEEDS = {"mpi": "mpi4py", "gpu": "jax", "threads": "numba", "xgcm_dask": "xgcm", "output": "zarr"}
# words that a command line names but that the shell, or a user, puts something else in place of
LEFT_OUT = r"mpiexec.*?(?=dycore)|srun.*?(?=dycore)|#.*|>.*"


def blocks(path, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", path.read_text(), flags=re.S | re.M)


@pytest.mark.parametrize("path", [page for page in PAGES if blocks(page, "python") and page.parent.name == "howto"],
                         ids=lambda p: p.stem)
def test_the_programs_of_a_how_to_page_run_one_after_the_other(path, tmp_path, monkeypatch):
    pytest.importorskip(NEEDS.get(path.stem, "numpy"))
    if path.stem == "gpu":
        create("jax")  # XLA compiles quickly in tests
    monkeypatch.chdir(tmp_path)
    scope: dict = {"__name__": "page"}
    for block in blocks(path, "python"):
        exec(compile(block, str(path), "exec"), scope)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_programs_that_are_only_shown_compile_and_commands_are_understood(path):
    for block in blocks(path, r"\{code-block\} python\n"):
        compile(block, str(path), "exec")
    commands = r"^(?:    |`)((?:\S+ )*?dycore (?:run|cases|bench|plot|validate|check|slurm) [^`\n]*)"
    for line in re.findall(commands, path.read_text(), flags=re.M):
        words = shlex.split(re.sub(LEFT_OUT, "", line))
        if words[0] == "dycore" and "CASE" not in words and "..." not in words:
            command_line().parse_args(words[1:])


def test_the_first_wave_of_the_tutorial_is_where_the_published_one_is():
    found = runpy.run_path(str(DOCS / "tutorials/first_wave.py"))
    # Jablonowski and Williamson: below 960 hPa on day 9 at fine grids, near 50 to 60 N; 5.6 degrees damp it
    assert 950e2 < found["surface"].min() < 990e2
    assert 45.0 < found["place"].latitude.item() < 70.0


def test_the_ocean_of_the_tutorial_has_two_gyres_that_follow_the_wind():
    found = runpy.run_path(str(DOCS / "tutorials/ocean_of_your_own.py"))
    psi, half = found["psi"], found["half"]
    assert psi.max() > 5.0 and psi.min() < -5.0
    assert 0.4 < (half.max() - half.min()).item() / (psi.max() - psi.min()).item() < 0.6  # all but linear


def test_the_gradient_of_the_tutorial_is_the_difference():
    create("jax")
    found = runpy.run_path(str(DOCS / "tutorials/slope_of_a_sea_level.py"))
    assert found["expected"] == pytest.approx(found["difference"], rel=1e-4)
