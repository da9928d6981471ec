"""What is printed can be read: a few lines with extent, schemes and ranges, and no array."""

import numpy as np
import pytest

from dycore import Model, Parameters, cases, initial_state
from dycore.backends import on_numpy
from dycore.closures import Uniform
from dycore.closures import uniform as uniform_mixing
from dycore.equations.steppers import WickerSkamarock
from dycore.equations.vertical_mixing import VerticalMixing
from dycore.fluid import Ocean
from dycore.grid import latitude_longitude, rectilinear
from dycore.vertical import uniform

GRID = rectilinear((2, 8, 10), extent=(1e6, 8e5), interfaces=uniform(2, -400.0, 0.0), coriolis=1e-4)


def test_a_grid_prints_extent_cells_spacing_and_boundaries():
    assert repr(GRID) == """\
Grid of 2 x 8 x 10 cells [k, j, i], float64
  x       0 to 1e+06 m, 10 cells of 100000, periodic
  y       0 to 800000 m, 8 cells of 100000, walls
  levels  2 from -400 to 0, thickness 200 (m, or Pa)"""
    land = np.zeros((8, 12), bool)
    land[2] = True
    sphere = latitude_longitude((2, 8, 12), interfaces=uniform(2, 0.0, 1e5), land=land)
    assert "latitude   -90 to 90 degrees, 8 cells of 22.5, poles" in repr(sphere)
    assert "wet        168 of 192 cells" in repr(sphere)


def test_parameters_print_what_was_chosen():
    stress = (np.full(GRID.cells[1:], 0.1), 0.0)
    text = repr(Parameters(Ocean(gravity=9.8), 600.0, substeps=24, tracer_names=("temperature", "salinity"), surface_stress=stress,
                           stepper=WickerSkamarock()))
    assert "fluid           Ocean(gravity=9.8)" in text
    assert "time step       600 s" in text and "stepper         WickerSkamarock()" in text
    assert "tracer names    temperature, salinity" in text and "tracer face     upwind3" in text
    assert "surface stress  0.1 [8, 10], 0" in text
    assert "polar" not in text and "array" not in text


def test_a_state_prints_the_range_of_its_fields_without_halo():
    u = np.zeros(GRID.cells)
    u[0, 4, 5] = 0.25
    state = initial_state(GRID, surface=0.0, u=u, tracers=(15.0,))
    tracers = state.tracers[0].copy()
    tracers[:, :2] = -999.0  # the halo
    lines = repr(state._replace(tracers=(tracers,))).splitlines()
    assert lines[0] == "State at step 0, 2 x 8 x 10 cells [k, j, i], float64"
    assert lines[1] == "  u         0 to 0.25 m/s eastward, at west faces"
    assert lines[-1] == "  tracer 0  15"


@pytest.mark.parametrize("name", ["baroclinic_channel", "held_suarez", "global_ocean"])
def test_a_model_prints_in_few_lines_and_as_a_table(name):
    small = {"baroclinic_channel": (4, 12, 16), "held_suarez": (4, 16, 32), "global_ocean": (4, 22, 36)}
    model = Model(*getattr(cases, name)(cells=small[name])[:2], on_numpy)
    text = repr(model)
    assert text.startswith("Model of " + " x ".join(map(str, small[name])) + " cells [k, j, i], float64, numpy")
    assert 8 < len(text.splitlines()) < 24 and max(map(len, text.splitlines())) < 160
    assert "array(" not in text and "<function" not in text
    html = model._repr_html_()
    assert html.count("<tr>") == len(text.splitlines()) - 1 and "<th" in html


def test_a_state_that_is_being_compiled_prints_without_values():
    jax = pytest.importorskip("jax")
    state, printed = initial_state(GRID, surface=0.0), []
    jax.jit(lambda state: printed.append(repr(state)) or state.u)(state)
    assert "u        without values here, float" in printed[0]


def test_schemes_of_vertical_mixing_with_profiles_print_their_range():
    mixing = VerticalMixing(uniform_mixing, Uniform(np.linspace(1.0, 4.0, 4), 1e-5))
    assert "Uniform(viscosity=1 to 4 [4], diffusivity=1e-05)" in repr(Parameters(Ocean(), 600.0, vertical_mixing=mixing))
