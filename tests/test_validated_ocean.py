"""Years of a global ocean: its set-up, its budgets by the program that validates it, and how it goes on after a stop."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import fields_of

from dycore import Model, cases, restart
from dycore.backends import on_numpy
from dycore.bathymetry import basins
from dycore.cases import sea_surface
from dycore.equations.steppers import WickerSkamarock
from dycore.validation import PROGRAMS
from dycore.validation.tripolar_ocean import simulated


@pytest.fixture(scope="module")
def world():
    pytest.importorskip("global_land_mask")
    grid, parameters, state = cases.global_ocean((3, 31, 60), tripolar=True, full_physics=True)
    return Model(grid, parameters, on_numpy), state


def test_the_atlantic_is_where_it_is_and_is_salty():
    inside = {"Bermuda": (-65.0, 32.0), "Gulf of Mexico": (270.0, 25.0), "Caribbean": (-75.0, 14.0), "Angola": (10.0, -10.0),
              "Norwegian Sea": (0.0, 68.0), "North Pole": (100.0, 89.0)}
    outside = {"Panama Bay": (-79.0, 7.5), "Acapulco": (-100.0, 16.0), "Peru": (-80.0, -10.0), "Somalia": (50.0, 5.0),
               "Hawaii": (-155.0, 20.0), "Drake Passage": (-65.0, -58.0)}
    for places, expected in ((inside, True), (outside, False)):
        for name, place in places.items():
            assert bool(sea_surface.atlantic(*place)) is expected, name
    assert sea_surface.salinity(-30.0, 50.0) - sea_surface.salinity(-150.0, 50.0) > 2.0
    assert sea_surface.temperature(np.array([-90.0, 0.0, 90.0])) == pytest.approx([-1.7, 27.3, -1.7])


def test_no_water_goes_from_the_pacific_into_the_atlantic_but_around_the_continents():
    pytest.importorskip("global_land_mask")
    grid = cases.global_ocean((1, 93, 180), tripolar=True)[0]
    wet = grid.wet[-1][:-1]
    north = basins(wet & (grid.latitude[:-1] > -30.0), True, fold=True)
    inside = sea_surface.atlantic(grid.longitude, grid.latitude)[:-1] & wet & (north > 0)
    middle = wet & (np.abs(grid.latitude[:-1]) < 25.0)
    assert not {*north[inside & middle]} & {*north[middle & ~inside]}


def test_all_physics_are_those_of_climate_models_and_start_at_rest(world):
    model, state = world
    parameters = model.parameters
    assert parameters.stepper == WickerSkamarock() and parameters.eddies.transport_diffusivity == 1000.0
    assert len(parameters.forcing) == 2 and [field.name for field in model.layout.closure] == ["turbulent_kinetic_energy"]
    still = replace(parameters, surface_stress=None, forcing=(), vertical_mixing=None)
    fields = fields_of(Model(model.grid, still, on_numpy).steps(state._replace(closure=()), 2))
    assert max(np.abs(fields["u"]).max(), np.abs(fields["v"]).max()) < 1e-12
    with pytest.raises(ValueError, match="full_physics=1 must be True or False"):
        cases.global_ocean((3, 31, 60), full_physics=1)


def test_a_run_goes_on_where_it_was_stopped(world, tmp_path):
    model, state = world
    for years in (1, 2):
        found = simulated(model, state, tmp_path, years, 0.25)
        assert (found.means.sizes["time"], found.years.sizes["time"]) == (years, years + 1)
    one, other = map(fields_of, (model.steps(state, 6), restart.read(restart.latest(tmp_path), model)))
    assert all((one[name] == other[name]).all() for name in one) and np.abs(one["u"]).max() > 1e-3


def test_the_ocean_keeps_its_budgets_and_moves_the_right_way():
    pytest.importorskip("global_land_mask")
    evidence = PROGRAMS["tripolar_ocean"](on_numpy, short=True)
    assert all(row.met for row in evidence.rows), [row for row in evidence.rows if not row.met]
    assert {*evidence.figures} == {"stream-function", "temperature", "salinity", "overturning", "heat-transport", "drift"}
