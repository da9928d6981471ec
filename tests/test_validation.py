"""Evidence: verdicts that can fail, results that are kept by case, the command that makes them."""

import json
import math

import pytest

from dycore import cli
from dycore.validation import PROGRAMS, Evidence, Kind, Row, close_to, within
from dycore.validation.evidence import gather


class Nothing:
    name = "numpy"


def test_a_verdict_is_met_within_its_tolerance_only():
    def row(ours):
        return close_to("speed (m/s)", ours, 140.0, 1.4, "1 %", "theory")

    assert row(138.7).met and row(141.4).met
    assert not row(138.5).met and not row(141.5).met and not row(math.nan).met
    assert not within("jet (m/s)", 45.0, 26.0, 40.0, "28 to 38", "two models", "figure", Kind.FIGURE).met
    assert within("error", 1e-4, None, 1e-3, "-", "-", "-").met and within("order", 2.2, 1.8, None, "2", "-", "-").met


def test_results_are_kept_by_case_and_a_case_run_again_replaces_its_own(tmp_path):
    def program(value):
        def program(backend, short):
            """A case of one number."""
            return Evidence([Row("x (m)", "1", value, 0.0, 2.0, "why", Kind.EXACT, "where")], {})
        return program

    gather("one", program(1.0), Nothing, True, "dycore validate one", tmp_path)
    gather("two", program(3.0), Nothing, False, "dycore validate two", tmp_path)
    gather("one", program(1.5), Nothing, True, "dycore validate one", tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(name, r["rows"][0]["ours"], r["rows"][0]["verdict"]) for name, r in results.items()] == [
        ("one", 1.5, "met"), ("two", 3.0, "not met")]
    page = (tmp_path / "results.md").read_text()
    assert "1 of 2 verdicts met" in page and "A case of one number." in page and "**not met**" in page


def test_an_unknown_case_is_refused_with_the_nearest_name(capsys, monkeypatch):
    monkeypatch.setitem(PROGRAMS, "williamson_2", None)
    assert cli.main(["validate", "wiliamson_2"]) == 2
    assert "did you mean 'williamson_2'?" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_found_before_the_run(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert cli.main(["validate", "--output", str(tmp_path / "file")]) == 2
    assert "nothing can be written" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_program_says_what_it_runs(name):
    assert (PROGRAMS[name].__doc__ or "").strip()
