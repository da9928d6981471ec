"""The reference pages are built from the docstrings without a warning, and what they name is there."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The text of every page by its place, without scripts."""
    pytest.importorskip("pdoc")
    folder = tmp_path_factory.mktemp("reference")
    built = subprocess.run([sys.executable, ROOT / "docs" / "reference.py", folder], capture_output=True, text=True, cwd=ROOT,
                           env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert built.returncode == 0, built.stderr
    return {path.resolve(): re.sub(r"<script.*?</script>", "", path.read_text(), flags=re.S) for path in folder.rglob("*.html")}


def page(pages, name):
    return next(text for path, text in pages.items() if str(path).endswith(f"{name}.html"))


def docstrings(text):
    """The docstrings of a page, without code."""
    text = re.sub(r'<div class="pdoc-code codehilite">.*?</pre>\s*</div>', "", text, flags=re.S)
    return re.findall(r'<div class="docstring">(.*?)</div>\n', text, flags=re.S)


def test_every_link_between_the_pages_leads_somewhere(pages):
    anchors = {path: set(re.findall(r'id="([^"]+)"', text)) for path, text in pages.items()}
    number = 0
    for path, text in pages.items():
        for target, anchor in re.findall(r'href="((?!http|data:)[^"#]*)#?([^"]*)"', text):
            there = (path.parent / target).resolve() if target else path
            assert there in pages, f"{path.name} leads to {target}, which is not there"
            assert not anchor or anchor in anchors[there], f"{path.name} leads to #{anchor}, which is not in {there.name}"
            number += 1
    assert number > 1000


def test_what_a_docstring_names_of_dycore_exists(pages):
    for path, text in pages.items():
        for docstring in docstrings(text):
            named = re.findall(r"\bdycore\.[a-z]\w*(?:\.\w+)*", re.sub(r"<a .*?</a>|<pre>.*?</pre>", "", docstring, flags=re.S))
            assert not named, f"{path.name}: a docstring names {named}, which the pages do not have"


def test_the_landing_page_leads_to_the_modules_in_the_order_of_the_readme(pages):
    landing = docstrings(page(pages, "/dycore"))[0]
    table = (ROOT / "README.md").read_text().split("## Map of the code")[1]
    names = sorted(("stencils", "model", "equations", "stability", "cases"),
                   key=lambda name: re.search(rf"`(dycore/)?{name}\b", table).start())
    order = [landing.index(f'<a href="dycore/{name}.html">') for name in names]
    assert order == sorted(order)
    for path in ROOT.glob("examples/*.py"):
        assert path.name in landing


def test_fields_are_described_by_the_comments_beside_them(pages):
    metrics = docstrings(page(pages, "dycore/geometry/metrics"))
    assert "Coriolis parameter at corners [j, i] (1/s)" in html.unescape("".join(metrics))
    assert "Alias for field number" not in "".join(pages.values())


def test_the_drawing_of_a_cell_and_the_table_of_a_state_are_kept(pages):
    assert re.search(r"<pre>.*\+----\^----\+.*v\[j\].*</pre>", page(pages, "dycore/grid"), flags=re.S)
    assert "<th>field</th>" in page(pages, "dycore/state")
