"""Air over land: what one loses the other gains, and one slope through both."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import content, create

from dycore import Model, cases, coupled_land, land
from dycore.backends import on_numpy
from dycore.grid import interior

CELLS = 3, 8, 12
HOURS = 2


def air_and_land(backend, parameters=None, **options):
    """A dry climate with a tracer of humidity over land, and weather of two steps of an hour each."""
    grid, air, state = cases.held_suarez(CELLS, time_step=1200.0)
    air = coupled_land.with_surface_exchange(replace(air, tracer_names=coupled_land.TRACERS))
    model = Model(grid, replace(air, forcing=air.forcing[-2:]), backend)
    columns = land.Land(CELLS[1:], parameters or land.Parameters(), backend, days=1.0 / 24.0)
    weather = land.weather(CELLS[1:], 120.0 + np.arange(HOURS) / 24.0, latitude=grid.latitude, minimum_temperature=0.0,
                           maximum_temperature=0.0, shortwave=15.0, vapour_pressure_deficit=0.0, precipitation=1.0)
    moist = np.full(CELLS, 2.0e-3)
    state = model.asarrays(state._replace(tracers=(state.tracers[0], _padded(grid, moist)),
                                          history=tuple(past._replace(tracers=(past.tracers[0], _padded(grid, moist)))
                                                        for past in state.history)))
    return model, columns, state, columns.start(), weather


def _padded(grid, values):
    from dycore.state import padded
    from dycore.tiles import Place

    return padded(grid, Place.CENTER, values)


def test_the_air_gains_the_heat_and_moisture_that_the_land_gives():
    model, columns, state, soil, weather = air_and_land(on_numpy)
    fluid, area = model.parameters.fluid, interior(model.grid.metrics.area)
    for hour in range(HOURS):
        air, before = coupled_land.air_above(model, state), state
        state, soil, fluxes = coupled_land.coupled_step(model, columns, state, soil, weather.at(hour))
        moisture, heat = ((content(model.grid, state, m) - content(model.grid, before, m)) / fluid.gravity for m in (1, 0))
        assert moisture == pytest.approx((area * fluxes.evaporation).sum() / 24.0, rel=1e-8)
        given = (area * fluxes.sensible_heat / air.exner).sum() * 3600.0 / fluid.heat_capacity
        assert heat == pytest.approx(given, rel=1e-6)
        assert fluxes.evaporation.max() > 0.0 and abs(fluxes.sensible_heat).max() > 1.0


def test_the_land_feels_the_air_of_the_lowest_level():
    model, _, state, _, weather = air_and_land(on_numpy)
    air = coupled_land.air_above(model, state)
    assert np.allclose(air.temperature, 280.0 - 273.15, atol=0.2)  # the case begins with 280 K, and noise of 0.1 K
    assert np.allclose(air.vapour, 2.0e-3 * 1000.0 / 0.622)
    now = coupled_land.under(air, weather.at(0))
    assert np.allclose(now.vapour_pressure_deficit, 9.9 - 3.2, atol=0.4) and (now.shortwave == 15.0).all()


def test_one_slope_goes_through_both():
    jax = pytest.importorskip("jax")
    from dycore import learning
    from dycore.backends import on_jax

    create("jax")
    model, columns, state, soil, weather = air_and_land(on_jax.create(native=False))

    def warmth(given):
        """Of the lowest air at the end, by the land's conductance and the air's first temperature, and carbon that was taken."""
        own = columns.with_parameters(land.with_values(columns.parameters, {"leaf_conductance": 3.0e-3 * given[0]}))
        first = state._replace(tracers=(state.tracers[0] * given[1], state.tracers[1]))
        end, _, fluxes = learning.coupled_trajectory(model, own, first, soil, weather)
        return interior(end.tracers[0])[-1].mean() + 10.0 * fluxes.gpp.mean()

    found = learning.taylor_test(warmth, jax.numpy.array([1.0, 1.0]), jax.numpy.array([1.0, 0.01]), [0.1, 0.05, 0.025],
                                 forward=False)
    assert found.orders == pytest.approx([2.0, 2.0], abs=0.15)
    assert found.gradient[0] < 0.0 < found.gradient[1]  # what evaporates more warms less


@pytest.mark.parametrize("change, said", [
    ({"days": 1.0 / 50.0}, r"A step of the land of 1728 s is no multiple of the 1200 s of the atmosphere"),
    ({"cells": (8, 11)}, r"The land has \(8, 11\) columns in float64, the atmosphere \(8, 12\) in float64"),
])
def test_a_land_that_does_not_fit_the_air_is_refused(change, said):
    model, columns, *_ = air_and_land(on_numpy)
    with pytest.raises(ValueError, match=said):
        coupled_land.steps_of(model, replace(columns, **change))


def test_an_atmosphere_without_humidity_or_exchange_is_refused():
    grid, air, _ = cases.held_suarez(CELLS, time_step=1200.0)
    with pytest.raises(ValueError, match="Land exchanges heat and moisture with an Atmosphere whose first tracers are"):
        coupled_land.with_surface_exchange(air)
    with pytest.raises(ValueError, match="The atmosphere has no fluxes of heat and moisture among its forcings"):
        coupled_land.steps_of(Model(grid, air, on_numpy), land.Land(CELLS[1:], land.Parameters(), on_numpy, days=1.0 / 24.0))
