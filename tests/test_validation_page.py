"""The page of evidence says what the programs say: every quantity, tolerance, reason and source, without running them.

A program is run at full length with models that do not compute: a step only shakes the state a little. What it measures then
is nonsense, but what it would accept, and why, is not.
"""

import importlib
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dycore import Model
from dycore.backends import on_numpy
from dycore.equations.advection import centred
from dycore.validation import PROGRAMS, spectral

PAGE = json.loads((Path(__file__).parents[1] / "benchmarks/validation/results.json").read_text())
# what is measured is part of these: of the tolerance, of the quantity, or of what stands beside what is published
MEASURED = {"williamson_5": "surface height on day 15 (m)", "williamson_6": "eastward speed of the wave over 7 days",
            "channel_with_ridge": "transport (Sv), ", "lake_at_rest": "a state of rest taken out"}


@pytest.fixture
def shaken(monkeypatch, tmp_path):
    """Models whose steps only add a little noise, and references and climates that take no time."""
    random = np.random.default_rng(5)

    def noisy(array):
        return array * random.uniform(1.0 - 1e-5, 1.0 + 1e-5) + 1e-9 * random.standard_normal(array.shape[-1])

    def steps(model, state, n):
        state = model.asarrays(state)
        return state._replace(u=noisy(state.u), v=noisy(state.v), w=noisy(state.w), surface=noisy(state.surface),
                              tracers=tuple(map(noisy, state.tracers)), step=state.step + n,
                              time=state.time + n * model.parameters.time_step)

    def reference(transform, start, days, ground=None, each=lambda time, waves: None):
        for time in (0.0, days):
            each(time, start)
        return start

    def briefly(backend, cells, dissipation, spin_up, days):
        return climate(backend, (20, 8, 16), dissipation, 1.0, 2.0)

    @cache
    def once(period):
        return deform(on_numpy.create(), centred, 16, period)

    def coarsely(backend, scheme, ny, period=5.0):
        return once(period)

    def sailed(model, state, folder, years, year):
        return sail(model, state, tmp_path / "ocean", 2, 0.25)

    held_suarez = importlib.import_module("dycore.validation.held_suarez")  # its name in the package is that of the program
    flow = importlib.import_module("dycore.validation.deformational_flow")
    ocean = importlib.import_module("dycore.validation.tripolar_ocean")
    climate, deform, sail, world = held_suarez.climate, flow.deform, ocean.simulated, ocean.world
    monkeypatch.setattr(Model, "steps", steps)
    monkeypatch.setattr(spectral, "run", reference)
    monkeypatch.setattr(held_suarez, "climate", briefly)
    monkeypatch.setattr(flow, "deform", coarsely)
    monkeypatch.setattr(ocean, "simulated", sailed)
    monkeypatch.setattr(ocean.ocean_pictures, "of", lambda *found: {})
    monkeypatch.setattr(ocean, "world", lambda cells, backend: world((3, 31, 60), backend))


def specified(name, quantity, published, tolerance, *others):
    """What a row says besides its result, as far as that is no result itself."""
    if MEASURED.get(name, quantity + "-") in quantity:
        return (MEASURED[name], *others)
    return (quantity, published, tolerance, *others)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_the_page_says_what_the_program_says(numpy_backend, shaken, name):
    """Where this fails, run `dycore validate NAME --output benchmarks/validation` again."""
    with np.errstate(all="ignore"):
        rows = PROGRAMS[name](numpy_backend, short=False).rows
    said = [specified(name, row.quantity, row.published, row.tolerance, row.kind.value, row.reason, row.source) for row in rows]
    page = [specified(name, *(row[key] for key in ("quantity", "published", "tolerance", "kind", "reason", "source")))
            for row in PAGE[name]["rows"]]
    assert page == said


def test_the_page_has_every_program_at_full_length_and_its_verdicts_follow_from_its_numbers():
    assert sorted(PAGE) == sorted(PROGRAMS) and not any(result["about"]["short"] for result in PAGE.values())
    for name, result in PAGE.items():
        for row in result["rows"]:
            edges = [float(edge) for edge in re.findall(r"-?[0-9.]+(?:e[-+]?[0-9]+)?", row["tolerance"])]
            low = -np.inf if row["tolerance"].startswith("at most") else edges[0]
            high = np.inf if row["tolerance"].startswith("at least") else edges[-1]
            printed = 1e-4 * max(map(abs, edges))  # four or five digits of them
            if row["verdict"] == "met":
                assert low - printed <= row["ours"] <= high + printed, (name, row["quantity"])
            else:
                assert not low + printed <= row["ours"] <= high - printed, (name, row["quantity"])
