"""Malformed command lines and TOML files, more than 200 of them: a sentence and an exit code each, and no file lost or left."""

import json
import shutil
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dycore import cli

EARLIER = {"there.npz", "there.nc", "there.log"}
# what makes sense for a key, as TOML has it: tiny, so that runs of what makes sense together end at once
SENSE = {"days": [1e-3, 1], "steps": [1, 2], "cells": [[3, 8, 6], [1, 8, 12], [5, 4, 5]], "time_step": [1, 60.5, 900],
         "precision": ["float64", "float32"], "backend": ["numpy"], "threads": [1], "processes": [[1, 1]],
         "output": ["new.nc", "no/new.nc"], "output_every": [1, 0.5], "means": ["new.nc", "means.nc"], "means_every": [1, 0.5],
         "diagnostics": ["new.nc", "found.nc"], "diagnostics_every": [1, 0.5], "diagnose": [["overturning"], ["energy", "speed"]],
         "fields": [["salinity"], ["temperature", "northward_velocity"]], "state_out": ["new.npz", "there.npz"],
         "log": ["new.log", "there.log"], "restarts": ["restarts", "."], "restarts_every": [1], "keep": [1, 3],
         "continue": ["restarts", "nowhere"]}
PARAMETERS = {"substeps": [24, 30], "diffusivity": [10.0, "none"], "angle": [45, 0.5], "biharmonic_diffusion": [True, False]}
NONSENSE = [0, -1, 3, 1e300, 1e-320, float("nan"), float("inf"), "", " ", "0x1", "nunba", "float16", True,
            [], [4, 8], [0, 0, 0], [2, 2], {}, {"a": 1}, "there.nc",
            "there.npz", ".", "no/such/folder/new.npz", "new.txt", ["salinity", "salt"], "\0", "none"]


def seldom(usual, unusual):
    """One time in four the unusual."""
    return st.integers(0, 3).flatmap(lambda n: unusual if n == 3 else usual)


def pairs(sense):
    """A key and a value that may make sense."""
    def value(key):
        return st.tuples(st.just(key), seldom(st.sampled_from(sense[key]), st.sampled_from(NONSENSE) | st.text(max_size=6)))

    cut = st.sampled_from([*sense]).flatmap(lambda key: st.integers(0, len(key) - 1).map(lambda n: key[:n] + key[n + 1:]))
    return st.lists(seldom(st.sampled_from([*sense]).flatmap(value), st.sampled_from([*sense]).flatmap(value) | st.tuples(
        cut | st.text(max_size=6), st.sampled_from(NONSENSE))), max_size=5)


def as_option(value):
    return ",".join(map(as_option, value)) if isinstance(value, list) else str(value)


cases = seldom(st.just("baroclinic_channel"), st.sampled_from(["steady_zonal_flow", "baroclinic_chanel", "", "no.toml", "."]) |
               st.text(max_size=6))
options = st.tuples(pairs(SENSE), pairs(PARAMETERS)).map(lambda both: [
    part for key, value in both[0] for part in (f"--{key.replace('_', '-')}", as_option(value))] + [
    part for name, value in both[1] for part in ("--set", f"{name}={as_option(value)}")])


@st.composite
def files(draw):
    """Lines of a file that may be TOML, of which one time in four a few bytes are others or lost."""
    def lines(held):
        return [f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False).replace('NaN', 'nan')}" for key, value in held.items()]

    text = "\n".join([*lines({"case": draw(cases)} | dict(draw(pairs(SENSE)))), "[parameters]",
                      *lines(dict(draw(pairs(PARAMETERS))))]).encode()
    for at, byte in draw(seldom(st.just([]), st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=2)), max_size=2))):
        text = text[:at] + byte + text[at + 1:]
    return text


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder to run in, with what others have written there."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path


def fill(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in EARLIER:
        (folder / name).write_bytes(b"earlier")


def attempt(capsys, folder, arguments):
    """The exit code of a command line: a documented one, with one sentence for what was wrong and nothing written for it."""
    code = cli.main(arguments)
    err = capsys.readouterr().err
    said = [line for line in err.splitlines() if not line.startswith("dycore: warning: ")]
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    if code:
        assert len(said) == 1 and said[0].startswith("dycore: "), err
    if code == 2:
        assert {path.name for path in folder.iterdir()} - {"run.toml"} == EARLIER
        assert all((folder / name).read_bytes() == b"earlier" for name in EARLIER)
    else:
        fill(folder)
    return code


MANY = settings(max_examples=130, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def test_malformed_options_are_refused_in_a_sentence_and_nothing_is_written(capsys, folder):
    codes = Counter()

    @MANY
    @given(cases, options)
    def attempts(case, arguments):
        codes[attempt(capsys, folder, ["run", case, "--cells", "3,8,6", "--steps", "1", *arguments])] += 1

    attempts()
    assert codes[2] > 100


def test_malformed_files_are_refused_in_a_sentence_and_nothing_is_written(capsys, folder):
    codes = Counter()

    @MANY
    @given(files(), options)
    def attempts(text, arguments):
        (folder / "run.toml").write_bytes(text)
        codes[attempt(capsys, folder, ["run", "run.toml", "--cells", "3,8,6", "--steps", "1", *arguments])] += 1

    attempts()
    assert codes[2] > 100
