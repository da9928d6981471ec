"""What is given away: a wheel that holds the suite, a source archive that holds the tests, and words about both that agree."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import dycore
from dycore.benchmarks import fortran_reference, launching

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = (".git", ".venv", ".asv", ".*_cache", "*.egg-info", "build", "dist", "site", "bench-results", "__pycache__")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the source archive, unpacked too, and the wheel that was made of it, unpacked as an installation."""
    for needed in ("build", "setuptools_scm"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, folder / "tree", symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "tree"], check=True,
                   capture_output=True, env=os.environ | {"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_DYCORE": "7.8.9"})
    with tarfile.open(folder / "dycore-7.8.9.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    with zipfile.ZipFile(folder / "dycore-7.8.9-py3-none-any.whl") as wheel:
        wheel.extractall(folder / "installed")
    return folder


def ran(arguments, folder, installed, **variables):
    """A Python in an empty folder that knows this installation alone, without Numba, JAX, xarray and matplotlib."""
    hidden = folder / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(dict.fromkeys(['numba', 'jax', 'xarray', 'matplotlib', 'filelock', 'cftime']))\n")
    environment = os.environ | {"PYTHONPATH": f"{hidden}{os.pathsep}{installed}"} | variables
    return subprocess.run([sys.executable, *arguments], cwd=hidden, env=environment, capture_output=True, text=True, check=False)


def test_a_wheel_has_the_version_of_the_tag_and_measures_with_its_own_suite(built):
    told = ran(["-m", "dycore", "--version"], built, built / "installed")
    assert told.stdout == "dycore 7.8.9\n"
    told = ran(["-m", "dycore", "bench", "--cases", "baroclinic_channel", "--cells", "600", "--backends", "numpy,numba",
                "--samples", "1", "--sample-seconds", "0.1", "--ranks", "1", "--output", str(built / "results")],
               built, built / "installed")
    assert told.returncode == 0, told.stderr
    assert re.search(r"numpy \d+ \(", told.stdout)
    assert "pip install 'dycore[numba]'" in told.stdout
    assert '"commit": "unknown"' in (built / "results" / "results.json").read_text()


@pytest.mark.parametrize("arguments, words", [
    (["run", "baroclinic_channel", "--cells", "4,8,16", "--steps", "1", "--backend", "numba"], "pip install 'dycore[numba]'"),
    (["run", "baroclinic_channel", "--cells", "4,8,16", "--steps", "1", "--backend", "jax"], "pip install 'dycore[jax]'"),
    (["run", "baroclinic_channel", "--cells", "4,8,16", "--steps", "1", "--output", "a.nc"], "pip install 'dycore[io]'"),
    (["plot", "a.nc", "temperature"], "pip install 'dycore[plot]'"),
    (["bench", "--report"], "pip install 'dycore[bench]'")])
def test_what_an_installation_lacks_is_said_with_the_line_that_installs_it(built, arguments, words):
    told = ran(["-m", "dycore", *arguments], built, built / "installed")
    assert told.returncode == 2 and words in told.stderr and "Traceback" not in told.stderr


def test_a_wheel_has_all_programs_and_the_sources_of_fortran_but_no_results(built):
    names = set(zipfile.ZipFile(built / "dycore-7.8.9-py3-none-any.whl").namelist())
    linked = [(ROOT / folder, f"dycore/{folder}") for folder in ("backends", "benchmarks", "learning")]
    for folder, inside in [(ROOT / "dycore", "dycore"), *linked]:
        programs = {f"{inside}/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*.py")}
        assert programs <= names
    sources = {path.name for path in (ROOT / "benchmarks" / "fortran").glob("*.[fc]*")} | {"Makefile"}
    assert sources <= {Path(name).name for name in names if name.startswith("dycore/benchmarks/fortran/")}
    assert {"dycore/benchmarks/page.html", "dycore/benchmarks/slurm/job.sbatch", "dycore/py.typed"} <= names
    assert not [name for name in names if name.endswith((".png", ".json")) or "/build/" in name]


def test_tests_run_from_a_source_archive(built):
    archive = built / "dycore-7.8.9"
    told = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_vertical_mixing.py",
                           "tests/test_readme.py", "-k", "not run_one_after"], cwd=archive, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(archive)}, check=False)
    assert told.returncode == 0, told.stdout
    assert launching.is_checkout(archive)


def test_fortran_is_built_in_a_cache_of_the_user_and_never_beside_an_installed_package(monkeypatch, tmp_path):
    monkeypatch.setattr(fortran_reference, "is_checkout", lambda: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    usual = fortran_reference.build_folder()
    assert usual.is_relative_to(tmp_path / "dycore" / "fortran")
    fortran_reference.key_of_build.cache_clear()
    monkeypatch.setenv("FFLAGS", "-O1")
    assert fortran_reference.build_folder() != usual  # what other options compiled is not taken for it
    fortran_reference.key_of_build.cache_clear()
    (tmp_path / "dycore").write_text("a file where a folder should be")
    monkeypatch.setattr(fortran_reference.shutil, "which", lambda name: name)
    assert "cannot be written" in fortran_reference.build_fortran()


def test_the_version_before_a_tag_is_the_same_wherever_it_stands():
    yaml = pytest.importorskip("yaml")
    fallback = PROJECT["tool"]["setuptools_scm"]["fallback_version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    recipe = yaml.safe_load((ROOT / "docs" / "release" / "recipe.yaml").read_text())
    assert f'VERSION = "{fallback}"' in (ROOT / "dycore" / "version.py").read_text()
    assert str(citation["version"]) == recipe["context"]["version"] == fallback
    assert re.match(r"\d+\.\d+\.\d+", dycore.__version__)


def test_the_citation_and_the_recipe_say_what_the_package_says():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # which version 1.2.0 of the format requires
    assert (citation["cff-version"], citation["type"], citation["license"]) == ("1.2.0", "software", PROJECT["project"]["license"])
    recipe = yaml.safe_load((ROOT / "docs" / "release" / "recipe.yaml").read_text())
    assert recipe["about"]["summary"] == PROJECT["project"]["description"]
    run = [requirement.replace(" ", "") for requirement in recipe["requirements"]["run"]]
    assert set(PROJECT["project"]["dependencies"]) <= set(run)
    assert PROJECT["project"]["requires-python"].startswith(f">={recipe['context']['python_min']},")
    assert recipe["build"]["python"]["entry_points"] == [f"dycore = {PROJECT['project']['scripts']['dycore']}"]


@pytest.mark.parametrize("library, module, sentence", [
    ("jax", "backends.on_jax", "JAX is not installed (import of jax halted; None in sys.modules): pip install 'dycore[jax]'."),
    ("numba", "backends.on_numba",
     "Numba is not installed (import of numba halted; None in sys.modules): pip install 'dycore[numba]'."),
    ("equinox", "learning.fitting", "dycore.learning needs equinox, which is not installed: pip install 'dycore[learn]'."),
])
def test_what_lacks_an_extra_says_the_line_that_installs_it(library, module, sentence):
    program = (f"import importlib.util, sys; find = importlib.util.find_spec; sys.modules[{library!r}] = None\n"
               f"importlib.util.find_spec = lambda name, *rest: None if name == {library!r} else find(name, *rest)\n"
               f"try: import dycore.{module}\nexcept ModuleNotFoundError as problem: print(problem)")
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    assert said == sentence
