"""No experiment is refused or warned of for its own time step, at any size; what cannot vary along a direction limits no step."""

import importlib
import warnings

import numpy as np
import pytest

from dycore import Model, Parameters, cases
from dycore.fluid import shallow_water
from dycore.grid import rectilinear
from dycore.parameters import Mixing
from dycore.stability import check_parameters, limits, suggested_time_step
from dycore.state import initial_state
from dycore.tiles import Boundary
from dycore.vertical import uniform

ROWS = (1, 2, 3, 4, 8, 12, 33, 64, 160)
PLANES = ("baroclinic_channel", "barotropic_gyre")
LAYERED = ("baroclinic_channel", "baroclinic_wave", "held_suarez", "southern_channel")


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted(set(cases.CASES) - {"global_ocean"}))
def test_the_default_time_step_of_a_case_is_allowed_at_any_size(name, precision):
    for ny in ROWS if name in PLANES else ROWS[2:]:
        for nx in (1, 2 * ny, 6 * ny):
            for nz in (1, 12) if name in LAYERED and ny < 64 else (1,):
                grid, parameters, state = cases.CASES[name](cells=(nz, ny, nx), precision=precision)
                check_parameters(grid, parameters)
                assert parameters.time_step <= suggested_time_step(grid, parameters, state).time_step, (nz, ny, nx)


@pytest.mark.parametrize("name, cells, time_step", [("baroclinic_channel", (20, 64, 128), 1250.0),
                                                    ("barotropic_gyre", (1, 60, 60), 1200.0),
                                                    ("held_suarez", (20, 64, 128), 9.0e-4 * 6.371229e6 * np.pi / 64)])
def test_a_default_that_is_allowed_stays_what_it_is(name, cells, time_step):
    assert cases.CASES[name](cells=cells)[1].time_step == pytest.approx(time_step, rel=1e-12)


def test_the_global_ocean_chooses_a_step_that_is_allowed(monkeypatch):
    """With seas everywhere: reading the coastlines takes seconds."""
    module = importlib.import_module("dycore.cases.global_ocean")
    monkeypatch.setattr(module, "land_fraction", lambda ny, nx, latitudes: np.zeros((ny, nx)))
    for ny, nx in ((1, 1), (2, 5), (19, 45), (76, 180), (304, 720)):
        grid, parameters, state = module.global_ocean(cells=(2, ny, nx))
        check_parameters(grid, parameters)
        assert parameters.time_step <= suggested_time_step(grid, parameters, state).time_step, (ny, nx)


def test_a_small_channel_starts_without_a_warning(numpy_backend):
    grid, parameters, state = cases.baroclinic_channel(cells=(4, 8, 12))
    assert parameters.time_step == 1800.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Model(grid, parameters, numpy_backend).run(state, steps=2, progress=False)


def test_a_time_step_that_was_asked_for_is_left_as_it_is():
    assert cases.barotropic_gyre(cells=(1, 8, 8), time_step=2300.0)[1].time_step == 2300.0


def test_rotation_counts_as_far_as_there_are_corners():
    grid = rectilinear((1, 4, 6), extent=(6.0e6, 4.0e6), interfaces=uniform(1, -10.0, 0.0), coriolis=0.0, beta=1.0e-11)
    found = dict(limits(grid, Parameters(shallow_water(), time_step=10.0)))
    assert found["rotation"] == pytest.approx(0.72 / (1.0e-11 * 2.0e6), rel=1e-12)  # at the walls, not beyond


def column(y=Boundary.PERIODIC, x=Boundary.PERIODIC, n=1):
    return rectilinear((5, n, 1), extent=(100.0, 100.0 * n), interfaces=uniform(5, -50.0, 0.0), y_boundary=y, x_boundary=x,
                       coriolis=1.0e-4)


@pytest.mark.parametrize("y, x", [(Boundary.PERIODIC, Boundary.PERIODIC), (Boundary.WALL, Boundary.PERIODIC)], ids=str)
def test_waves_that_a_column_cannot_hold_limit_no_step(numpy_backend, y, x):
    """Cells of 100 m would allow 3 s; a column has rotation alone."""
    parameters = Parameters(shallow_water(), time_step=600.0, friction=Mixing(10.0, 10.0), diffusivity=10.0, tracer_names=("dye",))
    grid = column(y, x)
    assert suggested_time_step(grid, parameters) == ("rotation", pytest.approx(0.72e4))
    state = initial_state(grid, surface=0.0, u=1.0, tracers=(np.arange(5.0)[:, None, None],))
    after = Model(grid, parameters, numpy_backend).run(state, steps=20, progress=False)
    assert (after.surface == 0.0).all() and np.isfinite(after.u).all()


def test_waves_along_the_other_direction_and_friction_at_walls_still_do(numpy_backend):
    wave = dict(limits(column(n=4), Parameters(shallow_water(), time_step=1.0)))["external waves"]
    assert wave == pytest.approx(1.78 * 100.0 / 2.0 / (9.80616 * 50.0) ** 0.5, rel=1e-12)
    sticking = Parameters(shallow_water(), time_step=1.0, friction=Mixing(10.0, 10.0, no_slip=True))
    decay = dict(limits(column(y=Boundary.WALL), sticking))["friction"]
    assert decay == pytest.approx(2.0 / (4.0 * 10.0 / 100.0**2), rel=1e-12)
