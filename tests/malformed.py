"""Malformed command lines and files, made from seeds: what makes sense, of which now and then a part is nonsense or missing."""

import copy
import json
import os
import random
import sys
from pathlib import Path

NONSENSE = ["0", "-1", "3", "1e300", "1e29", "1e-320", "nan", "-inf", "", " ", "0x1", "nunba", "float16", "True", "[]", "4,8",
            "1,,2", ",", "2,2", "{}", "a=1", ".", "no/such/folder/new", "new.txt", "\0", "none", "'", '"', "%s", "{0}", "$(true)",
            "9" * 30, "9" * 5000, "x" * 300, "\udcff", "a\nb", "--", "-", "\u0663", "1_0", "a b"]
VALUES = [None, True, 0, -1, 3, 10**30, 1.5, float("nan"), float("inf"), "", "x", "a\nb", [], [1], ["x"], {}, {"a": 1}, [[[]]],
          "\0"]

# options that make sense, None for those without a value
MEASURED = {"--cases": ["held_suarez", "baroclinic_wave,baroclinic_channel"], "--cells": ["1e4", "3000,1e5"],
            "--backends": ["numpy", "numba,fortran"], "--precisions": ["float32"], "--scaling": ["weak", "strong,weak"],
            "--threads": ["1"], "--samples": ["1", "3"], "--device": ["cpu", "gpu"]}
OPTIONS = {
    "bench": MEASURED | {"--ranks": ["1", "1,2"], "--processes": ["1,2"], "--nodes": ["1", "2"], "--output": ["measured", "fresh"],
                         "--launcher": ["srun -n {ranks}", "srun -n {ranks} -c {threads} {nodes}", "srun {ranks[0]}",
                                        "srun {ranks:999999999999}", "srun {ranks!x}", "srun {ranks.x}", "srun '{ranks}",
                                        "srun {}"],
                         "--quick": [None], "--full": [None], "--gradient": [None], "--messages": [None], "--minutes": ["1", "0.5"],
                         "--sample-seconds": ["1"], "--gradient-steps": ["10"], "--gradient-cells": ["1e4", "1e4,1e5"],
                         "--weak-cells": ["1e4"], "--report": ["page.html", None],
                         "--results": ["measured", "measured other", "other"]},
    "validate": {"--short": [None], "--backend": ["numpy", "jax"], "--threads": ["1"], "--output": ["verdicts", "fresh"]},
    "run": {"--days": ["0.01", "1"], "--steps": ["1", "2"], "--cells": ["3,8,6", "1,8,12"], "--time-step": ["60", "900.5"],
            "--precision": ["float32", "float64"], "--backend": ["numpy"], "--threads": ["1"], "--processes": ["1,1", "none"],
            "--output": ["new.nc"], "--output-every": ["1", "0.5"], "--means": ["means.nc"], "--means-every": ["1"],
            "--fields": ["salinity", "temperature,northward_velocity"], "--state-out": ["new.npz"], "--log": ["new.log"],
            "--restarts": ["restarts"], "--restarts-every": ["1"], "--keep": ["1"], "--continue": ["restarts", "nowhere"],
            "--set": ["substeps=30", "diffusivity=none", "diffusivity=10", "polar_filter=45", "biharmonic_diffusion=true"],
            "--quiet": [None], "--dry-run": [None]},
    "check": {"--timeout": ["1", "180", "1e5"]},
    "plot": {"--kind": ["map", "section", "series", "animation"], "--level": ["10", "500"], "--time": ["0", "1.5"],
             "--at": ["longitude=20", "latitude=40 longitude=3", "x=3", "longitude=1 longitude=2"],
             "--projection": ["mollweide", "orthographic"], "--output": ["new.png", "new.gif", "no/new.png"]},
    "slurm": {"--site": ["site.toml"], "--nodes": ["1,2"], "--ranks": ["2,4"], "--ranks-per-node": ["2"],
              "--time": ["00:10:00", "7", "1-0"], "--dry-run": [None], **MEASURED}}
PLACES = {"bench": [[]], "validate": [[], ["williamson_2"], ["williamson_2", "held_suarez"], ["wiliamson_2"]], "check": [[]],
          "run": [["baroclinic_channel", "--cells", "3,8,6", "--steps", "1"]] * 3 + [
              ["baroclinic_channel", "--cells", "3,8,6"], []],
          "plot": [["air.nc"], ["air.nc", "speed"], ["sea.nc", "temperature"], ["air.nc", "relative_vorticity"], ["broken.nc"],
                   ["sea.nc", "salt"], []],
          "slurm": [["submit", "study"], ["submit", "new"], *[["submit", "new", "--site", "site.toml"]] * 4,
                    ["status", "study"], ["collect", "study"], ["plot", "study"], ["sumbit", "study"], []]}


def seldom(chance, usual, unusual):
    """One time in five the unusual."""
    return chance.choice(unusual) if chance.random() < 0.2 else chance.choice(usual)


