"""Malformed arguments of the Python interface and files of runs: the right result or a sentence, never silent nonsense.

A sample of what `malformed_calls` and `malformed` make; `python tests/malformed.py` tries all of it.
"""

import os
import random

import malformed
import malformed_calls
import malformed_models
import pytest

from dycore import cli

ATTEMPTS = int(os.environ.get("MALFORMED_ATTEMPTS", "60"))
ALL = ATTEMPTS > 60
CALLS = malformed_calls.CALLS | malformed_models.MORE


def test_an_argument_that_is_nonsense_is_refused_in_a_sentence_and_other_dress_is_taken(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tried = malformed_calls.attempts(CALLS) if ALL else malformed_calls.sample(CALLS, 500)
    problems = [said for attempt in tried if (said := malformed_calls.problem_of(CALLS, attempt))]
    assert not problems, "\n".join(problems[:20])


def test_two_arguments_that_are_nonsense_are_refused_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tried = malformed_calls.pairs(CALLS, 20 * ATTEMPTS if ALL else 200)
    problems = [said for attempt in tried if (said := malformed_calls.problem_of(CALLS, attempt))]
    assert not problems, "\n".join(problems[:20])


def test_a_file_of_a_run_with_a_value_of_another_kind_is_refused_in_a_sentence(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    files = malformed.run_files()
    for text in files if ALL else random.Random(7).sample(files, 150):
        (tmp_path / "run.toml").write_bytes(text)
        code = cli.main(["run", "run.toml", "--quiet"])
        said = capsys.readouterr().err.splitlines()
        assert code == 2 and len(said) == 1 and said[0].startswith("dycore: "), (text[:200], said)
        assert 20 < len(said[0]) < 900 and [path.name for path in tmp_path.iterdir()] == ["run.toml"], (text[:200], said[0][:900])


@pytest.mark.parametrize("text", ["9" * 4000, "9" * 5000, "1e3", "0x10", "", "=24", "\0", "nan", "none", "24,24", "[24]"])
def test_a_parameter_on_the_command_line_that_is_no_whole_number_is_refused_in_a_sentence(capsys, text):
    code = cli.main(["run", "baroclinic_channel", "--cells", "3,8,6", "--steps", "1", "--dry-run", "--set", f"substeps={text}"])
    said = capsys.readouterr().err.splitlines()
    assert code == 2 and len(said) == 1 and said[0].startswith("dycore: ") and len(said[0]) < 900
