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
    results, (mean, spread, true) = example("land").main((6, 8), 365, members=2, passes=60, picture=tmp_path / "land.png")
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


def test_members_begin_apart_about_the_first_values():
    weights = land_estimation.first_weights(("a", "b"), twin_land.RANGES, 40)
    efficiency = land_estimation.parameters_of_members(weights.networks, np.zeros((2, 3)))["canopy_efficiency"]
    assert efficiency.shape == (40, 3) and np.exp(np.log(efficiency).mean()) == pytest.approx(20.0, rel=0.2)
    assert 0.1 < np.log(efficiency[:, 0]).std() < 0.5


@pytest.mark.parametrize("module", [land_modules.HYBRID, land_modules.NETWORK], ids=lambda module: module.name)
def test_networks_in_place_of_processes_give_the_same_under_numpy_and_jax(module):
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
