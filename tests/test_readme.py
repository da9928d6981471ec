"""The README's programs run as they stand there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


pytest.importorskip("mpi4py")


def test_the_programs_of_the_readme_run_one_after_the_other(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.S)
    declared, quickstart, ranks = blocks
    scope: dict = {}
    exec("from dycore.stencils import stencil\n" + declared, scope)
    exec(quickstart, scope)
    # a balanced jet with a perturbation of 1 m/s keeps its surface pressure within a few hPa on day 1
    assert 99500.0 < float(capsys.readouterr().out.split()[-1]) < 100100.0
    alone = scope["state"]
    exec(ranks, scope)  # on one rank
    assert int(scope["whole"].step) == 2 * int(alone.step)


def test_the_readme_stays_short():
    lines = README.read_text().splitlines()
    assert len(lines) <= 100
    assert lines[2].startswith("![Wall time")  # the picture first


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert len(links) > 20
    assert [link for link in links if not (README.parent / link).exists()] == []
