"""Two commits against each other: sampled in turn, and called different only where they are."""

import sys

import numpy
import pytest

from dycore.benchmarks import commits, competitor, problems

GROUP = competitor.Group("baroclinic_wave", (3, 12, 16), "float64")
LABELS = ("before", "after")
# The machine slows down by 5 % with every sample; the folder called "after" is twice as slow.
DRIFTING = """
import os, pathlib
name, log = pathlib.Path.cwd().name, pathlib.Path("../log")
print("ready 0.0", flush=True)
while (words := input().split())[0] == "sample":
    drift = 1.0
    if int(words[1]) >= 20:
        told = log.read_text() if log.exists() else ""
        log.write_text(told + name[0])
        drift = 1.05 ** len(told)
    print("seconds", 0.01 * int(words[1]) * drift * (2 if name == "after" else 1), flush=True)
print("peak_memory_bytes 4096", flush=True)
"""


def pair_in(folders):
    return [competitor.Competitor("numpy", GROUP, 1, "cpu", root=folder) for folder in folders]


@pytest.mark.parametrize("start, order", [(0, "baabbaabbaab"), (1, "abbaabbaabba")])
def test_samples_are_taken_in_turn_so_that_drift_hits_both_alike(monkeypatch, tmp_path, start, order):
    monkeypatch.setattr(competitor, "command", lambda *_: [sys.executable, "-c", DRIFTING])
    folders = [tmp_path / label for label in LABELS]
    for folder in folders:
        folder.mkdir()
    found = commits.ratio(pair_in(folders), LABELS, start, 6)
    assert (tmp_path / "log").read_text() == order
    assert found == pytest.approx(2.0, rel=0.06)  # one after the other they would differ by 1.05**6 more


def test_each_commit_runs_its_own_files():
    with commits.unpacked("HEAD") as folder:
        (folder / "benchmarks" / "programs.py").write_text("raise ValueError('other files')\n")
        with pytest.raises(problems.Failed, match="after: other files"):
            commits.ratio(pair_in([commits.ROOT, folder]), LABELS, 0, 1)
    assert not folder.exists()


@pytest.mark.parametrize("factor, word", [(1.0, "no difference beyond the noise"), (0.9, "faster"), (1.1, "slower")])
def test_a_difference_has_to_stand_out_of_the_noise_of_starts(factor, word):
    noise = 1.0 + 0.03 * numpy.linspace(-1.0, 1.0, 9)
    assert commits.verdict(list(factor * noise)).endswith(word)


def test_the_interval_holds_the_median_about_as_often_as_it_says():
    ratios = numpy.random.default_rng(1).lognormal(0.0, 0.1, (400, 8))  # the true median is 1
    kept = sum(commits.verdict(list(row)).endswith("noise") for row in ratios)
    assert kept >= 0.95 * 400 - 3 * (400 * 0.95 * 0.05) ** 0.5


@pytest.mark.parametrize("arguments, words", [
    (["no-such-commit"], "'no-such-commit' is no commit of this repository"),
    (["HEAD", "--starts", "5"], "give --starts 6 or more"),
    (["HEAD", "--backends", "fortran"], "there is no backend 'fortran'")])
def test_what_cannot_be_compared_is_one_sentence(capsys, arguments, words):
    assert commits.main(arguments) == 2
    assert words in capsys.readouterr().err
