"""Parameters of the land from maps: skill where nothing was seen, spread of an ensemble, and networks in place of processes."""

import numpy as np
import pytest
from conftest import create
from land_cases import CELLS, parameters, seasons

from dycore import land
from dycore.backends import on_numpy

jax, equinox = pytest.importorskip("jax"), pytest.importorskip("equinox")
from test_examples import example  # noqa: E402

from dycore.learning import land_estimation, land_modules, twin_land  # noqa: E402


def test_a_network_of_maps_finds_fluxes_where_nothing_was_seen_better_than_the_best_uniform_parameters(tmp_path, capsys):
    create("jax")
    results, (mean, spread, true) = example("land").main((6, 8), 365, members=2, passes=50, picture=tmp_path / "land.png")
    for name in ("gpp", "respiration"):
        learnt, uniform = (results[who].scores[name] for who in ("network", "same everywhere"))
        assert learnt.correlation > 0.84 and learnt.correlation > uniform.correlation and learnt.error < uniform.error, name
    assert results["network"].fit.losses[-1] < 0.5 * results["network"].fit.losses[0]
    assert spread > 0.0 and abs(mean - true) < 0.5
    assert "same everywhere" in capsys.readouterr().out and (tmp_path / "land.png").stat().st_size > 10000


def test_the_truth_of_a_twin_is_within_its_ranges_and_seen_in_half_of_the_columns_with_its_errors():
    twin = twin_land.twin_land(3, (4, 6), 60)
    for name, values in twin.truth.items():
        least, greatest, _ = twin_land.RANGES[name]
        assert values.shape == (4, 6) and (least < values).all() and (values < greatest).all(), name
    assert twin.known.sum() == 12
    for name, seen, true, error in zip(land.Observed._fields, twin.seen, twin.true, twin_land.ERRORS, strict=True):
        there = np.isfinite(seen)
        assert not there[:, ~twin.known].any() and there.any() == (name != "respiration")
        if there.sum() > 100:
            assert (seen - true)[there].std() == pytest.approx(error, rel=0.3)


def test_the_misfit_is_that_of_departures_over_errors_and_of_the_water_only_its_anomaly():
    nothing = np.full((4, 1, 2), np.nan)
    seen = land.Observed(*[nothing] * 8)._replace(gpp=np.where(np.arange(4)[:, None, None] == 1, 3.0, nothing),
                                                  water_storage=np.arange(8.0).reshape(4, 1, 2))
    values = land.Observed(*[np.zeros((4, 1, 2))] * 8)
    errors = land.Observed(*[2.0] * 8)
    of_gpp, of_water = (3.0 / 2.0) ** 2, np.var([0.0, 2.0, 4.0, 6.0]) / 4.0
    assert float(land_estimation.distance(values, seen, errors)) == pytest.approx(0.5 * (of_gpp + of_water))


def test_observations_of_members_differ_by_their_errors_but_those_of_the_first():
    seen = land.Observed(*[np.zeros((500, 1, 3))] * 8)
    apart = land_estimation.perturbed(seen, twin_land.ERRORS, 4, 0)
    assert (apart.gpp[:, 0] == 0.0).all() and apart.biomass[:, 1:].std() == pytest.approx(twin_land.ERRORS.biomass, rel=0.05)


def test_a_network_in_place_of_the_land_gives_the_same_under_numpy_and_jax():
    module = land_modules.NETWORK
    weather, maps = seasons(steps=4), np.random.default_rng(2).standard_normal((3, CELLS[1]))
    found = {}
    for backend in (on_numpy, create("jax")):
        columns = module.columns(land.Land(CELLS, parameters(), backend), module.first(5, 3), maps)
        found[backend] = columns.run(columns.start(), weather, land.observe)
    (one, seen), (other, seen_there) = found.values()
    for a, b in zip((*one.pools, *seen), (*other.pools, *seen_there), strict=True):
        assert np.isfinite(a).all() and np.allclose(a, b, rtol=1e-10, atol=1e-10)
    process = land.Land(CELLS, parameters(), on_numpy)
    _, plain = process.run(process.start(), weather, land.observe)
    assert not np.allclose(plain.gpp, seen.gpp, rtol=0.1)


def test_a_network_for_photosynthesis_is_trained_through_the_processes_about_it(tmp_path, capsys):
    create("jax")
    (result,) = example("land_modules").main((4, 6), 100, 12, (land_modules.HYBRID,), tmp_path / "modules.png").values()
    assert result.fit.losses[-1] < 0.8 * result.fit.losses[0]
    first = land_modules.HYBRID.first(0, 8)
    assert all(abs(np.asarray(new) - old).max() > 0.01 for new, old in zip(result.fit.weights.module, first, strict=True))
    twin = twin_land.twin_land(1, (4, 6), 100, twin_land.limited_acm)  # the same weights under NumPy, after one step more
    seen = land.Observed(*(land_estimation.in_row(values, twin.known) for values in twin.seen))
    there = land.Observed(*(values[..., twin.known.ravel()] for values in result.runs))
    assert float(land_estimation.distance(there, seen, twin_land.ERRORS)) == pytest.approx(result.fit.losses[-1], rel=0.1)
    assert land_modules.HYBRID.name in capsys.readouterr().out and (tmp_path / "modules.png").stat().st_size > 10000


def test_a_network_for_photosynthesis_keeps_carbon_and_takes_none_without_leaves():
    bare = land.with_values(parameters(), {"initial_leaves": 0.0})
    columns = land_modules.HYBRID.columns(land.Land(CELLS, bare, on_numpy), land_modules.HYBRID.first(5, 3), None)
    state, fluxes = columns.step(columns.start(), seasons(steps=1).at(0))
    before = sum(columns.start().pools)
    assert (fluxes.gpp == 0.0).all()
    assert np.allclose(sum(state.pools) - before, -fluxes.autotrophic - fluxes.heterotrophic, rtol=0.0, atol=1e-9)


def test_a_parameter_that_the_land_does_not_have_is_refused():
    with pytest.raises(ValueError, match=r"ranges has 'efficiency', which is no parameter of the land\. These are decomposition_"):
        land_estimation.first_weights(("a",), {"efficiency": (1.0, 2.0, 1.5)})


@pytest.mark.parametrize("change, said", [
    ({"seed": -1}, r"seed=-1 must be at least 0"), ({"days": 0.5}, r"days=0\.5 must be at least 1"),
    ({"cells": 12}, r"cells=12 must be the numbers of columns \(ny, nx\)")])
def test_a_twin_of_nonsense_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        twin_land.twin_land(**{"seed": 1, "cells": (2, 2), "days": 3} | change)
