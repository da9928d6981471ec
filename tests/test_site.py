"""The documentation builds without a warning, its links lead somewhere, it asks for no network, and it says what is there."""

import ast
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import visit

from docs import docstrings, interface
from docs.command_line import subcommands
from docs.pictures import LARGEST
from dycore.cases import CASES
from dycore.cli import command_line

ROOT = Path(__file__).resolve().parent.parent


class Page(HTMLParser):
    """What a page leads to and loads, and the names of its places."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loaded, self.places, self.formulas = [], [], set(), 0
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found["id"]} if found.get("id") else set()
        self.links += [found["href"]] if tag == "a" and found.get("href") else []
        loads = ("src", "href") if tag in ("script", "img", "link", "source", "iframe") else ()
        self.loaded += [found[name] for name in loads if found.get(name)]
        self.formulas += tag == "math"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the pages; tutorials are not run here (tests/test_documented_programs.py)."""
    for library in ("sphinx", "furo", "myst_parser", "sphinx_gallery"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-D", "plot_gallery=0", "docs", folder]
    built = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert built.returncode == 0, built.stderr
    return folder.resolve()


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_link_between_the_pages_leads_somewhere(pages):
    number = 0
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if re.match(r"(https?|mailto|data):", target):
                continue
            there = (path.parent / unquote(target)).resolve() if target else path
            assert there.exists(), f"{path.name} leads to {target}, which is not there"
            assert not anchor or there not in pages or unquote(anchor) in pages[there].places, f"{path.name}: no {link}"
            number += 1
    assert number > 1000


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for path, page in pages.items():
        for address in page.loaded:
            assert not re.match(r"(https?:)?//", address), f"{path.name} loads {address}"
            assert address.startswith("data:") or (path.parent / unquote(re.split("[?#]", address)[0])).exists(), address
    for style in site.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", style.read_text()), style


def test_pages_open_from_a_folder_and_can_be_searched(site):
    with visit(site / "index.html") as opened:
        assert opened.errors == [] and all(request.startswith("file:") for request in opened.requests)
        opened.page.goto((site / "search.html").as_uri() + "?q=held_suarez", wait_until="networkidle")
        opened.page.wait_for_selector("#search-results li a")
        assert "held_suarez" in opened.page.inner_text("#search-results")
        assert opened.errors == [] and all(request.startswith("file:") for request in opened.requests)


def test_a_docstring_that_names_what_is_not_there_is_refused():
    assert interface.linked("see dycore.fluid.Ocean.") == "see {py:obj}`dycore.fluid.Ocean <dycore.fluid.Ocean>`."
    with pytest.raises(ValueError, match=r"dycore\.fluid\.River is named in a docstring, but is not there"):
        interface.linked("see `dycore.fluid.River`")


@pytest.mark.parametrize("name", ["parameters.Parameters", "parameters.Mixing", "fluid.Ocean", "fluid.Atmosphere",
                                  "equations.eddies.Eddies", "closures.TurbulentKineticEnergy", "closures.Visbeck",
                                  "closures.PacanowskiPhilander", "closures.EddyKineticEnergy"])
def test_every_number_of_a_parameter_says_its_unit(name):
    module, record = docstrings.objects()[docstrings.canonical(f"dycore.{name}")]
    units = r"\b(m|m2|m4|s|kg|g|K|Pa|J|N|1|[Dd]egrees?|[Nn]o unit)\b"
    numbers = [field for field in docstrings.fields(module, record) if re.search(r"float|Coefficient", field.type)]
    assert numbers and [field.name for field in numbers if not re.search(units, field.meaning)] == []


def test_every_command_option_and_case_is_in_the_reference(site):
    text = (site / "generated/command_line.html").read_text()
    for name, command in subcommands(command_line()).items():
        assert f"dycore {name}" in text
        for option in re.findall(r"--[a-z-]+", command.format_usage()):
            assert option in text
    text = (site / "generated/cases.html").read_text()
    assert all(f'id="{name.replace("_", "-")}"' in text for name in CASES)


@pytest.mark.parametrize("room", ["", "cases", "closures", "diagnostics", "learning", "physics"])
def test_what_a_room_hands_on_is_among_the_interface_by_task(room):
    module = docstrings.modules()[f"dycore.{room}".rstrip(".")]
    handed_on = next(ast.literal_eval(node.value) for node in module.tree.body if docstrings.assigned(node) == "__all__")
    names = {docstrings.canonical(f"{module.name}.{name}") for name in handed_on if name not in ("cases", "__version__", "CASES",
                                                                                                 "OF_STATES")}
    listed = {docstrings.canonical(name) for name in (ROOT / "docs/reference/interface.md").read_text().split()}
    assert names <= listed


def test_all_that_is_public_has_a_place_in_the_pages(pages):
    places = set().union(*(page.places for page in pages.values()))
    assert [name for name in docstrings.objects() if name not in places and f"module-{name}" not in places] == []


def test_every_example_and_case_has_a_picture_that_is_small_and_of_what_is_there():
    examples = list((ROOT / "examples").glob("*.py"))
    assert [path.name for path in examples if "sys.argv" not in path.read_text()] == []  # python examples/NAME.py PICTURE.png
    names = {path.stem for path in examples} | {f"case_{name}" for name in CASES}
    kept = list((ROOT / "docs/pictures").glob("*.png"))
    assert len(kept) > 10 and {path.stem for path in kept} <= names
    assert [path.name for path in kept if path.stat().st_size > LARGEST] == []
    missing = sorted(names - {path.stem for path in kept})
    assert not missing, f"The gallery has no picture of {', '.join(missing)}: draw it with python -m docs.pictures {missing[0]}."


def test_the_drawing_of_a_cell_and_the_table_of_a_state_are_kept(site):
    grid, state = ((site / f"generated/modules/dycore.{name}.html").read_text() for name in ("grid", "state"))
    assert re.search(r"<pre>.*\+----\^----\+.*v\[j\].*</pre>", grid, flags=re.S)
    assert re.search(r"<th[^>]*><p>field</p></th>", state)
