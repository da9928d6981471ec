"""Malformed input of every command: a sentence and an exit code, and no more.

Inputs are made from seeds by `malformed`, a few hundred here. What takes long (measuring, validating, drawing) is left out: it
gets what has been accepted, and looks whether that makes sense.
"""

import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections import Counter

import malformed
import numpy as np
import pytest
from test_pictures import CELLS, of_case, with_times

from dycore import cases, cli
from dycore.backends import on_numpy
from dycore.benchmarks import jobs, launch_check, launching, results_file, slurm_queue, suite
from dycore.check import report
from dycore.commands import loading
from dycore.commands import validate as validating
from dycore.validation import evidence

pytest.importorskip("matplotlib")
pytest.importorskip("netCDF4")
ATTEMPTS = int(os.environ.get("MALFORMED_ATTEMPTS", "60"))
SITE = {"launcher": "srun -n {ranks}", "cores_per_node": 4, "gpus_per_node": 2, "partition": "fast", "modules": ["mpich"],
        "setup": ["ulimit -s unlimited"], "sbatch": ["--hint=nomultithread"]}
RECORDS = json.loads((launching.ROOT / "benchmarks" / "results" / "results.json").read_text())
ABOUT = {"command": "dycore", "backend": "numpy", "device": "cpu", "date": "today", "seconds": 1.0, "short": True}
VERDICTS = {"williamson_2": {"title": "A flow.", "about": ABOUT, "figures": ["a.png"],
                             "rows": [{"quantity": "l2", "published": "1", "ours": 1.0, "tolerance": "1", "verdict": "met",
                                       "kind": "exact", "reason": "so", "source": "paper"}]}}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Files that make sense."""
    folder = tmp_path_factory.mktemp("samples")
    random = np.random.default_rng(5)
    model, state = of_case(cases.baroclinic_wave, on_numpy, CELLS)
    with_times(model.dataset(state), random).to_netcdf(folder / "air.nc")
    model, state = of_case(cases.baroclinic_channel, on_numpy, CELLS)
    model.dataset(state).to_netcdf(folder / "sea.nc")
    whole = (folder / "air.nc").read_bytes()
    (folder / "broken.nc").write_bytes(whole[:len(whole) // 2])
    return folder


@pytest.fixture
def light(monkeypatch, tmp_path, samples):
    """Nothing that takes long is done, and nothing is asked of SLURM; what has been accepted is looked at."""
    monkeypatch.chdir(tmp_path)

    def measure(group, *_):
        assert group.n_cells < 1e14 and group.ranks <= 1e7 and min(group.cells) > 0
        return iter(())

    def program(name, program, backend, short, command, folder):
        evidence.read(folder)
        return evidence.Evidence([], {})

    def check(limit):
        assert 0.0 < limit <= threading.TIMEOUT_MAX
        return 0

    class Writer:
        def __init__(self, fps):
            pass

        def saving(self, figure, path, resolution):
            return contextlib.nullcontext()

        def grab_frame(self):
            pass

    monkeypatch.setattr("dycore.model.Model.run", lambda model, state, **_: state)
    monkeypatch.setattr(suite, "measure", measure)
    monkeypatch.setattr(suite, "build_fortran", lambda: None)
    monkeypatch.setattr(suite.busy, "at_the_start", lambda: None)
    monkeypatch.setattr(results_file, "commit", lambda: "0" * 40)
    monkeypatch.setattr(launch_check, "launched", lambda *_: ["true"])
    monkeypatch.setattr(evidence, "gather", program)
    monkeypatch.setattr(report, "run", check)
    monkeypatch.setattr("matplotlib.animation.PillowWriter", Writer)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda figure, path: path.write_bytes(b"picture"))
    monkeypatch.setattr("dycore.benchmarks.pictures.draw", lambda *_: [])
    monkeypatch.setattr("dycore.benchmarks.comparison.draw", lambda *_: None)
    monkeypatch.setattr(validating, "create_backend", lambda name, threads: loading.check_threads(threads) or on_numpy)
    monkeypatch.setattr(slurm_queue, "answer", lambda *_: None)
    monkeypatch.setattr(jobs.shutil, "which", lambda name: name)
    monkeypatch.setattr(jobs.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "17\n", ""))
    return tmp_path


def prepare(folder, samples, command, chance):
    """The folder as it is before a command: files of which some are damaged."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("measured", "other", "study", "verdicts"):
        (folder / name).mkdir()
    if command == "plot":
        for path in samples.iterdir():
            shutil.copy(path, folder)
    elif command == "bench":
        for name in ("measured", "other"):
            records = malformed.altered(chance.sample(RECORDS, 3), chance)
            (folder / name / "results.json").write_bytes(malformed.damaged(json.dumps(records), chance))
    elif command == "validate":
        text = json.dumps(malformed.altered(VERDICTS, chance))
        (folder / "verdicts" / "results.json").write_bytes(malformed.damaged(text, chance))
    elif command == "slurm":
        (folder / "site.toml").write_bytes(malformed.damaged(malformed.as_toml(malformed.altered(SITE, chance)), chance))
        asked = {"cases": ["held_suarez"], "cells": [10000], "backends": ["numpy"], "precisions": ["float64"], "threads": 1,
                 "samples": 1, "device": "cpu", "ranks": [1, 2], "processes": None, "scaling": ["strong"]}
        study = {"asked": asked, "ranks_per_node": 2, "time": "7", "jobs": [{"id": "3", "states": {"0": "FAILED"}}]}
        study = malformed.altered(study, chance)
        if chance.random() < 0.7:
            (folder / "study" / "study.json").write_bytes(malformed.damaged(json.dumps(study), chance))
        if chance.random() < 0.3:
            (folder / "study" / "pieces" / "0").mkdir(parents=True)
            records = malformed.altered(chance.sample(RECORDS, 2), chance)
            (folder / "study" / "pieces" / "0" / "results.json").write_text(json.dumps(records))
        if chance.random() < 0.5:
            shutil.copy(folder / "site.toml", folder / "study" / "site.toml")


def attempt(capsys, folder, samples, command, seed):
    """The exit code of a command line: a documented one, with one sentence for what was wrong."""
    chance = malformed.chance_of(command, seed)
    prepare(folder, samples, command, chance)
    words = malformed.command_line(command, chance)
    code = cli.main(words)
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if not line.startswith("dycore: warning: ")]
    assert code in (0, 1, 2) and "Traceback" not in out + err, words
    if code == 2 or (code == 1 and command == "plot"):
        assert len(said) == 1 and said[0].startswith("dycore: ") and len(said[0]) > 20, (words, err)
    return code


@pytest.mark.parametrize("command", [*malformed.OPTIONS])
def test_malformed_input_is_refused_in_a_sentence(capsys, light, samples, command):
    codes = Counter(attempt(capsys, light, samples, command, seed) for seed in range(ATTEMPTS))
    assert codes[2] > ATTEMPTS // 5 and codes[0] + codes[1] > ATTEMPTS // 20
