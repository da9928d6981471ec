"""A column has a positive thickness, when a run starts and as long as it goes on, or the run stops and says where."""

import numpy as np
import pytest

from dycore import Model, Parameters
from dycore.fluid import Atmosphere, shallow_water
from dycore.geometry.thickness import dry_column, thicknesses
from dycore.grid import interior, latitude_longitude, rectilinear
from dycore.state import initial_state
from dycore.vertical import uniform

LEVELS = uniform(4, -400.0, 0.0)


def basin(interfaces=LEVELS, **others):
    return rectilinear((4, 6, 8), extent=(8.0e5, 6.0e5), interfaces=interfaces, **others)


def bump(height, level=0.0):
    """A surface at a level, but for one column."""
    surface = np.full((6, 8), level)
    surface[2, 5] = height
    return surface


def test_the_thickness_is_that_above_the_lowest_wet_cell_and_land_has_no_say():
    land = np.zeros((6, 8), bool)
    land[0, 0] = True
    bottom = np.full((6, 8), -400.0)
    bottom[1, 1] = -210.0  # two of four levels of 100 m
    grid = basin(land=land, bottom=bottom)
    found = thicknesses(grid, np.where(land, -1.0e4, 0.5))
    assert found[1, 1] == 200.5 and (found[2:] == 400.5).all() and found[0, 0] > 0.0
    part = thicknesses(grid, np.full((2, 3), 0.5), (1, 1))
    assert part[0, 0] == 200.5 and (part.ravel()[1:] == 400.5).all()


@pytest.mark.parametrize("grid, surface, sentence", [
    (basin(), -500.0, "leaves no thickness in column [j=0, i=0] (x = 50000 m, y = 50000 m, nor in 47 more): the surface is at -500 "
                      "and the fixed boundary at -400, which leaves -100. Levels of an ocean are heights, negative below"),
    (basin(), bump(-400.0), "in column [j=2, i=5] (x = 550000 m, y = 250000 m): the surface is at -400"),
    (basin(uniform(4, 0.0, 4000.0)), 0.0, "the surface is at 0 and the fixed boundary at 0, which leaves 0. Levels of an ocean"),
    (basin(uniform(4, 0.0, 4000.0)), 0.5, "makes columns 0.000125 times as thick as their levels, which reach from 0 to 4000"),
    (basin(bottom=-120.0), -350.0, "the surface is at -350 and the fixed boundary at -100"),
    (basin(bottom=10.0, terrain_following=True), 0.0, "the surface is at 0 and the fixed boundary at 10"),
    (basin(bottom=-120.0, partial_cells=0.2), -120.0, "the surface is at -120 and the fixed boundary at -120"),
    (basin(uniform(4, 0.0, 1.0e5)), 1.0e3, "makes columns 0.01 times as thick as their levels"),
    (basin(uniform(4, 0.0, 1.0e3)), 1.0e5, "makes columns 100 times as thick as their levels"),
])
def test_an_initial_surface_that_leaves_no_thickness_or_a_senseless_one_is_refused(grid, surface, sentence):
    with pytest.raises(ValueError) as error:
        initial_state(grid, surface=surface, tracers=(10.0,))
    assert sentence in str(error.value)


def test_interfaces_of_an_atmosphere_in_hpa_are_refused_when_a_model_is_made(numpy_backend):
    grid = latitude_longitude((3, 8, 16), interfaces=uniform(3, 0.0, 1000.0))
    with pytest.raises(ValueError, match=r"interfaces of the atmosphere reach to 1000 Pa, while its reference pressure is"):
        Model(grid, Parameters(Atmosphere(), time_step=60.0, tracer_names=("potential_temperature",)), numpy_backend)
    mars = Atmosphere(reference_pressure=610.0)
    Model(latitude_longitude((3, 8, 16), interfaces=uniform(3, 0.0, 610.0)),
          Parameters(mars, time_step=60.0, tracer_names=("potential_temperature",)), numpy_backend)


def drying(numpy_backend):
    """A flow that spreads from a column faster than others can fill it: its thickness falls through zero before anything is NaN."""
    grid = basin(uniform(4, -40.0, 0.0))
    u = np.zeros(grid.cells)
    u[:, 2, 5], u[:, 2, 6] = -30.0, 30.0
    model = Model(grid, Parameters(shallow_water(), time_step=300.0), numpy_backend)
    return model, initial_state(grid, surface=0.0, u=u)


def test_a_column_that_runs_dry_stops_the_run_with_step_and_place(numpy_backend):
    model, state = drying(numpy_backend)
    ahead, steps = state, 0
    while (interior(ahead.surface) > -40.0).all():
        ahead, steps = model.step(ahead), steps + 1
    assert 1 < steps < 20 and all(np.isfinite(field).all() for field in (ahead.u, ahead.v, ahead.surface))
    j, i = np.argwhere(interior(ahead.surface) <= -40.0)[0]
    level = interior(ahead.surface)[j, i]
    with pytest.raises(FloatingPointError) as error:
        model.run(state, steps=50, progress=False)
    assert str(error.value).startswith(f"The thickness is no longer positive at step {steps} in column [j={j}, i={i}] (x = ")
    assert (f"the surface is at {level:.6g} and the fixed boundary at -40, which leaves {level + 40.0:.6g}. Columns must not run "
            "dry") in str(error.value)


def test_a_run_does_not_start_from_a_state_without_thickness(numpy_backend):
    model, state = drying(numpy_backend)
    surface = state.surface.copy()
    interior(surface)[2, 5] = -41.0
    with pytest.raises(ValueError, match=r"starts from has no thickness in column \[j=2, i=5\].*which leaves -1"):
        model.run(state._replace(surface=surface), steps=1, progress=False)
    assert dry_column(model.grid, interior(state.surface)) is None