def command_line(command, chance):
    """Words after `dycore`."""
    words = [seldom(chance, [word], NONSENSE) if chance.random() < 0.1 else word for word in chance.choice(PLACES[command])]
    options = OPTIONS[command]
    if command == "slurm" and words[:1] != ["submit"]:
        options = {}
    for name in chance.sample([*options], min(len(options), chance.choice((0, 1, 1, 2, 3)))):
        value = seldom(chance, options[name], NONSENSE)
        cut = chance.randrange(2, len(name))
        words.append(name if chance.random() < 0.9 else name[:cut] + name[cut + 1:])
        words += value.split(" ") if value is not None and name in ("--at", "--results") else [value] if value is not None else []
    return [command, *(words if chance.random() < 0.9 else chance.sample(words, len(words)))]


def places_of(value, here=()):
    """Paths of all parts of a JSON value."""
    yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places_of(part, (*here, key))


def altered(value, chance):
    """A JSON value of which up to two parts are gone or others."""
    value = copy.deepcopy(value)
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        *above, last = chance.choice([*places_of(value)][1:] or [(None,)])
        if last is None:
            return copy.deepcopy(chance.choice(VALUES))
        parent = value
        for key in above:
            parent = parent[key]
        if chance.random() < 0.3:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(chance.choice(VALUES))
    return value


def damaged(text, chance):
    """Text as bytes, of which one time in four some are others or lost."""
    data = text.encode(errors="surrogateescape")
    if chance.random() < 0.1:
        at = chance.randrange(max(1, len(data)))
        data = chance.choice((data[:at], data[:at] + bytes([chance.randrange(256)]) + data[at + 1:], b"[" * 5000))
    return data


def as_toml(table):
    """Lines KEY = VALUE."""
    return "\n".join(f"{json.dumps(str(key))} = {json.dumps(value)}".replace("NaN", "nan").replace("Infinity", "inf")
                     for key, value in table.items() if value is not None)


def chance_of(command, seed):
    """Random numbers of an attempt."""
    return random.Random(f"{command} {seed}")


# Files of `dycore run`

KEYS = ("case", "days", "steps", "cells", "time_step", "precision", "backend", "threads", "processes", "output", "output_every",
        "means", "means_every", "fields", "diagnostics", "diagnostics_every", "diagnose", "state_out", "log", "restarts",
        "restarts_every", "keep", "continue")
OWN = tuple(f"parameters.{name}" for name in ("substeps", "diffusivity", "polar_filter", "polar_damping", "extrapolated_pressure",
                                              "biharmonic_diffusion", "time_step", "cells", "fluid", "nope"))
# none of these may be taken for any key: text for numbers, lists in lists, tables, dates, what is no finite number
NEVER = ('["4","8","6"]', "[[4,8,6]]", "[[4],[8],[6]]", '["4,8",6]', '[4,"8,6"]', "[true,8,6]", "{a=1}", "[{a=1}]", "1979-05-27",
         "07:32:00", "1979-05-27T07:32:00Z", "inf", "-inf", "nan", "1" + "0" * 400, "9" * 4000, "-1", "1e400", '""', "[]", '[""]',
         '"\\u0000"', "[1]", '["temperature",1]', '["temperature,salinity"]', '["1","1"]', '["numpy"]', "[1,2,3,4]",
         "[" * 30 + "]" * 30, '"' + "x" * 300 + '"', "truth", "= 3", "0x", "1__0", "'" )
HEAD = 'case = "baroclinic_channel"\ncells = [3, 8, 6]\nsteps = 1\n'
FILES = [b"", b"\xff\xfe", b"\0", bytes(range(256)), HEAD.encode("utf-16"), HEAD.encode("utf-32"), b"PK\x03\x04", b"{}", *(
    (HEAD + more).encode("latin-1") for more in (
        "log = '\xe9'", HEAD, "steps = 2", "unknown = 1", "Steps = 2", '"" = 1', "a.b.c = 1", "steps.x = 1", "[steps]\na=1",
        "[[cells]]", "[parameters]\n[parameters]", "parameters = 3", "parameters = []", "[[parameters]]",
        "[parameters.substeps]\na=1", "x = " + "[" * 3000, "days = 1"))]
NEEDED = {"output_every": 'output = "n.nc"', "fields": 'output = "n.nc"', "means_every": 'means = "m.nc"',
          "diagnostics_every": 'diagnostics = "d.nc"', "diagnose": 'diagnostics = "d.nc"',
          "restarts_every": 'restarts = "r"', "keep": 'restarts = "r"'}


def run_files():
    """TOML files of runs, each with one thing that has to be refused."""
    found = list(FILES)
    for key in (*KEYS, *OWN):
        lines = [line for line in HEAD.splitlines() if not line.startswith((f"{key} ", "steps" if key == "days" else "\0"))]
        lines += [NEEDED[key]] if key in NEEDED else []
        section, _, name = key.rpartition(".")
        found += ["\n".join([*lines, *([f"[{section}]"] if section else []), f"{name} = {value}"]).encode() for value in NEVER]
    return found


if __name__ == "__main__":  # all of it, some 50 000 attempts: half an hour
    import pytest

    os.environ["MALFORMED_ATTEMPTS"] = "1000"
    here = Path(__file__).parent
    sys.exit(pytest.main(["-q", str(here / "test_malformed_input.py"), str(here / "test_malformed_calls.py")]))
