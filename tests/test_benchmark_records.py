"""Records of results.json without what older versions did not write are shown, and what cannot be shown is refused by name."""

import copy
import json

import pytest

from dycore.benchmarks import page, records, tables
from dycore.benchmarks.launching import ROOT

HELD = json.loads((ROOT / "benchmarks" / "results" / "results.json").read_text())
RECORDS = [record for record in HELD if not record["error"]][:2]
NOT_ALWAYS = sorted({*records.MAYBE, *records.COUNTS} & {*RECORDS[0]})


@pytest.mark.parametrize("name", NOT_ALWAYS)
def test_a_record_that_lacks_an_entry_is_shown_without_it(name):
    lacking = copy.deepcopy(RECORDS)
    for record in lacking:
        del record[name]
    records.check(lacking, tables.LABELS)
    columns, rows = tables.details(lacking)
    assert [len(row) for row in rows] == [len(columns)] * 2
    shown = {"compile_seconds": "compile s", "peak_memory_bytes": "peak MB", "simulated_years_per_day": "simulated years/day"}
    assert name not in shown or rows[0][columns.index(shown[name])] == "n/a"
    if name in ("compile_seconds", "samples", "peak_memory_bytes"):
        assert page.page_of_run(lacking)


@pytest.mark.parametrize("change, said", [
    ({"machine": {"cpu": True, "cores": 2}}, "machine of record 1 is"),
    ({"machine": {"cpu": "x", "cores": 0}}, "machine of record 1"),
    ({"machine": {}}, "machine of record 1"), ({"versions": {"numpy": 2}}, "versions of record 1 are"),
    ({"samples": "3"}, "samples of record 1 is '3'"), ({"steps_per_sample": None}, "steps_per_sample of record 1 is None")])
def test_an_entry_that_cannot_be_shown_is_named(change, said):
    with pytest.raises(ValueError, match=said):
        records.check([RECORDS[0], RECORDS[1] | change], tables.LABELS)
