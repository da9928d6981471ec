"""Slopes of runs of the land by parameters, pools at the start and weather, and where the model has corners."""

import numpy as np
import pytest
from conftest import create
from land_cases import CELLS, parameters, seasons

from dycore import land
from dycore.backends import on_numpy
from dycore.land import observed

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from dycore import learning  # noqa: E402
from dycore.backends import on_jax  # noqa: E402


def columns_on_jax():
    return land.Land(CELLS, parameters(), create("jax"))


def test_a_trajectory_is_the_run_step_by_step():
    columns, weather = columns_on_jax(), seasons(steps=12)
    end, seen = learning.land_trajectory(columns, columns.start(), weather, observed.observe)
    reference = land.Land(CELLS, parameters(), on_numpy)
    expected, fluxes = reference.run(reference.start(), weather, observed.observe)
    assert seen.gpp.shape == (12, *CELLS)
    for one, other in zip((*end.pools, *seen), (*expected.pools, *fluxes), strict=True):
        assert np.allclose(one, other, rtol=1e-11, atol=1e-11)


def test_slopes_by_all_parameters_and_pools_at_the_start_are_those_of_differences():
    columns, weather = columns_on_jax(), seasons(steps=25)
    names = list(land.RANGES)

    def misfit(logarithms):
        values = {name: jnp.exp(row) for name, row in zip(names, logarithms, strict=True)}
        own = columns.with_parameters(land.with_values(columns.parameters, values))
        state, seen = learning.land_trajectory(own, own.start(), weather, lambda state, fluxes: observed.net_exchange(fluxes))
        return (seen**2).mean() + 1e-4 * (observed.water_storage(state) ** 2 + state.reservoirs.temperature**2).mean()

    at = jnp.log(jnp.stack([jnp.asarray(value) for value in land.by_name(columns.parameters).values()]))
    direction = np.random.default_rng(4).standard_normal(at.shape)
    found = learning.taylor_test(misfit, at, direction, [1e-4, 5e-5, 2.5e-5], forward=False)
    assert found.orders == pytest.approx([2.0, 2.0], abs=0.1)
    moved = abs(np.asarray(found.gradient)).max(axis=(1, 2))
    assert [name for name, slope in zip(names, moved, strict=True) if slope == 0.0] == []


def test_slopes_are_finite_without_leaves_without_water_and_in_the_dark():
    empty = land.with_values(land.Parameters(), {"initial_leaves": 0.0, "initial_root_zone": 0.0})
    columns = land.Land((1, 1), empty, create("jax"))
    dark = land.weather((1, 1), np.arange(4.0), latitude=80.0, minimum_temperature=-5.0, maximum_temperature=-5.0, shortwave=0.0,
                        vapour_pressure_deficit=0.0, precipitation=0.0)

    def end(state):
        end, seen = learning.land_trajectory(columns, state, dark)
        return sum(each.sum() for each in jax.tree.leaves((end, seen)))

    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(on_jax.jit(jax.grad(end))(columns.start())))


def test_a_land_on_another_backend_is_refused():
    columns = land.Land(CELLS, parameters(), on_numpy)
    with pytest.raises(ValueError, match=r"the backend of the land is numpy\. Make the land with dycore\.backends\.on_jax\."):
        learning.land_trajectory(columns, columns.start(), seasons(steps=2))
