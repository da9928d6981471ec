"""The HTML page of a run and of a comparison, opened in a real browser."""

import json

import pytest
from benchmark_records import record
from browser import visit

from dycore import cli
from dycore.backends import by_name
from dycore.benchmarks import (
    comparison,
    drawing,
    groups,
    launching,
    measuring,
    page,
    ratios,
    readme,
    results_file,
    suite,
    tables,
)
from dycore.commands import bench

PUBLISHED = launching.ROOT / "benchmarks" / "results"
FIGURES = "All figures, cost and energy"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with a run of NumPy, tiny, and its page."""
    folder = tmp_path_factory.mktemp("measured")
    assert cli.main(["bench", "--cases", "baroclinic_wave", "--cells", "3000", "--backends", "numpy", "--ranks", "1",
                     "--precisions", "float64", "--samples", "1", "--output", str(folder), "--report"]) == 0
    return folder


def records_in(folder):
    return json.loads((folder / "results.json").read_text())


def altered(folder, records, scale, **changes):
    """A folder with the records, so many times slower, and otherwise changed."""
    times = ("ms_per_step", "ms_min", "ms_max", "ms_per_million_cells")
    slower = [record | changes | {name: record[name] * scale for name in times} for record in records]
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(slower))
    return folder


def rows(seen, heading):
    """The cells of the last table below this heading."""
    return seen.page.evaluate("""heading => {
        const section = [...document.querySelectorAll("section")].find(each => each.querySelector("h2").innerText === heading)
        return [...[...section.querySelectorAll("table")].at(-1).rows].map(row => [...row.cells].map(cell => cell.innerText)) }""",
                              heading)


def check_alone_and_sound(seen, pictures):
    assert (seen.errors, seen.requests) == ([], [])
    assert seen.page.evaluate("[...document.images].map(image => image.naturalWidth > 0)") == [True] * pictures


def test_the_page_of_a_run_shows_its_record_and_how_to_repeat_it(measured, monkeypatch):
    record, = records_in(measured)
    with visit(measured / "report.html") as seen:
        check_alone_and_sound(seen, pictures=1)
        heading, row = rows(seen, FIGURES)
        text, command = seen.page.inner_text("main"), seen.page.inner_text("pre").splitlines()[-1]
    shown = dict(zip(heading, row, strict=True))
    assert float(shown["simulated years/day"]) == pytest.approx(record["simulated_years_per_day"], rel=0.01)
    assert float(shown["core-hours / simulated year"]) == pytest.approx(24.0 / record["simulated_years_per_day"], rel=0.01)
    assert (shown["J / simulated day"] == "no counters") == (record["joules_per_step"] is None)
    for words in (record["energy_counters"], record["machine"]["cpu"], record["versions"]["numpy"], record["commit"]):
        assert words in text

    asked = []
    monkeypatch.setattr(suite, "run", lambda settings: asked.append(settings) or 0)
    assert cli.main(command.removeprefix(".venv/bin/dycore ").split()) == 0
    assert groups.command_line(asked[0]) == record["command"] == command.removeprefix(".venv/bin/")
    assert (asked[0].cells, asked[0].backends, asked[0].ranks) == ([3000], ["numpy"], [1])


def test_a_page_of_many_records_is_sorted_searched_and_read_on_a_phone(tmp_path):
    page.write([PUBLISHED], tmp_path / "page.html")  # these are older than the column of energy
    records = records_in(PUBLISHED)
    with visit(tmp_path / "page.html") as seen:
        check_alone_and_sound(seen, pictures=4)
        heading, *body = rows(seen, FIGURES)
        assert len(body) == len(records)
        assert {row[heading.index("J / simulated day")] for row in body} == {"no counters"}

        figures = seen.page.locator("section", has_text=FIGURES).last
        orders = []
        for _ in range(2):
            figures.get_by_role("button", name="simulated years/day").click()
            years = [row[heading.index("simulated years/day")] for row in rows(seen, FIGURES)[1:]]
            orders.append([float(text) for text in years if text != "n/a"])
            assert "n/a" not in years[:len(orders[-1])]  # as of gradients: last in either order
        assert orders == [sorted(orders[0]), sorted(orders[0], reverse=True)]
        assert figures.locator("th[aria-sort=descending]").inner_text() == "simulated years/day"

        figures.get_by_role("searchbox").fill("numba float32")
        wanted = [record for record in records if (record["competitor"], record["precision"]) == ("numba", "float32")]
        assert figures.locator("tbody tr:visible").count() == len(wanted)

        seen.page.set_viewport_size({"width": 390, "height": 800})
        seen.page.emulate_media(color_scheme="dark")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
        background = seen.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
        assert max(background) < 50


def test_a_comparison_shows_the_largest_change_first(tmp_path):
    records = records_in(PUBLISHED)[:6]
    folders = [altered(tmp_path / "first", records, 1.0), altered(tmp_path / "twice", records[:-1], 2.0),
               altered(tmp_path / "elsewhere", records, 0.4, machine={"cpu": "another", "cores": 64}, device="another")]
    assert cli.main(["bench", "--results", *map(str, folders)]) == 0
    with visit(folders[-1] / "comparison.html") as seen:
        check_alone_and_sound(seen, pictures=1)
        heading, *body = rows(seen, "Changes, largest first")
        text = seen.page.inner_text("main")
    ratios = [float(row[heading.index("after / before")].split()[0]) for row in body]
    assert ratios == pytest.approx([0.4] * 6 + [2.0] * 5)
    assert [row[heading.index("change")] for row in body] == ["faster"] * 6 + ["slower"] * 5
    machine = records[0]["machine"]
    assert ("The machines differ, so that the ratios say as much of them as of the programs: "
            f"first: {machine['cpu']} with {machine['cores']} cores; ") in text
    assert "twice lacks 1 of the measurements of first: they are not compared." in text


def test_samples_that_overlap_are_no_change():
    before = {"ms_per_step": 10.0, "ms_min": 9.0, "ms_max": 12.0}
    verdicts = [comparison.Pair("", before, {"ms_per_step": middle, "ms_min": middle - 1.0, "ms_max": middle + 1.0}).verdict
                for middle in (7.9, 8.1, 12.9, 13.1)]
    assert verdicts == ["faster", "within the samples", "within the samples", "slower"]


def test_text_from_a_record_is_no_markup():
    shown = page.render(page.Page("<b>title</b>", "", [], ["<script>"], [page.Section("", ["&"])]), {})
    assert "&lt;b&gt;title" in shown and "&lt;script&gt;" in shown and "<b>" not in shown


@pytest.mark.parametrize("content, why", [
    (None, "results.json' cannot be read: No such file or directory. Name a folder that 'dycore bench' has written."),
    ("half a fi", "is not a list of records"), ("[]", "holds no records: measure with 'dycore bench --output")])
def test_a_folder_without_results_is_a_sentence(tmp_path, capsys, content, why):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    assert cli.main(["bench", "--results", str(tmp_path)]) == 2
    assert why in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_said_before_anything_is_measured(tmp_path, capsys):
    assert cli.main(["bench", "--output", str(tmp_path), "--report", str(tmp_path / "nowhere" / "page.html")]) == 2
    assert "is not a file in a folder that exists" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_every_backend_that_can_be_measured_has_a_line_of_its_own_which_says_who_compiles_jax():
    names = {"fortran", *by_name.MODULES}
    assert set(bench.GRADIENTS.values()) <= {*by_name.MODULES}
    for known in (tables.COMPETITORS, measuring.LIBRARIES):
        assert set(known) == names
    names |= {*bench.GRADIENTS}
    for known in (tables.LABELS, drawing.COLOURS, drawing.MARKERS):
        assert set(known) == names
    assert (tables.LABELS["jax"], tables.LABELS["jax-native"]) == ("JAX (XLA)", "JAX (native)")
    for each in (tables.LABELS, drawing.COLOURS, drawing.MARKERS):
        assert len(set(each.values())) == len(names)


def test_the_readme_and_the_page_show_the_same_ratios_by_ranks():
    records = results_file.newest_run(PUBLISHED)
    text = (launching.ROOT / "README.md").read_text()
    assert readme.replaced(text, records) == text, "write them with: python -m dycore.benchmarks.readme"
    for heading, cards in page.cards(ratios.large(ratios.found(records))):
        row = next(line for line in text.splitlines() if line.startswith(f"| {heading} |"))
        for name, number, words in cards:
            least, greatest = words.split("from ")[1].split(" to ")
            assert f"{number.removesuffix(' x')} ({least} to {greatest})" in row, name


def test_ratios_on_other_numbers_of_ranks_are_apart_and_sizes_of_about_a_million_together():
    records = [record(competitor=name, ranks=ranks, n_cells=n_cells, ms_per_million_cells=time, device="x", machine={"cpu": "x"})
               for ranks, n_cells, scale in ((1, 1_024_000, 1.0), (1, 947_700, 2.0), (2, 947_700, 5.0))
               for name, time in (("fortran", 10.0), ("numba", 10.0 * scale))]
    columns, rows = ratios.table(ratios.found(records), by_size=True)
    assert columns == ["ranks", "cells", "Numba"]
    assert rows == [["1 rank", "1e6", "1.41 (1.00 to 2.00)"], ["2 ranks, strong scaling", "1e6", "5.00"]]
