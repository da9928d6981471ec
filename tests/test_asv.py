"""What asv tracks, from the commands of benchmarks/README.md to the graphs on the page that it publishes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dycore.benchmarks import bench_steps
from dycore.benchmarks.fortran_reference import fortran_program
from tests import browser

ROOT = Path(__file__).resolve().parent.parent
TINY = "--cases baroclinic_wave --cells 3000 --backends numpy,fortran --precisions float64 --ranks 1 --samples 1"
PAGE = "http://asv.invalid/"
# What the page asks content networks for, and where npm packages have it.
CDNJS, JSDELIVR = "https://cdnjs.cloudflare.com/ajax/libs", "https://cdn.jsdelivr.net/npm"
PACKAGES = {"jquery@3.3.1": {"https://code.jquery.com/jquery-3.3.1.min.js": "jquery/dist/jquery.min.js"},
            "flot@0.8.3": {f"{CDNJS}/flot/0.8.3/jquery.flot{part}.min.js": f"flot/jquery.flot{part}.js"
                           for part in ("", ".time", ".selection", ".categories")},
            "flot-orderbars@1.0.0": {f"{JSDELIVR}/flot-orderbars@1.0.0/": "flot-orderbars"},
            "stupid-table-plugin@1.1.3": {f"{CDNJS}/stupidtable/1.0.1/": "stupid-table-plugin"},
            "blueimp-md5@2.19.0": {f"{CDNJS}/blueimp-md5/2.19.0/": "blueimp-md5"},
            "bootstrap@3.1.1": {f"{JSDELIVR}/bootstrap@3.1.1/": "bootstrap"}}
# Pixels of a canvas that are neither transparent nor grey, as the lines and points of a graph are.
COLOURED = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let n = 0; n < pixels.length; n += 4)
        found += pixels[n + 3] > 128 && Math.max(...pixels.slice(n, n + 3)) - Math.min(...pixels.slice(n, n + 3)) > 64;
    return found;
}"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The folders of results and of the page, by the configuration of the repository with other places to write to."""
    pytest.importorskip("asv")
    folder = tmp_path_factory.mktemp("asv")
    lines = (ROOT / "benchmarks" / "asv.conf.json").read_text().splitlines()
    configuration = json.loads("\n".join(line for line in lines if not line.strip().startswith("//")))
    configuration |= {"repo": str(ROOT), "benchmark_dir": str(ROOT / "benchmarks"), "env_dir": "env", "results_dir": "results",
                      "html_dir": "html"}
    (folder / "asv.conf.json").write_text(json.dumps(configuration))
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    for words in (["machine", "--yes"], ["run", "--python=same", "--set-commit-hash", commit], ["publish"]):
        ended = subprocess.run([sys.executable, "-m", "asv", *words], cwd=folder, capture_output=True, text=True, check=False,
                               env=os.environ | {"HOME": str(folder), "ASV_BENCH": TINY, "FC": "no-such-compiler"})
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "results", folder / "html"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The files that answer for content networks."""
    if shutil.which("npm") is None:
        pytest.skip("npm is missing, which has the scripts of asv's page")
    folder = tmp_path_factory.mktemp("npm")
    ended = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *PACKAGES],
                           capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"npm could not install the scripts of asv's page: {ended.stderr.strip().splitlines()[0]}")
    return {url: folder / "node_modules" / path for package in PACKAGES.values() for url, path in package.items()}


def results_in(folder):
    file = next(path for path in folder.glob("*/*.json") if path.name != "machine.json")
    return {name: values[0] for name, values in json.loads(file.read_text())["results"].items()}


def test_a_run_saves_times_memory_compilation_and_import(published):
    results = results_in(published[0])
    assert set(results) == {"bench_steps.Steps.track_wall_time", "bench_steps.Steps.track_peak_memory",
                            "bench_steps.Compiling.track_compile_time", "bench_steps.timeraw_import"}
    numpy_time, fortran_time = results["bench_steps.Steps.track_wall_time"]
    assert numpy_time > 0.0
    assert (fortran_time is not None) == fortran_program("float64").exists()  # else n/a: there is no compiler
    assert results["bench_steps.Steps.track_peak_memory"][0] > 10**7
    assert results["bench_steps.Compiling.track_compile_time"][0] >= 0.0
    assert 0.0 < results["bench_steps.timeraw_import"][0] < 60.0


def test_the_first_step_finds_nothing_compiled(monkeypatch):
    def run(arguments, *, env, **_):
        assert not os.listdir(env["NUMBA_CACHE_DIR"])
        Path(arguments[arguments.index("--output") + 1], "results.json").write_text('["a record"]')

    monkeypatch.setattr(subprocess, "run", run)
    assert bench_steps.measured("baroclinic_wave", "float64", 3000) == ["a record"]


@pytest.mark.parametrize("record", [{"error": "gfortran was not found", "oversubscribed": False},
                                    {"error": None, "oversubscribed": True}])
def test_what_could_not_be_measured_is_not_available(record):
    with pytest.raises(NotImplementedError):
        bench_steps.Steps().setup({("case", "float64", 1, "fortran", 2): record}, "case", "fortran", "float64", 1, 2)


def test_the_published_page_draws_its_graphs_in_a_browser(published, scripts):
    html = published[1]
    index = html / "index.html"
    asked = re.findall(r'(?:src|href)="(https://(?:code\.|cdn)[^"]*)"', index.read_text())
    assert all(browser.local_file(url, scripts) for url in asked)
    # Two packages hold other bytes than the networks: not minified, and a later version.
    index.write_text(re.sub(r' integrity="[^"]*"', "", index.read_text()))
    with browser.visit(PAGE, {PAGE: html, **scripts}) as (page, errors, _):
        page.set_default_timeout(120e3)  # other processes may hold the machine
        page.wait_for_function("document.body.innerText.includes('Wall time per step per 1M cells')")
        for graph in ("Steps.track_wall_time", "Steps.track_wall_time?x-axis=competitor", "Compiling.track_compile_time"):
            page.goto("about:blank")  # so that no graph is left from before
            page.goto(f"{PAGE}#bench_steps.{graph}")
            page.wait_for_selector("#main-graph canvas.flot-base")
            page.wait_for_function(f"({COLOURED})(document.querySelector('#main-graph canvas.flot-base')) > 20")
        assert not errors
